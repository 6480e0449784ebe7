"""How fast the engine trains, as a share of the speed of the loop that everybody writes by hand, in the same run.

    python -m benchmarks.training CORPUS [--rounds 3] [--threads 1] [--write docs/benchmarks.md]

Every engine runs in a process of its own. The processes take turns, a step each of the small model and fifty of the
tiny one, so that whatever disturbs the machine meets all of them. The speed is that of the same step by hand, at the
median.
Exit 1 when losses or weights are not those by hand, to the bit.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.document import add_write, count, finish, note, table
from benchmarks.machine import machine_lines
from benchmarks.training_processes import STEPS, Job, Run, run_by_turns
from benchmarks.training_run import ENGINES, SIZES

WARM = 5  # steps that are left out
FIRST = next(iter(ENGINES))


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one engine: the quick tenth of its steps in ms, its speed and that by processor time as shares of the loop by
    hand, time to the first step in s, peak memory in MB, and what came out."""

    quick: float
    speed: float
    processor: float
    first: float
    memory: float
    bits: tuple[str, str]


def figures(runs: Sequence[Run], hand: Sequence[Run]) -> Figures:
    """Of the ``runs`` of one engine, beside those by ``hand``."""
    return Figures(
        quick=min(map(_tenth, runs)) * 1e3,
        speed=_paired(runs, hand, "wall"),
        processor=_paired(runs, hand, "processor"),
        first=min(run["first"] for run in runs),
        memory=min(run["memory"] for run in runs),
        bits=(runs[0]["losses"], runs[0]["weights"]),
    )


def measure(size: str, corpus: Path, rounds: int, threads: int) -> dict[str, Figures]:
    """The figures of every engine; each round begins at the other end."""
    runs: dict[str, list[Run]] = {name: [] for name in ENGINES}
    for number in range(rounds):
        note(f"{size}: round {number + 1} of {rounds}")
        jobs = [Job(name, size, corpus, threads) for name in list(ENGINES)[:: -1 if number % 2 else 1]]
        for job, run in zip(jobs, run_by_turns(jobs), strict=True):
            runs[job.engine].append(run)
    return {name: figures(found, runs[FIRST]) for name, found in runs.items()}


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
                    f"{one.speed:.3f}",
                    f"{one.processor:.3f}",
                    f"{one.first:.2f}",
                    f"{one.memory:.0f}",
                    "yes" if one.bits == hand.bits else "no",
                )
                for name, one in engines.items()
            ),
        )


def _tenth(run: Run) -> float:
    ordered = sorted(run["wall"][WARM:])
    return float(ordered[len(ordered) // 10])


def _paired(runs: Sequence[Run], hand: Sequence[Run], key: str) -> float:
    """The median over all steps of what the same one by hand took, as a share of the step of the engine."""
    ratios = (
        by_hand / step
        for run, other in zip(runs, hand, strict=True)
        for step, by_hand in zip(run[key][WARM:], other[key][WARM:], strict=True)
    )
    return float(statistics.median(ratios))


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
    text = "\n".join(("## Training\n\nMeasured on\n", *lines, "", *report(found, arguments.threads)))
    finish("training", text, arguments.write)
    same = all(engines["codex-train"].bits == engines[FIRST].bits for engines in found.values())
    return 0 if same else 1


if __name__ == "__main__":
    raise SystemExit(main())
