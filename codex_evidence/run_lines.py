"""Files of one JSON object a line, checked in constant memory."""

from __future__ import annotations

from pathlib import Path

from codex_evidence.errors import CodexError, UnreadableError
from codex_evidence.files import open_regular
from codex_evidence.names import shown
from codex_evidence.run_documents import parse_document

MAX_LINE = 1 << 20


def lines_fault(path: Path, schema_name: str, *, whole: bool) -> tuple[int, str]:
    """The number of lines that fit, and what is wrong with the next one (empty: nothing).

    A line is the RFC 8785 bytes of an object that follows its schema. Unless ``whole``, the last may be cut off.
    Raises UnreadableError.
    """
    count = 0
    with open_regular(path) as raw:
        left = b""
        while True:
            try:
                chunk = raw.read(1 << 20)
            except OSError as error:
                raise UnreadableError(f"cannot read {shown(path)}: {error.strerror}") from error
            if not chunk:
                break
            *lines, left = (left + chunk).split(b"\n")
            for text in lines:
                try:
                    parse_document(text, schema_name, source=f"line {count + 1}")
                except CodexError as error:
                    return count, str(error)
                count += 1
            if len(left) > MAX_LINE:
                return count, f"line {count + 1}: longer than {MAX_LINE} bytes"
    return count, f"line {count + 1} was cut off: it has no newline" if left and whole else ""
