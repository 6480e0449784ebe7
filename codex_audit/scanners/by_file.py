"""Tools that judge one file at a time: only contents that no former scan has judged are given to them.

A tool never sees a name of the tree that could mean something to it, to a shell or to a terminal: each file lies under
a number, in a folder of our own, with its last name kept only where that is plain.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from codex_audit.artifacts import FileEntry
from codex_audit.scanners.children import Command, Ended, run_children
from codex_audit.scanners.kept import key_of, recall, remember
from codex_audit.scanners.model import Finding, Outcome, Unscanned
from codex_audit.scanners.subject import LARGEST, Settings, Subject

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_SUFFIX = re.compile(r"\.[a-z0-9]{1,10}")
_MOST_FILES = 200
_MOST_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class Answer:
    """What a tool says of one content. The findings have no path; ``unscanned`` says why it could not look."""

    findings: tuple[Finding, ...] = ()
    unscanned: str = ""


@dataclass(frozen=True, slots=True)
class FileTool:
    """``basis`` are the parts of the cache's key besides the file; ``neutral`` the name under which the tool sees a
    file; ``command`` runs the tool on all files of a folder; ``read`` gives its answers by their names in that folder,
    raising ValueError for output that is none of the tool's."""

    name: str
    basis: tuple[str, ...]
    neutral: Callable[[str], str]
    command: Callable[[Path], Command]
    read: Callable[[Ended, Path], Mapping[str, Answer]]


@dataclass(frozen=True, slots=True)
class _Task:
    """One content under one name; ``number`` is that of its file in the scratch folder."""

    key: bytes
    entry: FileEntry
    file: str


def plain_name(path: str) -> str:
    """The last name of ``path`` where it is plain, else ``file`` with its suffix where that is."""
    name = path.rpartition("/")[2]
    if _PLAIN.fullmatch(name):
        return name
    suffix = name[name.rfind(".") :].lower() if "." in name else ""
    return f"file{suffix}" if _SUFFIX.fullmatch(suffix) else "file"


def scan_files(tool: FileTool, entries: Sequence[FileEntry], subject: Subject, settings: Settings) -> Outcome:
    """What ``tool`` says of each of ``entries``."""
    small = [entry for entry in entries if entry.size <= LARGEST]
    keys = {
        entry.path: key_of(tool.name, *tool.basis, tool.neutral(entry.path), entry.sha256) for entry in small
    }
    answers = recall(settings.store, sorted(set(keys.values())), Answer)
    fresh = {keys[entry.path]: entry for entry in small if keys[entry.path] not in answers}
    tasks = [
        _Task(key, entry, f"{number:06d}/{tool.neutral(entry.path)}")
        for number, (key, entry) in enumerate(fresh.items())
    ]
    failed: dict[bytes, str] = {}
    for judged, lost in _judged(tool, tasks, subject, settings):
        remember(settings.store, judged)
        answers |= judged
        failed |= lost
    return _outcome(entries, keys, answers, failed)


def _judged(
    tool: FileTool, tasks: Sequence[_Task], subject: Subject, settings: Settings
) -> Iterator[tuple[dict[bytes, Answer], dict[bytes, str]]]:
    """The answers on ``tasks``, a round of batches at a time, and what the tool failed on."""
    batches = list(_batches(tasks))
    for start in range(0, len(batches), max(settings.jobs, 1)):
        settings.tell(f"{tool.name}: {start} of {len(batches)} batches of files")
        running = batches[start : start + max(settings.jobs, 1)]
        folders = [settings.scratch / tool.name / f"{start + number:06d}" for number in range(len(running))]
        for folder, batch in zip(folders, running, strict=True):
            _lay_out(folder, batch, subject)
        commands = [tool.command(folder) for folder in folders]
        ends = run_children(commands, settings.jobs, settings.limits)
        for folder, batch, ended in zip(folders, running, ends, strict=True):
            yield _answers(tool, folder, batch, ended)


def _lay_out(folder: Path, batch: Sequence[_Task], subject: Subject) -> None:
    for task in batch:
        place = folder / task.file
        place.parent.mkdir(parents=True)
        place.write_bytes(subject.read(task.entry))


def _answers(
    tool: FileTool, folder: Path, batch: Sequence[_Task], ended: Ended
) -> tuple[dict[bytes, Answer], dict[bytes, str]]:
    if ended.problem:
        return {}, {task.key: f"{tool.name} {ended.problem}" for task in batch}
    try:
        said = tool.read(ended, folder)
    except (ValueError, KeyError, TypeError):
        return {}, {task.key: f"{tool.name} ended with code {ended.code} and no answer" for task in batch}
    return {task.key: said.get(task.file, Answer()) for task in batch}, {}


def _batches(tasks: Sequence[_Task]) -> Iterator[list[_Task]]:
    """Tasks in batches, each large file in one of its own: one on which the tool hangs takes few others along."""
    batch: list[_Task] = []
    load = 0
    for task in sorted(tasks, key=lambda item: item.entry.size):
        if batch and (len(batch) == _MOST_FILES or load + task.entry.size > _MOST_BYTES):
            yield batch
            batch, load = [], 0
        batch.append(task)
        load += task.entry.size
    if batch:
        yield batch


def _outcome(
    entries: Sequence[FileEntry],
    keys: Mapping[str, bytes],
    answers: Mapping[bytes, Answer],
    failed: Mapping[bytes, str],
) -> Outcome:
    findings: list[Finding] = []
    unscanned: list[Unscanned] = []
    for entry in entries:
        key = keys.get(entry.path)
        if key is None:
            unscanned.append(Unscanned(entry.path, f"larger than {LARGEST >> 20} MB"))
            continue
        answer = answers.get(key, Answer(unscanned=failed.get(key, "")))
        findings += [replace(finding, path=entry.path) for finding in answer.findings]
        if answer.unscanned:
            unscanned.append(Unscanned(entry.path, answer.unscanned))
    if failed and len(failed) == len(set(keys.values())):
        return Outcome("failed", next(iter(failed.values())), unscanned=tuple(unscanned))
    reason = f"{len(unscanned)} files could not be looked at" if unscanned else ""
    return Outcome("partial" if unscanned else "done", reason, tuple(findings), tuple(unscanned))
