"""Why a Python file could not be read, in words, and whether a newer Python could read it."""

from __future__ import annotations

import re
import sys

from codex_audit.facts.model import Unread

# What each grammar added, recognised by the line at which the older parser stops.
_NEWER = (
    ((3, 12), re.compile(r"^\s*(async\s+)?(def|class)\s+\w+\s*\[")),
    ((3, 12), re.compile(r"^\s*type\s+\w+\s*(\[.*\])?\s*=")),
    ((3, 14), re.compile(r"^\s*except\s*\*?\s*[\w.]+\s*,\s*[\w., ]+:")),
    ((3, 14), re.compile(r"(?<![\w'\"])(t|tr|rt|T|TR|RT)[\"']")),
    ((3, 13), re.compile(r"^\s*(async\s+)?(def|class|type)\s+\w+\s*\[[^\]]*=")),
    ((3, 15), re.compile(r"^\s*lazy\s+(import|from)\s")),
)
_NESTED_QUOTES = re.compile(r"\b[fF][rR]?[\"'].*\{.*[\"'\\]")
_WORD = re.compile(rb"[A-Za-z_][A-Za-z0-9_]*")
MOST_WORDS = 5000


def explain_failure(data: bytes, failure: BaseException) -> Unread:
    """The reason for a file that ``ast.parse`` refused, with the line where it stopped (0 when unknown)."""
    words = frozenset(word.decode("ascii").lower() for word in _WORD.findall(data[: 4 << 20]))
    words = frozenset(sorted(words)[:MOST_WORDS])
    if isinstance(failure, SyntaxError):
        line = failure.lineno or 0
        needed = _needed(data, line)
        if needed is not None:
            return Unread("python", f"needs Python >= {needed[0]}.{needed[1]}", line, words)
        return Unread("python", f"syntax error: {_plain(failure.msg)}", line, words)
    if isinstance(failure, MemoryError | RecursionError):
        return Unread("python", "nested too deeply for Python's parser", 0, words)
    return Unread("python", f"not Python source: {_plain(str(failure))}", 0, words)


def _needed(data: bytes, line: int) -> tuple[int, int] | None:
    """The newest grammar that the failing line asks for, if it is newer than this one."""
    lines = data.decode("utf-8", "replace").splitlines()
    text = lines[line - 1] if 0 < line <= len(lines) else ""
    wanted = [version for version, pattern in _NEWER if pattern.search(text)]
    if _NESTED_QUOTES.search(text):
        wanted.append((3, 12))
    newer = [version for version in wanted if version > sys.version_info[:2]]
    return max(newer, default=None)


def _plain(message: str) -> str:
    """A message of the parser without anything of this machine, such as ``(<unknown>, line 3)``."""
    return message.partition(" (")[0]
