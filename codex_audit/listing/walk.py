"""A plain walk of a folder, for trees that git does not know or does not want to show."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from codex_audit.listing.beneath import readable_folder
from codex_audit.listing.entry import Kind, Listed, why_unreadable

CACHES = frozenset(
    {b"__pycache__", b"node_modules", b".tox", b".nox", b".mypy_cache", b".pytest_cache", b".ruff_cache"}
)
ENVIRONMENTS = frozenset({b".venv", b"venv"})
ENVIRONMENT_MARK = b"pyvenv.cfg"
MAX_PATH = 4096


def walk_view(root: Path) -> tuple[Listed, ...]:
    """Every name beneath ``root``, in no order. Only folders that cannot be entered are listed themselves.

    Left out: ``.git``, the caches of CACHES and, when they hold a pyvenv.cfg, the environments of
    ENVIRONMENTS. No symlink is followed. A folder whose path is longer than MAX_PATH bytes is not entered.
    """
    names: list[Listed] = []
    waiting = [b""]
    while waiting:
        parent = waiting.pop()
        if len(parent) > MAX_PATH:
            names.append(Listed(parent, "directory", note=f"path longer than {MAX_PATH} bytes, not entered"))
            continue
        try:
            files, folders = _read_folder(root, parent)
        except OSError as error:
            names.append(Listed(parent, "directory", note=why_unreadable(error)))
            continue
        names.extend(files)
        waiting.extend(folders)
    return tuple(names)


def _read_folder(root: Path, parent: bytes) -> tuple[list[Listed], list[bytes]]:
    files: list[Listed] = []
    folders: list[bytes] = []
    with readable_folder(root, parent) as descriptor, os.scandir(descriptor) as found:
        for item in found:
            name = os.fsencode(item.name)
            path = parent + b"/" + name if parent else name
            if name == b".git":
                continue
            if not item.is_dir(follow_symlinks=False):
                kind: Kind = "symlink" if item.is_symlink() else "file"
                files.append(Listed(path, kind))
            elif name not in CACHES and not _is_environment(name, descriptor):
                folders.append(path)
    return files, folders


def _is_environment(name: bytes, within: int) -> bool:
    if name not in ENVIRONMENTS:
        return False
    try:
        mark = os.stat(name + b"/" + ENVIRONMENT_MARK, dir_fd=within, follow_symlinks=False)
    except OSError:
        return False
    return stat.S_ISREG(mark.st_mode) or stat.S_ISLNK(mark.st_mode)


def without_caches(paths: frozenset[bytes]) -> frozenset[bytes]:
    """``paths`` without those that a walk would leave out as caches or environments."""
    environments = {
        parent
        for parent, _, name in (path.rpartition(b"/") for path in paths)
        if name == ENVIRONMENT_MARK and parent.rpartition(b"/")[2] in ENVIRONMENTS
    }
    return frozenset(path for path in paths if not _left_out(path, environments))


def _left_out(path: bytes, environments: set[bytes]) -> bool:
    parts = path.split(b"/")[:-1]
    above = (b"/".join(parts[: depth + 1]) for depth in range(len(parts)))
    return not CACHES.isdisjoint(parts) or (
        bool(environments) and any(folder in environments for folder in above)
    )
