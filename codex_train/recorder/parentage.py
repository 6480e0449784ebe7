"""What a segment has to do with what was there before it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from codex_evidence.checkpoint_manifest import CheckpointManifest, manifest_sha256, named_step
from codex_evidence.checkpoint_manifest import read_manifest as read_checkpoint
from codex_evidence.digests import file_sha256
from codex_evidence.errors import RunError
from codex_evidence.names import shown
from codex_evidence.run_documents import (
    CHECKPOINTS,
    INDEX,
    MANIFEST,
    SEGMENTS,
    CheckpointEntry,
    FileDigest,
    FormerSegment,
    ParentRecord,
    RunIndex,
    RunManifest,
    read_index,
    read_manifest,
)


@dataclass(frozen=True, slots=True)
class Parent:
    """What a run goes on from. ``checkpoint`` is the folder that was loaded and verified, in this run or elsewhere;
    None starts again at step 0 because no checkpoint was made before the process was killed. ``overrides`` are the
    fields whose difference the user let through."""

    checkpoint: Path | None
    overrides: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Before:
    """A run folder as another segment finds it: the manifests by name, in order, with the digests of their files."""

    index: RunIndex
    manifests: dict[str, tuple[RunManifest, str]]


def before(run: Path) -> Before | None:
    """What the folder ``run`` holds already; None when no run began there. Raises CodexError for a damaged one."""
    if not os.path.lexists(run / INDEX):
        return None
    index = read_index(run)
    manifests = {name: read_manifest(run / SEGMENTS / name) for name in index.segments}
    for name, (manifest, _) in manifests.items():
        if (manifest.run, manifest.segment) != (index.id, name):
            raise RunError(f"{shown(run / SEGMENTS / name / MANIFEST)} is of another run or segment")
    return Before(index, manifests)


def parent_record(run: Path, parent: Parent, found: Before | None) -> ParentRecord:
    """What the new segment's manifest says about its parent. Raises RunError when there is nothing to go on from."""
    former = _former(run, found) if found else ()
    if parent.checkpoint is None:
        if found is None:
            raise RunError(f"there is no run in {shown(run)} to go on with; start one without a parent")
        last, (manifest, _) = list(found.manifests.items())[-1]
        return ParentRecord(
            found.index.id, last, "", "", 0, _origin(manifest, found), parent.overrides, former
        )
    saved = read_checkpoint(parent.checkpoint)
    inside = parent.checkpoint.resolve().parent == (run / CHECKPOINTS).resolve()
    path = f"{CHECKPOINTS}/{parent.checkpoint.name}" if inside else parent.checkpoint.name
    return ParentRecord(
        saved.run,
        saved.segment,
        path,
        manifest_sha256(saved),
        saved.step,
        saved.steps_head,
        parent.overrides,
        former,
    )


def existing_checkpoints(run: Path, found: Before | None) -> dict[str, CheckpointEntry]:
    """The checkpoints that earlier segments left, by path, so that their removal can be recorded."""
    if found is None:
        return {}
    entries: dict[str, CheckpointEntry] = {}
    for path in sorted((run / CHECKPOINTS).glob("step-*")):
        if named_step(path.name) is not None:
            place = f"{CHECKPOINTS}/{path.name}"
            entries[place] = checkpoint_entry(place, read_checkpoint(path))
    return entries


def checkpoint_entry(path: str, saved: CheckpointManifest) -> CheckpointEntry:
    """The entry of the checkpoint ``path`` below the run folder, as one that is there."""
    digest = manifest_sha256(saved)
    return CheckpointEntry(saved.step, path, saved.segment, digest, saved.state_digest, kept=True)


def _origin(manifest: RunManifest, found: Before) -> str:
    """The head at step 0 of the segment ``manifest``: its genesis, unless it went on from somewhere itself."""
    if manifest.parent is not None and manifest.parent.step:
        raise RunError(
            f"segment {manifest.segment} of {found.index.name!a} went on from step {manifest.parent.step}; "
            "resume from that checkpoint, not from the start"
        )
    return manifest.genesis


def _former(run: Path, found: Before) -> tuple[FormerSegment, ...]:
    sealed = {
        former.segment
        for manifest, _ in found.manifests.values()
        if manifest.parent is not None
        for former in manifest.parent.former
        if former.files
    }
    return tuple(
        FormerSegment(name, digest, _files(run / SEGMENTS / name))
        if manifest.status == "open" and name not in sealed
        else FormerSegment(name, digest, ())
        for name, (manifest, digest) in found.manifests.items()
    )


def _files(segment: Path) -> tuple[FileDigest, ...]:
    """Every file of the folder but its manifest."""
    return file_digests(segment, {MANIFEST})


def file_digests(folder: Path, but: set[str]) -> tuple[FileDigest, ...]:
    """The regular files directly in ``folder`` without those called as in ``but``, in order of name."""
    names = sorted(path.name for path in folder.iterdir() if path.name not in but)
    digests = ((name, file_sha256(folder / name)) for name in names)
    return tuple(FileDigest(name, size, sha256) for name, (sha256, size) in digests)
