"""Text files cut into documents, in constant memory."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from codex_evidence.errors import CodexError

PIECE = 2**18
"""Bytes of a longer document that are read at once: cut after a line where there is one."""

_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),  # before UTF-16, of which it is a longer form
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)


class BadTextError(CodexError):
    """Bytes that are no text to train on; the message is a reason without a place."""

    exit_code = 2


class Piece(NamedTuple):
    """A document, or a part of one that is longer than PIECE. ``offset`` is in bytes from 0, ``line`` from 1, both
    where it begins in the file; ``last`` ends the document."""

    data: bytes
    offset: int
    line: int
    last: bool


def decode(data: bytes, offset: int) -> str:
    """The text of ``data``, which lies at ``offset`` in its file. Raises BadTextError unless it is UTF-8 without a byte
    order mark and without NUL."""
    if offset == 0:
        if mark := next((name for mark, name in _MARKS if data.startswith(mark)), ""):
            raise BadTextError(f"starts with a {mark} byte order mark; convert it to UTF-8")
        if data.startswith(codecs.BOM_UTF8):
            raise BadTextError("starts with a UTF-8 byte order mark; save it without one")
    if (nul := data.find(0)) >= 0:
        raise BadTextError(f"NUL at byte {offset + nul}, so it is no text (or UTF-16); remove or convert it")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        what = f"byte {offset + error.start} (0x{data[error.start]:02x})"
        raise BadTextError(f"not UTF-8 at {what}; convert it to UTF-8") from error


def pieces(file: BinaryIO, separator: bytes) -> Iterator[Piece]:
    """The documents of ``file``: all of it is one, or what stands between lines that hold only ``separator``. A
    document without a byte is none."""
    whole = _parted(file, separator) if separator else _whole(file)
    return (piece for piece in whole if piece.data)


def _whole(file: BinaryIO) -> Iterator[Piece]:
    rest, offset, line = b"", 0, 1
    while chunk := file.read(PIECE):
        rest += chunk
        while len(rest) > PIECE:
            cut = _cut(rest, PIECE)
            yield Piece(rest[:cut], offset, line, last=False)
            offset, line, rest = offset + cut, line + rest.count(b"\n", 0, cut), rest[cut:]
    yield Piece(rest, offset, line, last=True)


def _parted(file: BinaryIO, separator: bytes) -> Iterator[Piece]:
    held: list[bytes] = []
    size = offset = 0  # of what is held
    begin, number, fresh = 1, 1, True
    while data := file.readline(PIECE):
        if fresh and data.rstrip(b"\r\n") == separator:
            yield Piece(b"".join(held), offset, begin, last=True)
            offset, size, held, begin = offset + size + len(data), 0, [], number + 1
        else:
            held.append(data)
            size += len(data)
        fresh = data.endswith(b"\n")
        number += fresh
        if size > PIECE:
            rest = b"".join(held)
            cut = _cut(rest, size - 1)
            yield Piece(rest[:cut], offset, begin, last=False)
            offset, size, held = offset + cut, size - cut, [rest[cut:]]
            begin = number - rest.count(b"\n", cut)
    yield Piece(b"".join(held), offset, begin, last=True)


def _cut(data: bytes, limit: int) -> int:
    """Where to part ``data``, at most at ``limit``: after a line, else between two characters."""
    if after := data.rfind(b"\n", 0, limit) + 1:
        return after
    while limit > 1 and data[limit] & 0xC0 == 0x80:  # in the middle of a character
        limit -= 1
    return limit
