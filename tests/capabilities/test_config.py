"""Probes of configuration: the real thing, and what only looks like it."""

from __future__ import annotations

import pytest

from codex_audit.capabilities.config import CAPABILITY
from tests.capabilities.asking import answer_of

YES: list[tuple[str, dict[str, str]]] = [
    (
        "file",
        {
            "train.py": """\
import argparse, yaml
parser = argparse.ArgumentParser()
parser.add_argument("--config")
options = parser.parse_args()
settings = yaml.safe_load(open(options.config))
""",
        },
    ),
    (
        "file",
        {
            "train.py": """\
import hydra
@hydra.main(config_path="conf", config_name="base", version_base=None)
def main(cfg):
    print(cfg.lr)
main()
""",
        },
    ),
    (
        "file",
        {
            "configurator.py": """\
import sys
lr = 1.0
def apply(config_file):
    exec(open(config_file).read())
apply(sys.argv[1])
""",
        },
    ),
    (
        "file",
        {
            "pkg/settings.py": """\
import tomllib
def load_settings(path):
    with open(path, "rb") as stream:
        return tomllib.load(stream)
__all__ = ["load_settings"]
""",
        },
    ),
    (
        "file",
        {
            "train.py": """\
import sys
lr = 0.1
exec(open(sys.argv[1]).read())
""",
        },
    ),
    (
        "override",
        {
            "train.py": """\
import click
@click.command()
@click.option("--lr", default=0.1)
def main(lr):
    print(lr)
main()
""",
        },
    ),
    (
        "override",
        {
            "train.py": """\
import sys
for argument in sys.argv[1:]:
    key, value = argument.split("=")
    print(key, value)
""",
        },
    ),
    (
        "schema",
        {
            "train.py": """\
from dataclasses import dataclass
from transformers import HfArgumentParser
@dataclass
class Arguments:
    lr: float = 0.1
arguments = HfArgumentParser(Arguments).parse_args_into_dataclasses()
""",
        },
    ),
    (
        "schema",
        {
            "pkg/options.py": """\
from dataclasses import dataclass
@dataclass
class TrainConfig:
    lr: float = 0.1
    steps: int = 1
    def __post_init__(self):
        if self.lr <= 0:
            raise ValueError("lr")
        if self.steps <= 0:
            raise ValueError("steps")
""",
        },
    ),
    (
        "schema",
        {
            "pkg/options.py": """\
from pydantic import BaseModel
class TrainSettings(BaseModel):
    lr: float = 0.1
""",
        },
    ),
    (
        "sweep",
        {
            "tune.py": """\
import optuna
study = optuna.create_study()
study.optimize(lambda trial: trial.suggest_float("lr", 0, 1), n_trials=10)
""",
        },
    ),
    (
        "sweep",
        {
            "sweeps/lr.yaml": """\
method: bayes
metric: {name: loss, goal: minimize}
parameters:
  lr: {min: 0.0001, max: 0.1}
""",
            "train.py": """\
print(1)
""",
        },
    ),
    (
        "saved",
        {
            "train.py": """\
import argparse, json
arguments = argparse.ArgumentParser().parse_args()
with open("out/run.json", "w") as stream:
    json.dump(vars(arguments), stream)
""",
        },
    ),
    (
        "saved",
        {
            "train.py": """\
import torch
config = {"lr": 0.1}
def save(model, path):
    torch.save({"model": model.state_dict(), "config": config}, path)
save(1, "a.pt")
""",
        },
    ),
    (
        "saved",
        {
            "train.py": """\
import wandb
settings = {"lr": 0.1}
wandb.init(project="p", config=settings)
""",
        },
    ),
]
NO: list[tuple[str, dict[str, str]]] = [
    (
        "file",
        {
            "train.py": '''\
import yaml
# settings = yaml.safe_load(open(config))
"""Reads config.yaml."""
lr = 0.1
print(yaml, lr)
''',
        },
    ),
    (
        "file",
        {
            "pkg/model.py": """\
import json, torch
class Net(torch.nn.Module):
    @classmethod
    def from_pretrained(cls, config_path):
        return cls(**json.load(open(config_path)))
""",
        },
    ),
    (
        "file",
        {
            "pkg/vae.py": """\
import torch
from omegaconf import OmegaConf
class Vae(torch.nn.Module):
    def __init__(self, vae_config_path):
        super().__init__()
        self.sizes = OmegaConf.load(vae_config_path)
""",
        },
    ),
    (
        "file",
        {
            "build.py": """\
names = {}
exec(open("pkg/version.py").read(), names)
""",
        },
    ),
    (
        "override",
        {
            "pkg/train.py": '''\
import argparse
def train(lr=0.1):
    """Use argparse.ArgumentParser to call this."""
    return lr
__all__ = ["train"]
''',
        },
    ),
    (
        "override",
        {
            "setup.py": """\
import argparse
argparse.ArgumentParser().parse_args()
""",
            "pkg/a.py": """\
def go(): return 1
__all__ = ["go"]
""",
        },
    ),
    (
        "override",
        {
            "scripts/release.py": """\
import argparse, subprocess
argparse.ArgumentParser().parse_args()
subprocess.run(["git", "tag"])
""",
            "pkg/a.py": """\
def go(): return 1
__all__ = ["go"]
""",
        },
    ),
    (
        "schema",
        {
            "train.py": """\
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float)
options = parser.parse_args()
assert options.lr > 0
""",
        },
    ),
    (
        "schema",
        {
            "pkg/api.py": """\
from pydantic import BaseModel
class Answer(BaseModel):
    text: str
""",
        },
    ),
    (
        "sweep",
        {
            "train.py": """\
import optuna
# study = optuna.create_study()
lr = 0.1  # found by a sweep
print(optuna, lr)
""",
        },
    ),
    (
        "sweep",
        {
            "rpc.yaml": """\
method: grid
name: a
""",
            "train.py": """\
print(1)
""",
        },
    ),
    (
        "saved",
        {
            "train.py": """\
import argparse
arguments = argparse.ArgumentParser().parse_args()
print(vars(arguments))
""",
        },
    ),
    (
        "saved",
        {
            "train.py": """\
import torch
def save(optimizer, path):
    torch.save({"opt": optimizer.state_dict()}, path)
save(1, "a.pt")
""",
        },
    ),
]
ALIASED = [
    (
        "override",
        """\
import argparse
parser = argparse.ArgumentParser()
parser.parse_args()
""",
        """\
import argparse as q
z = q.ArgumentParser()
z.parse_args()
""",
    ),
    (
        "saved",
        """\
import json
args = {"lr": 1}
with open("config.json", "w") as f:
    json.dump(args, f)
""",
        """\
from json import dump as d
x = {"lr": 1}
with open("config.json", "w") as y:
    d(x, y)
""",
    ),
    (
        "sweep",
        """\
import optuna
study = optuna.create_study()
""",
        """\
from optuna import create_study as q
z = q()
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
