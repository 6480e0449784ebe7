"""Where checkpoints lie in a run folder, by step number and never by time."""

from __future__ import annotations

from pathlib import Path

from codex_evidence.checkpoint_folders import checkpoint_name, standing
from codex_evidence.checkpoint_manifest import MANIFEST
from codex_evidence.errors import UsageError
from codex_evidence.names import shown

FOLDER = "checkpoints"


def checkpoints(folder: Path) -> dict[int, Path]:
    """The checkpoints in ``folder`` (a run's `checkpoints`) by step, ascending; none when it is not there.

    One that is put aside counts as long as its successor has not taken its place. Raises UnreadableError.
    """
    return standing(folder).whole


def named(run: Path, wanted: str) -> Path:
    """The checkpoint that ``wanted`` names: a step, a name in the run folder ``run``, or a path.

    Raises UsageError that lists what is there.
    """
    found = checkpoints(run / FOLDER)
    if wanted.isascii() and wanted.isdecimal() and int(wanted) in found:
        return found[int(wanted)]
    for path in (Path(wanted), run / FOLDER / wanted):
        if (path / MANIFEST).is_file():
            return path
    names = ", ".join(checkpoint_name(step) for step in found) or "none"
    raise UsageError(f"no checkpoint {wanted!a}; in {shown(run / FOLDER)} there are: {names}; or give a path")
