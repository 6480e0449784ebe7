"""What it takes to read one file of a listing into facts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from codex_audit.artifacts import FileEntry
from codex_audit.facts.facets import facets_of
from codex_audit.facts.model import FileFacts, Unread
from codex_audit.facts.naming import module_name, package_folders
from codex_audit.facts.read import needs_bytes, read_file
from codex_audit.stages.index import Listing, read_bytes
from codex_audit.stages.inputs import reader_version
from codex_audit.stages.remembered import digest, parsers
from codex_evidence.digests import sha256_hex
from codex_evidence.errors import CodexError, UnreadableError

HEAD = 4096
LARGEST = 16 << 20


class ChangedWhileReadError(CodexError):
    """A file is not the one that was indexed a moment ago."""

    exit_code = 4


@dataclass(frozen=True, slots=True)
class Work:
    """A listing, and what reading one of its files takes."""

    listing: Listing
    paths: frozenset[str]
    packages: frozenset[str]

    def bytes_of(self, entry: FileEntry) -> bytes:
        return indexed_bytes(self.listing, entry)

    def named(self, entry: FileEntry, data: bytes = b"") -> FileFacts:
        """What name and first lines of a file say of it."""
        facets = facets_of(entry.path, self.paths, data[:HEAD])
        return FileFacts(entry.path, facets, module_name(entry.path, self.packages))

    def facts(self, entry: FileEntry) -> FileFacts:
        named = self.named(entry)
        if entry.kind != "file" or entry.binary:
            return named
        if not entry.sha256:
            return replace(named, unread=(Unread("file", entry.note),))
        if not needs_bytes(entry.path, named.facets):
            return named
        if entry.size > LARGEST:
            return replace(named, unread=(Unread("file", "larger than 16 MB"),))
        data = self.bytes_of(entry)
        named = self.named(entry, data)
        hidden = self.listing.hidden.get(entry.path, ())
        return read_file(entry.path, data, named.facets, named.module, hidden)


def work_on(listing: Listing) -> Work:
    paths = frozenset(entry.path for entry in listing.index.files)
    return Work(listing, paths, package_folders(paths))


def facts_keys(work: Work, entries: Iterable[FileEntry]) -> Iterator[tuple[str, bytes]]:
    """The paths of which facts are worth keeping, and what those follow from: the bytes of the file, its name and its
    place, what of it is hidden, and the code that reads it."""
    readers = digest(reader_version().encode(), parsers())
    for entry in entries:
        named = work.named(entry)
        if is_text(entry) and needs_bytes(entry.path, named.facets):
            place = f"{entry.path}\n{named.module}\n{' '.join(sorted(named.facets))}"
            hidden = (repr(one).encode() for one in work.listing.hidden.get(entry.path, ()))
            yield entry.path, digest(readers, place.encode(), entry.sha256.encode(), *hidden)


def indexed_bytes(listing: Listing, entry: FileEntry) -> bytes:
    """The bytes that were indexed. Raises ChangedWhileReadError when the file holds others by now, or cannot be read
    any more."""
    try:
        data = read_bytes(listing, entry)
    except UnreadableError as error:
        raise ChangedWhileReadError(f"{error}; it could be read a moment ago, run the audit again") from error
    if sha256_hex(data) != entry.sha256:
        raise ChangedWhileReadError(f"{entry.path} changed while it was audited; run the audit again")
    return data


def is_text(entry: FileEntry) -> bool:
    """Whether a file can be read and is not too large to be."""
    readable = entry.kind == "file" and not entry.binary and bool(entry.sha256)
    return readable and entry.size <= LARGEST
