"""What is scanned: files of a listing, each read only as the bytes that were indexed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from codex_audit.artifacts import ContextIndex, FileEntry
from codex_audit.cache.store import Store
from codex_audit.scanners.children import DEFAULT_LIMITS, Limits
from codex_audit.scanners.rules import SuppressRule

LARGEST = 16 << 20


@dataclass(frozen=True, slots=True)
class Subject:
    """``read`` gives the indexed bytes of an entry and raises CodexError when the file holds others by now."""

    index: ContextIndex
    read: Callable[[FileEntry], bytes]

    def texts(self) -> tuple[FileEntry, ...]:
        """The files that can be read as text, too large ones included."""
        return tuple(
            entry for entry in self.index.files if entry.kind == "file" and entry.sha256 and not entry.binary
        )


@dataclass(frozen=True, slots=True)
class Settings:
    """How to scan. ``scratch`` is an empty folder outside of the tree; ``only`` the scanners that are asked;
    ``osv_folder`` holds OSV records; ``offline`` forbids asking the public database; ``packages`` is a folder with
    installed distributions to read licences from, None for this interpreter's; ``key`` is the user's, for HMACs;
    ``tell`` hears what is going on."""

    scratch: Path
    only: tuple[str, ...]
    jobs: int = 1
    limits: Limits = DEFAULT_LIMITS
    store: Store | None = None
    osv_folder: Path | None = None
    offline: bool = False
    packages: Path | None = None
    key: bytes = b""
    suppress: tuple[SuppressRule, ...] = ()
    tell: Callable[[str], None] = field(default=lambda text: None)
