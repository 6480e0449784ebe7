"""``codex-audit release-check``: whether a release may go out, and if not, why."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from codex_audit.commands.options import Subparsers, check_folder, given_path, print_json, print_lines
from codex_evidence.atomic import write_bytes


def add_parser(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser("release-check", help="say whether a release may go out, and if not, why")
    parser.add_argument(
        "path", nargs="?", type=given_path, default=Path(), metavar="PATH", help="the project (default: here)"
    )
    parser.add_argument(
        "--profile",
        default="default",
        metavar="NAME|FILE",
        help="what is asked: default, strict, or a YAML file of your own (default: default)",
    )
    parser.add_argument(
        "--keep",
        type=given_path,
        metavar="DIR",
        help="the folder for builds and what commands print (default: PATH/build/release)",
    )
    parser.add_argument(
        "--only", action="append", default=[], metavar="ITEM", help="ask this item; may be repeated"
    )
    parser.add_argument("--markdown", type=given_path, metavar="FILE", help="write the checklist there, too")
    parser.add_argument(
        "--format", choices=("rich", "json"), default="rich", help="for people, or one JSON document"
    )
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    from codex_audit.release.check import check, is_good
    from codex_audit.release.child import keeping
    from codex_audit.release.model import Ground
    from codex_audit.release.profile import load_profile
    from codex_audit.release.show import checklist, document, summary, table

    check_folder(arguments.path)
    root = arguments.path.resolve()
    kept = (arguments.keep or root / "build" / "release").resolve()
    ground = Ground(root, load_profile(arguments.profile), keeping(kept), sys.executable)
    answers = tuple(check(ground, frozenset(arguments.only), lambda item: _tell(item.question)))
    good = is_good(ground, answers)
    if arguments.markdown:
        write_bytes(arguments.markdown, checklist(answers, good=good).encode())
    if arguments.format == "json":
        print_json(document(answers, good=good))
    else:
        print_lines((*table(answers), summary(answers, good=good)))
    return 0 if good else 1


def _tell(question: str) -> None:
    """Shows what is being asked: some items take minutes."""
    if sys.stderr.isatty():
        print(f"\r\033[K{question}", end="", file=sys.stderr, flush=True)
