"""Gaps and findings of scanners for code scanning: SARIF 2.1.0 (OASIS Standard, with errata 01).

A probe that counts as no is a failure at the nearest place that almost counted. One that is unknown is *open*
(3.27.9: there was not enough to decide by), whose level has to be *none* (3.27.10).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from codex_audit.artifacts import ContextIndex, Evidence, FileEntry, ProbeAnswer
from codex_audit.reports.escaping import text, visible
from codex_audit.reports.fingerprint import digest_of, fingerprint
from codex_audit.reports.model import ReportInput, Section, sections
from codex_audit.reports.wording import Wording, sentence
from codex_audit.scanners.model import Finding, ScannerReport, ScanResults, Suppression
from codex_audit.scanners.severity import Severity
from codex_evidence.canonical import canonical_bytes
from codex_evidence.names import decode_name

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
FINGERPRINT = "codexAudit/v1"
ROOT = "%SRCROOT%"

_LEVELS: Mapping[Severity, str] = {
    "critical": "error",
    "high": "error",
    "medium": "warning",
    "low": "note",
    "info": "note",
}
_PROJECT_FILES = (
    "pyproject.toml",
    "setup.cfg",
    "setup.py",
    "README.md",
    "README.rst",
    "README.txt",
    "README",
)
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/")
_BRACES = str.maketrans({"{": "{{", "}": "}}"})
_ESCAPES = str.maketrans({"{": "{{", "}": "}}", "[": "\\[", "]": "\\]", "\\": "\\\\"})

Json = dict[str, Any]


def write(inputs: ReportInput) -> bytes:
    """The report as RFC 8785 bytes: a run of this audit, and one of each scanner that was asked."""
    files = {entry.path: entry for entry in inputs.index.files}
    runs = [_audit_run(inputs, files), *_scanner_runs(inputs.scan, files)]
    return canonical_bytes({"$schema": SCHEMA, "version": "2.1.0", "runs": runs})


def _audit_run(inputs: ReportInput, files: Mapping[str, FileEntry]) -> Json:
    asked = [(part, answer) for part in sections(inputs) for answer in part.having("no", "unknown")]
    fallback = project_file(inputs.index)
    results = [
        {**_result(part, answer, inputs.words[answer.id], files, fallback), "ruleIndex": number}
        for number, (part, answer) in enumerate(asked)
    ]
    rules = [_rule(part, answer.id, inputs.words[answer.id]) for part, answer in asked]
    driver = {"name": "codex-audit", "version": inputs.version, "rules": rules}
    return {"automationDetails": {"id": "codex-audit/"}, **_run(driver, results)}


def _run(driver: Json, results: list[Json]) -> Json:
    return {
        "tool": {"driver": driver},
        "originalUriBaseIds": {ROOT: {"description": {"text": "The root of the audited tree."}}},
        "columnKind": "unicodeCodePoints",
        "results": results,
    }


def _rule(part: Section, probe: str, words: Wording) -> Json:
    tags = ["codex-audit", part.score.id]
    return {
        "id": probe,
        "shortDescription": {"text": message(words.ask)},
        "fullDescription": {"text": message(sentence(words.motivation))},
        "help": {"text": "\n".join(map(message, _help(words))), "markdown": _help_markdown(words)},
        "defaultConfiguration": {"level": "warning"},
        "properties": {"tags": tags, "capability": part.score.id, "effort": words.effort},
    }


def _help_lines(words: Wording) -> Iterator[tuple[str, str]]:
    yield "Why it is asked", sentence(words.motivation)
    yield "Counts", sentence(words.counts)
    if words.excludes:
        yield "Does not count", sentence(words.excludes)
    yield "Risk", sentence(words.risk)
    yield f"Remedy ({words.effort})", sentence(words.remedy)
    yield "To undo it", sentence(words.rollback)


def _help(words: Wording) -> list[str]:
    lines = [f"{title}: {said}" for title, said in _help_lines(words)]
    return [*lines, *(f"See: {address}" for address in words.references)]


def _help_markdown(words: Wording) -> str:
    lines = [f"- **{title}:** {text(said)}" for title, said in _help_lines(words)]
    lines += [f"- **See:** <{address}>" for address in words.references]
    return "\n".join(lines).translate(_BRACES)


def _result(
    part: Section, answer: ProbeAnswer, words: Wording, files: Mapping[str, FileEntry], fallback: str
) -> Json:
    places = (*answer.near, *answer.evidence)
    best = places[0] if places else None
    where = [_location(best, files)] if best else [_file(fallback, files)] if fallback else []
    failed = answer.counted == "no"
    return {
        "ruleId": answer.id,
        "kind": "fail" if failed else "open",
        "level": ("warning" if part.below else "note") if failed else "none",
        "message": {"text": _told(answer, words, best)},
        "locations": where,
        "relatedLocations": [
            {"id": number, **_location(place, files)} for number, place in enumerate(places[1:], 1)
        ],
        "partialFingerprints": {FINGERPRINT: fingerprint(answer.id, best)},
        "properties": {
            "capability": part.score.id,
            "verdict": answer.counted,
            "score": part.score.score,
            "placed": "near" if best else "project",
        },
    }


def _told(answer: ProbeAnswer, words: Wording, best: Evidence | None) -> str:
    near = (
        f"The nearest is {best.path}:{best.line}: {sentence(best.why)}"
        if best is not None
        else "No place came near, so this stands at the file of the project."
    )
    said = f"{words.ask}: {answer.counted}. {sentence(answer.sentence)} {near}"
    return message(f"{said} Remedy: {sentence(words.remedy)}")


def message(value: str) -> str:
    """``value`` as a plain text message: no placeholder (3.11.5) and no link (3.11.6) is read into it."""
    return visible(value).translate(_ESCAPES)


def _location(place: Evidence, files: Mapping[str, FileEntry]) -> Json:
    found = _file(place.path, files, place.line, place.excerpt)
    found["message"] = {"text": message(sentence(place.why))}
    if place.scope:
        found["logicalLocations"] = [{"fullyQualifiedName": visible(place.scope)}]
    return found


def _file(path: str, files: Mapping[str, FileEntry], line: int = 0, snippet: str = "") -> Json:
    """A line of a file; the first where the whole file is meant, because code scanning wants one."""
    region: Json = {"startLine": max(line, 1)}
    if snippet:
        region["snippet"] = {"text": visible(snippet)}
    place = {"uri": uri(path, files.get(path)), "uriBaseId": ROOT}
    return {"physicalLocation": {"artifactLocation": place, "region": region}}


def uri(path: str, entry: FileEntry | None) -> str:
    """``path`` as a relative reference (RFC 3986): the bytes of the name, percent-encoded."""
    raw = decode_name(path, entry.path_encoding) if entry is not None else path.encode()
    return "".join(chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in raw)


def project_file(index: ContextIndex) -> str:
    """The file that stands for the whole project: its settings, else its README, else the first file."""
    paths = [entry.path for entry in index.files if entry.kind == "file"]
    return next((name for name in _PROJECT_FILES if name in paths), paths[0] if paths else "")


def _scanner_runs(scan: ScanResults | None, files: Mapping[str, FileEntry]) -> Iterator[Json]:
    for report in scan.reports if scan is not None else ():
        if report.state in ("done", "partial"):
            yield _scanner_run(report, files)


def _scanner_run(report: ScannerReport, files: Mapping[str, FileEntry]) -> Json:
    helps = {one.rule: one.help for one in report.findings}
    numbers = {rule: number for number, rule in enumerate(helps)}
    rules = [_scanner_rule(rule, told) for rule, told in helps.items()]
    results = [{**_found(report.tool, one, files), "ruleIndex": numbers[one.rule]} for one in report.findings]
    driver = {"name": visible(report.tool), "version": visible(report.version), "rules": rules}
    return {"automationDetails": {"id": f"codex-audit/{report.scanner}/"}, **_run(driver, results)}


def _scanner_rule(rule: str, told: str) -> Json:
    made: Json = {"id": rule, "properties": {"tags": ["security"]}}
    return {**made, "help": {"text": message(told)}} if told else made


def _found(tool: str, one: Finding, files: Mapping[str, FileEntry]) -> Json:
    made: Json = {
        "ruleId": one.rule,
        "level": _LEVELS[one.severity],
        "message": {"text": message(sentence(one.message))},
        "locations": [_file(one.path, files, one.line)] if one.path else [],
        "partialFingerprints": {FINGERPRINT: digest_of(tool, one.rule, one.path, one.message)},
    }
    if one.suppression is not None:
        made["suppressions"] = [_suppressed(one.suppression)]
    return made


def _suppressed(by: Suppression) -> Json:
    """*In source* is a mark in the code, *external* one elsewhere (3.35.2)."""
    until = f" (until {by.expires})" if by.expires else ""
    kind = "inSource" if by.by in ("inline", "tool") else "external"
    return {"kind": kind, "justification": visible(f"{by.place}: {by.reason}{until}")}
