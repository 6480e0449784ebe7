"""All scanners on one tree, one after the other; a tool that is missing or fails costs no other its say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from codex_audit.scanners import bandit, licences, sbom, secrets, vulnerabilities
from codex_audit.scanners.dependencies import Dependencies, dependencies_of
from codex_audit.scanners.model import (
    REPORT_SCHEMA,
    SUMMARY_SCHEMA,
    Outcome,
    ScannerLine,
    ScannerReport,
    ScanResults,
    ScanSummary,
)
from codex_audit.scanners.places import SECURITY_FOLDER, SUMMARY, scanner_path
from codex_audit.scanners.subject import Settings, Subject
from codex_audit.scanners.suppress import suppressed
from codex_evidence.digests import sha256_hex
from codex_evidence.documents import artifact_bytes

INSTALL = "pip install 'codex-audit[scan]'"


@dataclass(frozen=True, slots=True)
class Scanned:
    """What a scan found, and the files to write, by their path under the output."""

    results: ScanResults
    documents: dict[str, bytes]


@dataclass(frozen=True, slots=True)
class _Scanner:
    """``distribution`` is the one to be installed; ``scan`` gets its release."""

    name: str
    distribution: str
    scan: Callable[[str], Outcome]


def scan_tree(subject: Subject, settings: Settings, tool_version: str) -> Scanned:
    """Runs the scanners that ``settings`` name on ``subject``. Writes nothing but in the scratch folder.

    Raises CodexError when the tree changes meanwhile, and UsageError for a suppression whose glob is none.
    """
    dependencies = dependencies_of(subject)
    reports: list[ScannerReport] = []
    lines: list[ScannerLine] = []
    notes: list[str] = []
    documents: dict[str, bytes] = {}
    for scanner in _scanners(subject, dependencies, settings):
        report, further, wrong = _report(scanner, subject, settings)
        written = {scanner_path(scanner.name): artifact_bytes(report)}
        written |= {f"{SECURITY_FOLDER}/{name}": data for name, data in further}
        documents |= written
        reports.append(report)
        notes += wrong
        lines.append(_line(report, written))
    summary = ScanSummary(
        schema=SUMMARY_SCHEMA,
        tool_version=tool_version,
        tree_sha256=subject.index.tree_sha256,
        scanners=tuple(lines),
        suppress=settings.suppress,
        notes=tuple(dict.fromkeys(notes)),
    )
    documents[SUMMARY] = artifact_bytes(summary)
    return Scanned(ScanResults(summary, tuple(reports)), documents)


def _scanners(subject: Subject, dependencies: Dependencies, settings: Settings) -> tuple[_Scanner, ...]:
    return (
        _Scanner(bandit.NAME, bandit.DISTRIBUTION, lambda release: bandit.scan(subject, settings, release)),
        _Scanner(
            secrets.NAME, secrets.DISTRIBUTION, lambda release: secrets.scan(subject, settings, release)
        ),
        _Scanner(
            sbom.NAME, sbom.DISTRIBUTION, lambda release: sbom.scan(subject, dependencies, settings, release)
        ),
        _Scanner(
            licences.NAME, licences.DISTRIBUTION, lambda _: licences.scan(subject, dependencies, settings)
        ),
        _Scanner(
            vulnerabilities.NAME,
            vulnerabilities.DISTRIBUTION,
            lambda release: vulnerabilities.scan(dependencies, settings, release),
        ),
    )


def _report(
    scanner: _Scanner, subject: Subject, settings: Settings
) -> tuple[ScannerReport, tuple[tuple[str, bytes], ...], tuple[str, ...]]:
    release = _release(scanner.distribution)
    if scanner.name not in settings.only:
        outcome = Outcome("left_out", "not asked for")
    elif not release:
        outcome = Outcome("missing", f"{scanner.distribution} is not installed; {INSTALL}")
    else:
        settings.tell(scanner.name)
        outcome = scanner.scan(release)
    marked = suppressed(outcome.findings, subject, settings.suppress)
    report = ScannerReport(
        schema=REPORT_SCHEMA,
        scanner=scanner.name,
        tool=scanner.distribution,
        version=release,
        tree_sha256=subject.index.tree_sha256,
        state=outcome.state,
        reason=outcome.reason,
        database=outcome.database,
        findings=marked.findings,
        unscanned=outcome.unscanned,
        packages=outcome.packages,
    )
    return report, outcome.documents, marked.notes


def _release(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""


def _line(report: ScannerReport, written: dict[str, bytes]) -> ScannerLine:
    return ScannerLine(
        scanner=report.scanner,
        tool=report.tool,
        version=report.version,
        state=report.state,
        reason=report.reason,
        findings=len(report.findings),
        suppressed=sum(finding.suppression is not None for finding in report.findings),
        documents={
            path.removeprefix(f"{SECURITY_FOLDER}/"): sha256_hex(data) for path, data in written.items()
        },
    )
