"""``codex-train inspect``: what a run folder holds, and whether it fits together."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from codex_evidence.errors import UsageError
from codex_train.commands.options import Subparsers, add_format, given_path, print_json, print_lines

if TYPE_CHECKING:
    from codex_train.screens.folder import RunView, Steps


def add_parser(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser("inspect", help="show a run; exit 1 when its folder does not fit together")
    parser.add_argument("run", type=given_path, metavar="RUN", help="the run folder")
    parser.add_argument(
        "--no-verify", dest="verify", action="store_false", help="do not hash files and checkpoints"
    )
    parser.add_argument(
        "--curve", type=given_path, metavar="FILE", help="write the curve of the loss: .svg, or .png"
    )
    add_format(parser)
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    from codex_evidence.runs import examine_run
    from codex_train.screens.folder import steps_of, view_run
    from codex_train.screens.inspection import inspection, inspection_lines

    shown = view_run(arguments.run)
    steps = steps_of(shown)
    report = examine_run(arguments.run) if arguments.verify else None
    document = inspection(shown, steps, report)
    if arguments.curve is not None:
        _write_curve(shown, steps, arguments.curve)
    if arguments.format == "json":
        print_json(document)
    else:
        print_lines(inspection_lines(document))
    return 1 if steps.notes or (report is not None and report.findings) else 0


def _write_curve(shown: RunView, steps: Steps, path: Path) -> None:
    from codex_evidence.atomic import write_bytes
    from codex_train.screens.curve import png, svg
    from codex_train.screens.folder import run_curve

    curve = run_curve(shown.name, steps)
    if curve is None:
        raise UsageError(f"{shown.folder} has no step yet, and so no curve")
    if path.suffix not in (".svg", ".png"):
        raise UsageError(f"--curve {path}: a curve is written as .svg or .png")
    picture = svg(curve) if path.suffix == ".svg" else png(curve)
    if picture is None:
        raise UsageError("a PNG needs matplotlib; pip install matplotlib, or write an .svg")
    write_bytes(path, picture)
