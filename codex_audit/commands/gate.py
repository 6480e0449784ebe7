"""``codex-audit gate``: whether a tree fails in more than its baseline accepts."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
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

if TYPE_CHECKING:
    from codex_audit.gates.baseline import Baseline
    from codex_audit.gates.failures import Failure
    from codex_audit.gates.ratchet import Turned
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
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    from codex_audit.gates.baseline import read_baseline, write_baseline
    from codex_audit.gates.failures import failures_of
    from codex_audit.gates.ratchet import shrunk, turn

    check_folder(arguments.path)
    if arguments.write_baseline:
        return _write(arguments)
    baseline = read_baseline(arguments.path)
    audit = _audit(arguments)
    turned = turn(baseline, failures_of(_raw(audit)))
    if arguments.shrink and turned.gone:
        write_baseline(arguments.path, shrunk(baseline, turned))
    notes = tuple(_notes(baseline, turned, audit, shrunk=arguments.shrink))
    if arguments.format == "json":
        print_json(_document(turned, notes, audit))
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
    request = Request(tree, tree, workflow, catalogue, jobs_of(arguments), store_of(arguments, tree))
    return run_stages(request, "S7")


def _raw(audit: Audit) -> Any:
    if audit.raw is None:
        raise AssertionError("an audit up to S7 has answers")
    return audit.raw


def _write(arguments: argparse.Namespace) -> int:
    from codex_audit.gates.baseline import baseline_of, write_baseline
    from codex_audit.gates.failures import failures_of
    from codex_audit.stages.writing import check_output

    check_output(arguments.path)
    audit = _audit(arguments)
    raw = _raw(audit)
    checks = [answer.id for capability in raw.capabilities for answer in capability.probes]
    baseline = baseline_of(
        failures_of(raw), checks, tool_version=_version(audit), catalogue=_catalogue_digest(audit)
    )
    path = write_baseline(arguments.path, baseline)
    if arguments.format == "json":
        print_json({"baseline": str(path), "failures": len(baseline.failures), "checks": len(checks)})
    else:
        print_lines([f"{path}: accepts {_count(len(baseline.failures))}; review it, then commit it"])
    return 0


def _version(audit: Audit) -> str:
    return audit.manifest.inputs["tool-version"] if audit.manifest else ""


def _catalogue_digest(audit: Audit) -> str:
    chain = audit.manifest.chain if audit.manifest else ()
    return next((link.sha256 for link in chain if link.role == "input:catalogue"), "")


def _notes(baseline: Baseline, turned: Turned, audit: Audit, *, shrunk: bool) -> Iterator[str]:
    if baseline.catalogue != _catalogue_digest(audit) and turned.new:
        yield "the probes have changed since the baseline was written, so a new failure may be theirs"
    if turned.unasked:
        names = ", ".join(dict.fromkeys(one.check for one in turned.unasked))
        yield f"not judged, because the baseline was written before they were asked: {names}"
    if turned.gone and shrunk:
        yield f"{_count(turned.gone)} taken out of the baseline; commit it"
    elif turned.gone:
        yield f"{_count(turned.gone)} of the baseline gone: keep it so with codex-audit gate --shrink"


def _lines(turned: Turned, notes: tuple[str, ...], audit: Audit) -> Iterator[str]:
    remedies = _remedies(audit)
    for one in turned.new:
        yield f"new: {one.check}: {f'{one.place}: ' if one.path else ''}{one.reason}"
        if one.check in remedies:
            yield f"  to do: {remedies[one.check]}"
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


def _document(turned: Turned, notes: tuple[str, ...], audit: Audit) -> dict[str, object]:
    remedies = _remedies(audit)
    return {
        "new": [_failure(one, remedies.get(one.check, "")) for one in turned.new],
        "known": len(turned.known),
        "gone": turned.gone,
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
