"""Trees of any size, made of copies of a real one's files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath


@dataclass(frozen=True, slots=True)
class Source:
    """``files`` below ``root``; ``packages`` are the tops of its Python packages."""

    root: Path
    files: tuple[str, ...]
    packages: frozenset[str]


def read_source(root: Path) -> Source:
    """The regular files below ``root`` outside ``.git``. Raises ValueError when there are none."""
    files = tuple(sorted(_files(root)))
    if not files:
        raise ValueError(f"{root} holds no files to copy")
    folders = {PurePosixPath(path).parent for path in files if path.endswith("/__init__.py")}
    return Source(root, files, frozenset(one.name for one in folders if one.parent not in folders))


def write_copies(source: Source, target: Path, size: int, verbatim: bool) -> int:
    """Write ``size`` files below ``target``; returns their bytes in all.

    The first copy stands at the root under the names of the source, every further one in a folder of its own: a
    ``verbatim`` one with the same bytes, any other with its packages renamed, in folders and in code, and a line at the
    end of each Python file, so that it imports itself and repeats no file. Each file has an inode of its own. A
    part of a copy is files spread evenly over the source.
    """
    written = 0
    for number in range(-(-size // len(source.files))):
        wanted = min(len(source.files), size - number * len(source.files))
        for index in range(wanted):
            path = source.files[index * len(source.files) // wanted]
            data = (source.root / path).read_bytes()
            place = target / path
            if number and verbatim:
                place = target / f"copy_{number}" / path
            elif number:
                place = target / f"copy_{number}" / _renamed(path, source.packages, number)
                data = _own(data, path, source.packages, number)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
            written += len(data)
    return written


def _files(root: Path) -> Iterator[str]:
    for path in root.rglob("*"):
        place = path.relative_to(root)
        if path.is_file() and not path.is_symlink() and ".git" not in place.parts:
            yield place.as_posix()


def _renamed(path: str, packages: frozenset[str], number: int) -> str:
    return "/".join(f"{part}_{number}" if part in packages else part for part in path.split("/"))


def _own(data: bytes, path: str, packages: frozenset[str], number: int) -> bytes:
    if not path.endswith(".py"):
        return data
    if packages:
        names = b"|".join(re.escape(name.encode()) for name in sorted(packages))
        data = re.sub(rb"\b(%s)\b" % names, rb"\1_%d" % number, data)
    return data + b"\n# copy %d\n" % number
