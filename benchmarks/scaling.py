"""How the cost of an audit grows with the number of files.

    python -m benchmarks.scaling TREE [--sizes 1000 5000 20000 50000] [--repeat 2] [--verbatim] [--write FILE]

Makes trees of copies of TREE's files in a temporary folder ($TMPDIR), one after the other, and prints seconds, also by
1,000 files, peak memory, and the exponent k of growth as files to the power of k; 1 is linear.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.copies import Source, read_source, write_copies
from benchmarks.document import add_write, count, finish, folder, note, table
from benchmarks.figures import exponent
from benchmarks.machine import machine_lines
from benchmarks.processes import Memory, Task, interleaved, timed, watched
from benchmarks.programs import NO_CACHE, Programs

COLD, WARM, PARSE = "audit, no cache", "audit, warm", "ast parse and walk"
SIZES = (1_000, 5_000, 20_000, 50_000)


@dataclass(frozen=True, slots=True)
class Size:
    """What one tree cost: the best seconds of each command, and the peak memory of an audit without cache."""

    files: int
    size: int
    seconds: dict[str, float]
    memory: Memory


def measure(source: Source, files: int, arguments: argparse.Namespace) -> Size:
    """Make a tree of so many files, measure, remove it."""
    note(f"{files} files: writing them")
    with tempfile.TemporaryDirectory() as temporary:
        tree, scratch = Path(temporary) / "tree", Path(temporary) / "scratch"
        scratch.mkdir()
        size = write_copies(source, tree, files, arguments.verbatim)
        programs = Programs(tree, scratch, arguments.jobs)
        note(f"{files} files: measuring")
        timed(programs.audit(WARM, *programs.remembering), programs.environment)
        tasks = (
            Task(COLD, programs.audit(COLD, *NO_CACHE)),
            Task(WARM, programs.audit(WARM, *programs.remembering)),
            Task(PARSE, programs.parse_walk(WARM)),
        )
        costs = interleaved(tasks, arguments.repeat, programs.environment)
        memory = watched(tasks[0].command, programs.environment)
    seconds = {name: min(cost.wall for cost in found) for name, found in costs.items()}
    return Size(files, size, seconds, memory)


def report(sizes: Sequence[Size]) -> Iterator[str]:
    """A table with a line for each size, and the exponents, as Markdown."""
    yield table(
        (
            "files",
            "MB",
            *(f"{name} s" for name in (COLD, WARM, PARSE)),
            "of cold, s/1,000",
            "PSS MB",
            "RSS MB",
        ),
        (
            (
                f"{size.files:,}",
                f"{size.size / 1e6:.1f}",
                *(f"{size.seconds[name]:.3f}" for name in (COLD, WARM, PARSE)),
                f"{1000 * size.seconds[COLD] / size.files:.3f}",
                f"{size.memory.pss / 1e6:.0f}",
                f"{size.memory.rss / 1e6:.0f}",
            )
            for size in sizes
        ),
    )
    if len(sizes) > 1:
        yield table(("exponent of growth", "over all sizes", "last two sizes"), _growth(sizes))


def _growth(sizes: Sequence[Size]) -> Iterator[tuple[str, str, str]]:
    files = [size.files for size in sizes]
    for name in (COLD, WARM, PARSE):
        yield _exponents(name, files, [size.seconds[name] for size in sizes])
    yield _exponents("peak memory (PSS), no cache", files, [size.memory.pss for size in sizes])


def _exponents(name: str, files: Sequence[int], costs: Sequence[float]) -> tuple[str, str, str]:
    return name, f"{exponent(files, costs):.2f}", f"{exponent(files[-2:], costs[-2:]):.2f}"


def main() -> int:
    """Measure, print, write if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tree", type=folder, metavar="TREE")
    parser.add_argument("--sizes", type=count, nargs="+", default=SIZES, metavar="N", help="numbers of files")
    parser.add_argument("--repeat", type=count, default=2, metavar="N", help="rounds a size (default: 2)")
    parser.add_argument("--jobs", type=count, default=2, metavar="N", help="processes (default: 2)")
    parser.add_argument(
        "--verbatim", action="store_true", help="copies keep their bytes and the names of their packages"
    )
    add_write(parser)
    arguments = parser.parse_args()
    machine = "\n".join(machine_lines(arguments.jobs))
    source = read_source(arguments.tree)
    sizes = [measure(source, files, arguments) for files in sorted(set(arguments.sizes))]
    kind = "with their bytes and names" if arguments.verbatim else "each under package names of its own"
    made = f"Copies of the files of `{arguments.tree.resolve().name}`, {kind}, measured on\n"
    finish("scaling", "\n".join((made, machine + "\n", *report(sizes))), arguments.write)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
