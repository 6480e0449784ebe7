"""What differs between two runs, and from which step on."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from typing import Any

from codex_evidence.canonical import canonical_bytes
from codex_evidence.run_documents import model_digests
from codex_train.recorder.environment import class_differences
from codex_train.screens.folder import RunView, SegmentView, Steps

PARTS = ("environment_class", "environment_detail", "code", "data", "model", "config")
_MOST = 100


def comparison(first: RunView, first_steps: Steps, second: RunView, second_steps: Steps) -> dict[str, Any]:
    """Plain data on what differs between the last segments of two runs and between their steps. ``same`` says that they
    took the same steps, to the bit, and ended in the same state, whatever else differs."""
    a, b = first.last, second.last
    parts = {
        "environment_class": _fields(a.environment["class"], b.environment["class"]),
        "environment_detail": _fields(_detail(a), _detail(b)),
        "code": _fields(_code(a), _code(b)),
        "data": _fields(_data(a), _data(b)),
        "model": _fields(model_digests(a.model), model_digests(b.model)),
        "config": _fields(a.config, b.config),
    }
    steps = _steps(first_steps, second_steps)
    states = (a.manifest.final_state_digest, b.manifest.final_state_digest)
    steps["final_state_same"] = states[0] == states[1] if all(states) else None
    notes = [f"first run: {note}" for note in first_steps.notes]
    notes += [f"second run: {note}" for note in second_steps.notes]
    notes += [
        f"{name} run: segment {one.manifest.segment} went on although these differed: {', '.join(parent.overrides)}"
        for name, run in (("first", first), ("second", second))
        for one in run.segments
        if (parent := one.manifest.parent) and parent.overrides
    ]
    differ = [step for step in steps["differ_from"].values() if step is not None]
    equal = steps["parted"] is None and not differ and steps["first"] == steps["second"]
    return {
        "first": str(first.folder),
        "second": str(second.folder),
        **parts,
        "steps": steps,
        "notes": notes,
        "same": equal and steps["final_state_same"] is not False and bool(steps["common"]),
    }


def _fields(first: Any, second: Any) -> list[dict[str, Any]]:
    found = class_differences(first, second)
    # 1 and 1.0 are one number in a recorded document.
    return [
        {"field": field, "first": a, "second": b}
        for field, a, b in found
        if canonical_bytes(a) != canonical_bytes(b)
    ]


def _detail(segment: SegmentView) -> dict[str, Any]:
    """The detail but for the code, with packages by name."""
    detail = dict(segment.environment["detail"])
    detail.pop("code")
    detail["packages"] = {
        one["name"]: f"{one['version']}, RECORD {one['record_sha256'][:12]}" for one in detail["packages"]
    }
    return detail


def _code(segment: SegmentView) -> dict[str, Any]:
    code = segment.environment["detail"]["code"]
    if not code:
        return {"commit": "", "tree": "", "dirty": False}
    changes = {one["path"]: one["object"] for one in code["changes"]}
    return {**code, "changes": changes}


def _data(segment: SegmentView) -> dict[str, Any]:
    data = dict(segment.data)
    data["files"] = {file["path"]: {key: file[key] for key in ("sha256", "size")} for file in data["files"]}
    return data


def _steps(first: Steps, second: Steps) -> dict[str, Any]:
    start, end = max(first.first, second.first), min(first.last, second.last)
    count = max(end - start + 1, 0)
    a, b = (one.losses[start - one.first : start - one.first + count] for one in (first, second))
    parted = _first_difference(a, b)
    return {
        "first": {"first": first.first, "last": first.last},
        "second": {"first": second.first, "last": second.last},
        "common": count,
        "parted": None if parted is None else _at(start, parted, a, b),
        "largest": None if parted is None else _at(start, _largest(a, b), a, b),
        "differ_from": {
            "samples": _samples_part(first, second, start, count),
            "lr": _part(first.rates, second.rates, first, second, start, count),
            "grad_norm": _part(first.norms, second.norms, first, second, start, count),
        },
    }


def _first_difference(a: array[float], b: array[float]) -> int | None:
    """The first place at which the bits differ."""
    if a.tobytes() == b.tobytes():
        return None
    mine, other = a.tobytes(), b.tobytes()
    return next(i for i in range(len(a)) if mine[8 * i : 8 * i + 8] != other[8 * i : 8 * i + 8])


def _largest(a: array[float], b: array[float]) -> int:
    return max(range(len(a)), key=lambda place: abs(a[place] - b[place]))


def _at(start: int, place: int, a: array[float], b: array[float]) -> dict[str, Any]:
    one, other = a[place], b[place]
    return {
        "step": start + place,
        "first": one,
        "second": other,
        "first_hex": one.hex(),
        "second_hex": other.hex(),
        "difference": abs(one - other),
    }


def _part(
    a: array[float], b: array[float], first: Steps, second: Steps, start: int, count: int
) -> int | None:
    mine = a[start - first.first : start - first.first + count]
    place = _first_difference(mine, b[start - second.first : start - second.first + count])
    return None if place is None else start + place


def _samples_part(first: Steps, second: Steps, start: int, count: int) -> int | None:
    for step in range(start, start + count):
        one, other = 32 * (step - first.first), 32 * (step - second.first)
        if first.samples[one : one + 32] != second.samples[other : other + 32]:
            return step
    return None


def comparison_lines(document: Mapping[str, Any]) -> Iterator[str]:
    """The document of ``comparison`` for people."""
    for part in PARTS:
        name, found = part.replace("_", " "), document[part]
        if not found:
            yield f"{name}: the same"
            continue
        yield f"{name}: {len(found)} differ"
        for one in found[:_MOST]:
            yield f"  {one['field']}: {_short(one['first'])} | {_short(one['second'])}"
        if len(found) > _MOST:
            yield f"  and {len(found) - _MOST} more; --format json has all"
    yield from _step_lines(document["steps"])
    yield from (f"note: {note}" for note in document["notes"])
    yield "the runs took the same steps" if document["same"] else "the runs differ"


def _step_lines(steps: Mapping[str, Any]) -> Iterator[str]:
    yield (
        f"steps: {steps['first']['first']}-{steps['first']['last']} | "
        f"{steps['second']['first']}-{steps['second']['last']}, {steps['common']} in both"
    )
    for name, step in steps["differ_from"].items():
        if step is not None:
            yield f"  {name} differ from step {step} on"
    parted, largest = steps["parted"], steps["largest"]
    if parted is None:
        yield "  losses: the same bits at every step in both"
    else:
        yield f"  losses part at step {parted['step']}: {parted['first_hex']} | {parted['second_hex']}"
        yield f"  largest difference {largest['difference']:.3e} at step {largest['step']}"
    if steps["final_state_same"] is not None:
        yield f"  last states: {'the same' if steps['final_state_same'] else 'different'}"


def _short(value: Any) -> str:
    text = "not there" if value is None else canonical_bytes(value).decode()
    return text if len(text) <= 80 else text[:77] + "..."
