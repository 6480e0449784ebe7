"""What fails in an audit, place by place, each under a fingerprint that moving lines and files does not change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from codex_audit.artifacts import CapabilitiesRaw, ProbeAnswer
from codex_audit.reports.fingerprint import digest_of

# The rule of a no whose places are what must go; those of any other no only came near a yes.
FORBIDDEN = "something was found that must not be there"


@dataclass(frozen=True, slots=True)
class Failure:
    """``check`` is the id of a probe. ``symbol`` and ``snippet`` are what stands at ``path:line``, which is empty for
    a check that fails because something is missing."""

    check: str
    symbol: str
    snippet: str
    path: str
    line: int
    reason: str

    @property
    def fingerprint(self) -> str:
        """A digest of check, symbol and snippet, wherever they stand."""
        return digest_of(self.check, self.symbol, self.snippet)

    @property
    def place(self) -> str:
        return f"{self.path}:{self.line}" if self.path else ""


def failures_of(raw: CapabilitiesRaw) -> tuple[Failure, ...]:
    """Every failure of an audit, in the order of its probes."""
    return tuple(
        failure
        for capability in raw.capabilities
        for answer in capability.probes
        if answer.counted == "no"
        for failure in _failures(answer)
    )


def _failures(answer: ProbeAnswer) -> Iterator[Failure]:
    if answer.verdict != "no" or answer.rule != FORBIDDEN or not answer.near:
        yield Failure(answer.id, "", "", "", 0, answer.sentence)
        return
    for item in answer.near:
        yield Failure(answer.id, item.symbol, " ".join(item.excerpt.split()), item.path, item.line, item.why)
