"""The labelled source distributions: fetched, unpacked, and found again by name."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"
LABELS = CORPUS / "labels"
SDISTS = CORPUS / "sdists.txt"


def fetch(folder: Path) -> None:
    """Download the pinned archives into ``folder`` and unpack them there. pip checks their hashes."""
    command = ["-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    subprocess.run(
        [sys.executable, *command, "--requirement", str(SDISTS), "--dest", str(folder)], check=True
    )
    for archive in sorted(folder.glob("*.tar.gz")):
        with tarfile.open(archive) as members:
            members.extractall(folder, filter="data")


def tree_of(folder: Path, name: str, version: str) -> Path:
    """The unpacked tree of distribution ``name`` below ``folder``. Raises FileNotFoundError without one."""
    wanted = f"{_normalised(name)}-{version}"
    for path in sorted(folder.iterdir()):
        stem, _, release = path.name.rpartition("-")
        if path.is_dir() and f"{_normalised(stem)}-{release}" == wanted:
            return path
    raise FileNotFoundError(
        f"{folder} holds no tree {wanted}; see benchmarks/corpus/README.md for how to fetch it"
    )


def _normalised(name: str) -> str:
    """As PEP 503 compares names."""
    return re.sub(r"[-_.]+", "-", name).lower()
