"""What a segment has to do with what was there before it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from codex_evidence.checkpoint_folders import checkpoint_name, standing
from codex_evidence.checkpoint_manifest import CheckpointManifest, manifest_sha256
from codex_evidence.checkpoint_manifest import read_manifest as read_checkpoint
from codex_evidence.digests import file_sha256
from codex_evidence.errors import CodexError, RunError
from codex_evidence.names import shown
from codex_evidence.run_checkpoints import checkpoint_faults, checkpoint_place, is_listed
from codex_evidence.run_documents import (
    CHECKPOINTS,
    INDEX,
    MANIFEST,
    SEGMENTS,
    CheckpointEntry,
    FileDigest,
    Finding,
    FormerSegment,
    ParentRecord,
    RunIndex,
    read_index,
)
from codex_evidence.run_segment import Segment, read_segments
from codex_evidence.run_world import sealed_files


@dataclass(frozen=True, slots=True)
class Parent:
    """What a run goes on from. ``checkpoint`` is the folder that was loaded and verified, in this run or elsewhere;
    None starts again at step 0 because no checkpoint was made before the process was killed. ``overrides`` are the
    fields whose difference the user let through."""

    checkpoint: Path | None
    overrides: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Before:
    """A run folder as another segment finds it. ``entries`` are the checkpoints that are there and that the run's
    segments vouch for, by the names that they get when the folder is tidied up; ``folders`` where each lies now, by
    step. ``refused`` says of each place whose checkpoint is damaged or not the run's what is wrong with it."""

    index: RunIndex
    segments: tuple[Segment, ...]
    folders: Mapping[int, Path]
    entries: tuple[CheckpointEntry, ...]
    refused: Mapping[str, str]


def before(run: Path) -> Before | None:
    """What the folder ``run`` holds already; None when no run began there. Changes nothing. Raises CodexError for a
    damaged one; a damaged checkpoint is none of its faults."""
    if not os.path.lexists(run / INDEX):
        return None
    index = read_index(run)
    folders = standing(run / CHECKPOINTS).whole
    saved: dict[str, CheckpointManifest] = {}
    refused: dict[str, str] = {}
    for step, path in folders.items():
        try:
            saved[checkpoint_place(step)] = read_checkpoint(path)
        except CodexError as error:
            refused[checkpoint_place(step)] = str(error)
    findings: list[Finding] = []
    segments = read_segments(run, index.segments, saved.values(), findings)
    for finding in findings:
        raise RunError(f"{shown(run / finding.file)}: {finding.reason}")
    for segment in segments:
        if (segment.manifest.run, segment.manifest.segment) != (index.id, segment.name):
            raise RunError(f"{shown(segment.folder / MANIFEST)} is of another run or segment")
    for place, one in saved.items():
        if fault := next(checkpoint_faults(place, one, segments), ""):
            refused[place] = f"{place} is no checkpoint of this run: {fault}"
    entries = _entries(segments, saved, refused)
    return Before(index, tuple(segments), folders, entries, refused)


def _entries(
    segments: Sequence[Segment], saved: Mapping[str, CheckpointManifest], refused: Mapping[str, str]
) -> tuple[CheckpointEntry, ...]:
    """What the new segment says that it found. Of a place that is ``refused`` it repeats what was recorded."""
    recorded = {entry.path: entry for segment in segments for entry in segment.manifest.checkpoints}
    found = {place: checkpoint_entry(place, one) for place, one in saved.items() if place not in refused}
    found |= {place: recorded[place] for place in refused if place in recorded and recorded[place].kept}
    return tuple(found[place] for place in sorted(found))


def parent_record(run: Path, parent: Parent, found: Before | None) -> ParentRecord:
    """What the new segment's manifest says about its parent. Raises RunError when there is nothing to go on from, or
    it is no checkpoint that the run made."""
    former = _former(run, found) if found else ()
    if parent.checkpoint is None:
        if found is None:
            raise RunError(f"there is no run in {shown(run)} to go on with; start one without a parent")
        last = found.segments[-1]
        return ParentRecord(
            found.index.id, last.name, "", "", 0, _origin(last, found), parent.overrides, former
        )
    saved = read_checkpoint(parent.checkpoint)
    inside = parent.checkpoint.resolve().parent == (run / CHECKPOINTS).resolve()
    if found is not None and (inside or saved.run == found.index.id):
        _require_own(parent.checkpoint, saved, found, inside=inside)
    return ParentRecord(
        saved.run,
        saved.segment,
        checkpoint_place(saved.step) if inside else parent.checkpoint.name,
        manifest_sha256(saved),
        saved.step,
        saved.steps_head,
        parent.overrides,
        former,
    )


def _require_own(path: Path, saved: CheckpointManifest, found: Before, *, inside: bool) -> None:
    """Raises RunError unless ``saved``, at ``path``, is a checkpoint that the run made."""
    place = checkpoint_place(saved.step)
    fault = next(checkpoint_faults(place, saved, found.segments), "")
    there = found.folders.get(saved.step)
    if inside and (there is None or there.name != path.name):
        fault = f"only {checkpoint_name(saved.step)} is read"
    elif not fault and not inside and not is_listed(place, saved, found.segments):
        fault = "no segment of the run lists it"
    if fault:
        raise RunError(f"the run cannot go on from {shown(path)}: {fault}; take another checkpoint")


def checkpoint_entry(path: str, saved: CheckpointManifest) -> CheckpointEntry:
    """The entry of the checkpoint ``path`` below the run folder, as one that is there."""
    digest = manifest_sha256(saved)
    return CheckpointEntry(saved.step, path, saved.segment, digest, saved.state_digest, kept=True)


def _origin(segment: Segment, found: Before) -> str:
    """The head at step 0 of ``segment``: its genesis, unless it went on from somewhere itself."""
    if segment.start:
        raise RunError(
            f"segment {segment.name} of {found.index.name!a} went on from step {segment.start}; "
            "resume from that checkpoint, not from the start"
        )
    return segment.manifest.genesis


def _former(run: Path, found: Before) -> tuple[FormerSegment, ...]:
    sealed = sealed_files(found.segments)
    return tuple(
        FormerSegment(one.name, one.digest, _files(run / SEGMENTS / one.name))
        if one.manifest.status == "open" and one.name not in sealed
        else FormerSegment(one.name, one.digest, ())
        for one in found.segments
    )


def _files(segment: Path) -> tuple[FileDigest, ...]:
    """Every file of the folder but its manifest."""
    return file_digests(segment, {MANIFEST})


def file_digests(folder: Path, but: set[str]) -> tuple[FileDigest, ...]:
    """The regular files directly in ``folder`` without those called as in ``but``, in order of name."""
    names = sorted(path.name for path in folder.iterdir() if path.name not in but)
    digests = ((name, file_sha256(folder / name)) for name in names)
    return tuple(FileDigest(name, size, sha256) for name, (sha256, size) in digests)
