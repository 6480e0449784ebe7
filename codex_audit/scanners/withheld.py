"""What the last search for secrets leaves for audits of its tree, also once that has changed: where in which bytes a
value stands, and what its line holds besides. Places and digests, never a value."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from codex_audit.artifacts import Span
from codex_audit.scanners.places import WITHHELD
from codex_evidence.digests import sha256_hex
from codex_evidence.documents import MAX_BYTES
from codex_evidence.errors import CodexError
from codex_evidence.files import read_bytes
from codex_evidence.names import shown

SCHEMA = "codex-audit/withheld/v1"

_KIND = re.compile(r"[A-Za-z0-9][A-Za-z0-9 -]{0,99}")
_MOST = 1 << 31


class WithheldError(CodexError):
    """The file cannot be understood, so nobody knows what an audit has to hide."""

    exit_code = 1


@dataclass(frozen=True, slots=True)
class WithheldPlace:
    """A value of ``kind`` (words, never a value) in a line; ``signs`` are the classes of its bytes: 1 for small
    letters, 2 for capitals, 4 for digits and 8 for others, added up."""

    kind: str
    span: Span
    signs: int


@dataclass(frozen=True, slots=True)
class WithheldLine:
    """A line of ``size`` bytes without the white space around it, which is ``indent`` bytes before. The SHA-256 of it
    without its values: ``alone`` (empty where little is left), and with the line ``above`` and ``below`` that is not
    blank, themselves without values (empty where there is none)."""

    size: int
    indent: int
    alone: str
    above: str
    below: str
    places: tuple[WithheldPlace, ...]


@dataclass(frozen=True, slots=True)
class WithheldFile:
    """A file as it was scanned, and its lines with values, in order."""

    path: str
    sha256: str
    lines: tuple[WithheldLine, ...]


@dataclass(frozen=True, slots=True)
class Withheld:
    """``audit_artifacts/security/withheld.json``: the ``files`` in order of path, and the SHA-256 of every text that
    was ``scanned``, sorted (none where nothing is withheld). It stays until secrets are looked for again."""

    schema: str
    files: tuple[WithheldFile, ...]
    scanned: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Search:
    """What one search for secrets left, ``sha256`` that of its file. What is not among the digests that it ``scanned``
    is new or has changed since."""

    files: tuple[WithheldFile, ...]
    scanned: frozenset[str]
    sha256: str


def read_withheld(outputs: Iterable[Path]) -> tuple[Search, ...]:
    """What the searches under ``outputs`` withhold, those apart that withhold nothing. Raises WithheldError, and
    UnreadableError for a file that cannot be read."""
    found = (search_under(output) for output in outputs)
    return tuple(one for one in found if one is not None and one.files)


def search_under(output: Path) -> Search | None:
    """The search under ``output``, None where there is none. Raises as ``read_withheld``."""
    path = output / WITHHELD
    if not os.path.lexists(path):
        return None
    data = read_bytes(path, max_bytes=MAX_BYTES)
    try:
        # A schema would take longer than all else of an audit that is remembered.
        document = msgspec.json.decode(data, type=Withheld)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise WithheldError(
            f"{shown(path)} does not say what to hide ({error}); run codex-audit scan again"
        ) from error
    if document.schema != SCHEMA or not all(_is_sound(one) for one in document.files):
        raise WithheldError(
            f"{shown(path)} does not say what to hide in the form {SCHEMA}; run codex-audit scan again"
        )
    return Search(document.files, frozenset(document.scanned), sha256_hex(data))


def _is_sound(file: WithheldFile) -> bool:
    """Whether all places can be, and no kind says more than words: it is put where the value stood."""
    return bool(file.lines) and all(
        0 <= line.indent < _MOST
        and 0 < line.size < _MOST
        and line.places
        and all(map(_is_place, line.places))
        for line in file.lines
    )


def _is_place(place: WithheldPlace) -> bool:
    span = place.span
    sound = 0 < span.line < _MOST and 0 <= span.start < span.end < _MOST and 0 < place.signs < 16
    return sound and _KIND.fullmatch(place.kind) is not None
