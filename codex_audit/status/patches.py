"""Unified diffs as ``git apply`` reads them."""

from __future__ import annotations

import difflib
import re
import unicodedata

_PLAIN_PATH = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_./-]*")
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


def unified(path: str, old: str | None, new: str) -> str:
    """The diff that turns ``old`` (None for no file) into ``new``; empty when there is none that a report can carry:
    a path that git would quote, a part of ``..`` or ``.git``, or lines with characters that do not show."""
    if not _PLAIN_PATH.fullmatch(path) or {"..", ".git", ""} & set(path.split("/")) or old == new:
        return ""
    before = [] if old is None else _rows(old)
    body = list(difflib.unified_diff(before, _rows(new), f"a/{path}", f"b/{path}"))[2:]
    if any(
        unicodedata.category(char) in _HIDDEN for row in body for char in row.rstrip("\n") if char != "\t"
    ):
        return ""
    head = [f"diff --git a/{path} b/{path}\n"]
    head += ["new file mode 100644\n", "--- /dev/null\n"] if old is None else [f"--- a/{path}\n"]
    head.append(f"+++ b/{path}\n")
    return "".join(
        (*head, *(row if row.endswith("\n") else f"{row}\n\\ No newline at end of file\n" for row in body))
    )


def _rows(text: str) -> list[str]:
    """Lines with their ends, cut at ``\\n`` alone, as git cuts them."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)
