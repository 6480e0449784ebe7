"""Sharing work out changes nothing but the time it takes."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codex_audit.stages.parallel import WorkerDiedError, shared_out


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, 1000), max_size=20), st.integers(1, 4))
def test_results_come_in_order_whatever_the_number_of_processes(weights: list[int], jobs: int) -> None:
    assert shared_out(lambda index: index * 10, weights, jobs) == [
        index * 10 for index in range(len(weights))
    ]


def test_work_is_done_by_other_processes() -> None:
    assert len({*shared_out(lambda index: os.getpid(), [1, 1], 2), os.getpid()}) == 3


def test_what_a_worker_raises_is_raised_here() -> None:
    def fail(index: int) -> int:
        raise ValueError(f"item {index}")

    with pytest.raises(ValueError, match="item 0"):
        shared_out(fail, [1, 1], 2)


def test_a_worker_that_dies_is_an_error_and_not_a_hang() -> None:
    with pytest.raises(WorkerDiedError, match="worker process died"):
        shared_out(lambda index: os._exit(9), [1, 1], 2)
