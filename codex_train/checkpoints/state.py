"""What a checkpoint holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from codex_train.checkpoints.optimizer import OptimizerState

STATE_SCHEMA = "codex-train/training_state/v1"
STATE_SCHEMA_NAME = "training_state"
WEIGHTS = "model.safetensors"
ADAPTER = "adapter_model.safetensors"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Which run, and where in it; see CheckpointManifest."""

    run: str
    segment: str
    config_sha256: str
    data_sha256: str
    environment_class_sha256: str
    environment_sha256: str
    steps_head: str
    overrides: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointState:
    """The live state after optimizer step ``step``; no tensor of it is copied.

    ``model`` are whole tensors by their names in the Hugging Face layout (used in the first process alone);
    ``weights`` is the file that they go to, and ``small_files`` writes the files that belong beside it into the folder
    it is given. ``optimizer`` and ``rng`` are this process's. ``training`` is plain JSON of the loop's own.
    """

    step: int
    origin: Origin
    model: Mapping[str, Tensor]
    optimizer: OptimizerState
    rng: Mapping[str, Tensor]
    scaler: Mapping[str, Any] | None = None
    training: Mapping[str, Any] = field(default_factory=dict)
    weights: str = WEIGHTS
    small_files: Callable[[Path], None]

    @property
    def sharded(self) -> bool:
        """Whether each process has optimizer tensors of its own."""
        return bool(self.optimizer.document["shards"])


def optimizer_file(rank: int, sharded: bool) -> str:
    """The optimizer's file of process ``rank``; one for all unless it is ``sharded``."""
    return f"training/optimizer-{rank:05d}.safetensors" if sharded else "training/optimizer.safetensors"


def rng_file(rank: int, world: int) -> str:
    """The random states' file of process ``rank`` of ``world``."""
    return f"training/rng-{rank:05d}.safetensors" if world > 1 else "training/rng.safetensors"


def state_document(state: CheckpointState) -> dict[str, Any]:
    """`training/state.json` as plain JSON."""
    return {
        "schema": STATE_SCHEMA,
        "step": state.step,
        "optimizer": state.optimizer.document,
        "scaler": None if state.scaler is None else dict(state.scaler),
        "training": dict(state.training),
    }
