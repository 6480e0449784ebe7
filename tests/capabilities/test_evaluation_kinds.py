"""Evaluation without gradients to switch off, metrics that are classes, records by a harness: with look-alikes."""

from __future__ import annotations

import pytest

from codex_audit.capabilities.evaluation import CAPABILITY
from tests.capabilities.asking import answer_of, exported

ROLLOUTS = """\
import jax


def {name}(policy, key):
    states = jax.jit(policy)(key)
    return {{"{prefix}reward_mean": states.mean(), "{prefix}length": states.shape[0]}}
"""
EVALUATOR = """\
import torch


class {name}:
    def __init__(self):
        self.total, self.hits = 0, 0

    def update(self, output, target):
        self.hits += (output == target).sum()
        self.total += target.numel()

    def compute(self):
        return {body}
"""
TESTED = """\
from pkg.scores import TopEvaluator


def test_scores():
    scores = TopEvaluator()
    scores.update(1, 1)
    assert scores.compute() is not None
"""
HARNESS = """\
import json
from pathlib import Path

import lm_eval


def main(model, folder):
    results = lm_eval.simple_evaluate(model=model)
    {write}
"""
CLASS_RECORDS = """\
import csv


class {name}:
    def __init__(self, name):
        self.file = name + "{file}"

    def __call__(self, rows):
        with open(self.file, "w") as handle:
            csv.writer(handle).writerows(rows)
"""

YES: list[tuple[str, dict[str, str]]] = [
    ("loop", {"pkg/acting.py": ROLLOUTS.format(name="run_evaluation", prefix="eval/")}),
    ("metrics", {"pkg/scores.py": EVALUATOR.format(name="TopEvaluator", body="self.hits / self.total")}),
    (
        "metrics",
        {
            "pkg/scores.py": """\
import torch


def summary(output, target):
    hits = (output.argmax(-1) == target).float().mean()
    return dict(top1=hits)
""",
        },
    ),
    (
        "tests",
        {
            "pkg/scores.py": EVALUATOR.format(name="TopEvaluator", body="self.hits / self.total"),
            "tests/test_scores.py": TESTED,
        },
    ),
    (
        "records",
        {"pkg/run.py": HARNESS.format(write="Path(folder).write_text(json.dumps(results['results']))")},
    ),
    ("records", {"pkg/pairs.py": CLASS_RECORDS.format(name="PairEvaluator", file=".csv")}),
    ("records", {"pkg/pairs.py": CLASS_RECORDS.format(name="Pairs", file="_results.csv")}),
]
NO: list[tuple[str, dict[str, str]]] = [
    ("loop", {"pkg/acting.py": ROLLOUTS.format(name="collect", prefix="eval/")}),
    ("loop", {"pkg/acting.py": ROLLOUTS.format(name="run_evaluation", prefix="")}),
    ("metrics", {"pkg/scores.py": EVALUATOR.format(name="Meter", body="self.hits")}),
    (
        "metrics",
        {"pkg/scores.py": "import torch\n\n\ndef summary(losses):\n    return dict(loss=losses.mean())\n"},
    ),
    (
        "tests",
        {
            "pkg/scores.py": EVALUATOR.format(name="TopEvaluator", body="self.hits / self.total"),
            "tests/test_scores.py": "from pkg import scores\n\n\ndef test_it():\n    assert scores\n",
        },
    ),
    ("records", {"pkg/run.py": HARNESS.format(write="print(json.dumps(results['results']))")}),
    ("records", {"pkg/pairs.py": CLASS_RECORDS.format(name="Pairs", file="_pairs.csv")}),
]


@pytest.mark.parametrize(("probe", "files"), YES)
def test_the_real_thing_counts(probe: str, files: dict[str, str]) -> None:
    answer = answer_of(CAPABILITY, probe, exported(files))
    assert answer.verdict == "yes", answer


@pytest.mark.parametrize(("probe", "files"), NO)
def test_its_look_alike_does_not(probe: str, files: dict[str, str]) -> None:
    answer = answer_of(CAPABILITY, probe, exported(files))
    assert answer.verdict == "no", answer
