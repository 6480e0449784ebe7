"""The manifest by itself: whether its chain is whole, complete, and the one that its clear inputs name."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from codex_audit.artifacts import AuditManifest
from codex_audit.stages.inputs import INPUTS, workflow_text
from codex_audit.stages.places import ARTIFACTS, MANIFEST
from codex_audit.verify.verdict import Finding
from codex_audit.workflow.settings import Workflow
from codex_evidence.chain import first_broken, head
from codex_evidence.digests import sha256_hex
from codex_evidence.documents import read_artifact
from codex_evidence.errors import CodexError, ConversionError, UsageError
from codex_evidence.names import shown
from codex_evidence.plain import from_plain
from codex_evidence.strict_json import loads

_LEADING = (*(f"input:{name}" for name in INPUTS), *(f"artifact:{name}" for name in ARTIFACTS))


def read_manifest(folder: Path) -> AuditManifest:
    """The manifest under ``folder``. Raises UsageError when there is none, CodexError for a broken one."""
    path = folder / MANIFEST
    if not os.path.lexists(path):
        raise UsageError(
            f"{shown(folder)} holds no finished audit ({MANIFEST} is missing); make one with: codex-audit run"
        )
    return read_artifact(path, "audit_run_manifest", AuditManifest)


def manifest_findings(manifest: AuditManifest) -> tuple[Finding, ...]:
    """What is wrong with the chain, whatever the files hold."""
    return tuple(Finding(MANIFEST, reason) for reason in _faults(manifest))


def recorded_workflow(manifest: AuditManifest) -> Workflow:
    """The settings under which the audit was made. Raises CodexError when the manifest does not hold any."""
    text = manifest.inputs.get("workflow", "")
    found = from_plain(Workflow, loads(text.encode("utf-8"), source="workflow"), source="workflow")
    if workflow_text(found) != text:
        raise ConversionError("workflow: not the settings as a run writes them")
    return found


def link_digests(manifest: AuditManifest) -> dict[str, str]:
    """The digest that the chain holds for each role."""
    return {link.role: link.sha256 for link in manifest.chain}


def _faults(manifest: AuditManifest) -> Iterator[str]:
    if broken := first_broken(manifest.chain):
        yield broken[1]
    if manifest.head != head(manifest.chain):
        yield "the head is not the last link of the chain"
    yield from _role_faults(tuple(link.role for link in manifest.chain))
    digests = link_digests(manifest)
    for name, text in manifest.inputs.items():
        if digests.get(f"input:{name}") != sha256_hex(text.encode("utf-8")):
            yield f"input {name} in clear is not the one in the chain"
    try:
        recorded_workflow(manifest)
    except CodexError as error:
        yield f"the recorded settings cannot be read: {error}"


def _role_faults(roles: tuple[str, ...]) -> Iterator[str]:
    yield from (f"the chain lacks {role}" for role in _LEADING if role not in roles)
    strange = [role for role in roles if role not in _LEADING and not role.startswith("report:")]
    yield from (f"the chain holds {role}, which no run writes" for role in strange)
    if not strange and set(_LEADING) <= set(roles) and roles[: len(_LEADING)] != _LEADING:
        yield "the chain is not in stage order"
