"""The manifest of a checkpoint, `checkpoint.json`: what is in the folder, of which run, and what state it holds.

A checkpoint has two digests: of its files, for stock tools, and of its state, because file bytes are not state.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codex_evidence.checkpoint_folders import named_step
from codex_evidence.digests import sha256_hex
from codex_evidence.documents import artifact_bytes, parse_artifact
from codex_evidence.errors import CodexError
from codex_evidence.files import read_bytes
from codex_evidence.names import shown
from codex_evidence.schemas import validate

SCHEMA = "codex-train/run_checkpoint/v1"
SCHEMA_NAME = "run_checkpoint"
MANIFEST = "checkpoint.json"
STATE = "training/state.json"
TENSORS = ".safetensors"

_MOST_BYTES = 16 * 2**20


class CheckpointError(CodexError):
    """A checkpoint that is not what it says, or that does not fit what it is loaded into."""

    exit_code = 1


@dataclass(frozen=True, slots=True)
class CheckpointFile:
    """``path`` is relative to the checkpoint, with slashes; ``size`` in bytes."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointManifest:
    """``steps_head`` is the digest of the last line of the step log at ``step``; ``overrides`` are the fields whose
    difference from the parent run was let through; ``state_digest`` is over the tensors of all files under the names
    of ``state_name``; ``self_sha256`` is over this document without that field."""

    schema: str
    run: str
    segment: str
    step: int
    world_size: int
    config_sha256: str
    data_sha256: str
    environment_class_sha256: str
    environment_sha256: str
    steps_head: str
    overrides: tuple[str, ...]
    files: tuple[CheckpointFile, ...]
    state_digest: str
    self_sha256: str


def sealed(manifest: CheckpointManifest) -> CheckpointManifest:
    """``manifest`` with its own digest filled in. Raises SchemaError."""
    whole = dataclasses.replace(manifest, self_sha256=self_digest(manifest))
    validate(_plain(whole), SCHEMA_NAME, source=MANIFEST)
    return whole


def self_digest(manifest: CheckpointManifest) -> str:
    """The digest of everything in ``manifest`` but the field that holds it."""
    return sha256_hex(artifact_bytes({**_plain(manifest), "self_sha256": None}))


def manifest_sha256(manifest: CheckpointManifest) -> str:
    """The digest of the file `checkpoint.json` that holds ``manifest``."""
    return sha256_hex(artifact_bytes(manifest))


def read_manifest(folder: Path) -> CheckpointManifest:
    """The manifest of the checkpoint ``folder``; its files are not looked at.

    Raises CheckpointError when it is missing, edited, of another step than the folder's name says, or lists a file
    twice.
    """
    path = folder / MANIFEST
    try:
        data = read_bytes(path, max_bytes=_MOST_BYTES)
        manifest = parse_artifact(data, SCHEMA_NAME, CheckpointManifest, source=MANIFEST)
    except CodexError as error:
        raise damaged(folder, str(error)) from error
    if fault := _fault(manifest, folder.name):
        raise damaged(folder, f"{MANIFEST}: {fault}")
    return manifest


def damaged(folder: Path, fault: str) -> CheckpointError:
    """The error for ``fault``, which starts with the name of the file."""
    return CheckpointError(f"checkpoint {shown(folder)} cannot be used: {fault}; take another checkpoint")


def state_name(path: str, tensor: str) -> str:
    """What ``tensor`` of the file ``path`` is called in the state: `model/lm_head.weight`, `rng/torch.cpu`."""
    return f"{path.removeprefix('training/').removesuffix(TENSORS)}/{tensor}"


def _fault(manifest: CheckpointManifest, folder_name: str) -> str:
    if manifest.self_sha256 != self_digest(manifest):
        return "it is not what was written: its own digest does not fit"
    step = named_step(folder_name)
    if step is not None and step != manifest.step:
        return f"it is of step {manifest.step}, which is not what the folder's name says"
    paths = [file.path for file in manifest.files]
    if paths != sorted(set(paths)):
        return "its files are not in order, or one comes twice"
    return f"it does not list {STATE}" if STATE not in paths else ""


def _plain(manifest: CheckpointManifest) -> dict[str, Any]:
    plain = dataclasses.asdict(manifest)
    return {**plain, "overrides": list(plain["overrides"]), "files": list(plain["files"])}
