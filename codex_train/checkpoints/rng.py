"""The states of every global random generator as tensors: torch's on the CPU and on each GPU, Python's, numpy's."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from codex_evidence.checkpoint_manifest import CheckpointError
from codex_train.checkpoints.convert import names_that_differ, shown_type

_CPU = "torch.cpu"
_CUDA = "torch.cuda."
_PYTHON, _PYTHON_GAUSS = "python.state", "python.gauss"
_NUMPY, _NUMPY_PLACE, _NUMPY_GAUSS = "numpy.key", "numpy.place", "numpy.gauss"
_WORDS = 624  # of a Mersenne Twister (MT19937)


def rng_tensors() -> dict[str, Tensor]:
    """The states now: uint8 for torch's generators, int64 and float64 for the Mersenne Twisters of Python and numpy.

    GPUs are asked only when CUDA is in use already. Raises CheckpointError when numpy's global generator was replaced
    by one of another kind.
    """
    return {**_torch_tensors(), **_python_tensors(), **_numpy_tensors()}


def of_devices_here(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """``tensors`` without the states of GPUs that are not here."""
    here = {f"{_CUDA}{index}" for index in range(torch.cuda.device_count())}
    return {name: tensor for name, tensor in tensors.items() if not name.startswith(_CUDA) or name in here}


def restore_rng(tensors: Mapping[str, Tensor]) -> None:
    """Puts every generator into the state that ``rng_tensors`` gave.

    Raises CheckpointError, before any is changed, for a state that is missing, of another size or for a GPU that is not
    here.
    """
    expected = {**_torch_tensors(), **_python_tensors(), **_numpy_tensors()}
    devices = sorted(name for name in tensors if name.startswith(_CUDA))
    present = [f"{_CUDA}{index}" for index in range(torch.cuda.device_count())]
    if absent := sorted(set(devices) - set(present)):
        raise CheckpointError(
            f"the checkpoint holds a random state of {absent[0]}, and there is no such GPU here"
        )
    plain = {name: tensor for name, tensor in expected.items() if not name.startswith(_CUDA)}
    if fault := names_that_differ(plain, set(tensors) - set(devices)):
        raise CheckpointError(f"the random states do not fit: {fault}")
    for name, like in plain.items():
        _check(name, tensors[name], like)
    states = _python_state(tensors), _numpy_state(tensors)
    try:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(tensors[_CPU].clone())
        for name in devices:
            torch.cuda.set_rng_state(tensors[name].clone(), int(name.removeprefix(_CUDA)))
    except (RuntimeError, ValueError, TypeError, OverflowError) as error:
        raise CheckpointError(f"a random state cannot be restored: {error}") from error


def _torch_tensors() -> dict[str, Tensor]:
    found = {_CPU: torch.get_rng_state()}
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]  # else no GPU has drawn a number yet
        for index in range(torch.cuda.device_count()):
            found[f"{_CUDA}{index}"] = torch.cuda.get_rng_state(index)
    return found


def _python_tensors() -> dict[str, Tensor]:
    version, words, gauss = random.getstate()
    return {_PYTHON: torch.tensor([version, *words]), _PYTHON_GAUSS: _optional(gauss)}


def _numpy_tensors() -> dict[str, Tensor]:
    state: Any = np.random.get_state(legacy=False)
    if state["bit_generator"] != "MT19937":
        raise CheckpointError(
            f"numpy's global generator is {state['bit_generator']}; only MT19937, its own, can be saved"
        )
    gauss = float(state["gauss"]) if state["has_gauss"] else None
    return {
        _NUMPY: torch.from_numpy(state["state"]["key"].astype(np.int64)),
        _NUMPY_PLACE: torch.tensor([int(state["state"]["pos"])]),
        _NUMPY_GAUSS: _optional(gauss),
    }


def _optional(number: float | None) -> Tensor:
    """A number that may be absent: float64 of shape [0] or [1]. The second of a pair of normal draws waits in it."""
    return torch.tensor([] if number is None else [number], dtype=torch.float64)


def _python_state(tensors: Mapping[str, Tensor]) -> Any:
    version, *words = tensors[_PYTHON].tolist()
    gauss = tensors[_PYTHON_GAUSS].tolist()
    return version, tuple(words), gauss[0] if gauss else None


def _numpy_state(tensors: Mapping[str, Tensor]) -> Any:
    key = tensors[_NUMPY].tolist()
    gauss = tensors[_NUMPY_GAUSS].tolist()
    place = int(tensors[_NUMPY_PLACE].item())
    if min(key) < 0 or max(key) > 2**32 - 1 or not 0 <= place <= _WORDS:
        raise CheckpointError(
            f"the random states {_NUMPY!r} and {_NUMPY_PLACE!r} hold numbers that a Mersenne Twister cannot have"
        )
    return {
        "bit_generator": "MT19937",
        "state": {"key": np.array(key, dtype=np.uint32), "pos": place},
        "has_gauss": len(gauss),
        "gauss": gauss[0] if gauss else 0.0,
    }


def _check(name: str, found: Tensor, like: Tensor) -> None:
    sizes = {(0,), (1,)} if name in (_PYTHON_GAUSS, _NUMPY_GAUSS) else {tuple(like.shape)}
    if found.dtype != like.dtype or tuple(found.shape) not in sizes:
        raise CheckpointError(
            f"the random state {name!r} is {shown_type(found.dtype)} {list(found.shape)}, "
            f"not {shown_type(like.dtype)} {list(like.shape)}"
        )
