"""``codex-audit diff``: what changed from one audit to the next."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codex_audit.commands.options import Subparsers, add_format, print_json

if TYPE_CHECKING:
    from codex_audit.verify.compare import Comparison, EvidenceMove, ScoreChange, VerdictChange


def add_parser(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser("diff", help="compare two audits; exit 1 when a verdict fell from yes")
    for name in ("old", "new"):
        parser.add_argument(
            name, type=Path, metavar=name.upper(), help="an output folder, or its capabilities_scored.json"
        )
    add_format(parser)
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    from codex_audit.verify.compare import compare, read_side

    result = compare(read_side(arguments.old), read_side(arguments.new))
    if arguments.format == "json":
        print_json(_document(result))
    else:
        _show(result)
    return 1 if result.regressed else 0


def _show(result: Comparison) -> None:
    for verdict in result.verdicts:
        print(_verdict_line(verdict))
    for score in result.scores:
        print(_score_line(score))
    for move in result.moves:
        print(_move_line(move))
    if not result.verdicts_compared:
        print("verdicts not compared: capabilities_raw.json is missing beside the scores")
    print(f"score {result.old_score:.4f} -> {result.new_score:.4f}")
    print("regression: see above" if result.regressed else "no regression")


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
