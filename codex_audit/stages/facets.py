"""S2: read files into facts, and group them by facet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from codex_audit.artifacts import Facets, FileEntry, UnreadFile
from codex_audit.cache.store import Store
from codex_audit.facts.model import FileFacts
from codex_audit.facts.packed import NotFactsError, pack, unpack
from codex_audit.facts.python.version import grammar
from codex_audit.parallel import shared_out
from codex_audit.stages.choice import Choice, too_large
from codex_audit.stages.index import Listing
from codex_audit.stages.skim import Skim, skim
from codex_audit.stages.vocabulary import Vocabulary
from codex_audit.stages.work import Work, facts_keys, is_text, work_on

SCHEMA = "codex-audit/facets/v1"
# Forking takes a hundredth of a second and every fact a trip through a pipe: below this it does not pay.
WORTH_SHARING = 2 << 20


@dataclass(frozen=True, slots=True)
class Reading:
    """The artifact of the stage, and the facts behind it for the next one. ``mentioned`` are the names that stand in
    files which were not read closely, ``keys`` those of facts that the store may know, and ``choice`` is None
    where every file was read."""

    facets: Facets
    files: tuple[FileFacts, ...]
    mentioned: frozenset[str] = frozenset()
    keys: dict[str, bytes] = field(default_factory=dict)
    choice: Choice | None = None


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
        skimmed.choice,
    )


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


def _unpacked(found: Mapping[bytes, bytes], keys: Mapping[str, bytes]) -> dict[str, FileFacts]:
    """The facts that could be read back, by path."""
    known = {}
    for path, key in keys.items():
        if key in found:
            with suppress(NotFactsError):
                known[path] = unpack(found[key])
    return known


def _skim(work: Work, vocabulary: Callable[[], Vocabulary], jobs: int) -> Skim:
    if not too_large(work.listing.index.files):
        return Skim(frozenset(), {}, frozenset())
    code = [entry for entry in work.listing.index.files if entry.path.endswith(".py") and is_text(entry)]
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
