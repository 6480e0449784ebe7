"""Places of values that the readers do not know for secrets themselves: whoever scanned the same bytes found them.

Nothing here is a value. Lines count from 1 and end as in ``facts.source``; columns count bytes, so that they hold
whatever the encoding of the file is.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from codex_audit.artifacts import Span

_ENDS = re.compile(rb"\r\n|\r|\n")

HIDDEN_LINE = "[redacted line]"
"""What an excerpt shows of a line that holds such a value."""

WHOLE_LINE = 1 << 30
"""An ``end`` behind that of every line."""


@dataclass(frozen=True, slots=True)
class Hidden:
    """A value of ``kind`` (words, never a value) that nobody may read."""

    kind: str
    span: Span


@dataclass(frozen=True, slots=True)
class Covered:
    """``Hidden`` as the bytes ``start`` to ``end`` of the whole file."""

    kind: str
    start: int
    end: int


def line_bounds(data: bytes) -> list[tuple[int, int]]:
    """Where each line begins and where it ends, without its line end; the last may be empty."""
    ends = [match.span() for match in _ENDS.finditer(data)]
    return list(
        zip([0, *(after for _, after in ends)], [*(before for before, _ in ends), len(data)], strict=True)
    )


def covered(data: bytes, hidden: Iterable[Hidden]) -> list[Covered]:
    """Where ``hidden`` lies in ``data``, in order. A value that goes on in the next line is one; what lies behind the
    end of the file or is empty is none."""
    bounds = line_bounds(data)
    found: list[Covered] = []
    for one in sorted(hidden, key=lambda item: (item.span.line, item.span.start)):
        place = covered_in(bounds, one)
        if place is not None:
            found.append(place)
    joined: list[Covered] = []
    for place in found:
        before = joined[-1] if joined else None
        if before is not None and _goes_on(data, before, place):
            joined[-1] = Covered(before.kind, before.start, max(before.end, place.end))
        else:
            joined.append(place)
    return joined


def covered_in(bounds: Sequence[tuple[int, int]], hidden: Hidden) -> Covered | None:
    """Where one value lies in bytes whose lines have ``bounds``; None where it does not."""
    if not 0 < hidden.span.line <= len(bounds):
        return None
    first, last = bounds[hidden.span.line - 1]
    start, end = first + max(hidden.span.start, 0), min(first + hidden.span.end, last)
    return Covered(hidden.kind, start, end) if start < end else None


def _goes_on(data: bytes, before: Covered, after: Covered) -> bool:
    """Whether ``after`` overlaps ``before``, or is the same value in the next line."""
    between = data[before.end : after.start]
    breaks = b"\n" in between or b"\r" in between
    return after.start <= before.end or (before.kind == after.kind and breaks and not between.strip())


def spans(start: int, end: int, data: bytes, bounds: Sequence[tuple[int, int]]) -> Iterator[Span]:
    """The bytes ``start`` to ``end`` of ``data``, whose lines have ``bounds``, line by line without the white space at
    their ends."""
    for number in range(max(bisect_right(bounds, (start, len(data))) - 1, 0), len(bounds)):
        first, last = bounds[number]
        if first >= end:
            return
        part = data[max(start, first) : min(end, last)]
        if part.strip():
            begin = max(start, first) - first + len(part) - len(part.lstrip())
            yield Span(number + 1, begin, begin + len(part.strip()))
