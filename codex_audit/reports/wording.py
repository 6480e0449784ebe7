"""What reports need to know of a probe's words, and how counts and shares are said."""

from __future__ import annotations

from typing import Protocol

from codex_audit.accuracy.figures import Counts, Share, precision, recall
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


def share_text(share: Share) -> str:
    """``7 of 8, 88% (95% interval 53% to 98%)``."""
    return f"{share.hits} of {share.of}, {share.value:.0%} (95% interval {share.low:.0%} to {share.high:.0%})"


def precision_text(counts: Counts) -> str:
    """The precision of a probe, or why it is not measurable."""
    share = precision(counts)
    if share is not None:
        return share_text(share)
    return f"not measurable, as {'it never said yes' if counts.fp + counts.tn else 'no label is no'}"


def recall_text(counts: Counts) -> str:
    """The recall of a probe, or why it is not measurable."""
    share = recall(counts)
    return share_text(share) if share is not None else "not measurable, as no label is yes"


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
