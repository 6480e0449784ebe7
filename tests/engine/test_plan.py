"""Which samples each step takes."""

from __future__ import annotations

from hashlib import sha256

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_evidence.errors import UsageError
from codex_train.config.nouns import RunConfig
from codex_train.data.order import order
from codex_train.engine.plan import Plan, total_steps
from codex_train.engine.processes import World, local_part


@given(st.integers(1, 8), st.integers(0, 40), st.integers(0, 2**31))
def test_an_epoch_takes_every_sample_at_most_once_and_whole_batches_only(
    batch: int, more: int, seed: int
) -> None:
    plan = Plan(order, seed, batch + more, batch)
    taken = np.concatenate([plan.take(step) for step in range(1, plan.steps_per_epoch + 1)])
    assert len(set(taken.tolist())) == len(taken) == plan.steps_per_epoch * batch
    assert plan.epoch(plan.steps_per_epoch) == 0
    assert plan.epoch(plan.steps_per_epoch + 1) == 1


@given(st.integers(1, 60), st.integers(1, 60))
def test_a_step_takes_the_same_samples_however_it_was_reached(first: int, second: int) -> None:
    plan = Plan(order, 3, 50, 4)
    plan.take(first)
    assert plan.take(second).tolist() == Plan(order, 3, 50, 4).take(second).tolist()


@given(st.integers(1, 60), st.integers(0, 40))
def test_a_turn_says_what_its_step_takes(first: int, more: int) -> None:
    turns, plan = list(Plan(order, 3, 50, 4).turns(first, first + more)), Plan(order, 3, 50, 4)
    assert [turn.step for turn in turns] == list(range(first, first + more + 1))
    for turn in turns:
        assert turn.epoch == plan.epoch(turn.step)
        assert turn.ids.tolist() == plan.take(turn.step).tolist()
        assert turn.samples == sha256(turn.ids.astype("<i8").tobytes()).hexdigest()


@pytest.mark.parametrize("size", [1, 2, 4])
def test_any_number_of_processes_takes_the_same_batch_in_the_same_order(size: int) -> None:
    plan = Plan(order, 0, 64, 8)
    parts = [plan.take(9)[local_part(8, World(rank, size))] for rank in range(size)]
    assert np.concatenate(parts).tolist() == Plan(order, 0, 64, 8).take(9).tolist()


def test_a_batch_that_the_data_cannot_fill_is_refused() -> None:
    with pytest.raises(UsageError, match=r"7 samples, fewer than run\.batch=8"):
        Plan(order, 0, 7, 8)


def test_steps_are_counted_or_follow_from_epochs() -> None:
    plan = Plan(order, 0, 50, 4)
    assert total_steps(RunConfig(steps=7), plan) == 7
    assert total_steps(RunConfig(epochs=2.5), plan) == 30
    assert total_steps(RunConfig(epochs=0.01), plan) == 1
    for epochs, steps in ((0.29, 29), (0.57, 57), (2.3, 230), (1e-3, 1)):
        assert total_steps(RunConfig(epochs=epochs), Plan(order, 0, 100, 1)) == steps
