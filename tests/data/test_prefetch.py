"""Batches that threads prepare ahead."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from codex_train.data.blocks import Blocks
from codex_train.data.order import order
from codex_train.data.prefetch import ahead, in_groups
from codex_train.data.transforms import Noise


def blocks() -> Blocks:
    tokens = np.arange(100 * 16, dtype=np.uint16).reshape(100, 16) % 256
    return Blocks(tokens, np.full(100, 15, np.int32), "", noise=Noise(0.2, 256, seed=1))


def requests(steps: int = 40) -> Iterator[tuple[NDArray[np.int64], int]]:
    for step in range(steps):
        epoch, at = divmod(step, 25)
        yield order(0, epoch, 100)[4 * at : 4 * at + 4], epoch


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_workers_change_no_bit_and_no_order(workers: int) -> None:
    alone = list(ahead(blocks(), requests(), 0))
    helped = list(ahead(blocks(), requests(), workers))
    assert len(alone) == len(helped) == 40
    for one, other in zip(alone, helped, strict=True):
        assert torch.equal(one.input_ids, other.input_ids) and torch.equal(one.labels, other.labels)


@pytest.mark.parametrize("workers", [0, 2])
def test_what_goes_wrong_in_a_worker_is_raised_to_the_caller(workers: int) -> None:
    feed = ahead(blocks(), iter([(np.array([1]), 0), (np.array([100]), 0), (np.array([2]), 0)]), workers)
    next(feed)
    with pytest.raises(IndexError):
        next(feed)


def test_a_feed_that_is_closed_leaves_no_thread() -> None:
    before = threading.active_count()
    feed = ahead(blocks(), requests(1000), 3)
    next(feed)
    feed.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before


def test_a_feed_reads_only_a_little_ahead() -> None:
    read: list[int] = []

    def counted() -> Iterator[tuple[NDArray[np.int64], int]]:
        for number, request in enumerate(requests(1000)):
            read.append(number)
            yield request

    feed = ahead(blocks(), counted(), 2)
    next(feed)
    assert len(read) <= 5
    feed.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("size", [1, 3, 7, 50])
def test_items_made_in_groups_are_the_same_and_no_group_is_made_early(size: int) -> None:
    made: list[int] = []

    def items() -> Iterator[int]:
        for item in range(20):
            made.append(item)
            yield item

    grouped = in_groups(items(), size)
    for item in range(20):
        assert next(grouped) == item
        assert len(made) == min(20, (item // size + 1) * size)
    assert next(grouped, None) is None
