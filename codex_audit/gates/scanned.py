"""What fails in a tree: by the probes, and by the scan where one fits the tree.

A scan counts as ``codex-audit run`` reads it: made of this very tree, with the suppressions that hold on this day.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from codex_audit.artifacts import CapabilitiesRaw
from codex_audit.gates.failures import CLEAN_TREE, FEEDER, Failure, failures_of, scan_check
from codex_audit.scanners.rules import NOT_SEEN
from codex_audit.scanners.verdicts import is_severe, silent

if TYPE_CHECKING:
    from codex_audit.scanners.model import ScannerReport, ScanResults
    from codex_audit.stages.pipeline import Audit

Looked = Mapping[str, Collection[str]]
"""The scanners that looked at a tree, each with the files of it that it could not read."""

NOBODY: Looked = MappingProxyType({})

# What one of these found in a file before may still be there while it cannot be read.
_READERS = frozenset({"bandit", FEEDER})


@dataclass(frozen=True, slots=True)
class Judged:
    """``scanned`` is whether a scan fits the tree; ``silent`` names its scanners that did not look, each with what came
    of it."""

    failures: tuple[Failure, ...]
    looked: Looked
    scanned: bool
    silent: tuple[str, ...]


def judged(tree: Path, audit: Audit, raw: CapabilitiesRaw) -> Judged:
    """All that fails in ``tree`` by its ``audit``, of which ``raw`` are the answers. Reads the files with findings;
    raises ChangedWhileReadError when one is another by now."""
    found = failures_of(raw)
    if audit.scan is None:
        return Judged(found, NOBODY, False, ())
    quiet = silent(audit.scan)
    looked = {report.scanner: _unseen(report) for report in audit.scan.reports if report not in quiet}
    told = tuple(f"{report.scanner} ({report.state.replace('_', ' ')})" for report in quiet)
    return Judged((*found, *_beside(found, tree, audit, audit.scan)), looked, True, told)


def _unseen(report: ScannerReport) -> frozenset[str]:
    """The files of which the scanner could not say what it said before."""
    unread = {one.path for one in report.unscanned if report.scanner in _READERS}
    return frozenset(unread | {one.path for one in report.findings if one.rule == NOT_SEEN})


def _beside(found: tuple[Failure, ...], tree: Path, audit: Audit, scan: ScanResults) -> Iterator[Failure]:
    """The findings that count, but for secrets that fail a probe already."""
    named = {(one.path, one.line) for one in found if one.check == CLEAN_TREE}
    counted = [
        (report.scanner, one)
        for report in scan.reports
        for one in report.findings
        if one.suppression is None
        and is_severe(one)
        and not (report.scanner == FEEDER and (one.path, one.line) in named)
    ]
    quoted = {(one.path, one.line) for scanner, one in counted if scanner != FEEDER}
    texts = _texts(quoted, tree, audit) if quoted else {}
    for scanner, one in counted:
        # Kind and file of a secret, as of what stands at no line.
        snippet = texts.get((one.path, one.line), "") if scanner != FEEDER else ""
        yield Failure(scan_check(scanner, one.rule), "", snippet or one.path, one.path, one.line, one.message)


def _texts(places: Collection[tuple[str, int]], tree: Path, audit: Audit) -> dict[tuple[str, int], str]:
    """What stands at those of ``places`` that may be quoted."""
    # These load the readers of files, which an audit that is remembered does not need.
    from codex_audit.stages.excerpts import excerpt, quotable_lines
    from codex_audit.stages.hiding import hiding
    from codex_audit.stages.index import Listing
    from codex_audit.stages.work import indexed_bytes, is_text

    index = audit.index
    listing = hiding(Listing(Path(os.path.realpath(tree)), index, (), ()), audit.scans)
    paths = {path for path, _ in places}
    lines = {
        entry.path: quotable_lines(indexed_bytes(listing, entry))
        for entry in index.files
        if entry.path in paths and is_text(entry)
    }
    return {
        (path, line): " ".join(excerpt(lines[path], line).split())
        for path, line in places
        if path in lines and line not in listing.unquoted.get(path, ())
    }
