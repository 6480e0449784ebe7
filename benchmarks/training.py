"""How fast the engine trains, as a share of the speed of the loop that everybody writes by hand, in the same run.

    python -m benchmarks.training CORPUS [--rounds 3] [--threads 1] [--write docs/benchmarks.md]

Every engine runs in a process of its own, in turn. Exit 1 when losses or weights are not those by hand, to the bit.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.document import add_write, count, finish, note, table
from benchmarks.machine import machine_lines
from benchmarks.training_run import ENGINES, SIZES

STEPS = {"tiny": 2000, "small": 40}
FIRST = next(iter(ENGINES))


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one engine: the quick tenth of its steps and their processor time in ms, time to the first step in s, peak
    memory in MB, and what came out."""

    quick: float
    processor: float
    first: float
    memory: float
    bits: tuple[str, str]


def figures(runs: Sequence[Mapping[str, Any]]) -> Figures:
    """The best of ``runs``, each of which is a line of ``training_run``."""
    return Figures(
        quick=min(_tenth(run["wall"]) for run in runs) * 1e3,
        processor=min(statistics.median(_steps(run["processor"])) for run in runs) * 1e3,
        first=min(run["first"] for run in runs),
        memory=min(run["memory"] for run in runs),
        bits=(runs[0]["losses"], runs[0]["weights"]),
    )


def measure(size: str, corpus: Path, rounds: int, threads: int) -> dict[str, Figures]:
    """The figures of every engine; each round begins at the other end, so that whatever disturbs meets all of them."""
    runs: dict[str, list[Mapping[str, Any]]] = {name: [] for name in ENGINES}
    for number in range(rounds):
        note(f"{size}: round {number + 1} of {rounds}")
        for name in list(ENGINES)[:: -1 if number % 2 else 1]:
            runs[name].append(_run(name, size, corpus, threads))
    return {name: figures(found) for name, found in runs.items()}


def report(found: Mapping[str, Mapping[str, Figures]], threads: int) -> Iterator[str]:
    """A table a size, as Markdown."""
    for size, engines in found.items():
        hand = engines[FIRST]
        layers, width, _, context, batch = SIZES[size]
        model = f"{layers} layers of {width}, {batch} x {context} tokens a step"
        yield f"`{size}`: {model}, {STEPS[size]} steps, threads: {threads}\n"
        yield table(
            ("engine", "ms a step", "speed", "speed by processor time", "first step s", "MB", "same bits"),
            (
                (
                    name,
                    f"{one.quick:.3f}",
                    f"{hand.quick / one.quick:.3f}",
                    f"{hand.processor / one.processor:.3f}",
                    f"{one.first:.2f}",
                    f"{one.memory:.0f}",
                    "yes" if one.bits == hand.bits else "no",
                )
                for name, one in engines.items()
            ),
        )


def _run(name: str, size: str, corpus: Path, threads: int) -> Mapping[str, Any]:
    command = [sys.executable, "-m", "benchmarks.training_run", name, str(corpus)]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "HF_HUB_OFFLINE": "1"}
    ended = subprocess.run(
        [*command, "--size", size, "--steps", str(STEPS[size])],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        raise SystemExit(f"{name} failed:\n{ended.stderr[-2000:]}")
    found: Mapping[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return found


def _steps(moments: Sequence[float]) -> list[float]:
    """Seconds of each step, without the first ones, which warm up."""
    return [after - before for before, after in pairwise(moments[5:])]


def _tenth(moments: Sequence[float]) -> float:
    ordered = sorted(_steps(moments))
    return ordered[len(ordered) // 10]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path, help="a text of some megabytes")
    parser.add_argument("--rounds", type=count, default=3)
    parser.add_argument("--threads", type=count, default=1)
    add_write(parser)
    arguments = parser.parse_args()
    lines = [*machine_lines(arguments.threads)]
    found = {
        size: measure(size, arguments.corpus, arguments.rounds, arguments.threads)
        for size in ("tiny", "small")
    }
    text = "\n".join(("Measured on\n", *lines, "", *report(found, arguments.threads)))
    finish("training", text, arguments.write)
    same = all(engines["codex-train"].bits == engines[FIRST].bits for engines in found.values())
    return 0 if same else 1


if __name__ == "__main__":
    raise SystemExit(main())
