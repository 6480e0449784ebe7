"""What a scan knows of secrets and the readers do not: the probes see it, and no excerpt shows such a line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from codex_audit.facts.model import FileFacts, Secret
from codex_audit.facts.secrets import redact_bytes
from codex_audit.scanners.model import Finding, ScanResults
from codex_audit.scanners.secrets import JUDGED_HARMLESS

_SCANNER = "secrets"


def with_found(files: tuple[FileFacts, ...], scan: ScanResults | None) -> tuple[FileFacts, ...]:
    """``files`` with the secrets that a scanner is sure of and that nothing suppresses, beside those of the readers."""
    found: dict[str, list[Secret]] = {}
    for one in _findings(scan):
        if one.suppression is None and one.severity == one.confidence == "high":
            found.setdefault(one.path, []).append(Secret(one.rule.replace("-", " "), one.line))
    if not found:
        return files
    return tuple(
        replace(file, secrets=_beside(file.secrets, found[file.path])) if file.path in found else file
        for file in files
    )


def secret_lines(scan: ScanResults | None) -> dict[str, frozenset[int]]:
    """The lines of each file that nobody may quote: every finding, suppressed or not, but those that a person judged to
    be no secret in the baseline."""
    found: dict[str, set[int]] = {}
    for one in _findings(scan):
        mark = one.suppression
        if mark is None or (mark.by, mark.reason) != ("baseline", JUDGED_HARMLESS):
            found.setdefault(one.path, set()).add(one.line)
    return {path: frozenset(lines) for path, lines in found.items()}


def without_found(data: bytes, lines: frozenset[int] | None) -> bytes:
    """``data`` with a word in place of each of ``lines``, and what has the form of a secret replaced: of a key that
    goes on below, its first line is all that a scan names."""
    if not lines:
        return data
    # As an excerpt counts them.
    rows = redact_bytes(data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")).split(b"\n")
    return b"\n".join(b"[redacted line]" if number in lines else row for number, row in enumerate(rows, 1))


def _findings(scan: ScanResults | None) -> Iterator[Finding]:
    for report in scan.reports if scan is not None else ():
        if report.scanner == _SCANNER:
            yield from (one for one in report.findings if one.line)


def _beside(known: tuple[Secret, ...], found: list[Secret]) -> tuple[Secret, ...]:
    lines = {secret.line for secret in known}
    more = {secret.line: secret for secret in found if secret.line not in lines}
    return tuple(sorted((*known, *more.values()), key=lambda secret: secret.line))
