"""The learning rate of each step, as a pure function."""

from __future__ import annotations

import math

from codex_train.config.nouns import ScheduleConfig, ScheduleKind


def share(config: ScheduleConfig, step: int, steps: int) -> float:
    """The rate of optimizer step ``step`` (from 0) of ``steps``, as a share of the full one.

    Rises linearly over ``warmup`` steps. Then constant; or falls to ``final``: linearly, along half a cosine
    (arXiv:1608.03983), or, for wsd, linearly in the last ``decay`` steps alone (arXiv:2404.06395).
    """
    if step < config.warmup:
        return step / config.warmup
    if config.kind is ScheduleKind.constant:
        return 1.0
    decay = config.decay if config.kind is ScheduleKind.wsd else steps - config.warmup
    left = min(1.0, max(0.0, (steps - step) / decay)) if decay else 1.0
    if config.kind is ScheduleKind.cosine:
        left = 0.5 * (1.0 - math.cos(math.pi * left))
    return left if config.final == 0 else config.final + (1.0 - config.final) * left
