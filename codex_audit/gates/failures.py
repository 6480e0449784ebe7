"""What fails in an audit, place by place, each under a fingerprint that moving lines and files does not change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from codex_audit.artifacts import CapabilitiesRaw, ProbeAnswer
from codex_audit.reports.fingerprint import digest_of

# The rule of a no whose places are what must go; those of any other no only came near a yes.
FORBIDDEN = "something was found that must not be there"

CLEAN_TREE = "security.clean-tree"
FEEDER = "secrets"
"""The probe that secrets fail, and the scanner whose finds it takes as evidence. Neither quotes what it found."""

_SCAN = "scan."


@dataclass(frozen=True, slots=True)
class Failure:
    """``check`` is the id of a probe, or ``scan.SCANNER.RULE``. ``symbol`` and ``snippet`` are what stands at
    ``path:line``, which is empty for a check that fails because something is missing. Of a secret the snippet is the
    path: nobody may quote its line."""

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


def scan_check(scanner: str, rule: str = "") -> str:
    """The id of a finding of ``scanner`` by ``rule``; without a rule that of all that the scanner may find."""
    return f"{_SCAN}{scanner}.{rule}" if rule else f"{_SCAN}{scanner}"


def scanner_of(check: str) -> str:
    """The scanner that answers ``check``, empty for a probe."""
    return check.removeprefix(_SCAN).partition(".")[0] if check.startswith(_SCAN) else ""


def failures_of(raw: CapabilitiesRaw) -> tuple[Failure, ...]:
    """Every failure of an audit's probes, in their order."""
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
        snippet = item.path if answer.id == CLEAN_TREE else " ".join(item.excerpt.split())
        yield Failure(answer.id, item.symbol, snippet, item.path, item.line, item.why)
