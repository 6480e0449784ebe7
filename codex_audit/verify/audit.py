"""Verifying an audit: first that it is whole, then that it is current, then, if asked, that it is true."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from codex_audit.artifacts import AuditManifest
from codex_audit.capabilities.model import Capability
from codex_audit.stages.pipeline import run_stages
from codex_audit.stages.places import MANIFEST, MARKER, artifact_path
from codex_audit.stages.request import Request
from codex_audit.verify.contents import Contents, check_contents
from codex_audit.verify.freshness import Now, Recorded, freshness, holds_tree
from codex_audit.verify.manifest import manifest_findings, read_manifest, recorded_workflow
from codex_audit.verify.verdict import AGAIN, EXPECTED, UNSIGNED, Finding, Verdict
from codex_audit.workflow.settings import Vocabulary
from codex_evidence.errors import CodexError, UsageError
from codex_evidence.names import shown

NOT_FRESH = "chain intact, freshness not checked: give the audited tree with --tree"


@dataclass(frozen=True, slots=True)
class Question:
    """What to verify. ``tree`` None stands for the folder itself if it holds the audited tree; an empty
    ``expected_head`` for any. ``tell`` hears each stage as it begins, where the tree is audited again."""

    folder: Path
    tree: Path | None
    workflow_file: Path | None
    expected_head: str
    rerun: bool
    catalogue: tuple[Capability, ...]
    names: Vocabulary
    jobs: int
    tell: Callable[[str], None] = lambda stage: None


def verify_audit(question: Question) -> Verdict:
    """The verdict on the audit under ``question.folder``.

    Raises UsageError when there is no finished audit, or when a tree is needed and there is none.
    """
    if os.path.lexists(question.folder / MARKER):
        return Verdict("INTERRUPTED", "", (Finding(MARKER, "a run began to write and did not end"),), ())
    try:
        manifest = read_manifest(question.folder)
    except UsageError:
        raise
    except CodexError as error:
        return Verdict("INVALID", "", (Finding(MANIFEST, str(error)),), ())
    contents = check_contents(question.folder, manifest)
    findings = (*manifest_findings(manifest), *_head_findings(question, manifest), *contents.findings)
    if findings or contents.index is None:
        return Verdict("INVALID", manifest.head, findings, ())
    return _current(
        question, manifest, contents, Recorded(manifest, recorded_workflow(manifest), contents.index)
    )


def _head_findings(question: Question, manifest: AuditManifest) -> Iterator[Finding]:
    if question.expected_head and manifest.head != question.expected_head:
        yield Finding(MANIFEST, f"its head is {manifest.head}, not the expected {question.expected_head}")


def _current(question: Question, manifest: AuditManifest, contents: Contents, recorded: Recorded) -> Verdict:
    """The verdict on an audit that is intact."""
    weakest = EXPECTED if question.expected_head else UNSIGNED
    tree = question.tree
    if tree is None and holds_tree(question.folder, recorded.index):
        tree = question.folder
    if tree is None:
        if question.rerun:
            raise UsageError(f"{shown(question.folder)} does not hold the audited tree; give it with --tree")
        return Verdict("CONSISTENT", manifest.head, (), (NOT_FRESH,), weakest)
    now = Now(tree, question.folder, question.workflow_file, question.names, question.jobs)
    stale, notes = freshness(recorded, now)
    if stale:
        notes += ("not audited again, as other results are to be expected",) if question.rerun else ()
        return Verdict("STALE", manifest.head, stale, notes)
    if not question.rerun:
        return Verdict("CONSISTENT", manifest.head, (), notes, weakest)
    forged = tuple(_forged(question, tree, recorded, contents))
    if forged:
        return Verdict("INVALID", manifest.head, forged, notes)
    notes += ("audited again: every artifact and report has the same bytes",)
    return Verdict("CONSISTENT", manifest.head, (), notes, EXPECTED if question.expected_head else AGAIN)


def _forged(question: Question, tree: Path, recorded: Recorded, contents: Contents) -> Iterator[Finding]:
    """Every file whose bytes are not those that auditing ``tree`` again gives."""
    request = Request(tree, question.folder, recorded.workflow, lambda: question.catalogue, question.jobs)
    again = run_stages(request, "S7", question.tell)
    for name, data in again.documents.items():
        if contents.files.get(artifact_path(name)) != data:
            yield Finding(artifact_path(name), "forged: auditing the tree again gives other bytes")
    for name, data in again.reports.items():
        path = contents.reports.get(f"report:{name}", f"report:{name}")
        if contents.files.get(path) != data:
            yield Finding(path, "forged: auditing the tree again gives other bytes")
