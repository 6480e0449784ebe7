"""Repositories to check, and the hooks run in them as pre-commit runs them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from codex_audit.main import main
from tests.commands.cli import command, write_tree
from tests.recorder.made_up import make_run

GIT = ("git", "-c", "user.name=Nobody", "-c", "user.email=nobody@example.org")


def git(folder: Path, *words: str) -> str:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    done = subprocess.run(
        [*GIT, *words], cwd=folder, capture_output=True, text=True, check=True, env=environment
    )
    return done.stdout


def repository(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """A git repository with ``files``, all of them staged."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "--quiet")
    for name, content in files.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content.encode() if isinstance(content, str) else content)
    git(folder, "add", "--all", "--force")
    return folder


def hook(folder: Path, *words: object) -> tuple[int, list[str]]:
    """Exit code and lines of ``codex-audit hook``, both streams."""
    done = command("hook", *words, cwd=folder)
    return done.returncode, [*done.stdout.splitlines(), *done.stderr.splitlines()]


def audit(tree: Path) -> None:
    assert main(["run", str(tree), "--format", "json", "--jobs", "1"]) == 0


def clean(tree: Path, files: Mapping[str, str | bytes]) -> Path:
    """A clean repository with an audit, a baseline and a run, all committed; the run's checkpoints are not."""
    write_tree(tree)
    make_run(tree / "runs/one")
    repository(tree, {".gitignore": "checkpoints/\n", **files})
    git(tree, "rm", "-r", "--quiet", "--cached", "runs/one/checkpoints")
    audit(tree)
    assert main(["gate", str(tree), "--write-baseline"]) == 0
    git(tree, "add", "--all")
    git(tree, "commit", "--quiet", "--message", "clean")
    return tree


def failed(tree: Path, *words: str, variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """What each failed hook said, by its id, when ``pre-commit WORDS`` ran in ``tree``."""
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("GIT_", "PRE_COMMIT"))
    }
    done = subprocess.run(
        [sys.executable, "-m", "pre_commit", words[0], "--color=never", *words[1:]],
        cwd=tree,
        env={**environment, **(variables or {}), "PRE_COMMIT_HOME": str(tree.parent / "pre-commit")},
        capture_output=True,
        text=True,
        check=False,
    )
    parts = re.split(r"^- hook id: (.+)$", done.stdout, flags=re.MULTILINE)
    found = dict(zip(parts[1::2], parts[2::2], strict=True))
    assert done.returncode == bool(found), done.stdout + done.stderr
    return found


@dataclass(frozen=True, slots=True)
class Fault:
    """Something to plant in a clean repository, and what ``hook`` says of it."""

    name: str
    hook: str
    said: str
    plant: Callable[[Path], None]


def added(name: str, text: str) -> Callable[[Path], None]:
    def plant(tree: Path) -> None:
        place = tree / name
        place.parent.mkdir(exist_ok=True)
        place.write_bytes((place.read_bytes() if place.exists() else b"") + text.encode())

    return plant


def change_checkpoint(tree: Path) -> None:
    weights = tree / "runs/one/checkpoints/step-000008/model.safetensors"
    data = weights.read_bytes()
    weights.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))


LOAD = "\nimport pickle\nSTATE = pickle.load(open('s', 'rb'))\n"
FAULTS = (
    Fault("dead link", "codex-links", "README.md:5: link none.md", added("README.md", "\n[x](none.md)\n")),
    Fault(
        "unclosed fence", "codex-fences", "N.md:1: the fence ``` is not closed", added("N.md", "```sh\nls\n")
    ),
    Fault(
        "committed .env",
        "codex-artifacts",
        "tests/.env: a file of environment variables",
        added("tests/.env", "A=1\n"),
    ),
    Fault("checkpoint", "codex-runs", "runs/one/checkpoints/step-000008", change_checkpoint),
    Fault(
        "new failure",
        "codex-audit-gate",
        "new: security.safe-load: pkg/train.py:",
        added("pkg/train.py", LOAD),
    ),
    Fault(
        "stale audit",
        "codex-audit-current",
        "pkg/train.py: changed since the audit",
        added("pkg/train.py", "\nLATER = 1\n"),
    ),
)
"""One for each hook of the stage pre-commit."""
