"""A run folder as it is shown: its segments, their documents, and the steps that led to its last state."""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codex_evidence import run_documents as documents
from codex_evidence.digests import sha256_hex
from codex_evidence.errors import CodexError, RunError, UsageError
from codex_evidence.files import open_regular, read_bytes
from codex_evidence.names import shown
from codex_evidence.run_documents import RunManifest
from codex_evidence.run_lines import MAX_LINE
from codex_evidence.steps import StepRecord, read_steps
from codex_evidence.strict_json import loads
from codex_train.screens.curve import Curve, make_curve


@dataclass(frozen=True, slots=True)
class SegmentView:
    """A segment's manifest and its documents as plain data."""

    manifest: RunManifest
    config: Mapping[str, Any]
    environment: Mapping[str, Any]
    data: Mapping[str, Any]
    model: Mapping[str, Any]
    folder: Path


@dataclass(frozen=True, slots=True)
class RunView:
    """``segments`` in the order in which they began; there is at least one."""

    folder: Path
    id: str
    name: str
    segments: tuple[SegmentView, ...]

    @property
    def last(self) -> SegmentView:
        return self.segments[-1]


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps from ``first`` on that led to a run's last state; what a killed segment did beyond the checkpoint that
    its child went on from is not among them. ``norms`` has NaN where there is none; ``samples`` has 32 bytes a step.
    ``evaluations`` are those after these steps. ``notes`` tell where a log does not fit: what lies before it counts."""

    first: int
    losses: array[float]
    norms: array[float]
    rates: array[float]
    samples: bytearray
    evaluations: tuple[Mapping[str, Any], ...]
    notes: tuple[str, ...]

    @property
    def last(self) -> int:
        return self.first + len(self.losses) - 1


def view_run(folder: Path) -> RunView:
    """Reads the run folder ``folder``. Raises UsageError when it is none, RunError and others for damaged documents."""
    if not (folder / documents.INDEX).is_file():
        missing = "has no run.json" if folder.is_dir() else "is no folder"
        raise UsageError(
            f"{shown(folder)} is no run: it {missing}; give a folder that `codex-train run` made"
        )
    index = documents.read_index(folder)
    segments = tuple(_segment(folder / documents.SEGMENTS / name) for name in index.segments)
    if not segments:
        raise RunError(f"{shown(folder)} has no segment; its {documents.INDEX} names none")
    return RunView(folder, index.id, index.name, segments)


def _segment(folder: Path) -> SegmentView:
    manifest, _ = documents.read_manifest(folder)
    return SegmentView(
        manifest,
        _document(folder / documents.CONFIG, manifest.config_sha256),
        _document(folder / documents.ENVIRONMENT, manifest.environment_sha256),
        _document(folder / documents.DATA, manifest.data_sha256),
        _document(folder / documents.MODEL, manifest.model_sha256),
        folder,
    )


def _document(path: Path, digest: str) -> dict[str, Any]:
    data = read_bytes(path, max_bytes=documents.MAX_DOCUMENT)
    if sha256_hex(data) != digest:
        raise RunError(f"{shown(path)} is not what the manifest beside it names; see `codex-audit verify`")
    value = loads(data, max_bytes=documents.MAX_DOCUMENT, source=shown(path))
    if not isinstance(value, dict):
        raise RunError(f"{shown(path)} is no object; see `codex-audit verify`")
    return value


def steps_of(run: RunView) -> Steps:
    """The steps of ``run``, read from its logs and checked on the way. Raises UnreadableError."""
    first = _start(run.segments[0].manifest) + 1
    steps = Steps(first, array("d"), array("d"), array("d"), bytearray(), (), ())
    notes: list[str] = []
    evaluations: list[Mapping[str, Any]] = []
    for segment in run.segments:
        manifest, start = segment.manifest, _start(segment.manifest)
        _cut(steps, max(start + 1 - first, 0))
        evaluations = [one for one in evaluations if one["step"] <= start]
        log = read_steps(
            segment.folder / documents.STEPS, manifest.genesis, keep=lambda one: _kept(steps, one)
        )
        torn = manifest.status == "open" and log.fault.endswith("it has no newline")
        if log.fault and not torn:
            notes.append(f"segment {manifest.segment}: {documents.STEPS}, {log.fault}")
        try:
            found = _evaluations(segment.folder / documents.METRICS)
            again = {one["step"] for one in found}  # a resume at the last step evaluates there once more
            evaluations = [one for one in evaluations if one["step"] not in again] + found
        except CodexError as error:
            notes.append(f"segment {manifest.segment}: {error}")
    return Steps(
        first, steps.losses, steps.norms, steps.rates, steps.samples, tuple(evaluations), tuple(notes)
    )


def run_curve(title: str, steps: Steps) -> Curve | None:
    """The curve of ``steps``; None when there is nothing finite to draw."""
    held = [(one["step"], one.get("loss")) for one in steps.evaluations]
    return make_curve(title, range(steps.first, steps.last + 1), steps.losses, held)


def _start(manifest: RunManifest) -> int:
    return manifest.parent.step if manifest.parent else 0


def _cut(steps: Steps, count: int) -> None:
    del steps.losses[count:], steps.norms[count:], steps.rates[count:]
    del steps.samples[32 * count :]


def _kept(steps: Steps, record: StepRecord) -> bool:
    """Keeps of a record what takes 56 bytes instead of a thousand."""
    steps.losses.append(record.loss)
    steps.norms.append(math.nan if record.grad_norm is None else record.grad_norm)
    steps.rates.append(record.lr)
    steps.samples.extend(bytes.fromhex(record.samples))
    return False


def _evaluations(path: Path) -> list[Mapping[str, Any]]:
    """The lines of a metrics file; a last one that was cut off is left out."""
    found: list[Mapping[str, Any]] = []
    with open_regular(path) as file:
        while (line := file.readline(MAX_LINE)).endswith(b"\n"):
            value = loads(line, source=documents.METRICS)
            if not isinstance(value, dict) or not isinstance(value.get("step"), int):
                raise RunError(f"{documents.METRICS}: line {len(found) + 1} is no evaluation")
            found.append(value)
    return found
