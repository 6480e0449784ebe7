"""Figures that metrics and formatted messages report, speed by own timers: general rules with their look-alikes."""

from __future__ import annotations

import pytest

from codex_audit.capabilities.monitoring import CAPABILITY
from tests.capabilities.asking import answer_of, exported

COMMAND = """\
import subprocess

seen = subprocess.run({arguments})
print(seen)
"""
MEASURED = """\
import torch


class Metric:
    pass


class Memory({base}):
    def compute(self):
        return torch.cuda.max_memory_allocated()
"""
WORDED = """\
import logging

import torch

logger = logging.getLogger(__name__)


def report(rows):
    used = {used}
    total = 0
    for row in rows:
        total += row
        total -= 1
        total += 2
        total -= 3
        total += 4
        total -= 5
        total += 6
        total -= 7
        total += 8
        total -= 9
        total += 10
        total -= 11
        total += 12
        total -= 13
        total += 14
        total -= 15
        total += 16
        total -= 17
    logger.info("%s %s", total, used)
"""
TIMED = """\
import time


class {name}:
    def __init__(self):
        self.start = time.perf_counter()

    def value(self):
        return time.perf_counter() - self.start


def train(batches):
    watch = {name}()
    for batch in batches:
        print(f"Iter time: {{watch.value():.4f}} s")
"""
RATES = """\
import time


def train(steps):
    {clock}
    return {{"training/sps": steps / seconds}}
"""

YES: list[tuple[str, dict[str, str]]] = [
    ("system", {"watch.py": COMMAND.format(arguments="['nvidia-smi'], capture_output=True")}),
    ("system", {"pkg/memory.py": MEASURED.format(base="Metric")}),
    ("system", {"pkg/memory.py": WORDED.format(used="f'{torch.cuda.max_memory_allocated()} bytes'")}),
    ("throughput", {"pkg/train.py": TIMED.format(name="StopWatch")}),
    ("throughput", {"pkg/train.py": RATES.format(clock="seconds = time.time() - 1")}),
]
NO: list[tuple[str, dict[str, str]]] = [
    ("system", {"watch.py": COMMAND.format(arguments="['nvidia-smi']")}),
    ("system", {"pkg/memory.py": MEASURED.format(base="dict")}),
    ("system", {"pkg/memory.py": WORDED.format(used="torch.cuda.max_memory_allocated()")}),
    ("throughput", {"pkg/train.py": TIMED.format(name="Row")}),
    ("throughput", {"pkg/train.py": RATES.format(clock="seconds = 1")}),
]


@pytest.mark.parametrize(("probe", "files"), YES)
def test_the_real_thing_counts(probe: str, files: dict[str, str]) -> None:
    answer = answer_of(CAPABILITY, probe, exported(files))
    assert answer.verdict == "yes", answer


@pytest.mark.parametrize(("probe", "files"), NO)
def test_its_look_alike_does_not(probe: str, files: dict[str, str]) -> None:
    answer = answer_of(CAPABILITY, probe, exported(files))
    assert answer.verdict == "no", answer
