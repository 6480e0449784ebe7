"""What a run folder says of the run that a resume goes on with."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from codex_evidence.errors import RunError, UnreadableError, UsageError
from codex_evidence.names import shown
from codex_evidence.run_documents import (
    CONFIG,
    ENVIRONMENT,
    INDEX,
    SEGMENTS,
    STEPS,
    read_index,
    read_manifest,
)
from codex_evidence.run_identity import Identity, document, identity_of
from codex_train.config.load import config_from_plain
from codex_train.config.nouns import Config

BASE = "base"
"""The setting of an environment record that says where paths in the configuration count from."""


_FIRST = "0000"


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """A segment of a run: its configuration, where its paths count from, what its bits depend on, and the ``overrides``
    with which it went on from the one before."""

    id: str
    segment: str
    config: Config
    base: Path
    identity: Identity
    variables: dict[str, str]
    threads: int
    overrides: tuple[str, ...] = ()


def recorded_run(run: Path, segment: str = "") -> RecordedRun:
    """The ``segment`` of the run folder ``run``, by default its last. Raises UsageError when it is no run folder,
    RunError when its documents do not fit."""
    if not (run / INDEX).is_file():
        raise UsageError(
            f"{shown(run)} is no run folder: it has no {INDEX}; give one that `codex-train run` made"
        )
    index = read_index(run)
    name = segment or index.segments[-1]
    if name not in index.segments:
        raise RunError(f"{shown(run / INDEX)} names no segment {name!a}")
    folder = run / SEGMENTS / name
    manifest, _ = read_manifest(folder)
    identity = identity_of(folder, manifest)
    environment = document(folder / ENVIRONMENT, manifest.environment_sha256, "run_environment")
    settings, torch = environment["detail"]["settings"], environment["class"]["torch"]
    return RecordedRun(
        index.id,
        name,
        config_from_plain(identity.config, source=str(folder / CONFIG)),
        Path(settings.get(BASE, ".")),
        identity,
        {**environment["class"]["variables"]},
        torch["threads"] if torch else 0,
        manifest.parent.overrides if manifest.parent else (),
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
