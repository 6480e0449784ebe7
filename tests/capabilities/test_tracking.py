"""Probes of experiment tracking: the real thing, and what only looks like it."""

from __future__ import annotations

import pytest

from codex_audit.capabilities.tracking import CAPABILITY
from tests.capabilities.asking import answer_of

YES: list[tuple[str, dict[str, str]]] = [
    (
        "backend",
        {
            "train.py": """\
from torch.utils.tensorboard import SummaryWriter
writer = SummaryWriter("runs")
writer.add_scalar("loss", 1.0, 0)
""",
        },
    ),
    (
        "backend",
        {
            "pkg/loggers.py": """\
from composer.loggers import WandBLogger
LOGGERS = {}
def register(name, maker):
    LOGGERS[name] = maker
register("wandb", WandBLogger)
""",
        },
    ),
    (
        "backend",
        {
            "train.py": """\
from transformers import Trainer, TrainingArguments
trainer = Trainer(model=1, args=TrainingArguments("out"))
trainer.train()
""",
        },
    ),
    (
        "offline",
        {
            "train.py": """\
import argparse, wandb
parser = argparse.ArgumentParser()
parser.add_argument("--tracking")
wandb.init(mode=parser.parse_args().tracking)
""",
        },
    ),
    (
        "offline",
        {
            "train.py": """\
from lightning.pytorch.loggers import CSVLogger
logger = CSVLogger("logs")
""",
        },
    ),
    (
        "config",
        {
            "train.py": """\
import mlflow
with mlflow.start_run():
    mlflow.log_params({"lr": 0.1})
""",
        },
    ),
    (
        "config",
        {
            "pkg/net.py": """\
import lightning
class Net(lightning.LightningModule):
    def __init__(self, width):
        super().__init__()
        self.save_hyperparameters()
""",
        },
    ),
    (
        "config",
        {
            "train.py": """\
from torch.utils.tensorboard import SummaryWriter
writer = SummaryWriter("runs")
writer.add_text("hyperparameters", "lr 0.1")
""",
        },
    ),
]
NO: list[tuple[str, dict[str, str]]] = [
    (
        "backend",
        {
            "train.py": '''\
import wandb
"""wandb.init() is called by hand."""
print("no tracking yet")
''',
        },
    ),
    (
        "backend",
        {
            "tests/test_train.py": """\
import wandb
def test_it():
    wandb.init()
    assert wandb.run
""",
            "train.py": """\
print(1)
""",
        },
    ),
    (
        "backend",
        {
            "train.py": """\
from transformers import TrainingArguments
arguments = TrainingArguments("out", report_to="none")
""",
        },
    ),
    (
        "backend",
        {
            "pkg/check.py": """\
from lightning.pytorch.loggers import WandbLogger
def is_ours(logger):
    return isinstance(logger, WandbLogger)
__all__ = ["is_ours"]
""",
        },
    ),
    (
        "offline",
        {
            "train.py": """\
import wandb
wandb.init(project="p", mode="disabled")
""",
        },
    ),
    (
        "config",
        {
            "train.py": """\
import wandb
wandb.init(project="p", name="lr-0.1")
config = {"lr": 0.1}
""",
        },
    ),
]
ROWS = """\
import csv
import wandb


def update_summary(row, path):
    wandb.log(row)
    with open(path, "a") as out:
        csv.DictWriter(out, fieldnames=row.keys()).writerow(row)


update_summary({}, "summary.csv")
"""
APART = (
    ROWS.replace("    with open", "\n\ndef write_table(row, path):\n    with open")
    + 'write_table({}, "a.csv")\n'
)
YES.append(("offline", {"train.py": ROWS}))
NO.append(("offline", {"train.py": APART}))
ALIASED = [
    (
        "backend",
        """\
import wandb
run = wandb.init()
""",
        """\
import wandb as q
z = q.init()
""",
    ),
    (
        "config",
        """\
import mlflow
mlflow.log_params({})
""",
        """\
from mlflow import log_params as q
q({})
""",
    ),
]


@pytest.mark.parametrize(("probe", "files"), YES)
def test_the_real_thing_counts(probe: str, files: dict[str, str]) -> None:
    answer = answer_of(CAPABILITY, probe, files)
    assert answer.verdict == "yes", answer
    assert {item.path for item in answer.evidence} <= set(files)


@pytest.mark.parametrize(("probe", "files"), NO)
def test_its_look_alike_does_not(probe: str, files: dict[str, str]) -> None:
    answer = answer_of(CAPABILITY, probe, files)
    assert answer.verdict == "no", answer


@pytest.mark.parametrize(("probe", "plain", "aliased"), ALIASED)
def test_other_names_for_imports_and_locals_change_nothing(probe: str, plain: str, aliased: str) -> None:
    answers = [answer_of(CAPABILITY, probe, {"train.py": source}) for source in (plain, aliased)]
    assert [item.verdict for item in answers] == ["yes", "yes"]
    assert answers[0].evidence[0].line == answers[1].evidence[0].line


def test_every_probe_has_both_sides() -> None:
    every = {probe.id.partition(".")[2] for probe in CAPABILITY.probes}
    assert {probe for probe, _ in YES} == {probe for probe, _ in NO} == every
