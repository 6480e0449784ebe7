"""What a run's bits depend on, and where two segments differ in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from codex_evidence.canonical import canonical_bytes
from codex_evidence.digests import sha256_hex
from codex_evidence.errors import RunError
from codex_evidence.files import read_bytes
from codex_evidence.names import shown
from codex_evidence.run_documents import (
    CONFIG,
    ENVIRONMENT,
    MAX_DOCUMENT,
    MODEL,
    RunManifest,
    model_digests,
    parse_document,
)

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
_MOST_PATHS = 3
_ABSENT = object()


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


def identity_of(folder: Path, manifest: RunManifest) -> Identity:
    """That of the segment in ``folder``. Raises RunError when a document is not the one that its ``manifest`` names,
    and what reading it raises."""
    environment = document(folder / ENVIRONMENT, manifest.environment_sha256, "run_environment")
    code = environment["detail"]["code"]
    return Identity(
        config=document(folder / CONFIG, manifest.config_sha256),
        data=manifest.data_sha256,
        world_size=manifest.world_size,
        code=code["tree"] if code else "",
        environment=environment["class"],
        model=model_digests(document(folder / MODEL, manifest.model_sha256, "run_model")),
        source=code or {},
    )


def document(path: Path, digest: str, schema: str = "") -> dict[str, Any]:
    """The object in the file ``path``, which has the SHA-256 ``digest`` and follows ``schema``. Raises as
    ``identity_of``."""
    data = read_bytes(path, max_bytes=MAX_DOCUMENT)
    if sha256_hex(data) != digest:
        raise RunError(f"{shown(path)} is not what the manifest beside it names; the run folder was changed")
    value = parse_document(data, schema, source=str(path))
    if not isinstance(value, dict):
        raise RunError(f"{shown(path)} is no object")
    return value


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
