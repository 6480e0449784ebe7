"""S2: read each file once into facts, and group the files by facet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from codex_audit.artifacts import Facets, FileEntry, UnreadFile
from codex_audit.facts.facets import facets_of
from codex_audit.facts.model import FileFacts, Unread
from codex_audit.facts.naming import module_name, package_folders
from codex_audit.facts.python import grammar
from codex_audit.facts.read import needs_bytes, read_file
from codex_audit.stages.index import Listing, read_bytes
from codex_audit.stages.parallel import shared_out
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
    """The artifact of the stage, and the facts behind it for the next one."""

    facets: Facets
    files: tuple[FileFacts, ...]


@dataclass(frozen=True, slots=True)
class _Work:
    listing: Listing
    paths: frozenset[str]
    packages: frozenset[str]


def read_facets(listing: Listing, *, jobs: int) -> Reading:
    """Read every file of the listing. Raises ChangedWhileReadError when one is no longer what was indexed."""
    entries = listing.index.files
    paths = frozenset(entry.path for entry in entries)
    work = _Work(listing, paths, package_folders(paths))
    weights = [entry.size if entry.path.endswith(".py") else 0 for entry in entries]
    jobs = jobs if sum(weights) >= WORTH_SHARING else 1
    files = tuple(shared_out(lambda index: _read_one(work, entries[index]), weights, jobs))
    return Reading(
        Facets(
            schema=SCHEMA,
            grammar=grammar(),
            project=project_name(files),
            groups=_groups(files),
            unread=tuple(_unread(files)),
        ),
        files,
    )


def _read_one(work: _Work, entry: FileEntry) -> FileFacts:
    name = module_name(entry.path, work.packages)
    facets = facets_of(entry.path, work.paths, b"")
    if entry.kind != "file" or entry.binary:
        return FileFacts(entry.path, facets, name)
    if not entry.sha256:
        return FileFacts(entry.path, facets, name, unread=(Unread("file", entry.note),))
    if not needs_bytes(entry.path, facets):
        return FileFacts(entry.path, facets, name)
    if entry.size > LARGEST:
        return FileFacts(entry.path, facets, name, unread=(Unread("file", "larger than 16 MB"),))
    data = read_bytes(work.listing, entry)
    if sha256_hex(data) != entry.sha256:
        raise ChangedWhileReadError(f"{entry.path} changed while it was audited; run the audit again")
    return read_file(entry.path, data, facets_of(entry.path, work.paths, data[:HEAD]), name)


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
    return {facet: tuple(groups[facet]) for facet in sorted(groups)}


def _unread(files: Iterable[FileFacts]) -> Iterator[UnreadFile]:
    for file in files:
        for item in file.unread:
            yield UnreadFile(file.path, item.reader, item.line, item.reason)
