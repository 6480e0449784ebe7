"""Held-out loss and what follows from it, by the rule that the training uses."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from codex_evidence.errors import UsageError
from codex_train.engine.objective import IGNORED, summed_loss
from codex_train.evaluation.bootstrap import PerSample
from codex_train.evaluation.neutral import undisturbed

if TYPE_CHECKING:
    from codex_train.data.blocks import Batch, Blocks


@dataclass(frozen=True, slots=True)
class LossMetrics:
    """``loss`` in nats a target, ``perplexity`` its exponential (infinite beyond a double), ``bits_per_byte`` of the
    text that was predicted (None where its bytes are not known), ``token_accuracy`` the share of targets whose
    likeliest token was right, ``per_sample`` the nats and targets of each sample."""

    loss: float
    perplexity: float
    bits_per_byte: float | None
    token_accuracy: float
    samples: int
    targets: int
    per_sample: PerSample

    def figures(self) -> dict[str, float | None]:
        """The figures as JSON can hold them: None for one that is not finite."""
        named = {
            "loss": self.loss,
            "perplexity": self.perplexity,
            "bits_per_byte": self.bits_per_byte,
            "token_accuracy": self.token_accuracy,
        }
        finite = {name: value for name, value in named.items() if value is not None and math.isfinite(value)}
        return {name: finite.get(name) for name in named} | {"samples": self.samples, "targets": self.targets}


def evaluate(
    model: nn.Module,
    blocks: Blocks,
    *,
    batch: int,
    max_samples: int = 0,
    device: torch.device,
    autocast: AbstractContextManager[object] | None = None,
) -> LossMetrics:
    """The loss of ``model``, which returns ``.logits``, on the first ``max_samples`` of ``blocks`` (0 for all).

    ``batch`` samples go through the model at once; ``autocast`` is entered for each. No random number is drawn, and
    the model is left as it was, to the bit. Raises UsageError when no sample has a target.
    """
    count = min(len(blocks), max_samples) if max_samples else len(blocks)
    if count < 1 or batch < 1:
        raise UsageError(
            f"cannot evaluate {count} samples, {batch} at once; give held-out data and a batch of 1 or more"
        )
    ids = np.arange(count, dtype=np.int64)
    parts: list[Tensor] = []
    with undisturbed(model):
        for first in range(0, count, batch):
            # Left on the device until the end: to fetch them now would make the processor wait for each.
            taken = blocks.take(ids[first : first + batch], 0)
            parts.append(_measured(model, taken, device, autocast or nullcontext()))
    table = torch.cat(parts, dim=1).cpu().numpy()
    return _metrics(table, _bytes(blocks, ids))


def _measured(
    model: nn.Module, batch: Batch, device: torch.device, autocast: AbstractContextManager[object]
) -> Tensor:
    """Nats, targets and right guesses of each sample: float64 [3, b]."""
    labels = batch.labels.to(device)
    with autocast:
        logits = model(input_ids=batch.input_ids.to(device)).logits
    wanted = labels[:, 1:]
    targets = wanted != IGNORED
    right = (logits[:, :-1].argmax(dim=-1) == wanted) & targets
    # One by one, so that the rule stays that of the training and the sums are each sample's own.
    nats = torch.stack(
        [summed_loss(logits[row : row + 1], labels[row : row + 1]) for row in range(len(labels))]
    )
    return torch.stack((nats.double(), targets.sum(dim=1).double(), right.sum(dim=1).double()))


def _metrics(table: NDArray[np.float64], size: int) -> LossMetrics:
    """Of ``table`` [3, n] as ``_measured`` makes it, and the bytes that were predicted."""
    sums, counts = table[0].copy(), table[1].astype(np.int64)
    targets = int(counts.sum())
    if not targets:
        raise UsageError(
            f"none of the {len(sums)} samples has a target; give longer ones, or a larger data.context"
        )
    nats = math.fsum(sums)
    return LossMetrics(
        loss=nats / targets,
        perplexity=_exponential(nats / targets),
        bits_per_byte=nats / math.log(2) / size if size else None,
        token_accuracy=float(table[2].sum()) / targets,
        samples=len(sums),
        targets=targets,
        per_sample=PerSample(sums, counts),
    )


def _bytes(blocks: Blocks, ids: NDArray[np.int64]) -> int:
    return int(np.sum(blocks.bytes_of(ids)))


def _exponential(value: float) -> float:
    try:
        return math.exp(value)
    except OverflowError:
        return math.inf
