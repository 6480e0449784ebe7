"""``codex-audit diff``: what changed from one audit to the next."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from codex_audit.commands.options import Subparsers, add_format, given_path, print_json, print_lines

if TYPE_CHECKING:
    from codex_audit.verify.compare import Comparison, EvidenceMove, ScoreChange, VerdictChange


def add_parser(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser("diff", help="compare two audits; exit 1 when a verdict fell from yes")
    for name in ("old", "new"):
        parser.add_argument(
            name,
            type=given_path,
            metavar=name.upper(),
            help="an output folder, or its capabilities_scored.json",
        )
    add_format(parser)
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    from codex_audit.verify.compare import compare, read_side

    result = compare(read_side(arguments.old), read_side(arguments.new))
    if arguments.format == "json":
        print_json(_document(result))
    else:
        print_lines(_lines(result))
    return 1 if result.regressed else 0


def _lines(result: Comparison) -> Iterator[str]:
    yield from map(_verdict_line, result.verdicts)
    yield from map(_score_line, result.scores)
    yield from map(_move_line, result.moves)
    if not result.verdicts_compared:
        yield "verdicts not compared: capabilities_raw.json is missing beside the scores"
    yield f"score {result.old_score:.4f} -> {result.new_score:.4f}"
    yield "regression: see above" if result.regressed else "no regression"


def _verdict_line(change: VerdictChange) -> str:
    mark = "fell   " if change.regression else "changed"
    return f"{mark} {change.probe}: {change.old} -> {change.new} ({change.reason})"


def _score_line(change: ScoreChange) -> str:
    mark = "fell   " if change.fell else "scored "
    status = (
        f"{change.old_status} -> {change.new_status}"
        if change.old_status != change.new_status
        else change.new_status
    )
    return f"{mark} {change.capability}: {status}, {change.old_score:.4f} -> {change.new_score:.4f}"


def _move_line(move: EvidenceMove) -> str:
    gone, found = ", ".join(move.gone) or "nothing", ", ".join(move.found) or "nothing"
    return f"moved   {move.probe}: {gone} -> {found}"


def _document(result: Comparison) -> dict[str, Any]:
    from codex_evidence.plain import to_plain

    document: dict[str, Any] = to_plain(result)
    document["regressed"] = result.regressed
    return document
