"""What must be the same for a run to go on as if it had never stopped, and what the user may let through by name."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from codex_evidence.canonical import canonical_bytes
from codex_evidence.errors import CodexError, UsageError
from codex_evidence.names import shown

FIELDS = ("config", "data", "model", "world_size", "code", "environment")

_FREE = frozenset(
    {
        "name",
        "data.workers",  # threads of preparation change no bit
        "data.cache",
        "data.files",  # what is in them is compared as `data`, wherever they lie
        "data.licence",
        "data.source",
        "run.offline",
        "run.verify_packages",
    }
)
_FREE_PARTS = frozenset({"checkpoint", "evaluation", "monitoring"})
_LENGTH = frozenset({"run.steps", "run.epochs"})
_LONGEST = 60
_MOST_PATHS = 3
_ABSENT = object()


class ResumeRefusedError(CodexError):
    """A run that would not go on as the one that was stopped."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Identity:
    """What a run's bits depend on. ``config`` is the resolved configuration as plain JSON; ``data`` the digest of the
    data manifest, and ``code`` that of the source tree (empty outside git); ``environment`` the class of the
    environment record, as plain JSON; ``model`` the digest of each file that the model was read from, by name.
    ``source`` is the record of the code, which is not compared: it says which files differ."""

    config: Mapping[str, Any]
    data: str
    world_size: int
    code: str
    environment: Mapping[str, Any]
    model: Mapping[str, str] = field(default_factory=dict)
    source: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Difference:
    """``field`` is one of FIELDS or lies in one: `config.optimizer.lr`. A value that is not there is None. ``detail``
    says where to look, if that is known."""

    field: str
    recorded: Any
    now: Any
    detail: str = ""


def differences(recorded: Identity, now: Identity) -> list[Difference]:
    """Every field that differs, `config` first, but for those that change no bit of the training and what the
    environment says of the number of processes, which `world_size` names."""
    found = [
        item
        for item in _within("config", recorded.config, now.config)
        if not _is_free(item.field.removeprefix("config."), recorded.config, now.config)
    ]
    for name in ("data", "model", "world_size"):
        found += _within(name, getattr(recorded, name), getattr(now, name))
    if recorded.code != now.code:
        found.append(Difference("code", recorded.code, now.code, _source_detail(recorded.source, now.source)))
    environment = _within("environment", recorded.environment, now.environment)
    return found + [item for item in environment if not _follows_world_size(item)]


def require_same(recorded: Identity, now: Identity, accept: Sequence[str] = ()) -> tuple[str, ...]:
    """The fields that differ and are let through by ``accept``, to be recorded as overrides, in order.

    ``accept`` names fields or what they lie in (`environment`). Raises ResumeRefusedError for a difference that it does
    not name, UsageError for a name that no field can have.
    """
    _check_names(accept, recorded, now)
    found = differences(recorded, now)
    refused = [item for item in found if not _is_named(item.field, accept)]
    if refused:
        raise ResumeRefusedError(refusal(refused))
    return tuple(item.field for item in found)


def refusal(found: Sequence[Difference]) -> str:
    """One line on ``found``, which is not empty: the first difference, the names of the others, what to do."""
    first, others = found[0], [item.field for item in found[1:]]
    line = f"the run cannot go on: {first.field} was {_shown(first.recorded)} and is {_shown(first.now)}"
    if first.detail:
        line += f" ({first.detail})"
    if others:
        named = ", ".join(others[:4]) + (", ..." if len(others) > 4 else "")
        line += f" (and {len(others)} more: {named})"
    accept = " ".join(f"--accept {item.field}" for item in found[:5])
    return f"{line}; put it back, or go on with {accept}, which is recorded"


def _within(place: str, recorded: Any, now: Any) -> Iterator[Difference]:
    """Differences below ``place``: objects field by field, anything else as a whole."""
    if isinstance(recorded, Mapping) and isinstance(now, Mapping):
        for key in sorted({*recorded, *now}):
            yield from _within(f"{place}.{key}", recorded.get(key, _ABSENT), now.get(key, _ABSENT))
    elif recorded is _ABSENT or now is _ABSENT:
        yield Difference(place, None if recorded is _ABSENT else recorded, None if now is _ABSENT else now)
    elif canonical_bytes(recorded) != canonical_bytes(now):
        yield Difference(place, recorded, now)


def _source_detail(recorded: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Which files of the code differ; empty where the records cannot tell."""
    commits = [str(each.get("commit", "")) for each in (recorded, now)]
    if commits[0] != commits[1]:
        return "commit " + " and ".join(commit[:12] or "none" for commit in commits)
    before, after = (
        {one["path"]: one["object"] for one in each.get("changes", ())} for each in (recorded, now)
    )
    paths = sorted(path for path in {*before, *after} if before.get(path) != after.get(path))
    more = f" and {len(paths) - _MOST_PATHS} more" if len(paths) > _MOST_PATHS else ""
    return ", ".join(map(shown, paths[:_MOST_PATHS])) + more


def _is_free(field: str, recorded: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    part = field.partition(".")[0]
    if part == "evaluation":  # with patience, what is evaluated decides when the run ends
        return not (_value(recorded, "run", "patience") or _value(now, "run", "patience"))
    if field in _LENGTH:  # a rate that never falls does not depend on where the run ends
        return {_value(config, "schedule", "kind") for config in (recorded, now)} == {"constant"}
    return part in _FREE_PARTS or field in _FREE


def _follows_world_size(item: Difference) -> bool:
    """One process has no backend to speak to others with."""
    alone = "" in (item.recorded, item.now)
    return item.field == "environment.world_size" or (item.field == "environment.backend" and alone)


def _value(config: Mapping[str, Any], part: str, name: str) -> Any:
    fields = config.get(part)
    return fields.get(name) if isinstance(fields, Mapping) else None


def _is_named(field: str, accept: Sequence[str]) -> bool:
    return any(field == name or field.startswith(name + ".") for name in accept)


def _check_names(accept: Sequence[str], recorded: Identity, now: Identity) -> None:
    known = set(FIELDS)
    for identity in (recorded, now):
        for place in ("config", "environment", "model"):
            known |= set(_names(place, getattr(identity, place)))
    for name in accept:
        if name not in known:
            near = difflib.get_close_matches(name, sorted(known), 1, cutoff=0.5)
            hint = (
                f"did you mean {near[0]}?" if near else f"there are {', '.join(FIELDS)} and what is in them"
            )
            raise UsageError(f"--accept {name!a} names no field; {hint}")


def _names(place: str, value: Any) -> Iterator[str]:
    yield place
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _names(f"{place}.{key}", item)


def _shown(value: Any) -> str:
    text = canonical_bytes(value).decode() if value is not None else "not there"
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."
