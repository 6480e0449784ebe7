"""What no reader may see of a tree, and which lines nobody may quote: as a scan of this very tree says it, or the last
one of the tree as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial

from codex_audit.artifacts import FileEntry
from codex_audit.facts.hidden import Hidden
from codex_audit.scanners.alike import alike, same
from codex_audit.scanners.read import Scans
from codex_audit.scanners.withheld import Search
from codex_audit.stages.found_secrets import hidden_values, secret_lines, without_found
from codex_audit.stages.index import Listing
from codex_audit.stages.work import indexed_bytes, is_text


def hiding(listing: Listing, scans: Scans) -> Listing:
    """``listing`` with what ``scans`` hide of it. Of a file with the bytes that were scanned that is known to the byte,
    wherever it lies now; of one that is new or was changed, as ``scanners.alike`` finds it. Raises
    ChangedWhileReadError."""
    hidden: dict[str, set[Hidden]] = {}
    for path, values in hidden_values(scans.fitting).items():
        hidden.setdefault(path, set()).update(values)
    lines = {path: set(numbers) for path, numbers in secret_lines(scans.fitting).items()}
    for path, values in _withheld(listing, scans.withheld).items():
        hidden.setdefault(path, set()).update(values)
        lines.setdefault(path, set()).update(one.span.line for one in values)
    return replace(
        listing,
        hidden={path: tuple(sorted(values, key=_place)) for path, values in hidden.items()},
        unquoted={path: frozenset(numbers) for path, numbers in lines.items()},
    )


def quotable(listing: Listing, entry: FileEntry) -> bytes:
    """The bytes of ``entry`` without the lines that nobody may quote; none of what is no text."""
    if not is_text(entry):
        return b""
    return without_found(indexed_bytes(listing, entry), listing.unquoted.get(entry.path))


def withheld_of(
    path: str, sha256: str, searches: Iterable[Search], read: Callable[[], bytes]
) -> tuple[Hidden, ...]:
    """What ``searches`` withhold of the file ``path``, whose bytes ``read`` gives where they were not scanned."""
    found: list[Hidden] = []
    for search in searches:
        unchanged = [one for one in search.files if one.sha256 == sha256]
        if unchanged:  # under several names, which scanners judge by
            found += (value for one in unchanged for value in same(one))
        elif sha256 not in search.scanned:
            found += alike(path, read(), search.files)
    return tuple(found)


def _withheld(listing: Listing, searches: tuple[Search, ...]) -> Mapping[str, tuple[Hidden, ...]]:
    if not searches:
        return {}
    texts = (entry for entry in listing.index.files if is_text(entry))
    return {
        entry.path: values
        for entry in texts
        if (values := withheld_of(entry.path, entry.sha256, searches, partial(indexed_bytes, listing, entry)))
    }


def _place(hidden: Hidden) -> tuple[int, int, int, str]:
    return hidden.span.line, hidden.span.start, hidden.span.end, hidden.kind
