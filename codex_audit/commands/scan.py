"""``codex-audit scan``: run the security scanners on a tree and keep what they found for audits of it."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codex_audit.commands.options import (
    Subparsers,
    add_cache,
    add_format,
    add_jobs,
    add_workflow,
    check_folder,
    given_path,
    jobs_of,
    print_json,
    print_lines,
    store_of,
    vocabulary,
)
from codex_audit.scanners.places import SCANNERS, WITHHELD
from codex_audit.scanners.severity import SEVERITIES
from codex_evidence.errors import UsageError

if TYPE_CHECKING:
    from codex_audit.artifacts import FileEntry
    from codex_audit.scanners.model import ScannerReport, ScanResults
    from codex_audit.scanners.subject import Settings
    from codex_audit.scanners.withheld import WithheldFile
    from codex_audit.workflow.settings import Workflow

_MOST_SHOWN = 40


def add_parser(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser("scan", help="run security scanners; takes minutes on a large tree")
    parser.add_argument(
        "path", nargs="?", type=given_path, default=Path(), metavar="PATH", help="the tree (default: here)"
    )
    parser.add_argument("--output", type=given_path, metavar="DIR", help="where to write (default: PATH)")
    add_workflow(parser)
    parser.add_argument("--only", action="append", choices=SCANNERS, help="ask this scanner; may be repeated")
    parser.add_argument(
        "--fail-on", choices=SEVERITIES, metavar="SEVERITY", help="exit 1 at findings from this severity up"
    )
    parser.add_argument(
        "--osv-folder", type=given_path, metavar="DIR", help="look vulnerabilities up in these OSV records"
    )
    parser.add_argument(
        "--offline", action="store_true", help="never ask the public database of vulnerabilities"
    )
    parser.add_argument(
        "--packages", type=given_path, metavar="DIR", help="a site-packages folder to read licences from"
    )
    parser.add_argument(
        "--timeout", type=_seconds, default=600.0, metavar="S", help="seconds for one call of a tool (600)"
    )
    add_format(parser)
    add_jobs(parser)
    add_cache(parser)
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    from codex_audit.scanners.scan import scan_tree
    from codex_audit.scanners.subject import Subject
    from codex_audit.scanners.write import check_output, write_scan
    from codex_audit.stages.clock import start_time
    from codex_audit.stages.forgetting import forget, unknown_values, withheld
    from codex_audit.stages.index import index_tree
    from codex_audit.stages.inputs import tool_version
    from codex_audit.stages.work import indexed_bytes
    from codex_audit.workflow.load import load_workflow
    from codex_evidence.documents import artifact_bytes

    tree, output = arguments.path, arguments.output or arguments.path
    for folder in filter(None, (tree, arguments.osv_folder, arguments.packages)):
        check_folder(folder)
    check_output(output)
    today = start_time(os.environ).date()
    loaded = load_workflow(tree, arguments.workflow, vocabulary(), today)
    listing = index_tree(tree, output, exclude=loaded.workflow.exclude, jobs=jobs_of(arguments))

    def read(entry: FileEntry) -> bytes:
        return indexed_bytes(listing, entry)

    with _stoppable(), tempfile.TemporaryDirectory(prefix="codex-scan-") as scratch, _progress() as tell:
        _check_outside(Path(scratch), tree)
        settings = _settings(arguments, loaded.workflow, Path(scratch), tell)
        scanned = scan_tree(Subject(listing.index, read), settings, tool_version())
    unknown = unknown_values(listing, scanned.results)
    documents = scanned.documents
    if any(one.scanner == "secrets" and one.state in ("done", "partial") for one in scanned.results.reports):
        known = withheld(listing, scanned.results, _withheld_before(output))
        documents = documents | {WITHHELD: artifact_bytes(known)}
    write_scan(output, documents)
    # Behind the scan: audits that begin now read it, and what others put later is not kept.
    forgot = forget(listing, unknown, settings.store)
    notes = (*scanned.results.summary.notes, *filter(None, (forgot,)))
    if arguments.format == "json":
        print_json(_document(output, scanned.results, notes, today))
    else:
        print_lines(_lines(output, scanned.results, (*loaded.notes, *notes), today))
    return _limit(arguments, scanned.results, today)


def _withheld_before(output: Path) -> tuple[WithheldFile, ...]:
    """What the scan before this one withholds; none of what cannot be understood, which this one mends."""
    from codex_audit.scanners.withheld import WithheldError, search_under

    try:
        before = search_under(output)
    except WithheldError:
        before = None
    return before.files if before is not None else ()


def _settings(
    arguments: argparse.Namespace, workflow: Workflow, scratch: Path, tell: Callable[[str], None]
) -> Settings:
    from codex_audit.scanners.children import Limits
    from codex_audit.scanners.key import find_key
    from codex_audit.scanners.subject import Settings

    return Settings(
        scratch=scratch,
        only=tuple(arguments.only or SCANNERS),
        jobs=jobs_of(arguments),
        limits=Limits(seconds=arguments.timeout),
        store=store_of(arguments, arguments.path),
        osv_folder=arguments.osv_folder,
        offline=arguments.offline,
        packages=arguments.packages,
        key=find_key(os.environ),
        suppress=workflow.suppress,
        tell=tell,
    )


def _check_outside(scratch: Path, tree: Path) -> None:
    """Tools that run in the tree could load what lies there."""
    if scratch.resolve().is_relative_to(tree.resolve()):
        raise UsageError("the folder for temporary files lies in the tree; set TMPDIR to another")


@contextmanager
def _stoppable() -> Iterator[None]:
    """A signal to end is an interrupt meanwhile: the tools must end too, and the copies of files that they look at must
    go."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """A function to call with what is being done: shown on a terminal, nothing in a pipe."""
    if not sys.stderr.isatty():
        yield lambda text: None
        return
    from rich.console import Console

    with Console(stderr=True).status("") as status:
        yield status.update


def _limit(arguments: argparse.Namespace, results: ScanResults, today: date) -> int:
    """1 when a finding counts that is as severe as ``--fail-on``, and when a scanner could not say whether there is
    one, unless it is ``--offline`` that kept it from asking."""
    least = arguments.fail_on
    if least is None:
        return 0
    silent = ("missing", "failed") if arguments.offline else ("missing", "failed", "cannot_ask")
    wanted = SEVERITIES[SEVERITIES.index(least) :]
    bad = [finding for _, finding in results.counted(today) if finding.severity in wanted]
    unasked = [line.scanner for line in results.summary.scanners if line.state in silent]
    if bad:
        print(f"codex-audit: {len(bad)} findings at or above --fail-on {least}", file=sys.stderr)
    if unasked:
        print(f"codex-audit: --fail-on cannot be answered without {', '.join(unasked)}", file=sys.stderr)
    return 1 if bad or unasked else 0


def _lines(output: Path, results: ScanResults, notes: tuple[str, ...], today: date) -> Iterator[str]:
    yield from (f"note: {note}" for note in notes)
    for report in results.reports:
        yield _heading(report, today)
    counted = sorted(results.counted(today), key=lambda pair: -SEVERITIES.index(pair[1].severity))
    shown = [(report, finding) for report, finding in counted if finding.severity != "info"]
    for report, finding in shown[:_MOST_SHOWN]:
        yield f"{finding.severity:<8} {report.scanner}  {finding.rule}  {finding.place}  {finding.message}"
    if len(counted) > len(shown[:_MOST_SHOWN]):
        yield f"and {len(counted) - len(shown[:_MOST_SHOWN])} more; --format json lists all"
    for _, finding in counted:
        if one := finding.suppression:
            yield f"counts again: {finding.rule} at {finding.place}, allowed at {one.place} until {one.expires}"
    yield f"written    {output / 'audit_artifacts' / 'security'}"


def _heading(report: ScannerReport, today: date) -> str:
    open_ = sum(finding.counts(today) for finding in report.findings)
    suppressed = len(report.findings) - open_
    found = f"{open_} findings" + (f", {suppressed} suppressed" if suppressed else "")
    state = report.state.replace("_", " ")
    said = f"{found}; {report.reason}" if report.state == "partial" else report.reason or found
    return f"{report.scanner:<16} {state:<11} {said}"


def _document(output: Path, results: ScanResults, notes: tuple[str, ...], today: date) -> dict[str, Any]:
    from codex_evidence.plain import to_plain

    return {
        "output": str(output),
        "tree_sha256": results.summary.tree_sha256,
        "scanners": to_plain(results.summary.scanners),
        "notes": list(notes),
        "findings": [
            {"scanner": report.scanner, "counts": finding.counts(today), **to_plain(finding)}
            for report in results.reports
            for finding in report.findings
        ],
    }


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 86_400:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 1 to 86400")
    return value
