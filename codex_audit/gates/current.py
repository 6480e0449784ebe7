"""Whether the committed audit fits the tree, as ``codex-audit verify`` says it, in a fraction of its time.

An audit whose files are those of its chain is only compared with the tree: whether each document also follows its
schema, which takes seconds on a large tree, nobody needs to know at every commit. Wherever something does not fit,
``verify`` itself says what.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from codex_audit.artifacts import AuditManifest, ContextIndex, RunRecord
from codex_audit.cache.store import Store
from codex_audit.gates.problem import Problem
from codex_audit.gates.repository import Repository, tracked
from codex_audit.scanners.places import SCAN_FILES, SUMMARY, WITHHELD
from codex_audit.stages.inputs import NOT_SCANNED, rests_on
from codex_audit.stages.places import (
    ARTIFACTS,
    ARTIFACTS_FOLDER,
    MANIFEST,
    MARKER,
    RECORD,
    REPORTS_FOLDER,
    artifact_path,
    is_report,
)
from codex_audit.verify.contents import added_findings, index_findings
from codex_audit.verify.freshness import Now, Recorded, freshness
from codex_audit.verify.manifest import link_digests, manifest_findings, recorded_workflow
from codex_audit.verify.verdict import Verdict, Word
from codex_audit.workflow.settings import Vocabulary
from codex_evidence.digests import sha256_hex
from codex_evidence.documents import MAX_BYTES
from codex_evidence.errors import CodexError
from codex_evidence.files import read_bytes

RUN_AGAIN = "run codex-audit run and add what it wrote: git add audit_artifacts reports"
UNREAD = (
    f"note: {SUMMARY} is of another tree, so the audit says not scanned; codex-audit scan makes one that fits"
)


@dataclass(frozen=True, slots=True)
class Current:
    """``files`` are those of the audit and of the scan that it rests on, relative to its folder; none where it is
    damaged. ``unread`` is whether a scan lies there of another tree, which is no part of the audit."""

    verdict: Verdict
    files: tuple[str, ...]
    unread: bool = False


@dataclass(frozen=True, slots=True)
class _Intact:
    """An audit whose files are those of its chain."""

    recorded: Recorded
    files: tuple[str, ...]


def current_audit(tree: Path, names: Vocabulary, jobs: int, store: Store | None = None) -> Current:
    """The verdict on the audit that lies in ``tree``; with a ``store``, files that have not changed since it last saw
    them are not read. Raises UsageError when there is none."""
    intact = _intact(tree)
    if intact is None:
        from codex_audit.verify.audit import Question, verify_audit

        return Current(verify_audit(Question(tree, tree, None, "", False, (), names, jobs)), ())
    findings, notes = freshness(intact.recorded, Now(tree, tree, None, names, jobs, store))
    word: Word = "STALE" if findings else "CONSISTENT"
    verdict = Verdict(word, intact.recorded.manifest.head, findings, notes)
    # That the files of a scan are those of the chain is among what freshness asks.
    scan = tuple(name for name in SCAN_FILES if os.path.lexists(tree / name))
    used = rests_on(intact.recorded.manifest.inputs.get("scan", NOT_SCANNED))
    rest = scan if used.scan else tuple(name for name in scan if used.withheld and name == WITHHELD)
    return Current(verdict, (*intact.files, *rest), SUMMARY in scan and not used.scan)


def uncommitted(repository: Repository, tree: Path, files: Iterable[str]) -> Iterator[Problem]:
    """Those of ``files``, relative to ``tree``, that git does not track. Raises GitError."""
    within = os.fsencode(os.path.relpath(os.path.realpath(tree), repository.root))
    prefix = b"" if within == b"." else within + b"/"
    below = (f":(literal){os.fsdecode(prefix)}{name}" for name in (ARTIFACTS_FOLDER, REPORTS_FOLDER))
    listed = tracked(repository, *below)
    for path in sorted(os.fsencode(name) for name in files):
        if listed is not None and prefix + path not in listed:
            yield Problem(prefix + path, 0, "is not in git; add it, or the audit is not whole for others")


def _intact(folder: Path) -> _Intact | None:
    """The audit under ``folder``; None when something about it does not fit."""
    if os.path.lexists(folder / MARKER):
        return None
    try:
        manifest = msgspec.json.decode(_read(folder, MANIFEST), type=AuditManifest)
        record = msgspec.json.decode(_read(folder, RECORD), type=RunRecord)
        places = {f"artifact:{name}": artifact_path(name) for name in ARTIFACTS} | record.reports
        digests = link_digests(manifest)
        written = {role: digest for role, digest in digests.items() if not role.startswith("input:")}
        if manifest_findings(manifest) or written.keys() != places.keys():
            return None
        data = {role: _read(folder, path) for role, path in places.items()}
        index = msgspec.json.decode(data["artifact:context_index"], type=ContextIndex)
        if (
            not all(map(is_report, record.reports.values()))
            or any(sha256_hex(data[role]) != digest for role, digest in written.items())
            or any(index_findings(index, digests))
            or any(added_findings(folder, set(places.values()), index))
        ):
            return None
        recorded = Recorded(manifest, recorded_workflow(manifest), index)
        return _Intact(recorded, (*places.values(), MANIFEST, RECORD))
    except (CodexError, msgspec.MsgspecError, UnicodeDecodeError):
        return None  # verify reads it again and says what is wrong


def _read(folder: Path, path: str) -> bytes:
    return read_bytes(folder / path, max_bytes=MAX_BYTES)
