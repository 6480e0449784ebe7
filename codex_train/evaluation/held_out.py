"""The evaluation of a run as it goes on, on what it held out."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch
from torch import nn

from codex_train.config.nouns import DataConfig, EvaluationConfig
from codex_train.data.blocks import Blocks
from codex_train.data.encoder import Encoder
from codex_train.data.prepare import Prepared
from codex_train.evaluation.answers import score
from codex_train.evaluation.loss import evaluate
from codex_train.evaluation.pairs import answer_all, pairs, unwritable


@dataclass(frozen=True, slots=True)
class HeldOut:
    """``pairs`` are prompts and answers of ``blocks``, as many as are to be answered; ``encoder`` made the blocks.
    ``notes`` are lines for the user."""

    blocks: Blocks
    pairs: tuple[tuple[str, str], ...]
    encoder: Encoder
    notes: tuple[str, ...] = ()


def to_judge_by(
    data: Prepared, config: DataConfig, wanted: EvaluationConfig, encoder: Encoder
) -> HeldOut | None:
    """What ``wanted`` is measured on; None where nothing was held out."""
    if data.validation is None:
        return None
    asked = pairs(data, config, encoder, wanted.max_answers, held_out=True) if wanted.metrics else []
    return HeldOut(data.validation, tuple(asked), encoder, unwritable(asked, encoder))


def judged(
    model: nn.Module,
    held: HeldOut,
    wanted: EvaluationConfig,
    *,
    batch: int,
    device: torch.device,
    autocast: AbstractContextManager[object],
) -> dict[str, float | None]:
    """The loss and what follows from it, and the scores of answers that ``wanted`` asks for, 0 to 100, by name."""
    found = evaluate(
        model, held.blocks, batch=batch, max_samples=wanted.max_samples, device=device, autocast=autocast
    ).figures()
    if not wanted.metrics:
        return found
    answered = answer_all(
        model,
        held.encoder,
        held.pairs,
        context=held.blocks.context,
        limit=wanted.answer_limit,
        autocast=autocast,
    )
    scores = score([one.said for one in answered], [one.wanted for one in answered], wanted.metrics)
    return found | {one.name: one.value for one in scores}
