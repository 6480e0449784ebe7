"""Lines that are the same but for a value which nobody kept: each is known by digests of what stands beside it, and
where that is little of the line above or below."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from codex_audit.artifacts import Span
from codex_audit.facts.hidden import Hidden, line_bounds
from codex_audit.scanners.withheld import WithheldLine, WithheldPlace
from codex_evidence.digests import sha256_hex

_ENOUGH = re.compile(rb"[A-Za-z0-9_].*[A-Za-z0-9_]", re.DOTALL)
_CUT = b"\0"
_Shape = tuple[tuple[int, int], ...]
_Values = tuple[tuple[str, int, int, int], ...]


@dataclass(slots=True)
class _Row:
    """A line of a file without the white space around it, ``indent`` bytes behind the beginning of its line; ``cut`` is
    it without values, once they are known."""

    number: int
    indent: int
    text: bytes
    cut: bytes


@dataclass(slots=True)
class _Known:
    """What one digest stands for: the kinds and places of values, and the numbers of the ``lines`` that have it, until
    one was found."""

    values: set[_Values] = field(default_factory=set)
    lines: set[int] = field(default_factory=set)


# By the size of a line and the places of its values: what its digests stand for.
_Forms = dict[int, dict[_Shape, dict[str, _Known]]]


def signs_of(value: bytes) -> int:
    """The classes of the bytes of ``value``, as of WithheldPlace."""
    lower, upper, digit = (re.search(form, value) is not None for form in (rb"[a-z]", rb"[A-Z]", rb"[0-9]"))
    return lower + 2 * upper + 4 * digit + 8 * (re.search(rb"[^A-Za-z0-9]", value) is not None)


def withheld_lines(data: bytes, values: Iterable[Hidden]) -> tuple[WithheldLine, ...]:
    """What there is to be known of the lines of ``data`` that hold ``values``, without these."""
    by_line: dict[int, list[Hidden]] = {}
    for one in values:
        by_line.setdefault(one.span.line, []).append(one)
    rows = _rows(data)
    places = {row.number: _places(row, by_line[row.number]) for row in rows if row.number in by_line}
    for row in rows:
        row.cut = _without(row.text, _shape(places.get(row.number, ()), row.indent))
    return tuple(
        WithheldLine(len(row.text), row.indent, *_digests(above, row.cut, below), places[row.number])
        for above, row, below in _neighbours(rows)
        if places.get(row.number)
    )


def known_again(
    data: bytes, lines: Sequence[WithheldLine]
) -> tuple[tuple[Hidden, ...], tuple[WithheldLine, ...]]:
    """The values of ``lines`` where they stand in ``data``, and the lines that are not there. A line that is known
    again may tell the next one, as of a value in several lines."""
    forms, left, found = _forms(lines), set(range(len(lines))), list[Hidden]()
    waiting = [trio for trio in _neighbours(_rows(data)) if len(trio[1].text) in forms]
    more = True
    while more:
        more, rest = False, list[tuple[_Row, _Row, _Row]]()
        for above, row, below in waiting:
            hits = list(_hits(forms[len(row.text)], above, row, below))
            for shape, known in hits:
                row.cut = _without(row.text, shape)
                left -= known.lines
                known.lines.clear()
                found += (value for values in known.values for value in _at(row, values))
            more = more or bool(hits)
            rest += [] if hits else [(above, row, below)]
        waiting = rest
    return tuple(found), tuple(lines[number] for number in sorted(left))


def _hits(
    forms: dict[_Shape, dict[str, _Known]], above: _Row, row: _Row, below: _Row
) -> Iterator[tuple[_Shape, _Known]]:
    for shape, by_digest in forms.items():
        for digest in _digests(above, _without(row.text, shape), below):
            if digest in by_digest:
                yield shape, by_digest[digest]


def _forms(lines: Sequence[WithheldLine]) -> _Forms:
    forms: _Forms = {}
    for number, line in enumerate(lines):
        values = tuple(
            (place.kind, place.span.start - line.indent, place.span.end - line.indent, place.signs)
            for place in line.places
        )
        by_digest = forms.setdefault(line.size, {}).setdefault(_shape(line.places, line.indent), {})
        for digest in filter(None, (line.alone, line.above, line.below)):
            known = by_digest.setdefault(digest, _Known())
            known.values.add(values)
            known.lines.add(number)
    return forms


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


def _places(row: _Row, values: Iterable[Hidden]) -> tuple[WithheldPlace, ...]:
    """Those of ``values`` that are in the text of ``row``, as far as they are."""
    found = []
    for one in values:
        start = max(one.span.start, row.indent)
        end = min(one.span.end, row.indent + len(row.text))
        if start < end:
            value = row.text[start - row.indent : end - row.indent]
            found.append(WithheldPlace(one.kind, Span(row.number, start, end), signs_of(value)))
    return tuple(found)


def _shape(places: Iterable[WithheldPlace], indent: int) -> _Shape:
    return tuple(sorted((place.span.start - indent, place.span.end - indent) for place in places))


def _without(text: bytes, shape: _Shape) -> bytes:
    """``text`` with a mark in place of each value."""
    parts, done = [], 0
    for start, end in shape:
        parts += [text[done : max(start, done)], _CUT]
        done = max(end, done)
    return b"".join([*parts, text[done:]])


def _digests(above: _Row, cut: bytes, below: _Row) -> tuple[str, str, str]:
    """As of WithheldLine: of the line alone, behind the one above and before the one below."""
    return (
        sha256_hex(b"alone\n" + cut) if _ENOUGH.search(cut.replace(_CUT, b"")) else "",
        sha256_hex(b"above\n" + above.cut + b"\n" + cut) if above.cut else "",
        sha256_hex(b"below\n" + cut + b"\n" + below.cut) if below.cut else "",
    )


def _at(row: _Row, values: _Values) -> Iterator[Hidden]:
    for kind, start, end, signs in values:
        if signs_of(row.text[start:end]) == signs:  # or another value stands there
            yield Hidden(kind, Span(row.number, row.indent + start, row.indent + end))
