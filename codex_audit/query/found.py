"""``Found``: what a search over facts brought back, and how searches combine.

A probe is an expression over searches: ``tree.calls(...) | tree.options(...)`` is yes when either
found something. The value remembers what was looked for and what came near, so that a *no* can say
so without the probe doing anything about it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from codex_audit.artifacts import Evidence, Place, Strength

PLACES: tuple[Place, ...] = ("entry", "library", "config", "example", "docs", "test")
STRENGTHS: tuple[Strength, ...] = ("proved", "called", "declared", "imported", "named")


def rank(evidence: Evidence) -> tuple[int, int, str, int]:
    """Best first: by strength, then by place, then in tree order."""
    return (
        STRENGTHS.index(evidence.strength),
        PLACES.index(evidence.place),
        evidence.path,
        evidence.line,
    )


def ordered(evidence: Iterable[Evidence]) -> tuple[Evidence, ...]:
    """``evidence`` best first, one item for a symbol at a line: two statements may share a line."""
    best: dict[tuple[str, int, str], Evidence] = {}
    for item in sorted(evidence, key=rank):
        best.setdefault((item.path, item.line, item.symbol), item)
    return tuple(best.values())


def one_a_line(evidence: Iterable[Evidence]) -> tuple[Evidence, ...]:
    """``evidence`` in its order, the first of each line: what is shown need not say a line twice."""
    first: dict[tuple[str, int], Evidence] = {}
    for item in evidence:
        first.setdefault((item.path, item.line), item)
    return tuple(first.values())


@dataclass(frozen=True, slots=True)
class Found:
    """``evidence`` counts, ``near`` does not (each item says why not); ``looked_for`` are the names searched.

    ``words`` are the identifiers that code would have to contain to matter, ``file_words`` those of any other
    file: a broken file without any of them cannot change the answer. ``not_applicable`` carries a reason when
    the question makes no sense for this tree; ``reason`` a sentence that explains a verdict better than a count,
    ``half`` one for a no of which a part holds.
    """

    evidence: tuple[Evidence, ...] = ()
    near: tuple[Evidence, ...] = ()
    looked_for: tuple[str, ...] = ()
    words: frozenset[str] = frozenset()
    file_words: frozenset[str] = frozenset()
    not_applicable: str = ""
    reason: str = ""
    holds: bool | None = None
    half: str = ""

    def __bool__(self) -> bool:
        return bool(self.evidence) if self.holds is None else self.holds

    def __or__(self, other: Found) -> Found:
        """Either: the evidence of both."""
        return Found(
            evidence=ordered((*self.evidence, *other.evidence)),
            near=ordered((*self.near, *other.near)),
            looked_for=_merged(self.looked_for, other.looked_for),
            words=self.words | other.words,
            file_words=self.file_words | other.file_words,
            reason=self.reason or other.reason,
            holds=None if self.holds is None and other.holds is None else bool(self) or bool(other),
            half=self.half or other.half,
        )

    def __and__(self, other: Found) -> Found:
        """Both: the evidence of both when each holds, else nothing, and what was found moves to ``near``."""
        both = self | other
        if self and other:
            return replace(both, holds=None if both.evidence else True)
        return replace(
            both,
            evidence=(),
            near=ordered((*both.near, *both.evidence)),
            holds=None,
            half=both.half or _half(self, other) or _half(other, self),
        )

    def where(self, keep: Callable[[Evidence], bool], why_not: str) -> Found:
        """The evidence that ``keep`` accepts; the rest moves to ``near`` with ``why_not``."""
        kept = tuple(item for item in self.evidence if keep(item))
        rest = tuple(replace(item, why=why_not) for item in self.evidence if not keep(item))
        return replace(self, evidence=kept, near=ordered((*self.near, *rest)))

    def preferring(self, keep: Callable[[Evidence], bool], why_not: str) -> Found:
        """As ``where`` if any evidence is accepted, else unchanged: says better where, never whether."""
        return self.where(keep, why_not) if any(map(keep, self.evidence)) else self

    def because(self, reason: str) -> Found:
        """The same with ``reason`` as the sentence of the verdict."""
        return replace(self, reason=reason)

    def as_near(self, why_not: str) -> Found:
        """Nothing counts: all evidence becomes near misses with ``why_not``."""
        return self.where(lambda _: False, why_not)

    def paths(self) -> tuple[str, ...]:
        """The files of the evidence, best first, each once."""
        return tuple(dict.fromkeys(item.path for item in self.evidence))


NOTHING = Found()


def any_of(parts: Iterable[Found]) -> Found:
    """``a | b | ...``; nothing for no parts."""
    result = NOTHING
    for part in parts:
        result = result | part
    return result


def holds_by_absence(reason: str, looked_for: Iterable[str] = ()) -> Found:
    """A yes without a place: nothing of a bad kind was found."""
    return Found(reason=reason, holds=True, looked_for=tuple(looked_for))


def fails(reason: str, near: Iterable[Evidence] = (), looked_for: Iterable[str] = ()) -> Found:
    """A no whose counter-evidence is ``near``."""
    return Found(reason=reason, holds=False, near=ordered(near), looked_for=tuple(looked_for))


def not_applicable(reason: str) -> Found:
    """The question makes no sense for this tree."""
    return Found(not_applicable=reason, holds=False)


def _half(there: Found, missing: Found) -> str:
    """What holds and what does not, when only ``there`` does."""
    if missing or not there.evidence or not missing.looked_for:
        return ""
    names = ", ".join(missing.looked_for[:3]) + (" and the like" if len(missing.looked_for) > 3 else "")
    return f"only a part was found ({there.evidence[0].why}); not found: {names}"


def _merged(left: tuple[str, ...], right: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*left, *right)))
