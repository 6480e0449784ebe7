"""What every reader needs of a file: its text, its lines, its identifiers, and the error that says it cannot
be read.

Lines are counted as editors count them: ``\\n``, ``\\r\\n`` and a lone ``\\r`` end one, nothing else does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from codex_evidence.errors import CodexError

MAX_VALUE = 2_000
MAX_WORDS = 5_000
MAX_WORD_BYTES = 4 * 2**20

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CONTINUED = re.compile(r"(?<!\\)(?:\\\\)*\\$")


class ReadError(CodexError):
    """A file that one reader cannot read. ``line`` is 0 when no single line is to blame.

    ``data`` says that the file was understood and is no business of the reader (a table of records with
    the suffix of a configuration file): nothing in it could have mattered.
    """

    exit_code = 2

    def __init__(self, reason: str, line: int = 0, *, data: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line
        self.data = data


def text_of(data: bytes) -> str:
    """``data`` as UTF-8 (a byte order mark dropped) with ``\\n`` line ends. Raises ReadError where it is not
    UTF-8."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ReadError(f"not UTF-8 (byte 0x{data[error.start]:02x})", line) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def text_of_any(data: bytes) -> str:
    """``data`` as UTF-8, else as Latin-1: for formats whose syntax is ASCII and whose prose may be old."""
    try:
        return text_of(data)
    except ReadError:
        return text_of(data.decode("latin-1").encode("utf-8"))


def identifiers(text: str, limit: int = MAX_WORDS) -> frozenset[str]:
    """The first ``limit`` different identifiers of ``text``, in lower case."""
    words: set[str] = set()
    for match in _IDENTIFIER.finditer(text):
        words.add(match[0].lower())
        if len(words) == limit:
            break
    return frozenset(words)


def words_of(data: bytes) -> frozenset[str]:
    """The identifiers of a file that could not be read; none for a file over 4 MB."""
    if len(data) > MAX_WORD_BYTES:
        return frozenset()
    return identifiers(data.decode("latin-1"))


def cut(text: str) -> str:
    """``text`` up to the length that a fact keeps."""
    return text[:MAX_VALUE]


def commands(lines: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """The shell command lines among numbered ``lines``: continued lines joined, blank and comment lines left
    out."""
    start, held = 0, ""
    for number, line in lines:
        text = line.strip()
        start = start if held else number
        if _CONTINUED.search(text):
            held += text[:-1].rstrip() + " "
            continue
        whole, held = (held + text).strip(), ""
        if whole and not whole.startswith("#"):
            yield start, cut(whole)
    if held.strip():
        yield start, cut(held.strip())


def numbered(text: str, first: int = 1) -> Iterator[tuple[int, str]]:
    """The lines of ``text`` with their numbers, counted from ``first``."""
    return enumerate(text.split("\n"), first)
