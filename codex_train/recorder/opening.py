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
from codex_evidence.checkpoint_folders import tidy
from codex_evidence.digests import sha256_hex
from codex_evidence.documents import artifact_bytes
from codex_evidence.errors import UsageError, WriteError
from codex_evidence.names import shown
from codex_evidence.plain import to_plain
from codex_evidence.run_documents import ParentRecord, RunIndex, RunManifest
from codex_evidence.schemas import validate
from codex_train.recorder.environment import Environment
from codex_train.recorder.parentage import Before, Parent, before, parent_record


def begin(
    run: Path,
    name: str,
    config: Mapping[str, Any],
    data: Mapping[str, Any],
    model: Mapping[str, Any],
    environment: Environment,
    parent: Parent | None,
    world_size: int,
    found: Before | None,
) -> RunManifest:
    """Makes the segment's folder, whole or not at all, and names it in the index."""
    index = found.index if found else _new_index(name)
    segment = f"{len(index.segments):04d}"
    contents = {
        documents.CONFIG: canonical_bytes(config),
        documents.DATA: canonical_bytes(data),
        documents.MODEL: canonical_bytes(model),
        documents.ENVIRONMENT: canonical_bytes(environment.document),
    }
    validate(data, "run_data", source=documents.DATA)
    validate(model, "run_model", source=documents.MODEL)
    validate(environment.document, "run_environment", source=documents.ENVIRONMENT)
    ancestry = parent_record(run, parent, found) if parent else None
    if found is not None:
        _tidied(run / documents.CHECKPOINTS)
    opened = _open_manifest(index, segment, contents, environment, ancestry, world_size)
    opened = replace(opened, checkpoints=found.entries if found else ())
    growing = {documents.STEPS: b"", documents.METRICS: b""}
    manifest = _place(run, segment, {**contents, **environment.files, **growing}, opened)
    whole = replace(index, segments=(*index.segments, segment))
    validate(to_plain(whole), "run_index", source=documents.INDEX)
    write_bytes(run / documents.INDEX, artifact_bytes(whole))
    return manifest


def _tidied(folder: Path) -> None:
    """Gives the checkpoints in ``folder`` the names that the new segment lists them under. Raises WriteError."""
    try:
        tidy(folder)
    except OSError as error:
        raise WriteError(f"cannot tidy up {shown(folder)}: {error.strerror}") from error


def _new_index(name: str) -> RunIndex:
    return RunIndex(documents.schema_id("run_index"), secrets.token_hex(16), name, ())


def _open_manifest(
    index: RunIndex,
    segment: str,
    contents: Mapping[str, bytes],
    environment: Environment,
    ancestry: ParentRecord | None,
    world_size: int,
) -> RunManifest:
    """The manifest of a segment that begins with the documents ``contents``: nothing in it has ended."""
    digests = {key: sha256_hex(value) for key, value in contents.items()}
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
        model_sha256=digests[documents.MODEL],
        environment_class_sha256=environment.class_sha256,
        environment_sha256=digests[documents.ENVIRONMENT],
        parent=ancestry,
        genesis="",
        world_size=world_size,
        steps=None,
        metrics=None,
        checkpoints=(),
        packages_verified=None,
        final_state_digest="",
        files=_file_digests(environment.files),
        self_sha256="",
    )
    return replace(manifest, genesis=documents.genesis_of(manifest))


def _file_digests(files: Mapping[str, bytes]) -> tuple[documents.FileDigest, ...]:
    return tuple(documents.FileDigest(key, len(files[key]), sha256_hex(files[key])) for key in sorted(files))


def _place(run: Path, segment: str, contents: Mapping[str, bytes], manifest: RunManifest) -> RunManifest:
    folder = run / documents.SEGMENTS / segment
    temporary = folder.with_name(f"{segment}.tmp")
    try:
        for left in (temporary, folder):  # of a start that was killed before the index named it
            if left.is_dir():
                if left == folder:
                    left.rename(temporary)  # so that what has a segment's name is whole
                shutil.rmtree(temporary)
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
    """What is in the folder ``run`` already, None when no run began there. Raises UsageError when one did and there is
    no ``parent``, CodexError for a damaged one."""
    if parent is None and os.path.lexists(run / documents.INDEX):
        raise UsageError(f"{shown(run)} holds a run already; resume it, or give another folder")
    return before(run)


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
