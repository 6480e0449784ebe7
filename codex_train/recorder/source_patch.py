"""What of a patch may be written down: no file that holds credentials, no line that looks like one."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from codex_evidence.credentials import holds_secret, is_secret_name
from codex_evidence.names import encode_name

MARK = b"[a line that looks like a credential was left out]"

_START = b"diff --git "
_KEY = re.compile(rb"-----BEGIN [A-Z ]{0,40}PRIVATE KEY")
_ESCAPE = re.compile(rb"\\([0-7]{3}|.)")
_NAMED = {b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file that is not, or not whole, in a patch, and why."""

    path: str
    reason: str


def filtered(patch: bytes) -> tuple[bytes, tuple[LeftOut, ...]]:
    """``patch``, in git's form, without renames, and what it lacks then. A file with a private key, with a name that
    says that it holds credentials, or of binary content goes whole; of others the lines that look like a credential."""
    kept: list[bytes] = []
    left_out: list[LeftOut] = []
    for section in _sections(patch):
        raw = _path(section)
        path = encode_name(raw)[0]
        if reason := _refused(os.fsdecode(raw), section):
            left_out.append(LeftOut(path, reason))
            continue
        lines = section.split(b"\n")
        masked = _masked(lines)
        if masked != lines:
            left_out.append(LeftOut(path, "lines that look like a credential are replaced by a mark"))
        kept.append(b"\n".join(masked))
    return b"".join(kept), tuple(left_out)


def _sections(patch: bytes) -> list[bytes]:
    """The parts of ``patch``, one a file. No line of a file's content begins as the first of a section does."""
    starts = [match.start() for match in re.finditer(rb"(?m)^" + _START, patch)]
    return [patch[start:end] for start, end in zip(starts, [*starts[1:], len(patch)], strict=True)]


def _path(section: bytes) -> bytes:
    """Both names of the first line are the same one, of which either may be quoted as in C."""
    named = section.partition(b"\n")[0].removeprefix(_START)
    first = named[: len(named) // 2]
    if not first.startswith(b'"'):
        return first.removeprefix(b"a/")
    return _ESCAPE.sub(_unescaped, first[1:-1]).removeprefix(b"a/")


def _unescaped(match: re.Match[bytes]) -> bytes:
    code = match[1]
    return bytes([int(code, 8) & 0xFF]) if len(code) == 3 else _NAMED.get(code, code)


def _refused(path: str, section: bytes) -> str:
    """Why nothing of the file may be shown; empty when it may."""
    if is_secret_name(path):
        return "its name says that it holds credentials"
    header = section.partition(b"\n@@ ")[0]
    if b"\nBinary files " in header:
        return "binary"
    return "it holds a private key" if _KEY.search(section) else ""


def _masked(lines: list[bytes]) -> list[bytes]:
    begun = next((number for number, line in enumerate(lines) if line.startswith(b"@@ ")), len(lines))
    return lines[:begun] + [_line(line) for line in lines[begun:]]


def _line(line: bytes) -> bytes:
    if line.startswith(b"@@ "):  # which git ends with a line of the file
        place, _, context = line[3:].partition(b" @@")
        return b"@@ " + place + b" @@" if holds_secret(context) else line
    return line[:1] + MARK if holds_secret(line[1:]) else line
