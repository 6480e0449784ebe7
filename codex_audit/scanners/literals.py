"""What of a file is no code: where a value may be hidden without a call going unseen."""

from __future__ import annotations

import re
from collections.abc import Iterator

_PYTHON = (".py", ".pyi", ".pyw")
_NOTEBOOK = ".ipynb"
_ESCAPE = rb"\\(?:\r\n|.)"
_LITERAL = re.compile(
    rb"(?P<prefix>\b[A-Za-z]{1,2})?(?:"
    rb"(?P<long>\"\"\"|''')(?:" + _ESCAPE + rb"|(?!(?P=long))[^\\])*+(?P=long)"
    rb"|(?P<quote>[\"'])(?:" + _ESCAPE + rb"|(?!(?P=quote))[^\\\r\n])*+(?P=quote)"
    rb")|#[^\r\n]*",
    re.DOTALL,
)
# The code of a cell as JSON holds it: a quote behind a backslash, lines that end with `\n`.
_CELL_LINE = re.compile(rb"(?:(?!\\n)[^\r\n])+")
_CELL_LITERAL = re.compile(
    rb"(?P<prefix>\b[A-Za-z]{1,2})?(?:"
    rb"(?P<quote>\\\")(?:(?!\\\")[^\"])*+\\\""
    rb"|(?P<single>')(?:\\\\.|[^'\\\"])*+'"
    rb")|#[^\"]*"
)
_FIELD = re.compile(rb"\{[^{}]*\}")


def is_code(path: str) -> bool:
    """Whether files of such a name hold code that probes read."""
    return path.endswith((*_PYTHON, _NOTEBOOK))


def literals(path: str, data: bytes) -> Iterator[tuple[int, int]]:
    """The bytes, from and to, that are the content of a string of code or a comment, without the fields of f-strings.
    Of what is no code, all of it."""
    if path.endswith(_PYTHON):
        for literal in _LITERAL.finditer(data):
            edge = literal["long"] or literal["quote"] or b""
            yield from _content(data, literal, edge)
    elif path.endswith(_NOTEBOOK):
        for line in _CELL_LINE.finditer(data):
            for literal in _CELL_LITERAL.finditer(data, line.start(), line.end()):
                yield from _content(data, literal, literal["quote"] or literal["single"] or b"")
    else:
        yield 0, len(data)


def _content(data: bytes, literal: re.Match[bytes], edge: bytes) -> Iterator[tuple[int, int]]:
    prefix = literal["prefix"] or b""
    start, end = literal.start() + len(prefix) + len(edge), literal.end() - len(edge)
    if start >= end:
        return
    if b"f" not in prefix.lower():
        yield start, end
        return
    done = start
    for field in (*_FIELD.finditer(data, start, end), None):
        last = field.start() if field is not None else end
        if done < last and not {b"{", b"}"} & {data[place : place + 1] for place in range(done, last)}:
            yield done, last
        done = field.end() if field is not None else end
