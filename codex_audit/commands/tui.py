"""``codex-audit tui``: browse an audit and the runs below a folder in the terminal."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from pathlib import Path

from codex_audit.commands.options import Subparsers, check_folder, given_path
from codex_evidence.errors import UsageError


def add_parser(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser("tui", help="browse an audit and training runs in the terminal")
    parser.add_argument(
        "folder",
        nargs="?",
        type=given_path,
        default=Path(),
        metavar="DIR",
        help="where the audit lies, and runs below it (default: here)",
    )
    parser.add_argument(
        "--tree", type=given_path, metavar="PATH", help="the audited tree, if it is not DIR itself"
    )
    parser.add_argument(
        "--against",
        type=given_path,
        action="append",
        default=[],
        metavar="DIR",
        help="an older audit to compare with; may be given more than once",
    )
    parser.add_argument("--theme", choices=("dark", "light"), default="dark", help="colours (default: dark)")
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    check_folder(arguments.folder)
    tree = arguments.folder if arguments.tree is None else arguments.tree
    check_folder(tree)
    if not (sys.stdin.isatty() and sys.stdout.isatty()) or os.environ.get("TERM", "dumb") == "dumb":
        raise UsageError("tui needs a terminal; codex-audit run, explain and verify write plain text")

    from codex_audit.tui.app import AuditApp

    # Thousands of rows are no garbage: looking through them at its usual pace, the collector would make keys wait.
    gc.set_threshold(50_000, 20, 100)
    app = AuditApp(arguments.folder, tree, tuple(arguments.against), light=arguments.theme == "light")
    app.run()
    if app.error is not None:
        raise app.error
    return app.return_code or 0
