"""Tensors of torch as the bytes of a safetensors file, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from codex_evidence.checkpoint_manifest import CheckpointError
from codex_evidence.tensor_writer import RawTensor
from codex_evidence.tensors import Header

TYPES: Mapping[torch.dtype, str] = {
    torch.bool: "BOOL",
    torch.uint8: "U8",
    torch.int8: "I8",
    torch.int16: "I16",
    torch.int32: "I32",
    torch.int64: "I64",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.float32: "F32",
    torch.float64: "F64",
    torch.complex64: "C64",
    torch.float8_e4m3fn: "F8_E4M3",
    torch.float8_e5m2: "F8_E5M2",
}
_DTYPES = {name: dtype for dtype, name in TYPES.items()}


def raw_tensors(tensors: Mapping[str, Tensor]) -> list[RawTensor]:
    """``tensors`` for the writer, not copied: a tensor of another device comes over when it is its turn.

    Raises CheckpointError for a type that safetensors lacks, and for a part of a tensor that is spread over processes.
    """
    return [_raw(name, tensor) for name, tensor in tensors.items()]


def parsed_tensors(buffer: bytearray, header: Header) -> dict[str, Tensor]:
    """The tensors of the safetensors file whose bytes are ``buffer``; they are views of it, so copy what is to last.

    Raises CheckpointError for a type that torch lacks.
    """
    return {
        info.name: _parsed(buffer, info.name, info.dtype, info.shape, header.data_start + info.begin)
        for info in header.tensors
    }


def is_shard(tensor: Tensor) -> bool:
    """Whether ``tensor`` is spread over processes (a DTensor), asked without importing torch.distributed."""
    return hasattr(tensor, "to_local") and hasattr(tensor, "placements")


def whole_tensors(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """``tensors`` with those that are spread over processes put together, on the CPU.

    Every process must call this, with the same names. It holds all of them at once, in every process.
    """
    return {name: _whole(tensors[name]) for name in sorted(tensors)}


def shown_type(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def names_that_differ(expected: Iterable[str], found: Iterable[str]) -> str:
    """The first name that only one of the two has, and which; empty for the same names."""
    wanted, there = set(expected), set(found)
    if missing := sorted(wanted - there):
        return f"{missing[0]!r} is missing"
    unknown = sorted(there - wanted)
    return f"{unknown[0]!r} belongs to nothing here" if unknown else ""


def _raw(name: str, tensor: Tensor) -> RawTensor:
    if tensor.dtype not in TYPES:
        raise CheckpointError(
            f"tensor {name!r} is of type {shown_type(tensor.dtype)}, which safetensors lacks"
        )
    if is_shard(tensor):
        raise CheckpointError(
            f"tensor {name!r} is spread over processes; give its local part or gather it first"
        )
    return RawTensor(name, TYPES[tensor.dtype], tuple(tensor.shape), lambda: _buffer(tensor))


def _buffer(tensor: Tensor) -> Any:
    # Viewed as bytes because numpy lacks bfloat16; flat because a tensor without dimensions has no such view.
    return tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()


def _whole(tensor: Tensor) -> Tensor:
    full: Any = tensor.full_tensor() if is_shard(tensor) else tensor  # type: ignore[attr-defined]
    whole: Tensor = full.detach().cpu()
    return whole


def _parsed(buffer: bytearray, name: str, dtype: str, shape: tuple[int, ...], offset: int) -> Tensor:
    if dtype not in _DTYPES:
        raise CheckpointError(f"tensor {name!r} is of type {dtype}, which this program never writes")
    if 0 in shape:
        return torch.empty(shape, dtype=_DTYPES[dtype])
    count = 1
    for size in shape:
        count *= size
    return torch.frombuffer(buffer, dtype=_DTYPES[dtype], count=count, offset=offset).reshape(shape)
