"""What is known of the Python files of a tree before any is parsed: their words, their facets, their secrets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from codex_audit.artifacts import FileEntry
from codex_audit.facts.model import FileFacts
from codex_audit.facts.secrets import find_secrets
from codex_audit.facts.words import WordFinder, names_in
from codex_audit.parallel import shared_out
from codex_audit.stages.choice import Choice, blocks, look, stem
from codex_audit.stages.selection import Candidate, select
from codex_audit.stages.vocabulary import Vocabulary

# A part of the work that one process does at a time; its names are counted together.
_PART_BYTES = 2 << 20
_MOST_NAMED = 20
_NEVER_EVIDENCE = frozenset({"vendored", "generated"})


@dataclass(frozen=True, slots=True)
class Skim:
    """``close`` are the paths to read closely, ``facts`` what is known of each other file (no Python among it),
    ``mentioned`` every name that stands in one of those, and ``choice`` what the choosing saw."""

    close: frozenset[str]
    facts: dict[str, FileFacts]
    mentioned: frozenset[str]
    choice: Choice | None = None


@dataclass(frozen=True, slots=True)
class _Skimmed:
    """``names`` counts in how many of ``files`` each name stands."""

    files: tuple[tuple[FileFacts, frozenset[str]], ...]
    names: Counter[bytes]


def skim(
    entries: Sequence[FileEntry],
    read: Callable[[FileEntry], bytes],
    facts_of: Callable[[FileEntry, bytes], FileFacts],
    vocabulary: Vocabulary,
    jobs: int,
) -> Skim:
    """Look through ``entries``, and choose. ``read`` gives the bytes of a file, ``facts_of`` what its name says."""
    parts, finder = _parts(entries), WordFinder(vocabulary.words)

    def search(index: int) -> _Skimmed:
        names, found = Counter[bytes](), []
        for entry in parts[index]:
            data = read(entry)
            here = names_in(data)
            names.update(here)
            facts = replace(facts_of(entry, data), secrets=find_secrets(data), blank=not data.strip())
            found.append((facts, finder.find(here)))
        return _Skimmed(tuple(found), names)

    results = shared_out(search, [sum(entry.size for entry in part) for part in parts], jobs)
    known = {facts.path: facts for part in results for facts, _ in part.files}
    words = {facts.path: found for part in results for facts, found in part.files}
    sizes = {entry.path: entry.size for entry in entries}
    close = select(
        [
            Candidate(path, _pool(facts), blocks(sizes[path]), words[path])
            for path, facts in known.items()
            if not facts.facets & _NEVER_EVIDENCE
        ],
        vocabulary,
    )
    names = Counter[bytes]()
    for part in results:
        names.update(part.names)
    close |= _most_named([path for path, facts in known.items() if not facts.facets & _NEVER_EVIDENCE], names)
    stems, looks = frozenset(map(stem, known)), dict[str, bytes]()
    for entry in entries:
        if entry.path in close:
            here = names_in(read(entry))
            names.subtract(here)
            looks[entry.path] = look(entry.size, words[entry.path], here & stems)
    mentioned = frozenset(name.decode("ascii") for name, count in names.items() if count > 0)
    choice = Choice(vocabulary.words, stems, looks)
    return Skim(close, {path: facts for path, facts in known.items() if path not in close}, mentioned, choice)


def _most_named(paths: Iterable[str], names: Mapping[bytes, int]) -> frozenset[str]:
    """The modules whose own names stand in most files: names of the others are resolved through them."""

    def mentions(path: str) -> int:
        return names.get(stem(path), 0)

    return frozenset(sorted(paths, key=lambda path: (-mentions(path), path.count("/"), path))[:_MOST_NAMED])


def _pool(facts: FileFacts) -> str:
    return next(
        (facet for facet in ("vendored", "generated", "test", "example") if facet in facts.facets), ""
    )


def _parts(entries: Sequence[FileEntry]) -> list[list[FileEntry]]:
    parts: list[list[FileEntry]] = [[]]
    size = 0
    for entry in entries:
        if size > _PART_BYTES:
            parts.append([])
            size = 0
        parts[-1].append(entry)
        size += entry.size
    return parts
