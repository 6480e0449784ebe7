"""What the cache must not go on knowing once a scan has told a secret that audits took for any other text."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from codex_audit.artifacts import FileEntry
from codex_audit.cache.store import Store
from codex_audit.facts.hidden import Hidden
from codex_audit.facts.secret_kinds import BY_FORM
from codex_audit.facts.secrets import unknown
from codex_audit.scanners.kept import ANSWERS
from codex_audit.scanners.model import ScanResults
from codex_audit.scanners.same_lines import withheld_lines
from codex_audit.scanners.withheld import SCHEMA, Withheld, WithheldFile
from codex_audit.stages.found_secrets import hidden_values
from codex_audit.stages.index import Listing
from codex_audit.stages.remembered import digest
from codex_audit.stages.work import facts_keys, indexed_bytes, is_text, work_on


def unknown_values(listing: Listing, scan: ScanResults) -> dict[str, tuple[Hidden, ...]]:
    """What ``scan`` hides and the readers would not hide by themselves, by file. Raises ChangedWhileReadError."""
    return dict(_unknown(listing, hidden_values(scan)))


def withheld(listing: Listing, scan: ScanResults, before: Iterable[WithheldFile]) -> Withheld:
    """What ``scan`` found, but for what is a secret by its form, for audits of what becomes of the files; of files that
    are there and were not looked at, what was known ``before``. Raises ChangedWhileReadError."""
    hidden = hidden_values(scan)
    files = {
        entry.path: WithheldFile(entry.path, entry.sha256, withheld_lines(data, values))
        for entry, data in _read(listing, hidden)
        if (values := unknown(data, hidden[entry.path], BY_FORM))
    }
    unseen = {one.path for report in scan.reports if report.scanner == "secrets" for one in report.unscanned}
    looked_at = {entry.path for entry in listing.index.files} - unseen
    for one in before:
        if one.path not in looked_at and os.path.lexists(listing.root / one.path):
            files.setdefault(one.path, one)
    found = tuple(one for _, one in sorted(files.items()) if one.lines)
    texts = {entry.sha256 for entry in listing.index.files if is_text(entry) and entry.path in looked_at}
    return Withheld(SCHEMA, found, tuple(sorted(texts)) if found else ())


def forget(listing: Listing, values: Mapping[str, tuple[Hidden, ...]], store: Store | None) -> str:
    """Empties ``store``, answers of scanners apart, where entries may hold one of the unknown ``values``: one that is
    new since it was emptied, or that audits have read since, of a tree that no scan fitted. What was done, in words;
    empty for nothing."""
    found = f"{len(values)} files hold what only a scan takes for a secret"
    if not values:
        return ""
    if store is None:
        return f"{found}; a cache that an audit filled may hold it too, and a scan without --no-cache empties that"
    marks = dict(_mark(entry, values[entry.path]) for entry in _entries(listing, values))
    if store.get(list(marks)) == marks and not _was_read(listing, values, store):
        return ""
    if not store.empty(ANSWERS):
        return f"{found}, and the cache may hold it: it is in use or cannot be written; remove {store.folder}"
    Store(store.folder).put(marks)  # a run of its own, which begins with the emptied store
    return f"{found}; the cache was emptied, and an audit made before must be made again"


def _unknown(
    listing: Listing, hidden: Mapping[str, tuple[Hidden, ...]]
) -> Iterator[tuple[str, tuple[Hidden, ...]]]:
    for entry, data in _read(listing, hidden):
        if values := unknown(data, hidden[entry.path]):
            yield entry.path, values


def _read(listing: Listing, paths: Mapping[str, object]) -> Iterator[tuple[FileEntry, bytes]]:
    """The files of ``paths`` with the bytes that were scanned. Raises ChangedWhileReadError where one holds others by
    now: nobody could say what to hide of it."""
    for entry in _entries(listing, paths):
        yield entry, indexed_bytes(listing, entry)


def _mark(entry: FileEntry, values: tuple[Hidden, ...]) -> tuple[bytes, bytes]:
    """The key and the value that say: since just these places of the file were known, the store was emptied."""
    key = ANSWERS + digest(b"known", entry.path.encode(), entry.sha256.encode())
    return key, digest(repr(values).encode())


def _was_read(listing: Listing, values: Mapping[str, tuple[Hidden, ...]], store: Store) -> bool:
    """Whether there are facts of such a file in which its values are not hidden."""
    work = work_on(replace(listing, hidden={}))
    return bool(store.get([key for _, key in facts_keys(work, _entries(listing, values))]))


def _entries(listing: Listing, paths: Mapping[str, object]) -> list[FileEntry]:
    return [entry for entry in listing.index.files if entry.path in paths]
