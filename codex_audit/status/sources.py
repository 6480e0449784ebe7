"""The text behind citations: lines of the files that were indexed, live-looking credentials and the lines in which a
scan found some replaced."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import cached_property

from codex_audit.artifacts import FileEntry
from codex_audit.facts.secrets import find_secrets, hides, redact, redact_bytes
from codex_audit.stages.hiding import quotable
from codex_audit.stages.index import Listing
from codex_audit.stages.work import is_text
from codex_audit.status.model import Citation

_REDACTED = re.compile(r"\[redacted [^\]]*\]")
_WORD = re.compile(r"[A-Za-z_][\w-]*")


@dataclass(frozen=True)
class Sources:
    """Reads each file once, when somebody asks."""

    listing: Listing
    _lines: dict[str, tuple[str, ...]] = field(default_factory=dict, compare=False)

    @cached_property
    def _entries(self) -> dict[str, FileEntry]:
        return {entry.path: entry for entry in self.listing.index.files}

    def text(self, path: str) -> str | None:
        """The whole text of a file; None when there is none, it is not UTF-8, or it holds a credential."""
        data = self._bytes(path)
        if data is None or path in self.listing.unquoted or find_secrets(data) or hides(data):
            return None
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            return None

    def lines(self, path: str) -> tuple[str, ...]:
        """The lines of a file as reports may show them; none for a file without text."""
        if path not in self._lines:
            data = self._bytes(path) or b""
            secret = bool(find_secrets(data)) or hides(data)
            text = (redact_bytes(data) if secret else data).decode("utf-8", "replace")
            rows = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
            self._lines[path] = tuple(redact(row) for row in rows) if secret else tuple(rows)
        return self._lines[path]

    def checked(self, place: Citation, *others: str) -> Citation:
        """``place`` as far as the file bears it out: the line only where there is one, and as symbol the first of its
        own and of ``others`` that stands on that line."""
        if not place.line:
            return replace(place, symbol="")
        rows = self.lines(place.path)
        if place.line > len(rows) or (place.line == len(rows) and not rows[-1]):
            return Citation(place.path)
        row = _REDACTED.sub("", rows[place.line - 1])
        candidates = (name for given in (place.symbol, *others) for name in _names(given))
        symbol = next((name for name in candidates if _stands(name, row)), "")
        return Citation(place.path, place.line, symbol)

    def _bytes(self, path: str) -> bytes | None:
        entry = self._entries.get(path)
        if entry is None or not is_text(entry):
            return None
        return quotable(self.listing, entry)


def _names(given: str) -> tuple[str, ...]:
    """What a name may look like where it is written: whole, without its first parts, or its longest word alone."""
    plain = given.replace("()", "")
    parts = plain.split(".")
    tails = [".".join(parts[cut:]) for cut in range(min(len(parts), 6))]
    words = sorted(set(_WORD.findall(plain)), key=lambda word: (-len(word), word))
    return tuple(name for name in (*tails, *words) if len(name) > 1)


def _stands(name: str, row: str) -> bool:
    """Whether ``name`` is on the line as a whole word."""
    return re.search(rf"(?<![\w]){re.escape(name)}(?![\w])", row) is not None
