"""``codex-audit run``: audit a tree and write what was found."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codex_audit.commands.options import (
    Subparsers,
    add_cache,
    add_format,
    add_jobs,
    add_workflow,
    catalogue,
    check_folder,
    given_path,
    jobs_of,
    print_json,
    print_lines,
    store_of,
    vocabulary,
)
from codex_evidence.errors import UsageError

if TYPE_CHECKING:
    from codex_audit.artifacts import CapabilitiesScored
    from codex_audit.scanners.read import Scans
    from codex_audit.stages.pipeline import Audit

_OTHER = " is no report of this run or of the former one; verify will name it"
_STAGES = ("S1", "S2", "S3", "S4", "S5", "S6", "S7")


@dataclass(frozen=True, slots=True)
class _Done:
    output: Path
    last: str
    audit: Audit
    reports: dict[str, str]
    notes: tuple[str, ...]


def add_parser(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser("run", help="audit a tree and write artifacts, reports and manifest")
    parser.add_argument(
        "path", nargs="?", type=given_path, default=Path(), metavar="PATH", help="the tree (default: here)"
    )
    parser.add_argument("--output", type=given_path, metavar="DIR", help="where to write (default: PATH)")
    add_workflow(parser)
    parser.add_argument(
        "--stage", choices=_STAGES, help="stop after this stage; without S7 there is no manifest"
    )
    add_format(parser)
    add_jobs(parser)
    add_cache(parser)
    parser.add_argument("--timings", action="store_true", help="print the seconds of each stage to stderr")
    parser.add_argument("--fail-under", type=_share, metavar="SCORE", help="exit 1 below this score (0 to 1)")
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    from codex_audit.listing.git import head_commit
    from codex_audit.progress import progress
    from codex_audit.reports.formats import FORMATS
    from codex_audit.stages.clock import start_time
    from codex_audit.stages.pipeline import run_stages
    from codex_audit.stages.request import Request
    from codex_audit.stages.writing import Run, check_output, unknown_reports, write_audit
    from codex_audit.workflow.load import load_workflow

    tree, output = arguments.path, arguments.output or arguments.path
    check_folder(tree)
    check_output(output)
    started = start_time(os.environ)
    loaded = load_workflow(tree, arguments.workflow, vocabulary(), started.date())
    last = arguments.stage or loaded.workflow.stages[-1]
    if arguments.fail_under is not None and last < "S4":
        raise UsageError(f"--fail-under needs a score, which S4 makes; this run ends after {last}")
    store = store_of(arguments, tree)
    request = Request(
        tree, output, loaded.workflow, catalogue, jobs_of(arguments), store, today=started.date()
    )
    with progress() as tell:
        audit = run_stages(request, last, tell)
    # A commit counts for the record only where git's view is what was audited.
    commit = head_commit(tree.resolve()) if audit.index.view == "git" else ""
    reports = write_audit(output, audit, Run(started, commit), {row.name: row.suffix for row in FORMATS})
    others = unknown_reports(output, (*reports.values(), *(entry.path for entry in audit.index.files)))
    notes = (*loaded.notes, *audit.index.notes, *(f"{path}{_OTHER}" for path in others))
    done = _Done(output, last, audit, reports, notes)
    if arguments.timings:
        _print_timings(audit.seconds)
    if arguments.format == "json":
        print_json(_summary(done))
    else:
        _show(done)
    return _limit(arguments.fail_under, audit)


def _print_timings(seconds: dict[str, float]) -> None:
    for stage, spent in seconds.items():
        print(f"{stage}  {spent:8.3f} s", file=sys.stderr)
    print(f"all {sum(seconds.values()):8.3f} s", file=sys.stderr)


def _limit(limit: float | None, audit: Audit) -> int:
    if limit is None or audit.scored is None or audit.scored.score >= limit:
        return 0
    print(f"codex-audit: score {audit.scored.score:.4f} is below --fail-under {limit:.4f}", file=sys.stderr)
    return 1


def _show(done: _Done) -> None:
    if done.audit.scored is not None:
        _print_matrix(done.audit.scored)
    print_lines(_lines(done))


def _lines(done: _Done) -> Iterator[str]:
    yield from (f"note: {note}" for note in done.notes)
    yield f"security   {_scanned(done.audit.scans)}"
    yield f"artifacts  {done.output / 'audit_artifacts'}"
    yield from (f"report     {done.output / path}" for path in done.reports.values())
    if done.audit.manifest is None:
        yield f"ended after {done.last}: there is no manifest, and nothing to verify"
    else:
        yield f"head       {done.audit.manifest.head}"


def _scanned(scans: Scans) -> str:
    scan = scans.fitting
    if scan is None:
        count = sum(len(search.files) for search in scans.withheld)
        hidden = f"; what a former scan found in {count} files is hidden" if count else ""
        return f"not scanned: no scan fits this tree (codex-audit scan){hidden}"
    words = (
        f"{one.scanner} {one.open_findings if one.state in ('done', 'partial') else one.state.replace('_', ' ')}"
        for one in scan.reports
    )
    return f"findings that count: {', '.join(words)}"


def _print_matrix(scored: CapabilitiesScored) -> None:
    rows: list[tuple[str, str, str, bool]] = [
        (item.id, item.status, _interval(item.score, item.low, item.high), item.score < scored.threshold)
        for item in scored.capabilities
    ]
    total = f"score {_interval(scored.score, scored.low, scored.high)}"
    if sys.stdout.isatty():
        _print_table(rows, total)
        return
    for name, status, score, gap in (("capability", "status", "score", False), *rows):
        print(f"{name:<16} {status:<12} {score}{'  gap' if gap else ''}".rstrip())
    print(total)


def _print_table(rows: list[tuple[str, str, str, bool]], total: str) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, caption=total)
    for heading in ("capability", "status", "score"):
        table.add_column(heading, no_wrap=True)
    for name, status, score, gap in rows:
        table.add_row(name, status, score + ("  gap" if gap else ""))
    Console(highlight=False).print(table)


def _interval(score: float, low: float, high: float) -> str:
    return f"{score:.2f}" if low == high else f"{score:.2f} ({low:.2f} to {high:.2f})"


def _summary(done: _Done) -> dict[str, Any]:
    scored = done.audit.scored
    return {
        "output": str(done.output),
        "stage": done.last,
        "score": scored.score if scored else None,
        "low": scored.low if scored else None,
        "high": scored.high if scored else None,
        "threshold": scored.threshold if scored else None,
        "capabilities": [
            {"id": item.id, "status": item.status, "score": item.score, "low": item.low, "high": item.high}
            for item in (scored.capabilities if scored else ())
        ],
        "reports": done.reports,
        "head": done.audit.manifest.head if done.audit.manifest else None,
        "notes": list(done.notes),
    }


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a score between 0 and 1")
    return value
