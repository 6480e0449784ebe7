"""What a run folder says of the run that a resume goes on with."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codex_evidence.digests import sha256_hex
from codex_evidence.errors import RunError, UnreadableError, UsageError
from codex_evidence.files import read_bytes
from codex_evidence.names import shown
from codex_evidence.run_documents import (
    CONFIG,
    ENVIRONMENT,
    INDEX,
    MAX_DOCUMENT,
    MODEL,
    SEGMENTS,
    STEPS,
    model_digests,
    read_index,
    read_manifest,
)
from codex_evidence.strict_json import loads
from codex_train.checkpoints.refuse import Identity
from codex_train.config.load import config_from_plain
from codex_train.config.nouns import Config

BASE = "base"
"""The setting of an environment record that says where paths in the configuration count from."""


_FIRST = "0000"


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """The last segment of a run: its configuration, where its paths count from, and what its bits depend on."""

    id: str
    config: Config
    base: Path
    identity: Identity
    variables: dict[str, str]
    threads: int


def recorded_run(run: Path) -> RecordedRun:
    """Reads the run folder ``run``. Raises UsageError when it is none, RunError when its documents do not fit."""
    if not (run / INDEX).is_file():
        raise UsageError(
            f"{shown(run)} is no run folder: it has no {INDEX}; give one that `codex-train run` made"
        )
    index = read_index(run)
    folder = run / SEGMENTS / index.segments[-1]
    manifest, _ = read_manifest(folder)
    config = _document(folder / CONFIG, manifest.config_sha256)
    environment = _document(folder / ENVIRONMENT, manifest.environment_sha256)
    code = environment["detail"]["code"]
    identity = Identity(
        config=config,
        data=manifest.data_sha256,
        world_size=manifest.world_size,
        code=code["tree"] if code else "",
        environment=environment["class"],
        model=model_digests(_document(folder / MODEL, manifest.model_sha256)),
        source=code or {},
    )
    settings, torch = environment["detail"]["settings"], environment["class"]["torch"]
    return RecordedRun(
        index.id,
        config_from_plain(config, source=str(folder / CONFIG)),
        Path(settings.get(BASE, ".")),
        identity,
        {**environment["class"]["variables"]},
        torch["threads"] if torch else 0,
    )


def require_new(folder: Path) -> None:
    """Raises UsageError unless a run can begin in ``folder``: it is not there, empty, or holds no more than what a
    process left that was killed before it had begun its run."""
    if not os.path.lexists(folder):
        return
    if not folder.is_dir():
        raise UsageError(f"{shown(folder)} is no folder; give a new one")
    try:
        found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
        steps = folder / SEGMENTS / _FIRST / STEPS
        begun = steps.exists() and steps.stat().st_size > 0
    except OSError as error:
        raise UnreadableError(f"cannot read {shown(folder)}: {error.strerror}") from error
    left = (f"{SEGMENTS}/{_FIRST}/", f"{SEGMENTS}/{_FIRST}.tmp/")
    if begun or not all(name.startswith(left) for name in found):
        raise UsageError(
            f"{shown(folder)} is there and not empty; give a new folder, or use `codex-train resume`"
        )


def _document(path: Path, digest: str) -> dict[str, Any]:
    data = read_bytes(path, max_bytes=MAX_DOCUMENT)
    if sha256_hex(data) != digest:
        raise RunError(f"{shown(path)} is not what the manifest beside it names; the run folder was changed")
    value = loads(data, source=str(path))
    if not isinstance(value, dict):
        raise RunError(f"{shown(path)} is no object")
    return value
