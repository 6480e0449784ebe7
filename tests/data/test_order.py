"""The order of samples, and the draws of a sample."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from codex_train.data.order import order, sample_generator

SEEDS = st.integers(0, 2**63 - 1)


@given(seed=SEEDS, epoch=st.integers(0, 10**6), n=st.integers(0, 500))
def test_an_order_is_a_permutation(seed: int, epoch: int, n: int) -> None:
    assert sorted(order(seed, epoch, n).tolist()) == list(range(n))


def test_orders_are_these_for_ever() -> None:
    """Whoever changes them changes every recorded run."""
    assert order(0, 0, 10).tolist() == [5, 8, 4, 0, 2, 6, 7, 9, 3, 1]
    assert order(1, 0, 10).tolist() == [5, 7, 1, 6, 0, 4, 9, 2, 8, 3]
    assert order(0, 1, 10).tolist() == [1, 0, 6, 3, 2, 4, 9, 5, 7, 8]


def test_draws_of_a_sample_are_these_for_ever() -> None:
    assert [hex(word) for word in sample_generator(7, 2, 5).random_raw(3).tolist()] == SAMPLE_7_2_5


@given(seed=SEEDS, epoch=st.integers(0, 1000))
def test_an_order_depends_on_seed_and_epoch_alone(seed: int, epoch: int) -> None:
    first = order(seed, epoch, 200)
    np.random.seed(epoch)
    assert np.array_equal(order(seed, epoch, 200), first)
    assert not np.array_equal(order(seed, epoch + 1, 200), first)
    assert not np.array_equal(order(seed + 1, epoch, 200), first)


def test_seed_and_epoch_are_not_mixed_up() -> None:
    assert not np.array_equal(order(1, 11, 100), order(11, 1, 100))


def test_ranks_together_read_one_order() -> None:
    batch = order(3, 0, 64)[16:32]
    for world in (1, 2, 4):
        parts = [batch[rank * 16 // world : (rank + 1) * 16 // world] for rank in range(world)]
        assert np.concatenate(parts).tolist() == batch.tolist()


def test_every_place_is_as_likely() -> None:
    firsts = np.bincount([int(order(seed, 0, 8)[0]) for seed in range(4000)], minlength=8)
    assert abs(firsts - 500).max() < 110  # five standard deviations


def test_samples_draw_apart() -> None:
    words = [tuple(sample_generator(0, 0, sample).random_raw(8).tolist()) for sample in range(100)]
    assert len({word for row in words for word in row}) == 800
    assert words[3] == tuple(sample_generator(0, 0, 3).random_raw(8).tolist())


SAMPLE_7_2_5: list[str] = ["0xce3cf3b7275ab41a", "0xb39344e8d20740ad", "0x57b1240983ffea61"]
