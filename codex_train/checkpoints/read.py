"""Reading a checkpoint: everything is verified first, and what is loaded is hashed again as it is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from torch import Tensor

from codex_evidence.checkpoint_manifest import STATE, CheckpointError, CheckpointManifest, damaged, state_name
from codex_evidence.checkpoint_verify import Examined, examine
from codex_evidence.errors import CodexError
from codex_evidence.files import open_regular, read_bytes
from codex_evidence.schemas import validate
from codex_evidence.strict_json import loads
from codex_train.checkpoints.convert import parsed_tensors
from codex_train.checkpoints.optimizer import OptimizerState, joined
from codex_train.checkpoints.state import (
    ADAPTER,
    STATE_SCHEMA_NAME,
    WEIGHTS,
    optimizer_file,
    rng_file,
)

_MOST_STATE = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A verified checkpoint as one process needs it. ``model`` are whole tensors under Hugging Face names; they and
    ``optimizer`` are views of the bytes that were read, to be copied into place. ``weights`` is the file of ``model``;
    ``rng`` is empty for a process beyond those that saved; ``training`` is the loop's own."""

    path: Path
    manifest: CheckpointManifest
    manifest_sha256: str
    weights: str
    model: dict[str, Tensor]
    optimizer: OptimizerState
    rng: dict[str, Tensor]
    scaler: dict[str, Any] | None
    training: dict[str, Any]


def read_checkpoint(
    folder: Path, *, rank: int = 0, world: int = 1, sharded: bool = True, expected: str = ""
) -> Checkpoint:
    """The checkpoint ``folder`` for process ``rank`` of ``world``; ``expected`` is its manifest's digest, if known.

    Whether it may be of another number of processes is for the caller to decide. An optimizer's state that is spread
    over its processes is put together where there are not as many now, or where they do not share a model in parts
    (``sharded``). A process that it has no random state for gets none.

    Raises CheckpointError that names the file: for anything missing, added or altered, also while it is read.
    """
    examined = examine(folder, expected=expected)
    manifest = examined.manifest
    state = _state(folder, manifest)
    weights = ADAPTER if ADAPTER in examined.tensors else WEIGHTS
    saved = manifest.world_size
    spread = bool(state["optimizer"]["shards"])
    whole = spread and not (sharded and saved == world)
    ranks = range(saved) if whole else (rank,)
    parts = [_tensors(folder, examined, optimizer_file(one, spread)) for one in ranks]
    optimizer = OptimizerState(parts[0], state["optimizer"])
    return Checkpoint(
        folder,
        manifest,
        examined.manifest_sha256,
        weights,
        _tensors(folder, examined, weights),
        joined(parts, optimizer.document) if whole else optimizer,
        _tensors(folder, examined, rng_file(rank, saved)) if rank < saved else {},
        state["scaler"],
        state["training"],
    )


def load_weights(folder: Path) -> dict[str, Tensor]:
    """The weights alone of a checkpoint, which is verified whole, under Hugging Face names. Raises CheckpointError."""
    examined = examine(folder)
    return _tensors(folder, examined, ADAPTER if ADAPTER in examined.tensors else WEIGHTS)


def load_tensors(folder: Path) -> dict[str, Tensor]:
    """All tensors of a checkpoint under their names in the state (`optimizer/...`). Raises CheckpointError."""
    examined = examine(folder)
    return {
        state_name(path, name): tensor
        for path in sorted(examined.tensors)
        for name, tensor in _tensors(folder, examined, path).items()
    }


def _state(folder: Path, manifest: CheckpointManifest) -> dict[str, Any]:
    recorded = next(file.sha256 for file in manifest.files if file.path == STATE)
    try:
        data = read_bytes(folder / STATE, max_bytes=_MOST_STATE)
        if sha256(data).hexdigest() != recorded:
            raise damaged(folder, f"{STATE}: it was altered while it was read")
        document: dict[str, Any] = loads(data, max_bytes=_MOST_STATE, source=STATE)
        validate(document, STATE_SCHEMA_NAME, source=STATE)
    except CheckpointError:
        raise
    except CodexError as error:
        raise damaged(folder, str(error)) from error
    if document["step"] != manifest.step:
        raise damaged(folder, f"{STATE}: it is of step {document['step']}, not {manifest.step}")
    return document


def _tensors(folder: Path, examined: Examined, path: str) -> dict[str, Tensor]:
    """The tensors of the file ``path``, from bytes with the digest that was verified. Raises CheckpointError."""
    file = examined.tensors.get(path)
    if file is None:
        raise damaged(folder, f"{path}: it is missing")
    buffer = bytearray(file.size)
    try:
        with open_regular(folder / path) as opened:
            filled = _fill(opened, memoryview(buffer))
    except OSError as error:
        raise damaged(folder, f"{path}: {error}") from error
    if filled != file.size or sha256(buffer).hexdigest() != file.sha256:
        raise damaged(folder, f"{path}: it was altered while it was read")
    return parsed_tensors(buffer, file.header)


def _fill(file: Any, buffer: memoryview) -> int:
    done = 0
    while done < len(buffer) and (count := file.readinto(buffer[done:])):
        done += count
    return done
