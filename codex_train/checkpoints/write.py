"""Writing a checkpoint: into a temporary folder, hashed on the way, on disk, then renamed. By one process or many."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from torch import Tensor

from codex_evidence.canonical import canonical_bytes
from codex_evidence.checkpoint_folders import GROWING, checkpoint_name
from codex_evidence.checkpoint_manifest import (
    MANIFEST,
    SCHEMA,
    STATE,
    TENSORS,
    CheckpointError,
    CheckpointFile,
    CheckpointManifest,
    read_manifest,
    sealed,
    state_name,
)
from codex_evidence.digests import file_sha256
from codex_evidence.documents import artifact_bytes
from codex_evidence.errors import CodexError, WriteError
from codex_evidence.files import read_bytes
from codex_evidence.names import shown
from codex_evidence.plain import from_plain
from codex_evidence.strict_json import loads
from codex_evidence.tensor_state import TensorDigest, combined_digest
from codex_evidence.tensor_writer import write_tensors
from codex_train.checkpoints.convert import raw_tensors
from codex_train.checkpoints.folders import begin, put_in_place, reported, sync_files
from codex_train.checkpoints.state import (
    CheckpointState,
    optimizer_file,
    rng_file,
    state_document,
)

Agree = Callable[[bool], bool]
"""Waits for all processes and says whether all of them gave True."""

T = TypeVar("T")

_METADATA = {"format": "pt"}  # transformers wants to know whose tensors they are


@dataclass(frozen=True, slots=True)
class Part:
    """A file of tensors as one process wrote it; ``tensors`` have their names in the state."""

    file: CheckpointFile
    tensors: tuple[TensorDigest, ...]


def alone(succeeded: bool) -> bool:
    """The Agree of a single process."""
    return succeeded


def write_checkpoint(
    folder: Path, state: CheckpointState, *, rank: int = 0, world: int = 1, agree: Agree = alone
) -> CheckpointManifest:
    """Makes the checkpoint of ``state`` in ``folder`` (a run's `checkpoints`) and returns its manifest.

    Every one of ``world`` processes calls this with its own state; the folder is on a disk that they share. On return
    the checkpoint is on disk under its final name. Raises WriteError or another CodexError, in every process, when it
    cannot be written in any; then nothing of it is left and former checkpoints are as they were.
    """
    temporary = folder / f"{checkpoint_name(state.step)}{GROWING}"
    try:
        _stage(temporary, agree, lambda: begin(folder, state.step) if rank == 0 else temporary)
        parts = _stage(temporary, agree, lambda: _write_parts(temporary, state, rank, world))
        finished = _stage(
            temporary, agree, lambda: _finish(temporary, state, parts, world) if rank == 0 else None
        )
    except BaseException:
        if rank == 0:
            shutil.rmtree(temporary, ignore_errors=True)  # what stays is removed by the next save
        raise
    return finished or read_manifest(temporary.with_suffix(""))


def write_rank_file(temporary: Path, path: str, tensors: Mapping[str, Tensor]) -> Part:
    """Writes ``tensors`` as the file ``path`` of the growing checkpoint ``temporary``, and has it on disk.

    Raises WriteError, and CheckpointError for tensors that cannot be written.
    """
    written = write_tensors(temporary / path, raw_tensors(tensors), _METADATA)
    named = (
        TensorDigest(state_name(path, item.name), item.dtype, item.shape, item.sha256)
        for item in written.tensors
    )
    return Part(CheckpointFile(path, written.size, written.sha256), tuple(named))


def _stage(temporary: Path, agree: Agree, work: Callable[[], T]) -> T:
    """Does ``work`` here while the other processes do theirs. Raises what went wrong here, or that it did elsewhere."""
    fault: CodexError | None = None
    try:
        with reported(temporary, "write"):
            result = work()
    except CodexError as error:
        fault = error
    if not agree(fault is None):
        raise fault or WriteError(
            f"cannot write {shown(temporary)}: another process could not; see its message"
        )
    return result


def _write_parts(temporary: Path, state: CheckpointState, rank: int, world: int) -> list[Part]:
    """The tensor files of this process. Those of other processes reach the first one as small files in the folder."""
    files: list[tuple[str, Mapping[str, Tensor]]] = [(rng_file(rank, world), state.rng)]
    if rank == 0 or state.sharded:
        files.append((optimizer_file(rank, state.sharded), state.optimizer.tensors))
    if rank == 0:
        files.append((state.weights, state.model))
    with ThreadPoolExecutor(
        len(files), "checkpoint"
    ) as pool:  # one waits for the disk while another is hashed
        parts = list(pool.map(lambda file: write_rank_file(temporary, *file), files))
    if rank > 0:
        (temporary / _note(rank)).write_bytes(artifact_bytes(parts))
    return parts


def _finish(temporary: Path, state: CheckpointState, parts: list[Part], world: int) -> CheckpointManifest:
    """The files without tensors, the manifest over all, and the final name."""
    for rank in range(1, world):
        note = temporary / _note(rank)
        plain = loads(read_bytes(note, max_bytes=64 * 2**20), source=note.name)
        parts = [*parts, *from_plain(list[Part], plain, source=note.name)]
        note.unlink()
    (temporary / STATE).write_bytes(canonical_bytes(state_document(state)))
    state.small_files(temporary)
    written = [part.file for part in parts]
    small = _small_files(temporary, {file.path for file in written})
    manifest = _manifest(state, parts, written + small, world)
    (temporary / MANIFEST).write_bytes(artifact_bytes(manifest))
    sync_files([temporary / name for name in (MANIFEST, *(file.path for file in small))])
    put_in_place(temporary)
    return manifest


def _small_files(temporary: Path, written: set[str]) -> list[CheckpointFile]:
    """Everything but what is ``written`` and hashed already, hashed. Raises CheckpointError."""
    found: list[CheckpointFile] = []
    for path in sorted(temporary.rglob("*")):
        name = path.relative_to(temporary).as_posix()
        if name in written or path.is_dir():
            continue
        if name.endswith(TENSORS):
            raise CheckpointError(
                f"{name} was written beside the checkpoint's own tensors; give them as its state"
            )
        digest, size = file_sha256(path)
        found.append(CheckpointFile(name, size, digest))
    return found


def _manifest(
    state: CheckpointState, parts: list[Part], files: list[CheckpointFile], world: int
) -> CheckpointManifest:
    origin = state.origin
    return sealed(
        CheckpointManifest(
            schema=SCHEMA,
            run=origin.run,
            segment=origin.segment,
            step=state.step,
            world_size=world,
            config_sha256=origin.config_sha256,
            data_sha256=origin.data_sha256,
            environment_class_sha256=origin.environment_class_sha256,
            environment_sha256=origin.environment_sha256,
            steps_head=origin.steps_head,
            overrides=origin.overrides,
            files=tuple(sorted(files, key=lambda file: file.path)),
            state_digest=combined_digest(tensor for part in parts for tensor in part.tensors),
            self_sha256="",
        )
    )


def _note(rank: int) -> str:
    return f"part-{rank:05d}.json"
