"""Small trees to write updates of, and the steps between a tree and an update."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from codex_audit.capabilities.catalogue import CATALOGUE
from codex_audit.commands.options import vocabulary
from codex_audit.query.defaults import load_defaults
from codex_audit.query.tree import Tree
from codex_audit.stages.facets import read_facets
from codex_audit.stages.index import index_tree
from codex_audit.stages.request import Request
from codex_audit.stages.vocabulary import load_vocabulary
from codex_audit.status.detectors.catalogue import ranked_findings
from codex_audit.status.ground import Ground
from codex_audit.status.known import Known, find_out
from codex_audit.status.model import Finding, StatusUpdate
from codex_audit.status.update import status_update
from codex_audit.workflow.load import load_workflow

CLEAN: dict[str, str] = {
    "README.md": "# Example\n\nInstall with `pip install .` and run `adder --help`.\n",
    "pyproject.toml": """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "adder"
version = "1.0"
dependencies = ["numpy>=1.26"]

[project.scripts]
adder = "adder.main:main"

[tool.ruff]
line-length = 100
""",
    "adder/__init__.py": '"""An example."""\n\n__version__ = "1.0"\n',
    "adder/main.py": """\
import argparse

from adder.sums import total


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("numbers", nargs="*", type=int)
    print(total(parser.parse_args().numbers))
    return 0
""",
    "adder/sums.py": "def total(numbers):\n    return sum(numbers)\n",
    "tests/test_main.py": """\
from adder.main import main


def test_main_prints_the_sum(capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["adder", "1", "2"])
    assert main() == 0
    assert capsys.readouterr().out == "3\\n"
""",
}
"""A tree in which no detector finds anything."""


def planted(folder: Path, files: Mapping[str, str | bytes], *, git: bool = False) -> Path:
    """``files`` below ``folder``, committed where ``git`` says so."""
    folder.mkdir(parents=True, exist_ok=True)
    for path, content in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content.encode() if isinstance(content, str) else content)
    if git:
        run_git(folder, "init", "--quiet")
        commit(folder, "First")
    return folder


def commit(folder: Path, subject: str, date: str = "2026-01-02T03:04:05Z") -> None:
    run_git(folder, "add", "--all", "--force")
    run_git(folder, "commit", "--quiet", "--allow-empty", "--message", subject, date=date)


def run_git(
    folder: Path, *arguments: str, date: str = "", given: str = ""
) -> subprocess.CompletedProcess[str]:
    author = {"GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.org"}
    author |= {
        "GIT_COMMITTER_NAME": "A",
        "GIT_COMMITTER_EMAIL": "a@example.org",
        "GIT_CONFIG_GLOBAL": os.devnull,
    }
    dates = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date} if date else {}
    return subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env={**os.environ, **author, **dates},
        input=given,
        capture_output=True,
        text=True,
        check=True,
    )


def known_of(tree: Path) -> Known:
    workflow = load_workflow(tree, None, vocabulary()).workflow
    return find_out(Request(tree, tree, workflow, lambda: CATALOGUE))


def update_of(tree: Path) -> StatusUpdate:
    return status_update(known_of(tree), "status_update_gates.py")


def ground_of(tree: Path) -> Ground:
    """The facts alone, without asking any probe."""
    listing = index_tree(tree, None, exclude=(), jobs=1)
    reading = read_facets(listing, cache(lambda: load_vocabulary(CATALOGUE)), jobs=1)
    pairs = zip(listing.index.files, listing.object_ids, strict=True)
    tracked = frozenset(entry.path for entry, object_id in pairs if object_id)
    git = listing.index.view == "git"
    return Ground(Tree(reading.files, load_defaults()), listing.index, tracked if git else None)


def findings_of(folder: Path, extra: Mapping[str, str | bytes], *, git: bool = False) -> tuple[Finding, ...]:
    """What the detectors find in the clean tree with ``extra`` files over it."""
    return ranked_findings(ground_of(planted(folder, {**CLEAN, **extra}, git=git)))
