"""File names as text. POSIX names are bytes; JSON holds only Unicode.

A name that is UTF-8 is recorded as it is. Any other is percent-encoded as a whole (every byte that is
not printable ASCII, and ``%`` itself), and the record says which of the two it is.
"""

from __future__ import annotations

import os
import re
from typing import Literal

from codex_evidence.errors import InvalidNameError

NameEncoding = Literal["utf-8", "percent"]

_ESCAPE = re.compile(rb"[^!-$&-~ ]")
_ESCAPED = re.compile(rb"%([0-9A-F]{2})")
_UNPRINTABLE = re.compile(r"[^\S ]|[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def encode_name(raw: bytes) -> tuple[str, NameEncoding]:
    """``raw`` as text and how to read that text. Total: every byte string has exactly one spelling."""
    try:
        return raw.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        return _ESCAPE.sub(lambda match: b"%%%02X" % match[0][0], raw).decode("ascii"), "percent"


def decode_name(text: str, encoding: str) -> bytes:
    """The bytes that ``encode_name`` recorded as ``text``.

    Raises InvalidNameError for any spelling that ``encode_name`` does not produce, so that no file has two.
    """
    try:
        raw = text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InvalidNameError(f"name {text!a} holds a lone surrogate; record it percent-encoded") from error
    if encoding == "percent":
        raw = _ESCAPED.sub(lambda match: bytes.fromhex(match[1].decode("ascii")), raw)
    if encode_name(raw) != (text, encoding):
        raise InvalidNameError(f"name {text!a} is not a {encoding} spelling of a file name")
    return raw


def shown(path: str | bytes | os.PathLike[str]) -> str:
    """``path`` for a message on one line: no control or bidirectional character reaches the terminal."""
    text, _ = encode_name(os.fsencode(path))
    return _UNPRINTABLE.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)
