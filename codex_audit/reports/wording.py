"""What reports need to know of a probe's words, and how they are said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from codex_audit.artifacts import Effort


class RemedyWords(Protocol):
    """The words of a remedy."""

    @property
    def text(self) -> str: ...
    @property
    def effort(self) -> Effort: ...


class ProbeWords(Protocol):
    """The words of a probe, as the catalogue has them."""

    @property
    def id(self) -> str: ...
    @property
    def ask(self) -> str: ...
    @property
    def motivation(self) -> str: ...
    @property
    def counts(self) -> str: ...
    @property
    def excludes(self) -> str: ...
    @property
    def risk(self) -> str: ...
    @property
    def remedy(self) -> RemedyWords: ...
    @property
    def rollback(self) -> str: ...
    @property
    def references(self) -> tuple[str, ...]: ...
    @property
    def component(self) -> str: ...
    @property
    def core(self) -> bool: ...
    @property
    def by_absence(self) -> bool: ...


class CapabilityWords(Protocol):
    """The words of a capability and of its probes."""

    @property
    def id(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def summary(self) -> str: ...
    @property
    def probes(self) -> tuple[ProbeWords, ...]: ...


@dataclass(frozen=True, slots=True)
class Wording:
    """The words of a probe that reports quote, without the code that decides it."""

    ask: str
    motivation: str
    counts: str
    excludes: str
    risk: str
    remedy: str
    effort: Effort
    rollback: str
    references: tuple[str, ...]


def wording_of(probe: ProbeWords) -> Wording:
    """What reports quote of ``probe``."""
    return Wording(
        ask=probe.ask,
        motivation=probe.motivation,
        counts=probe.counts,
        excludes=probe.excludes,
        risk=probe.risk,
        remedy=probe.remedy.text,
        effort=probe.remedy.effort,
        rollback=probe.rollback,
        references=probe.references,
    )


def readable(pattern: str) -> str:
    """A searched name as it is; an expression with its commonest marks left out, and cut."""
    plain = pattern
    for mark, text in (("\\b", ""), ("(?i)", ""), ("(?:", "("), ("\\s+", " "), ("\\s*", " "), ("\\.", ".")):
        plain = plain.replace(mark, text)
    return plain if len(plain) <= 64 else f"{plain[:60]} ..."


def sentence(text: str) -> str:
    """``text`` with a full stop, and with a capital where it begins with a word and not with a name."""
    text = text.strip()
    ended = text if text[-1:] in (".", "!", "?", "") else f"{text}."
    return f"{ended[:1].upper()}{ended[1:]}" if ended.split(" ")[0].strip(",.:;").isalpha() else ended
