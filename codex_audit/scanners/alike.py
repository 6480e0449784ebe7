"""Where a value stands in a file that has changed since it was scanned. Nobody kept the value, but what its line holds
besides: a line that is the same but for the value is known again, wherever it stands now. Of a line that was edited
itself, what is as long, of the same signs and stands as a value does is taken for it; in Python that is the content of
a string or a word of a comment, so that no code is hidden.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from codex_audit.artifacts import Span
from codex_audit.facts.hidden import Hidden, line_bounds, spans
from codex_audit.scanners.withheld import WithheldFile, WithheldLine, WithheldPlace
from codex_evidence.digests import sha256_hex

_PYTHON = (".py", ".pyi", ".pyw")
_LITERAL = re.compile(
    rb"(?P<long>\"\"\"|''')(?:\\.|(?!(?P=long)).)*+(?P=long)"
    rb"|(?P<quote>[\"'])(?:\\.|(?!(?P=quote))[^\\\r\n])*+(?P=quote)"
    rb"|#[^\r\n]*",
    re.DOTALL,
)
# Between quotes, of which one may end a value and begin another; behind a sign up to a comment or the end of its line.
_APART = (
    re.compile(rb"(?=\"([^\"\r\n]+)\")"),
    re.compile(rb"(?='([^'\r\n]+)')"),
    re.compile(rb"(?=`([^`\r\n]+)`)"),
    re.compile(
        rb"(?=[:=][ \t]*([^\s\"'`()\[\]{}][^\r\n()\[\]{}]*?)[ \t]*(?:[,;]|[ \t]#[^\r\n]*)?(?:[\r\n]|\Z))"
    ),
)
# Words of several alphabets: of a path, an address or a number in Base64.
_WORDS = tuple(
    re.compile(b"(" + form + b")")
    for form in (
        rb"[^\s\"'`()\[\]{},;]+",
        rb"[^\s\"'`()\[\]{},;:@/?&=]+",
        rb"[\w+/=.\-]+",
        rb"[A-Za-z0-9][\w+/=.\-]*[A-Za-z0-9]",
        rb"[A-Za-z0-9+/=]+",
        rb"[A-Za-z0-9]+",
    )
)
# The same behind an escape of a string or an address.
_ESCAPED = re.compile(rb"(?:\\[nrt]|%[0-9A-Fa-f]{2})([\w+/=.\-]+)")
_SHORTEST_WORD, _SHORTEST_PLAIN_WORD = 8, 12
_ENOUGH = re.compile(rb"[A-Za-z0-9_].*[A-Za-z0-9_]", re.DOTALL)
_PLAIN = (1, 2)
_CUT = b"\0"


@dataclass(slots=True)
class _Row:
    """A line of a file without the white space around it, ``indent`` bytes behind the beginning of its line; ``cut``
    once its values are known."""

    number: int
    indent: int
    text: bytes
    cut: bytes
    places: tuple[WithheldPlace, ...] = ()


def withheld_lines(data: bytes, values: Iterable[Hidden]) -> tuple[WithheldLine, ...]:
    """What there is to be known of the lines of ``data`` that hold ``values``, without these."""
    rows = _rows(data)
    by_line: dict[int, list[Hidden]] = {}
    for one in values:
        by_line.setdefault(one.span.line, []).append(one)
    for row in rows:
        row.places = tuple(filter(None, (_place(row, one) for one in by_line.get(row.number, ()))))
        row.cut = _without(row.text, row.places, row.indent)
    return tuple(
        WithheldLine(len(row.text), row.indent, *_digests(above, row, below), row.places)
        for above, row, below in _neighbours(rows)
        if row.places
    )


def same(file: WithheldFile) -> tuple[Hidden, ...]:
    """The places in the very bytes that were scanned."""
    return tuple(Hidden(place.kind, place.span) for line in file.lines for place in line.places)


def alike(path: str, data: bytes, known: Sequence[WithheldFile]) -> tuple[Hidden, ...]:
    """What to hide of ``data``, of which ``known`` say what it held when it was scanned, in order."""
    lines = [line for file in known for line in file.lines]
    rows, left = _rows(data), list(lines)
    found = {one for row, line in _known_again(rows, lines, left) for one in _moved(row, line)}
    found.update(_guessed(path, data, [place for line in left for place in line.places]))
    return tuple(sorted(found, key=lambda one: (one.span.line, one.span.start, one.span.end, one.kind)))


def _known_again(
    rows: list[_Row], lines: Sequence[WithheldLine], left: list[WithheldLine]
) -> Iterator[tuple[_Row, WithheldLine]]:
    """The rows that are one of ``lines``, which are taken out of ``left``. A row that is known again may tell the next
    one, as of a value in several lines."""
    by_size: dict[int, list[WithheldLine]] = {}
    for line in lines:
        by_size.setdefault(line.size, []).append(line)
    waiting = [trio for trio in _neighbours(rows) if len(trio[1].text) in by_size]
    more = True
    while more:
        more, rest = False, list[tuple[_Row, _Row, _Row]]()
        for above, row, below in waiting:
            again = [one for one in by_size[len(row.text)] if _is(one, above, row, below)]
            if not again:
                rest.append((above, row, below))
                continue
            more = True
            row.cut = _without(row.text, again[0].places, again[0].indent)
            left[:] = [one for one in left if one not in again]
            yield from ((row, one) for one in again)
        waiting = rest


def _is(line: WithheldLine, above: _Row, row: _Row, below: _Row) -> bool:
    cut = _Row(row.number, row.indent, row.text, _without(row.text, line.places, line.indent))
    return any(
        one and one == other
        for one, other in zip((line.alone, line.above, line.below), _digests(above, cut, below), strict=True)
    )


def _rows(data: bytes) -> list[_Row]:
    """The lines of ``data`` that are not blank."""
    rows = []
    for number, (first, last) in enumerate(line_bounds(data), 1):
        line = data[first:last]
        text = line.strip()
        if text:
            rows.append(_Row(number, len(line) - len(line.lstrip()), text, text))
    return rows


def _neighbours(rows: list[_Row]) -> Iterator[tuple[_Row, _Row, _Row]]:
    edge = _Row(0, 0, b"", b"")
    for (above, row), (_, below) in pairwise(pairwise([edge, *rows, edge])):
        yield above, row, below


def _place(row: _Row, hidden: Hidden) -> WithheldPlace | None:
    start = max(hidden.span.start, row.indent)
    end = min(hidden.span.end, row.indent + len(row.text))
    if start >= end:
        return None
    value = row.text[start - row.indent : end - row.indent]
    return WithheldPlace(hidden.kind, Span(row.number, start, end), _signs(value))


def _without(text: bytes, places: Iterable[WithheldPlace], indent: int) -> bytes:
    """``text``, which began behind ``indent`` bytes, with a mark in place of each value."""
    parts, done = [], 0
    for span in sorted((place.span for place in places), key=lambda span: (span.start, span.end)):
        start = max(span.start - indent, done)
        parts.append(text[done:start])
        parts.append(_CUT)
        done = max(span.end - indent, done)
    return b"".join([*parts, text[done:]])


def _digests(above: _Row, row: _Row, below: _Row) -> tuple[str, str, str]:
    left = row.cut.replace(_CUT, b"")
    return (
        sha256_hex(b"alone\n" + row.cut) if _ENOUGH.search(left) else "",
        sha256_hex(b"above\n" + above.cut + b"\n" + row.cut) if above.cut else "",
        sha256_hex(b"below\n" + row.cut + b"\n" + below.cut) if below.cut else "",
    )


def _moved(row: _Row, line: WithheldLine) -> Iterator[Hidden]:
    by = row.indent - line.indent
    for place in line.places:
        yield Hidden(place.kind, Span(row.number, place.span.start + by, place.span.end + by))


def _signs(value: bytes) -> int:
    lower, upper, digit = (re.search(form, value) is not None for form in (rb"[a-z]", rb"[A-Z]", rb"[0-9]"))
    return lower + 2 * upper + 4 * digit + 8 * (re.search(rb"[^A-Za-z0-9]", value) is not None)


def _guessed(path: str, data: bytes, places: Sequence[WithheldPlace]) -> Iterator[Hidden]:
    """What of ``data`` may be one of ``places`` whose line is another by now."""
    kinds = {(place.span.end - place.span.start, place.signs): place.kind for place in places}
    lengths = frozenset(length for length, _ in kinds)
    bounds = line_bounds(data) if kinds else []
    for first, last in (_literals(data) if path.endswith(_PYTHON) else [(0, len(data))]) if kinds else ():
        for start, end in _in_text(data, first, last, lengths):
            if kind := kinds.get((end - start, _signs(data[start:end]))):
                yield from (Hidden(kind, span) for span in spans(start, end, data, bounds))


def _literals(data: bytes) -> Iterator[tuple[int, int]]:
    """The contents of the strings and comments of Python."""
    for literal in _LITERAL.finditer(data):
        edge = len(literal["long"] or literal["quote"] or b"")
        if literal.start() + edge < literal.end() - edge:
            yield literal.start() + edge, literal.end() - edge


def _in_text(data: bytes, first: int, last: int, lengths: frozenset[int]) -> Iterator[tuple[int, int]]:
    """What stands apart between ``first`` and ``last`` and is as long as one of ``lengths``; all of it, too."""
    if last - first in lengths:
        yield first, last
    for form in (*_APART, *_WORDS, _ESCAPED):
        for match in form.finditer(data, first, last):
            start, end = match.span(1)
            if end - start in lengths and (form in _APART or _is_long(match[1])):
                yield start, end


def _is_long(word: bytes) -> bool:
    """Whether a bare word is too long to be one of a language by accident."""
    return len(word) >= (_SHORTEST_PLAIN_WORD if _signs(word) in _PLAIN else _SHORTEST_WORD)
