"""Takes torch out of a lock file: its builds differ by platform, so requirements/torch.txt names it without a hash.

python scripts/lock_torch_apart.py requirements/dev.txt
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

APART = "torch=="


def without_torch(lines: Iterable[str]) -> Iterator[str]:
    """``lines`` of a lock without the block of torch: its line, its hashes and the comment on who wants it."""
    inside = False
    for line in lines:
        if not line.startswith((" ", "#")):
            inside = line.startswith(APART)
        if not inside:
            yield line


def main() -> None:
    for name in sys.argv[1:]:
        path = Path(name)
        path.write_text("".join(without_torch(path.read_text().splitlines(keepends=True))))


if __name__ == "__main__":
    main()
