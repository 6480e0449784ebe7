"""Text from an audited tree made safe for Markdown (CommonMark and GitHub's tables).

A name or an excerpt is data: whatever it holds, it must show as itself and must not open a tag, a link, a
table cell or a terminal sequence. Invisible and control characters, which can hide or reorder what a reader
sees, are shown as Python escapes.
"""

from __future__ import annotations

import re
import unicodedata

_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
_LITERALS = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;", **{char: f"\\{char}" for char in "\\`*_[]#~$"}}
)
_AT_START = re.compile(r"(?:[-+=:]|\d{1,9}(?=[.)]))")
_LINK_STARTS = re.compile(r":(?=//)|(?<=www)\.|@", re.IGNORECASE)


class Markdown(str):
    """Text that is Markdown already and is not escaped again."""

    __slots__ = ()


def visible(value: str) -> str:
    """``value`` on one line, with escapes in place of characters that do not show."""
    if value.isprintable():  # the common case: none of those categories is printable
        return value
    return "".join(_escape(char) if unicodedata.category(char) in _INVISIBLE else char for char in value)


def text(value: str) -> Markdown:
    """``value`` as plain running text, also inside a table cell or at the start of a list item."""
    shown = _LINK_STARTS.sub(lambda match: f"\0{ord(match[0])};", visible(value).strip())
    start = _AT_START.match(shown)
    escaped = shown.translate(_LITERALS).replace("\0", "&#")
    if start:
        cut = start.end() if start[0].isdigit() else 0
        return Markdown(f"{escaped[:cut]}\\{escaped[cut:]}")
    return Markdown(escaped)


def code(value: str) -> Markdown:
    """``value`` as a code span, fenced with more backticks than it has in a row; *(empty)* for none."""
    shown = visible(value)
    if not shown.strip():
        return Markdown("*(empty)*")
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", shown)), default=0))
    pad = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return Markdown(f"{fence}{pad}{shown}{pad}{fence}")


def cell(value: str) -> Markdown:
    """``value`` as a code span in a table cell. One that holds a pipe becomes plain text: renderers disagree
    on where a cell ends when a pipe inside a code span follows a backslash."""
    return text(value) if "|" in value else code(value)


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
