"""What the toolkit itself wrote under an output folder inside the tree, so that an audit does not audit its
own files.

A run is known by the documents it leaves: manifest, record and marker. They lie in the tree, so anyone may
have written them: a path is ours only when it also has a form that no source file has.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from codex_audit.listing.beneath import folder, opened, read_at_most, split
from codex_evidence.errors import StrictJsonError
from codex_evidence.strict_json import MAX_BYTES, loads


@dataclass(frozen=True, slots=True)
class Layout:
    """What a run may leave under its output folder; paths are relative to that, with ``/``.

    ``traces`` are the documents that show that there was a run; ``fixed`` what it always writes; ``lists``
    maps a trace to the key under which it names further files (a list, or an object whose values are
    paths); ``named`` is the form of those, ``leftover`` that of the temporary files of a killed run.
    """

    traces: tuple[str, ...]
    fixed: frozenset[str]
    lists: dict[str, str]
    named: re.Pattern[str]
    leftover: re.Pattern[str]


def own_paths(root: Path, base: bytes, layout: Layout, paths: Iterable[bytes]) -> frozenset[bytes]:
    """Those of ``paths`` that runs left under the output folder ``base``; all are relative to ``root``."""
    prefix = base + b"/" if base else b""
    documents = {trace: _read(root, prefix + os.fsencode(trace)) for trace in layout.traces}
    if all(data is None for data in documents.values()):
        return frozenset()
    ours = set(layout.fixed)
    for trace, key in layout.lists.items():
        ours.update(path for path in _listed(documents[trace], key) if layout.named.fullmatch(path))
    exact = {prefix + os.fsencode(path) for path in ours}
    return frozenset(path for path in paths if path in exact or _is_leftover(path, prefix, layout.leftover))


def _is_leftover(path: bytes, prefix: bytes, shape: re.Pattern[str]) -> bool:
    return path.startswith(prefix) and shape.fullmatch(os.fsdecode(path[len(prefix) :])) is not None


def _listed(data: bytes | None, key: str) -> Iterator[str]:
    """The paths that a document names; none when it is damaged, which is for ``verify`` to say."""
    try:
        document = loads(data) if data is not None else None
    except StrictJsonError:
        return
    value = document.get(key) if isinstance(document, dict) else None
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    yield from (item for item in items if isinstance(item, str))


def _read(root: Path, path: bytes) -> bytes | None:
    """The bytes of the document ``path``: None when it is no regular file, empty when it cannot be read."""
    parent, name = split(path)
    try:
        with folder(root, parent) as within:
            if not stat.S_ISREG(os.stat(name, dir_fd=within, follow_symlinks=False).st_mode):
                return None
            with opened(name, within) as descriptor:
                return read_at_most(descriptor, MAX_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        return b""
