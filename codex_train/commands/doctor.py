"""``codex-train doctor``: what is installed, what a run would record, and whether this machine repeats itself."""

from __future__ import annotations

import argparse

from codex_train.commands.options import Subparsers, add_format, print_json, print_lines


def add_parser(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser(
        "doctor", help="check this installation and machine; exit 1 when something is missing"
    )
    add_format(parser)
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    from codex_train.screens.doctor import doctor_lines, examine

    document = examine()
    if arguments.format == "json":
        print_json(document)
    else:
        print_lines(doctor_lines(document))
    return 1 if document["faults"] else 0
