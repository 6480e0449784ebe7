"""The commands that are measured, and where each keeps what it remembers and writes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks import parse_walk

RAW = Path("audit_artifacts") / "capabilities_raw.json"
INDEX = Path("audit_artifacts") / "context_index.json"
NO_CACHE = ("--no-cache",)


@dataclass(frozen=True, slots=True)
class Programs:
    """Commands on ``tree`` with ``jobs`` processes or threads each. ``scratch`` is an empty folder for their files."""

    tree: Path
    scratch: Path
    jobs: int

    @property
    def environment(self) -> dict[str, str]:
        """That of this process, without what changes the commands, and as many threads for ruff as it has jobs."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("RUFF_", "SOURCE_DATE_EPOCH", "PYTHONDONTWRITEBYTECODE"))
        }
        return {**kept, "RAYON_NUM_THREADS": str(self.jobs)}

    @property
    def remembering(self) -> tuple[str, str]:
        """The audit's options for a cache that all its runs share."""
        return "--cache", str(self.scratch / "audit-cache")

    @property
    def anew(self) -> tuple[str, str]:
        """The audit's options for a cache that ``forget`` empties."""
        return "--cache", str(self.scratch / "audit-cache-anew")

    def forget(self) -> None:
        shutil.rmtree(self.anew[1], ignore_errors=True)

    def output(self, name: str) -> Path:
        """Where the audit called ``name`` writes."""
        return self.scratch / "audits" / name

    def audit(self, name: str, *options: str) -> tuple[str, ...]:
        given = ("--output", str(self.output(name)), "--jobs", str(self.jobs))
        return (beside_python("codex-audit"), "run", str(self.tree), *given, *options)

    def ruff(self, *options: str) -> tuple[str, ...]:
        given = ("--select", "E9", "--isolated", "--exit-zero", "--quiet")
        return (beside_python("ruff"), "check", *given, *options, str(self.tree))

    @property
    def ruff_remembering(self) -> tuple[str, ...]:
        return self.ruff("--cache-dir", str(self.scratch / "ruff-cache"))

    def parse_walk(self, name: str) -> tuple[str, ...]:
        """Parsing and one walk of the Python files that the audit called ``name`` read."""
        listing = self.scratch / "python-files"
        paths = "\0".join(str(self.tree / path) for path in self.python_files(name))
        listing.write_text(paths, encoding="utf-8")
        return (sys.executable, str(parse_walk.__file__), str(listing), str(self.jobs))

    def python_files(self, name: str) -> list[str]:
        """The Python files that the audit called ``name`` listed."""
        files = json.loads((self.output(name) / INDEX).read_bytes())["files"]
        return [
            file["path"]
            for file in files
            if file["kind"] == "file" and file["path_encoding"] == "utf-8" and file["path"].endswith(".py")
        ]

    def verdicts(self, name: str) -> bytes:
        """The answers of the audit called ``name``."""
        return (self.output(name) / RAW).read_bytes()


def beside_python(name: str) -> str:
    """The program ``name`` of the environment that runs this. Raises FileNotFoundError without one."""
    path = Path(sys.executable).with_name(name)
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing; `make install` puts it there")
    return str(path)


def version_of(name: str) -> str:
    """What ``name --version`` says."""
    done = subprocess.run([beside_python(name), "--version"], capture_output=True, text=True, check=True)
    return done.stdout.strip()
