"""``codex-audit probes``: every question, and how right its answers are."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from codex_audit.commands.options import Subparsers, print_json, print_lines

if TYPE_CHECKING:
    from codex_audit.accuracy.measured import Measured
    from codex_audit.capabilities.model import Capability, Probe


def add_parser(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser("probes", help="list all probes and how right their answers are")
    parser.add_argument(
        "--format",
        choices=("rich", "json", "markdown"),
        default="rich",
        help="a list, one JSON document, or the whole reference",
    )
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    from codex_audit.accuracy.measured import measured
    from codex_audit.capabilities.catalogue import CATALOGUE
    from codex_audit.reports.probe_reference import probe_reference

    known = measured()
    if arguments.format == "json":
        print_json(_document(CATALOGUE, known))
    elif arguments.format == "markdown":
        sys.stdout.write(probe_reference(CATALOGUE, known))
    else:
        print_lines(_lines(CATALOGUE, known))
    return 0


def _lines(catalogue: tuple[Capability, ...], known: Measured) -> Iterator[str]:
    for capability in catalogue:
        yield f"{capability.id}: {capability.title}"
        for probe in capability.probes:
            counts = known.of(probe.id)
            right = f"{counts.right} of {counts.labels}" if counts.labels else "not measured"
            yield f"  {probe.id:<32} {right:>12}  {probe.ask}"
    yield ""
    yield f"right answers on the labels of {len(known.corpus)} repositories; codex-audit explain PROBE tells more"


def _document(catalogue: tuple[Capability, ...], known: Measured) -> dict[str, Any]:
    return {
        "corpus": list(known.corpus),
        "hard_labels_left_out": known.hard,
        "capabilities": [
            {
                "id": capability.id,
                "title": capability.title,
                "summary": capability.summary,
                "probes": [probe_document(probe, known) for probe in capability.probes],
            }
            for capability in catalogue
        ],
    }


def probe_document(probe: Probe, known: Measured) -> dict[str, Any]:
    """The words of a probe and how right it was, as JSON has them."""
    from codex_audit.accuracy.figures import precision, recall
    from codex_evidence.plain import to_plain

    counts = known.of(probe.id)
    return {
        "id": probe.id,
        "ask": probe.ask,
        "motivation": probe.motivation,
        "counts": probe.counts,
        "excludes": probe.excludes,
        "component": probe.component,
        "core": probe.core,
        "by_absence": probe.by_absence,
        "risk": probe.risk,
        "remedy": {"text": probe.remedy.text, "effort": probe.remedy.effort, "rollback": probe.rollback},
        "references": list(probe.references),
        "measured": {
            "repositories": len(known.corpus),
            **to_plain(counts),
            "precision": to_plain(precision(counts)),
            "recall": to_plain(recall(counts)),
        },
    }
