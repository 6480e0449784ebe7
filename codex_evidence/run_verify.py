"""Whether a run folder is what its manifests say. Reads files, recomputes digests, runs nothing, needs no torch.

Every byte of the folder must be vouched for: by a manifest, by the chain of steps, by a later segment. What is left
when a process is killed (a last temporary folder, the open segment's growing files) is noted, not believed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from codex_evidence import run_documents as documents
from codex_evidence.checkpoint_manifest import CheckpointManifest, manifest_sha256
from codex_evidence.checkpoint_verify import verify_checkpoint
from codex_evidence.digests import file_sha256, sha256_hex
from codex_evidence.errors import CodexError
from codex_evidence.files import read_bytes
from codex_evidence.names import encode_name
from codex_evidence.run_documents import (
    CHECKPOINTS,
    INDEX,
    MANIFEST,
    SEGMENTS,
    STEPS,
    Finding,
    RunIndex,
    RunManifest,
)
from codex_evidence.run_lines import lines_fault
from codex_evidence.run_world import TEMPORARY, closed_world_findings
from codex_evidence.steps import StepLog, StepRecord, read_steps


@dataclass(frozen=True, slots=True)
class RunReport:
    """``head`` is the digest of the last segment's manifest, which vouches for all before; empty when it could not be
    read. ``notes`` are things to know that are no fault."""

    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    head: str
    name: str
    steps: int


@dataclass(slots=True)
class _Segment:
    """A segment as far as it could be read. ``log`` keeps the records that follow a checkpoint."""

    name: str
    manifest: RunManifest
    digest: str
    log: StepLog
    folder: Path
    heads: dict[int, str] = field(default_factory=dict)


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
    saved = _saved(folder, findings)
    segments = [
        one for name in index.segments if (one := _segment(folder, name, saved, findings)) is not None
    ]
    for position, segment in enumerate(segments):
        findings += _segment_findings(index, segment, segments[:position], folder)
    sealed = {
        former.segment
        for one in segments
        if one.manifest.parent
        for former in one.manifest.parent.former
        if former.files
    }
    for segment in segments:
        notes += _open_notes(segment, sealed)
    if len(segments) == len(index.segments):
        findings += _checkpoint_findings(segments, saved)
    findings += closed_world_findings(folder, index, notes)
    last = segments[-1] if segments else None
    steps = max((segment.log.last for segment in segments), default=0)
    return RunReport(tuple(findings), tuple(notes), last.digest if last else "", index.name, steps)


def _saved(folder: Path, findings: list[Finding]) -> dict[str, CheckpointManifest]:
    """The checkpoints that are whole, by path."""
    found: dict[str, CheckpointManifest] = {}
    for path in sorted((folder / CHECKPOINTS).glob("*")):
        place = f"{CHECKPOINTS}/{encode_name(os.fsencode(path.name))[0]}"
        if path.name.endswith(TEMPORARY) and path.is_dir() and not path.is_symlink():
            continue  # noted with all that is left over
        try:
            found[place] = verify_checkpoint(path)
        except CodexError as error:
            findings.append(Finding(place, str(error)))
    return found


def _segment(
    folder: Path, name: str, saved: dict[str, CheckpointManifest], findings: list[Finding]
) -> _Segment | None:
    path, place = folder / SEGMENTS / name, f"{SEGMENTS}/{name}"
    try:
        manifest, digest = documents.read_manifest(path)
    except CodexError as error:
        findings.append(Finding(f"{place}/{MANIFEST}", str(error)))
        return None
    wanted = {one.step for one in saved.values()} | {entry.step for entry in manifest.checkpoints}

    def keep(record: StepRecord) -> bool:
        return bool(record.state) or record.step in wanted or record.step - 1 in wanted

    try:
        log = read_steps(path / STEPS, manifest.genesis, keep=keep)
    except CodexError as error:
        findings.append(Finding(f"{place}/{STEPS}", str(error)))
        return None
    segment = _Segment(name, manifest, digest, log, path)
    start = manifest.parent.step if manifest.parent else 0
    segment.heads = {start: manifest.genesis}
    segment.heads |= {record.step: digest for record, digest in zip(log.records, log.digests, strict=True)}
    return segment


def _segment_findings(
    index: RunIndex, segment: _Segment, before: list[_Segment], folder: Path
) -> Iterator[Finding]:
    manifest, place = segment.manifest, f"{SEGMENTS}/{segment.name}"
    for label, recorded, expected in (
        ("run", manifest.run, index.id),
        ("name", manifest.name, index.name),
        ("segment", manifest.segment, segment.name),
        ("genesis", manifest.genesis, documents.genesis_of(manifest)),
    ):
        if recorded != expected:
            yield Finding(f"{place}/{MANIFEST}", f"its {label} is {recorded}, not {expected}")
    yield from _documents(segment, place)
    yield from _steps(segment, place)
    yield from _lines(segment, place)
    yield from _listed(segment.folder, manifest.files, place)
    yield from _parentage(segment, before, folder, place)


def _documents(segment: _Segment, place: str) -> Iterator[Finding]:
    """The three documents that a segment begins with."""
    manifest = segment.manifest
    for name, schema, digest in (
        (documents.CONFIG, "", manifest.config_sha256),
        (documents.DATA, "run_data", manifest.data_sha256),
        (documents.ENVIRONMENT, "run_environment", manifest.environment_sha256),
    ):
        try:
            data = read_bytes(segment.folder / name, max_bytes=documents.MAX_DOCUMENT)
            value = documents.parse_document(data, schema, source=name)
        except CodexError as error:
            yield Finding(f"{place}/{name}", str(error))
            continue
        if sha256_hex(data) != digest:
            yield Finding(f"{place}/{name}", f"its digest is {sha256_hex(data)[:12]}, not {digest[:12]}")
        elif name == documents.ENVIRONMENT:
            found = documents.class_digest(value["class"])
            if found != manifest.environment_class_sha256:
                yield Finding(f"{place}/{name}", "its class is not the one that the manifest names")


def _steps(segment: _Segment, place: str) -> Iterator[Finding]:
    manifest, log, path = segment.manifest, segment.log, f"{place}/{STEPS}"
    start = manifest.parent.step if manifest.parent else 0
    torn = manifest.status == "open" and log.fault.endswith("it has no newline")
    if log.fault and not torn:
        yield Finding(path, log.fault)
    if log.first and log.first != start + 1:
        yield Finding(path, f"it begins with step {log.first}, not {start + 1}")
    if manifest.status == "open":
        if manifest.steps is not None or manifest.metrics is not None or manifest.ended is not None:
            yield Finding(f"{place}/{MANIFEST}", "it is open and says how it ended")
        return
    if manifest.steps is None or manifest.metrics is None or manifest.ended is None:
        yield Finding(f"{place}/{MANIFEST}", f"it is {manifest.status} and does not sum up its steps")
    elif not log.fault:
        found = documents.StepsSummary(log.first, log.last, log.count, log.head, log.root)
        for name in ("first", "last", "count", "head", "root"):
            if getattr(found, name) != getattr(manifest.steps, name):
                recorded = getattr(manifest.steps, name)
                yield Finding(path, f"its {name} is {getattr(found, name)}, not {recorded} as recorded")


def _lines(segment: _Segment, place: str) -> Iterator[Finding]:
    """Metrics and system figures: each line follows its schema, and the file is the one that was closed."""
    closed = segment.manifest.status != "open"
    for name, schema in ((documents.METRICS, "run_metric"), (documents.SYSTEM, "run_system")):
        path = segment.folder / name
        if not os.path.lexists(path):
            if name == documents.METRICS:
                yield Finding(f"{place}/{name}", "it is missing")
            continue
        try:
            count, fault = lines_fault(path, schema, whole=closed)
            digest = file_sha256(path)[0]
        except CodexError as error:
            yield Finding(f"{place}/{name}", str(error))
            continue
        if fault:
            yield Finding(f"{place}/{name}", fault)
        recorded = segment.manifest.metrics if name == documents.METRICS else None
        if recorded is not None and (count, digest) != (recorded.count, recorded.sha256):
            yield Finding(
                f"{place}/{name}", f"it is not the file that was closed with {recorded.count} lines"
            )


def _listed(folder: Path, files: tuple[documents.FileDigest, ...], place: str) -> Iterator[Finding]:
    for file in files:
        try:
            found = file_sha256(folder / file.path)
        except CodexError as error:
            yield Finding(f"{place}/{file.path}", str(error))
            continue
        if found != (file.sha256, file.size):
            reason = f"its digest is {found[0][:12]}, not {file.sha256[:12]}: it was altered"
            yield Finding(f"{place}/{file.path}", reason)


def _parentage(segment: _Segment, before: list[_Segment], folder: Path, place: str) -> Iterator[Finding]:
    parent, path = segment.manifest.parent, f"{place}/{MANIFEST}"
    if parent is None:
        if before:
            yield Finding(path, "it has no parent although other segments came before it")
        return
    known = {one.name: one for one in before}
    named = [former.segment for former in parent.former]
    if named != [one.name for one in before]:
        yield Finding(
            path, f"it began after {', '.join(named) or 'none'}, which are not the segments before it"
        )
    for former in parent.former:
        other = known.get(former.segment)
        if other is None:
            continue
        if other.digest != former.manifest_sha256:
            reason = f"it is not the manifest after which segment {segment.name} began"
            yield Finding(f"{SEGMENTS}/{former.segment}/{MANIFEST}", reason)
        yield from _listed(folder / SEGMENTS / former.segment, former.files, f"{SEGMENTS}/{former.segment}")
    if parent.run != segment.manifest.run:
        return  # of another run, which lies elsewhere
    origin = known.get(parent.segment)
    if origin is None:
        yield Finding(path, f"its parent {parent.segment} is no segment before it")
    elif origin.heads.get(parent.step) != parent.steps_head:
        reason = f"segment {parent.segment} has another head at step {parent.step} than its child names"
        yield Finding(f"{SEGMENTS}/{parent.segment}/{STEPS}", reason)


def _open_notes(segment: _Segment, sealed: set[str]) -> Iterator[str]:
    if segment.manifest.status == "open":
        told = (
            "a later segment vouches for what it left"
            if segment.name in sealed
            else "nothing vouches for its last line"
        )
        yield f"segment {segment.name} was not closed (its process was killed, or still runs); {told}"


def _checkpoint_findings(segments: list[_Segment], saved: dict[str, CheckpointManifest]) -> Iterator[Finding]:
    by_name = {segment.name: segment for segment in segments}
    fates = {
        (entry.path, entry.manifest_sha256): entry
        for segment in segments
        for entry in segment.manifest.checkpoints
    }
    for (path, digest), entry in fates.items():
        there = saved.get(path)
        if entry.kept and (there is None or manifest_sha256(there) != digest):
            yield Finding(path, "it is missing or another one, although the run says that it was kept")
        elif (
            there is not None
            and manifest_sha256(there) == digest
            and there.state_digest != entry.state_digest
        ):
            yield Finding(path, "its state is not the one that the run recorded")
    for path, manifest in saved.items():
        listed = (path, manifest_sha256(manifest)) in fates
        yield from _vouched(path, manifest, by_name.get(manifest.segment), listed=listed)
    for segment in segments:
        yield from _states(segment, segments)


def _vouched(
    path: str, saved: CheckpointManifest, segment: _Segment | None, *, listed: bool
) -> Iterator[Finding]:
    """Whether the checkpoint is of this run and of the step that it says."""
    if segment is None or saved.run != segment.manifest.run:
        yield Finding(path, f"it is of run {saved.run}, segment {saved.segment}, which is not here")
        return
    manifest = segment.manifest
    if not listed and manifest.status != "open":
        yield Finding(path, f"segment {segment.name} was closed and does not list it")
    for label in (
        "config_sha256",
        "data_sha256",
        "environment_class_sha256",
        "environment_sha256",
        "world_size",
    ):
        if getattr(saved, label) != getattr(manifest, label):
            yield Finding(path, f"its {label} is not that of segment {segment.name}")
    if segment.heads.get(saved.step) != saved.steps_head:
        yield Finding(path, f"it does not belong to step {saved.step} of segment {segment.name}")


def _states(segment: _Segment, segments: list[_Segment]) -> Iterator[Finding]:
    """Each state that a step names was saved just before it, and the other way round."""
    entries = {entry.step: entry for entry in segment.manifest.checkpoints if entry.segment == segment.name}
    for record in segment.log.records:
        entry = entries.get(record.step - 1)
        if entry is not None and record.state != entry.state_digest:
            reason = f"step {record.step} does not follow the state saved at step {record.step - 1}"
            yield Finding(f"{SEGMENTS}/{segment.name}/{STEPS}", reason)
        elif record.state and entry is None and segment.manifest.status != "open":
            reason = f"step {record.step} names a state that no checkpoint recorded"
            yield Finding(f"{SEGMENTS}/{segment.name}/{STEPS}", reason)
