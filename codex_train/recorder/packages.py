"""Installed distributions: which of them a process uses, and whether their files are those that were installed.

A wheel's RECORD (PEP 376, PEP 627) has a SHA-256 for each of its files. Its digest at the start and a comparison of the
files at the end say more than a version: a patched file has the same version.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import os
import re
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from threading import Lock
from types import ModuleType

from codex_evidence.digests import file_sha256
from codex_evidence.files import open_regular
from codex_evidence.names import shown

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
            matched, record = _INFO.fullmatch(info.name), info / "RECORD"
            # Not installed from a wheel: such a distribution has no RECORD.
            with suppress(OSError):
                if matched and _holds(record, names):
                    package = Package(matched["name"], matched["version"], file_sha256(record)[0])
                    found.setdefault((package.name.lower(), package.version), package)
    return tuple(found[key] for key in sorted(found))


def verify_packages(packages: Iterable[Package]) -> list[str]:
    """What is wrong with the installed files of ``packages``, a line each; empty when nothing is.

    Reads and hashes every file that has a digest in its RECORD; about a second for torch. A RECORD that is not the
    recorded one is a fault of its own: an upgrade replaces the files and RECORD alike.
    """
    wanted = {(_normal(package.name), package.version): package for package in packages}
    faults: list[str] = []
    for site in dict.fromkeys(Path(entry or ".") for entry in sys.path):
        if not _listable(site):
            continue
        for info in sorted(site.glob("*.dist-info")):
            matched = _INFO.fullmatch(info.name)
            package = wanted.pop((_normal(matched["name"]), matched["version"]), None) if matched else None
            if package is not None:
                faults += _faults(site, info, package)
    return faults + sorted(
        f"{one.name}: version {one.version} is not installed any more" for one in wanted.values()
    )


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


def _holds(record: Path, names: set[bytes]) -> bool:
    """Whether the RECORD lists a module that is imported under one of ``names``. Lines are cut first: a search
    for their beginnings takes twice as long over all RECORDs of an environment."""
    with BufferedReader(open_regular(record)) as file:
        begins = {line.partition(b"/")[0] for line in file}
    return any(found[1] in names for begin in begins if (found := _MODULE.match(begin)))


def _faults(site: Path, info: Path, package: Package) -> Iterator[str]:
    try:
        if file_sha256(info / "RECORD")[0] != package.record_sha256:
            yield f"{package.name}: its RECORD is not the one that was recorded at the start"
        with (info / "RECORD").open(encoding="utf-8", errors="replace", newline="") as record:
            faults = _listed_faults(site, csv.reader(record))
    except (OSError, csv.Error):
        faults = ["it has no RECORD that can be read"]
    yield from (f"{package.name}: {fault}" for fault in faults)


def _listed_faults(site: Path, rows: Iterable[list[str]]) -> list[str]:
    # RECORD itself and compiled caches have no digest.
    take = _one_by_one((row[0], row[1][7:]) for row in rows if len(row) == 3 and row[1].startswith("sha256="))
    threads = len(os.sched_getaffinity(0))
    with ThreadPoolExecutor(threads, "package-digest") as pool:
        found = [pool.submit(lambda: list(_file_faults(site, iter(take, None)))) for _ in range(threads)]
        try:
            return sorted(line for task in found for line in task.result())
        finally:
            deque(iter(take, None), maxlen=0)  # after Ctrl-C there are no files left to wait for


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
