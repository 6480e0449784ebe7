"""The folders of checkpoints: made, put in place, removed, so that what has a checkpoint's name is always whole.

A checkpoint grows in `step-000500.tmp`. A successor of the same step (of a resumed run) takes its place in two
renames; in between, the former one is `step-000500.old`, which readers accept until the next save has tidied up.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from codex_evidence.checkpoint_manifest import checkpoint_name
from codex_evidence.errors import WriteError
from codex_evidence.names import shown

_LEFT_OVER = re.compile(r"step-[0-9]{6,}\.(tmp|old)")


def begin(folder: Path, step: int) -> Path:
    """An empty folder in ``folder`` to write the checkpoint of ``step`` into; removes what killed processes left.

    Raises OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tidy(folder)
    temporary = folder / f"{checkpoint_name(step)}.tmp"
    (temporary / "training").mkdir(parents=True)
    return temporary


def tidy(folder: Path) -> None:
    """Removes unfinished checkpoints and former ones, and takes back a former one without successor. Raises OSError."""
    for path in [path for path in folder.iterdir() if _LEFT_OVER.fullmatch(path.name)]:
        final = path.with_suffix("")
        if path.suffix == ".old" and not final.exists():
            path.rename(final)
        elif path.is_symlink() or not path.is_dir():
            path.unlink()
        else:
            shutil.rmtree(path)


def put_in_place(temporary: Path) -> Path:
    """Gives the written folder ``temporary`` its name, durably, and returns it. Raises OSError."""
    final = temporary.with_suffix("")
    _sync_tree(temporary)
    former = temporary.with_suffix(".old")
    if final.exists():
        final.rename(former)
    temporary.rename(final)
    _sync(final.parent)
    shutil.rmtree(former, ignore_errors=True)  # what stays is removed by the next save
    return final


def remove_checkpoint(path: Path) -> None:
    """Removes the checkpoint ``path``; killed on the way, nothing with its name is left. Raises WriteError."""
    with reported(path, "remove"):
        doomed = path.with_name(path.name.removesuffix(".old") + ".tmp")
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
