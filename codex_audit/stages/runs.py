"""The training runs that a tree holds, from the indexed bytes of their documents alone: what a report says of them
follows from the tree. Checkpoints, which are large and often not part of it, are for ``codex-audit verify RUN``."""

from __future__ import annotations

from collections.abc import Iterator

from codex_audit.artifacts import FileEntry, TrainingRun
from codex_audit.stages.index import Listing
from codex_audit.stages.work import indexed_bytes, is_text
from codex_evidence.documents import parse_artifact
from codex_evidence.errors import CodexError
from codex_evidence.run_documents import (
    INDEX,
    MANIFEST,
    SEGMENTS,
    STEPS,
    RunIndex,
    RunManifest,
    self_digest,
)
from codex_evidence.steps import StepRecord, read_steps

_WHOLE = "manifest and step log of its last part fit together; codex-audit verify looks at the rest"
_KILLED = "its last part was not closed, so nothing vouches for the end of its step log"


def runs_of(listing: Listing) -> tuple[TrainingRun, ...]:
    """Every run folder of the tree (a ``run.json`` beside ``segments/``), by path. Raises ChangedWhileReadError."""
    entries = {
        entry.path: entry
        for entry in listing.index.files
        if is_text(entry) and entry.path_encoding == "utf-8"
    }
    return tuple(_run(listing, entries, folder) for folder in _folders(entries))


def _folders(entries: dict[str, FileEntry]) -> Iterator[str]:
    """The folders of runs, each with its slash, in order; empty for the tree itself."""
    named = sorted(path for path in entries if path.rpartition("/")[2] == INDEX)
    for folder in (path.removesuffix(INDEX) for path in named):
        if any(path.startswith(f"{folder}{SEGMENTS}/") for path in entries):
            yield folder


def _run(listing: Listing, entries: dict[str, FileEntry], folder: str) -> TrainingRun:
    def data(name: str) -> bytes:
        entry = entries.get(folder + name)
        return indexed_bytes(listing, entry) if entry is not None else b""

    path = folder.rstrip("/") or "."
    try:
        index = parse_artifact(data(INDEX), "run_index", RunIndex, source=INDEX)
        place = f"{SEGMENTS}/{index.segments[-1]}/" if index.segments else f"{SEGMENTS}/"
        source = place + MANIFEST
        manifest = parse_artifact(data(source), "run_manifest", RunManifest, source=source)
    except CodexError as error:
        return TrainingRun(path, "damaged", 0, None, str(error))
    last: list[StepRecord] = []

    def keep(record: StepRecord) -> bool:
        last[:] = [record]
        return False

    log = read_steps(data(place + STEPS), manifest.genesis, keep=keep)
    checked = _checked(manifest, log.fault, log.head)
    steps = last[0].step if last else manifest.parent.step if manifest.parent else 0
    return TrainingRun(path, manifest.status, steps, last[0].loss if last else None, checked)


def _checked(manifest: RunManifest, fault: str, head: str) -> str:
    if manifest.self_sha256 != self_digest(manifest):
        return f"{MANIFEST} of its last part was edited: its own digest does not fit"
    if manifest.steps is None:
        return _KILLED
    if fault or head != manifest.steps.head:
        return (
            f"{STEPS} of its last part is not the one that its manifest names{f': {fault}' if fault else ''}"
        )
    return _WHOLE
