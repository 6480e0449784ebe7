"""Matching dotted names: exact, ``*.name`` (any receiver), ``prefix.*`` and wildcards within a segment."""

from __future__ import annotations

import bisect
import fnmatch
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property


def last(name: str) -> str:
    """The last segment of a dotted name, without the mark of a local definition."""
    return name.rpartition(".")[2].lstrip(":")


def is_wild(pattern: str) -> bool:
    return "*" in pattern or "?" in pattern or "[" in pattern


def words_of(patterns: Iterable[str]) -> frozenset[str]:
    """The identifiers without which a file cannot match: the longest literal piece of each last segment."""
    words = set()
    for pattern in patterns:
        segment = last(pattern)
        pieces = [piece for piece in segment.replace("?", "*").split("*") if piece]
        if segment == "*" or not pieces:
            pieces = [piece for piece in pattern.split(".") if piece and "*" not in piece][-1:]
        if pieces:
            words.add(max(pieces, key=len).lower().replace("()", ""))
    return frozenset(words)


@dataclass(frozen=True)
class NameIndex:
    """A sorted set of names with fast search by pattern."""

    names: tuple[str, ...]

    @cached_property
    def _by_last(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name in self.names:
            found.setdefault(last(name), []).append(name)
        return found

    @cached_property
    def _exact(self) -> frozenset[str]:
        return frozenset(self.names)

    def match(self, pattern: str) -> list[str]:
        """The names that ``pattern`` matches. ``*`` crosses dots only when it is the whole first or last segment."""
        if not is_wild(pattern):
            return [pattern] if pattern in self._exact else []
        if pattern.startswith("*.") and not is_wild(pattern[2:]):
            tail = pattern[1:]
            return [
                name
                for name in self._by_last.get(last(pattern), ())
                if name.endswith(tail) or name == tail[1:]
            ]
        literal = pattern[: min(pattern.find(mark) for mark in "*?[" if mark in pattern)]
        start = bisect.bisect_left(self.names, literal)
        stop = bisect.bisect_left(self.names, literal + "\U0010ffff") if literal else len(self.names)
        return [name for name in self.names[start:stop] if fnmatch.fnmatchcase(name, pattern)]


def name_index(names: Iterable[str]) -> NameIndex:
    return NameIndex(tuple(sorted(set(names))))
