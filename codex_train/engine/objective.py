"""The one loss of every architecture."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

IGNORED = -100
"""A label that is no target."""


def summed_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """The cross-entropy in nats of ``logits`` [batch, time, vocabulary], summed over the targets and in float32: token
    t of ``labels`` [batch, time] is predicted at t - 1, and IGNORED ones count for nothing.

    Summed, because the mean belongs to the whole batch of an optimizer step, over all its parts and processes.
    """
    targets = functional.pad(labels, (0, 1), value=IGNORED)[..., 1:].reshape(-1)
    scores = logits.float().view(-1, logits.shape[-1])
    return functional.cross_entropy(scores, targets, ignore_index=IGNORED, reduction="sum")
