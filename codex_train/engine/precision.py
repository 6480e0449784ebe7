"""The type that matrix products are computed in."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch

from codex_train.config.nouns import Precision

_TYPES = {Precision.bfloat16: torch.bfloat16, Precision.float16: torch.float16}


def autocast(precision: Precision, device: torch.device) -> AbstractContextManager[object]:
    """A context for forward passes; it can be entered again and again."""
    if precision is Precision.float32:
        return nullcontext()
    # Casts of weights are not kept: a change of theirs in place between two passes would go unseen.
    return torch.autocast(device.type, _TYPES[precision])


def make_scaler(precision: Precision, device: torch.device) -> torch.amp.GradScaler | None:
    """A gradient scaler where the type needs one (arXiv:1710.03740)."""
    return torch.amp.GradScaler(device.type) if precision is Precision.float16 else None
