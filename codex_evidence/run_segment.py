"""Whether one segment of a run is what its manifest says: documents, steps, lines, files, and what it follows."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from codex_evidence import run_documents as documents
from codex_evidence.checkpoint_manifest import CheckpointManifest
from codex_evidence.digests import file_sha256, sha256_hex
from codex_evidence.errors import CodexError
from codex_evidence.files import read_bytes
from codex_evidence.run_documents import (
    MANIFEST,
    SEGMENTS,
    STEPS,
    Finding,
    ParentRecord,
    RunIndex,
    RunManifest,
)
from codex_evidence.run_identity import differences, identity_of
from codex_evidence.run_lines import lines_fault
from codex_evidence.steps import StepLog, StepRecord, read_steps


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment as far as it could be read. ``log`` keeps the records around checkpoints. By step: ``heads`` are those
    of the log after it, also where the segment begins; ``states`` what the record after it says was saved there, empty
    for nothing."""

    name: str
    manifest: RunManifest
    digest: str
    log: StepLog
    folder: Path
    heads: Mapping[int, str]
    states: Mapping[int, str]

    @property
    def start(self) -> int:
        """The step that the segment began after."""
        return self.manifest.parent.step if self.manifest.parent else 0

    @property
    def last(self) -> int:
        """The last step of its log, where it began if it has none."""
        return self.log.last or self.start


def read_segments(
    folder: Path, names: Sequence[str], saved: Iterable[CheckpointManifest], findings: list[Finding]
) -> list[Segment]:
    """The segments ``names`` of the run in ``folder``, which has the checkpoints ``saved``. One whose manifest or steps
    cannot be read is left out and is one of ``findings`` more."""
    manifests: dict[str, tuple[RunManifest, str]] = {}
    for name in names:
        try:
            manifests[name] = documents.read_manifest(folder / SEGMENTS / name)
        except CodexError as error:
            findings.append(Finding(f"{SEGMENTS}/{name}/{MANIFEST}", str(error)))
    wanted = {one.step for one in saved}
    wanted |= {entry.step for manifest, _ in manifests.values() for entry in manifest.checkpoints}
    segments = []
    for name, (manifest, digest) in manifests.items():
        try:
            segments.append(_with_steps(folder / SEGMENTS / name, manifest, digest, wanted))
        except CodexError as error:
            findings.append(Finding(f"{SEGMENTS}/{name}/{STEPS}", str(error)))
    return segments


def _with_steps(folder: Path, manifest: RunManifest, digest: str, wanted: Collection[int]) -> Segment:
    """The segment in ``folder``, with the records around the steps ``wanted``. Raises UnreadableError."""

    def keep(record: StepRecord) -> bool:
        return bool(record.state) or record.step in wanted or record.step - 1 in wanted

    log = read_steps(folder / STEPS, manifest.genesis, keep=keep)
    start = manifest.parent.step if manifest.parent else 0
    steps = (record.step for record in log.records)
    heads = {start: manifest.genesis} | dict(zip(steps, log.digests, strict=True))
    states = {record.step - 1: record.state for record in log.records}
    return Segment(folder.name, manifest, digest, log, folder, heads, states)


def segment_findings(
    index: RunIndex, segment: Segment, before: Sequence[Segment], folder: Path
) -> Iterator[Finding]:
    """What does not fit in ``segment`` of the run in ``folder``, which followed the segments ``before``."""
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


def _documents(segment: Segment, place: str) -> Iterator[Finding]:
    """The documents that a segment begins with."""
    manifest = segment.manifest
    for name, schema, digest in (
        (documents.CONFIG, "", manifest.config_sha256),
        (documents.DATA, "run_data", manifest.data_sha256),
        (documents.MODEL, "run_model", manifest.model_sha256),
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


def _steps(segment: Segment, place: str) -> Iterator[Finding]:
    manifest, log, path = segment.manifest, segment.log, f"{place}/{STEPS}"
    torn = manifest.status == "open" and log.fault.endswith("it has no newline")
    if log.fault and not torn:
        yield Finding(path, log.fault)
    if log.first and log.first != segment.start + 1:
        yield Finding(path, f"it begins with step {log.first}, not {segment.start + 1}")
    if manifest.status == "open":
        if manifest.final_state_digest or (manifest.steps, manifest.metrics, manifest.ended) != (None,) * 3:
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


def _lines(segment: Segment, place: str) -> Iterator[Finding]:
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


def _parentage(segment: Segment, before: Sequence[Segment], folder: Path, place: str) -> Iterator[Finding]:
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
    if parent.run == segment.manifest.run:  # else it is of another run, which lies elsewhere
        yield from _origin(segment, parent, known, path)


def _origin(
    segment: Segment, parent: ParentRecord, known: Mapping[str, Segment], path: str
) -> Iterator[Finding]:
    """Whether what ``segment`` went on from is there in the segments before it, by name ``known``."""
    origin = known.get(parent.segment)
    if origin is None:
        yield Finding(path, f"its parent {parent.segment} is no segment before it")
    elif origin.heads.get(parent.step) != parent.steps_head:
        reason = f"segment {parent.segment} has another head at step {parent.step} than its child names"
        yield Finding(f"{SEGMENTS}/{parent.segment}/{STEPS}", reason)
    entries = (entry for one in (*known.values(), segment) for entry in one.manifest.checkpoints)
    if parent.checkpoint and all(entry.manifest_sha256 != parent.checkpoint_sha256 for entry in entries):
        yield Finding(path, f"no segment lists the checkpoint {parent.checkpoint} that it went on from")
    if origin is not None:
        yield from _overrides(segment, parent, origin, path)


def _overrides(segment: Segment, parent: ParentRecord, origin: Segment, path: str) -> Iterator[Finding]:
    """Whether every difference between ``segment`` and that it went on from is one that somebody let through."""
    try:
        now, before = (identity_of(one.folder, one.manifest) for one in (segment, origin))
    except CodexError:
        return  # a document that is damaged is named where it lies
    found = {difference.field for difference in differences(before, now)}
    if unnamed := sorted(found - set(parent.overrides)):
        reason = f"it differs from segment {origin.name} in {', '.join(unnamed)}, and names no such override"
        yield Finding(path, reason)
