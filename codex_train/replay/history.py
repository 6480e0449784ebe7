"""What a run folder says happened, in the order in which it counts: without what a resume left behind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from codex_evidence.checkpoint_manifest import read_manifest as read_checkpoint_manifest
from codex_evidence.digests import sha256_hex
from codex_evidence.errors import RunError, UsageError
from codex_evidence.files import open_regular, read_bytes
from codex_evidence.names import shown
from codex_evidence.run_documents import (
    CHECKPOINTS,
    CONFIG,
    DATA,
    ENVIRONMENT,
    MAX_DOCUMENT,
    METRICS,
    MODEL,
    SEGMENTS,
    STEPS,
    CheckpointEntry,
    RunManifest,
    read_index,
    read_manifest,
)
from codex_evidence.steps import StepRecord, read_steps
from codex_evidence.strict_json import loads
from codex_train.checkpoints.find import checkpoints
from codex_train.config.load import config_from_plain
from codex_train.config.nouns import Config
from codex_train.engine.recorded import BASE

_Saved = dict[tuple[str, int], tuple[str, Path]]


@dataclass(frozen=True, slots=True)
class Claim:
    """The run says that its state after ``step`` had ``digest``; ``checkpoint`` is the folder with that state, None
    when it was removed."""

    step: int
    digest: str
    checkpoint: Path | None


@dataclass(frozen=True, slots=True)
class Piece:
    """The steps after ``start``, up to ``last``, in the log of the segment in ``folder``; later ones were abandoned."""

    folder: Path
    start: int
    last: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """Steps after ``start``, up to ``last``, that one process can run again: segments of one configuration and
    environment, in whose joints nothing was let through.

    ``environment``, ``data`` and ``model`` are those documents as recorded, ``base`` is where paths in ``config`` count
    from. ``ends``: the run itself ended after ``last``, so a replay must end there too. ``checkpoint`` is what to begin
    with; None begins where the stretch before ended, or at step 0.
    """

    start: int
    last: int
    pieces: tuple[Piece, ...]
    config: Config
    base: Path
    environment: dict[str, Any]
    data: dict[str, Any]
    model: dict[str, Any]
    world_size: int
    claims: tuple[Claim, ...]
    ends: bool
    checkpoint: Path | None = None


@dataclass(frozen=True, slots=True)
class _Life:
    """A segment as far as it counts."""

    manifest: RunManifest
    folder: Path
    start: int
    last: int

    @property
    def overrides(self) -> tuple[str, ...]:
        return self.manifest.parent.overrides if self.manifest.parent else ()


def read_history(run: Path) -> tuple[Stretch, ...]:
    """The stretches of the run folder ``run``, from step 0 on. The folder must have been verified.

    Raises RunError for a run that began in another one, UsageError for a configuration that is not of this program.
    """
    lives = _lineage(run)
    saved = _saved(run)
    groups: list[list[_Life]] = []
    for life in lives:
        if groups and not life.overrides and _conditions(life) == _conditions(groups[-1][-1]):
            groups[-1].append(life)
        else:
            groups.append([life])
    said = [entry for life in lives for entry in life.manifest.checkpoints]
    return tuple(_stretch(group, said, saved) for group in groups)


def between(history: Sequence[Stretch], start: int, last: int) -> Stretch:
    """The part of ``history`` after step ``start``, up to ``last``, to be run from the recorded checkpoint at ``start``
    (from the beginning where that is 0). Raises UsageError when no checkpoint is there or the part has a joint in it.
    """
    whole = next((one for one in history if one.start <= start and last <= one.last), None)
    if whole is None or not start < last:
        raise UsageError(f"steps {start} to {last} are not within one stretch of the run")
    here = (claim.checkpoint for one in history for claim in one.claims if claim.step == start)
    checkpoint = next(filter(None, here), None)
    if start and checkpoint is None:
        raise UsageError(f"there is no checkpoint at step {start} to begin with")
    pieces = (
        replace(piece, start=max(piece.start, start), last=min(piece.last, last)) for piece in whole.pieces
    )
    return replace(
        whole,
        start=start,
        last=last,
        pieces=tuple(piece for piece in pieces if piece.start < piece.last),
        claims=tuple(claim for claim in whole.claims if start < claim.step <= last),
        ends=whole.ends and last == whole.last,
        checkpoint=checkpoint,
    )


def recorded_steps(stretch: Stretch) -> Iterator[StepRecord]:
    """The records of the steps of ``stretch``, one after another."""
    for piece in stretch.pieces:
        with open_regular(piece.folder / STEPS) as raw:
            for text in _whole_lines(raw):
                record = msgspec.json.decode(text, type=StepRecord)
                if record.step > piece.last:
                    break
                if record.step > piece.start:
                    yield record


def recorded_metrics(stretch: Stretch) -> dict[int, dict[str, Any]]:
    """The evaluations within ``stretch`` by step."""
    found: dict[int, dict[str, Any]] = {}
    for piece in stretch.pieces:
        with open_regular(piece.folder / METRICS) as raw:
            for text in _whole_lines(raw):
                figures = loads(text, source=METRICS)
                if piece.start < figures["step"] <= piece.last:
                    found[figures["step"]] = figures
    return found


def _whole_lines(raw: Any) -> Iterator[bytes]:
    """The lines of ``raw`` that have their end: a killed process may leave one without."""
    left = b""
    while chunk := raw.read(1 << 20):
        *lines, left = (left + chunk).split(b"\n")
        yield from lines


def _lineage(run: Path) -> list[_Life]:
    """The segments that led to the last one, each up to where the next went on."""
    index = read_index(run)
    found: list[_Life] = []
    name, end = index.segments[-1], -1
    while True:
        folder = run / SEGMENTS / name
        manifest, _ = read_manifest(folder)
        parent = manifest.parent
        start = parent.step if parent else 0
        found.append(_Life(manifest, folder, start, end if end >= 0 else _last(folder, manifest, start)))
        if parent is None or start == 0:
            return found[::-1]
        if parent.run != manifest.run:
            raise RunError(
                f"{shown(run)} went on from step {start} of another run, {parent.run[:8]}..., which is not in it; "
                "only a run that began at step 0 can be replayed"
            )
        name, end = parent.segment, start


def _last(folder: Path, manifest: RunManifest, start: int) -> int:
    if manifest.steps is not None:
        return max(manifest.steps.last, start)
    return max(read_steps(folder / STEPS, manifest.genesis, keep=lambda _: False).last, start)


def _conditions(life: _Life) -> tuple[str, ...]:
    """What must be the same for two segments to be replayed by one process."""
    manifest = life.manifest
    return (
        manifest.config_sha256,
        manifest.data_sha256,
        manifest.model_sha256,
        manifest.environment_class_sha256,
        str(_base(_document(life.folder / ENVIRONMENT, manifest.environment_sha256))),
    )


def _saved(run: Path) -> _Saved:
    """State digest and folder of the checkpoints that are there, by segment and step."""
    found = {}
    for path in checkpoints(run / CHECKPOINTS).values():
        manifest = read_checkpoint_manifest(path)
        found[manifest.segment, manifest.step] = manifest.state_digest, path
    return found


def _stretch(lives: Sequence[_Life], said: Sequence[CheckpointEntry], saved: _Saved) -> Stretch:
    first, final = lives[0], lives[-1]
    manifest = first.manifest
    config = _document(first.folder / CONFIG, manifest.config_sha256)
    environment = _document(first.folder / ENVIRONMENT, manifest.environment_sha256)
    claims = {claim for life in lives for claim in _claims(life, said, saved)}
    ended = final.manifest.steps
    return Stretch(
        first.start,
        final.last,
        tuple(Piece(life.folder, life.start, life.last) for life in lives if life.start < life.last),
        config_from_plain(config, source=str(first.folder / CONFIG)),
        _base(environment),
        environment,
        _document(first.folder / DATA, manifest.data_sha256),
        _document(first.folder / MODEL, manifest.model_sha256),
        manifest.world_size,
        tuple(sorted(claims, key=lambda claim: claim.step)),
        final.manifest.status == "finished"
        and ended is not None
        and max(ended.last, final.start) == final.last,
    )


def _claims(life: _Life, said: Sequence[CheckpointEntry], saved: _Saved) -> Iterator[Claim]:
    """What is said of the states of a segment: in its manifest and, of checkpoints that a kill kept out of it, in those
    that came later or in the checkpoints themselves."""
    manifest = life.manifest
    states = {(entry.step, entry.state_digest) for entry in said if entry.segment == manifest.segment}
    states |= {
        (step, digest) for (segment, step), (digest, _) in saved.items() if segment == manifest.segment
    }
    if manifest.final_state_digest and manifest.steps is not None:
        states.add((max(manifest.steps.last, life.start), manifest.final_state_digest))
    for step, digest in sorted(states):
        if life.start < step <= life.last:
            there, path = saved.get((manifest.segment, step), ("", None))
            yield Claim(step, digest, path if there == digest else None)


def _base(environment: dict[str, Any]) -> Path:
    return Path(environment["detail"]["settings"].get(BASE, "."))


def _document(path: Path, digest: str) -> dict[str, Any]:
    """The object in the file ``path``, which must have ``digest``. Raises RunError for another one."""
    data = read_bytes(path, max_bytes=MAX_DOCUMENT)
    value = loads(data, max_bytes=MAX_DOCUMENT, source=str(path))
    if sha256_hex(data) != digest or not isinstance(value, dict):
        raise RunError(f"{shown(path)} is not what the manifest beside it names; the run folder was changed")
    return value
