"""Where a hook works: the repository around a folder, what git tracks in it, and reading without leaving it."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from codex_audit.gates.problem import Problem
from codex_audit.listing.beneath import folder, is_beneath, opened, read_at_most, split
from codex_evidence.errors import UnreadableError
from codex_evidence.names import shown
from codex_evidence.safe_git import GitError, SafeGit

_TIMEOUT = 60.0

MARKDOWN = (":(glob,icase)**/*.md", ":(glob,icase)**/*.markdown")
"""Pathspecs of Markdown documents."""


@dataclass(frozen=True, slots=True)
class Repository:
    """``root`` is the real path of the top folder, ``here`` the folder in which the hook was called, relative to it
    (empty for the top itself). ``has_git`` says whether git keeps the folder."""

    root: Path
    here: bytes
    has_git: bool

    def place(self, path: bytes) -> Path:
        """Where the file or folder ``path``, relative to the top, lies."""
        return self.root / os.fsdecode(path)

    def relative(self, given: str) -> bytes:
        """The path of a file as an argument names it, relative to the top. Raises UnreadableError for one outside."""
        name = os.fsencode(given)
        top = os.fsencode(self.root)
        path = os.path.relpath(os.path.normpath(os.fsencode(self.place(self.here) / given)), top)
        if not is_beneath(path):
            raise UnreadableError(f"cannot read {shown(name)}: it lies outside the repository")
        return path


def repository_around(start: Path) -> Repository:
    """The repository whose work tree holds ``start``; ``start`` itself where there is none."""
    real = Path(os.path.realpath(start))
    top = next((above for above in (real, *real.parents) if os.path.lexists(above / ".git")), None)
    if top is None:
        return Repository(real, b"", has_git=False)
    here = real.relative_to(top)
    return Repository(top, b"" if here == Path() else os.fsencode(here), has_git=True)


def tracked(repository: Repository, *below: str) -> frozenset[bytes] | None:
    """The paths that git's index holds, those under ``below`` if given; None without git. Raises GitError."""
    if not repository.has_git:
        return None
    done = _git(repository).run("ls-files", "-z", "--", *below)
    if done.returncode:
        raise GitError("git cannot list this repository (git fsck may say why)")
    return frozenset(done.stdout.split(b"\0")[:-1])


def kept_by_lfs(repository: Repository, paths: Iterable[bytes]) -> frozenset[bytes]:
    """Those of ``paths`` of which git commits only a pointer, by their attribute ``filter``. Raises GitError."""
    asked = tuple(paths)
    if not repository.has_git or not asked:
        return frozenset()
    given = b"".join(path + b"\0" for path in asked)
    done = _git(repository).run("check-attr", "-z", "--stdin", "filter", given=given)
    if done.returncode:
        raise GitError("git cannot read the attributes of this repository")
    fields = done.stdout.split(b"\0")[:-1]
    return frozenset(path for path, value in zip(fields[::3], fields[2::3], strict=True) if value == b"lfs")


def read_file(repository: Repository, path: bytes, *, max_bytes: int) -> bytes:
    """The bytes of the regular file ``path``. Follows no symlink at any depth. Raises UnreadableError, also for more
    than ``max_bytes``."""
    data = read_start(repository, path, max_bytes + 1)
    if len(data) > max_bytes:
        raise UnreadableError(f"larger than {max_bytes // 2**20} MiB, and not read")
    return data


def read_start(repository: Repository, path: bytes, most: int) -> bytes:
    """The first ``most`` bytes of the regular file ``path``. Raises UnreadableError."""
    parent, name = split(path)
    try:
        with folder(repository.root, parent) as within, opened(name, within) as descriptor:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise UnreadableError("not a regular file")
            return read_at_most(descriptor, most)
    except UnreadableError:
        raise
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            raise UnreadableError("reached through a symlink, and none is followed") from error
        raise UnreadableError(f"cannot be read: {error.strerror}") from error


def given_or_tracked(
    repository: Repository, given: Iterable[str], *below: str
) -> tuple[list[bytes], list[Problem]]:
    """The files that arguments name; without arguments those that git tracks under ``below`` and that are there. With
    them, problems for what no hook can look at. Raises GitError."""
    names = list(given)
    if not names:
        listed = tracked(repository, *below)
        if listed is None:
            raise UnreadableError("this folder is in no git repository; name the files to check")
        top = os.fsencode(repository.root) + b"/"
        return sorted(path for path in listed if os.path.lexists(top + path)), []
    paths: list[bytes] = []
    problems: list[Problem] = []
    for name in names:
        try:
            paths.append(repository.relative(name))
        except UnreadableError as error:
            problems.append(Problem(os.fsencode(name), 0, str(error), unreadable=True))
    return paths, problems


def _git(repository: Repository) -> SafeGit:
    return SafeGit(repository.root, _TIMEOUT)
