"""Relative links and images of Markdown documents: the file is in the repository, and the place in it exists.

Nothing is asked of the network; what has a scheme or a host is somebody else's.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from posixpath import normpath
from urllib.parse import unquote, unquote_to_bytes

from codex_audit.gates.anchors import anchors, html_ids
from codex_audit.gates.markdown import MOST_BRACKETS, blocks_of, read_text
from codex_audit.gates.problem import Problem
from codex_audit.gates.repository import Repository, read_file, tracked
from codex_audit.gates.targets import Target, targets
from codex_audit.listing.beneath import is_beneath
from codex_evidence.errors import UnreadableError
from codex_evidence.names import shown

_ELSEWHERE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|//")
_LINES = re.compile(r"L(\d{1,9})(?:C\d+)?(?:-L(\d{1,9})(?:C\d+)?)?")
_MARKDOWN = (b".md", b".markdown", b".mdown", b".mkd")
_HTML = (b".html", b".htm")
_MOST_COMPARED = 2000
_MAX_BYTES = 16 * 2**20


@dataclass(frozen=True, slots=True)
class Places:
    """What links may lead to. ``listed`` are the paths that git tracks, with all their folders; None without git.
    ``known`` remembers the anchors of documents that were looked at."""

    repository: Repository
    listed: frozenset[bytes] | None
    known: dict[bytes, frozenset[str]] = field(default_factory=dict)

    def missing(self, path: bytes) -> str:
        """Why a link to ``path`` is dead; empty when it is not."""
        if not os.path.lexists(self.repository.place(path)):
            return "does not exist"
        if self.listed is not None and path not in self.listed:
            return "is not in git; add it"
        return "" if self.real(path) is not None else "is a symlink that leads nowhere in the repository"

    def real(self, path: bytes) -> bytes | None:
        """The path without symlinks; None for what is not there or lies outside the repository."""
        place = Path(os.path.realpath(self.repository.place(path)))
        within = os.fsencode(os.path.relpath(place, self.repository.root))
        return within if place.exists() and (within == b"." or is_beneath(within)) else None

    def anchors_of(self, path: bytes) -> frozenset[str]:
        """The fragments of the document ``path``. Raises UnreadableError."""
        if path not in self.known:
            if path.lower().endswith(_HTML):
                text = read_file(self.repository, path, max_bytes=_MAX_BYTES).decode(
                    "utf-8", errors="replace"
                )
                self.known[path] = html_ids(text)
            else:
                self.known[path] = anchors(read_text(self.repository, path)[0])
        return self.known[path]


def places_of(repository: Repository) -> Places:
    """What links in ``repository`` may lead to. Raises GitError."""
    files = tracked(repository)
    if files is None:
        return Places(repository, None)
    folders = {b""}
    for path in files:
        while (path := path.rpartition(b"/")[0]) not in folders:
            folders.add(path)
    return Places(repository, files | folders)


def link_problems(places: Places, path: bytes) -> Iterator[Problem]:
    """What is wrong with the links of the document ``path``."""
    try:
        text, problems = read_text(places.repository, path)
    except UnreadableError as error:
        yield Problem(path, 0, str(error), unreadable=True)
        return
    yield from problems
    found, unread = targets(blocks_of(text))
    for line in unread:
        yield Problem(
            path, line, f"a paragraph with more than {MOST_BRACKETS} brackets was not searched for links"
        )
    for target in found:
        if reason := _dead(places, path, target):
            yield Problem(path, target.line, f"{target.kind} {_short(target.url)}: {reason}")


def _dead(places: Places, document: bytes, target: Target) -> str:
    """Why ``target`` leads nowhere; empty when it does lead somewhere, or elsewhere."""
    if _ELSEWHERE.match(target.url):
        return ""
    address, _, fragment = target.url.partition("#")
    address, _, query = address.partition("?")
    path = _resolved(document, unquote_to_bytes(address))
    if path is None:
        return "it leaves the repository"
    if path != document and (reason := places.missing(path)):
        return f"{shown(path)} {reason}"
    if not fragment or target.kind == "image":
        return ""
    try:
        return _dead_fragment(places, places.real(path) or path, unquote(fragment), plain="plain=1" in query)
    except UnreadableError as error:
        return f"{shown(path)}: {error}"


def _resolved(document: bytes, address: bytes) -> bytes | None:
    """The path from the top of the repository; None for one that is not beneath it."""
    if not address:
        return document
    base = b"" if address.startswith(b"/") else document.rpartition(b"/")[0]
    path = normpath(b"/".join(filter(None, (base, address.lstrip(b"/")))) or b".")
    if path == b".":
        return b""
    return path if is_beneath(path) else None


def _dead_fragment(places: Places, path: bytes, fragment: str, *, plain: bool) -> str:
    if places.repository.place(path).is_dir():
        return ""  # what a folder shows is not for this repository to say
    lines = _LINES.fullmatch(fragment)
    if lines:
        last = max(int(number) for number in lines.groups() if number)
        count = len(read_file(places.repository, path, max_bytes=_MAX_BYTES).splitlines())
        return "" if last <= count else f"{shown(path)} has {count} lines"
    if plain or not path.lower().endswith((*_MARKDOWN, *_HTML)):
        return ""
    wanted = fragment.removeprefix("user-content-")
    known = places.anchors_of(path)
    if wanted in known or wanted.lower() == "top":
        return ""
    return f"{shown(path)} has no heading or id {wanted!r}{_nearest(wanted, known)}"


def _nearest(wanted: str, known: frozenset[str]) -> str:
    if len(known) > _MOST_COMPARED:
        return ""
    from difflib import get_close_matches

    close = get_close_matches(wanted[:200].lower(), sorted(known), 1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _short(url: str) -> str:
    text = shown(url.encode("utf-8", "backslashreplace"))
    return text if len(text) <= 200 else f"{text[:200]}..."
