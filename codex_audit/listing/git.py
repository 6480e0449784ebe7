"""git's view of a folder: the tracked files and the untracked ones that it does not ignore.

A hostile repository must find nothing to run: ``codex_evidence.safe_git`` switches off what its configuration can name,
and only commands that hash and write nothing are called, for which no filter runs.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from codex_audit.listing.beneath import is_beneath
from codex_audit.listing.entry import Kind, Listed
from codex_audit.listing.walk import without_caches
from codex_evidence.errors import UnreadableError
from codex_evidence.files import read_bytes
from codex_evidence.safe_git import GitError, SafeGit

TIMEOUT = 60.0

# What the user ignores elsewhere is no part of the tree: the same list on any machine.
_SETTINGS = ("core.excludesFile=/dev/null", "core.attributesFile=/dev/null")

_HEAD = re.compile(rb"ref:\s*refs/|[0-9a-f]{40}")
_LONGEST_HEAD = 4096

_NESTED = "holds a git repository of its own, not entered"
_NO_REPOSITORY = "the folder is in no git repository"
_UNSEEN = "git could not open every folder; untracked files in those are not listed"


@dataclass(frozen=True, slots=True)
class GitView:
    """What git lists, in no order; ``notes`` say what it could not see."""

    names: tuple[Listed, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why there is no view of git's. The sentence holds nothing of this machine: no path, no version."""

    reason: str


def is_bare_repository(root: Path) -> bool:
    """Whether the folder ``root`` is itself what git keeps in a ``.git``.

    Asked without git, so that the answer is the same on a machine that has none.
    """
    if os.path.lexists(root / ".git"):
        return False
    if not ((root / "objects").is_dir() and (root / "refs").is_dir()):
        return False
    try:
        head = read_bytes(root / "HEAD", max_bytes=_LONGEST_HEAD)
    except UnreadableError:
        return False
    return _HEAD.match(head) is not None


def git_view(root: Path, *, timeout: float = TIMEOUT) -> GitView | Refusal:
    """What git lists beneath the real path ``root``, which may be any folder of a work tree.

    Submodules and other repositories inside are listed and not entered. Untracked caches and environments
    are left out as the walk leaves them out, whether or not the repository ignores them. Each git command
    may take ``timeout`` seconds. Runs nothing of the tree and writes nothing in it.
    """
    try:
        return _view(root, timeout)
    except GitError as refused:
        return Refusal(str(refused))


def head_commit(root: Path, *, timeout: float = TIMEOUT) -> str:
    """The commit that is checked out in the repository around ``root``; empty where git names none."""
    try:
        done = trusted_git(root, timeout).run("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    except GitError:
        return ""
    return "" if done.returncode else done.stdout.decode("ascii").strip()


def _view(root: Path, timeout: float) -> GitView:
    top = _enclosing(root)
    if top is None:
        raise GitError(_NO_REPOSITORY)
    git = trusted_git(root, timeout)
    _check_top(git, top)
    if top != root and _succeeds(git, "check-ignore", "--quiet", "."):
        raise GitError("the enclosing git repository ignores this folder")
    tracked = _tracked(_names(git, "ls-files", "--stage", "-z"))
    others = git.run("ls-files", "--others", "--exclude-standard", "-z")
    if others.returncode:
        raise GitError(_failure(others.stderr))
    untracked = _untracked(others.stdout.split(b"\0")[:-1])
    notes = (_UNSEEN,) if b"could not open directory" in others.stderr else ()
    return GitView((*tracked, *untracked), notes)


def trusted_git(root: Path, timeout: float = TIMEOUT) -> SafeGit:
    """git in ``root``, by a program that is none of the tree's. Raises GitError without one."""
    return SafeGit(root, timeout, _SETTINGS, program=_program(root))


def _names(git: SafeGit, *arguments: str) -> list[bytes]:
    """The NUL-terminated lines that git prints; raises GitError when it fails."""
    done = git.run(*arguments)
    if done.returncode:
        raise GitError(_failure(done.stderr))
    return done.stdout.split(b"\0")[:-1]


def _succeeds(git: SafeGit, *arguments: str) -> bool:
    done = git.run(*arguments)
    if done.returncode not in (0, 1):
        raise GitError(_failure(done.stderr))
    return done.returncode == 0


def _enclosing(root: Path) -> Path | None:
    """The nearest folder upward that holds a ``.git``. Asked without git, so that the answer for a plain
    folder is the same on a machine that has none."""
    return next((above for above in (root, *root.parents) if os.path.lexists(above / ".git")), None)


def _program(root: Path) -> str:
    """git as the PATH names it, never from the audited tree: relative entries and those inside it are
    skipped."""
    folders = map(Path, os.environ.get("PATH", os.defpath).split(os.pathsep))
    trusted = [
        str(place)
        for place in folders
        if place.is_absolute() and not Path(os.path.realpath(place)).is_relative_to(root)
    ]
    found = shutil.which("git", path=os.pathsep.join(trusted)) if trusted else None
    if found is None:
        raise GitError("git is not installed")
    return found


def _check_top(git: SafeGit, top: Path) -> None:
    """Refuses a repository whose configuration gives its files to some other folder than the one that holds
    it."""
    done = git.run("rev-parse", "--is-inside-work-tree", "--show-toplevel")
    inside, _, shown = done.stdout.partition(b"\n")
    if inside == b"false":
        raise GitError("the git repository has no work tree here")
    if done.returncode:
        raise GitError(_failure(done.stderr))
    if Path(os.path.realpath(os.fsdecode(shown.removesuffix(b"\n")))) != top:
        raise GitError("the git repository has its work tree in another folder")


def _failure(stderr: bytes) -> str:
    """git's complaint as one of our sentences: its own words hold paths and change with its version."""
    if b"dubious ownership" in stderr or b"unsafe repository" in stderr:
        return "git refuses a repository of another owner (see safe.directory in git help config)"
    if b"not a git repository" in stderr:
        return "the folder holds a .git that is no git repository"
    return "git cannot read the repository (git fsck may say why)"


def _tracked(lines: Iterable[bytes]) -> list[Listed]:
    """Lines ``mode SP object SP stage TAB path``; a path in a merge conflict has several and no object of
    its own."""
    found: dict[bytes, Listed] = {}
    for line in lines:
        head, _, path = line.partition(b"\t")
        mode, object_id, stage = head.decode("ascii").split(" ")
        if not is_beneath(path) or b".git" in path.split(b"/"):
            raise GitError("git's index holds a path that no work tree can have")
        found[path] = Listed(path, _kind(mode), object_id if stage == "0" else "")
    return list(found.values())


def _kind(mode: str) -> Kind:
    kinds: dict[str, Kind] = {"120000": "symlink", "160000": "submodule"}
    return kinds.get(mode, "file")


def _untracked(paths: Iterable[bytes]) -> list[Listed]:
    """Untracked names; one that ends in a slash is a repository of its own."""
    return [
        Listed(path.removesuffix(b"/"), "directory", note=_NESTED) if path.endswith(b"/") else Listed(path)
        for path in without_caches(frozenset(paths))
    ]
