"""The learning rate of each step, as a pure function."""

from __future__ import annotations

import math

from codex_train.config.nouns import ScheduleConfig, ScheduleKind


def share(config: ScheduleConfig, step: int, steps: int) -> float:
    """The rate of optimizer step ``step`` (from 0) of ``steps``, as a share of the full one.

    Rises linearly from 0 in the first step to the full rate in step ``warmup``. Then constant; or falls to ``final``:
    linearly, along half a cosine (arXiv:1608.03983), or, for wsd, linearly in the last ``decay`` steps alone
    (arXiv:2404.06395), each of which has a lower rate than the one before.

    ``final`` would be the rate of step ``steps``, the one after the last: the convention of transformers and of the
    loops written by hand, which spends no step at rate 0. Any step from ``steps`` on has it.
    """
    if step < config.warmup:
        return step / config.warmup
    if config.kind is ScheduleKind.constant:
        return 1.0
    length = config.decay + 1 if config.kind is ScheduleKind.wsd else steps - config.warmup
    left = min(1.0, max(0.0, (steps - step) / max(length, 1)))
    if config.kind is ScheduleKind.cosine:
        left = 0.5 * (1.0 - math.cos(math.pi * left))
    return left if config.final == 0 else config.final + (1.0 - config.final) * left
