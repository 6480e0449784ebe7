"""Whether the checkpoints in a run folder are those that its segments recorded."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from codex_evidence.checkpoint_folders import checkpoint_name, standing
from codex_evidence.checkpoint_manifest import CheckpointManifest, manifest_sha256
from codex_evidence.checkpoint_verify import verify_checkpoint
from codex_evidence.errors import CodexError
from codex_evidence.names import encode_name
from codex_evidence.run_documents import CHECKPOINTS, MANIFEST, SEGMENTS, STEPS, CheckpointEntry, Finding
from codex_evidence.run_segment import Segment


def checkpoint_place(step: int) -> str:
    """Where the checkpoint after ``step`` lies below the run folder, once it has its name."""
    return f"{CHECKPOINTS}/{checkpoint_name(step)}"


def whole_checkpoints(
    folder: Path, findings: list[Finding], notes: list[str]
) -> dict[str, CheckpointManifest]:
    """The checkpoints of the run ``folder`` that are what their manifests say, by place. Those that are not are
    ``findings``, and so is what is no checkpoint; what killed processes left is noted."""
    try:
        found = standing(folder / CHECKPOINTS)
    except CodexError as error:
        findings.append(Finding(CHECKPOINTS, str(error)))
        return {}
    whole: dict[str, CheckpointManifest] = {}
    for step, path in found.whole.items():
        try:
            whole[checkpoint_place(step)] = verify_checkpoint(path)
        except CodexError as error:
            findings.append(Finding(f"{CHECKPOINTS}/{path.name}", str(error)))
        if path.name != checkpoint_name(step):
            notes.append(
                f"{CHECKPOINTS}/{path.name} was put aside by a process that was killed before its successor was "
                "there; it counts as the checkpoint of its step"
            )
    for path in found.left:
        notes.append(f"{CHECKPOINTS}/{path.name} was left by a process that was killed; nothing reads it")
    for path in found.strange:
        name = encode_name(os.fsencode(path.name))[0]
        findings.append(
            Finding(f"{CHECKPOINTS}/{name}", "nobody vouches for it: it is no checkpoint's folder")
        )
    return whole


def checkpoint_findings(
    segments: Sequence[Segment], whole: Mapping[str, CheckpointManifest], notes: list[str]
) -> Iterator[Finding]:
    """What does not fit between the checkpoints ``whole``, by place, and all ``segments`` of their run."""
    fates = {(entry.path, entry.manifest_sha256): entry for entry in _entries(segments)}
    for (path, digest), entry in fates.items():
        there = whole.get(path)
        same = there is not None and manifest_sha256(there) == digest
        if entry.kept and not same:
            yield Finding(path, "it is missing or another one, although the run says that it was kept")
        elif there is not None and same and there.state_digest != entry.state_digest:
            yield Finding(path, "its state is not the one that the run recorded")
    for path, manifest in whole.items():
        faults = list(checkpoint_faults(path, manifest, segments))
        yield from (Finding(path, fault) for fault in faults)
        if not faults and (path, manifest_sha256(manifest)) not in fates:
            notes.append(
                f"{path} was saved just before its process was killed; nothing vouches for its state"
            )
    for segment in segments:
        yield from _states(segment, segments)
        yield from _final(segment, notes)


def checkpoint_faults(place: str, saved: CheckpointManifest, segments: Sequence[Segment]) -> Iterator[str]:
    """Why ``saved``, which lies or lay at ``place``, cannot be a checkpoint that the run of ``segments`` made."""
    segment = next((one for one in segments if one.name == saved.segment), None)
    if segment is None or saved.run != segment.manifest.run:
        yield f"it is of run {saved.run}, segment {saved.segment}, which is not here"
        return
    for label in (
        "config_sha256",
        "data_sha256",
        "environment_class_sha256",
        "environment_sha256",
        "world_size",
    ):
        if getattr(saved, label) != getattr(segment.manifest, label):
            yield f"its {label} is not that of segment {segment.name}"
    if segment.heads.get(saved.step) != saved.steps_head:
        yield f"it does not belong to step {saved.step} of segment {segment.name}"
    if segment.states.get(saved.step, saved.state_digest) != saved.state_digest:
        yield f"step {saved.step + 1} of segment {segment.name} does not follow its state"
    if not is_listed(place, saved, segments):
        yield from _unlisted_fault(saved, segment, segments[-1])


def is_listed(place: str, saved: CheckpointManifest, segments: Sequence[Segment]) -> bool:
    """Whether a segment recorded ``saved`` at ``place``."""
    wanted = (place, saved.segment, saved.step, manifest_sha256(saved))
    return any(
        (entry.path, entry.segment, entry.step, entry.manifest_sha256) == wanted
        for entry in _entries(segments)
    )


def _unlisted_fault(saved: CheckpointManifest, segment: Segment, last: Segment) -> Iterator[str]:
    """A process lists a checkpoint before its next step, and the segment after it lists all that it finds. So only the
    one that the last process was killed over can be unlisted."""
    if segment.manifest.status != "open":
        yield f"segment {segment.name} was closed and does not list it"
    elif segment is not last:
        yield f"segment {segment.name} does not list it, nor does one after it"
    elif saved.step != segment.last or segment.log.fault:
        yield f"segment {segment.name} went on after step {saved.step} and does not list it"


def _entries(segments: Sequence[Segment]) -> Iterator[CheckpointEntry]:
    for segment in segments:
        yield from segment.manifest.checkpoints


def _states(segment: Segment, segments: Sequence[Segment]) -> Iterator[Finding]:
    """Each state that a step names was saved just before it, and the other way round."""
    place = f"{SEGMENTS}/{segment.name}/{STEPS}"
    saved: dict[int, set[str]] = {}
    for entry in _entries(segments):
        if entry.segment == segment.name:
            saved.setdefault(entry.step, set()).add(entry.state_digest)
    for step, state in segment.states.items():
        if step in saved and saved[step] != {state}:
            yield Finding(place, f"step {step + 1} does not follow the state saved at step {step}")
        elif state and step not in saved:
            yield Finding(place, f"step {step + 1} names a state that no checkpoint recorded")


def _final(segment: Segment, notes: list[str]) -> Iterator[Finding]:
    """The state that a closed segment says it ended in is the one saved after its last step. Where none was saved the
    training loop may still name one, which only another run of the same steps can confirm."""
    manifest, place = segment.manifest, f"{SEGMENTS}/{segment.name}/{MANIFEST}"
    if manifest.status == "open":
        return
    ends = [
        entry.state_digest
        for entry in manifest.checkpoints
        if (entry.segment, entry.step) == (segment.name, segment.last)
    ]
    if ends and manifest.final_state_digest != ends[-1]:
        yield Finding(place, f"its final state is not the one saved at step {segment.last}")
    elif manifest.final_state_digest and not ends:
        notes.append(
            f"segment {segment.name} names a final state that was not saved; only a replay can confirm it"
        )
