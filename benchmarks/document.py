"""What the benchmarks print, and the sections that they write into a document."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

BEGIN = "<!-- {}: written by `python -m benchmarks.{}`; measure again, do not edit -->"
END = "<!-- {}: end -->"


def add_write(parser: argparse.ArgumentParser) -> None:
    """``--write``."""
    parser.add_argument(
        "--write", type=Path, metavar="FILE", help="a Markdown document whose section is to be replaced"
    )


def count(text: str) -> int:
    """A number of things as an argument, at least one."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 on")
    return int(text)


def folder(text: str) -> Path:
    """A folder that exists as an argument."""
    if not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} is no folder")
    return Path(text)


def note(text: str) -> None:
    """Tell whoever waits."""
    print(text, file=sys.stderr, flush=True)


def finish(name: str, text: str, document: Path | None) -> None:
    """Print ``text`` and put it into ``document`` as the section of ``benchmarks.<name>``."""
    print(text)
    if document is not None:
        known = document.read_text(encoding="utf-8") if document.exists() else ""
        document.write_text(with_section(known, name, text), encoding="utf-8")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table whose columns line up, the first to the left, the others to the right."""
    lines = [list(head), *(list(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    rule = [":".rjust(width, "-") if column else "-" * width for column, width in enumerate(widths)]
    return "".join(_row(line, widths) for line in (lines[0], rule, *lines[1:]))


def with_section(document: str, name: str, text: str) -> str:
    """``document`` with the section that ``benchmarks.<name>`` writes replaced, or added at its end."""
    begin, end = BEGIN.format(name, name), END.format(name)
    section = f"{begin}\n\n{text.strip()}\n\n{end}"
    before, found, rest = document.partition(begin)
    if not found:
        return f"{document.rstrip()}\n\n{section}\n"
    _, found, after = rest.partition(end)
    if not found:
        raise ValueError(f"the section {name} begins but does not end; it needs the line {end}")
    return before + section + after


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = zip(cells, widths, strict=True)
    padded = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]
    return f"| {' | '.join(padded)} |\n"
