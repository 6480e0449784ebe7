"""Writes an example of a status update in docs/examples/: of this repository, or of a foreign tree.

    python -m scripts.status_examples
    python -m scripts.status_examples --foreign DIR [--name NAME]

DIR is an unpacked source distribution. What the command would print goes to ``docs/examples/status-update-codex.md`` or
``status-update-NAME.md``; the examples themselves are no part of what is looked at.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from codex_audit.commands.options import catalogue, vocabulary
from codex_audit.stages.request import Request
from codex_audit.status.known import find_out
from codex_audit.status.markdown import write
from codex_audit.status.update import status_update
from codex_audit.workflow.load import load_workflow

ROOT = Path(__file__).resolve().parent.parent
FOLDER = Path("docs/examples")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--foreign", type=Path, metavar="DIR", help="an unpacked source distribution")
    parser.add_argument("--name", default="transformers", help="what to call its example (transformers)")
    arguments = parser.parse_args()
    (ROOT / FOLDER).mkdir(exist_ok=True)
    foreign: Path | None = arguments.foreign
    path = FOLDER / f"status-update-{arguments.name if foreign else 'codex'}.md"
    own = frozenset(
        place.relative_to(ROOT).as_posix() for place in (ROOT / FOLDER).glob("status-update-*.md")
    )
    script = f"{path.stem}_gates.py"
    (ROOT / path).write_bytes(
        example(foreign, script, frozenset()) if foreign else example(ROOT, script, own)
    )
    print(path)


def example(tree: Path, script: str, own: frozenset[str]) -> bytes:
    workflow = load_workflow(tree, None, vocabulary()).workflow
    request = Request(tree, tree, workflow, catalogue, len(os.sched_getaffinity(0)))
    return write(status_update(find_out(request, own=own), script))


if __name__ == "__main__":
    main()
