"""Installed distributions: which of them a process uses, and whether their files are those that were installed.

A wheel's RECORD (PEP 376, PEP 627) has a SHA-256 for each of its files. Its digest at the start and a comparison of the
files at the end say more than a version: a patched file has the same version.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import os
import re
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from types import ModuleType

from codex_evidence.digests import sha256_hex
from codex_evidence.errors import UnreadableError
from codex_evidence.files import open_regular, read_bytes
from codex_evidence.names import shown

_MOST = 64 * 2**20
_CHUNK = 1 << 17  # a buffer for each thread, which the allocator keeps
_MODULE = re.compile(rb'"?(\w+)(?:$|\.py,|\.[\w.-]*so,)')  # a path up to its first slash, or a line of RECORD
_INFO = re.compile(r"(?P<name>[^-]+)-(?P<version>[^-]+)\.dist-info")

Listed = tuple[str, str]
"""A path in a RECORD, and its digest in base64url without padding."""


@dataclass(frozen=True, slots=True)
class Package:
    """``record_sha256`` is empty for a distribution without a RECORD."""

    name: str
    version: str
    record_sha256: str


def loaded_packages(modules: Mapping[str, ModuleType] | None = None) -> tuple[Package, ...]:
    """The distributions of which a module is loaded (default: in this process), in order of name."""
    found: dict[tuple[str, str], Package] = {}
    for site, names in _loaded_by_site(sys.modules if modules is None else modules).items():
        for info in sorted(site.glob("*.dist-info")):
            matched = _INFO.fullmatch(info.name)
            record = _record(info)
            if matched and record and _holds(record, names):
                package = Package(matched["name"], matched["version"], sha256_hex(record))
                found.setdefault((package.name.lower(), package.version), package)
    return tuple(found[key] for key in sorted(found))


def verify_packages(names: Iterable[str]) -> list[str]:
    """What is wrong with the installed files of the distributions ``names``, a line each; empty when nothing is.

    Reads and hashes every file that has a digest in its RECORD; about a second for torch.
    """
    wanted = {_normal(name): name for name in names}
    faults: list[str] = []
    for site in dict.fromkeys(Path(entry or ".") for entry in sys.path):
        if not _listable(site):
            continue
        for info in sorted(site.glob("*.dist-info")):
            matched = _INFO.fullmatch(info.name)
            if matched and wanted.pop(_normal(matched["name"]), None) is not None:
                faults += _faults(site, info, matched["name"])
    return faults + [f"{name}: it is not installed any more" for name in sorted(wanted.values())]


def _loaded_by_site(modules: Mapping[str, ModuleType]) -> dict[Path, set[bytes]]:
    """Top-level names of loaded modules, in UTF-8, by the folder of ``sys.path`` that they lie in."""
    found: dict[Path, set[bytes]] = {}
    for name, module in list(modules.items()):
        if "." in name:
            continue
        places = (
            [file] if (file := getattr(module, "__file__", None)) else list(getattr(module, "__path__", ()))
        )
        for place in places:
            path = Path(place)
            folder = path.parent.parent if path.name.startswith("__init__.") else path.parent
            found.setdefault(folder, set()).add(name.encode())
    return {folder: names for folder, names in found.items() if _listable(folder)}


def _listable(folder: Path) -> bool:
    """Whether distributions can be found in ``folder``: what this user may not list is as good as empty."""
    return os.access(folder, os.R_OK | os.X_OK) and folder.is_dir()


def _record(info: Path) -> bytes:
    try:
        return read_bytes(info / "RECORD", max_bytes=_MOST)
    except UnreadableError:
        return b""  # not installed from a wheel: such a distribution has no RECORD


def _holds(record: bytes, names: set[bytes]) -> bool:
    """Whether the RECORD lists a module that is imported under one of ``names``. Lines are cut first: a search
    for their beginnings takes twice as long over all RECORDs of an environment."""
    begins = {line.partition(b"/")[0] for line in io.BytesIO(record)}
    return any(found[1] in names for begin in begins if (found := _MODULE.match(begin)))


def _faults(site: Path, info: Path, name: str) -> Iterator[str]:
    record = _record(info)
    if not record:
        yield f"{name}: it has no RECORD to compare its files with"
        return
    rows = csv.reader(io.TextIOWrapper(io.BytesIO(record), encoding="utf-8", errors="replace", newline=""))
    # RECORD itself and compiled caches have no digest.
    listed = ((row[0], row[1][7:]) for row in rows if len(row) == 3 and row[1].startswith("sha256="))
    take = _one_by_one(listed)
    threads = min(len(os.sched_getaffinity(0)), record.count(b"\n") + 1)
    with ThreadPoolExecutor(threads, "package-digest") as pool:
        found = [pool.submit(lambda: list(_file_faults(site, iter(take, None)))) for _ in range(threads)]
        try:
            faults = sorted(line for task in found for line in task.result())
        finally:
            deque(iter(take, None), maxlen=0)  # after Ctrl-C there are no files left to wait for
    yield from (f"{name}: {fault}" for fault in faults)


def _one_by_one(items: Iterator[Listed]) -> Callable[[], Listed | None]:
    """Gives one of ``items`` a call, None after the last, to any thread that asks: torch has 13,000 files, which as so
    many tasks would take 28 MB."""
    lock = Lock()

    def take() -> Listed | None:
        with lock:
            return next(items, None)

    return take


def _file_faults(site: Path, listed: Iterable[Listed]) -> Iterator[str]:
    """What is wrong with the files that are ``listed`` with their digests, a line each."""
    for path, digest in listed:
        if fault := _file_fault(os.path.join(site, path), digest):  # noqa: PTH118 - 16,000 times
            yield f"{shown(path)} {fault}"


def _file_fault(path: str, expected: str) -> str:
    digest = hashlib.sha256()
    try:
        # Some installers link into their cache; what is linked to is what Python runs.
        with open_regular(os.path.realpath(path) if Path(path).is_symlink() else path) as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except OSError as error:
        return f"cannot be read ({error})"
    found = base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode("ascii")
    return "" if found == expected.rstrip("=") else "is not the file that was installed"


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
