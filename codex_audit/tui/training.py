"""Training runs as they are shown: a line of each for the list, and one in full."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codex_audit.tui.reading import Fault
from codex_evidence import run_documents as documents
from codex_evidence.digests import sha256_hex
from codex_evidence.errors import CodexError, RunError
from codex_evidence.files import open_regular, read_bytes
from codex_evidence.run_documents import CheckpointEntry, RunManifest
from codex_evidence.run_lines import MAX_LINE
from codex_evidence.steps import StepRecord, read_steps
from codex_evidence.strict_json import loads


@dataclass(frozen=True, slots=True)
class Run:
    """The run in ``folder``: its index and the manifests of its segments as far as they could be read. ``stamp``
    differs from that of an older reading when a file of the run has changed."""

    folder: Path
    name: str
    id: str
    segments: tuple[RunManifest, ...]
    faults: tuple[Fault, ...]
    stamp: tuple[tuple[int, int, int], ...] = ()

    @property
    def status(self) -> str:
        """That of the last segment; ``damaged`` when there is none to be read."""
        return self.segments[-1].status if self.segments else "damaged"

    @property
    def checkpoints(self) -> tuple[CheckpointEntry, ...]:
        """What the segments recorded, the last word on each path."""
        known = {entry.path: entry for segment in self.segments for entry in segment.checkpoints}
        return tuple(sorted(known.values(), key=lambda entry: (entry.step, entry.path)))

    @property
    def last_step(self) -> int | None:
        """As the manifests say; None while no segment was closed."""
        closed = [one.steps.last for one in self.segments if one.steps is not None]
        return max(closed) if closed else None


@dataclass(frozen=True, slots=True)
class Course:
    """The steps that led to a run's last state. Losses are (step, nats a target); ``held`` those on held-out data.
    ``last`` is the record of the last step, ``environment`` and ``config`` the documents of the last segment."""

    losses: tuple[tuple[float, float], ...]
    held: tuple[tuple[float, float], ...]
    last: StepRecord | None
    environment: Mapping[str, Any]
    config: Mapping[str, Any]
    faults: tuple[Fault, ...]


def read_run(folder: Path) -> Run:
    """The run in ``folder``, without its steps. Raises nothing for what a folder may hold."""
    try:
        index = documents.read_index(folder)
    except CodexError as error:
        return Run(folder, folder.name, "", (), (Fault(documents.INDEX, str(error)),))
    segments: list[RunManifest] = []
    faults: list[Fault] = []
    for name in index.segments:
        place = f"{documents.SEGMENTS}/{name}"
        try:
            segments.append(documents.read_manifest(folder / documents.SEGMENTS / name)[0])
        except CodexError as error:
            faults.append(Fault(f"{place}/{documents.MANIFEST}", str(error)))
    return Run(folder, index.name, index.id, tuple(segments), tuple(faults))


def read_course(run: Run) -> Course:
    """The steps and documents of ``run``, every line of every log checked against its chain."""
    losses: list[tuple[float, float]] = []
    held: dict[int, float] = {}
    faults: list[Fault] = []
    last: list[StepRecord] = []
    for manifest in run.segments:
        start = manifest.parent.step if manifest.parent else 0
        place = f"{documents.SEGMENTS}/{manifest.segment}"
        losses = [one for one in losses if one[0] <= start]
        held = {step: loss for step, loss in held.items() if step <= start}
        try:
            fault = _steps(run.folder / place / documents.STEPS, manifest, losses, last)
            if fault:
                faults.append(Fault(f"{place}/{documents.STEPS}", fault))
            held |= _evaluations(run.folder / place / documents.METRICS)
        except CodexError as error:
            faults.append(Fault(place, str(error)))
    environment, config = (_document(run, *one, faults) for one in _DOCUMENTS)
    return Course(
        tuple(losses),
        tuple(sorted(held.items())),
        last[-1] if last else None,
        environment,
        config,
        tuple(faults),
    )


def _steps(
    path: Path, manifest: RunManifest, losses: list[tuple[float, float]], last: list[StepRecord]
) -> str:
    """Appends what the log holds; what does not fit in it, empty when everything does."""

    def keep(record: StepRecord) -> bool:
        losses.append((record.step, record.loss))
        last[:] = [record]
        return False

    fault = read_steps(path, manifest.genesis, keep=keep).fault
    being_written = manifest.status == "open" and fault.endswith("it has no newline")
    return "" if being_written else fault


def _evaluations(path: Path) -> dict[int, float]:
    """The loss on held-out data by step; a last line that was cut off is left out."""
    found: dict[int, float] = {}
    with open_regular(path) as file:
        while (line := file.readline(MAX_LINE)).endswith(b"\n"):
            value = loads(line, source=documents.METRICS)
            if not isinstance(value, dict) or not isinstance(value.get("step"), int):
                raise RunError(f"{documents.METRICS}: a line is no evaluation")
            loss = value.get("loss")
            if isinstance(loss, int | float) and math.isfinite(loss):
                found[value["step"]] = float(loss)
    return found


_DOCUMENTS = ((documents.ENVIRONMENT, "environment_sha256"), (documents.CONFIG, "config_sha256"))


def _document(run: Run, name: str, field: str, faults: list[Fault]) -> Mapping[str, Any]:
    """A document of the last segment; empty, and a fault more, when it is not what the manifest names."""
    if not run.segments:
        return {}
    manifest = run.segments[-1]
    place = f"{documents.SEGMENTS}/{manifest.segment}/{name}"
    try:
        data = read_bytes(run.folder / place, max_bytes=documents.MAX_DOCUMENT)
        value = documents.parse_document(data, "", source=name)
    except CodexError as error:
        faults.append(Fault(place, str(error)))
        return {}
    if sha256_hex(data) != getattr(manifest, field):
        faults.append(Fault(place, "it is not what the manifest beside it names"))
        return {}
    return value if isinstance(value, dict) else {}
