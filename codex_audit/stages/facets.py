"""S2: read files into facts, and group them by facet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from codex_audit.artifacts import Facets, FileEntry, UnreadFile
from codex_audit.cache.store import Store
from codex_audit.facts.facets import facets_of
from codex_audit.facts.model import FileFacts, Unread
from codex_audit.facts.naming import module_name, package_folders
from codex_audit.facts.packed import NotFactsError, pack, unpack
from codex_audit.facts.python.version import grammar
from codex_audit.facts.read import needs_bytes, read_file
from codex_audit.parallel import shared_out
from codex_audit.stages.index import Listing, read_bytes
from codex_audit.stages.inputs import reader_version
from codex_audit.stages.remembered import digest, parsers
from codex_audit.stages.selection import CLOSE_BYTES
from codex_audit.stages.skim import Skim, skim
from codex_audit.stages.vocabulary import Vocabulary
from codex_evidence.digests import sha256_hex
from codex_evidence.errors import CodexError

SCHEMA = "codex-audit/facets/v1"
HEAD = 4096
LARGEST = 16 << 20
# Forking takes a hundredth of a second and every fact a trip through a pipe: below this it does not pay.
WORTH_SHARING = 2 << 20


class ChangedWhileReadError(CodexError):
    """A file is not the one that was indexed a moment ago."""

    exit_code = 4


@dataclass(frozen=True, slots=True)
class Reading:
    """The artifact of the stage, and the facts behind it for the next one. ``mentioned`` are the names that stand in
    files which were not read closely, ``keys`` those of facts that the store may know."""

    facets: Facets
    files: tuple[FileFacts, ...]
    mentioned: frozenset[str] = frozenset()
    keys: dict[str, bytes] = field(default_factory=dict)


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
        return read_file(entry.path, data, named.facets, named.module)


def read_facets(
    listing: Listing, vocabulary: Callable[[], Vocabulary], *, jobs: int, store: Store | None = None
) -> Reading:
    """Read every file of the listing, of a very large tree only those that name what the probes look for
    (``vocabulary`` is asked for it then).

    Raises ChangedWhileReadError when a file is no longer what was indexed.
    """
    entries = listing.index.files
    work = work_on(listing)
    skimmed = _skim(work, vocabulary, jobs)
    close = [entry for entry in entries if entry.path not in skimmed.facts]
    keys = dict(facts_keys(work, close)) if store else {}
    facts = skimmed.facts | _read(work, close, jobs, store, keys)
    files = tuple(facts[entry.path] for entry in entries)
    groups = _groups(files)
    if skimmed.facts:
        groups["skimmed"] = tuple(entry.path for entry in entries if entry.path in skimmed.facts)
    return Reading(
        Facets(
            schema=SCHEMA,
            grammar=grammar(),
            project=project_name(files),
            groups=dict(sorted(groups.items())),
            unread=tuple(_unread(files)),
        ),
        files,
        skimmed.mentioned,
        keys,
    )


def work_on(listing: Listing) -> Work:
    paths = frozenset(entry.path for entry in listing.index.files)
    return Work(listing, paths, package_folders(paths))


def _read(
    work: Work, entries: Sequence[FileEntry], jobs: int, store: Store | None, keys: Mapping[str, bytes]
) -> dict[str, FileFacts]:
    """The facts of ``entries`` by path: those that ``store`` knows, and those that are read now."""
    known = _unpacked(store.get(list(keys.values())), keys) if store else {}
    rest = [entry for entry in entries if entry.path not in known]
    weights = [entry.size if entry.path.endswith(".py") else 0 for entry in rest]
    jobs = jobs if sum(weights) >= WORTH_SHARING else 1
    packed = shared_out(lambda index: pack(work.facts(rest[index])), weights, jobs)
    read = {entry.path: data for entry, data in zip(rest, packed, strict=True)}
    if store:
        store.put({keys[path]: data for path, data in read.items() if path in keys})
    return known | {path: unpack(data) for path, data in read.items()}


def facts_keys(work: Work, entries: Iterable[FileEntry]) -> Iterator[tuple[str, bytes]]:
    """The paths of which facts are worth keeping, and what those follow from: the bytes of the file, its name and its
    place, and the code that reads it."""
    readers = digest(reader_version().encode(), parsers())
    for entry in entries:
        named = work.named(entry)
        if is_text(entry) and needs_bytes(entry.path, named.facets):
            place = f"{entry.path}\n{named.module}\n{' '.join(sorted(named.facets))}"
            yield entry.path, digest(readers, place.encode(), entry.sha256.encode())


def _unpacked(found: Mapping[bytes, bytes], keys: Mapping[str, bytes]) -> dict[str, FileFacts]:
    """The facts that could be read back, by path."""
    known = {}
    for path, key in keys.items():
        if key in found:
            with suppress(NotFactsError):
                known[path] = unpack(found[key])
    return known


def indexed_bytes(listing: Listing, entry: FileEntry) -> bytes:
    """The bytes that were indexed. Raises ChangedWhileReadError when the file holds others by now."""
    data = read_bytes(listing, entry)
    if sha256_hex(data) != entry.sha256:
        raise ChangedWhileReadError(f"{entry.path} changed while it was audited; run the audit again")
    return data


def is_text(entry: FileEntry) -> bool:
    """Whether a file can be read and is not too large to be."""
    readable = entry.kind == "file" and not entry.binary and bool(entry.sha256)
    return readable and entry.size <= LARGEST


def _skim(work: Work, vocabulary: Callable[[], Vocabulary], jobs: int) -> Skim:
    code = [entry for entry in work.listing.index.files if entry.path.endswith(".py") and is_text(entry)]
    if sum(entry.size for entry in code) <= CLOSE_BYTES:
        return Skim(frozenset(), {}, frozenset())
    return skim(code, work.bytes_of, work.named, vocabulary(), jobs)


def project_name(files: Iterable[FileFacts]) -> str:
    """The name that the tree declares for itself at its root; empty when it declares none."""
    wanted: Mapping[str, tuple[str, ...]] = {
        "pyproject.toml": ("project.name", "tool.poetry.name"),
        "setup.cfg": ("metadata.name",),
    }
    for file in files:
        if file.settings is not None and file.path in wanted:
            for item in file.settings.settings:
                if item.key in wanted[file.path]:
                    return item.value
    return ""


def _groups(files: Iterable[FileFacts]) -> dict[str, tuple[str, ...]]:
    groups: dict[str, list[str]] = {}
    for file in files:
        for facet in file.facets:
            groups.setdefault(facet, []).append(file.path)
    return {facet: tuple(paths) for facet, paths in groups.items()}


def _unread(files: Iterable[FileFacts]) -> Iterator[UnreadFile]:
    for file in files:
        for item in file.unread:
            yield UnreadFile(file.path, item.reader, item.line, item.reason)
