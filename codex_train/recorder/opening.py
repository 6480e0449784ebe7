"""Beginning a segment: its folder is there whole or not at all, and one process alone may write the run."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from codex_evidence import run_documents as documents
from codex_evidence.atomic import write_bytes
from codex_evidence.canonical import canonical_bytes
from codex_evidence.digests import sha256_hex
from codex_evidence.documents import artifact_bytes
from codex_evidence.errors import UsageError, WriteError
from codex_evidence.names import shown
from codex_evidence.plain import to_plain
from codex_evidence.run_documents import RunIndex, RunManifest
from codex_evidence.schemas import validate
from codex_train.recorder.environment import Environment
from codex_train.recorder.parentage import Before, Parent, before, parent_record


def begin(
    run: Path,
    name: str,
    config: Mapping[str, Any],
    data: Mapping[str, Any],
    environment: Environment,
    parent: Parent | None,
    world_size: int,
    found: Before | None,
) -> RunManifest:
    """Makes the segment's folder, whole or not at all, and names it in the index."""
    index = (
        found.index if found else RunIndex(documents.schema_id("run_index"), secrets.token_hex(16), name, ())
    )
    segment = f"{len(index.segments):04d}"
    contents = {
        documents.CONFIG: canonical_bytes(config),
        documents.DATA: canonical_bytes(data),
        documents.ENVIRONMENT: canonical_bytes(environment.document),
    }
    validate(data, "run_data", source=documents.DATA)
    validate(environment.document, "run_environment", source=documents.ENVIRONMENT)
    ancestry = parent_record(run, parent, found) if parent else None
    digests = {key: sha256_hex(value) for key, value in contents.items()}
    origin = documents.genesis(
        index.id,
        segment,
        digests[documents.CONFIG],
        digests[documents.DATA],
        environment.class_sha256,
        ancestry,
    )
    files = tuple(
        documents.FileDigest(key, len(value), sha256_hex(value))
        for key, value in sorted(environment.files.items())
    )
    manifest = RunManifest(
        schema=documents.schema_id("run_manifest"),
        run=index.id,
        name=index.name,
        segment=segment,
        status="open",
        reason="",
        started=now(),
        ended=None,
        config_sha256=digests[documents.CONFIG],
        data_sha256=digests[documents.DATA],
        environment_class_sha256=environment.class_sha256,
        environment_sha256=digests[documents.ENVIRONMENT],
        parent=ancestry,
        genesis=origin,
        world_size=world_size,
        steps=None,
        metrics=None,
        checkpoints=(),
        packages_verified=None,
        final_state_digest="",
        files=files,
        self_sha256="",
    )
    growing = {documents.STEPS: b"", documents.METRICS: b""}
    manifest = _place(run, segment, {**contents, **environment.files, **growing}, manifest)
    whole = replace(index, segments=(*index.segments, segment))
    validate(to_plain(whole), "run_index", source=documents.INDEX)
    write_bytes(run / documents.INDEX, artifact_bytes(whole))
    return manifest


def _place(run: Path, segment: str, contents: Mapping[str, bytes], manifest: RunManifest) -> RunManifest:
    folder = run / documents.SEGMENTS / segment
    temporary = folder.with_name(f"{segment}.tmp")
    try:
        for left in (folder, temporary):  # of a start that was killed before the index named it
            if left.is_dir():
                shutil.rmtree(left)
        temporary.mkdir(parents=True)
        for key, value in contents.items():
            write_bytes(temporary / key, value)
        manifest = write_manifest(temporary, manifest)
        temporary.rename(folder)
    except OSError as error:
        if isinstance(error, WriteError):
            raise
        raise WriteError(f"cannot write {shown(folder)}: {error.strerror}") from error
    return manifest


def write_manifest(folder: Path, manifest: RunManifest) -> RunManifest:
    whole = documents.sealed(manifest)
    validate(to_plain(whole), "run_manifest", source=documents.MANIFEST)
    write_bytes(folder / documents.MANIFEST, artifact_bytes(whole))
    return whole


def look(run: Path, parent: Parent | None) -> Before | None:
    found = before(run)
    if found is not None and parent is None:
        raise UsageError(f"{shown(run)} holds a run already; resume it, or give another folder")
    return found


def locked(run: Path) -> int:
    """A descriptor of the folder ``run``, made if need be, that only one process can have."""
    try:
        run.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(run, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise WriteError(f"cannot write {shown(run)}: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise UsageError(f"another process writes the run in {shown(run)}; wait for it, or end it") from error
    except OSError:  # a file system without locks: two processes there are the user's own care
        return descriptor
    return descriptor


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
