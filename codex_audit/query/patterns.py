"""Matching dotted names: exact, ``*.name`` (any receiver), ``prefix.*`` and wildcards within a segment."""

from __future__ import annotations

import bisect
import fnmatch
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
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
    """A sorted set of names with fast search by pattern; what a pattern matched is remembered."""

    names: tuple[str, ...]
    _found: dict[str, list[str]] = field(default_factory=dict, compare=False)

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
        if pattern not in self._found:
            self._found[pattern] = self._match(pattern)
        return self._found[pattern]

    def _match(self, pattern: str) -> list[str]:
        if not is_wild(pattern):
            return [pattern] if pattern in self._exact else []
        segment = last(pattern)
        if pattern.startswith("*.") and not is_wild(pattern[2:]):
            tail = pattern[1:]
            return [
                name for name in self._by_last.get(segment, ()) if name.endswith(tail) or name == tail[1:]
            ]
        candidates = self._candidates(pattern, segment)
        if not candidates:
            return []  # compiling a pattern takes longer than matching it
        fits = re.compile(fnmatch.translate(pattern)).match
        return [name for name in candidates if fits(name)]

    def _candidates(self, pattern: str, segment: str) -> list[str]:
        """The names that could match, in order: by the literal start of the pattern, else by its last segment."""
        literal = pattern[: min(pattern.find(mark) for mark in "*?[" if mark in pattern)]
        if literal:
            start = bisect.bisect_left(self.names, literal)
            return list(self.names[start : bisect.bisect_left(self.names, literal + "\U0010ffff")])
        if not segment.strip("*") or "[" in pattern:
            return list(self.names)
        fits = re.compile(fnmatch.translate(segment)).match
        return sorted(name for end, names in self._by_last.items() if fits(end) for name in names)


def name_index(names: Iterable[str]) -> NameIndex:
    return NameIndex(tuple(sorted(set(names))))
