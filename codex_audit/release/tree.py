"""The tree that is released: its files, and a copy of them alone."""

from __future__ import annotations

import shutil
from fnmatch import fnmatchcase
from pathlib import Path

from codex_audit.stages.index import index_tree


def tree_files(root: Path) -> tuple[str, ...]:
    """The regular files of the tree ``root``, relative, in order: those that git tracks or would, without the files
    that an audit wrote."""
    index = index_tree(root, root, exclude=(), jobs=1).index
    return tuple(
        entry.path for entry in index.files if entry.kind == "file" and entry.path_encoding == "utf-8"
    )


def matching(root: Path, globs: tuple[str, ...]) -> tuple[str, ...]:
    """The files of the tree that one of ``globs`` names; a `*` stays within a folder."""
    return tuple(
        name
        for name in tree_files(root)
        if any(glob.count("/") == name.count("/") and fnmatchcase(name, glob) for glob in globs)
    )


def first_after(root: Path, made: Path) -> str:
    """The first file of the tree that was written after the file ``made``, empty for none."""
    time = made.stat().st_mtime_ns
    own = made.relative_to(root).as_posix() if made.is_relative_to(root) else ""
    return next(
        (name for name in tree_files(root) if name != own and (root / name).stat().st_mtime_ns > time), ""
    )


def copy_tree(root: Path, to: Path) -> None:
    """Copies the files of the tree ``root``, with their modes, into the new folder ``to``."""
    for name in tree_files(root):
        (to / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / name, to / name)
        shutil.copymode(root / name, to / name)
