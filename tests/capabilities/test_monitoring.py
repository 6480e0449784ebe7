"""Probes of logging and monitoring: the real thing, and what only looks like it."""

from __future__ import annotations

import pytest

from codex_audit.capabilities.monitoring import CAPABILITY
from tests.capabilities.asking import answer_of

YES: list[tuple[str, dict[str, str]]] = [
    (
        "logging",
        {
            "pkg/a.py": """\
import logging
log = logging.getLogger(__name__)
def go():
    log.info("started")
__all__ = ["go"]
""",
        },
    ),
    (
        "logging",
        {
            "pkg/log.py": """\
import logging
def make(name):
    return logging.getLogger(name)
""",
            "pkg/a.py": """\
from pkg.log import make
messages = make("pkg")
messages.warning("started")
""",
        },
    ),
    (
        "logging",
        {
            "pkg/app.py": """\
import logging
class App:
    @property
    def messages(self) -> logging.Logger:
        return logging.getLogger("app")
    def run(self):
        self.messages.error("failed")
__all__ = ["App"]
""",
        },
    ),
    (
        "system",
        {
            "train.py": """\
import torch
for step in range(10):
    print("memory", torch.cuda.max_memory_allocated())
""",
        },
    ),
    (
        "system",
        {
            "train.py": """\
import argparse, torch
parser = argparse.ArgumentParser()
parser.add_argument("--profile", action="store_true")
if parser.parse_args().profile:
    with torch.profiler.profile():
        pass
""",
        },
    ),
    (
        "system",
        {
            "pkg/watch.py": """\
import psutil
def usage():
    return psutil.virtual_memory().percent
def report(writer):
    writer.add_scalar("memory", usage(), 0)
__all__ = ["report"]
""",
        },
    ),
    (
        "throughput",
        {
            "train.py": """\
import time
def train(steps, tokens):
    for step in range(steps):
        begin = time.perf_counter()
        spent = time.perf_counter() - begin
        print(f"step {step}: {tokens / spent:.0f} tokens/s")
train(1, 1)
""",
        },
    ),
    (
        "throughput",
        {
            "pkg/speed.py": """\
import wandb
def report(info, size):
    wandb.log({"examples_per_second": size / info.duration})
__all__ = ["report"]
""",
        },
    ),
    (
        "progress",
        {
            "prepare.py": """\
from tqdm import tqdm
for line in tqdm(open("a.txt")):
    pass
""",
        },
    ),
    (
        "progress",
        {
            "train.py": """\
total = 10
for step in range(total):
    print(f"step {step}/{total} ({100 * step / total:.0f}%)")
""",
        },
    ),
]
NO: list[tuple[str, dict[str, str]]] = [
    (
        "logging",
        {
            "pkg/a.py": """\
import logging
logging.getLogger("urllib3").setLevel(logging.ERROR)
print("started")
""",
        },
    ),
    (
        "logging",
        {
            "pkg/a.py": """\
import math
def go(x):
    return math.log(x)
__all__ = ["go"]
""",
        },
    ),
    (
        "system",
        {
            "pkg/offload.py": """\
import psutil
def should_offload(limit):
    return psutil.virtual_memory().available < limit
__all__ = ["should_offload"]
""",
        },
    ),
    (
        "system",
        {
            "pkg/watch.py": """\
import psutil
def _usage():
    print(psutil.virtual_memory().percent)
""",
        },
    ),
    (
        "throughput",
        {
            "train.py": """\
import time
begin = time.time()
print("took", time.time() - begin)
tokens_per_second = 0  # TODO
""",
        },
    ),
    (
        "throughput",
        {
            "generate.py": """\
import time
def generate(n):
    begin = time.time()
    print(f"{n / (time.time() - begin)} tokens/s")
generate(1)
""",
        },
    ),
    (
        "progress",
        {
            "train.py": """\
from tqdm import tqdm
for step in range(10):
    print("step", step)
""",
        },
    ),
    (
        "progress",
        {
            "pkg/a.py": """\
def check(left):
    if left:
        raise ValueError(f"samples remaining: {left}")
__all__ = ["check"]
""",
        },
    ),
]
ALIASED = [
    (
        "logging",
        """\
import logging
log = logging.getLogger()
log.info("a")
""",
        """\
from logging import getLogger as q
z = q()
z.info("a")
""",
    ),
    (
        "progress",
        """\
import tqdm
for x in tqdm.tqdm([1]):
    pass
""",
        """\
from tqdm.auto import tqdm as q
for z in q([1]):
    pass
""",
    ),
    (
        "system",
        """\
import torch
print(torch.cuda.memory_allocated())
""",
        """\
from torch import cuda as q
print(q.memory_allocated())
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
