"""Intervals are the same on every machine, cover what they should, and see a difference where there is one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codex_evidence.errors import UsageError
from codex_train.evaluation import bootstrap
from codex_train.evaluation.bootstrap import PerSample, mean_interval, paired_difference, resampled
from tests.evaluation.worlds import random_states


def samples(values: list[float], counts: list[int] | None = None) -> PerSample:
    ones = [1] * len(values)
    return PerSample(np.array(values, dtype=np.float64), np.array(counts or ones, dtype=np.int64))


def drawn(count: int, seed: int, mean: float = 0.0) -> PerSample:
    values = np.random.Generator(np.random.PCG64(seed)).normal(mean, 1, count)
    return PerSample(values, np.ones(count, dtype=np.int64))


def test_the_draws_are_fixed_for_ever() -> None:
    (first,) = resampled(10, 0, 2)
    assert first.tolist() == [[0, 2, 1, 5, 5, 2, 9, 9, 2, 1], [7, 1, 5, 2, 8, 7, 2, 1, 9, 4]]


def test_how_draws_are_cut_into_pieces_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = np.concatenate(list(resampled(7, 3, 50)))
    monkeypatch.setattr(bootstrap, "_CHUNK", 20)
    pieces = list(resampled(7, 3, 50))
    assert len(pieces) == 25
    assert np.array_equal(np.concatenate(pieces), whole)


def test_every_sample_is_drawn_about_as_often() -> None:
    counts = np.bincount(np.concatenate(list(resampled(5, 1, 20_000))).ravel(), minlength=5)
    assert len(counts) == 5
    np.testing.assert_allclose(counts / counts.sum(), 0.2, atol=0.005)


@settings(max_examples=40)
@given(
    pairs=st.lists(st.tuples(st.floats(-1e3, 1e3), st.integers(1, 50)), min_size=1, max_size=30),
    seed=st.integers(0, 2**64),
)
def test_an_interval_repeats_and_lies_among_the_samples(pairs: list[tuple[float, int]], seed: int) -> None:
    given_samples = samples([value for value, _ in pairs], [count for _, count in pairs])
    found = mean_interval(given_samples, seed, resamples=50)
    assert found == mean_interval(given_samples, seed, resamples=50)
    each = given_samples.sums / given_samples.counts
    assert each.min() - 1e-6 <= found.low <= found.high <= each.max() + 1e-6
    assert found.point == pytest.approx(sum(v for v, _ in pairs) / sum(c for _, c in pairs), abs=1e-9)


def test_a_sample_with_more_targets_weighs_more() -> None:
    found = mean_interval(samples([10.0, 0.0], [10, 90]), resamples=200)
    assert found.point == 0.1
    assert found.low == 0.0
    assert found.high == 1.0


def test_nineteen_of_twenty_intervals_hold_the_truth() -> None:
    hits = 0
    for seed in range(200):
        found = mean_interval(drawn(60, seed, mean=3.0), seed, resamples=300)
        hits += found.low <= 3.0 <= found.high
    assert 0.89 <= hits / 200 <= 0.99


def test_a_small_difference_on_hard_and_easy_samples_is_seen_only_in_pairs() -> None:
    hard = drawn(64, 1).sums * 50 + 200
    better = hard - 0.5 + drawn(64, 2).sums * 0.1
    ones = np.ones(64, dtype=np.int64)
    a, b = PerSample(hard, ones), PerSample(better, ones)
    difference = paired_difference(a, b)
    assert difference.excludes_zero
    assert difference.low < 0.5 < difference.high
    assert difference.point == pytest.approx(a.mean - b.mean)
    alone = mean_interval(a), mean_interval(b)
    assert alone[0].low < alone[1].high, "each on its own says nothing"


def test_a_model_is_not_better_than_itself() -> None:
    a = drawn(64, 1)
    found = paired_difference(a, a, 7)
    assert (found.point, found.low, found.high) == (0.0, 0.0, 0.0)
    assert not found.excludes_zero
    other = paired_difference(drawn(64, 1), drawn(64, 2))
    assert not other.excludes_zero


def test_the_order_of_the_two_turns_the_sign() -> None:
    a, b = drawn(30, 1, mean=2.0), drawn(30, 2)
    there, back = paired_difference(a, b, 4), paired_difference(b, a, 4)
    assert there.excludes_zero and back.excludes_zero
    assert (there.point, there.low) == pytest.approx((-back.point, -back.high))


@pytest.mark.parametrize("other", [samples([1.0] * 3), samples([1.0] * 4, [1, 1, 1, 2])])
def test_other_samples_are_refused(other: PerSample) -> None:
    with pytest.raises(UsageError, match="not measured on the same samples"):
        paired_difference(samples([1.0] * 4), other)


def test_samples_without_a_target_are_left_out_and_nothing_but_them_is_refused() -> None:
    found = mean_interval(samples([0.0, 4.0], [0, 2]), resamples=100)
    assert (found.point, found.low, found.high) == (2.0, 2.0, 2.0)
    assert 0 < found.resamples < 100, "draws of the first sample alone have no mean"
    with pytest.raises(UsageError, match="no sample has a target"):
        mean_interval(samples([0.0], [0]))
    with pytest.raises(UsageError, match="no sample has a target"):
        paired_difference(samples([0.0], [0]), samples([0.0], [0]))


@pytest.mark.parametrize("level", [0.0, 1.0, -1.0, 95.0])
def test_a_level_is_a_share(level: float) -> None:
    with pytest.raises(UsageError, match="confidence level"):
        mean_interval(samples([1.0]), level=level)


@pytest.mark.parametrize(("count", "seed", "draws"), [(0, 0, 5), (5, -1, 5), (5, 0, 0)])
def test_nothing_to_draw_is_refused(count: int, seed: int, draws: int) -> None:
    with pytest.raises(UsageError, match="cannot draw"):
        list(resampled(count, seed, draws))


def test_no_global_stream_is_touched() -> None:
    before = random_states()
    paired_difference(drawn(64, 1), drawn(64, 2), 3)
    assert random_states() == before
