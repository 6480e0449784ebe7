"""The random generators go on where they stopped, and a state that does not fit changes none of them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from codex_evidence.checkpoint_manifest import CheckpointError
from codex_train.checkpoints.rng import restore_rng, rng_tensors


@pytest.fixture(autouse=True)
def own_states() -> Iterator[None]:
    former = rng_tensors()
    yield
    restore_rng(former)


def draws(count: int = 3) -> list[float]:
    return [
        number
        for _ in range(count)
        for number in (
            torch.rand(()).item(),
            torch.randn(()).item(),
            random.random(),  # noqa: S311 - the generator under test
            random.gauss(),
            np.random.random(),
            np.random.normal(),
        )
    ]


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(0, 7))
def test_every_generator_goes_on_where_it_stopped(seed: int, drawn: int) -> None:
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed)
    draws(drawn)  # an odd number of normal draws leaves the second of a pair waiting
    saved = rng_tensors()
    expected = draws()
    restore_rng(saved)
    assert draws() == expected


def test_a_waiting_normal_draw_is_kept() -> None:
    random.seed(1)  # forgets a draw that waits already
    np.random.seed(1)
    random.gauss()
    np.random.normal()
    saved = rng_tensors()
    assert saved["python.gauss"].shape == saved["numpy.gauss"].shape == (1,)
    expected = random.gauss(), np.random.normal()
    restore_rng(saved)
    assert (random.gauss(), np.random.normal()) == expected


def test_taking_the_states_draws_nothing() -> None:
    torch.manual_seed(1)
    random.seed(1)
    np.random.seed(1)
    expected = draws()
    torch.manual_seed(1)
    random.seed(1)
    np.random.seed(1)
    rng_tensors()
    assert draws() == expected


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("torch.cpu", lambda tensor: tensor[:-1]),
        ("python.state", lambda tensor: tensor[:-1]),
        ("python.state", lambda tensor: tensor.float()),
        ("python.gauss", lambda tensor: torch.zeros(2, dtype=torch.float64)),
        ("numpy.key", lambda tensor: -tensor),
        ("numpy.place", lambda tensor: tensor + 10_000),
        ("numpy.key", None),
        ("torch.cpu", None),
    ],
)
def test_a_state_that_does_not_fit_is_refused_and_nothing_changes(name: str, change: object) -> None:
    wrong = rng_tensors()
    wrong.pop(name) if change is None else wrong.update({name: change(wrong[name])})  # type: ignore[operator]
    before = rng_tensors()
    draws(1)
    torch.manual_seed(9)
    now = rng_tensors()
    with pytest.raises(CheckpointError, match=name):
        restore_rng(wrong)
    assert all(torch.equal(now[key], value) for key, value in rng_tensors().items())
    restore_rng(before)


def test_a_state_of_a_gpu_that_is_not_here_is_refused() -> None:
    saved = {**rng_tensors(), "torch.cuda.97": torch.zeros(16, dtype=torch.uint8)}
    with pytest.raises(CheckpointError, match=r"torch\.cuda\.97"):
        restore_rng(saved)


def test_an_unknown_generator_is_refused() -> None:
    with pytest.raises(CheckpointError, match="sampler"):
        restore_rng({**rng_tensors(), "sampler": torch.zeros(1)})


def test_another_kind_of_global_numpy_generator_is_refused() -> None:
    numpy_random: Any = np.random
    former = numpy_random.get_bit_generator()
    try:
        numpy_random.set_bit_generator(np.random.PCG64(1))
        with pytest.raises(CheckpointError, match="PCG64"):
            rng_tensors()
    finally:
        numpy_random.set_bit_generator(former)
