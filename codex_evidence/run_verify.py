"""Whether a run folder is what its manifests say. Reads files, recomputes digests, runs nothing, needs no torch.

Every byte of the folder must be vouched for: by a manifest, by the chain of steps, by a later segment. What is left
when a process is killed (a last temporary folder, the open segment's growing files) is noted, not believed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from codex_evidence import run_documents as documents
from codex_evidence.errors import CodexError
from codex_evidence.run_checkpoints import checkpoint_findings, whole_checkpoints
from codex_evidence.run_documents import INDEX, SEGMENTS, Finding
from codex_evidence.run_segment import Segment, read_segments, segment_findings
from codex_evidence.run_world import closed_world_findings, sealed_files


@dataclass(frozen=True, slots=True)
class RunReport:
    """``head`` is the digest of the last segment's manifest, which vouches for all before; empty when it could not be
    read. ``notes`` are things to know that are no fault."""

    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    head: str
    name: str
    steps: int


def is_run(folder: Path) -> bool:
    """Whether ``folder`` holds a run: a `run.json`, also one that was damaged."""
    return os.path.lexists(folder / INDEX) and os.path.lexists(folder / SEGMENTS)


def verify_run(folder: Path) -> tuple[Finding, ...]:
    """What does not fit in the run folder; empty when everything does."""
    return examine_run(folder).findings


def examine_run(folder: Path) -> RunReport:
    """All findings and notes on the run folder. Raises nothing for what a damaged folder may hold."""
    findings: list[Finding] = []
    notes: list[str] = []
    try:
        index = documents.read_index(folder)
    except CodexError as error:
        return RunReport((Finding(INDEX, str(error)),), (), "", "", 0)
    whole = whole_checkpoints(folder, findings, notes)
    segments = read_segments(folder, index.segments, whole.values(), findings)
    for position, segment in enumerate(segments):
        findings += segment_findings(index, segment, segments[:position], folder)
    notes[:0] = _open_notes(segments)
    if len(segments) == len(index.segments):
        findings += checkpoint_findings(segments, whole, notes)
    findings += closed_world_findings(folder, index, segments, notes)
    last = segments[-1] if segments else None
    steps = max((segment.log.last for segment in segments), default=0)
    return RunReport(tuple(findings), tuple(notes), last.digest if last else "", index.name, steps)


def _open_notes(segments: Sequence[Segment]) -> Iterator[str]:
    """Which segments were not closed, and what that leaves open: a killed process lists no file that still grew."""
    sealed = sealed_files(segments)
    for segment in segments:
        if segment.manifest.status != "open":
            continue
        told = "nothing vouches for its last line, its metrics or its system figures"
        if segment.name in sealed:
            told = "a later segment vouches for what it left"
        yield f"segment {segment.name} was not closed (its process was killed, or still runs); {told}"
