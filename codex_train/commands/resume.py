"""``codex-train resume``: go on from a checkpoint, to the same bits."""

from __future__ import annotations

import argparse

from codex_evidence.errors import UsageError
from codex_train.commands.options import Subparsers, add_format, add_overrides, given_path, print_outcome


def add_parser(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser("resume", help="go on from a checkpoint of a run that was stopped")
    parser.add_argument("folder", type=given_path, metavar="RUN", help="the run folder")
    add_overrides(parser, "settings to change; each needs its --accept")
    parser.add_argument(
        "--from",
        dest="checkpoint",
        default="latest",
        metavar="latest|PATH",
        help="the checkpoint (default: latest)",
    )
    parser.add_argument(
        "--accept",
        action="append",
        default=[],
        metavar="FIELD",
        help="go on although this field differs, and record that; may be given again",
    )
    add_format(parser)
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    folder = arguments.folder
    if not folder.is_dir():
        what = "is no folder" if folder.exists() else "does not exist"
        raise UsageError(f"{folder} {what}; give a run folder, which `codex-train run` made")
    if not arguments.checkpoint:
        raise UsageError("--from is empty; give latest, or the folder of a checkpoint")
    from codex_train.config.overrides import parse_override, single

    for text in arguments.overrides:
        single(parse_override(text))
    from codex_train.engine.run import resume_training

    outcome = resume_training(
        folder,
        arguments.checkpoint,
        accept=arguments.accept,
        overrides=arguments.overrides,
        show=arguments.format != "json",
    )
    return print_outcome(outcome, arguments.format)
