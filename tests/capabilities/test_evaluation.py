"""Probes of evaluation: the real thing, and what only looks like it."""

from __future__ import annotations

import pytest

from codex_audit.capabilities.evaluation import CAPABILITY
from tests.capabilities.asking import answer_of

YES: list[tuple[str, dict[str, str]]] = [
    (
        "loop",
        {
            "train.py": """\
import torch
@torch.no_grad()
def evaluate(model, loader):
    return sum(model(batch) for batch in loader)
print(evaluate(1, []))
""",
        },
    ),
    (
        "loop",
        {
            "pkg/net.py": """\
import lightning
class Net(lightning.LightningModule):
    def validation_step(self, batch, index):
        self.log("val_loss", self(batch))
""",
        },
    ),
    (
        "loop",
        {
            "train.py": """\
import torch
def main(model, batches):
    model.eval()
    with torch.no_grad():
        for batch in batches:
            model(batch)
    print("test accuracy", 1)
main(torch.nn.Linear(1, 1), [])
""",
        },
    ),
    (
        "metrics",
        {
            "train.py": """\
from sklearn.metrics import f1_score
print(f1_score([1], [1]))
""",
        },
    ),
    (
        "metrics",
        {
            "pkg/measure.py": """\
def exact_match(predicted, expected):
    return float(predicted == expected)
__all__ = ["exact_match"]
""",
        },
    ),
    (
        "metrics",
        {
            "train.py": """\
import math, torch
def report(loss):
    return {"loss": loss, "perplexity": math.exp(loss)}
report(1.0)
""",
        },
    ),
    (
        "metrics",
        {
            "main.py": """\
import torch
def test(model, batches):
    right = sum(model(x).argmax().eq(y).item() for x, y in batches)
    print("Test set: Accuracy: {}/{}".format(right, len(batches)))
test(1, [])
""",
        },
    ),
    (
        "loop",
        {
            "train.py": """\
import optax
def eval_model(apply, test_ds):
    return optax.softmax_cross_entropy(apply(test_ds["x"]), test_ds["y"]).mean()
eval_model(1, {})
""",
        },
    ),
    (
        "records",
        {
            "train.py": """\
import json
def finish(values):
    with open("metrics.json", "w") as stream:
        json.dump(values, stream)
finish({"accuracy": 1.0})
""",
        },
    ),
    (
        "records",
        {
            "train.py": """\
from lightning.pytorch.loggers import CSVLogger
logger = CSVLogger("logs")
""",
        },
    ),
    (
        "tests",
        {
            "pkg/measure.py": """\
def exact_match(predicted, expected):
    return float(predicted == expected)
__all__ = ["exact_match"]
""",
            "tests/test_measure.py": """\
from pkg.measure import exact_match
def test_equal_texts_match():
    assert exact_match("a", "a") == 1.0
""",
        },
    ),
]
NO: list[tuple[str, dict[str, str]]] = [
    (
        "loop",
        {
            "train.py": """\
import torch
def validate_arguments(arguments):
    for argument in arguments:
        print(argument)
def train(model, loader):
    for batch in loader:
        model(batch).backward()
train(torch.nn.Linear(1, 1), [])
""",
        },
    ),
    (
        "loop",
        {
            "pkg/predict.py": """\
import torch
def predict(model, loader):
    model.eval()
    with torch.no_grad():
        return [model(batch) for batch in loader]
__all__ = ["predict"]
""",
        },
    ),
    (
        "metrics",
        {
            "train.py": """\
import torch
def evaluate(model, loader, loss):
    total = 0.0
    for batch in loader:
        total += loss(model, batch).item()
    print("val loss", total)
    # TODO: accuracy
evaluate(1, [], 1)
""",
        },
    ),
    (
        "metrics",
        {
            "pkg/zoo.py": """\
import torch
def resnet_f1():
    return torch.nn.Linear(1, 1)
__all__ = ["resnet_f1"]
""",
        },
    ),
    (
        "records",
        {
            "train.py": """\
import json
from torch.utils.tensorboard import SummaryWriter
writer = SummaryWriter("runs")
writer.add_scalar("accuracy", 1.0)
print(json.dumps({"accuracy": 1.0}))
""",
        },
    ),
    (
        "records",
        {
            "predict.py": """\
import csv
def write(rows):
    with open("predictions.csv", "w") as stream:
        csv.writer(stream).writerows(rows)
write([])
""",
        },
    ),
    (
        "tests",
        {
            "pkg/measure.py": """\
def exact_match(predicted, expected):
    return float(predicted == expected)
__all__ = ["exact_match"]
""",
            "tests/test_measure.py": """\
from pkg.measure import exact_match
def test_it_runs():
    exact_match("a", "a")
""",
        },
    ),
    (
        "tests",
        {
            "pkg/measure.py": """\
def exact_match(predicted, expected):
    return float(predicted == expected)
__all__ = ["exact_match"]
""",
            "tests/test_measure.py": """\
import pytest
from pkg.measure import exact_match
@pytest.mark.skip(reason="slow")
def test_equal_texts_match():
    assert exact_match("a", "a") == 1.0
""",
        },
    ),
]
ALIASED = [
    (
        "metrics",
        """\
import sklearn.metrics
print(sklearn.metrics.accuracy_score([1], [1]))
""",
        """\
from sklearn.metrics import accuracy_score as q
print(q([1], [1]))
""",
    ),
    (
        "records",
        """\
import json
with open("results.json", "w") as f:
    json.dump({}, f)
""",
        """\
from json import dump as q
with open("results.json", "w") as z:
    q({}, z)
""",
    ),
    (
        "loop",
        """\
import torch
def evaluate(model, data):
    model.eval()
evaluate(1, 2)
""",
        """\
import torch as q
def evaluate(x, y):
    x.eval()
evaluate(1, 2)
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


def test_a_running_mean_and_a_metric_s_own_bookkeeping_are_no_metrics() -> None:
    mean = "from torchmetrics.aggregation import RunningMean\nmean = RunningMean(window=3)\n"
    assert answer_of(CAPABILITY, "metrics", {"train.py": mean}).verdict == "no"
    own = """\
import torchmetrics

class Error(torchmetrics.Metric):
    def __init__(self):
        self.add_state("total", 0)
"""
    answer = answer_of(CAPABILITY, "metrics", {"pkg/error.py": own})
    assert [item.line for item in answer.evidence] == [3]
