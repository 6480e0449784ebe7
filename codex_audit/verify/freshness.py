"""Whether what was audited is still what it was: tree, settings, probes, templates and tool."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from codex_audit.artifacts import AuditManifest, ContextIndex, FileEntry
from codex_audit.cache.store import Store
from codex_audit.scanners.places import SUMMARY, WITHHELD
from codex_audit.scanners.read import read_scans
from codex_audit.scanners.withheld import WithheldError
from codex_audit.stages.inputs import NOT_SCANNED, scan_input, tool_inputs
from codex_audit.stages.stamps import index_again
from codex_audit.verify.manifest import link_digests
from codex_audit.verify.verdict import Finding
from codex_audit.workflow.load import load_workflow
from codex_audit.workflow.settings import Vocabulary, Workflow
from codex_evidence.errors import CodexError
from codex_evidence.names import decode_name
from codex_evidence.plain import to_plain

_TOOL = {
    "tool-version": "another version of this program made the audit",
    "grammar": "another Python grammar read the code",
    "catalogue": "the probes have changed since",
    "templates": "the report templates have changed since",
}


@dataclass(frozen=True, slots=True)
class Recorded:
    """What an intact audit says of itself."""

    manifest: AuditManifest
    workflow: Workflow
    index: ContextIndex


@dataclass(frozen=True, slots=True)
class Now:
    """What to compare with: the tree, the folder of the audit, the workflow file that the caller gives (None
    for whatever the tree has). With a ``store`` files are let be that have not changed since it last saw them."""

    tree: Path
    folder: Path
    workflow_file: Path | None
    names: Vocabulary
    jobs: int
    store: Store | None = None


def holds_tree(folder: Path, index: ContextIndex) -> bool:
    """Whether ``folder`` is itself the audited tree, as far as names can tell."""
    names = (os.fsdecode(decode_name(entry.path, entry.path_encoding)) for entry in index.files)
    return any(os.path.lexists(folder / name) for name in names)


def freshness(recorded: Recorded, now: Now) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    """What has changed since the audit, and notes on what could not be compared.

    Raises UsageError when the tree cannot be listed.
    """
    workflow, notes = _workflow_findings(recorded.workflow, now)
    findings = (
        *_tool_findings(recorded),
        *workflow,
        *_tree_findings(recorded, now),
        *_scan_findings(recorded, now),
    )
    return findings, notes


def _tool_findings(recorded: Recorded) -> Iterator[Finding]:
    digests = link_digests(recorded.manifest)
    current = tool_inputs(recorded.workflow)
    for name, reason in _TOOL.items():
        if digests[f"input:{name}"] == current[name].sha256:
            continue
        was = recorded.manifest.inputs.get(name)
        yield Finding(name, f"{reason} (it was {was}, it is {current[name].text})" if was else reason)


def _workflow_findings(recorded: Workflow, now: Now) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    if now.workflow_file is None and recorded.source == "command line":
        note = "the settings came from a file on the command line; give it with --workflow to compare"
        return (), (note,)
    try:
        loaded = load_workflow(now.tree, now.workflow_file, now.names)
    except CodexError as error:
        return (Finding("workflow", f"the settings can no longer be read: {error}"),), ()
    was, current = _settings(recorded), _settings(loaded.workflow)
    keys = [key for key in was if was[key] != current[key]]
    name = loaded.workflow.source if now.workflow_file is None else str(now.workflow_file)
    found = tuple(
        Finding(name, f"{key} was {_short(was[key])}, it is {_short(current[key])}") for key in keys
    )
    return found, loaded.notes


def _settings(workflow: Workflow) -> dict[str, object]:
    """The settings without where they stood: moving them to another file does not change an audit."""
    return {key: value for key, value in to_plain(workflow).items() if key != "source"}


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _tree_findings(recorded: Recorded, now: Now) -> Iterator[Finding]:
    exclude = recorded.workflow.exclude
    index = index_again(now.tree, now.folder, exclude=exclude, jobs=now.jobs, store=now.store).index
    if index.tree_sha256 == recorded.index.tree_sha256:
        return
    was, current = _by_path(recorded.index), _by_path(index)
    if index.view != recorded.index.view:
        yield Finding(".", f"listed by {index.view}, and by {recorded.index.view} when it was audited")
    for path in sorted(was.keys() | current.keys()):
        if reason := _difference(was.get(path), current.get(path)):
            yield Finding(path, reason)


def _scan_findings(recorded: Recorded, now: Now) -> Iterator[Finding]:
    """Whether the scan of the tree that was audited is still the one that lies there, and counts as it did."""
    try:
        current = scan_input(read_scans((now.folder, now.tree), recorded.index, None))
    except CodexError as error:
        yield Finding(WITHHELD if isinstance(error, WithheldError) else SUMMARY, str(error))
        return
    if link_digests(recorded.manifest)["input:scan"] == current.sha256:
        return
    if current.text == NOT_SCANNED:
        yield Finding(SUMMARY, "the scan that was part of the audit is gone, or is one of another tree")
    elif recorded.manifest.inputs.get("scan") == NOT_SCANNED:
        yield Finding(SUMMARY, "the tree was scanned after it was audited")
    else:
        yield Finding(SUMMARY, "another scan lies there, or a suppression of it has expired")


def _by_path(index: ContextIndex) -> Mapping[str, FileEntry]:
    return {entry.path: entry for entry in index.files}


def _difference(was: FileEntry | None, now: FileEntry | None) -> str:
    if was is None or now is None:
        return "added since the audit" if was is None else "removed since the audit"
    if was.kind != now.kind:
        return f"was a {was.kind}, is a {now.kind}"
    if was.sha256 != now.sha256:
        return "changed since the audit"
    return f"had mode {was.mode}, has {now.mode}" if was.mode != now.mode else ""
