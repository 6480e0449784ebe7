"""Where a replay and the record part."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codex_evidence.checkpoint_verify import examine, state_tensors
from codex_evidence.steps import StepRecord
from codex_evidence.tensor_state import TensorDigest

_BOUND = {"prev", "state"}
"""``prev`` depends on when and where a run was; states are compared on their own, because a replay saves elsewhere."""
_TIMES = {"seconds"}


@dataclass(frozen=True, slots=True)
class Difference:
    """``field`` after ``step``, as recorded and as replayed; None where one of them has none."""

    step: int
    field: str
    recorded: Any
    replayed: Any


def step_differences(recorded: StepRecord, replayed: StepRecord) -> list[Difference]:
    """The fields of a step that differ, in the order of the record."""
    names = (field.name for field in dataclasses.fields(StepRecord) if field.name not in _BOUND)
    return [
        Difference(recorded.step, name, getattr(recorded, name), getattr(replayed, name))
        for name in names
        if getattr(recorded, name) != getattr(replayed, name)
    ]


def metric_differences(recorded: Mapping[str, Any], replayed: Mapping[str, Any]) -> list[Difference]:
    """The figures of an evaluation that differ, but for how long it took."""
    return [
        Difference(recorded["step"], f"evaluation.{name}", recorded.get(name), replayed.get(name))
        for name in sorted({*recorded, *replayed} - _TIMES)
        if recorded.get(name) != replayed.get(name)
    ]


def document_differences(recorded: Any, now: Any, place: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Place (`files[0].sha256`) and both values of every part of two plain documents that differs."""
    if isinstance(recorded, Mapping) and isinstance(now, Mapping):
        for key in sorted({*recorded, *now}):
            inner = f"{place}.{key}" if place else key
            yield from document_differences(recorded.get(key), now.get(key), inner)
    elif isinstance(recorded, list) and isinstance(now, list) and len(recorded) == len(now):
        for number, both in enumerate(zip(recorded, now, strict=True)):
            yield from document_differences(*both, f"{place}[{number}]")
    elif recorded != now:
        yield place, recorded, now


def tensor_differences(recorded: Path, replayed: Path) -> tuple[str, ...]:
    """The names (`model/lm_head.weight`), in order, of tensors that two checkpoints do not share to the bit. Raises
    CheckpointError for one that is damaged."""
    one, other = _tensors(recorded), _tensors(replayed)
    return tuple(name for name in sorted({*one, *other}) if one.get(name) != other.get(name))


def _tensors(checkpoint: Path) -> dict[str, TensorDigest]:
    return {tensor.name: tensor for tensor in state_tensors(examine(checkpoint).tensors)}
