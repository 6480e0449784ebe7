"""Repositories to check, and the hooks run in them as pre-commit runs them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.commands.cli import command

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
