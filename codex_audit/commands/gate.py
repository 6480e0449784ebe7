"""``codex-audit gate``: whether a tree fails in more than its baseline accepts."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codex_audit.collection import without_collection
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
    from codex_audit.gates.baseline import Baseline
    from codex_audit.gates.failures import Failure
    from codex_audit.gates.ratchet import Turned
    from codex_audit.gates.scanned import Judged
    from codex_audit.stages.pipeline import Audit


def add_parser(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser("gate", help="exit 1 when a tree fails in more than its baseline accepts")
    parser.add_argument(
        "path", nargs="?", type=given_path, default=Path(), metavar="PATH", help="the tree (default: here)"
    )
    writes = parser.add_mutually_exclusive_group()
    writes.add_argument(
        "--write-baseline",
        action="store_true",
        help="accept all that fails now: write PATH/audit_artifacts/baseline.json",
    )
    writes.add_argument(
        "--shrink",
        action="store_true",
        help="take what fails no more out of the baseline, accept nothing new",
    )
    add_workflow(parser)
    add_format(parser)
    add_jobs(parser)
    add_cache(parser)
    parser.set_defaults(command=without_collection()(run))


def run(arguments: argparse.Namespace) -> int:
    from codex_audit.gates.baseline import read_baseline, write_baseline
    from codex_audit.gates.ratchet import shrunk, turn
    from codex_audit.gates.scanned import judged

    check_folder(arguments.path)
    if arguments.write_baseline:
        return _write(arguments)
    baseline = read_baseline(arguments.path)
    audit = _audit(arguments)
    found = judged(arguments.path, audit, _raw(audit))
    turned = turn(baseline, found.failures, found.looked)
    if arguments.shrink and turned.gone:
        write_baseline(arguments.path, shrunk(baseline, turned))
    notes = (
        *_notes(baseline, turned, audit, shrunk=arguments.shrink),
        *_scan_notes(baseline, turned, found),
    )
    if arguments.format == "json":
        print_json(_document(turned, notes, audit, found))
    else:
        print_lines(_lines(turned, notes, audit))
    return 1 if turned.new else 0


def _audit(arguments: argparse.Namespace) -> Audit:
    """The audit of the tree as it is, in memory. Nothing is written but the cache."""
    from codex_audit.stages.pipeline import run_stages
    from codex_audit.stages.request import Request
    from codex_audit.workflow.load import load_workflow

    tree = arguments.path
    workflow = load_workflow(tree, arguments.workflow, vocabulary()).workflow
    store = store_of(arguments, tree)
    jobs = jobs_of(arguments)
    request = Request(tree, tree, workflow, catalogue, jobs, store, by_stamp=True, reports=False)
    return run_stages(request, "S6")


def _raw(audit: Audit) -> Any:
    if audit.raw is None:
        raise AssertionError("an audit up to S6 has answers")
    return audit.raw


def _write(arguments: argparse.Namespace) -> int:
    from codex_audit.gates.baseline import baseline_of, write_baseline
    from codex_audit.gates.ratchet import renewed
    from codex_audit.gates.scanned import judged
    from codex_audit.stages.writing import check_output

    check_output(arguments.path)
    audit = _audit(arguments)
    raw = _raw(audit)
    found = judged(arguments.path, audit, raw)
    former, note = _former(arguments.path)
    checks = [answer.id for capability in raw.capabilities for answer in capability.probes]
    now = baseline_of(
        found.failures,
        checks,
        tool_version=audit.inputs["tool-version"].text or "",
        catalogue=audit.inputs["catalogue"].sha256,
    )
    baseline = renewed(former, now, found.looked)
    kept = len(baseline.failures) - len(now.failures)
    path = write_baseline(arguments.path, baseline)
    notes = [*note, *(_unscanned(found, kept) if kept else ())]
    if arguments.format == "json":
        counts = {"failures": len(baseline.failures), "kept": kept, "checks": len(baseline.checks)}
        print_json({"baseline": str(path), **counts, "notes": notes})
    else:
        said = f"{path}: accepts {_count(len(baseline.failures))}; review it, then commit it"
        print_lines([*(f"note: {one}" for one in notes), said])
    return 0


def _former(tree: Path) -> tuple[Baseline | None, tuple[str, ...]]:
    """The baseline that is to be replaced, and a word on one that cannot be read."""
    from codex_audit.gates.baseline import has_baseline, read_baseline

    if not has_baseline(tree):
        return None, ()
    try:
        return read_baseline(tree), ()
    except UsageError:
        return None, ("the former baseline could not be read, so nothing of it is kept",)


def _notes(baseline: Baseline, turned: Turned, audit: Audit, *, shrunk: bool) -> Iterator[str]:
    from codex_audit.gates.failures import scanner_of

    probes = [one for one in turned.new if not scanner_of(one.check)]
    if baseline.catalogue != audit.inputs["catalogue"].sha256 and probes:
        yield "the probes have changed since the baseline was written, so a new failure may be theirs"
    if turned.unasked:
        names = ", ".join(dict.fromkeys(one.check for one in turned.unasked))
        yield f"not judged, because the baseline was written before they were asked: {names}"
    if turned.gone and shrunk:
        yield f"{_count(turned.gone)} taken out of the baseline; commit it"
    elif turned.gone:
        yield f"{_count(turned.gone)} of the baseline gone: keep it so with codex-audit gate --shrink"


def _scan_notes(baseline: Baseline, turned: Turned, found: Judged) -> Iterator[str]:
    from codex_audit.gates.failures import scan_check, scanner_of

    finders = dict.fromkeys(filter(None, (scanner_of(one.check) for one in turned.new)))
    first = [name for name in finders if scan_check(name) not in baseline.checks]
    if first:
        yield f"the baseline was written without a scan by {', '.join(first)}, so all that it finds is new"
    yield from _unscanned(found, len(turned.kept))


def _unscanned(found: Judged, kept: int) -> Iterator[str]:
    """What nobody was asked, and that ``kept`` failures stay accepted for that."""
    from codex_audit.scanners.read import NOT_SCANNED

    still = f"; still accepted, as only a scan can judge: {_count(kept)}" if kept else ""
    if not found.scanned:
        yield f"{NOT_SCANNED}{still}"
    elif found.silent:
        yield f"scanners that did not look: {', '.join(found.silent)}{still}"
    elif still:
        yield f"the scan could not read every file{still}"


def _lines(turned: Turned, notes: tuple[str, ...], audit: Audit) -> Iterator[str]:
    remedies = _remedies(audit)
    for one in turned.new:
        yield f"new: {one.check}: {f'{one.place}: ' if one.path else ''}{one.reason}"
        if remedy := _remedy(one, remedies):
            yield f"  to do: {remedy}"
    yield from (f"note: {note}" for note in notes)
    if turned.new:
        yield (
            f"{_count(len(turned.new))} that the baseline does not accept; mend, "
            "or accept with codex-audit gate --write-baseline; codex-audit explain PROBE says more"
        )
    else:
        yield f"no new failure; the baseline accepts {len(turned.known)} that are still there"


def _remedies(audit: Audit) -> dict[str, str]:
    """What to change for each probe, by the plans of the audit."""
    plans = audit.gaps.plans if audit.gaps else ()
    return {step.probe: step.text for plan in plans for step in plan.patch_plan}


def _remedy(one: Failure, remedies: dict[str, str]) -> str:
    from codex_audit.gates.failures import scanner_of

    if not scanner_of(one.check):
        return remedies.get(one.check, "")
    return "Mend it, or suppress its rule with a reason and a last day, by a comment (codex: allow) or in the settings."


def _document(turned: Turned, notes: tuple[str, ...], audit: Audit, found: Judged) -> dict[str, object]:
    remedies = _remedies(audit)
    return {
        "new": [_failure(one, _remedy(one, remedies)) for one in turned.new],
        "known": len(turned.known),
        "gone": turned.gone,
        "kept": len(turned.kept),
        "scanners": sorted(found.looked),
        "not_judged": [one.check for one in turned.unasked],
        "notes": list(notes),
    }


def _failure(one: Failure, remedy: str) -> dict[str, object]:
    return {
        "check": one.check,
        "path": one.path,
        "line": one.line,
        "symbol": one.symbol,
        "snippet": one.snippet,
        "reason": one.reason,
        "to_do": remedy,
        "fingerprint": one.fingerprint,
    }


def _count(number: int) -> str:
    return f"{number} failure" if number == 1 else f"{number} failures"
