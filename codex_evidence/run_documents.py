"""The files of a run folder as frozen types: what the recorder writes and the auditor reads.

RUN/run.json                     RunIndex
RUN/segments/0000/manifest.json  RunManifest: one life of the training process; a resume begins another segment
RUN/segments/0000/config.json    the resolved configuration
RUN/segments/0000/environment.json, data.json, model.json, steps.ndjson, metrics.ndjson, and files that the manifest
    lists
RUN/checkpoints/step-000500/     see codex_evidence.checkpoint_manifest
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from codex_evidence.canonical import canonical_bytes
from codex_evidence.digests import sha256_hex
from codex_evidence.documents import artifact_bytes, parse_artifact
from codex_evidence.errors import NotCanonicalError
from codex_evidence.files import read_bytes
from codex_evidence.names import shown
from codex_evidence.schemas import validate
from codex_evidence.strict_json import loads

INDEX, SEGMENTS, CHECKPOINTS = "run.json", "segments", "checkpoints"
MANIFEST, CONFIG, ENVIRONMENT, DATA = "manifest.json", "config.json", "environment.json", "data.json"
MODEL = "model.json"
PATCH = "source.patch"
STEPS, METRICS, SYSTEM = "steps.ndjson", "metrics.ndjson", "system.ndjson"
GROWING = (STEPS, METRICS, SYSTEM)
"""What a run appends to."""

MAX_DOCUMENT = 64 * 2**20

Status = Literal["open", "finished", "stopped", "failed"]


def schema_id(name: str) -> str:
    """What the field ``schema`` of a document called ``name`` says."""
    return f"codex-train/{name}/v1"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not fit; ``file`` is relative to the run folder."""

    file: str
    reason: str


@dataclass(frozen=True, slots=True)
class FileDigest:
    """``path`` is relative to the folder of the document, with slashes; ``size`` in bytes."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class RunIndex:
    """``run.json``: the parts of a run in the order in which they began."""

    schema: str
    id: str
    name: str
    segments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FormerSegment:
    """A segment that was there when another began. ``files`` are all its files when its process was killed, so that
    nobody else vouches for what it appended; empty for one that was closed or is listed by a segment between."""

    segment: str
    manifest_sha256: str
    files: tuple[FileDigest, ...]


@dataclass(frozen=True, slots=True)
class ParentRecord:
    """Where a segment goes on. ``run`` may be another run; ``segment`` wrote the checkpoint. ``checkpoint`` is its path
    in this run, its name when it lies elsewhere, and with its digest empty when there was none to go on from (``step``
    is then 0). ``steps_head`` is the chain's head at ``step``. ``overrides`` are the fields whose difference the user
    let through. ``former`` are all segments of this run so far."""

    run: str
    segment: str
    checkpoint: str
    checkpoint_sha256: str
    step: int
    steps_head: str
    overrides: tuple[str, ...]
    former: tuple[FormerSegment, ...]


@dataclass(frozen=True, slots=True)
class StepsSummary:
    """The closed step log: steps ``first`` to ``last`` (0 when it has none)."""

    first: int
    last: int
    count: int
    head: str
    root: str


@dataclass(frozen=True, slots=True)
class LinesSummary:
    """A closed file of lines."""

    count: int
    sha256: str


@dataclass(frozen=True, slots=True)
class CheckpointEntry:
    """A checkpoint that was there when this segment began or that it wrote; ``segment`` wrote it. ``kept`` is false
    for one that this segment removed or replaced."""

    step: int
    path: str
    segment: str
    manifest_sha256: str
    state_digest: str
    kept: bool


@dataclass(frozen=True, slots=True)
class RunManifest:
    """``manifest.json``. ``steps`` and ``metrics`` are None while the segment is open, as it stays when its process is
    killed. ``packages_verified``: None when they were not compared with their RECORD at the end, else the faults.
    ``files`` are all others of the folder. ``self_sha256`` is over this document with null in its place."""

    schema: str
    run: str
    name: str
    segment: str
    status: Status
    reason: str
    started: str
    ended: str | None
    config_sha256: str
    data_sha256: str
    model_sha256: str
    environment_class_sha256: str
    environment_sha256: str
    parent: ParentRecord | None
    genesis: str
    world_size: int
    steps: StepsSummary | None
    metrics: LinesSummary | None
    checkpoints: tuple[CheckpointEntry, ...]
    packages_verified: tuple[str, ...] | None
    final_state_digest: str
    files: tuple[FileDigest, ...]
    self_sha256: str


def genesis(
    run: str,
    segment: str,
    config: str,
    data: str,
    model: str,
    environment_class: str,
    parent: ParentRecord | None,
) -> str:
    """What the first line of a step log names as the line before it: all that was decided before the first step.

    ``config``, ``data``, ``model`` and ``environment_class`` are digests.
    """
    return sha256_hex(
        artifact_bytes(
            {
                "run": run,
                "segment": segment,
                "config": config,
                "data": data,
                "model": model,
                "environment_class": environment_class,
                "parent": parent,
            }
        )
    )


def genesis_of(manifest: RunManifest) -> str:
    """The genesis of the segment of ``manifest``."""
    return genesis(
        manifest.run,
        manifest.segment,
        manifest.config_sha256,
        manifest.data_sha256,
        manifest.model_sha256,
        manifest.environment_class_sha256,
        manifest.parent,
    )


def sealed(manifest: RunManifest) -> RunManifest:
    """``manifest`` with its own digest filled in."""
    return dataclasses.replace(manifest, self_sha256=self_digest(manifest))


def self_digest(manifest: RunManifest) -> str:
    """The digest of everything in ``manifest`` but the field that holds it."""
    fields = {field.name: getattr(manifest, field.name) for field in dataclasses.fields(manifest)}
    return sha256_hex(artifact_bytes({**fields, "self_sha256": None}))


def class_digest(environment_class: Any) -> str:
    """The digest of the ``class`` of an environment record."""
    return sha256_hex(canonical_bytes(environment_class))


def model_digests(document: Mapping[str, Any]) -> dict[str, str]:
    """The SHA-256 of each file in `model.json`, by path."""
    return {file["path"]: file["sha256"] for file in document["files"]}


def read_index(run: Path) -> RunIndex:
    """The index of the run folder ``run``. Raises as ``parse_artifact`` does, and UnreadableError."""
    data = read_bytes(run / INDEX, max_bytes=MAX_DOCUMENT)
    return parse_artifact(data, "run_index", RunIndex, source=INDEX)


def read_manifest(segment: Path) -> tuple[RunManifest, str]:
    """The manifest in the folder ``segment`` and the digest of its file. Raises as ``read_index``, and
    NotCanonicalError when the manifest's own digest does not fit."""
    data = read_bytes(segment / MANIFEST, max_bytes=MAX_DOCUMENT)
    source = shown(Path(segment.name) / MANIFEST)
    manifest = parse_artifact(data, "run_manifest", RunManifest, source=source)
    if manifest.self_sha256 != self_digest(manifest):
        raise NotCanonicalError(f"{source}: its own digest does not fit, so it was edited")
    return manifest, sha256_hex(data)


def parse_document(data: bytes, schema_name: str, *, source: str) -> Any:
    """Plain ``data``: strict JSON in canonical bytes; it follows ``schema_name`` unless that is empty.

    Raises StrictJsonError, NotCanonicalError or SchemaError.
    """
    value = loads(data, max_bytes=MAX_DOCUMENT, source=source)
    if canonical_bytes(value) != data:
        raise NotCanonicalError(f"{source}: not in canonical bytes (RFC 8785), so it was edited")
    if schema_name:
        validate(value, schema_name, source=source)
    return value
