"""Notebooks through nbformat: the Python code cells as one module whose lines are lines of the file.

Cells are read without nbformat's validation, which prints; an older format is upgraded. A cell's lines are
found by the place of its source strings in the JSON text. What IPython adds to Python is blanked, and only
in a cell that does not parse as it stands: a line that begins with ``%`` may continue an expression.
"""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Iterator

from codex_audit.facts.depth import by_the_file
from codex_audit.facts.json_file import json_scalars
from codex_audit.facts.model import PythonFacts, Unread
from codex_audit.facts.python.reader import read_python
from codex_audit.facts.python.relocate import relocated
from codex_audit.facts.scalars import Path
from codex_audit.facts.source import ReadError, text_of, words_of

_MAGIC = re.compile(r"(?P<indent>\s*)(?:[%!?]|\w.*\?\s*$)")
_ASSIGNED = re.compile(r"(?P<target>\s*[\w.,\s]+=\s*)[%!].*$")
# Cell magics whose cell is still Python of this module.
_PYTHON_CELLS = re.compile(r"%%(?:time|timeit|capture|prun|memit|mprun|lprun|skip_if_no_gpu)\b")


def read_notebook(data: bytes, path: str) -> PythonFacts | Unread:
    """The facts of the Python code cells in order, each line where it stands in the file. Raises ReadError
    for what nbformat cannot read."""
    text = text_of(data)
    strings = _sources(text)
    source, places = _joined(zip(_cells(text), strings, strict=False))
    facts = read_python(source.encode("utf-8", "replace"))
    if isinstance(facts, Unread):
        line = places[facts.line - 1] if 0 < facts.line <= len(places) else 0
        return Unread("notebook", facts.reason, line, words_of(data))
    return relocated(facts, places)


def _sources(text: str) -> list[list[int]]:
    """For each cell in file order the file line of each line of its source. Raises ReadError for what is no
    JSON."""
    cells: dict[Path, list[int]] = {}
    for scalar in json_scalars(text):
        match scalar.path:
            case ("cells", int(), "source" | "cell_type", *_):
                holder = scalar.path[:2]
            case ("worksheets", int(), "cells", int(), "source" | "input" | "cell_type", *_):
                holder = scalar.path[:4]
            case _:
                continue
        lines = cells.setdefault(holder, [])
        if scalar.path[len(holder)] != "cell_type":
            held = scalar.value.count("\n") + (not scalar.value.endswith("\n"))
            lines += [scalar.line] * max(1, held)
    return list(cells.values())


def _cells(text: str) -> Iterator[str]:
    """The source of each cell; empty for one that is no Python code."""
    import nbformat

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            notebook = nbformat.convert(nbformat.reader.reads(text), 4)  # type: ignore[no-untyped-call]
        kernel = notebook.metadata.get("kernelspec", {}).get("language", "python") or "python"
        for cell in notebook.cells:
            is_code = cell.cell_type == "code" and kernel.lower() == "python"
            yield "".join(cell.source) if is_code else ""
    except (nbformat.ValidationError, nbformat.reader.NotJSONError, json.JSONDecodeError) as error:
        raise ReadError(f"not a notebook: {str(error).splitlines()[0][:100]}") from error
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        # nbformat upgrades old formats by attribute access, and says no more than that of a malformed one.
        raise ReadError("not a notebook: a part of the format is missing") from error


def _joined(cells: Iterator[tuple[str, list[int]]]) -> tuple[str, list[int]]:
    """The cells as one source text, and for each of its lines the line of the file that holds it."""
    source: list[str] = []
    places: list[int] = []
    for cell, lines in cells:
        kept = _python_lines(cell)
        if kept and lines:
            source += kept
            places += [lines[min(index, len(lines) - 1)] for index in range(len(kept))]
    return "\n".join(source) + "\n", places


def _python_lines(cell: str) -> list[str]:
    """The lines of a cell as Python; none when even without magics it is not, so that it costs no other
    cell."""
    lines = cell.split("\n")
    if _parses(lines):
        return lines
    first = next((line for line in lines if line.strip()), "").lstrip()
    if first.startswith("%%") and not _PYTHON_CELLS.match(first):
        return []
    plain: list[str] = []
    for line, before in zip(lines, ["", *lines], strict=False):
        continues = bool(plain) and before.rstrip().endswith("\\") and plain[-1].strip() in ("", "pass")
        plain.append("" if continues else _neutral(line))
    return plain if _parses(plain) else []


def _neutral(line: str) -> str:
    """A magic, help or shell line as ``pass``, so that an indented one leaves no empty block."""
    if assigned := _ASSIGNED.match(line):
        return assigned["target"] + "None"
    magic = _MAGIC.match(line)
    return f"{magic['indent']}pass" if magic else line


def _parses(lines: list[str]) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            by_the_file(lambda: ast.parse("\n".join(lines)))
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False
    return True
