"""Files that do not belong into a repository: checkpoints, logs, settings of an environment, keys, large binaries."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from codex_audit.gates.kinds import LOOKED_AT, forbidden, is_binary
from codex_audit.gates.problem import Problem
from codex_audit.gates.repository import Repository, kept_by_lfs, read_start
from codex_evidence.errors import UnreadableError

_LFS_POINTER = b"version https://git-lfs.github.com/spec/"
_REMEDY = "take it out with: git rm --cached, and name it in .gitignore"
_KEY_REMEDY = "take it out of the history too, and replace the key: whoever has a clone has it"


@dataclass(frozen=True, slots=True)
class Limits:
    """``allowed`` tells which paths are meant to be there; ``max_bytes`` how large a binary file may be."""

    allowed: Callable[[bytes], bool]
    max_bytes: int


def committed_problems(repository: Repository, paths: Iterable[bytes], limits: Limits) -> list[Problem]:
    """What does not belong among ``paths``. Raises GitError. Of what git-lfs keeps, git commits only a pointer."""
    found = [
        problem
        for path in paths
        if not limits.allowed(path) and (problem := _problem(repository, path, limits.max_bytes)) is not None
    ]
    elsewhere = kept_by_lfs(repository, [problem.path for problem in found if not problem.unreadable])
    return [problem for problem in found if problem.path not in elsewhere]


def _problem(repository: Repository, path: bytes, max_bytes: int) -> Problem | None:
    try:
        status = repository.place(path).lstat()
        if not stat.S_ISREG(status.st_mode):
            return None  # of a symlink git commits the text of its target, of a submodule a number
        data = read_start(repository, path, LOOKED_AT)
    except UnreadableError as error:
        return Problem(path, 0, str(error), unreadable=True)
    except OSError as error:
        return Problem(path, 0, f"cannot be read: {error.strerror}", unreadable=True)
    if data.startswith(_LFS_POINTER):
        return None
    kind = forbidden(os.fsdecode(path.rpartition(b"/")[2]), data)
    if kind:
        return Problem(path, 0, f"{kind}; {_KEY_REMEDY if 'key' in kind else _REMEDY}")
    if status.st_size > max_bytes and is_binary(data):
        sizes = f"{status.st_size // 1024} KiB, more than --max-kb {max_bytes // 1024}"
        return Problem(path, 0, f"a binary file of {sizes}; keep it elsewhere, or in git-lfs")
    return None
