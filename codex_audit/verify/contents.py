"""The files of an audit against its chain: missing, changed, swapped, added, or of another form."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from codex_audit.artifacts import (
    AuditManifest,
    CapabilitiesRaw,
    CapabilitiesScored,
    ContextIndex,
    Facets,
    Gaps,
    RunRecord,
)
from codex_audit.stages.places import (
    ARTIFACTS,
    ARTIFACTS_FOLDER,
    BASELINE,
    MANIFEST,
    MARKER,
    RECORD,
    REPORTS_FOLDER,
    artifact_path,
    is_report,
)
from codex_audit.stages.writing import unknown_reports
from codex_audit.verify.manifest import link_digests
from codex_audit.verify.verdict import Finding
from codex_evidence.digests import sha256_hex, tree_sha256
from codex_evidence.documents import MAX_BYTES, parse_artifact
from codex_evidence.errors import CodexError
from codex_evidence.files import read_bytes

_TYPES: Mapping[str, type] = {
    "context_index": ContextIndex,
    "facets": Facets,
    "capabilities_raw": CapabilitiesRaw,
    "capabilities_scored": CapabilitiesScored,
    "gaps": Gaps,
}


@dataclass(frozen=True, slots=True)
class Contents:
    """``files`` holds the bytes of every artifact and report that could be read, by path; ``reports`` maps
    the role of each report to its path; ``index`` is the listing of the audited tree, None when it does not
    fit the chain."""

    findings: tuple[Finding, ...]
    files: dict[str, bytes]
    reports: dict[str, str]
    index: ContextIndex | None


def check_contents(folder: Path, manifest: AuditManifest) -> Contents:
    """Compares every file of the audit under ``folder`` with the chain of ``manifest``."""
    record, findings = _record(folder, manifest)
    places = {f"artifact:{name}": artifact_path(name) for name in ARTIFACTS}
    reports = record.reports if record else _reports_by_digest(folder, manifest)
    places |= reports
    digests = link_digests(manifest)
    files: dict[str, bytes] = {}
    for role in digests:
        if role in places:
            data, reason = _read(folder, role, places[role], digests)
            if reason:
                findings.append(Finding(places[role], reason))
            if data is not None:
                files[places[role]] = data
    index = _index(files, findings)
    if index is not None:
        findings.extend(index_findings(index, digests))
    findings.extend(added_findings(folder, set(places.values()), index))
    return Contents(tuple(findings), files, reports, index)


def _record(folder: Path, manifest: AuditManifest) -> tuple[RunRecord | None, list[Finding]]:
    """The record, None when it does not fit."""
    if not os.path.lexists(folder / RECORD):
        return None, [Finding(RECORD, "missing")]
    try:
        data = read_bytes(folder / RECORD, max_bytes=MAX_BYTES)
        record = parse_artifact(data, "audit_run_record", RunRecord, source=RECORD)
    except CodexError as error:
        return None, [Finding(RECORD, _brief(error, RECORD))]
    roles = {link.role for link in manifest.chain if link.role.startswith("report:")}
    reasons = [f"names {role}, which is not in the chain" for role in sorted(set(record.reports) - roles)]
    reasons += [f"does not say where {role} lies" for role in sorted(roles - set(record.reports))]
    reasons += [
        f"says that {role} lies at {path}, where no run writes it"
        for role, path in sorted(record.reports.items())
        if not is_report(path)
    ]
    return (None if reasons else record), [Finding(RECORD, reason) for reason in reasons]


def _reports_by_digest(folder: Path, manifest: AuditManifest) -> dict[str, str]:
    """Where the reports lie by what they hold, for want of a record."""
    found: dict[str, str] = {}
    for path in unknown_reports(folder, ()):
        try:
            digest = sha256_hex(read_bytes(folder / path, max_bytes=MAX_BYTES))
        except CodexError:
            continue  # it is not one of the reports, and is named as an added file
        found |= {link.role: path for link in manifest.chain if link.sha256 == digest}
    return {role: path for role, path in found.items() if role.startswith("report:")}


def _read(folder: Path, role: str, path: str, digests: Mapping[str, str]) -> tuple[bytes | None, str]:
    """The bytes at ``path``, None if there are none, and what is wrong with them."""
    if not os.path.lexists(folder / path):
        return None, "missing"
    try:
        data = read_bytes(folder / path, max_bytes=MAX_BYTES)
    except CodexError as error:
        return None, str(error)
    digest = sha256_hex(data)
    if digest != digests[role]:
        return data, _changed(digest, digests)
    kind, _, name = role.partition(":")
    if kind != "artifact":
        return data, ""
    try:
        parse_artifact(data, name, _TYPES[name], source=path)
    except CodexError as error:
        return data, _brief(error, path)
    return data, ""


def _changed(digest: str, digests: Mapping[str, str]) -> str:
    other = next((role for role, known in digests.items() if known == digest), "")
    if other:
        return f"swapped: it holds the bytes of {other}"
    return "changed: its digest is not the one in the chain"


def _index(files: Mapping[str, bytes], findings: list[Finding]) -> ContextIndex | None:
    path = artifact_path("context_index")
    if path not in files or any(finding.file == path for finding in findings):
        return None
    return parse_artifact(files[path], "context_index", ContextIndex, source=path)


def index_findings(index: ContextIndex, digests: Mapping[str, str]) -> Iterator[Finding]:
    """What keeps a listing from being that of the chain."""
    path = artifact_path("context_index")
    if tree_sha256((entry.path, entry.mode, entry.sha256) for entry in index.files) != index.tree_sha256:
        yield Finding(path, "its tree digest does not follow from the files that it lists")
    if digests.get("input:tree") != index.tree_sha256:
        yield Finding(path, "its tree digest is not the one in the chain")


def added_findings(folder: Path, known: set[str], index: ContextIndex | None) -> Iterator[Finding]:
    """Files that look as if a run had written them, save those that were audited as part of the tree."""
    audited = {entry.path for entry in index.files} if index else set()
    expected = known | audited | {MANIFEST, RECORD, MARKER, BASELINE}
    artifacts = sorted(
        f"{ARTIFACTS_FOLDER}/{path.name}" for path in (folder / ARTIFACTS_FOLDER).glob("*.json")
    )
    for path in (*artifacts, *unknown_reports(folder, ())):
        if path not in expected:
            where = "the record" if path.startswith(REPORTS_FOLDER) else "the chain"
            yield Finding(path, f"added: {where} does not name it")


def _brief(error: CodexError, path: str) -> str:
    """The message without the path at its beginning, which the finding names already."""
    return str(error).removeprefix(f"{path}: ")
