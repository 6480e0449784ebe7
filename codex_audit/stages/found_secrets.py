"""What a scan knows of secrets and the readers do not: the probes see it, no fact holds such a value, and no excerpt
shows such a line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from codex_audit.artifacts import Span
from codex_audit.facts.hidden import HIDDEN_LINE, WHOLE_LINE, Hidden
from codex_audit.facts.model import FileFacts, Secret
from codex_audit.facts.secrets import redact_bytes
from codex_audit.scanners.model import Finding, ScanResults
from codex_audit.scanners.secrets import JUDGED_HARMLESS, PUBLIC_ADDRESS

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
    for one in _unjudged(scan):
        found.setdefault(one.path, set()).update((one.line, *(span.line for span in one.spans)))
    return {path: frozenset(lines) for path, lines in found.items()}


def hidden_values(scan: ScanResults | None) -> dict[str, tuple[Hidden, ...]]:
    """What of each file no reader may see: the values of the same findings, or the whole line where nobody knows the
    place.

    An address is no credential, and a release of four numbers looks like one.
    """
    found: dict[str, set[Hidden]] = {}
    for one in _unjudged(scan):
        if one.rule != PUBLIC_ADDRESS:
            spans = one.spans or (Span(one.line, 0, WHOLE_LINE),)
            kind = one.rule.replace("-", " ")
            found.setdefault(one.path, set()).update(Hidden(kind, span) for span in spans)
    return {path: tuple(sorted(values, key=_place)) for path, values in found.items()}


def _place(hidden: Hidden) -> tuple[int, int, int, str]:
    return hidden.span.line, hidden.span.start, hidden.span.end, hidden.kind


def without_found(data: bytes, lines: frozenset[int] | None) -> bytes:
    """``data`` with a word in place of each of ``lines``, and what has the form of a secret replaced: of a key that
    goes on below, its first line is all that a scan names."""
    if not lines:
        return data
    # As an excerpt counts them.
    rows = redact_bytes(data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")).split(b"\n")
    return b"\n".join(HIDDEN_LINE.encode() if number in lines else row for number, row in enumerate(rows, 1))


def _findings(scan: ScanResults | None) -> Iterator[Finding]:
    for report in scan.reports if scan is not None else ():
        if report.scanner == _SCANNER:
            yield from (one for one in report.findings if one.line)


def _unjudged(scan: ScanResults | None) -> Iterator[Finding]:
    for one in _findings(scan):
        mark = one.suppression
        if mark is None or (mark.by, mark.reason) != ("baseline", JUDGED_HARMLESS):
            yield one


def _beside(known: tuple[Secret, ...], found: list[Secret]) -> tuple[Secret, ...]:
    lines = {secret.line for secret in known}
    more = {secret.line: secret for secret in found if secret.line not in lines}
    return tuple(sorted((*known, *more.values()), key=lambda secret: secret.line))
