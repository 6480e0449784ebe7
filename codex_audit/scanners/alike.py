"""Where a value stands in a file that has changed since it was scanned. Nobody kept the value, but what its line holds
besides: a line that is the same but for the value is known again, wherever it stands now. Of a line that was edited
itself, what is as long, of the same signs and stands as a value does is taken for it; in Python and notebooks only
the text of strings and comments is hidden, so that no code is.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence

from codex_audit.facts.hidden import Hidden, covered_in, line_bounds, spans
from codex_audit.scanners.literals import is_code, literals
from codex_audit.scanners.same_lines import known_again, signs_of
from codex_audit.scanners.withheld import WithheldFile, WithheldPlace

# Of which one may end a value and begin another.
_QUOTED = (
    re.compile(rb"(?=\"([^\"\r\n]+)\")"),
    re.compile(rb"(?='([^'\r\n]+)')"),
    re.compile(rb"(?=`([^`\r\n]+)`)"),
)
_LINE = re.compile(rb"[^\r\n]+")
_SIGN = re.compile(rb"[:=][ \t]*")
_COMMENT = re.compile(rb"[ \t]+[#;]")
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
_PLAIN = (1, 2)


def same(file: WithheldFile) -> tuple[Hidden, ...]:
    """The places in the very bytes that were scanned."""
    return tuple(Hidden(place.kind, place.span) for line in file.lines for place in line.places)


def alike(path: str, data: bytes, known: Sequence[WithheldFile]) -> tuple[Hidden, ...]:
    """What to hide of ``data``, the content of ``path``, in order: the lines of all files that are ``known`` may be
    there by now, and what was in this file and is not known again is guessed."""
    again, left = known_again(data, [line for file in known for line in file.lines])
    own = {id(line) for file in known if file.path == path for line in file.lines}
    free = sorted(literals(path, data))
    found = {*_outside_code(data, again, free)} if is_code(path) else {*again}
    found.update(_guessed(data, free, [place for line in left if id(line) in own for place in line.places]))
    return tuple(sorted(found, key=_order))


def _outside_code(data: bytes, values: Iterable[Hidden], free: Sequence[tuple[int, int]]) -> Iterator[Hidden]:
    """Those of ``values`` that lie in one of the parts ``free`` of code: what stands in their place may be a call."""
    bounds, starts = line_bounds(data), [start for start, _ in free]
    for value in values:
        place = covered_in(bounds, value)
        part = bisect_right(starts, place.start) - 1 if place is not None else -1
        if place is not None and part >= 0 and place.end <= free[part][1]:
            yield value


def _order(hidden: Hidden) -> tuple[int, int, int, str]:
    return hidden.span.line, hidden.span.start, hidden.span.end, hidden.kind


def _guessed(
    data: bytes, free: Sequence[tuple[int, int]], places: Sequence[WithheldPlace]
) -> Iterator[Hidden]:
    """What of the parts ``free`` may be one of ``places`` whose line is another by now."""
    kinds = {(place.span.end - place.span.start, place.signs): place.kind for place in places}
    lengths = frozenset(length for length, _ in kinds)
    bounds = line_bounds(data) if kinds else []
    for first, last in free if kinds else ():
        for start, end in _in_text(data, first, last, lengths):
            if kind := kinds.get((end - start, signs_of(data[start:end]))):
                yield from (Hidden(kind, span) for span in spans(start, end, data, bounds))


def _in_text(data: bytes, first: int, last: int, lengths: frozenset[int]) -> Iterator[tuple[int, int]]:
    """What stands apart between ``first`` and ``last`` and is as long as one of ``lengths``; all of it, too."""
    if last - first in lengths:
        yield first, last
    for form in (*_QUOTED, *_WORDS, _ESCAPED):
        for match in form.finditer(data, first, last):
            start, end = match.span(1)
            if end - start in lengths and (form in _QUOTED or _is_long(match[1])):
                yield start, end
    for line in _LINE.finditer(data, first, last):
        yield from _behind_signs(line[0], line.start(), lengths)


def _behind_signs(line: bytes, first: int, lengths: frozenset[int]) -> Iterator[tuple[int, int]]:
    """What goes from a colon or an equals sign up to the end of ``line``, which begins at ``first``, or up to its
    comment; and the line."""
    whole = line.strip()
    if len(whole) in lengths:  # as a value of several lines has it
        yield first + line.index(whole), first + line.index(whole) + len(whole)
    comment = _COMMENT.search(line)
    ends = {len(line.rstrip(b" \t,;")), comment.start() if comment else len(line)}
    for sign in _SIGN.finditer(line):
        for end in ends:
            if end - sign.end() in lengths:
                yield first + sign.end(), first + end


def _is_long(word: bytes) -> bool:
    """Whether a bare word is too long to be one of a language by accident."""
    return len(word) >= (_SHORTEST_PLAIN_WORD if signs_of(word) in _PLAIN else _SHORTEST_WORD)
