"""The artifacts of an audit, read as strictly as ``verify`` reads them, as frozen values.

A file that cannot be read is a fault that is shown, never an end of the program.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from codex_audit.artifacts import (
    AuditManifest,
    CapabilitiesRaw,
    CapabilitiesScored,
    ContextIndex,
    Facets,
    Gaps,
    PatchStep,
    ProbeAnswer,
    RunRecord,
)
from codex_audit.stages.places import MANIFEST, MARKER, RECORD, artifact_path
from codex_evidence.documents import read_artifact
from codex_evidence.errors import CodexError

T = TypeVar("T")

_FILES = {
    artifact_path("context_index"): ("context_index", ContextIndex),
    artifact_path("facets"): ("facets", Facets),
    artifact_path("capabilities_raw"): ("capabilities_raw", CapabilitiesRaw),
    artifact_path("capabilities_scored"): ("capabilities_scored", CapabilitiesScored),
    artifact_path("gaps"): ("gaps", Gaps),
    MANIFEST: ("audit_run_manifest", AuditManifest),
    RECORD: ("audit_run_record", RunRecord),
}

AUDIT_FILES = (*_FILES, MARKER)
"""Whose change is a change of the audit, relative to its folder."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A file that is there and cannot be shown, and why."""

    file: str
    reason: str


@dataclass(frozen=True)
class Audit:
    """The audit in ``folder``. What is not there, or cannot be read, is None; the latter is among ``faults``.
    ``writing`` says that a run has begun to write there and has not ended."""

    folder: Path
    index: ContextIndex | None = None
    facets: Facets | None = None
    raw: CapabilitiesRaw | None = None
    scored: CapabilitiesScored | None = None
    gaps: Gaps | None = None
    manifest: AuditManifest | None = None
    record: RunRecord | None = None
    faults: tuple[Fault, ...] = ()
    writing: bool = False

    @property
    def there(self) -> bool:
        """Whether there is any file of an audit, whole or not."""
        parts = (self.index, self.facets, self.raw, self.scored, self.gaps, self.manifest, self.record)
        return bool(self.faults) or self.writing or any(part is not None for part in parts)

    @cached_property
    def answers(self) -> dict[str, ProbeAnswer]:
        """Every answer by its probe."""
        capabilities = self.raw.capabilities if self.raw else ()
        return {one.id: one for capability in capabilities for one in capability.probes}

    @cached_property
    def asked(self) -> dict[str, tuple[ProbeAnswer, ...]]:
        """The answers of each capability."""
        capabilities = self.raw.capabilities if self.raw else ()
        return {capability.id: capability.probes for capability in capabilities}

    @cached_property
    def owners(self) -> dict[str, str]:
        """The capability of each probe."""
        capabilities = self.raw.capabilities if self.raw else ()
        return {one.id: capability.id for capability in capabilities for one in capability.probes}

    @cached_property
    def steps(self) -> dict[str, PatchStep]:
        """What the plan says of each probe."""
        plans = self.gaps.plans if self.gaps else ()
        return {step.probe: step for plan in plans for step in plan.patch_plan}

    @cached_property
    def digests(self) -> dict[str, str]:
        """The SHA-256 of each file when it was audited."""
        return {entry.path: entry.sha256 for entry in self.index.files} if self.index else {}


def read_audit(folder: Path) -> Audit:
    """The audit in ``folder`` as far as it can be read. Raises nothing for what a folder may hold."""
    faults: list[Fault] = []
    parts = {file: _part(folder / file, file, *_FILES[file], faults) for file in _FILES}
    index, facets, raw, scored, gaps, manifest, record = parts.values()
    return Audit(
        folder,
        index,
        facets,
        raw,
        scored,
        gaps,
        manifest,
        record,
        tuple(faults),
        os.path.lexists(folder / MARKER),
    )


def _part(path: Path, file: str, schema: str, cls: type[T], faults: list[Fault]) -> T | None:
    if not os.path.lexists(path):
        return None
    try:
        return read_artifact(path, schema, cls)
    except CodexError as error:
        faults.append(Fault(file, str(error)))
        return None
