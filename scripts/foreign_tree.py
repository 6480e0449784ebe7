"""Fetch the source distribution of transformers that an example in docs/examples/ is about, and print its folder.

    CODEX_TRANSFORMERS_TREE=$(python -m scripts.foreign_tree) python -m pytest tests/status

Its version and hash stand in ``benchmarks/transformers.txt``. It is unpacked into ``build/``, where a later call finds
it. Reading its metadata makes pip run the build backend of that archive, with the setuptools of this environment.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PINNED = ROOT / "benchmarks" / "transformers.txt"


def pinned_name() -> str:
    """``transformers-VERSION``, as pinned."""
    (version,) = re.findall(r"^transformers==(\S+)", PINNED.read_text(encoding="utf-8"), re.MULTILINE)
    return f"transformers-{version}"


def fetch(build: Path) -> Path:
    """The unpacked tree in ``build``, fetched unless it is there. pip checks its hash; raises CalledProcessError."""
    tree = build / pinned_name()
    if tree.exists():
        return tree
    build.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=build) as scratch:
        command = [
            "-m",
            "pip",
            "download",
            "--quiet",
            "--require-hashes",
            "--no-deps",
            "--no-build-isolation",
        ]
        where = ["--requirement", str(PINNED), "--dest", scratch]
        subprocess.run([sys.executable, *command, *where], check=True, stdout=sys.stderr)
        (archive,) = Path(scratch).glob("*.tar.gz")
        with tarfile.open(archive) as members:
            members.extractall(scratch, filter="data")
        (Path(scratch) / tree.name).rename(tree)  # in one step: no half tree stays where this one is stopped
    return tree


def main() -> int:
    try:
        print(fetch(ROOT / "build"))
    except subprocess.CalledProcessError as error:
        print(
            f"foreign_tree: pip ended with exit code {error.returncode}; its output is above", file=sys.stderr
        )
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
