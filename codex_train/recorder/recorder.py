"""The recorder: a run folder as one process fills it. Any training loop can use it:

recorder = Recorder.open(Path("runs/first"), name="first", config=config, data=data)
for step, batch in enumerate(batches, 1):
    ...
    recorder.step(step, epoch, loss, grad_norm, lr, targets, samples)
recorder.close("finished")
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from codex_evidence import run_documents as documents
from codex_evidence.atomic import write_bytes
from codex_evidence.canonical import canonical_bytes
from codex_evidence.checkpoint_manifest import CheckpointManifest
from codex_evidence.digests import file_sha256
from codex_evidence.errors import RunError, UsageError
from codex_evidence.names import shown
from codex_evidence.plain import from_plain
from codex_evidence.run_documents import RunManifest, Status
from codex_evidence.schemas import validate
from codex_evidence.steps import line, read_steps
from codex_train.recorder.environment import Environment, record_environment
from codex_train.recorder.files import GrowingFile
from codex_train.recorder.opening import begin, locked, look, now, write_manifest
from codex_train.recorder.packages import Package, verify_packages
from codex_train.recorder.parentage import (
    Parent,
    checkpoint_entry,
    file_digests,
)

__all__ = ["Parent", "Recorder", "RunIdentity"]

_LONGEST_REASON = 2000
_FIXED = {
    documents.MANIFEST,
    documents.CONFIG,
    documents.DATA,
    documents.MODEL,
    documents.ENVIRONMENT,
}


@dataclass(frozen=True, slots=True)
class RunIdentity:
    """What a checkpoint says about the run that made it; all but the first two and the last are digests."""

    run: str
    segment: str
    config_sha256: str
    data_sha256: str
    environment_class_sha256: str
    environment_sha256: str
    world_size: int


class Recorder:
    """One segment of a run. Not for use from several threads at once."""

    def __init__(self, run: Path, manifest: RunManifest, lock: int, refused: Mapping[str, str]) -> None:
        """For ``open`` alone."""
        self.run = run
        self.folder = run / documents.SEGMENTS / manifest.segment
        self.genesis = self.head = manifest.genesis
        self.parent = manifest.parent
        self._manifest = manifest
        self._lock = lock
        self._refused = refused
        self._last = manifest.parent.step if manifest.parent else 0
        self._state = ""
        self._metrics = 0
        self._steps_file = GrowingFile(self.folder / documents.STEPS)
        self._metrics_file = GrowingFile(self.folder / documents.METRICS)

    @classmethod
    def open(
        cls,
        run: Path,
        *,
        name: str,
        config: Mapping[str, Any],
        data: Mapping[str, Any],
        model: Mapping[str, Any] | None = None,
        parent: Parent | None = None,
        world_size: int = 1,
        code: Path | None = None,
        environment: Environment | None = None,
    ) -> Recorder:
        """Begins a run in the folder ``run``, or with ``parent`` another segment of the one that is there.

        ``config``, ``data`` and ``model`` are plain JSON, the last two following the schemas run_data and run_model;
        without a ``model`` it read no file. ``environment`` is recorded here, with the state of ``code``, unless it is
        given. Raises UsageError when a run is there and no parent is
        given, or another process writes it; RunError or SchemaError for what does not fit; WriteError.
        """
        environment = environment or record_environment(world_size=world_size, code=code)
        lock = locked(run)
        try:
            found = look(run, parent)
            begun = model or {"schema": documents.schema_id("run_model"), "files": []}
            manifest = begin(run, name, config, data, begun, environment, parent, world_size, found)
            return cls(run, manifest, lock, found.refused if found else {})
        except BaseException:
            os.close(lock)
            raise

    @property
    def identity(self) -> RunIdentity:
        """For the manifests of checkpoints."""
        fields = (field.name for field in dataclasses.fields(RunIdentity))
        return RunIdentity(*(getattr(self._manifest, name) for name in fields))

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be said of the folder as it was found."""
        return tuple(self._refused.values())

    def step(
        self,
        step: int,
        epoch: int,
        loss: float,
        grad_norm: float | None,
        lr: float,
        targets: int,
        samples: str,
    ) -> None:
        """Records optimizer step ``step``, the one after the last. See ``codex_evidence.steps.StepRecord``.

        The line is with the operating system on return. Raises StepError for a value that cannot be recorded, RunError
        for a step out of order, WriteError.
        """
        if step != self._last + 1:
            raise RunError(f"step {step} was to be recorded after step {self._last}")
        text, head = line(step, epoch, loss, grad_norm, lr, targets, samples, self._state, self.head)
        self._steps_file.append(text)
        self.head, self._last, self._state = head, step, ""

    def metric(self, figures: Mapping[str, Any]) -> None:
        """Adds an evaluation: ``step``, and figures by name, None for one that is not finite. A figure of 2**53 or more
        (the perplexity of a loss above 36) is recorded as None too: canonical JSON would write an integer that no
        strict reader takes. Raises SchemaError, CanonicalError or WriteError."""
        figures = {name: None if _too_large(value) else value for name, value in figures.items()}
        validate(figures, "run_metric", source=documents.METRICS)
        self._metrics_file.append(canonical_bytes(figures) + b"\n")
        self._metrics += 1

    def checkpoint(self, saved: CheckpointManifest, path: Path) -> None:
        """Notes the checkpoint in the folder ``path``, made after the last step. The next step names its state.

        Call it when the checkpoint is there under its name. Raises RunError for one of another step or run.
        """
        identity = self.identity
        if (saved.run, saved.segment, saved.step) != (identity.run, identity.segment, self._last):
            raise RunError(f"{shown(path)} is not of this run's step {self._last}")
        if saved.steps_head != self.head:
            raise RunError(f"{shown(path)} names another head of the step log than that of step {self._last}")
        entry = checkpoint_entry(f"{documents.CHECKPOINTS}/{path.name}", saved)
        self._state = saved.state_digest
        # One that an abandoned part of an earlier segment had under this name was replaced.
        others = (
            replace(one, kept=False) if one.path == entry.path else one
            for one in self._manifest.checkpoints
            if not (one.kept and (one.path, one.segment) == (entry.path, entry.segment))
        )
        self._rewrite(checkpoints=(*others, entry))

    def removed(self, path: Path) -> None:
        """Notes that the checkpoint in the folder ``path`` is about to be removed. Call it before removing. Raises
        RunError for one that this run does not know. One that was refused when the segment began and that no segment
        lists leaves nothing to be noted."""
        place = f"{documents.CHECKPOINTS}/{path.name}"
        listed = self._manifest.checkpoints
        if any(entry.path == place and entry.kept for entry in listed):
            gone = (replace(entry, kept=False) if entry.path == place else entry for entry in listed)
            self._rewrite(checkpoints=tuple(gone))
        elif place not in self._refused:
            raise RunError(f"{shown(path)} is no checkpoint of this run")

    def attach(self, name: str, data: bytes) -> Path:
        """Puts a file beside the manifest, such as a picture of the loss. Raises UsageError for a name in use."""
        path = self.folder / name
        if Path(name).name != name or name.startswith(".") or os.path.lexists(path):
            raise UsageError(
                f"{name!a} cannot be attached to a run; take the name of a file that is not there"
            )
        write_bytes(path, data)
        return path

    def flush(self) -> None:
        """Has every line so far on disk, also after a power failure."""
        self._steps_file.sync()
        self._metrics_file.sync()

    def close(
        self,
        status: Status,
        reason: str = "",
        *,
        final_state_digest: str = "",
        verify_packages: bool = False,
    ) -> RunManifest:
        """Sums up and closes the segment; ``status`` is finished, stopped or failed.

        ``final_state_digest`` is that of the last state, default that of a checkpoint after the last step. With
        ``verify_packages`` the files of every package in use are compared with their RECORD. Reads the step log again:
        raises RunError when it is not what was written.
        """
        packages = tuple(_package_faults(self.folder)) if verify_packages else None
        self.flush()
        self._steps_file.close()
        self._metrics_file.close()
        files = file_digests(self.folder, {*_FIXED, documents.STEPS, documents.METRICS})
        self._rewrite(
            status=status,
            reason=" ".join(reason.split())[:_LONGEST_REASON],
            ended=now(),
            steps=self._steps(),
            metrics=documents.LinesSummary(self._metrics, file_sha256(self._metrics_file.path)[0]),
            packages_verified=packages,
            final_state_digest=final_state_digest or self._state,
            files=files,
        )
        self.abandon()
        return self._manifest

    def abandon(self) -> None:
        """Lets go of the folder and leaves the segment open, as a killed process does. Harmless after ``close``."""
        self._steps_file.close()
        self._metrics_file.close()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _steps(self) -> documents.StepsSummary:
        log = read_steps(self._steps_file.path, self.genesis, keep=lambda _: False)
        if log.fault or log.head != self.head:
            raise RunError(
                f"{shown(self._steps_file.path)} is not what this run wrote ({log.fault or 'it has another head'}); "
                "another program changed it"
            )
        return documents.StepsSummary(log.first, log.last, log.count, log.head, log.root)

    def _rewrite(self, **changes: Any) -> None:
        if "steps" not in changes:
            self.flush()
        self._manifest = write_manifest(self.folder, replace(self._manifest, **changes))


def _too_large(value: Any) -> bool:
    return isinstance(value, float) and not abs(value) < 2.0**53


def _package_faults(folder: Path) -> list[str]:
    from codex_evidence.strict_json import loads

    document = loads((folder / documents.ENVIRONMENT).read_bytes(), source=documents.ENVIRONMENT)
    return verify_packages(from_plain(Package, package) for package in document["detail"]["packages"])
