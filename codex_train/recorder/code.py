"""The state of the user's code in git: the commit, and the hash of the work tree as it is, changes included.

The work tree is what git tracks and the untracked files that are source by their names: logs, results and keys that
happen to lie there are no code. What looks like a credential is in no record but a hash (see ``source_patch``).

git writes nothing into the repository: index and objects go to a temporary folder. Filters are switched off, and what
``codex_evidence.safe_git`` switches off, so that nothing of the tree runs.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from codex_evidence.names import encode_name
from codex_evidence.safe_git import GitError, SafeGit
from codex_train.recorder.source_patch import LeftOut, filtered

TIMEOUT = 60.0
LONGEST_UNTRACKED = 8 * 2**20
LONGEST_PATCH = 4 * 2**20
MOST_CHANGES = 2000

_SOURCE = frozenset(
    ".py .pyi .pyx .pxd .c .cc .cpp .cxx .cu .cuh .h .hh .hpp .rs .go .jl .sh .bash .toml .yaml .yml .cfg .ini .jinja "
    ".jinja2 .j2 .sql .proto".split()
)
_SOURCE_NAMES = frozenset({"Makefile", "Dockerfile", "requirements.txt", "constraints.txt"})

_SETTINGS = (
    "gc.auto=0",
    "core.fsync=none",  # nothing of it outlives the record
    "core.looseCompression=0",
)


@dataclass(frozen=True, slots=True)
class Code:
    """``commit`` is empty before the first one. ``tree`` is git's hash of the work tree with changed files and
    untracked source, without ignored files, run folders and long files. ``changes`` are path and git's hash of each
    file that is not as in the commit, the hash empty for one that is gone; none when there are too many. ``patch``
    leads from the commit to the tree, but for what is ``left_out``."""

    commit: str
    tree: str
    dirty: bool
    changes: tuple[tuple[str, str], ...]
    left_out: tuple[LeftOut, ...]
    patch: bytes


def record_code(folder: Path, *, timeout: float = TIMEOUT) -> Code | str:
    """The code in the repository around ``folder``, or why there is none to record. Raises nothing."""
    try:
        with tempfile.TemporaryDirectory(prefix="codex-train-git-") as scratch:
            return _record(folder, Path(scratch), timeout)
    except (GitError, OSError) as error:
        return f"code not recorded: {error}"


def _record(folder: Path, scratch: Path, timeout: float) -> Code:
    git = SafeGit(folder, timeout, _SETTINGS)
    wanted = ("--show-toplevel", "--absolute-git-dir", "--git-path", "objects", "--git-path", "index")
    asked = _answer(git, "rev-parse", *wanted)
    top, _, objects, index = (Path(os.fsdecode(line)) for line in asked.splitlines())
    found = git.run("rev-parse", "HEAD^{commit}", "HEAD^{tree}")
    commit, before = found.stdout.decode("ascii").split() if found.returncode == 0 else ("", "")
    if (folder / index).is_file():
        _copy_index(folder / index, scratch / "index")
    (scratch / "objects").mkdir()
    aside = {"GIT_INDEX_FILE": str(scratch / "index"), "GIT_OBJECT_DIRECTORY": str(scratch / "objects")}
    work = SafeGit(top, timeout, (*_SETTINGS, *_no_filters(git)), aside)
    untracked, long = _untracked(work, top)
    _answer(work, "add", "--update", "--", ".")
    if untracked:
        _answer(
            work, "update-index", "--add", "-z", "--stdin", given=b"".join(name + b"\0" for name in untracked)
        )
    # Where git sees that the repository has an object already, it changes that file's time: so it must not see it.
    tree = _answer(work, "write-tree", "--missing-ok").decode("ascii").strip()
    if tree == before:
        return Code(commit, tree, dirty=False, changes=(), left_out=long, patch=b"")
    both = replace(
        work, environment={**aside, "GIT_ALTERNATE_OBJECT_DIRECTORIES": str((folder / objects).resolve())}
    )
    changes = _changes(both, before or _answer(work, "mktree").decode("ascii").strip(), tree)
    patch, left_out = _patch(both, before, tree) if commit else (b"", ())
    return Code(commit, tree, dirty=True, changes=changes, left_out=(*long, *left_out), patch=patch)


def _copy_index(index: Path, copy: Path) -> None:
    """A copy that knows which files need not be read again. It keeps the index's time: git reads a file again that is
    not older than the index, and a newer copy would hide an edit made within a second of the commit, of same size
    (git, Documentation/technical/racy-git)."""
    before = index.stat()
    shutil.copyfile(index, copy)
    os.utime(copy, ns=(before.st_atime_ns, before.st_mtime_ns))


def _changes(git: SafeGit, before: str, tree: str) -> tuple[tuple[str, str], ...]:
    told = _answer(git, "diff-tree", "-r", "-z", "--raw", "--no-renames", before, tree).split(b"\0")[:-1]
    if len(told) > 2 * MOST_CHANGES:
        return ()
    # Each is two fields, `:MODE MODE HASH HASH STATUS` and the path.
    found = (
        (encode_name(path)[0], about.split(b" ")) for about, path in zip(told[::2], told[1::2], strict=True)
    )
    return tuple((path, "" if field[4] == b"D" else field[3].decode("ascii")) for path, field in found)


def _patch(git: SafeGit, before: str, tree: str) -> tuple[bytes, tuple[LeftOut, ...]]:
    """Without binary files, in which nothing could be found that must not be in it."""
    options = ("-p", "--full-index", "--no-renames", "--no-ext-diff", "--no-textconv", "--no-color")
    patch = _answer(git, "diff-tree", *options, "--src-prefix=a/", "--dst-prefix=b/", before, tree)
    return filtered(patch) if len(patch) <= LONGEST_PATCH else (b"", ())


def _untracked(git: SafeGit, top: Path) -> tuple[list[bytes], tuple[LeftOut, ...]]:
    """Untracked source, which belongs to the tree, and what of it is too long for that. Run folders are products."""
    names = _answer(git, "ls-files", "--others", "--exclude-standard", "-z").split(b"\0")[:-1]
    there = set(names)
    runs = tuple(
        name.removesuffix(b"run.json")
        for name in names
        if name.endswith(b"/run.json") and name.replace(b"run.json", b"segments/0000/manifest.json") in there
    )
    kept: list[bytes] = []
    long: list[LeftOut] = []
    for name in names:
        path = top / os.fsdecode(name)
        if path.suffix.lower() not in _SOURCE and path.name not in _SOURCE_NAMES:
            continue
        if name.startswith(runs) or name.endswith(b"/") or not (path.is_file() or path.is_symlink()):
            continue
        if path.lstat().st_size > LONGEST_UNTRACKED:
            long.append(LeftOut(encode_name(name)[0], "too long, and not in the tree"))
        else:
            kept.append(name)
    return kept, tuple(long)


def _no_filters(git: SafeGit) -> tuple[str, ...]:
    """Settings that switch off every filter driver that some configuration defines: they are commands."""
    done = git.run(
        "config", "--null", "--name-only", "--get-regexp", r"^filter\..*\.(clean|process|required)$"
    )
    keys = {key.decode("utf-8", errors="surrogateescape") for key in done.stdout.split(b"\0") if key}
    return tuple(f"{key}=" if not key.endswith(".required") else f"{key}=false" for key in sorted(keys))


def _answer(git: SafeGit, *arguments: str, given: bytes = b"") -> bytes:
    """What git prints; raises GitError with its own words when it fails."""
    done = git.run(*arguments, given=given)
    if done.returncode:
        told = done.stderr.decode("utf-8", errors="replace").strip().splitlines()
        raise GitError(f"git {arguments[0]}: {told[0][:200] if told else 'failed'}")
    return done.stdout
