"""Each repository here would run a program for a careless git. Every test first shows that its bait works."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from codex_audit.listing.git import GitView, git_view
from codex_audit.stages.index import index_tree
from tests.listing.repositories import git, repository, write


class Canary:
    """A program that leaves a file behind when it is run."""

    def __init__(self, place: Path) -> None:
        self.sign = place / "canary"
        self.program = place / "program"
        self.program.write_text(f"#!/bin/sh\n/usr/bin/touch '{self.sign}'\nexit 1\n", encoding="utf-8")
        self.program.chmod(0o755)

    def sang(self) -> bool:
        sang = self.sign.exists()
        self.sign.unlink(missing_ok=True)
        return sang


@pytest.fixture
def canary(tmp_path: Path) -> Canary:
    return Canary(tmp_path)


def stays_silent(canary: Canary, root: Path) -> None:
    canary.sang()
    view = git_view(root)
    assert not canary.sang()
    index_tree(root, None, exclude=(), jobs=1)
    assert not canary.sang()
    assert isinstance(view, GitView)
    assert b"a.py" in {name.path for name in view.names}


def test_fsmonitor_is_not_run(tmp_path: Path, canary: Canary) -> None:
    root = repository(tmp_path / "r", {"a.py": "1"})
    git(root, "config", "core.fsmonitor", str(canary.program))
    git(root, "status")
    assert canary.sang()
    stays_silent(canary, root)


@pytest.mark.parametrize("kind", ["clean", "smudge", "process"])
def test_filters_are_not_run(tmp_path: Path, canary: Canary, kind: str) -> None:
    root = repository(tmp_path / "r", {"a.py": "1", ".gitattributes": "*.py filter=bait\n"})
    git(root, "config", f"filter.bait.{kind}", str(canary.program))
    git(root, "config", "filter.bait.required", "true")
    (root / "a.py").unlink()
    git(root, "checkout", "--", "a.py", check=False)
    write(root, {"a.py": "3"})
    git(root, "add", "a.py", check=False)
    assert canary.sang()
    os.utime(root / "a.py", (1, 1))
    stays_silent(canary, root)


def test_hooks_are_not_run(tmp_path: Path, canary: Canary) -> None:
    root = repository(tmp_path / "r", {"a.py": "1"})
    (root / ".git" / "hooks").mkdir(exist_ok=True)
    for hook in ("post-index-change", "pre-commit", "fsmonitor-watchman", "post-checkout"):
        (root / ".git" / "hooks" / hook).symlink_to(canary.program)
    write(root, {"b.py": "2"})
    git(root, "add", "b.py", check=False)
    assert canary.sang()
    os.utime(root / "a.py", (1, 1))
    stays_silent(canary, root)


def by_upload_program(canary: Canary, root: Path) -> None:
    git(root, "config", "remote.origin.url", str(root))
    git(root, "config", "remote.origin.uploadpack", str(canary.program))


def by_own_transport(canary: Canary, root: Path) -> None:
    git(root, "config", "remote.origin.url", f"ext::{canary.program}")


def by_ssh_command(canary: Canary, root: Path) -> None:
    git(root, "config", "remote.origin.url", "ssh://nowhere.invalid/x")
    git(root, "config", "core.sshCommand", str(canary.program))


@pytest.mark.parametrize("bait", [by_upload_program, by_own_transport, by_ssh_command])
def test_a_missing_object_is_not_fetched(
    tmp_path: Path, canary: Canary, bait: Callable[[Canary, Path], None]
) -> None:
    """A partial clone whose ignore file is not checked out: to list untracked files, git fetches that file.

    The repository names the remote and the program to reach it by, and allows the transport.
    """
    root = repository(tmp_path / "r", {"a.py": "1", "pkg/.gitignore": "*.log\n"})
    missing = git(root, "rev-parse", "HEAD:pkg/.gitignore").decode().strip()
    git(root, "update-index", "--skip-worktree", "pkg/.gitignore")
    (root / "pkg" / ".gitignore").unlink()
    (root / ".git" / "objects" / missing[:2] / missing[2:]).unlink()
    write(root, {"pkg/new.py": "2"})
    git(root, "config", "core.repositoryFormatVersion", "1")
    git(root, "config", "extensions.partialClone", "origin")
    git(root, "config", "remote.origin.promisor", "true")
    for transport in ("ext", "file", "ssh"):
        git(root, "config", f"protocol.{transport}.allow", "always")
    bait(canary, root)
    git(root, "-c", "protocol.allow=never", "ls-files", "--others", "--exclude-standard", check=False)
    assert canary.sang()
    stays_silent(canary, root)


def test_pagers_and_aliases_are_not_run(tmp_path: Path, canary: Canary) -> None:
    root = repository(tmp_path / "r", {"a.py": "1"})
    for alias in ("bait", "ls-files", "rev-parse", "check-ignore"):
        git(root, "config", f"alias.{alias}", f"!{canary.program}")
    for name in ("core.pager", "pager.ls-files", "core.editor", "diff.external", "core.askPass"):
        git(root, "config", name, str(canary.program))
    git(root, "bait", check=False)
    assert canary.sang()
    stays_silent(canary, root)


def test_settings_pulled_in_from_a_file_of_the_tree_run_nothing(tmp_path: Path, canary: Canary) -> None:
    root = repository(tmp_path / "r", {"a.py": "1", "more": f"[core]\nfsmonitor = {canary.program}\n"})
    git(root, "config", "include.path", "../more")
    git(root, "status")
    assert canary.sang()
    stays_silent(canary, root)


def test_a_git_file_that_points_into_the_tree_runs_nothing(tmp_path: Path, canary: Canary) -> None:
    root = repository(tmp_path / "r", {"a.py": "1"})
    (root / ".git").rename(root / "kept")
    (root / ".git").write_text("gitdir: kept\n", encoding="utf-8")
    git(root, "config", "core.fsmonitor", str(canary.program))
    git(root, "status")
    assert canary.sang()
    stays_silent(canary, root)
