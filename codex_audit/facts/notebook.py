"""Notebooks through nbformat: the code cells as one module whose lines are lines of the file."""

from __future__ import annotations

import ast
import json
import warnings

from codex_audit.facts.model import PythonFacts, Unread
from codex_audit.facts.python import read_python, relocated
from codex_audit.facts.scalars import MAX_DEPTH
from codex_audit.facts.source import ReadError, text_of, words_of

_MAGIC = ("%", "!", "?")


def read_notebook(data: bytes, path: str) -> PythonFacts | Unread:
    """The facts of the Python code cells in order, each line where it stands in the file. Magics and shell lines
    are left out. Raises ReadError for what nbformat cannot read."""
    text = text_of(data)
    if _depth(text) > MAX_DEPTH:
        raise ReadError(f"nested deeper than {MAX_DEPTH}")
    source, places = _joined(_cells(text), text.split("\n"))
    facts = read_python(source.encode("utf-8"))
    if isinstance(facts, Unread):
        line = places[facts.line - 1] if 0 < facts.line <= len(places) else 0
        return Unread("notebook", facts.reason, line, words_of(data))
    return relocated(facts, places)


def _depth(text: str) -> int:
    """How deep brackets nest outside strings, counted without recursion."""
    depth = deepest = 0
    quoted = escaped = False
    for character in text:
        if quoted:
            quoted = escaped or character != '"'
            escaped = character == "\\" and not escaped
        elif character == '"':
            quoted = True
        elif character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest


def _cells(text: str) -> list[str]:
    """The source of each Python code cell."""
    import nbformat

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # missing cell ids of old notebooks
            notebook = nbformat.reads(text, as_version=4)  # type: ignore[no-untyped-call]
    except (nbformat.ValidationError, nbformat.reader.NotJSONError, json.JSONDecodeError) as error:
        raise ReadError(f"not a notebook: {str(error).splitlines()[0][:100]}") from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        # nbformat upgrades old formats by attribute access, and says no more than that of a malformed one.
        raise ReadError("not a notebook: a part of the format is missing") from error
    language = notebook.metadata.get("kernelspec", {}).get("language", "python")
    if language.lower() not in ("python", ""):
        return []
    return ["".join(cell.source) for cell in notebook.cells if cell.cell_type == "code"]


def _joined(cells: list[str], lines: list[str]) -> tuple[str, list[int]]:
    """The cells as one source text, and for each of its lines the line of the file that holds it."""
    source: list[str] = []
    places: list[int] = []
    cursor = 0
    for cell in cells:
        if cell.lstrip().startswith("%%"):
            continue
        kept = [_neutral(line) for line in cell.split("\n")]
        if not _parses("\n".join(kept)):
            kept = [""] * len(kept)
        for line, original in zip(kept, cell.split("\n"), strict=True):
            cursor = _find(lines, json.dumps(original, ensure_ascii=False)[1:-1], cursor)
            source.append(line)
            places.append(cursor + 1)
    return "\n".join(source) + "\n", places


def _neutral(line: str) -> str:
    """A magic or shell line as ``pass``, so that an indented one leaves no empty block."""
    bare = line.lstrip()
    if bare.startswith(_MAGIC):
        return line[: len(line) - len(bare)] + "pass"
    return line


def _parses(source: str) -> bool:
    """One cell that is no Python (a half-written idea) must not cost the others."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(source)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False
    return True


def _find(lines: list[str], text: str, start: int) -> int:
    """The first line at or after ``start`` that holds ``text``; ``start`` itself when none does."""
    if not text.strip():
        return start
    for number in range(start, len(lines)):
        if text in lines[number]:
            return number
    return start
