"""Whether a checkpoint is what its manifest says: every file, no other file, and the state in them. Needs no torch."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from codex_evidence.checkpoint_manifest import (
    MANIFEST,
    TENSORS,
    CheckpointFile,
    CheckpointManifest,
    damaged,
    manifest_sha256,
    read_manifest,
    state_name,
)
from codex_evidence.digests import file_sha256
from codex_evidence.errors import CodexError
from codex_evidence.names import encode_name, shown
from codex_evidence.tensor_state import TensorDigest, combined_digest
from codex_evidence.tensors import FileDigest, digest_file


@dataclass(frozen=True, slots=True)
class Examined:
    """A checkpoint that is whole: ``tensors`` are the digests of its tensor files by path."""

    manifest: CheckpointManifest
    manifest_sha256: str
    tensors: Mapping[str, FileDigest]


def verify_checkpoint(folder: Path, *, expected: str = "") -> CheckpointManifest:
    """The manifest of the checkpoint ``folder``, once every byte of it has been checked.

    ``expected`` is the manifest's digest where the caller knows it, as from the run's manifest. Raises CheckpointError
    that names the first file that is missing, added, no regular file or altered.
    """
    return examine(folder, expected=expected).manifest


def examine(folder: Path, *, expected: str = "") -> Examined:
    """``verify_checkpoint`` with what was learnt on the way. Raises CheckpointError."""
    manifest = read_manifest(folder)
    digest = manifest_sha256(manifest)
    if expected and digest != expected:
        raise damaged(
            folder, f"{MANIFEST}: another one than the run recorded ({digest[:12]}, not {expected[:12]})"
        )
    _check_closed(folder, manifest)
    found = {
        file.path: tensors for file in manifest.files if (tensors := _check_file(folder, file)) is not None
    }
    state = combined_digest(state_tensors(found))
    if state != manifest.state_digest:
        raise damaged(folder, f"{MANIFEST}: its state digest is not that of the tensors")
    return Examined(manifest, digest, found)


def state_tensors(files: Mapping[str, FileDigest]) -> Iterator[TensorDigest]:
    """The tensors of all ``files`` under their names in the state."""
    for path, file in files.items():
        for tensor in file.tensors:
            yield TensorDigest(state_name(path, tensor.name), tensor.dtype, tensor.shape, tensor.sha256)


def _check_closed(folder: Path, manifest: CheckpointManifest) -> None:
    """Exactly the listed files are there, and the folders that they need. Raises CheckpointError."""
    files = {file.path for file in manifest.files} | {MANIFEST}
    folders = {str(parent) for path in files for parent in PurePosixPath(path).parents} - {"."}
    try:
        found = dict(_entries(folder, ""))
    except OSError as error:
        raise damaged(folder, f"{shown(error.filename or folder)}: {error.strerror}") from error
    for path, mode in sorted(found.items()):
        if path not in files | folders:
            raise damaged(folder, f"{shown(path)}: {MANIFEST} does not list it")
        if not (stat.S_ISREG(mode) if path in files else stat.S_ISDIR(mode)):
            kind = "a symlink" if stat.S_ISLNK(mode) else "of another kind than recorded"
            raise damaged(folder, f"{shown(path)}: it is {kind}")
    if missing := sorted(files - set(found)):
        raise damaged(folder, f"{missing[0]}: it is missing")


def _entries(folder: Path, prefix: str) -> Iterator[tuple[str, int]]:
    """Path and mode of everything below ``folder``; no symlink is followed."""
    with os.scandir(folder) as entries:
        for entry in entries:
            path = prefix + encode_name(os.fsencode(entry.name))[0]
            mode = entry.stat(follow_symlinks=False).st_mode
            yield path, mode
            if stat.S_ISDIR(mode):
                yield from _entries(Path(entry.path), path + "/")


def _check_file(folder: Path, file: CheckpointFile) -> FileDigest | None:
    """What a pass over the file gave, None for one without tensors. Raises CheckpointError."""
    path = folder / file.path
    tensors: FileDigest | None = None
    try:
        size = path.lstat().st_size
        if size == file.size and file.path.endswith(TENSORS):
            tensors = digest_file(path)
            digest, size = tensors.sha256, tensors.size
        elif size == file.size:
            digest, size = file_sha256(path)
    except (CodexError, OSError) as error:
        raise damaged(folder, f"{file.path}: {error}") from error
    if size != file.size:
        raise damaged(folder, f"{file.path}: it has {size} bytes, not {file.size}")
    if digest != file.sha256:
        raise damaged(
            folder, f"{file.path}: its digest is {digest[:12]}, not {file.sha256[:12]}: it was altered"
        )
    return tensors
