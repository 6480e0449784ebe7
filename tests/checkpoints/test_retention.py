"""Which checkpoints stay: the last, the best and the pinned ones, and always the newest."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from codex_train.checkpoints.retention import to_remove

STEPS = st.sets(st.integers(0, 50))


def test_the_last_the_best_and_the_pinned_stay() -> None:
    best = {10: 3.0, 20: 1.0, 30: 2.0, 40: 2.5, 50: 2.6}
    assert to_remove([10, 20, 30, 40, 50], best, 2, 1, []) == [10, 30]
    assert to_remove([10, 20, 30, 40, 50], best, 1, 2, [10]) == [40]


def test_nothing_goes_where_all_are_kept() -> None:
    assert to_remove([1, 2, 3], {}, 0, 0, []) == []


def test_of_equal_losses_the_earlier_stays_and_no_number_is_never_best() -> None:
    assert to_remove([1, 2, 3, 4], {1: math.nan, 2: 1.0, 3: 1.0}, 1, 1, []) == [1, 3]


def test_the_best_of_a_checkpoint_that_is_gone_takes_no_place() -> None:
    assert to_remove([2, 3, 4], {1: 0.1, 2: 1.0, 3: 2.0}, 1, 1, []) == [3]


@given(STEPS, st.dictionaries(st.integers(0, 50), st.floats()), st.integers(1, 5), st.integers(0, 5), STEPS)
def test_it_removes_what_is_there_and_keeps_what_it_promises(
    steps: set[int], best: dict[int, float], last: int, most: int, pinned: set[int]
) -> None:
    gone = to_remove(steps, best, last, most, pinned)
    assert gone == sorted(gone)
    assert set(gone) <= steps - pinned - set(sorted(steps)[-last:])
    stay = steps - set(gone)
    judged = {step for step in steps if step in best and not math.isnan(best[step])}
    kept = sorted(judged & stay, key=lambda step: (best[step], step))[:most]
    assert kept == sorted(judged, key=lambda step: (best[step], step))[:most]
    assert to_remove(stay, best, last, most, pinned) == []
