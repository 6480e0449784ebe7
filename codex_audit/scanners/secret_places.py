"""Where found values stand in the bytes of a file: for the process that knows them, which lets out the places alone.

A scanner says the line and the value as it read them. It may have decoded the file, joined its lines or taken quotes
away, so a value is looked for: on its line, then anywhere. One that cannot be found hides what could hold it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from codex_audit.artifacts import Span
from codex_audit.facts.hidden import line_bounds, spans

# What is searched for the values of one file; behind it lines are hidden whole. A file with so many is data.
_MOST_SEARCHED = 256 << 20
_MOST_SPACE = 4096
_SHORTEST_DISTINCT = 8
_QUOTES = b"\"'`"
_WORD = re.compile(rb"[A-Za-z0-9_]")
# A line of a private key as a file, a string of code or a comment holds it, and one of the names between such lines.
_BODY = re.compile(rb"[\s\"'#*>;(]*(?://\s*)?(?P<body>[A-Za-z0-9+/]{4,}={0,2})(?:\\[nr])*[\s\"',;)+\\]*")
_HEAD = re.compile(rb"[\s\"'#*>]*[A-Z][A-Za-z-]{2,30}: ")
_FIRST_BODY, _LONGEST_BODY, _MOST_HEADS = 40, 8192, 8

_Place = tuple[int, int]


@dataclass(slots=True)
class Places:
    """One file. ``left`` is how many bytes may still be searched, ``known`` are the values that were looked for in the
    whole file."""

    data: bytes
    encoding: str
    bounds: list[_Place] = field(init=False)
    left: int = _MOST_SEARCHED
    known: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.bounds = line_bounds(self.data)

    def of(self, line: int, value: str, *, formed: bool) -> list[Span]:
        """Where ``value``, found in ``line``, stands: there, and wherever else it can be no accident. ``formed`` says
        that it was known by its form and not by the name of what it is given to. Never empty for a line of the file
        that is not blank."""
        if not 0 < line <= len(self.bounds):
            return []
        distinct = len(value) >= _SHORTEST_DISTINCT and (formed or _is_distinct(value))
        first, last = self.bounds[line - 1]
        here = self._found(value, first, last)
        around: list[_Place] = []
        if not here or (distinct and value not in self.known):
            around = self._found(value, 0, len(self.data))
            self.known.add(value)
        # Not as it is read, and perhaps written with escapes.
        content = (
            []
            if here or (around and b"\\" not in self.data[first:last])
            else [_content(self.data, first, last)]
        )
        here = here or self._nearest(around, first)
        chosen = set(here if distinct else _quoted(self.data, here) or here[-1:])
        if distinct:
            chosen.update(one for one in around if _stands_alone(self.data, one))
        return self._spans([*content, *(self._widened(*one) for one in chosen)])

    def of_key(self, line: int) -> list[Span]:
        """The lines of Base64 below the head of a private key in ``line``, however they are quoted."""
        found: list[_Place] = []
        heads = 0
        for first, last in self.bounds[line:]:
            match = _BODY.fullmatch(self.data, first, last) if last - first <= _LONGEST_BODY else None
            if match is not None and (found or len(match["body"]) >= _FIRST_BODY):
                found.append(match.span("body"))
                heads = 0
            elif heads == _MOST_HEADS or (found and not _HEAD.match(self.data, first, last)):
                break
            else:
                heads += 1
        return self._spans(found)

    def _found(self, value: str, start: int, end: int) -> list[_Place]:
        """Every place of ``value`` between ``start`` and ``end``, whatever white space is between its words; none
        where that would take too long."""
        words = value.encode(self.encoding, "backslashreplace").split()
        # Half of it is kept for lines.
        least = _MOST_SEARCHED // 2 if end - start == len(self.data) else 0
        if not words or self.left - (end - start) < least:
            return []
        self.left -= end - start
        if len(words) == 1:
            return list(_each(words[0], self.data, start, end))
        pattern = re.compile(rb"\s+".join(map(re.escape, words)))
        # A value may go on below the line in which it begins.
        matches = pattern.finditer(self.data, start, end + 4 * len(value) + _MOST_SPACE)
        return [match.span() for match in matches if match.start() < end]

    def _nearest(self, places: list[_Place], start: int) -> list[_Place]:
        """Those of ``places`` in the line that is nearest to the byte ``start``."""
        if not places:
            return []
        nearest = min(places, key=lambda one: abs(one[0] - start))
        first, last = self.bounds[bisect_right(self.bounds, (nearest[0], len(self.data))) - 1]
        return [one for one in places if first <= one[0] <= last]

    def _widened(self, start: int, end: int) -> _Place:
        """The place without half of an escape at its ends: behind an escaped quote, a value goes on to the quote that
        ends it."""
        if _escapes(self.data, start):
            start -= 1
        if _escapes(self.data, end):
            quote = (
                self.data[start - 1 : start] if self.data[start - 1 : start] in (b'"', b"'", b"`") else b"\"'"
            )
            rest = re.compile(rb"[^\r\n](?:\\[^\r\n]|[^\\\r\n" + quote + rb"])*").match(self.data, end)
            end = rest.end() if rest else end
        return start, end

    def _spans(self, places: Iterable[_Place]) -> list[Span]:
        found = {span for start, end in places for span in spans(start, end, self.data, self.bounds)}
        return sorted(found, key=lambda span: (span.line, span.start, span.end))


def _each(word: bytes, data: bytes, start: int, end: int) -> Iterator[_Place]:
    place = data.find(word, start, end)
    while place >= 0:
        yield place, place + len(word)
        place = data.find(word, place + len(word), end)


def _is_distinct(value: str) -> bool:
    """Whether it is the same value wherever it stands: no word and no name of code."""
    if value.isidentifier():
        return "_" not in value and any(sign.isdigit() for sign in value)
    return True


def _quoted(data: bytes, places: Iterable[_Place]) -> list[_Place]:
    """Those of ``places`` that stand between quotes of one kind."""
    return [
        (start, end)
        for start, end in places
        if start and data[start - 1] in _QUOTES and data[start - 1 : start] == data[end : end + 1]
    ]


def _stands_alone(data: bytes, place: _Place) -> bool:
    start, end = place
    before, behind = data[max(start - 1, 0) : start], data[end : end + 1]
    return not (_WORD.match(before) and _WORD.match(data, start)) and not (
        _WORD.match(behind) and _WORD.match(data, end - 1)
    )


def _content(data: bytes, first: int, last: int) -> _Place:
    """What of a line could be a value: between its first quote and the last of the same kind, else behind the first
    colon or equals sign, else all of it."""
    line = data[first:last]
    quotes = [place for place in (line.find(quote) for quote in (b'"', b"'", b"`")) if place >= 0]
    if quotes:
        opened = min(quotes)
        closed = line.rfind(line[opened : opened + 1])
        if line[opened + 1 : closed].strip():
            return first + opened + 1, first + closed
    sign = re.search(rb"[:=]\s*(?=\S)", line)
    return (first + sign.end() if sign else first), last


def _escapes(data: bytes, place: int) -> bool:
    """Whether the byte at ``place`` stands behind an odd number of backslashes."""
    count = 0
    while place > count and data[place - count - 1] == 0x5C:
        count += 1
    return count % 2 == 1
