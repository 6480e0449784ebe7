"""The learning rate of each step."""

from __future__ import annotations

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
    stays = config.kind is ScheduleKind.constant or (config.kind is ScheduleKind.wsd and not config.decay)
    assert share(config, 100, 100) == pytest.approx(1.0 if stays else config.final)


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
