"""Which checkpoints stay."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping


def to_remove(
    steps: Collection[int],
    best: Mapping[int, float],
    keep_last: int,
    keep_best: int,
    pinned: Collection[int],
) -> list[int]:
    """The steps, ascending, whose checkpoints go: neither among the last ``keep_last`` (0 keeps all), nor among the
    ``keep_best`` of lowest held-out loss (the earlier of equal ones), nor pinned.

    ``best`` is the held-out loss in nats by step; a step that was not judged, or not to a number, is never among the
    best. The newest checkpoint always stays.
    """
    there = sorted(set(steps))
    if keep_last <= 0:
        return []
    judged = sorted((best[step], step) for step in there if step in best and not math.isnan(best[step]))
    kept = {*there[-keep_last:], *(step for _, step in judged[: max(keep_best, 0)]), *pinned}
    return [step for step in there if step not in kept]
