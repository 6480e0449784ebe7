"""Whether two readings of a module say the same, but for where in the file it stands."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from codex_audit.facts.model import Assignment, PythonFacts
from codex_audit.facts.python.relocate import relocated

# How far below the beginning of the last statement it may end.
_BEYOND = 2000


@dataclass(frozen=True, slots=True)
class Moved:
    """``places[n - 1]`` is the new line of what stood on line ``n``, as far as anything stood there; ``added`` are
    assignments that came in between and say nothing else."""

    places: tuple[int, ...]
    added: tuple[Assignment, ...] = ()

    def line(self, old: int) -> int:
        """The new line of ``old``."""
        return self.places[old - 1] if 0 < old <= len(self.places) else old


def moved(old: PythonFacts, new: PythonFacts, silent: Callable[[Assignment], bool]) -> Moved | None:
    """How ``old`` became ``new`` when only lines were moved, or one run of statements was put in of which nothing is
    known but assignments that are ``silent``. None when anything else differs."""
    before, after = old.starts(), new.starts()
    extra = len(after) - len(before)
    if extra < 0:
        return None
    for place in _insertions(before, after, extra):
        lines = set(after[place : place + extra])
        added = tuple(fact for fact in new.assignments if fact.line in lines)
        if len(added) != extra or not all(map(silent, added)):
            continue
        rest = tuple(fact for fact in new.assignments if fact.line not in lines)
        found = _same(old, replace(new, assignments=rest), before, [*after[:place], *after[place + extra :]])
        if found is not None:
            return Moved(found, added)
    return None


def _same(
    old: PythonFacts, new: PythonFacts, before: Sequence[int], after: Sequence[int]
) -> tuple[int, ...] | None:
    """The new line of every old one, if that makes the facts equal."""
    then = replace(new, statements=b"")
    for leaning in (0, 1):
        places = _places(before, after, leaning)
        if replace(relocated(old, places), statements=b"") == then:
            return places
    return None


def _insertions(before: Sequence[int], after: Sequence[int], extra: int) -> Iterable[int]:
    """Where ``extra`` statements may have been put in: no statement above the place has moved, and all below it have by
    the same number of lines."""
    if not extra or not before:
        return (len(before),)
    first = next(
        (n for n, (was, now) in enumerate(zip(before, after, strict=False)) if was != now), len(before)
    )
    by = after[-1] - before[-1]
    last = len(before)
    while last and after[last - 1 + extra] == before[last - 1] + by:
        last -= 1
    return range(last, first + 1)


def _places(before: Sequence[int], kept: Sequence[int], leaning: int) -> tuple[int, ...]:
    """The new line of every old one. A line between the beginnings of two statements keeps its distance from the first
    (it is a part of it) or, ``leaning`` 1, from the second (it is a decorator)."""

    def place(line: int) -> int:
        number = bisect_right(before, line) - 1
        if before[number] != line:
            number = min(number + leaning, len(before) - 1)
        return line + kept[max(number, 0)] - before[max(number, 0)] if number >= 0 else line

    return tuple(place(line) for line in range(1, before[-1] + _BEYOND)) if before else ()
