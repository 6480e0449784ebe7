"""Which files of a run folder nobody vouches for."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from codex_evidence import run_documents as documents
from codex_evidence.atomic import TEMPORARY_PREFIX
from codex_evidence.errors import CodexError
from codex_evidence.names import encode_name, shown
from codex_evidence.run_documents import CHECKPOINTS, INDEX, MANIFEST, SEGMENTS, STEPS, Finding, RunIndex

TEMPORARY = ".tmp"
"""How the name of a folder ends that is not finished yet."""


def closed_world_findings(folder: Path, index: RunIndex, notes: list[str]) -> Iterator[Finding]:
    """Names every file that nobody vouches for. Checkpoints were checked on their own."""
    allowed = {INDEX, SEGMENTS, CHECKPOINTS}
    for name in index.segments:
        place = f"{SEGMENTS}/{name}"
        allowed.add(place)
        allowed |= _vouched_files(folder, name)
    begun = f"{SEGMENTS}/{len(index.segments):04d}"
    if not _never_began(folder / begun):
        begun = ""
    else:
        notes.append(f"{begun} was left by a process that was killed before its first step; nothing reads it")
    for path, mode in _walk(folder, ""):
        if begun and (path == begun or path.startswith(f"{begun}/")):
            continue
        if path in allowed or path.startswith(f"{CHECKPOINTS}/"):
            if stat.S_ISLNK(mode):
                yield Finding(path, "it is a symlink, and none is followed")
            elif _is_left_over(path, mode):
                notes.append(f"{shown(path)} was left by a process that was killed; nothing reads it")
        elif _is_left_over(path, mode):
            notes.append(f"{shown(path)} was left by a process that was killed; nothing reads it")
        else:
            yield Finding(path, "nobody vouches for it")


def _never_began(segment: Path) -> bool:
    """Whether ``segment`` was killed between its making and its naming in the index."""
    try:
        return not segment.is_symlink() and (segment / STEPS).lstat().st_size == 0
    except OSError:
        return False


def _vouched_files(folder: Path, name: str) -> set[str]:
    place = f"{SEGMENTS}/{name}"
    fixed = {MANIFEST, documents.CONFIG, documents.ENVIRONMENT, documents.DATA, STEPS, documents.METRICS}
    try:
        manifest, _ = documents.read_manifest(folder / SEGMENTS / name)
    except CodexError:
        return {f"{place}/{one}" for one in (*fixed, documents.SYSTEM)}  # the manifest is a finding already
    growing = {documents.SYSTEM} if manifest.status == "open" else set()
    return {f"{place}/{one}" for one in fixed | growing | {file.path for file in manifest.files}}


def _is_left_over(path: str, mode: int) -> bool:
    name = path.rpartition("/")[2]
    if stat.S_ISDIR(mode):
        return path.count("/") == 1 and name.endswith(TEMPORARY)
    return stat.S_ISREG(mode) and name.startswith(TEMPORARY_PREFIX)


def _walk(folder: Path, prefix: str) -> Iterator[tuple[str, int]]:
    """Path and mode of everything down to the folders of checkpoints; folders that are left over are not entered."""
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            path = prefix + encode_name(os.fsencode(entry.name))[0]
            mode = entry.stat(follow_symlinks=False).st_mode
            yield path, mode
            entered = not path.startswith(f"{CHECKPOINTS}/") and not _is_left_over(path, mode)
            if stat.S_ISDIR(mode) and entered:
                yield from _walk(Path(entry.path), path + "/")
