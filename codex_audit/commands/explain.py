"""``codex-audit explain``: what a probe or capability asks, what was found in a tree, and why."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codex_audit.commands.options import (
    Subparsers,
    add_format,
    add_jobs,
    add_workflow,
    check_folder,
    jobs_of,
    print_json,
    vocabulary,
)
from codex_evidence.errors import UsageError

if TYPE_CHECKING:
    from codex_audit.artifacts import CapabilitiesRaw, Evidence, ProbeAnswer
    from codex_audit.capabilities.model import Capability, Probe


def add_parser(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser("explain", help="say what a probe asks, what was found and why")
    parser.add_argument("id", metavar="PROBE|CAPABILITY", help="such as config.saved, or config")
    parser.add_argument(
        "path", nargs="?", type=Path, default=Path(), metavar="PATH", help="the tree (default: here)"
    )
    parser.add_argument("--output", type=Path, metavar="DIR", help="where its audit lies (default: PATH)")
    add_workflow(parser)
    add_format(parser)
    add_jobs(parser)
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    from codex_audit.capabilities.catalogue import CATALOGUE

    found = _find(CATALOGUE, arguments.id)
    check_folder(arguments.path)
    raw, origin = _answers(arguments, CATALOGUE)
    answers = {answer.id: answer for capability in raw.capabilities for answer in capability.probes}
    capability, probes = found
    missing = [probe.id for probe in probes if probe.id not in answers]
    if missing:
        raise UsageError(f"the audit does not answer {missing[0]}: another version made it; run it again")
    single = arguments.id != capability.id
    if arguments.format == "json":
        print_json(_document(capability, probes, answers, origin))
        return 0
    lines = (
        _probe_lines(probes[0], answers[probes[0].id]) if single else _capability_lines(capability, answers)
    )
    print("\n".join((*lines, "", origin)))
    return 0


def _find(catalogue: tuple[Capability, ...], wanted: str) -> tuple[Capability, tuple[Probe, ...]]:
    """The capability called ``wanted`` and its probes, or that of the probe called so and this one alone."""
    import difflib

    names = []
    for capability in catalogue:
        if capability.id == wanted:
            return capability, capability.probes
        names.append(capability.id)
        for probe in capability.probes:
            if probe.id == wanted:
                return capability, (probe,)
            names.append(probe.id)
    near = difflib.get_close_matches(wanted, names, n=3, cutoff=0.0)
    raise UsageError(f"no probe or capability {wanted!a}; the nearest are {', '.join(near)}")


def _answers(arguments: argparse.Namespace, catalogue: tuple[Capability, ...]) -> tuple[CapabilitiesRaw, str]:
    """The answers for the tree: those of its audit if there is one, else asked now."""
    from codex_audit.artifacts import CapabilitiesRaw
    from codex_audit.progress import progress
    from codex_audit.stages.pipeline import Request, run_stages
    from codex_audit.stages.places import artifact_path
    from codex_audit.workflow.load import load_workflow
    from codex_evidence.documents import read_artifact

    output = arguments.output or arguments.path
    file = output / artifact_path("capabilities_raw")
    if file.exists():
        raw = read_artifact(file, "capabilities_raw", CapabilitiesRaw)
        return raw, f"from {file}; codex-audit verify says whether it is current"
    if arguments.output is not None:
        raise UsageError(f"{arguments.output} holds no audit ({file} is missing)")
    workflow = load_workflow(arguments.path, arguments.workflow, vocabulary()).workflow
    request = Request(arguments.path, output, workflow, catalogue, jobs_of(arguments))
    with progress() as tell:
        made = run_stages(request, "S3", tell).raw
    if made is None:
        raise UsageError("S3 gave no answers")
    return made, f"asked of {arguments.path} just now; nothing was written"


def _capability_lines(capability: Capability, answers: dict[str, ProbeAnswer]) -> Iterator[str]:
    yield f"{capability.id}: {capability.title}"
    yield f"  {capability.summary}"
    width = max(len(probe.id) for probe in capability.probes)
    for probe in capability.probes:
        answer = answers[probe.id]
        yield f"  {answer.verdict:<14} {probe.id:<{width}}  {probe.ask}"
        yield f"  {'':<14} {'':<{width}}  {answer.reason}{_first_place(answer)}"


def _first_place(answer: ProbeAnswer) -> str:
    return f" ({answer.evidence[0].path}:{answer.evidence[0].line})" if answer.evidence else ""


def _probe_lines(probe: Probe, answer: ProbeAnswer) -> Iterator[str]:
    yield f"{probe.id}: {probe.ask}?"
    yield f"  why it is asked    {probe.motivation}"
    yield f"  what counts        {probe.counts}"
    yield f"  what does not      {probe.excludes or 'nothing in particular'}"
    yield f"  feeds              {probe.component}{', and the capability needs it' if probe.core else ''}"
    yield f"verdict: {answer.verdict}: {answer.reason}"
    yield from _places("evidence", answer.evidence)
    yield from _places("near, and does not count", answer.near)
    if answer.looked_for:
        yield f"  looked for: {', '.join(answer.looked_for)}"
    yield "what would change it"
    yield from (f"  {line}" for line in _change(probe, answer))
    if probe.references:
        yield f"references: {', '.join(probe.references)}"


def _places(title: str, places: tuple[Evidence, ...]) -> Iterator[str]:
    if places:
        yield f"  {title}:"
    for item in places:
        yield f"    {item.path}:{item.line}  {item.excerpt}"
        yield f"      {item.why} ({item.strength}, {item.place})"


def _change(probe: Probe, answer: ProbeAnswer) -> tuple[str, ...]:
    if answer.verdict == "yes":
        if not answer.evidence:
            return ("a place of the kind that this probe looks for turns it to no",)
        return ("it turns to no when none of the places above is left, or none can be reached",)
    steps = (f"{probe.remedy.text} ({probe.remedy.effort})", f"to undo: {probe.rollback}")
    if answer.verdict == "unknown":
        return (f"first: {answer.reason}", *steps)
    return steps


def _document(
    capability: Capability, probes: tuple[Probe, ...], answers: dict[str, ProbeAnswer], origin: str
) -> dict[str, Any]:
    from codex_evidence.plain import to_plain

    return {
        "capability": capability.id,
        "title": capability.title,
        "origin": origin,
        "probes": [
            {
                "id": probe.id,
                "ask": probe.ask,
                "motivation": probe.motivation,
                "counts": probe.counts,
                "excludes": probe.excludes,
                "component": probe.component,
                "core": probe.core,
                "references": list(probe.references),
                "answer": to_plain(answers[probe.id]),
                "what_would_change_it": list(_change(probe, answers[probe.id])),
            }
            for probe in probes
        ],
    }
