"""An audit onto disk, so that a reader always knows whether what lies there is whole.

A marker is there before the first byte changes and goes after the last one; the manifest, which vouches for
all else, is written last.
"""

from __future__ import annotations

import os
import platform
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from codex_audit.artifacts import AuditManifest, RunInProgress, RunRecord
from codex_audit.stages.clock import compact, rfc3339
from codex_audit.stages.places import (
    ARTIFACTS,
    ARTIFACTS_FOLDER,
    MANIFEST,
    MARKER,
    RECORD,
    REPORTS_FOLDER,
    artifact_path,
    is_report,
    report_path,
)
from codex_evidence.atomic import TEMPORARY_PREFIX, remove, write_bytes
from codex_evidence.documents import artifact_bytes
from codex_evidence.errors import CodexError, UsageError, WriteError
from codex_evidence.files import read_bytes
from codex_evidence.names import shown
from codex_evidence.strict_json import loads

if TYPE_CHECKING:
    from codex_audit.stages.pipeline import Audit

RECORD_SCHEMA = "codex-audit/audit_run_record/v1"
MARKER_SCHEMA = "codex-audit/run_in_progress/v1"

_MAX_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class Run:
    """The circumstances of a run, for the record. ``commit`` is empty where there is none."""

    started: datetime
    commit: str = ""


def check_output(output: Path) -> None:
    """Raises UsageError for an output folder in which an audit cannot be written. Changes nothing."""
    _check_folder(output, may_be_link=True)
    for name in (ARTIFACTS_FOLDER, REPORTS_FOLDER):
        _check_folder(output / name, may_be_link=False)


def write_audit(output: Path, audit: Audit, run: Run, suffixes: dict[str, str]) -> dict[str, str]:
    """Writes ``audit`` under ``output`` in place of the former one; ``suffixes`` maps a report's format to
    its file suffix. Returns the paths of the reports by role, relative to ``output``.

    Removed are the reports that the former run wrote, by its own record, and the artifacts of later stages.
    Raises WriteError, and leaves the marker then.
    """
    reports = {f"report:{name}": report_path(compact(run.started), suffixes[name]) for name in audit.reports}
    documents = {artifact_path(name): data for name, data in audit.documents.items()}
    documents |= {reports[f"report:{name}"]: data for name, data in audit.reports.items()}
    stale = sorted(({artifact_path(name) for name in ARTIFACTS} | _former_reports(output)) - set(documents))
    _make_folders(output)
    touched = (*documents, *stale, RECORD, MANIFEST)
    _write(output, MARKER, RunInProgress(MARKER_SCHEMA, rfc3339(run.started), touched))
    _remove_litter(output)
    if audit.manifest is None:
        remove(output / MANIFEST)
    for path, data in documents.items():
        write_bytes(output / path, data)
    for path in stale:
        remove(output / path)
    _write(output, RECORD, _record(audit, run, reports))
    if audit.manifest is not None:
        _write(output, MANIFEST, audit.manifest)
    remove(output / MARKER)
    return reports


def unknown_reports(output: Path, known: Iterable[str]) -> tuple[str, ...]:
    """Files under ``output`` that are named like reports and are not among ``known``, relative and sorted."""
    folder = output / REPORTS_FOLDER
    names = folder.iterdir() if folder.is_dir() and not folder.is_symlink() else ()
    paths = {f"{REPORTS_FOLDER}/{path.name}" for path in names}
    return tuple(sorted(path for path in paths - set(known) if is_report(path)))


def _write(output: Path, path: str, value: AuditManifest | RunInProgress | RunRecord) -> None:
    write_bytes(output / path, artifact_bytes(value))


def _record(audit: Audit, run: Run, reports: dict[str, str]) -> RunRecord:
    return RunRecord(
        schema=RECORD_SCHEMA,
        started=rfc3339(run.started),
        finished=rfc3339(datetime.now(UTC)),
        host=platform.node(),
        platform=platform.platform() + ", Python " + platform.python_version(),
        commit=run.commit,
        seconds=audit.seconds,
        reports=reports,
    )


def _former_reports(output: Path) -> set[str]:
    """The reports that a former run wrote: by its record if it ended, by its marker if it did not.

    Whatever cannot be read or does not look like a report of ours is left alone.
    """
    recorded = _loaded(output / RECORD).get("reports")
    begun = _loaded(output / MARKER).get("writes")
    paths = [
        *(recorded.values() if isinstance(recorded, dict) else ()),
        *(begun if isinstance(begun, list) else ()),
    ]
    return {path for path in paths if is_report(path)}


def _loaded(path: Path) -> dict[str, object]:
    try:
        value = loads(read_bytes(path, max_bytes=_MAX_BYTES))
    except CodexError:
        return {}  # none, or not ours: then it vouches for nothing
    return value if isinstance(value, dict) else {}


def _make_folders(output: Path) -> None:
    for folder in (output, output / ARTIFACTS_FOLDER, output / REPORTS_FOLDER):
        try:
            folder.mkdir(parents=folder == output, exist_ok=True)
        except OSError as error:
            raise WriteError(f"cannot make the folder {shown(folder)}: {error.strerror}") from error


def _remove_litter(output: Path) -> None:
    """Half-written files of a run that was killed."""
    for folder in (output / ARTIFACTS_FOLDER, output / REPORTS_FOLDER):
        for path in sorted(folder.glob(TEMPORARY_PREFIX + "*")):
            remove(path)


def _check_folder(path: Path, *, may_be_link: bool) -> None:
    try:
        mode = (path.stat() if may_be_link else path.lstat()).st_mode
    except FileNotFoundError:
        if path.is_symlink():
            raise UsageError(f"output {shown(path)} is a symlink to nothing; remove it") from None
        parent = path.absolute().parent
        _check_folder(parent, may_be_link=True)
        return
    except OSError as error:
        raise UsageError(f"output {shown(path)} cannot be used: {error.strerror}") from error
    if stat.S_ISLNK(mode):
        raise UsageError(f"output {shown(path)} is a symlink; give another folder with --output")
    if not stat.S_ISDIR(mode):
        raise UsageError(f"output {shown(path)} is no folder; give another with --output")
    if not os.access(path, os.W_OK | os.X_OK):
        raise UsageError(f"output {shown(path)} is not writable; give another folder with --output")
