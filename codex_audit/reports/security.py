"""What reports say of a scan: the findings that count come first, the most severe of them at the top."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from codex_audit.scanners.model import Finding, ScannerReport, ScanResults
from codex_audit.scanners.severity import SEVERITIES
from codex_evidence.plain import to_plain

MOST_FINDINGS = 100
"""How many of the whole scan the Markdown and the JSON report name; SARIF has all."""

Found = tuple[ScannerReport, Finding]


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """Those that nothing suppresses before the rest, each by severity, then as they stand."""
    return sorted(findings, key=lambda one: (one.suppression is not None, -SEVERITIES.index(one.severity)))


def counted(scan: ScanResults) -> list[Found]:
    """Every finding that nothing suppresses, with its report, the most severe first."""
    found = [(report, one) for report in scan.reports for one in report.findings if one.suppression is None]
    return sorted(found, key=lambda pair: -SEVERITIES.index(pair[1].severity))


def figures(report: ScannerReport) -> str:
    """``3 high, 1 low, 2 set aside``; what came of the scanner where it did not look."""
    if report.state not in ("done", "partial"):
        return report.state.replace("_", " ")
    counts = Counter(one.severity for one in report.findings if one.suppression is None)
    said = [f"{counts[name]} {name}" for name in reversed(SEVERITIES) if counts[name]] or ["none"]
    aside = len(report.findings) - report.open_findings
    return ", ".join([*said, *([f"{aside} set aside"] if aside else [])])


def document(scan: ScanResults | None) -> dict[str, Any] | None:
    """The scan as the JSON report has it."""
    if scan is None:
        return None
    found = counted(scan)
    return {
        "scanners": [
            {
                "scanner": report.scanner,
                "tool": report.tool,
                "version": report.version,
                "state": report.state,
                "reason": report.reason,
                "findings": report.open_findings,
                "suppressed": len(report.findings) - report.open_findings,
            }
            for report in scan.reports
        ],
        "findings": [
            {
                "scanner": report.scanner,
                **{
                    name: to_plain(getattr(one, name))
                    for name in ("rule", "severity", "path", "line", "message")
                },
            }
            for report, one in found[:MOST_FINDINGS]
        ],
        "more": max(0, len(found) - MOST_FINDINGS),
        "notes": list(scan.summary.notes),
    }
