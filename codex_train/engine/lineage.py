"""Which checkpoint a run goes on from. A resume from an earlier step leaves behind what a former life of the run made
after it: those checkpoints stay in the folder, and are not of the run's line."""

from __future__ import annotations

from pathlib import Path

from codex_evidence.checkpoint_manifest import manifest_sha256
from codex_evidence.checkpoint_manifest import read_manifest as read_checkpoint
from codex_evidence.errors import UsageError
from codex_evidence.names import shown
from codex_evidence.run_documents import SEGMENTS, read_index, read_manifest
from codex_train.checkpoints.find import FOLDER, checkpoints, named

LATEST = "latest"


def resolve(run: Path, wanted: str = LATEST) -> Path | None:
    """The checkpoint of the run folder ``run`` that ``wanted`` names: `latest` (None before the first), a step, a name
    in the run, or a path. Raises UsageError that lists what is there, CheckpointError for a damaged manifest."""
    return latest(run) if wanted == LATEST else named(run, wanted)


def latest(run: Path) -> Path | None:
    """The last checkpoint of the run's line: of those that its last segment made the one of the highest step, else the
    one that the segment went on from; None where it began at step 0.

    Raises UsageError when that one is gone, CheckpointError for a damaged manifest above it: nobody can say of which
    line it is.
    """
    segment, _ = read_manifest(run / SEGMENTS / read_index(run).segments[-1])
    origin = segment.parent.checkpoint_sha256 if segment.parent else ""
    for path in reversed(checkpoints(run / FOLDER).values()):
        saved = read_checkpoint(path)
        if (saved.run, saved.segment) == (segment.run, segment.segment) or manifest_sha256(saved) == origin:
            return path
    if segment.parent and origin:
        raise UsageError(
            f"{shown(run / FOLDER)} no longer holds {segment.parent.checkpoint}, from which segment "
            f"{segment.segment} went on; name a checkpoint with --from"
        )
    return None
