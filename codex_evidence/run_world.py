"""Which files of a run folder nobody vouches for."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from codex_evidence import run_documents as documents
from codex_evidence.atomic import TEMPORARY_PREFIX
from codex_evidence.names import encode_name
from codex_evidence.run_documents import CHECKPOINTS, INDEX, MANIFEST, SEGMENTS, STEPS, Finding, RunIndex
from codex_evidence.run_segment import Segment, read_segments, segment_findings

_FIXED = frozenset(
    {
        MANIFEST,
        documents.CONFIG,
        documents.DATA,
        documents.MODEL,
        documents.ENVIRONMENT,
        STEPS,
        documents.METRICS,
    }
)
_HALF = re.compile(re.escape(TEMPORARY_PREFIX) + "[0-9a-f]{16}")


def closed_world_findings(
    folder: Path, index: RunIndex, segments: Sequence[Segment], notes: list[str]
) -> Iterator[Finding]:
    """Names every file of the run ``folder`` that nobody vouches for: neither one of its ``segments``, as far as they
    could be read, nor what a killed process can leave, which is noted. Checkpoints are checked on their own."""
    following = f"{len(index.segments):04d}"
    yield from _strangers(folder, "", {INDEX, SEGMENTS, CHECKPOINTS}, notes, written=True)
    yield from _strangers(folder, SEGMENTS, {*index.segments, following, f"{following}.tmp"}, notes)
    sealed, readable = sealed_files(segments), {segment.name: segment for segment in segments}
    for name in index.segments:
        known, written = _segment_files(readable.get(name), sealed)
        yield from _strangers(folder, f"{SEGMENTS}/{name}", known, notes, written=written, plain=True)
    yield from _begun(folder, index, following, segments, notes)
    yield from _half_begun(folder, f"{SEGMENTS}/{following}.tmp", notes)


def sealed_files(segments: Sequence[Segment]) -> Mapping[str, frozenset[str]]:
    """The files of segments that were killed, as the segments after them list them, by segment."""
    return {
        former.segment: frozenset(file.path for file in former.files)
        for one in segments
        if one.manifest.parent
        for former in one.manifest.parent.former
        if former.files
    }


def _segment_files(
    segment: Segment | None, sealed: Mapping[str, frozenset[str]]
) -> tuple[frozenset[str], bool]:
    """The files that may be in the segment's folder, and whether its process can have left half a file there."""
    if segment is None:
        return _FIXED | {documents.SYSTEM}, False  # that it cannot be read is a finding already
    if segment.name in sealed:
        return sealed[segment.name] | {MANIFEST}, False
    listed = _FIXED | {file.path for file in segment.manifest.files}
    killed = segment.manifest.status == "open"
    return listed | {documents.SYSTEM} if killed else listed, killed


def _begun(
    folder: Path, index: RunIndex, name: str, segments: Sequence[Segment], notes: list[str]
) -> Iterator[Finding]:
    """A segment that is there and not in the index: its process was killed between the two, before its first step."""
    place = f"{SEGMENTS}/{name}"
    if not os.path.lexists(folder / place):
        return
    findings: list[Finding] = []
    for segment in read_segments(folder, (name,), (), findings):
        findings += segment_findings(index, segment, segments, folder)
        listed = _FIXED | {file.path for file in segment.manifest.files}
        findings += _strangers(folder, place, listed, notes, plain=True)
        if not findings and _has_run(segment):
            findings.append(Finding(place, f"it has run, and {INDEX} does not name it"))
    if not findings:
        notes.append(f"{place} was left by a process that was killed before its first step; nothing reads it")
    yield from findings


def _has_run(segment: Segment) -> bool:
    grown = any((segment.folder / name).stat().st_size for name in (STEPS, documents.METRICS))
    return grown or segment.manifest.status != "open"


def _half_begun(folder: Path, place: str, notes: list[str]) -> Iterator[Finding]:
    """The folder of a segment that was being made, or taken away."""
    if not os.path.lexists(folder / place):
        return
    yield from _strangers(folder, place, _FIXED | {documents.PATCH}, notes, written=True, plain=True)
    notes.append(f"{place} was left by a process that was killed; nothing reads it")


def _strangers(
    folder: Path,
    place: str,
    known: Collection[str],
    notes: list[str],
    *,
    written: bool = False,
    plain: bool = False,
) -> Iterator[Finding]:
    """What is in ``place`` and not ``known``, or a symlink. ``written``: a killed process can have left half a file.
    ``plain``: everything is a regular file."""
    try:
        with os.scandir(folder / place) as entries:
            there = sorted((entry.name, entry.stat(follow_symlinks=False).st_mode) for entry in entries)
    except OSError as error:
        yield Finding(place or INDEX, f"its folder cannot be read: {error.strerror}")
        return
    for name, mode in there:
        path = f"{place}/" * bool(place) + encode_name(os.fsencode(name))[0]
        if stat.S_ISLNK(mode):
            yield Finding(path, "it is a symlink, and none is followed")
        elif written and stat.S_ISREG(mode) and _HALF.fullmatch(name):
            notes.append(f"{path} was left by a process that was killed; nothing reads it")
        elif name not in known:
            yield Finding(path, "nobody vouches for it")
        elif plain and not stat.S_ISREG(mode):
            yield Finding(path, "it is no regular file")
