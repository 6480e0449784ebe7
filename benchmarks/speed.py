"""How long an audit takes and how much memory, as multiples of other programs on the same tree in the same run.

    python -m benchmarks.speed TREE [--repeat 5] [--jobs 2] [--write docs/benchmarks.md]

Works on a copy of TREE. Every command runs once a round, and the best of all rounds counts. Exit 1 when an audit that
remembers gives other verdicts than one that does not.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.document import add_write, count, finish, folder, note, table
from benchmarks.edits import Edit, widest_edit
from benchmarks.figures import ratio
from benchmarks.machine import machine_lines
from benchmarks.processes import Cost, Memory, Task, interleaved, timed, watched
from benchmarks.programs import NO_CACHE, Programs, beside_python

COLD, EMPTY, WARM = "audit, no cache", "audit, empty cache", "audit, warm"
COMMENT, STATEMENT = "audit, a comment added", "audit, a statement added"
PARSE, RUFF, RUFF_WARM = "ast parse and walk", "ruff E9, no cache", "ruff E9, warm"
VERSION, PASS = "codex-audit --version", "python -c pass"
LINES = {COMMENT: "# touched {}", STATEMENT: "_touched = {}"}
STARTS = 5  # short commands run so many times a round

# What is compared with what, and the multiple of it that is aimed at for a tree of some 3,000 files.
COMPARED: tuple[tuple[str, str, float], ...] = (
    (COLD, PARSE, 1.5),
    (EMPTY, PARSE, 1.5),
    (COLD, RUFF, 10),
    (EMPTY, RUFF, 10),
    (WARM, RUFF_WARM, 15),
    (COMMENT, RUFF_WARM, 20),
    (STATEMENT, RUFF_WARM, 20),
    (VERSION, PASS, 8),
)
WATCHED = (COLD, EMPTY, PARSE)


@dataclass(frozen=True, slots=True)
class Found:
    """What a run measured. ``same`` says of each way to run whether its verdicts are those of a run without cache."""

    costs: Mapping[str, Sequence[Cost]]
    memory: Mapping[str, Memory]
    same: Mapping[str, bool]
    edited: str


def measure(programs: Programs, repeat: int) -> Found:
    """Everything, on the copy that ``programs`` works on, which is left as it was."""
    note("reading the tree once")
    for command in (programs.audit(COLD, *NO_CACHE), programs.audit(WARM, *programs.remembering)):
        timed(command, programs.environment)
    timed(programs.ruff_remembering, programs.environment)
    files = programs.python_files(COLD)
    path, importers, edit = widest_edit(programs.tree, files)
    tasks = tasks_of(programs, edit)
    note(f"{repeat} rounds of {len(tasks)} commands")
    costs = interleaved(tasks, repeat, programs.environment)
    costs |= interleaved(_starts(), repeat * STARTS, programs.environment)
    note("memory")
    memory = _memory([task for task in tasks if task.name in WATCHED], repeat, programs)
    note("verdicts")
    same = {WARM: programs.verdicts(WARM) == programs.verdicts(COLD)}
    same |= {kind: same_verdicts(programs, edit, kind, repeat) for kind in LINES}
    return Found(costs, memory, same, f"{path}, which {importers} of {len(files)} Python files import")


def tasks_of(programs: Programs, edit: Edit) -> list[Task]:
    """The commands of a round. Each finds the tree as it was, or with a line in it that no earlier run has seen."""

    def original(_: int) -> None:
        edit.restore()

    def anew(_: int) -> None:
        edit.restore()
        programs.forget()

    def edited(kind: str) -> Task:
        command = programs.audit(kind, *programs.remembering)
        return Task(kind, command, lambda number: edit.apply(LINES[kind].format(number)))

    return [
        Task(COLD, programs.audit(COLD, *NO_CACHE), original),
        Task(EMPTY, programs.audit(EMPTY, *programs.anew), anew),
        Task(PARSE, programs.parse_walk(COLD), original),
        Task(RUFF, programs.ruff(*NO_CACHE), original),
        Task(WARM, programs.audit(WARM, *programs.remembering), original),
        Task(RUFF_WARM, programs.ruff_remembering, original),
        *map(edited, LINES),
    ]


def same_verdicts(programs: Programs, edit: Edit, kind: str, number: int) -> bool:
    """Whether an audit of the edited tree that remembers the original gives the verdicts of one without cache."""
    edit.apply(LINES[kind].format(number))
    try:
        timed(programs.audit(kind, *programs.remembering), programs.environment)
        timed(programs.audit("check", *NO_CACHE), programs.environment)
    finally:
        edit.restore()
    return programs.verdicts(kind) == programs.verdicts("check")


def report(found: Found) -> Iterator[str]:
    """The three tables and what was checked, as Markdown."""
    walls = {name: [cost.wall for cost in costs] for name, costs in found.costs.items()}
    yield table(
        ("measured", "best s", "against", "best s", "ratio", "aim"),
        (
            (
                name,
                _seconds(min(walls[name])),
                other,
                _seconds(min(walls[other])),
                *_judged(walls, name, other, limit),
            )
            for name, other, limit in COMPARED
        ),
    )
    yield table(
        ("command", "best s", "median s", "worst s", "processor s", "runs"),
        (_row(name, costs, walls[name]) for name, costs in found.costs.items()),
    )
    yield table(
        ("peak memory of all processes at once", "PSS MB", "RSS MB", "samples"),
        (
            (name, f"{memory.pss / 1e6:.0f}", f"{memory.rss / 1e6:.0f}", str(memory.samples))
            for name, memory in found.memory.items()
        ),
    )
    yield f"The line was added to {found.edited}.\n"
    yield "\n".join(
        f"- {name}: its verdicts {'are' if same else 'ARE NOT'} those of a run without cache"
        for name, same in found.same.items()
    )


def _judged(walls: Mapping[str, Sequence[float]], name: str, other: str, limit: float) -> tuple[str, str]:
    found = ratio(walls[name], walls[other])
    return f"{found:.2f}", f"{limit:g}{'' if found <= limit else ' (missed)'}"


def _row(name: str, costs: Sequence[Cost], walls: Sequence[float]) -> tuple[str, ...]:
    least = min(cost.cpu for cost in costs)
    figures = (min(walls), statistics.median(walls), max(walls), least)
    return (name, *map(_seconds, figures), str(len(costs)))


def _seconds(value: float) -> str:
    return f"{value:.3f}"


def _starts() -> list[Task]:
    return [
        Task(VERSION, (beside_python("codex-audit"), "--version")),
        Task(PASS, (sys.executable, "-c", "pass")),
    ]


def _memory(tasks: Sequence[Task], repeat: int, programs: Programs) -> dict[str, Memory]:
    """The highest peak of each task, in runs of their own: looking at memory takes time."""
    peaks = {task.name: Memory() for task in tasks}
    for number in range(repeat):
        for task in tasks:
            task.before(number)
            peaks[task.name] = peaks[task.name].peak(watched(task.command, programs.environment))
    return peaks


def main() -> int:
    """Measure, print, write if asked; 1 when verdicts differ."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tree", type=folder, metavar="TREE")
    parser.add_argument("--repeat", type=count, default=5, metavar="N", help="rounds (default: 5)")
    parser.add_argument("--jobs", type=count, default=2, metavar="N", help="processes (default: 2)")
    add_write(parser)
    arguments = parser.parse_args()
    machine = "\n".join(machine_lines(arguments.jobs))
    with tempfile.TemporaryDirectory() as temporary:
        copy = Path(temporary) / "trees" / arguments.tree.resolve().name
        shutil.copytree(arguments.tree, copy, symlinks=True)
        scratch = Path(temporary) / "scratch"
        scratch.mkdir()
        found = measure(Programs(copy, scratch, arguments.jobs), arguments.repeat)
    text = "\n".join((f"`{copy.name}`, measured on\n", machine + "\n", *report(found)))
    finish("speed", text, arguments.write)
    return 0 if all(found.same.values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
