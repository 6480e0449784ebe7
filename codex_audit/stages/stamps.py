"""An index for a hook: files that have not changed since the last one are not read again.

As git does it for its own index: what writes to a file changes its size or its times, and nobody but the kernel sets
the ctime. A hook answers at every commit, so that this is worth it; ``run`` and ``verify`` read every byte.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path

import msgspec

from codex_audit.cache.store import Store
from codex_audit.listing.entry import Held
from codex_audit.stages.index import Listing, index_tree

# What changed so shortly before it was hashed may change again within one tick of the file system's clock, or of that
# of a server that lags behind.
_FRESH_NS = 10 * 10**9
_Known = dict[bytes, Held]


def index_again(
    root: Path, output: Path | None, *, exclude: tuple[str, ...], jobs: int, store: Store | None
) -> Listing:
    """``index_tree``, with what ``store`` knows of the files of ``root``, and remembered there."""
    if store is None:
        return index_tree(root, output, exclude=exclude, jobs=jobs)
    began = time.time_ns()
    key = key_of(root)
    known = _read(store.get([key]).get(key))
    listing = index_tree(root, output, exclude=exclude, jobs=jobs, known=known)
    now = _held(listing, began - _FRESH_NS)
    if now != known:
        store.put({key: msgspec.msgpack.encode(now)})
    return listing


def key_of(root: Path) -> bytes:
    """Where what is known of the tree ``root`` lies in a store."""
    return blake2b(bytes(root.resolve()), digest_size=32, person=b"stamps/v1").digest()


def _read(data: bytes | None) -> _Known:
    try:
        return msgspec.msgpack.decode(data, type=_Known) if data is not None else {}
    except msgspec.MsgspecError:
        return {}  # another version wrote it


def _held(listing: Listing, before: int) -> Mapping[bytes, Held]:
    """What can be known again: the files that were last changed earlier than ``before``, in ns."""
    return {
        path: Held(stamp, entry)
        for path, entry, stamp in zip(listing.raw_paths, listing.index.files, listing.stamps, strict=True)
        if stamp is not None and max(stamp[3:]) < before
    }
