"""What the last search for secrets leaves for audits of its tree, also once that has changed: where in which bytes a
value stands that the readers do not know for a secret themselves. Places and digests of files, never a value."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from codex_audit.artifacts import ContextIndex
from codex_audit.facts.hidden import Hidden
from codex_audit.scanners.places import WITHHELD
from codex_evidence.documents import MAX_BYTES
from codex_evidence.errors import CodexError
from codex_evidence.files import read_bytes
from codex_evidence.names import shown

SCHEMA = "codex-audit/withheld/v1"


class WithheldError(CodexError):
    """The file cannot be understood, so nobody knows what an audit has to hide."""

    exit_code = 1


@dataclass(frozen=True, slots=True)
class WithheldFile:
    """A file as it was scanned, and the places in it."""

    path: str
    sha256: str
    values: tuple[Hidden, ...]


@dataclass(frozen=True, slots=True)
class Withheld:
    """``audit_artifacts/security/withheld.json``, in order of path. It stays until secrets are looked for again."""

    schema: str
    files: tuple[WithheldFile, ...]


def read_withheld(outputs: Iterable[Path], index: ContextIndex) -> tuple[WithheldFile, ...]:
    """What lies under ``outputs`` and concerns ``index``: files of the same bytes, wherever they are, and of the same
    path, whatever they hold now. Raises WithheldError, and UnreadableError for a file that cannot be read."""
    found = {(one.path, one.sha256): one for output in outputs for one in _read(output / WITHHELD)}
    if not found:
        return ()
    names = {entry.path for entry in index.files} | {entry.sha256 for entry in index.files if entry.sha256}
    return tuple(one for _, one in sorted(found.items()) if not names.isdisjoint((one.path, one.sha256)))


def _read(path: Path) -> tuple[WithheldFile, ...]:
    if not os.path.lexists(path):
        return ()
    try:
        # A schema would take longer than all else of an audit that is remembered.
        document = msgspec.json.decode(read_bytes(path, max_bytes=MAX_BYTES), type=Withheld)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise WithheldError(
            f"{shown(path)} does not say what to hide ({error}); run codex-audit scan again"
        ) from error
    if document.schema != SCHEMA:
        raise WithheldError(f"{shown(path)} is of another form than {SCHEMA}; run codex-audit scan again")
    return document.files
