"""Strings that look like live credentials, and their removal from whatever is shown.

Documented examples and placeholders do not count, and are hidden all the same where they have the form. No value is
shown, and only ``secret_values`` gives any out.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from codex_audit.facts.hidden import Hidden, covered, covered_in, line_bounds
from codex_audit.facts.model import Secret
from codex_audit.facts.secret_kinds import ALL, ASSIGNED, COUNTED, Kind

_LONGEST_LINE = 2000
_BARE = re.compile(rb"[:,\[-][ \t]+\Z")


class _Hit(NamedTuple):
    """``between`` says that the bytes stand between two strings of code and not in one."""

    kind: str
    start: int
    end: int
    counts: bool
    between: bool = False


def find_secrets(data: bytes) -> tuple[Secret, ...]:
    """The live-looking credentials of a file, in file order; a place that two rules match is named once."""
    return _named(data, _matches(data, COUNTED))


def found_and_clean(
    data: bytes, hidden: Sequence[Hidden] = (), *, between: bool = False
) -> tuple[tuple[Secret, ...], bytes]:
    """``find_secrets`` and ``redact_bytes`` in one pass. What is ``hidden`` is replaced too and counts for nothing;
    ``between`` joins it to the strings around it as a string of its own (``"a"+"[redacted kind]"+"b"``)."""
    hits = list(_matches(data, ALL))
    more = (
        [_Hit(one.kind, one.start, one.end, False, between) for one in covered(data, hidden)]
        if hidden
        else []
    )
    return _named(data, hits), _without(data, [*hits, *more])


def unknown(data: bytes, hidden: Sequence[Hidden], kinds: tuple[Kind, ...] = ALL) -> tuple[Hidden, ...]:
    """What of ``hidden`` ``redact_bytes`` does not take out by itself, as far as it knows ``kinds``."""
    hits = _apart(_matches(data, kinds))
    starts = [hit.start for hit in hits]
    bounds = line_bounds(data)

    def inside(one: Hidden) -> bool:
        place = covered_in(bounds, one)
        before = bisect_right(starts, place.start) if place is not None else 0
        return place is None or (before > 0 and place.end <= hits[before - 1].end)

    return tuple(one for one in hidden if not inside(one))


def secret_values(data: bytes) -> tuple[tuple[Secret, bytes], ...]:
    """``find_secrets`` with the values, for a process that lets out nothing but digests of them under a key."""
    hits = _apart(hit for hit in _matches(data, COUNTED) if hit.counts)
    return tuple(zip(_named(data, hits), (data[hit.start : hit.end] for hit in hits), strict=True))


def hides(data: bytes) -> bool:
    """Whether ``redact_bytes`` takes something out of ``data``."""
    return next(_matches(data, ALL), None) is not None


def redact(text: str) -> str:
    """``text`` with each credential replaced by ``[redacted kind]``; line ends are kept."""
    return redact_bytes(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")


def redact_bytes(data: bytes) -> bytes:
    """``data`` with each credential replaced, its line ends kept, so that line numbers still hold.

    A value that stands bare behind a colon, dash or comma is quoted, because brackets mean a list in YAML.
    """
    return _without(data, _matches(data, ALL))


def _named(data: bytes, hits: Iterable[_Hit]) -> tuple[Secret, ...]:
    found: list[Secret] = []
    line, seen = 1, 0
    for hit in _apart(hit for hit in hits if hit.counts):
        line += data.count(b"\n", seen, hit.start)
        seen = hit.start
        found.append(Secret(hit.kind, line))
    return tuple(found)


def _without(data: bytes, hits: Iterable[_Hit]) -> bytes:
    parts, done = [], 0
    for hit in _apart(hits):
        breaks = b"\n" * data.count(b"\n", hit.start, hit.end)
        begin = max(data.rfind(b"\n", 0, hit.start) + 1, hit.start - _LONGEST_LINE)
        opened, closed = _around(hit, data[begin : hit.start], data[hit.end : hit.end + 1])
        parts += [data[done : hit.start], opened, f"[redacted {hit.kind}]".encode(), closed, breaks]
        done = hit.end
    return b"".join([*parts, data[done:]])


def _around(hit: _Hit, before: bytes, behind: bytes) -> tuple[bytes, bytes]:
    """What goes before and behind the word for ``hit``, which stands between ``before`` in its line and ``behind``. In
    a string of code, which an odd number of quotes has opened, it needs none."""
    if hit.between:
        return b'+"', b'"+'
    inside = before.count(b'"') % 2 == 1 or behind in (b'"', b"'", b"\\")
    quote = b'"' if not inside and _BARE.search(before) else b""
    return quote, quote


def _apart(hits: Iterable[_Hit]) -> list[_Hit]:
    """``hits`` in file order; of those that overlap the first, or the more specific rule, stands for all."""
    kept: list[_Hit] = []
    for hit in sorted(hits, key=lambda hit: hit.start):
        if not kept or hit.start >= kept[-1].end:
            kept.append(hit)
        elif hit.end > kept[-1].end:
            kept[-1] = kept[-1]._replace(end=hit.end)
    return kept


def _matches(data: bytes, kinds: tuple[Kind, ...]) -> Iterator[_Hit]:
    """Every value of one of ``kinds``, whether it counts or not."""
    for kind in kinds:
        if kind is ASSIGNED:
            yield from _formed(kind, _after(kind, data))
        elif any(marker in data for marker in kind.markers):
            yield from _formed(kind, kind.pattern.finditer(data))


def _formed(kind: Kind, matches: Iterable[re.Match[bytes]]) -> Iterator[_Hit]:
    for match in matches:
        value = match["value"]
        if kind.accepts(value):
            yield _Hit(kind.name, *match.span("value"), not kind.example(value))


def _after(kind: Kind, data: bytes) -> Iterator[re.Match[bytes]]:
    """Matches that begin with a marker of ``kind`` in any case, without overlaps: a search for plain bytes is many
    times faster than a pattern of alternatives."""
    lower, done = data.lower(), 0
    for start in sorted({place for marker in kind.markers for place in _places(lower, marker)}):
        match = kind.pattern.match(data, start) if start >= done else None
        if match is not None:
            yield match
            done = match.end()


def _places(data: bytes, marker: bytes) -> Iterator[int]:
    place = data.find(marker)
    while place >= 0:
        yield place
        place = data.find(marker, place + 1)
