"""``codex-audit status-update``: what a team wants to know of a repository, written from facts."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from codex_audit.commands.options import (
    Subparsers,
    add_cache,
    add_format,
    add_jobs,
    add_workflow,
    catalogue,
    check_folder,
    given_path,
    jobs_of,
    print_lines,
    store_of,
    vocabulary,
)
from codex_evidence.errors import UsageError

if TYPE_CHECKING:
    from codex_audit.status.model import StatusUpdate

_ENDING = "_gates.py"
_DEFAULT_SCRIPT = f"status_update{_ENDING}"


def add_parser(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser("status-update", help="write what a team wants to know of a tree")
    parser.add_argument(
        "path", nargs="?", type=given_path, default=Path(), metavar="PATH", help="the tree (default: here)"
    )
    parser.add_argument(
        "--output",
        type=given_path,
        metavar="FILE",
        help="write the update there, and beside it a script that runs the gates (default: print it)",
    )
    add_workflow(parser)
    add_format(parser)
    add_jobs(parser)
    add_cache(parser)
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    from codex_audit.progress import progress
    from codex_audit.stages.request import Request
    from codex_audit.status.known import find_out
    from codex_audit.status.update import status_update
    from codex_audit.workflow.load import load_workflow

    check_folder(arguments.path)
    script = _script_of(arguments.output)
    loaded = load_workflow(arguments.path, arguments.workflow, vocabulary())
    own = _inside(arguments.path, arguments.output, script)
    store = store_of(arguments, arguments.path)
    request = Request(arguments.path, arguments.path, loaded.workflow, catalogue, jobs_of(arguments), store)
    with progress() as tell:
        known = find_out(request, loaded.notes, own, tell)
    update = status_update(known, script.name if script is not None else _DEFAULT_SCRIPT)
    data = _bytes(update, arguments.format)
    if arguments.output is None or script is None:
        sys.stdout.write(data.decode("utf-8"))
        return 0
    _write(arguments.output, data, script, update)
    print_lines((f"update  {arguments.output}", f"script  {script}"))
    return 0


def _bytes(update: StatusUpdate, form: str) -> bytes:
    if form == "json":
        from codex_evidence.documents import artifact_bytes

        return artifact_bytes(update) + b"\n"
    from codex_audit.status.markdown import write

    return write(update)


def _script_of(output: Path | None) -> Path | None:
    """Where the script goes. Raises UsageError where it would replace a file that is not its former self."""
    from codex_audit.status.script import MARK

    if output is None:
        return None
    if output.is_dir() or not output.parent.is_dir():
        raise UsageError(f"{output} cannot be written; --output is a file in a folder that exists")
    script = output.with_name(f"{output.stem}{_ENDING}")
    if script.is_symlink() or (script.exists() and MARK.encode() not in script.read_bytes()[:500]):
        raise UsageError(f"{script} is there and was not written by this command; move it away")
    return script


def _inside(tree: Path, output: Path | None, script: Path | None) -> frozenset[str]:
    """The paths of the update itself, where it lies in the tree: it must not say anything of itself."""
    place = tree.resolve()
    files = [path.parent.resolve() / path.name for path in (output, script) if path is not None]
    return frozenset(path.relative_to(place).as_posix() for path in files if path.is_relative_to(place))


def _write(output: Path, data: bytes, script: Path, update: StatusUpdate) -> None:
    from codex_audit.status.script import gates_script
    from codex_evidence.atomic import write_bytes

    write_bytes(output, data)
    write_bytes(script, gates_script(script.name, update.gates).encode("utf-8"))
    script.chmod(script.stat().st_mode | 0o111)
