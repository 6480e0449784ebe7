"""The state of the user's code in git: the commit, and the hash of the work tree as it is, changes included.

git writes nothing into the repository: index and objects go to a temporary folder. Hooks, filters and file system
monitors are switched off, so that nothing of the tree runs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

TIMEOUT = 60.0
LONGEST_UNTRACKED = 8 * 2**20
LONGEST_PATCH = 16 * 2**20

_SETTINGS = (
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.untrackedCache=false",
    "core.pager=cat",
    "diff.external=",
    "submodule.recurse=false",
    "protocol.allow=never",
    "gc.auto=0",
    "core.fsync=none",  # nothing of it outlives the record
    "core.looseCompression=0",
)
_ENVIRONMENT = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "",
    "LC_ALL": "C",
}
_KEPT = frozenset({"GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM"})


@dataclass(frozen=True, slots=True)
class Code:
    """``commit`` is empty before the first one. ``tree`` is git's hash of the work tree with changed and untracked
    files, without ignored ones, run folders and the long files ``left_out``. ``patch`` leads from the commit to it."""

    commit: str
    tree: str
    dirty: bool
    left_out: tuple[str, ...]
    patch: bytes


class _GitError(Exception):
    """Carries the reason for which there is no record out of the depth where it shows."""


def record_code(folder: Path, *, timeout: float = TIMEOUT) -> Code | str:
    """The code in the repository around ``folder``, or why there is none to record. Raises nothing."""
    try:
        with tempfile.TemporaryDirectory(prefix="codex-train-git-") as scratch:
            return _record(folder, Path(scratch), timeout)
    except (_GitError, OSError) as error:
        return f"code not recorded: {error}"


def _record(folder: Path, scratch: Path, timeout: float) -> Code:
    git = _Git(folder, timeout, {})
    asked = git.text(
        "rev-parse", "--show-toplevel", "--absolute-git-dir", "--git-path", "objects", "--git-path", "index"
    )
    top, _, objects, index = (Path(os.fsdecode(line)) for line in asked.splitlines())
    found = git.run("rev-parse", "HEAD^{commit}", "HEAD^{tree}")
    commit, before = found.stdout.decode("ascii").split() if found.returncode == 0 else ("", "")
    if (folder / index).is_file():  # a copy of the user's index knows which files need not be read again
        shutil.copyfile(folder / index, scratch / "index")
    (scratch / "objects").mkdir()
    aside = {"GIT_INDEX_FILE": str(scratch / "index"), "GIT_OBJECT_DIRECTORY": str(scratch / "objects")}
    work = _Git(top, timeout, aside, _no_filters(git))
    untracked, left_out = _untracked(work, top)
    work.text("add", "--update", "--", ".")
    if untracked:
        work.text(
            "update-index", "--add", "-z", "--stdin", given=b"".join(name + b"\0" for name in untracked)
        )
    # Where git sees that the repository has an object already, it changes that file's time: so it must not see it.
    tree = work.text("write-tree", "--missing-ok").decode("ascii").strip()
    if not commit or tree == before:
        return Code(commit, tree, tree != before, left_out, b"")
    both = replace(
        work, environment={**aside, "GIT_ALTERNATE_OBJECT_DIRECTORIES": str((folder / objects).resolve())}
    )
    patch = both.text("diff-tree", "-p", "--binary", "--no-ext-diff", "--no-textconv", before, tree)
    return Code(
        commit, tree, dirty=True, left_out=left_out, patch=patch if len(patch) <= LONGEST_PATCH else b""
    )


def _untracked(git: _Git, top: Path) -> tuple[list[bytes], tuple[str, ...]]:
    """Untracked files that belong to the tree, and those that are too long for it. Run folders are products."""
    names = git.text("ls-files", "--others", "--exclude-standard", "-z").split(b"\0")[:-1]
    there = set(names)
    runs = tuple(
        name.removesuffix(b"run.json")
        for name in names
        if name.endswith(b"/run.json") and name.replace(b"run.json", b"segments/0000/manifest.json") in there
    )
    kept: list[bytes] = []
    left_out: list[str] = []
    for name in names:
        path = top / os.fsdecode(name)
        if name.startswith(runs) or name.endswith(b"/") or not (path.is_file() or path.is_symlink()):
            continue
        if path.lstat().st_size > LONGEST_UNTRACKED:
            left_out.append(name.decode("utf-8", errors="backslashreplace"))
        else:
            kept.append(name)
    return kept, tuple(sorted(left_out))


def _no_filters(git: _Git) -> tuple[str, ...]:
    """Settings that switch off every filter driver that some configuration defines: they are commands."""
    done = git.run(
        "config", "--null", "--name-only", "--get-regexp", r"^filter\..*\.(clean|process|required)$"
    )
    keys = {key.decode("utf-8", errors="surrogateescape") for key in done.stdout.split(b"\0") if key}
    return tuple(f"{key}=" if not key.endswith(".required") else f"{key}=false" for key in sorted(keys))


@dataclass(frozen=True, slots=True)
class _Git:
    folder: Path
    timeout: float
    environment: dict[str, str]
    settings: tuple[str, ...] = ()

    def run(self, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        options = [part for setting in (*_SETTINGS, *self.settings) for part in ("-c", setting)]
        kept = {k: v for k, v in os.environ.items() if not k.startswith("GIT_") or k in _KEPT}
        try:
            return subprocess.run(
                ["git", "--no-pager", "--no-replace-objects", *options, *arguments],
                cwd=self.folder,
                env=kept | _ENVIRONMENT | self.environment,
                input=given,
                capture_output=True,
                timeout=self.timeout,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise _GitError("git did not answer in time") from error
        except FileNotFoundError as error:
            raise _GitError("git is not installed, or the folder is not there") from error

    def text(self, *arguments: str, given: bytes = b"") -> bytes:
        done = self.run(*arguments, given=given)
        if done.returncode:
            told = done.stderr.decode("utf-8", errors="replace").strip().splitlines()
            raise _GitError(f"git {arguments[0]}: {told[0][:200] if told else 'failed'}")
        return done.stdout
