"""``codex-audit init``: write a commented workflow.yaml."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from codex_audit.commands.options import Subparsers, check_folder, given_path
from codex_evidence.errors import UsageError


def add_parser(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser("init", help="write a commented workflow.yaml")
    parser.add_argument(
        "path", nargs="?", type=given_path, default=Path(), metavar="PATH", help="the tree (default: here)"
    )
    parser.add_argument("--force", action="store_true", help="replace the one that is there")
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    from codex_audit.workflow.load import WORKFLOW_FILE, default_text
    from codex_evidence.atomic import write_bytes

    check_folder(arguments.path)
    file = arguments.path / WORKFLOW_FILE
    if os.path.lexists(file) and not arguments.force:
        raise UsageError(f"{file} is there already; --force replaces it")
    write_bytes(file, default_text().encode("utf-8"))
    print(f"wrote {file}: change what differs for this tree, and delete the rest")
    return 0
