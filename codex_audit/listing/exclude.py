"""The globs by which a user leaves paths out of an audit.

As in a ``.gitignore``: ``*`` and ``?`` stay within one name, ``**`` spans any number of folders, ``[...]``
is one of some characters. A glob without a slash matches a name at any depth, any other the path from the
root of the tree. What matches a folder leaves out all that is in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from codex_evidence.errors import UsageError

_PIECE = re.compile(r"\*\*/|/\*\*$|\*+|\?|\[!?\]?[^]/]*\]|.", re.DOTALL)
_SPECIAL = {"**/": "(?:.*/)?", "/**": "/.*", "?": "[^/]"}


def excluder(globs: Iterable[str]) -> Callable[[bytes], bool]:
    """A function that tells whether a relative path is left out. Raises UsageError for a glob that can
    match nothing."""
    patterns = [_pattern(glob) for glob in globs]
    if not patterns:
        return lambda path: False
    union = re.compile("|".join(patterns), re.DOTALL)
    return lambda path: union.fullmatch(path.decode("utf-8", "surrogateescape")) is not None


def _pattern(glob: str) -> str:
    body = glob.strip("/") if not glob.startswith("/") else ""
    if not body or {"", ".", ".."} & set(body.split("/")):
        raise UsageError(
            f"exclude: {glob!a} matches nothing; write a glob relative to the tree (third_party/**)"
        )
    anywhere = "" if "/" in body else "(?:.*/)?"
    try:
        return re.compile(f"{anywhere}{''.join(map(_piece, _PIECE.findall(body)))}(?:/.*)?").pattern
    except re.error as error:
        raise UsageError(f"exclude: {glob!a} is not a glob: {error}") from error


def _piece(piece: str) -> str:
    if piece in _SPECIAL:
        return _SPECIAL[piece]
    if piece.startswith("*"):
        return "[^/]*"
    if piece.startswith("[") and len(piece) > 1:
        inside = piece[1:-1]
        negated, inside = inside.startswith("!"), inside.removeprefix("!")
        escaped = re.sub(r"([\\\[\]^&~|])", r"\\\1", inside)
        return f"(?!/)[{'^' if negated else ''}{escaped}]"
    return re.escape(piece)
