"""``codex-audit explain``: what a probe or capability asks, what was found in a tree, and why."""

from __future__ import annotations

import argparse
import shutil
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
    from codex_audit.accuracy.measured import Measured
    from codex_audit.artifacts import CapabilitiesRaw, PatchStep, ProbeAnswer
    from codex_audit.capabilities.model import Capability, Probe
    from codex_audit.reports.explanation import Explained

NARROWEST, WIDEST = 40, 100


def add_parser(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser("explain", help="say what a probe asks, what was found and why")
    parser.add_argument("id", metavar="PROBE|CAPABILITY", help="such as config.saved, or config")
    parser.add_argument(
        "path", nargs="?", type=given_path, default=Path(), metavar="PATH", help="the tree (default: here)"
    )
    parser.add_argument(
        "--output", type=given_path, metavar="DIR", help="where its audit lies (default: PATH)"
    )
    add_workflow(parser)
    add_format(parser)
    add_jobs(parser)
    add_cache(parser)
    parser.set_defaults(command=run)


@dataclass(frozen=True, slots=True)
class _Audit:
    """``answers`` and ``steps`` by probe; ``origin`` says where they come from."""

    answers: dict[str, ProbeAnswer]
    steps: dict[str, PatchStep]
    origin: str


def run(arguments: argparse.Namespace) -> int:
    from codex_audit.accuracy.measured import measured
    from codex_audit.capabilities.catalogue import CATALOGUE

    capability, probes = _find(CATALOGUE, arguments.id)
    check_folder(arguments.path)
    audit = _stored(arguments) or _asked(arguments, CATALOGUE)
    missing = [probe.id for probe in probes if probe.id not in audit.answers]
    if missing:
        raise UsageError(f"the audit does not answer {missing[0]}: another version made it; run it again")
    known = measured()
    if arguments.format == "json":
        print_json(_document(capability, probes, audit, known))
    else:
        print_lines(_lines(capability, probes, audit, known))
    return 0


def _find(catalogue: tuple[Capability, ...], wanted: str) -> tuple[Capability, tuple[Probe, ...]]:
    """The capability called ``wanted`` and its probes, or that of the probe called so and this one alone."""
    import difflib

    known: dict[str, tuple[Capability, tuple[Probe, ...]]] = {}
    for capability in catalogue:
        known[capability.id] = (capability, capability.probes)
        known |= {probe.id: (capability, (probe,)) for probe in capability.probes}
    if wanted in known:
        return known[wanted]
    near = difflib.get_close_matches(wanted, known, n=3, cutoff=0.0)
    raise UsageError(f"no probe or capability {wanted!a}; the nearest are {', '.join(near)}")


def _stored(arguments: argparse.Namespace) -> _Audit | None:
    """The audit of the tree, None without one. Raises UsageError when it is not where the user says."""
    from codex_audit.artifacts import CapabilitiesRaw, Gaps
    from codex_audit.stages.places import artifact_path
    from codex_evidence.documents import read_artifact

    output = arguments.output or arguments.path
    raw_file, gaps_file = (output / artifact_path(name) for name in ("capabilities_raw", "gaps"))
    if not raw_file.exists():
        if arguments.output is not None:
            raise UsageError(
                f"{output} holds no audit ({raw_file} is missing); make one with: codex-audit run"
            )
        return None
    raw = read_artifact(raw_file, "capabilities_raw", CapabilitiesRaw)
    plans = read_artifact(gaps_file, "gaps", Gaps).plans if gaps_file.exists() else ()
    steps = {step.probe: step for plan in plans for step in plan.patch_plan}
    return _Audit(_by_probe(raw), steps, f"from {raw_file}; codex-audit verify says whether it is current")


def _asked(arguments: argparse.Namespace, catalogue: tuple[Capability, ...]) -> _Audit:
    """The answers as of now, of which nothing is written."""
    from codex_audit.progress import progress
    from codex_audit.stages.pipeline import run_stages
    from codex_audit.stages.request import Request
    from codex_audit.workflow.load import load_workflow

    workflow = load_workflow(arguments.path, arguments.workflow, vocabulary()).workflow
    store = store_of(arguments, arguments.path)
    request = Request(arguments.path, arguments.path, workflow, lambda: catalogue, jobs_of(arguments), store)
    with progress() as tell:
        audit = run_stages(request, "S5", tell)
    plans = audit.gaps.plans if audit.gaps else ()
    steps = {step.probe: step for plan in plans for step in plan.patch_plan}
    answers = _by_probe(audit.raw) if audit.raw else {}
    return _Audit(answers, steps, f"asked of {arguments.path} just now; nothing was written")


def _by_probe(raw: CapabilitiesRaw) -> dict[str, ProbeAnswer]:
    return {answer.id: answer for capability in raw.capabilities for answer in capability.probes}


def _explained(probe: Probe, audit: _Audit, known: Measured) -> Explained:
    from codex_audit.reports.explanation import Explained

    return Explained(
        probe, audit.answers[probe.id], audit.steps.get(probe.id), known.of(probe.id), len(known.corpus)
    )


def _lines(
    capability: Capability, probes: tuple[Probe, ...], audit: _Audit, known: Measured
) -> Iterator[str]:
    from codex_audit.reports.explanation import explanation, overview

    width = min(WIDEST, max(NARROWEST, shutil.get_terminal_size((WIDEST, 24)).columns))
    if len(probes) == 1:
        yield from explanation(_explained(probes[0], audit, known), width)
    else:
        yield from overview(capability, audit.answers, width)
    yield ""
    yield audit.origin


def _document(
    capability: Capability, probes: tuple[Probe, ...], audit: _Audit, known: Measured
) -> dict[str, Any]:
    return {
        "capability": capability.id,
        "title": capability.title,
        "origin": audit.origin,
        "probes": [_probe(probe, audit, known) for probe in probes],
    }


def _probe(probe: Probe, audit: _Audit, known: Measured) -> dict[str, Any]:
    from codex_audit.commands.probes import probe_document
    from codex_audit.reports.explanation import verdict_text
    from codex_evidence.plain import to_plain

    answer, step = audit.answers[probe.id], audit.steps.get(probe.id)
    return {
        **probe_document(probe, known),
        "summary": verdict_text(_explained(probe, audit, known)),
        "counted": answer.counted,
        "answer": to_plain(answer),
        "step": to_plain(step),
    }
