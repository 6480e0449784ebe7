"""The command ``codex-train``: in this release it says its version, and what it does not do yet."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.metadata import version

NOT_YET = (
    "codex-train: training commands are not part of this release; they will need the extra `train` "
    "(pip install 'codex-audit[train]'). Only --version works."
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run with ``argv`` (default: the process's own arguments); the exit code is 0 or 2 (usage)."""
    arguments = sys.argv[1:] if argv is None else argv
    if list(arguments) == ["--version"]:
        print(f"codex-train {version('codex-audit')}")
        return 0
    print(NOT_YET, file=sys.stderr)
    return 2


if __name__ == "__main__":
    raise SystemExit(main())
