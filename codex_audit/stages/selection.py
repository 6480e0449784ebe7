"""Which files of a very large tree are read closely: those that name most of what the probes look for.

Up to some megabytes of Python every file is read. Beyond, thousands of files say the same thing over again (a model
zoo holds hundreds of models), and no verdict cites more than five places: then the files are read that name most of
what each capability looks for, and as many more as it takes for every single thing that is looked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

from codex_audit.stages.vocabulary import Vocabulary, Wanted

PER_CAPABILITY = 14
PER_ENTRY = 1
# A file of no size at all would be read for a single word; this many blocks are as good as free.
_FREE_BLOCKS = 5


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that may be read; ``pool`` keeps tests and examples from crowding out the code, ``words`` are those of the
    vocabulary that its bytes hold, ``blocks``
    is its size."""

    path: str
    pool: str
    blocks: int
    words: frozenset[str]


def select(candidates: Sequence[Candidate], vocabulary: Vocabulary) -> frozenset[str]:
    """The paths to read closely; the same for the same files in any order."""
    chosen: set[str] = set()
    for pool in sorted({item.pool for item in candidates}):
        chosen |= _select([item for item in candidates if item.pool == pool], vocabulary)
    return frozenset(chosen)


def _select(files: Sequence[Candidate], vocabulary: Vocabulary) -> set[str]:
    holds = _matches(files, vocabulary)
    holders: dict[Wanted, list[str]] = {}
    for path, entries in holds.items():
        for entry in entries:
            holders.setdefault(entry, []).append(path)
    sizes = {item.path: item.blocks + _FREE_BLOCKS for item in files}
    chosen: set[str] = set()
    for wanted in vocabulary.groups.values():
        worth = dict.fromkeys(holds, 0.0)
        for entry in wanted:
            found = holders.get(entry, ())
            for path in found:
                worth[path] += 1 / sqrt(len(found))
        best = sorted(worth, key=lambda path: (-worth[path] / sizes[path] ** 0.3, path))
        chosen.update(path for path in best[:PER_CAPABILITY] if worth[path])
    covered = Counter(entry for path in chosen for entry in holds[path])
    for path in sorted(holds, key=lambda path: (-len(holds[path]) / sqrt(sizes[path]), path)):
        if path not in chosen and any(covered[entry] < PER_ENTRY for entry in holds[path]):
            chosen.add(path)
            covered.update(holds[path])
    return chosen


def _matches(files: Iterable[Candidate], vocabulary: Vocabulary) -> Mapping[str, frozenset[Wanted]]:
    """What of the vocabulary each file holds all words of. Each entry is tried only where its rarest word stands."""
    files = list(files)
    common = Counter(word for item in files for word in item.words)
    by_rarest: dict[str, list[Wanted]] = {}
    for entry in {entry for wanted in vocabulary.groups.values() for entry in wanted}:
        by_rarest.setdefault(min(entry, key=lambda word: (common[word], word)), []).append(entry)
    return {
        item.path: frozenset(
            entry for word in item.words for entry in by_rarest.get(word, ()) if entry <= item.words
        )
        for item in files
    }
