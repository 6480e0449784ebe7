"""Audits and training runs below a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from codex_audit.stages.places import artifact_path

MOST_FOLDERS = 20_000
DEEPEST = 10
_SKIPPED = frozenset({".git", ".hg", ".venv", "venv", "node_modules", "__pycache__", "site-packages"})


@dataclass(frozen=True, slots=True)
class Found:
    """Folders, sorted. ``cut`` says that there were too many to look into all."""

    runs: tuple[Path, ...] = ()
    audits: tuple[Path, ...] = ()
    cut: bool = False


def find(top: Path) -> Found:
    """Run folders and folders with an audit below ``top``, itself included. Follows no symlink, looks into no run, and
    into at most MOST_FOLDERS folders, DEEPEST levels deep. A folder that cannot be listed holds nothing."""
    runs: list[Path] = []
    audits: list[Path] = []
    scored = artifact_path("capabilities_scored")
    for count, folder in enumerate(_folders(top, runs)):
        if count == MOST_FOLDERS:
            return Found(tuple(sorted(runs)), tuple(sorted(audits)), cut=True)
        if (folder / scored).is_file():
            audits.append(folder)
    return Found(tuple(sorted(runs)), tuple(sorted(audits)))


def _folders(top: Path, runs: list[Path]) -> Iterator[Path]:
    from codex_evidence.run_verify import is_run  # here: the first screen does not wait for it

    for place, names, _ in os.walk(top):
        folder = Path(place)
        if is_run(folder):
            runs.append(folder)
            names.clear()
        elif len(folder.parts) - len(top.parts) >= DEEPEST:
            names.clear()
        names[:] = sorted(name for name in names if name not in _SKIPPED)
        yield folder
