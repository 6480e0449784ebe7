"""The lines around a cited place, credentials replaced, coloured by the language of the file."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from codex_audit.artifacts import ContextIndex
from codex_audit.facts.secrets import redact_bytes
from codex_audit.listing.beneath import folder, is_beneath, opened, read_at_most, split
from codex_audit.scanners.read import read_scans
from codex_audit.stages.found_secrets import secret_lines, without_found
from codex_audit.stages.hiding import withheld_of
from codex_audit.tui.page import Piece, Tone, safe
from codex_evidence.digests import sha256_hex
from codex_evidence.errors import CodexError, InvalidNameError
from codex_evidence.names import decode_name

AROUND = 60
LONGEST_LINE = 400
MOST_BYTES = 8 * 2**20
_CODE_BYTES = 1 << 16  # more than that is not coloured: a lexer needs a second for a few MB


@dataclass(frozen=True, slots=True)
class Source:
    """Lines ``first`` (from 1) on of ``total``. ``sha256`` is that of the file as it is now; ``fault`` says why there
    are no lines."""

    first: int = 1
    lines: tuple[tuple[Piece, ...], ...] = ()
    sha256: str = ""
    total: int = 0
    fault: str = ""


def read_source(
    tree: Path,
    path: str,
    encoding: str,
    line: int,
    hidden: Callable[[bytes], frozenset[int]] = lambda data: frozenset(),
) -> Source:
    """The lines of ``path`` around ``line``, a word in place of those that are ``hidden`` in its bytes. ``path`` comes
    from an artifact and may be anything: it is read only where it is a regular file beneath ``tree``, reached through
    no symlink. Raises nothing for it."""
    try:
        data = _bytes(tree, decode_name(path, encoding))
    except InvalidNameError as error:
        return Source(fault=str(error))
    except (OSError, CodexError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return Source(fault=f"it cannot be read below {tree}: {reason}")
    digest = sha256_hex(data)
    text = redact_bytes(without_found(data, hidden(data))).decode("utf-8", "replace")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    first, last = max(1, line - AROUND), min(len(lines), line + AROUND)
    shown = [one[:LONGEST_LINE] for one in lines[first - 1 : last]]
    coloured = tuple(_coloured(shown, lines[: first - 1], path))
    return Source(first, coloured, digest, len(lines))


def found_lines(outputs: Sequence[Path], index: ContextIndex, path: str) -> Callable[[bytes], frozenset[int]]:
    """In which lines of ``path`` the scans under ``outputs`` found a secret, by its bytes as they are now: as they were
    audited, or changed since. Raises CodexError for a scan that cannot be read."""
    scans = read_scans(outputs, index, None)
    audited = next((entry.sha256 for entry in index.files if entry.path == path), "")
    known = secret_lines(scans.fitting).get(path, frozenset())

    def lines(data: bytes) -> frozenset[int]:
        digest = sha256_hex(data)
        values = withheld_of(path, digest, scans.withheld, lambda: data)
        return frozenset(value.span.line for value in values) | (known if digest == audited else frozenset())

    return lines


def _bytes(tree: Path, raw: bytes) -> bytes:
    if not is_beneath(raw):
        raise InvalidNameError("its path leads out of the tree, so it is not opened")
    parent, name = split(raw)
    with folder(tree, parent) as within, opened(name, within) as descriptor:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise InvalidNameError("it is no regular file, so it is not opened")
        return read_at_most(descriptor, MOST_BYTES)


def _coloured(lines: list[str], before: list[str], path: str) -> Iterator[tuple[Piece, ...]]:
    """``lines`` in pieces. What stands ``before`` is looked at too, so that a string that began there is known."""
    from pygments.lexers import find_lexer_class_for_filename

    head = "\n".join(before)
    found = find_lexer_class_for_filename(path.rpartition("/")[2]) if len(path) < LONGEST_LINE else None
    if found is None or len(head) > _CODE_BYTES:
        yield from ((Piece(safe(line)),) for line in lines)
        return
    text = "\n".join([*([head] if before else []), *lines]) + "\n"
    lexer = found(stripnl=False, ensurenl=False)
    current: list[Piece] = []
    number = -len(before)
    for kind, value in lexer.get_tokens(text):
        for index, part in enumerate(value.split("\n")):
            if index:
                if number >= 0:
                    yield tuple(current)
                current, number = [], number + 1
            if part and number >= 0:
                current.append(Piece(safe(part.expandtabs(4)), _tone(str(kind))))


_TONES: tuple[tuple[str, Tone], ...] = (
    ("Token.Keyword", "keyword"),
    ("Token.Operator.Word", "keyword"),
    ("Token.Literal.String", "string"),
    ("Token.Comment", "comment"),
    ("Token.Literal.Number", "number"),
    ("Token.Name.Function", "name"),
    ("Token.Name.Class", "name"),
    ("Token.Name.Decorator", "name"),
    ("Token.Name.Tag", "keyword"),
)


def _tone(kind: str) -> Tone:
    return next((tone for prefix, tone in _TONES if kind.startswith(prefix)), "plain")
