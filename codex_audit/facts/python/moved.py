"""Whether two readings of a module say the same, but for where in the file it stands and for what is silent."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from codex_audit.facts.model import Assignment, Call, PythonFacts
from codex_audit.facts.python.relocate import relocated

# How far below the beginning of the last statement it may end.
_BEYOND = 2000
_PLAIN = re.compile(r"-?[0-9][0-9.e+-]*|None|True|False")


@dataclass(frozen=True, slots=True)
class Moved:
    """``places[n - 1]`` is the new line of what stood on line ``n``, as far as anything stood there."""

    places: tuple[int, ...]

    def line(self, old: int) -> int:
        """The new line of ``old``."""
        return self.places[old - 1] if 0 < old <= len(self.places) else old


def is_plain(value: str) -> bool:
    """Whether a written value is a number, a truth value or None."""
    return _PLAIN.fullmatch(value) is not None


def moved(
    old: PythonFacts,
    new: PythonFacts,
    mute: Callable[[Assignment | Call], bool],
    distances: Iterable[tuple[int, int]] = (),
) -> Moved | None:
    """How ``old`` became ``new`` when lines were moved, when one run of statements was put in or taken out of which
    nothing is known but ``mute`` assignments of plain values, or when plain values changed in facts that are ``mute``.
    None when anything else differs, or one of ``distances``, which are pairs of old lines, does: it is counted in
    statements."""
    before, after = old.starts(), new.starts()
    extra = len(after) - len(before)
    shorter, longer = (before, after) if extra >= 0 else (after, before)
    spans = [tuple(sorted(bisect_right(before, line) for line in pair)) for pair in distances]
    for place in _runs(shorter, longer, abs(extra)):
        if not _alone(longer, place, abs(extra)) or any(_within(place, extra, *span) for span in spans):
            continue
        run = frozenset(longer[place : place + abs(extra)])
        rest = [*longer[:place], *longer[place + abs(extra) :]]
        if extra >= 0:
            found = _same(old, _without(new, run, mute), before, rest, mute)
        else:
            found = _same(_without(old, run, mute), new, rest, after, mute)
        if found is not None:
            return Moved(found)
    return None


def _alone(starts: Sequence[int], place: int, count: int) -> bool:
    """Whether the ``count`` statements from ``place`` on share no line with another."""
    around = starts[max(place - 1, 0) : place + count + 1]
    return not count or all(one != other for one, other in pairwise(around))


def _within(place: int, extra: int, first: int, last: int) -> bool:
    """Whether statements that came or went at ``place`` change how far statement ``last`` is from ``first``, both
    counted from 1."""
    return first <= place < last if extra >= 0 else first <= place - extra and place < last


def _without(
    facts: PythonFacts, run: frozenset[int], mute: Callable[[Assignment | Call], bool]
) -> PythonFacts | None:
    """``facts`` but for the assignments that begin on the lines ``run``; None unless each has one, ``mute`` and of a
    plain value."""
    gone = [fact for fact in facts.assignments if fact.line in run]
    if len(gone) != len(run) or not all(is_plain(fact.value) and mute(fact) for fact in gone):
        return None
    return replace(facts, assignments=tuple(fact for fact in facts.assignments if fact.line not in run))


def _same(
    old: PythonFacts | None,
    new: PythonFacts | None,
    before: Sequence[int],
    after: Sequence[int],
    mute: Callable[[Assignment | Call], bool],
) -> tuple[int, ...] | None:
    """The new line of every old one, if that makes the facts equal but for plain values in ``mute`` ones."""
    if old is None or new is None or _shape(before) != _shape(after):
        return None
    for leaning in (0, 1):
        places = _places(before, after, leaning)
        there = relocated(old, places)
        if _bare(there) == _bare(new) and all(
            one == other or (_alike(one, other) and mute(one) and mute(other))
            for kind in ("assignments", "calls")
            for one, other in zip(getattr(there, kind), getattr(new, kind), strict=True)
        ):
            return places
    return None


def _shape(starts: Sequence[int]) -> list[bool]:
    """Which statements stand on the line of the one before: what is on one line belongs together for some probes."""
    return [one == other for one, other in pairwise(starts)]


def _bare(facts: PythonFacts) -> tuple[int, int, PythonFacts]:
    return len(facts.assignments), len(facts.calls), replace(facts, assignments=(), calls=(), statements=b"")


def _alike(one: Assignment | Call, other: Assignment | Call) -> bool:
    """Whether they differ in plain values alone."""
    if isinstance(one, Assignment) and isinstance(other, Assignment):
        return is_plain(one.value) and is_plain(other.value) and one._replace(value=other.value) == other
    if isinstance(one, Call) and isinstance(other, Call) and len(one.arguments) == len(other.arguments):
        pairs = zip(one.arguments, other.arguments, strict=True)
        plain = all(was == now or (is_plain(was.value) and is_plain(now.value)) for was, now in pairs)
        names = [argument.name for argument in one.arguments] == [
            argument.name for argument in other.arguments
        ]
        return plain and names and one._replace(arguments=other.arguments) == other
    return False


def _runs(shorter: Sequence[int], longer: Sequence[int], extra: int) -> Iterable[int]:
    """Where in ``longer`` a run of ``extra`` statements may be that ``shorter`` lacks: no statement above it has moved,
    and all below it have by the same number of lines."""
    if not extra or not shorter:
        return (len(shorter),)
    first = next(
        (n for n, (was, now) in enumerate(zip(shorter, longer, strict=False)) if was != now), len(shorter)
    )
    by = longer[-1] - shorter[-1]
    last = len(shorter)
    while last and longer[last - 1 + extra] == shorter[last - 1] + by:
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
