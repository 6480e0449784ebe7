"""``codex-train compare``: what differs between two runs, and from which step on."""

from __future__ import annotations

import argparse

from codex_train.commands.options import Subparsers, add_format, given_path, print_json, print_lines


def add_parser(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser(
        "compare", help="what differs between two runs; exit 1 when their steps or last states do"
    )
    for name in ("first", "second"):
        parser.add_argument(name, type=given_path, metavar="RUN", help="a run folder")
    add_format(parser)
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    from codex_train.screens.comparison import comparison, comparison_lines
    from codex_train.screens.folder import steps_of, view_run

    first, second = view_run(arguments.first), view_run(arguments.second)
    document = comparison(first, steps_of(first), second, steps_of(second))
    if arguments.format == "json":
        print_json(document)
    else:
        print_lines(comparison_lines(document))
    return 0 if document["same"] else 1
