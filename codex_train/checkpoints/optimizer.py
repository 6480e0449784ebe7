"""Optimizer state by parameter name, and the gradient scaler.

torch numbers the parameters of an optimizer; here each state tensor carries the name of its parameter
(`model.embed_tokens.weight/exp_avg`), so that a state can only go back to the parameter that it came from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from codex_evidence.checkpoint_manifest import CheckpointError
from codex_train.checkpoints.convert import is_shard, names_that_differ, shown_type

_STEP = "step"
_BY_ROWS = "Shard(dim=0)"
_PLAIN = (bool, int, float, str, type(None))


@dataclass(frozen=True, slots=True)
class OptimizerState:
    """``tensors`` by `PARAMETER/STATE`, not copied: of parameters that are spread over processes, this one's parts.
    ``document`` says, as plain JSON, what they belong to."""

    tensors: dict[str, Tensor]
    document: dict[str, Any]


def optimizer_state(
    optimizer: torch.optim.Optimizer, parameters: Iterable[tuple[str, nn.Parameter]]
) -> OptimizerState:
    """The state of ``optimizer`` over the named ``parameters`` of its model.

    Raises CheckpointError for a parameter without a name, and for state that is no tensor of its parameter's shape or a
    count.
    """
    names = _names(optimizer, parameters)
    tensors = {
        f"{name}/{key}": _checked_local(name, key, value, parameter)
        for name, parameter in names.items()
        for key, value in optimizer.state.get(parameter, {}).items()
    }
    return OptimizerState(tensors, _document(optimizer, names))


def joined(parts: Sequence[Mapping[str, Tensor]], document: Mapping[str, Any]) -> OptimizerState:
    """The whole state of which each of many processes (0, 1, ...) saved its ``parts``; ``document`` is that of any.

    Raises CheckpointError when they are not spread as FSDP2 does it, by rows in order of the processes, and when they
    do not make up their parameters.
    """
    for name, shard in document["shards"].items():
        if shard["placements"] != [_BY_ROWS] or shard["mesh"] != list(range(len(parts))):
            raise CheckpointError(
                f"the optimizer's state of {name!r} is spread over processes by {shard['placements']}, which cannot be "
                f"put together; go on with as many processes as saved it, {len(parts)}"
            )
    for number, part in enumerate(parts):
        if fault := names_that_differ(parts[0], part):
            raise CheckpointError(f"the optimizer's part of process {number} does not fit: {fault}")
    tensors = dict(parts[0])
    for place in tensors:
        name, _, key = place.rpartition("/")
        shard = document["shards"].get(name)
        if shard is not None and key != _STEP:
            tensors[place] = torch.cat([part[place] for part in parts])
            if list(tensors[place].shape) != shard["shape"]:
                raise CheckpointError(
                    f"the optimizer's parts of {place} make up {list(tensors[place].shape)}, not {shard['shape']}"
                )
    return OptimizerState(tensors, {**document, "shards": {}})


def restore_optimizer(
    optimizer: torch.optim.Optimizer,
    parameters: Iterable[tuple[str, nn.Parameter]],
    saved: OptimizerState,
) -> None:
    """Puts ``saved`` into ``optimizer``, copying; of a whole state, the rows of parameters that are spread over
    processes. Options such as the learning rate stay as the optimizer has them.

    Raises CheckpointError, before anything is changed, when kind, groups, names, shapes, types or shards do not fit.
    """
    names = _names(optimizer, parameters)
    _check_document(saved.document, _document(optimizer, names))
    keys = saved.document["state"]
    expected = [f"{name}/{key}" for name, own in keys.items() for key in own]
    if fault := names_that_differ(expected, saved.tensors):
        raise CheckpointError(f"the optimizer's tensors do not fit: {fault}")
    own = dict(saved.tensors)
    for name, parameter in names.items():
        for key in keys[name]:
            place = f"{name}/{key}"
            if key != _STEP and not saved.document["shards"]:
                own[place] = _own_rows(own[place], parameter)
            _check_like(name, key, own[place], _local(parameter))
    groups = {parameter: group for group in optimizer.param_groups for parameter in group["params"]}
    for name, parameter in names.items():
        state = {key: own[f"{name}/{key}"] for key in keys[name]}
        optimizer.state.pop(parameter, None)
        if state:
            optimizer.state[parameter] = {
                key: _placed(key, value, parameter, groups[parameter]) for key, value in state.items()
            }


def scaler_document(scaler: torch.amp.GradScaler | None) -> dict[str, Any] | None:
    """The state of ``scaler`` as plain JSON, exact; None for none or one that is switched off."""
    return dict(scaler.state_dict()) or None if scaler is not None else None


def restore_scaler(scaler: torch.amp.GradScaler | None, document: Mapping[str, Any] | None) -> None:
    """Puts ``document`` into ``scaler``. Raises CheckpointError when only one of the two is there, or they differ."""
    here = scaler_document(scaler)
    if (here is None) != (document is None):
        saved, now = ("without", "has one") if document is None else ("with", "has none")
        raise CheckpointError(f"the checkpoint was made {saved} a gradient scaler and this run {now}")
    if scaler is None or here is None or document is None:
        return
    if fault := names_that_differ(here, document):
        raise CheckpointError(f"the gradient scaler's state does not fit: {fault}")
    scaler.load_state_dict(dict(document))


def _names(
    optimizer: torch.optim.Optimizer, parameters: Iterable[tuple[str, nn.Parameter]]
) -> dict[str, nn.Parameter]:
    """The optimizer's parameters by name, in its order. Raises CheckpointError."""
    known = {parameter: name for name, parameter in parameters}
    own = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    nameless = sum(parameter not in known for parameter in own)
    if nameless:
        raise CheckpointError(f"{nameless} parameters of the optimizer are not among the model's named ones")
    return {known[parameter]: parameter for parameter in own}


def _document(optimizer: torch.optim.Optimizer, names: Mapping[str, nn.Parameter]) -> dict[str, Any]:
    known = {parameter: name for name, parameter in names.items()}
    return {
        "kind": type(optimizer).__name__,
        "groups": [
            {
                "parameters": [known[parameter] for parameter in group["params"]],
                "options": {key: _plain(value) for key, value in group.items() if key != "params"},
            }
            for group in optimizer.param_groups
        ],
        "state": {name: sorted(optimizer.state.get(parameter, {})) for name, parameter in names.items()},
        "shards": {name: _shard(parameter) for name, parameter in names.items() if is_shard(parameter)},
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Tensor):  # a learning rate that a captured graph reads
        return value.tolist()
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value if isinstance(value, _PLAIN) else repr(value)


def _shard(parameter: Any) -> dict[str, Any]:
    return {
        "shape": list(parameter.shape),
        "mesh": parameter.device_mesh.mesh.flatten().tolist(),
        "placements": [repr(placement) for placement in parameter.placements],
    }


def _check_document(saved: Mapping[str, Any], here: Mapping[str, Any]) -> None:
    if saved["kind"] != here["kind"]:
        raise CheckpointError(
            f"the checkpoint is of optimizer {saved['kind']} and this run's is {here['kind']}"
        )
    if fault := names_that_differ(here["state"], saved["state"]):
        raise CheckpointError(f"the optimizer's parameters do not fit: {fault}")
    members = [[group["parameters"] for group in document["groups"]] for document in (saved, here)]
    if members[0] != members[1]:
        raise CheckpointError(
            "the optimizer's parameters are in other groups, or in another order, than when saved"
        )
    for name in sorted({*saved["shards"], *here["shards"]} if saved["shards"] else ()):
        if saved["shards"].get(name) != here["shards"].get(name):
            raise CheckpointError(f"parameter {name!r} is not spread over processes as it was when saved")


def _checked_local(name: str, key: str, value: Any, parameter: nn.Parameter) -> Tensor:
    if not isinstance(value, Tensor):
        raise CheckpointError(
            f"the optimizer's {name}/{key} is a {type(value).__name__}; only tensors can be saved"
        )
    local = _local(value)
    _check_like(name, key, local, _local(parameter))
    return local


def _check_like(name: str, key: str, found: Tensor, parameter: Tensor) -> None:
    """A moment is like its parameter, a count of steps is one number. Raises CheckpointError."""
    expected = (torch.float32, torch.Size()) if key == _STEP else (parameter.dtype, parameter.shape)
    if (found.dtype, found.shape) != expected:
        raise CheckpointError(
            f"the optimizer's {name}/{key} is {shown_type(found.dtype)} {list(found.shape)}, "
            f"not {shown_type(expected[0])} {list(expected[1])}: it is of another model or optimizer"
        )


def _local(tensor: Tensor) -> Tensor:
    local: Tensor = tensor.to_local() if is_shard(tensor) else tensor  # type: ignore[attr-defined]
    return local.detach()


def _own_rows(whole: Tensor, parameter: Any) -> Tensor:
    """The part of ``whole`` that is this process's, where ``parameter`` is spread over processes by rows."""
    if not is_shard(parameter) or whole.shape != parameter.shape:
        return whole
    if [repr(placement) for placement in parameter.placements] != [_BY_ROWS]:
        raise CheckpointError(
            f"a parameter is spread over processes by {list(parameter.placements)}; only the rows of a whole state "
            "can be shared out"
        )
    parts = torch.chunk(
        whole, parameter.device_mesh.size()
    )  # as FSDP2 does it: the last may get fewer, or none
    rank: int = parameter.device_mesh.get_local_rank()
    return parts[rank] if rank < len(parts) else whole[:0]


def _placed(key: str, value: Tensor, parameter: nn.Parameter, group: Mapping[str, Any]) -> Tensor:
    """A copy of ``value`` where torch keeps it: counts on the CPU unless the update reads them on the device."""
    if key == _STEP:
        on_device = group.get("fused") or group.get("capturable")
        return value.to(parameter.device if on_device else "cpu", copy=True)
    own = torch.empty_like(_local(parameter))  # with the parameter's strides, as the optimizer makes it
    own.copy_(value)
    return own if not is_shard(parameter) else _spread(own, parameter)


def _spread(local: Tensor, parameter: Any) -> Tensor:
    from torch.distributed.tensor import DTensor

    return DTensor.from_local(
        local,
        parameter.device_mesh,
        parameter.placements,
        run_check=False,
        shape=parameter.shape,
        stride=parameter.stride(),
    )
