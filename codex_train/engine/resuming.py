"""What a resume goes on from, and whether it is still the same run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from codex_evidence.canonical import canonical_bytes
from codex_evidence.checkpoint_manifest import read_manifest
from codex_evidence.digests import sha256_hex
from codex_evidence.errors import UsageError
from codex_evidence.names import shown
from codex_evidence.run_documents import model_digests
from codex_evidence.run_identity import Identity
from codex_train.checkpoints.read import Checkpoint, read_checkpoint
from codex_train.checkpoints.refuse import require_same
from codex_train.engine.lineage import LATEST, resolve
from codex_train.engine.processes import World
from codex_train.engine.recorded import RecordedRun, recorded_run
from codex_train.recorder.environment import Environment
from codex_train.recorder.recorder import Parent


@dataclass(frozen=True, slots=True)
class Resume:
    """What a resume goes on with: ``recorded`` has the settings, and the identity of the segment that made
    ``checkpoint``, which is None for step 0; ``accept`` names fields that may differ from it."""

    recorded: RecordedRun
    checkpoint: Path | None
    accept: tuple[str, ...]


def resumed(run: Path, wanted: str, accept: Sequence[str]) -> Resume:
    """The resume of the run folder ``run`` from the checkpoint ``wanted``, with the settings that made it.

    The latest one goes on with those of the last segment, also when that was killed before its first checkpoint: what
    of its settings was let through then still is. Raises CodexError for what is no run or no checkpoint.
    """
    last, path = recorded_run(run), resolve(run, wanted)
    if path is None:
        return Resume(last, None, tuple(accept))
    manifest = read_manifest(path)
    if manifest.run != last.id:
        raise UsageError(
            f"{shown(path)} is a checkpoint of another run ({manifest.run[:8]}...); to start from its "
            "weights, begin a new run with model.path set to it"
        )
    made = recorded_run(run, manifest.segment)
    if wanted != LATEST or made.segment == last.segment:
        return Resume(made, path, tuple(accept))
    settings = (name for name in last.overrides if name.startswith("config."))
    return Resume(replace(last, identity=made.identity), path, (*accept, *settings))


@dataclass(frozen=True, slots=True)
class Now:
    """What the run is now: ``config`` as plain JSON, the manifest of its ``data`` and that of its ``model``."""

    config: Mapping[str, Any]
    data: Mapping[str, Any]
    model: Mapping[str, Any]
    world: World


def found_checkpoint(resume: Resume | None, world: World) -> Checkpoint | None:
    """The verified checkpoint to go on from; None at the beginning. Raises CheckpointError."""
    if resume is None or resume.checkpoint is None:
        return None
    return read_checkpoint(resume.checkpoint, rank=world.rank, world=world.size, sharded=world.sharded)


def accepted(resume: Resume | None, now: Now, environment: Environment | None = None) -> tuple[str, ...]:
    """The fields that differ and were accepted; without ``environment`` it and the code count as the same. Raises
    ResumeRefusedError."""
    if resume is None:
        return ()
    recorded = resume.recorded.identity
    identity = Identity(
        config=now.config,
        data=sha256_hex(canonical_bytes(now.data)),
        world_size=now.world.size,
        code=environment.code_tree if environment else recorded.code,
        environment=environment.environment_class if environment else recorded.environment,
        model=model_digests(now.model),
        source=environment.code if environment else recorded.source,
    )
    return require_same(recorded, identity, resume.accept)


def parent(
    resume: Resume | None, checkpoint: Checkpoint | None, now: Now, environment: Environment
) -> Parent | None:
    """What the new segment goes on from, once it is known to be the same run. Raises ResumeRefusedError."""
    if resume is None:
        return None
    return Parent(checkpoint.path if checkpoint else None, accepted(resume, now, environment))


def notes(resume: Resume | None, checkpoint: Checkpoint | None, world: World) -> tuple[str, ...]:
    """What is to be said of where the run begins."""
    if resume is None:
        return ()
    if checkpoint is None:
        return ("no checkpoint was made before the run was stopped: it starts again at step 0",)
    saved = checkpoint.manifest.world_size
    return () if saved == world.size else (_other_world(saved, world.size),)


def _other_world(saved: int, now: int) -> str:
    """What becomes of the random states, of which each process has its own."""
    if now > saved:
        fate = f"those from number {saved} on have no random state in it and begin with that of a new run"
    else:
        fate = f"the random states of those from number {now} on are left out"
    return f"the checkpoint is of {_processes(saved)} and this run of {_processes(now)}: {fate}"


def _processes(count: int) -> str:
    return "1 process" if count == 1 else f"{count} processes"
