"""The folders of checkpoints: made, put in place, removed, so that what has a checkpoint's name is always whole.

A successor of the same step (of a resumed run) takes its place in two renames; what the names in between mean says
``codex_evidence.checkpoint_folders``.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from codex_evidence.checkpoint_folders import ASIDE, GROWING, checkpoint_name, tidy
from codex_evidence.errors import WriteError
from codex_evidence.names import shown


def begin(folder: Path, step: int) -> Path:
    """An empty folder in ``folder`` to write the checkpoint of ``step`` into; removes what killed processes left.

    Raises OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tidy(folder)
    temporary = folder / f"{checkpoint_name(step)}{GROWING}"
    (temporary / "training").mkdir(parents=True)
    return temporary


def put_in_place(temporary: Path) -> Path:
    """Gives the written folder ``temporary`` its name, durably, and returns it. Raises OSError."""
    final, former = temporary.with_suffix(""), temporary.with_suffix(ASIDE)
    _sync_tree(temporary)
    replaces = final.exists()
    if replaces:
        final.rename(former)
    temporary.rename(final)
    _sync(final.parent)
    if replaces:
        former.rename(temporary)  # so that what is put aside is always whole
        shutil.rmtree(temporary, ignore_errors=True)  # what stays is removed by the next save
    return final


def remove_checkpoint(path: Path) -> None:
    """Removes the checkpoint ``path``; killed on the way, nothing with its name is left. Raises WriteError."""
    with reported(path, "remove"):
        doomed = path.with_name(path.name.removesuffix(ASIDE) + GROWING)
        path.rename(doomed)
        shutil.rmtree(doomed)
        _sync(path.parent)


@contextmanager
def reported(path: Path, verb: str) -> Iterator[None]:
    """Turns an OSError within into a WriteError about ``path``."""
    try:
        yield
    except WriteError:
        raise
    except OSError as error:
        raise WriteError(f"cannot {verb} {shown(path)}: {error.strerror or error}") from error


def sync_files(paths: Sequence[Path]) -> None:
    """Has the bytes of the regular files ``paths`` on disk. Raises OSError."""
    with ThreadPoolExecutor(8, "sync") as pool:  # waiting together, they share what the disk has to do
        list(pool.map(lambda path: _synced(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), paths))


def _sync_tree(top: Path) -> None:
    """Has the names in ``top`` and below on disk; the files are there already."""
    for folder, _, _ in os.walk(top):
        _sync(Path(folder))


def _sync(folder: Path) -> None:
    _synced(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def _synced(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
