"""Real git repositories for tests, whatever the settings of the person who runs them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ALONE = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_SYSTEM": "/dev/null",
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@example.org",
}


def git(folder: Path, *arguments: str, check: bool = True) -> bytes:
    """Runs git as a careless user would, with whatever the repository asks for."""
    done = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if not name.startswith("GIT_")} | ALONE,
        capture_output=True,
        check=check,
        timeout=60,
    )
    return done.stdout


def repository(folder: Path, files: dict[str, str] | None = None, *, commit: bool = True) -> Path:
    """A repository in ``folder`` with ``files`` tracked, and committed if asked for."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "-q", "-b", "main")
    write(folder, files or {})
    if files:
        git(folder, "add", "--all")
        if commit:
            git(folder, "commit", "-q", "-m", "Begin")
    return folder


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


@pytest.fixture
def lone_git(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the repository's own settings count: this machine's and the caller's must not decide a test."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
