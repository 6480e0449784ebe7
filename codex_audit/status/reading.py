"""The facts of files that an audit of a very large tree only searches for words: duplicates and cycles may be there."""

from __future__ import annotations

from codex_audit.artifacts import FileEntry
from codex_audit.cache.store import Store
from codex_audit.facts.model import FileFacts
from codex_audit.facts.packed import pack, unpack
from codex_audit.parallel import shared_out
from codex_audit.stages.facets import Reading
from codex_audit.stages.index import Listing
from codex_audit.stages.work import facts_keys, work_on
from codex_audit.status.ground import ASIDE


def whole_facts(listing: Listing, reading: Reading, jobs: int, store: Store | None) -> tuple[FileFacts, ...]:
    """The facts of every file, in path order: those of ``reading``, and of what it skimmed all that is neither a test
    nor generated nor vendored."""
    facts = {file.path: file for file in reading.files}
    skimmed = frozenset(reading.facets.groups.get("skimmed", ()))
    rest = [
        entry
        for entry in listing.index.files
        if entry.path in skimmed and not facts[entry.path].facets & ASIDE
    ]
    if not rest:
        return reading.files
    facts |= _read(listing, rest, jobs, store)
    return tuple(facts[entry.path] for entry in listing.index.files)


def _read(listing: Listing, entries: list[FileEntry], jobs: int, store: Store | None) -> dict[str, FileFacts]:
    work = work_on(listing)
    keys = dict(facts_keys(work, entries))
    known = store.get(list(keys.values())) if store else {}
    left = [entry for entry in entries if keys.get(entry.path) not in known]
    packed = shared_out(lambda index: pack(work.facts(left[index])), [entry.size for entry in left], jobs)
    made = {entry.path: data for entry, data in zip(left, packed, strict=True)}
    if store:
        store.put({keys[path]: data for path, data in made.items() if path in keys})
    old = {entry.path: known[keys[entry.path]] for entry in entries if keys.get(entry.path) in known}
    return {path: unpack(data) for path, data in {**old, **made}.items()}
