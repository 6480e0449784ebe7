"""Everything that is on disk at a moment, and the moments that follow it."""

from __future__ import annotations

import operator
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from codex_audit.tui.finding import Found, find
from codex_audit.tui.reading import AUDIT_FILES, Audit, read_audit
from codex_audit.tui.training import Run, read_run
from codex_evidence import run_documents as documents

if TYPE_CHECKING:
    from codex_audit.capabilities.model import Probe

EVERY = 1.0
"""Seconds between two looks at the files that are known."""
_LOOK_AGAIN = 5.0
_REST = 20.0  # looking for new folders takes at most a twentieth of the time

Stamp = tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True)
class World:
    """``tree`` is where the audited sources lie; ``searched`` says whether the folders below were looked through yet.
    ``words`` are those of the catalogue by probe, empty until it is loaded; ``viewed`` is the stamp of other files that
    are on the screen."""

    folder: Path
    tree: Path
    audit: Audit
    found: Found = field(default_factory=Found)
    runs: tuple[Run, ...] = ()
    searched: bool = False
    words: Mapping[str, Probe] = field(default_factory=dict)
    viewed: Stamp = ()


def watch(
    folder: Path, tree: Path, wait: Callable[[float], bool], viewed: Callable[[], tuple[Path, ...]]
) -> Iterator[World]:
    """The world, and again whenever it has changed. ``wait`` sleeps so many seconds and says whether to end;
    ``viewed`` names further files to be followed.

    Looks at the files of the audit and of known runs each second; for new folders less often, the more seldom the
    longer it takes.
    """
    audit_stamp = _audit_stamp(folder)
    world = World(folder, tree, read_audit(folder))
    yield world
    run_stamps: dict[Path, Stamp] = {}
    next_search = 0.0
    while True:
        before = world
        if time.monotonic() >= next_search:
            began = time.monotonic()
            world = replace(world, found=find(folder), searched=True, words=world.words or _words())
            ended = time.monotonic()
            next_search = ended + max(_LOOK_AGAIN, _REST * (ended - began))
        if (now := _audit_stamp(folder)) != audit_stamp:
            audit_stamp = now
            world = replace(world, audit=read_audit(folder))
        world = replace(world, runs=_runs(world, run_stamps), viewed=stamp(viewed()))
        if world is not before and _differs(world, before):
            yield world
        if wait(EVERY):
            return


def stamp(files: Iterator[Path] | tuple[Path, ...]) -> Stamp:
    """Time, size and inode of each file: what changes when a file does; zeros for one that is not there."""
    return tuple(_stamp(file) for file in files)


def run_files(folder: Path) -> Iterator[Path]:
    """The files of a run that change while it goes on: its index, and those of the segment that began last."""
    yield folder / documents.INDEX
    yield folder / documents.CHECKPOINTS
    segments = folder / documents.SEGMENTS
    try:
        last = max(entry.name for entry in os.scandir(segments))
    except (OSError, ValueError):
        return
    for name in (documents.MANIFEST, documents.STEPS, documents.METRICS):
        yield segments / last / name


def _differs(one: World, other: World) -> bool:
    """Whether anything was read anew. Values that were not are the same objects, so this takes no time."""
    same = one.audit is other.audit and one.found == other.found and one.viewed == other.viewed
    return not (same and one.searched == other.searched and all(map(operator.is_, one.runs, other.runs)))


def _words() -> Mapping[str, Probe]:
    # Loaded here, beside the screen: it takes longer than the first screen does.
    from codex_audit.capabilities.catalogue import CATALOGUE

    return {probe.id: probe for capability in CATALOGUE for probe in capability.probes}


def _runs(world: World, stamps: dict[Path, Stamp]) -> tuple[Run, ...]:
    """The runs of ``world``, those read again whose files have changed since ``stamps``."""
    known = {run.folder: run for run in world.runs}
    runs: list[Run] = []
    for folder in world.found.runs:
        now = stamp(run_files(folder))
        if folder not in known or stamps.get(folder) != now:
            stamps[folder] = now
            known[folder] = replace(read_run(folder), stamp=now)
        runs.append(known[folder])
    return tuple(runs)


def _audit_stamp(folder: Path) -> Stamp:
    return stamp(tuple(folder / name for name in AUDIT_FILES))


def _stamp(file: Path) -> tuple[int, int, int]:
    try:
        found = file.lstat()
    except OSError:
        return (0, 0, 0)
    return (found.st_mtime_ns, found.st_size, found.st_ino)
