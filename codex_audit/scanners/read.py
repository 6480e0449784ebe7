"""A scan as an audit reads it: its findings count for the tree that it was made of, and for no other; what it withholds
is withheld of whatever becomes of that tree."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from codex_audit.artifacts import ContextIndex
from codex_audit.scanners.places import SECURITY_FOLDER, SUMMARY
from codex_audit.scanners.withheld import Search, read_withheld
from codex_evidence.digests import sha256_hex
from codex_evidence.documents import MAX_BYTES, parse_artifact
from codex_evidence.errors import CodexError, UnreadableError
from codex_evidence.files import read_bytes
from codex_evidence.names import shown

if TYPE_CHECKING:
    from codex_audit.scanners.model import ScannerLine, ScannerReport, ScanResults

NOT_SCANNED = "not scanned: no scan fits this tree (codex-audit scan)"

_AGAIN = "run codex-audit scan again"


class ScanFileError(CodexError):
    """A scan whose files are not those that its summary vouches for."""

    exit_code = 1


@dataclass(frozen=True, slots=True)
class Scans:
    """What an audit knows of scans: that of its tree, None where no scan fits, and what the last search for secrets
    withholds, one for each place."""

    fitting: ScanResults | None = None
    withheld: tuple[Search, ...] = ()


NO_SCANS = Scans()


@dataclass(frozen=True, slots=True)
class _Named:
    tree_sha256: str


def scan_results(output: Path, tree_sha256: str) -> ScanResults | None:
    """The scan under ``output``; None when there is none, or when it is one of another tree: *not scanned*.

    Raises ScanFileError when a report is not the one that was written, and for this tree what ``read_artifact`` raises.
    """
    path = output / SUMMARY
    if not os.path.lexists(path):
        return None
    data = read_bytes(path, max_bytes=MAX_BYTES)
    if _tree_of(data) not in ("", tree_sha256):
        return None  # the usual case at a commit, in which a schema would take longer than all else
    from codex_audit.scanners.model import ScanResults, ScanSummary  # and these types as long as an index

    summary = parse_artifact(data, "scan", ScanSummary, source=shown(path))
    if summary.tree_sha256 != tree_sha256:
        return None
    reports = tuple(_report(output, line) for line in summary.scanners)
    return ScanResults(summary, reports)


def read_scans(outputs: Sequence[Path], index: ContextIndex, today: date | None) -> Scans:
    """The scan of this very tree that lies under the first of ``outputs`` that has one, as it counts on the day
    ``today`` (None: the day it is, in UTC), without suppressions that no longer hold; and what is withheld under any
    of them. Raises as ``scan_results`` and ``read_withheld``."""
    places = tuple(dict.fromkeys(outputs))
    found = (scan_results(output, index.tree_sha256) for output in places)
    fitting = next((one for one in found if one is not None), None)
    return Scans(
        fitting.on(today or datetime.now(UTC).date()) if fitting is not None else None,
        read_withheld(places),
    )


def _tree_of(data: bytes) -> str:
    """The tree that a summary names, empty for what is no summary."""
    try:
        return msgspec.json.decode(data, type=_Named).tree_sha256
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ""


def _report(output: Path, line: ScannerLine) -> ScannerReport:
    from codex_audit.scanners.model import ScannerReport

    data = {name: _whole(output / SECURITY_FOLDER / name, digest) for name, digest in line.documents.items()}
    name = f"{line.scanner}.json"
    if name not in data:
        raise ScanFileError(f"{SUMMARY} does not name {name}; {_AGAIN}")
    try:
        # Its digest is that of what the scan wrote; a schema takes seconds to look at ten thousand findings.
        return msgspec.json.decode(data[name], type=ScannerReport)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ScanFileError(
            f"{SECURITY_FOLDER}/{name} is no report of a scanner: {error}; {_AGAIN}"
        ) from error


def _whole(path: Path, digest: str) -> bytes:
    try:
        data = read_bytes(path, max_bytes=MAX_BYTES)
    except UnreadableError as error:
        raise ScanFileError(f"{error}; {_AGAIN}") from error
    if sha256_hex(data) != digest:
        raise ScanFileError(f"{shown(path)} is not what the scan wrote; {_AGAIN}")
    return data
