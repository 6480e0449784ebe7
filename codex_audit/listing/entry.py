"""One listed name becomes one entry of the index: what it is, its mode, its size and the digest of its bytes.

Only regular files are opened. A symlink stands for the text of its target, a submodule for the commit that
git's index pins; a fifo, socket or device is named and left alone.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal, NamedTuple

import msgspec

from codex_audit.artifacts import FileEntry
from codex_audit.listing.beneath import CHUNK, folder, opened, split
from codex_evidence.digests import sha256_hex
from codex_evidence.names import encode_name

Kind = Literal["file", "symlink", "submodule", "fifo", "socket", "device", "directory"]

SNIFFED = 8192
CHANGED = "changed while it was being read"

_LARGE = 1 << 20
# Below this, processes take longer to start than to save.
_MANY = 1000
_KINDS: tuple[tuple[int, Kind], ...] = (
    (stat.S_IFREG, "file"),
    (stat.S_IFLNK, "symlink"),
    (stat.S_IFDIR, "directory"),
    (stat.S_IFIFO, "fifo"),
    (stat.S_IFSOCK, "socket"),
)
_MODES: dict[Kind, str] = {
    "file": "100644",
    "symlink": "120000",
    "submodule": "160000",
    "fifo": "010000",
    "socket": "140000",
    "device": "020000",
    "directory": "040000",
}
_GONE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})


@dataclass(frozen=True, slots=True)
class Listed:
    """A name that a view holds. ``path`` is relative, as bytes; ``kind`` is what the view takes it for;
    ``object_id`` is git's id in the index, which says nothing of the bytes on disk; ``note`` why a folder
    was not entered."""

    path: bytes
    kind: Kind = "file"
    object_id: str = ""
    note: str = ""


Stamp = tuple[int, int, int, int, int]
"""Device, inode, size in bytes, times of the last change of the bytes (mtime) and of the inode (ctime) in ns."""


class Held(NamedTuple):
    """The entry of a file when it had ``stamp``."""

    stamp: Stamp
    entry: FileEntry


@dataclass(frozen=True, slots=True)
class Described:
    """A name beside what is on disk under it. ``stamp`` is that of a file whose bytes were hashed."""

    listed: Listed
    entry: FileEntry
    stamp: Stamp | None = None


_Batch = tuple[bytes, Sequence[Listed]]
"""A folder, and names in it."""
_Looked = tuple[FileEntry, Stamp | None]
_Entries = list[_Looked | None]


def describe(
    root: Path, names: Iterable[Listed], *, jobs: int, known: Mapping[bytes, Held] = MappingProxyType({})
) -> tuple[Described, ...]:
    """Each of ``names`` that exists beneath ``root``, in bytewise order of path; hashed by ``jobs`` threads, or by as
    many processes where there are very many. A file that still has the stamp of its path in ``known`` is not read.

    A name is absent when nothing is there, or when a parent of it is a symlink or a file. Raises nothing for
    what cannot be read: the entry's note says so.
    """
    everything = tuple(names)
    if jobs > 1 and len(everything) - len(known) > _MANY:
        batches = _by_folder(everything)
        entries = _by_processes(root, batches, jobs, known)
    else:
        place = os.fsencode(root) + b"/"
        unknown = [listed for listed in everything if listed.path not in known] if jobs > 1 else []
        large = {listed for listed in unknown if _is_large(place + listed.path)}
        alone = [(split(listed.path)[0], (listed,)) for listed in large]
        batches = [*alone, *_by_folder(listed for listed in everything if listed not in large)]
        entries = [
            *_by_threads(root, alone, jobs, known),
            *(_entries(root, batch, known) for batch in batches[len(alone) :]),
        ]
    found = (
        Described(listed, *looked)
        for (_, members), made in zip(batches, entries, strict=True)
        for listed, looked in zip(members, made, strict=True)
        if looked is not None
    )
    return tuple(sorted(found, key=lambda described: described.listed.path))


def _by_processes(
    root: Path, batches: Sequence[_Batch], jobs: int, known: Mapping[bytes, Held]
) -> list[_Entries]:
    def packed(index: int) -> bytes:
        # To pickle so many dataclasses takes about as long as to hash the files.
        return msgspec.msgpack.encode(_entries(root, batches[index], known))

    from codex_audit.parallel import shared_out  # loads what starts processes, which a hook seldom needs

    made = shared_out(packed, [len(members) for _, members in batches], jobs)
    return [msgspec.msgpack.decode(data, type=_Entries) for data in made]


def _by_threads(
    root: Path, batches: Sequence[_Batch], jobs: int, known: Mapping[bytes, Held]
) -> list[_Entries]:
    """For large files: small ones are bound by the interpreter, so that threads only make them wait for each other."""
    if not batches:
        return []
    from concurrent.futures import ThreadPoolExecutor  # takes milliseconds to load, and large files are rare

    with ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(lambda batch: _entries(root, batch, known), batches))


def _is_large(path: bytes) -> bool:
    """A hint only, for who does the hashing: the path may lead through a symlink here."""
    try:
        return os.lstat(path).st_size > _LARGE
    except OSError:
        return False


def _by_folder(names: Iterable[Listed]) -> list[_Batch]:
    """The names folder by folder, so that each folder is opened once."""
    folders: dict[bytes, list[Listed]] = {}
    for listed in names:
        folders.setdefault(split(listed.path)[0], []).append(listed)
    return list(folders.items())


def _entries(root: Path, batch: _Batch, known: Mapping[bytes, Held]) -> _Entries:
    """The entry of each name of ``batch`` in order, None where nothing is there."""
    parent, members = batch
    try:
        with folder(root, parent) as within:
            return [_look(within, listed, known.get(listed.path)) for listed in members]
    except OSError as error:
        return [_alone(_unreachable(listed, error)) for listed in members]


def _look(within: int, listed: Listed, held: Held | None) -> _Looked | None:
    name = split(listed.path)[1]
    try:
        status = os.stat(name, dir_fd=within, follow_symlinks=False)
    except OSError as error:
        return _alone(_unreachable(listed, error))
    if stat.S_ISREG(status.st_mode):
        if held is not None and held.stamp == stamp_of(status):
            return held.entry, held.stamp
        return _file(within, name, listed, status)
    return _alone(_other(within, name, listed, _kind(status.st_mode)))


def _alone(entry: FileEntry | None) -> _Looked | None:
    return None if entry is None else (entry, None)


def _other(within: int, name: bytes, listed: Listed, kind: Kind) -> FileEntry | None:
    """The entry of what is no regular file."""
    try:
        if kind == "symlink":
            target = os.readlink(name, dir_fd=within)
            return _entry(listed, kind, len(target), sha256_hex(target), note=_leaving(listed.path, target))
    except OSError as error:
        return _unreachable(listed, error)
    if kind == "directory":
        return _folder(listed)
    return _entry(listed, kind, note=f"a {kind}, not opened")


def _kind(mode: int) -> Kind:
    return next((kind for bits, kind in _KINDS if stat.S_IFMT(mode) == bits), "device")


def _folder(listed: Listed) -> FileEntry | None:
    if listed.kind == "submodule":
        if not listed.object_id:
            return _entry(listed, "submodule", note="submodule in a merge conflict, not entered")
        pinned = sha256_hex(listed.object_id.encode("ascii"))
        return _entry(
            listed, "submodule", digest=pinned, note=f"submodule at {listed.object_id}, not entered"
        )
    if listed.kind == "directory":
        return _entry(listed, "directory", note=listed.note)
    return None  # a file of git's index that has become a folder: what it holds is listed by itself


def _file(within: int, name: bytes, listed: Listed, status: os.stat_result) -> _Looked:
    executable = bool(status.st_mode & stat.S_IXUSR)
    try:
        with opened(name, within) as descriptor:
            before = os.fstat(descriptor)
            digest, binary = _digest(descriptor, before) if stat.S_ISREG(before.st_mode) else ("", False)
            steady = _same(status, before, os.fstat(descriptor))
    except OSError as error:
        note = why_unreadable(error)
        return _entry(listed, "file", status.st_size, executable=executable, note=note), None
    if not digest or not steady:
        return _entry(listed, "file", status.st_size, executable=executable, note=CHANGED), None
    found = _entry(listed, "file", status.st_size, digest, executable=executable, binary=binary)
    stamp = stamp_of(status)
    # A file system may hold times that MessagePack cannot say.
    return found, stamp if all(-(1 << 63) <= part < 1 << 64 for part in stamp) else None


def _digest(descriptor: int, status: os.stat_result) -> tuple[str, bool]:
    """Digest of the file's bytes and whether it looks binary; no digest when ``status`` has another size.

    At most one byte too many is read, so that a file that grows for ever does not hold the audit.
    """
    digest, left, binary = hashlib.sha256(), status.st_size, None
    while chunk := os.read(descriptor, min(left + 1, CHUNK)):
        binary = b"\0" in chunk[:SNIFFED] if binary is None else binary
        digest.update(chunk)
        left -= len(chunk)
    return ("" if left else digest.hexdigest()), bool(binary)


def stamp_of(status: os.stat_result) -> Stamp:
    """What changes whenever somebody writes to the file or changes its mode."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _same(first: os.stat_result, *others: os.stat_result) -> bool:
    """Whether the bytes were left alone; the ctime of a file that somebody else links or renames changes too."""
    return all(stamp_of(other)[:4] == stamp_of(first)[:4] for other in others)


def _unreachable(listed: Listed, error: OSError) -> FileEntry | None:
    return None if error.errno in _GONE else _entry(listed, listed.kind, note=why_unreadable(error))


def why_unreadable(error: OSError) -> str:
    """The note of an entry that could not be read, in words that are the same on every system."""
    if error.errno in (errno.EACCES, errno.EPERM):
        return "unreadable: permission denied"
    if error.errno in _GONE:
        return CHANGED
    return f"unreadable: {errno.errorcode.get(error.errno or 0, 'unknown error')}"


def _leaving(path: bytes, target: bytes) -> str:
    """Whether a symlink points out of the tree, by its text alone: what lies there is not the tree's."""
    if target.startswith(b"/"):
        return "the target is an absolute path"
    depth = path.count(b"/")
    for part in target.split(b"/"):
        depth += {b"..": -1, b".": 0, b"": 0}.get(part, 1)
        if depth < 0:
            return "the target leaves the tree"
    return ""


def _entry(
    listed: Listed,
    kind: Kind,
    size: int = 0,
    digest: str = "",
    *,
    executable: bool = False,
    binary: bool = False,
    note: str = "",
) -> FileEntry:
    path, encoding = encode_name(listed.path)
    mode = "100755" if executable else _MODES[kind]
    return FileEntry(path, encoding, kind, mode, size, digest, binary, note)
