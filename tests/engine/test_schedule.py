"""The learning rate of each step."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from codex_train.config.nouns import ScheduleConfig, ScheduleKind
from codex_train.engine.schedule import share

configs = st.builds(
    ScheduleConfig,
    kind=st.sampled_from(ScheduleKind),
    warmup=st.integers(0, 20),
    decay=st.integers(0, 20),
    final=st.floats(0, 1),
)


@given(configs, st.integers(0, 99))
def test_the_rate_lies_between_nothing_and_the_full_one(config: ScheduleConfig, step: int) -> None:
    assert 0 <= share(config, step, 100) <= 1


@given(configs, st.integers(21, 98))
def test_the_rate_never_rises_after_the_warm_up(config: ScheduleConfig, step: int) -> None:
    assert share(config, step + 1, 100) <= share(config, step, 100) + 1e-12


@given(configs)
def test_the_rate_ends_where_it_should(config: ScheduleConfig) -> None:
    """After the last step; the last itself is one part of the way above it."""
    stays = config.kind is ScheduleKind.constant
    assert share(config, 100, 100) == pytest.approx(1.0 if stays else config.final)
    if config.kind in (ScheduleKind.linear, ScheduleKind.wsd):
        parts = config.decay + 1 if config.kind is ScheduleKind.wsd else 100 - config.warmup
        assert share(config, 99, 100) == pytest.approx(config.final + (1 - config.final) / parts)


@given(st.integers(1, 30), st.integers(0, 20), st.integers(0, 20), st.floats(0, 0.9))
def test_wsd_has_as_many_falling_steps_as_it_says(decay: int, stay: int, warmup: int, final: float) -> None:
    config = ScheduleConfig(kind=ScheduleKind.wsd, warmup=warmup, decay=decay, final=final)
    steps = warmup + stay + decay
    rates = [share(config, step, steps) for step in range(steps)]
    assert rates[warmup : warmup + stay] == [1.0] * stay
    falling = [1.0, *rates[warmup + stay :], final]
    assert len(falling) == decay + 2
    assert all(one > next_ for one, next_ in pairwise(falling))


def test_wsd_is_what_its_help_says() -> None:
    config = ScheduleConfig(kind=ScheduleKind.wsd, decay=2)
    assert [share(config, step, 4) for step in range(4)] == pytest.approx([1, 1, 2 / 3, 1 / 3])


@given(st.sampled_from([ScheduleKind.linear, ScheduleKind.cosine]), st.integers(0, 20), st.integers(1, 30))
def test_linear_and_cosine_fall_with_every_step_after_the_full_rate(
    kind: ScheduleKind, warmup: int, more: int
) -> None:
    config = ScheduleConfig(kind=kind, warmup=warmup)
    rates = [share(config, step, warmup + more) for step in range(warmup, warmup + more)]
    assert rates[0] == 1.0
    assert all(one > next_ > 0 for one, next_ in pairwise(rates))


@given(configs, st.integers(1, 20))
def test_the_warm_up_rises_from_nothing_to_the_full_rate(config: ScheduleConfig, warmup: int) -> None:
    config = replace(config, warmup=warmup, decay=0, kind=ScheduleKind.linear)
    assert [share(config, step, warmup) for step in range(warmup)] == [
        step / warmup for step in range(warmup)
    ]
    assert share(config, warmup, warmup + 1) == 1.0


@pytest.mark.parametrize("kind", [ScheduleKind.constant, ScheduleKind.linear, ScheduleKind.cosine])
def test_a_run_of_one_step_has_the_full_rate(kind: ScheduleKind) -> None:
    assert share(ScheduleConfig(kind=kind), 0, 1) == 1.0


@pytest.mark.parametrize("warmup", [0, 7])
def test_linear_is_to_the_bit_what_torch_makes_of_the_same_formula(warmup: int) -> None:
    config = ScheduleConfig(kind=ScheduleKind.linear, warmup=warmup)

    def formula(step: int) -> float:
        return step / warmup if step < warmup else max(0.0, (50 - step) / (50 - warmup))

    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=3e-4)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, formula)
    for step in range(50):
        assert optimizer.param_groups[0]["lr"] == 3e-4 * share(config, step, 50)
        optimizer.step()
        schedule.step()
