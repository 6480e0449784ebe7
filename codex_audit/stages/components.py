"""The five components of a capability's score, as exact shares with bounds.

Every component is a share of items. An item is a number in [0, 1], or unknown. The value is the mean over the
known items; the bounds take each unknown item as 0 and as 1. An unknown finding is an unknown item of every
share that its yes could join, so that whatever it turns out to be, the result lies within the bounds.

A no that the user overrules to yes is unknown too, save that it stays 0 in the value: a user's word may widen
the bounds and never raises a score.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from codex_audit.artifacts import CapabilityAnswers, Evidence, ProbeAnswer
from codex_audit.capabilities.model import Capability, Component
from codex_audit.stages.pairing import each_probe

_PLACES_THAT_MATTER = frozenset({"entry", "library", "config"})
_STRONG = frozenset({"proved", "called", "declared"})
_PYTHON = (".py", ".pyi", ".ipynb")
_ZERO = Fraction(0)


class Item(NamedTuple):
    """One item of a share: ``value`` is None while it is unknown, and ``low`` and ``high`` are what it may be."""

    value: Fraction | None
    low: Fraction
    high: Fraction


UNKNOWN = Item(None, _ZERO, Fraction(1))
VOUCHED = Item(_ZERO, _ZERO, Fraction(1))
"""A no that the user overrules to yes."""


def known(value: Fraction | bool) -> Item:
    """An item whose value is beyond doubt."""
    return Item(Fraction(value), Fraction(value), Fraction(value))


@dataclass(frozen=True, slots=True)
class Share:
    """``value`` is None while every item is unknown; ``low`` <= value <= ``high``."""

    value: Fraction | None
    low: Fraction
    high: Fraction


@dataclass(frozen=True, slots=True)
class Measure:
    """One component: its share, None when it has no items at all, and the sentence behind it."""

    share: Share | None
    basis: str


def share_of(items: Sequence[Item]) -> Share | None:
    """The mean of ``items``; None when there are none."""
    if not items:
        return None
    values = [item.value for item in items if item.value is not None]
    return Share(
        value=sum(values, _ZERO) / len(values) if values else None,
        low=sum((item.low for item in items), _ZERO) / len(items),
        high=sum((item.high for item in items), _ZERO) / len(items),
    )


def mean_of(parts: Sequence[Share | None]) -> Share | None:
    """The mean of those ``parts`` that apply. A part with no known item counts in the bounds alone."""
    there = [part for part in parts if part is not None]
    if not there:
        return None
    values = [part.value for part in there if part.value is not None]
    return Share(
        value=sum(values, _ZERO) / len(values) if values else None,
        low=sum((part.low for part in there), _ZERO) / len(there),
        high=sum((part.high for part in there), _ZERO) / len(there),
    )


def is_yes(answer: ProbeAnswer, has_code: bool) -> bool:
    """Whether a yes counts: by absence only where there is code that could have done otherwise."""
    return answer.counted == "yes" and (has_code or bool(answer.evidence))


def matters(evidence: Evidence) -> bool:
    """Whether ``evidence`` does the thing in code or configuration that a user of the repository reaches, or
    is the document that was asked for."""
    return (evidence.place in _PLACES_THAT_MATTER and evidence.strength in _STRONG) or _is_document(evidence)


def measures(capability: Capability, answers: CapabilityAnswers, has_code: bool) -> dict[str, Measure]:
    """The measure of each of the workflow's ``COMPONENTS``, in that order."""
    functional = _answers(capability, answers, "functionality")
    found = (*functional, *_answers(capability, answers, "safeguards"))
    tests = _verdicts(_answers(capability, answers, "tests"), has_code)
    reached = _reached(functional, frozenset(answers.support.exercised))
    words = _verdicts(_answers(capability, answers, "documentation"), has_code)
    named = _named(found, frozenset(answers.support.documented))
    solid = _solid(functional)
    return {
        "functionality": _measure((_verdicts(functional, has_code), "probes yes")),
        "consistency": _measure((solid, "findings called or declared where users reach them")),
        "tests": _measure((tests, "test probes yes"), (reached, "findings in files that tests reach")),
        "safeguards": _measure(
            (_verdicts(_answers(capability, answers, "safeguards"), has_code), "safeguard probes yes")
        ),
        "documentation": _measure(
            (words, "documentation probes yes"), (named, "findings named in the documentation")
        ),
    }


def _answers(
    capability: Capability, answers: CapabilityAnswers, component: Component
) -> tuple[ProbeAnswer, ...]:
    return tuple(answer for probe, answer in each_probe(capability, answers) if probe.component == component)


def _verdicts(answers: Sequence[ProbeAnswer], has_code: bool) -> list[Item]:
    return [_verdict(answer, has_code) for answer in answers if answer.counted != "not_applicable"]


def _verdict(answer: ProbeAnswer, has_code: bool) -> Item:
    if answer.counted != "unknown":
        return known(is_yes(answer, has_code))
    return VOUCHED if answer.verdict == "no" else UNKNOWN


def _findings(answers: Sequence[ProbeAnswer]) -> Iterator[ProbeAnswer]:
    """What was found at a place, and the unknown, which could be. A yes by absence has no place to judge."""
    return (a for a in answers if a.counted == "unknown" or (a.counted == "yes" and a.evidence))


def _is_document(evidence: Evidence) -> bool:
    """Whether the file is itself the answer (a licence, a changelog): prose about code is never declared."""
    is_prose = evidence.place == "docs" and not evidence.path.endswith(_PYTHON)
    return is_prose and evidence.strength == "declared"


def _solid(functional: Sequence[ProbeAnswer]) -> list[Item]:
    """1 for a finding whose evidence matters, 0 for one known from examples, docs or imports alone."""
    return [
        UNKNOWN if answer.counted == "unknown" else known(any(map(matters, answer.evidence)))
        for answer in _findings(functional)
    ]


def _reached(functional: Sequence[ProbeAnswer], exercised: frozenset[str]) -> list[Item]:
    """The share of the Python files of each finding that a test exercises: a mean over findings and not over
    files, lest one probe with a hundred places outweigh the rest. Nobody tests tests or a site's settings."""
    items: list[Item] = []
    for answer in _findings(functional):
        code = [item for item in answer.evidence if item.place not in ("docs", "test")]
        files = {item.path for item in code if item.path.endswith(_PYTHON)}
        if answer.counted == "unknown":
            items.append(UNKNOWN)
        elif files:
            items.append(known(Fraction(len(files & exercised), len(files))))
    return items


def _named(found: Sequence[ProbeAnswer], documented: frozenset[str]) -> list[Item]:
    """1 for a finding that the documentation names. A document need not be documented."""
    return [
        UNKNOWN if answer.counted == "unknown" else known(answer.id in documented)
        for answer in _findings(found)
        if answer.counted == "unknown" or not all(map(_is_document, answer.evidence))
    ]


def _measure(*groups: tuple[Sequence[Item], str]) -> Measure:
    """The mean of the shares of ``groups``, each given with the noun of its items."""
    bases = [_basis(items, noun) for items, noun in groups if items]
    return Measure(
        share=mean_of([share_of(items) for items, _ in groups]),
        basis="; ".join(bases) if bases else "nothing to judge",
    )


def _basis(items: Sequence[Item], noun: str) -> str:
    values = [item.value for item in items if item.value is not None]
    total = f"{float(sum(values, _ZERO)):.2f}".removesuffix("0").removesuffix(".0")
    unknown, vouched = items.count(UNKNOWN), items.count(VOUCHED)
    rest = (f", {unknown} unknown" if unknown else "") + (f", {vouched} overruled to yes" if vouched else "")
    return f"{total} of {len(values)} {noun}{rest}"
