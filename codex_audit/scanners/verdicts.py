"""What the gate and a release ask of a scan: which findings are open, which licences were found and whether they are
allowed, and whether there is a bill of materials. Pure: the scan goes in as it was read back."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Literal

from codex_audit.scanners.places import BOM_FILE
from codex_audit.scanners.severity import SEVERITIES, Severity

if TYPE_CHECKING:
    from codex_audit.scanners.model import Finding, Package, ScannerReport, ScanResults

LEAST: Severity = "medium"
"""From which severity up a finding fails the gate, and a release by the profiles that travel with the program."""


@dataclass(frozen=True, slots=True)
class LicenceVerdict:
    """A dependency with its licence. ``unknown``: its metadata was not there, or says nothing. ``reason`` is that of an
    exception, else empty."""

    name: str
    version: str
    licence: str
    verdict: Literal["allowed", "forbidden", "unknown"]
    reason: str = ""


def open_findings(
    scan: ScanResults, today: date, least: Severity = "info"
) -> tuple[tuple[ScannerReport, Finding], ...]:
    """The findings from ``least`` up that nothing suppresses on ``today``, each with the report that holds it."""
    return tuple(pair for pair in scan.counted(today) if is_severe(pair[1], least))


def is_severe(finding: Finding, least: Severity = LEAST) -> bool:
    """Whether ``finding`` is of the severity ``least`` or above."""
    return SEVERITIES.index(finding.severity) >= SEVERITIES.index(least)


def silent(scan: ScanResults) -> tuple[ScannerReport, ...]:
    """The scanners that did not look: without them nobody can say that a tree is clean."""
    return tuple(report for report in scan.reports if report.state not in ("done", "partial"))


def licence_verdicts(
    scan: ScanResults, allow: Collection[str], exceptions: Mapping[str, str]
) -> tuple[LicenceVerdict, ...]:
    """Every dependency by name. ``allow`` are SPDX identifiers, ``exceptions`` map a package to the reason why it may
    have any licence."""
    packages = [package for report in scan.reports for package in report.packages]
    return tuple(_verdicts(packages, allow, exceptions))


def wrote_sbom(scan: ScanResults) -> bool:
    """Whether the scan wrote a bill of materials (``audit_artifacts/security/sbom.cdx.json``)."""
    return any(BOM_FILE in line.documents for line in scan.summary.scanners)


def is_allowed(expression: str, allow: Collection[str]) -> bool:
    """Whether one may choose from the SPDX ``expression`` (SPDX 2.3, annex D) so that all of it is in ``allow``.

    What is no expression is looked up as it stands. ``X WITH exception`` is as good as ``X``, because exceptions only
    permit more; ``X+`` is ``X``.
    """
    from license_expression import ExpressionError, Licensing

    if expression in allow:
        return True
    try:
        parsed = Licensing().parse(expression)
    except ExpressionError:
        return False
    return parsed is not None and _holds(parsed, allow)


def _holds(part: Any, allow: Collection[str]) -> bool:
    from license_expression import AND, OR, LicenseWithExceptionSymbol

    if isinstance(part, OR):
        return any(_holds(one, allow) for one in part.args)
    if isinstance(part, AND):
        return all(_holds(one, allow) for one in part.args)
    symbol = part.license_symbol if isinstance(part, LicenseWithExceptionSymbol) else part
    return str(symbol.key).removesuffix("+") in allow


def _verdicts(
    packages: list[Package], allow: Collection[str], exceptions: Mapping[str, str]
) -> Iterator[LicenceVerdict]:
    for one in sorted(packages, key=lambda item: (item.name, item.version)):
        if one.name in exceptions:
            yield LicenceVerdict(one.name, one.version, one.licence, "allowed", exceptions[one.name])
        elif not one.licence:
            yield LicenceVerdict(one.name, one.version, "", "unknown")
        else:
            verdict: Literal["allowed", "forbidden"] = (
                "allowed" if is_allowed(one.licence, allow) else "forbidden"
            )
            yield LicenceVerdict(one.name, one.version, one.licence, verdict)
