"""Whether a checkpoint is whole, and what a state's digest is while it is still live."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from codex_evidence.checkpoint_manifest import CheckpointError
from codex_evidence.checkpoint_verify import verify_checkpoint
from codex_evidence.tensor_state import TensorDigest, combined_digest, tensor_digest
from codex_train.checkpoints.convert import raw_tensors
from codex_train.checkpoints.state import CheckpointState

__all__ = ["CheckpointError", "digest_state", "digest_tensors", "verify_checkpoint"]


def digest_state(state: CheckpointState) -> str:
    """The state digest that a checkpoint of ``state``, of a single process, would have; nothing is written."""
    parts = {
        state.weights.removesuffix(".safetensors"): state.model,
        "optimizer": state.optimizer.tensors,
        "rng": state.rng,
    }
    return combined_digest(
        digest for prefix, tensors in parts.items() for digest in digest_tensors(tensors, prefix + "/")
    )


def digest_tensors(tensors: Mapping[str, Tensor], prefix: str = "") -> list[TensorDigest]:
    """The digest of each tensor under its name after ``prefix``, to say which of them differ between two runs."""
    return [
        tensor_digest(prefix + raw.name, raw.dtype, raw.shape, raw.data()) for raw in raw_tensors(tensors)
    ]
