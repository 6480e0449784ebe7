"""``codex-audit explain``: what a probe or capability asks, what was found in a tree, and why."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codex_audit.commands.options import (
    Subparsers,
    add_format,
    add_jobs,
    add_workflow,
    check_folder,
    given_path,
    jobs_of,
    print_json,
    print_lines,
    vocabulary,
)
from codex_evidence.errors import UsageError

if TYPE_CHECKING:
    from codex_audit.artifacts import CapabilitiesRaw, Evidence, PatchStep, ProbeAnswer
    from codex_audit.capabilities.model import Capability, Probe


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
    parser.set_defaults(command=run)


@dataclass(frozen=True, slots=True)
class _Audit:
    """``answers`` and ``steps`` by probe; ``origin`` says where they come from."""

    answers: dict[str, ProbeAnswer]
    steps: dict[str, PatchStep]
    origin: str


def run(arguments: argparse.Namespace) -> int:
    from codex_audit.capabilities.catalogue import CATALOGUE

    capability, probes = _find(CATALOGUE, arguments.id)
    check_folder(arguments.path)
    audit = _stored(arguments) or _asked(arguments, CATALOGUE)
    missing = [probe.id for probe in probes if probe.id not in audit.answers]
    if missing:
        raise UsageError(f"the audit does not answer {missing[0]}: another version made it; run it again")
    if arguments.format == "json":
        print_json(_document(capability, probes, audit))
        return 0
    if arguments.id == capability.id:
        print_lines(_capability_lines(capability, audit))
    else:
        print_lines(_probe_lines(probes[0], audit))
    print_lines(("", audit.origin))
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
    from codex_audit.stages.pipeline import Request, run_stages
    from codex_audit.workflow.load import load_workflow

    workflow = load_workflow(arguments.path, arguments.workflow, vocabulary()).workflow
    request = Request(arguments.path, arguments.path, workflow, catalogue, jobs_of(arguments))
    with progress() as tell:
        audit = run_stages(request, "S5", tell)
    plans = audit.gaps.plans if audit.gaps else ()
    steps = {step.probe: step for plan in plans for step in plan.patch_plan}
    answers = _by_probe(audit.raw) if audit.raw else {}
    return _Audit(answers, steps, f"asked of {arguments.path} just now; nothing was written")


def _by_probe(raw: CapabilitiesRaw) -> dict[str, ProbeAnswer]:
    return {answer.id: answer for capability in raw.capabilities for answer in capability.probes}


def _capability_lines(capability: Capability, audit: _Audit) -> Iterator[str]:
    yield f"{capability.id}: {capability.title}"
    yield from _wrapped("  ", capability.summary)
    for probe in capability.probes:
        answer = audit.answers[probe.id]
        yield f"{answer.verdict:<14} {probe.id}: {probe.ask}"
        yield from _wrapped(" " * 15, answer.reason + _first_place(answer))


def _first_place(answer: ProbeAnswer) -> str:
    return f" ({answer.evidence[0].path}:{answer.evidence[0].line})" if answer.evidence else ""


def _probe_lines(probe: Probe, audit: _Audit) -> Iterator[str]:
    answer = audit.answers[probe.id]
    yield f"{probe.id}: {probe.ask}"
    yield from _wrapped("  why it is asked  ", probe.motivation)
    yield from _wrapped("  what counts      ", probe.counts)
    yield from _wrapped("  what does not    ", probe.excludes or "nothing in particular")
    yield f"  feeds            {probe.component}{', and the capability needs it' if probe.core else ''}"
    yield from _wrapped("verdict: ", f"{answer.verdict}: {answer.reason}")
    yield from _places("evidence", answer.evidence)
    yield from _places("near, and does not count", answer.near)
    if answer.looked_for:
        yield from _wrapped("  looked for: ", ", ".join(answer.looked_for))
    yield "what would change it"
    for line in _change(probe, answer, audit.steps.get(probe.id)):
        yield from _wrapped("  ", line)
    yield from (f"see {reference}" for reference in probe.references)


def _places(title: str, places: tuple[Evidence, ...]) -> Iterator[str]:
    if places:
        yield f"  {title}:"
    for item in places:
        yield f"    {item.path}:{item.line}  {item.excerpt}"
        yield f"      {item.why} ({item.strength}, {item.place})"


def _change(probe: Probe, answer: ProbeAnswer, step: PatchStep | None) -> tuple[str, ...]:
    if answer.verdict == "yes":
        if not answer.evidence:
            return ("a place of the kind that this probe looks for turns it to no",)
        return ("it turns to no when none of the places above is left, or none can be reached",)
    lines = [f"{probe.remedy.text} ({probe.remedy.effort})", f"to undo: {probe.rollback}"]
    if step is not None and step.files:
        lines.append(f"would touch: {', '.join(step.files)}")
    if step is not None and step.new_files:
        lines.append(f"would add: {', '.join(step.new_files)}")
    return (f"first: {answer.reason}", *lines) if answer.verdict == "unknown" else tuple(lines)


def _wrapped(label: str, text: str) -> Iterator[str]:
    """``text`` after ``label`` in lines that fit the terminal, the later ones indented."""
    import shutil
    import textwrap

    width = max(40, shutil.get_terminal_size((110, 24)).columns)
    yield from textwrap.wrap(
        text,
        width,
        initial_indent=label,
        subsequent_indent=" " * len(label),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _document(capability: Capability, probes: tuple[Probe, ...], audit: _Audit) -> dict[str, Any]:
    from codex_evidence.plain import to_plain

    return {
        "capability": capability.id,
        "title": capability.title,
        "origin": audit.origin,
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
                "answer": to_plain(audit.answers[probe.id]),
                "what_would_change_it": list(
                    _change(probe, audit.answers[probe.id], audit.steps.get(probe.id))
                ),
            }
            for probe in probes
        ],
    }
