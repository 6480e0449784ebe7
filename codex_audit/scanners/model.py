"""The frozen types of what a scan writes. Nothing here depends on a clock: whether a suppression still holds is asked
with the day on which somebody reads it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from codex_audit.artifacts import Span
from codex_audit.scanners.rules import SuppressRule
from codex_audit.scanners.severity import Severity

Confidence = Literal["undefined", "low", "medium", "high"]
State = Literal["done", "partial", "missing", "cannot_ask", "failed", "left_out"]

REPORT_SCHEMA = "codex-audit/scanner_report/v1"
SUMMARY_SCHEMA = "codex-audit/scan/v1"


@dataclass(frozen=True, slots=True)
class Suppression:
    """Why a finding does not count: by a mark on its line (``inline``), the settings (``workflow``), a mark of the
    tool's own (``tool``) or a baseline of known secrets. ``place`` is ``path:line``; ``expires`` the last day (RFC 3339
    full-date, UTC) on which it holds, empty for the marks of tools, which have none."""

    by: Literal["inline", "workflow", "tool", "baseline"]
    reason: str
    place: str
    expires: str = ""

    def holds(self, today: date) -> bool:
        """Whether it is in force on the day ``today``."""
        return not self.expires or date.fromisoformat(self.expires) >= today


@dataclass(frozen=True, slots=True)
class Finding:
    """What a scanner found. ``path`` is that of the context index, empty for the tree as a whole; ``line`` counts from
    1, 0 for the whole file. ``keyed`` is the HMAC-SHA256 (RFC 2104) of a found secret under the user's key, empty where
    there is no key or no secret; the value itself is nowhere. ``spans`` are the places of that value in the bytes of
    the file, on the line and elsewhere; empty where there is no secret, or nobody knows where in the line it stands."""

    rule: str
    severity: Severity
    confidence: Confidence
    path: str
    line: int
    message: str
    help: str = ""
    keyed: str = ""
    suppression: Suppression | None = None
    spans: tuple[Span, ...] = ()

    def counts(self, today: date) -> bool:
        """Whether nothing suppresses it on the day ``today``."""
        return self.suppression is None or not self.suppression.holds(today)

    def on(self, today: date) -> Finding:
        """The same without a suppression that no longer holds on ``today``."""
        return replace(self, suppression=None) if self.suppression and self.counts(today) else self

    @property
    def place(self) -> str:
        """``path:line``."""
        where = self.path or "the tree"
        return f"{where}:{self.line}" if self.line else where


@dataclass(frozen=True, slots=True)
class Unscanned:
    """A file, or a dependency, that a scanner could not look at, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Package:
    """A dependency that the tree declares or locks; ``licence`` as an SPDX expression or as its metadata says it, empty
    when it is not known."""

    name: str
    version: str
    licence: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one scanner said. ``reason`` explains every state but done; ``database`` names what dependencies were looked
    up in; ``documents`` are further files to write beside the report, by name."""

    state: State
    reason: str = ""
    findings: tuple[Finding, ...] = ()
    unscanned: tuple[Unscanned, ...] = ()
    packages: tuple[Package, ...] = ()
    database: str = ""
    documents: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class ScannerReport:
    """``audit_artifacts/security/<scanner>.json``. ``tool`` is the distribution that looked, ``version`` its release,
    empty when it is missing. Findings stand in order of path, line and rule."""

    schema: str
    scanner: str
    tool: str
    version: str
    tree_sha256: str
    state: State
    reason: str
    database: str
    findings: tuple[Finding, ...]
    unscanned: tuple[Unscanned, ...]
    packages: tuple[Package, ...]

    @property
    def open_findings(self) -> int:
        """How many findings nothing suppresses, on the day as of which the report was read."""
        return sum(one.suppression is None for one in self.findings)


@dataclass(frozen=True, slots=True)
class ScannerLine:
    """One scanner in the summary. ``documents`` maps the name of each file that it wrote to its SHA-256."""

    scanner: str
    tool: str
    version: str
    state: State
    reason: str
    findings: int
    suppressed: int
    documents: dict[str, str]


@dataclass(frozen=True, slots=True)
class ScanSummary:
    """``audit_artifacts/security/scan.json``: which tree was scanned, by what, and which suppressions of the
    settings were applied. ``notes`` name marks that were not understood."""

    schema: str
    tool_version: str
    tree_sha256: str
    scanners: tuple[ScannerLine, ...]
    suppress: tuple[SuppressRule, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ScanResults:
    """A whole scan as it is read back; ``reports`` in the order of the summary."""

    summary: ScanSummary
    reports: tuple[ScannerReport, ...]

    def on(self, today: date) -> ScanResults:
        """The same without the suppressions that no longer hold on ``today``."""
        reports = (
            replace(report, findings=tuple(one.on(today) for one in report.findings))
            for report in self.reports
        )
        return replace(self, reports=tuple(reports))

    def counted(self, today: date) -> tuple[tuple[ScannerReport, Finding], ...]:
        """Every finding that nothing suppresses on ``today``, with its report."""
        return tuple((report, one) for report in self.reports for one in report.findings if one.counts(today))
