"""Where a value may stand in a file that has changed since it was scanned. Nobody kept the value: what is as long and
stands as a value does is taken for it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from codex_audit.artifacts import Span
from codex_audit.facts.hidden import WHOLE_LINE, Hidden, line_bounds, spans

# Between quotes, and behind a sign to the end of its line. A quote may end one value and begin another.
_APART = (
    re.compile(rb"(?=\"([^\"\r\n]+)\")"),
    re.compile(rb"(?='([^'\r\n]+)')"),
    re.compile(rb"(?=`([^`\r\n]+)`)"),
    re.compile(rb"[:=][ \t]*([^\s\"'`()\[\]{}][^\r\n()\[\]{}]*?)[ \t]*[,;]?(?=[\r\n]|\Z)"),
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
_SHORTEST_WORD = 8


def alike(data: bytes, values: Sequence[Hidden]) -> tuple[Hidden, ...]:
    """What of ``data`` is as long as one of ``values``, in order; all of it where one of them had no place in its
    line."""
    bounds = line_bounds(data)
    kinds = {one.span.end - one.span.start: one.kind for one in values}
    if any(one.span.end >= WHOLE_LINE for one in values):
        return tuple(Hidden(values[0].kind, Span(line, 0, WHOLE_LINE)) for line in range(1, len(bounds) + 1))
    found = {
        Hidden(kinds[end - start], span)
        for start, end in _places(data, kinds)
        for span in spans(start, end, data, bounds)
    }
    return tuple(sorted(found, key=lambda one: (one.span.line, one.span.start, one.span.end, one.kind)))


def _places(data: bytes, lengths: Iterable[int]) -> Iterator[tuple[int, int]]:
    wanted = frozenset(lengths)
    for form in (*_APART, *_WORDS):
        for match in form.finditer(data):
            start, end = match.span(1)
            if end - start in wanted and (form in _APART or _is_no_name(match[1])):
                yield start, end


def _is_no_name(word: bytes) -> bool:
    """Whether ``word``, which stands bare, is long enough for a value and no name of code."""
    text = word.decode("latin-1")
    if not all(part.isidentifier() for part in text.split(".")):
        return len(word) >= _SHORTEST_WORD
    return len(word) >= _SHORTEST_WORD and "_" not in text and any(sign.isdigit() for sign in text)
