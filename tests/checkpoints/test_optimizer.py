"""Optimizer state goes back to the parameter of its name, or nowhere."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from codex_evidence.checkpoint_manifest import CheckpointError
from codex_train.checkpoints.optimizer import (
    OptimizerState,
    joined,
    optimizer_state,
    restore_optimizer,
    restore_scaler,
    scaler_document,
)


def network(width: int = 5) -> nn.Module:
    torch.manual_seed(0)
    return nn.ModuleDict({"first": nn.Linear(3, width), "second": nn.Linear(width, 2)})


def made(model: nn.Module, steps: int = 3, *, fused: bool = True, lr: float = 0.1) -> torch.optim.AdamW:
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, fused=fused)
    for _ in range(steps):
        for parameter in model.parameters():
            parameter.grad = torch.randn_like(parameter)
        optimizer.step()
    return optimizer


@pytest.mark.parametrize("fused", [True, False])
def test_a_state_comes_back_by_name_with_the_same_bits(fused: bool) -> None:
    model = network()
    optimizer = made(model, fused=fused)
    saved = optimizer_state(optimizer, model.named_parameters())
    assert {"first.weight/exp_avg", "first.weight/exp_avg_sq", "first.weight/step"} <= set(saved.tensors)
    other = network()
    fresh = made(other, 0, fused=fused)
    restore_optimizer(fresh, other.named_parameters(), saved)
    for (_, mine), (_, theirs) in zip(model.named_parameters(), other.named_parameters(), strict=True):
        for key, value in optimizer.state[mine].items():
            assert torch.equal(fresh.state[theirs][key], value)
            assert fresh.state[theirs][key].data_ptr() != value.data_ptr()
            assert fresh.state[theirs][key].stride() == value.stride()


def test_the_tensors_are_the_live_ones_and_not_copies() -> None:
    model = network()
    optimizer = made(model)
    saved = optimizer_state(optimizer, model.named_parameters())
    live = {value.data_ptr() for state in optimizer.state.values() for value in state.values()}
    assert {tensor.data_ptr() for tensor in saved.tensors.values()} == live


def test_options_stay_those_of_the_configuration() -> None:
    model = network()
    saved = optimizer_state(made(model), model.named_parameters())
    fresh = made(model, 0, lr=0.5)
    restore_optimizer(fresh, model.named_parameters(), saved)
    assert fresh.param_groups[0]["lr"] == 0.5
    assert saved.document["groups"][0]["options"]["lr"] == 0.1


def test_a_parameter_without_gradient_stays_without_state() -> None:
    model = network()
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)
    first = next(iter(model.parameters()))
    first.grad = torch.ones_like(first)
    optimizer.step()
    saved = optimizer_state(optimizer, model.named_parameters())
    fresh = made(model)
    restore_optimizer(fresh, model.named_parameters(), saved)
    assert list(fresh.state) == [first]


def without(name: str) -> Callable[[OptimizerState], OptimizerState]:
    return lambda saved: dataclasses.replace(
        saved, tensors={key: value for key, value in saved.tensors.items() if key != name}
    )


def changed(
    name: str, change: Callable[[torch.Tensor], torch.Tensor]
) -> Callable[[OptimizerState], OptimizerState]:
    return lambda saved: dataclasses.replace(
        saved, tensors={**saved.tensors, name: change(saved.tensors.get(name, torch.zeros(1)))}
    )


def regrouped(saved: OptimizerState) -> OptimizerState:
    document = copy.deepcopy(saved.document)
    document["groups"][0]["parameters"].reverse()
    return OptimizerState(saved.tensors, document)


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (without("second.bias/exp_avg"), "second.bias/exp_avg"),
        (changed("third/exp_avg", lambda tensor: tensor), "third/exp_avg"),
        (changed("first.weight/exp_avg", lambda tensor: tensor.t()), "first.weight/exp_avg"),
        (changed("first.weight/exp_avg", lambda tensor: tensor.double()), "first.weight/exp_avg"),
        (changed("first.weight/step", lambda tensor: tensor.long()), "first.weight/step"),
        (regrouped, "other groups"),
        (lambda saved: OptimizerState(saved.tensors, {**saved.document, "kind": "SGD"}), "SGD"),
    ],
)
def test_a_state_that_does_not_fit_is_refused_and_nothing_changes(
    damage: Callable[[OptimizerState], OptimizerState], named: str
) -> None:
    model = network()
    saved = damage(optimizer_state(made(model), model.named_parameters()))
    fresh = made(model, 1)
    before = {
        id(key): {name: value.clone() for name, value in state.items()} for key, state in fresh.state.items()
    }
    with pytest.raises(CheckpointError, match=named):
        restore_optimizer(fresh, model.named_parameters(), saved)
    for key, state in fresh.state.items():
        assert all(torch.equal(before[id(key)][name], value) for name, value in state.items())


def test_a_state_of_a_wider_model_is_refused() -> None:
    wide = network(7)
    saved = optimizer_state(made(wide), wide.named_parameters())
    model = network(5)
    with pytest.raises(
        CheckpointError, match=r"first\.weight/exp_avg is float32 \[7, 3\], not float32 \[5, 3\]"
    ):
        restore_optimizer(made(model), model.named_parameters(), saved)


def test_a_parameter_that_the_model_does_not_name_is_refused() -> None:
    model = network()
    optimizer = torch.optim.AdamW([*model.parameters(), nn.Parameter(torch.zeros(2))])
    with pytest.raises(CheckpointError, match="1 parameters of the optimizer"):
        optimizer_state(optimizer, model.named_parameters())


def test_a_gradient_scaler_comes_back_exactly() -> None:
    scaler = torch.amp.GradScaler("cpu", init_scale=3.0)
    scaler.scale(torch.ones(1))
    scaler.update(new_scale=1.7)
    other = torch.amp.GradScaler("cpu")
    other.scale(torch.ones(1))
    restore_scaler(other, scaler_document(scaler))
    assert other.state_dict() == scaler.state_dict()


@pytest.mark.parametrize("saved", [True, False])
def test_a_scaler_on_one_side_alone_is_refused(saved: bool) -> None:
    scaler = torch.amp.GradScaler("cpu")
    with pytest.raises(CheckpointError, match="gradient scaler"):
        restore_scaler(None if saved else scaler, scaler_document(scaler) if saved else None)
    restore_scaler(None, scaler_document(None))


def spread(placement: str = "Shard(dim=0)", rows: int = 3) -> dict[str, Any]:
    return {"shards": {"w": {"shape": [rows, 2], "mesh": [0, 1], "placements": [placement]}}}


def test_parts_of_unlike_size_are_put_together_in_order() -> None:
    """As FSDP2 leaves three rows to two processes."""
    whole, step = torch.arange(6.0).reshape(3, 2), torch.tensor(7.0)
    parts = [{"w/exp_avg": rows, "w/step": step, "b/exp_avg": step} for rows in (whole[:2], whole[2:])]
    found = joined(parts, spread())
    assert torch.equal(found.tensors["w/exp_avg"], whole)
    assert found.tensors["w/step"] == found.tensors["b/exp_avg"] == 7.0
    assert found.document == {"shards": {}}


@pytest.mark.parametrize(
    ("document", "second", "words"),
    [
        (
            spread("Shard(dim=1)"),
            "w/exp_avg",
            "cannot be put together; go on with as many processes as saved it, 2",
        ),
        (spread(rows=5), "w/exp_avg", r"make up \[4, 2\], not \[5, 2\]"),
        (spread(), "v/exp_avg", "part of process 1 does not fit: 'w/exp_avg' is missing"),
    ],
)
def test_parts_that_do_not_make_a_whole_are_refused(
    document: dict[str, Any], second: str, words: str
) -> None:
    rows = torch.zeros(2, 2)
    with pytest.raises(CheckpointError, match=words):
        joined([{"w/exp_avg": rows}, {second: rows}], document)
