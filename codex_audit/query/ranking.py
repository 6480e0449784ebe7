"""Which places to show first: what a careful reader would cite.

Every piece of evidence counts for the verdict; a report shows a few. A reader cites the place where the
thing is done or switched on, in the code that the rest of the tree builds on, and rather five places of
five files than five lines of one. So a piece has points of its own (how strong it is, how near to a user,
whether it is named after what was asked) and points of its file (how many modules import it, whether the
README names it, how deep it lies, whether it trains, serves or stands aside), and each choice makes more of
the same cheaper.
All points are whole numbers, so that the order is the same on every machine.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from codex_audit.artifacts import Evidence
from codex_audit.facts.model import FileFacts
from codex_audit.query.found import PLACES, STRENGTHS, rank
from codex_audit.query.mentions import is_readme, names_of_module
from codex_audit.query.modules import Module, Modules

_STRENGTH = dict(zip(STRENGTHS, (0, 0, 10, 30, 40), strict=True))
_PLACE = dict(zip(PLACES, (0, 5, 10, 20, 30, 0), strict=True))
_IMPORTED = 7  # for each doubling of the modules that import the file
_IN_README = 10
_DEPTH = 3
_ASIDE = 40
_SERVES = 20
_TRAINS = 5
_TOPIC = 10
_SAME_FILE = 30
_SAME_KIND = 10
_MOST_OF_A_FILE = 30
_MOST_FILES = 40

# Folders and files that stand beside the main path of a tree, by their names.
_SIDE = frozenset(
    (
        "experimental legacy deprecated old archive archived contrib community compat external sandbox prototype "
        "research benchmark benchmarks bench demo demos tutorial tutorials debug scratch convert converter "
        "converters conversion export exporter exporters migrate migration migrations pytest testing"
    ).split()
)
# What is done with a model once it is trained.
_SERVING = frozenset(
    (
        "generate generation inference infer chat serve serving server predict prediction deploy deployment merge "
        "quantize quantization upload publish"
    ).split()
)
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_LEAST = 4
_STEM = 5


@dataclass(frozen=True)
class Standing:
    """How much of a tree builds on each of its files."""

    files: tuple[FileFacts, ...]
    modules: Modules
    _points: dict[str, int] = field(default_factory=dict, compare=False)
    _words: dict[str, frozenset[str]] = field(default_factory=dict, compare=False)

    def points(self, path: str) -> int:
        if path not in self._points:
            self._points[path] = self._points_of(path)
        return self._points[path]

    def words(self, path: str) -> frozenset[str]:
        """The words of a path, lower case."""
        if path not in self._words:
            self._words[path] = _words(path)
        return self._words[path]

    def _points_of(self, path: str) -> int:
        module, words = self._module_at.get(path), self.words(path)
        points = _IMPORTED * self._importers[path].bit_length() - _DEPTH * path.count("/")
        points += _TRAINS * _alike(words, ("training",)) - _SERVES * bool(_SERVING & words)
        if _SIDE & words or (module is not None and "example" in module.file.facets):
            points -= _ASIDE
        if module is not None and self._in_readme(module):
            points += _IN_README
        return points

    @cached_property
    def _module_at(self) -> dict[str, Module]:
        return {module.path: module for module in self.modules.every}

    @cached_property
    def _importers(self) -> Counter[str]:
        """By path, the modules that import from it; tests and packages that only gather names do not count."""
        found: Counter[str] = Counter()
        origins: dict[tuple[str, str], str] = {}
        for module in self.modules.every:
            if module.countable and not module.is_package:
                folder = module.name.rpartition(".")[0]
                keys = {_key(item.target, folder) for item in module.facts.imports}
                for key in keys:
                    if key not in origins:
                        origin = self.modules.split(self.modules.canonical(key[1], module))[0]
                        origins[key] = origin.path if origin is not None else ""
                found.update({origins[key] for key in keys} - {module.path})
        return found

    @cached_property
    def _readme(self) -> frozenset[str]:
        """The words of the README at the root."""
        readmes = (file.doc for file in self.files if is_readme(file.path))
        return frozenset(word for doc in readmes if doc is not None for word in doc.words)

    def _in_readme(self, module: Module) -> bool:
        """Whether the README names the file, or a class or function that it defines."""
        return not self._readme.isdisjoint(names_of_module(module.path, module.facts))


def _key(target: str, folder: str) -> tuple[str, str]:
    """An imported name, as absolute as its dots make it, and the folder it may depend on."""
    if not target.startswith("."):
        return folder, target
    level = len(target) - len(target.lstrip("."))
    above = folder.split(".")[: folder.count(".") + 2 - level]
    return "", ".".join([*above, target[level:]])


def best(evidence: Iterable[Evidence], topic: str, standing: Standing, most: int) -> tuple[Evidence, ...]:
    """The ``most`` pieces to show, best first. ``topic`` is the id of the probe: ``capability.thing-asked``."""
    left = _shortlist(evidence, topic, standing)
    chosen: list[Evidence] = []
    files: Counter[str] = Counter()
    kinds: Counter[tuple[str, str]] = Counter()

    def worth(index: int) -> tuple[int, int]:
        points, item = left[index]
        return points - _SAME_FILE * files[item.path] - _SAME_KIND * kinds[_kind(item)], -index

    while left and len(chosen) < most:
        _, item = left.pop(max(range(len(left)), key=worth))
        chosen.append(item)
        files[item.path] += 1
        kinds[_kind(item)] += 1
    return tuple(chosen)


def _shortlist(evidence: Iterable[Evidence], topic: str, standing: Standing) -> list[tuple[int, Evidence]]:
    """Points and piece, best first: of the best files the best pieces, one a line. The rest has no chance."""
    asked = _Topic.of(topic)
    pieces: dict[str, dict[int, Evidence]] = {}
    for item in sorted(evidence, key=rank):
        pieces.setdefault(item.path, {}).setdefault(item.line, item)
    files = [
        (standing.points(path) + asked.in_path(standing.words(path)), list(items.values()))
        for path, items in pieces.items()
    ]
    files.sort(key=lambda file: (_own(file[1][0]) - file[0], file[1][0].path))
    scored = [
        (points + asked.in_scope(item.scope) - _own(item), item)
        for points, items in files[:_MOST_FILES]
        for item in items[:_MOST_OF_A_FILE]
    ]
    return sorted(scored, key=lambda one: (-one[0], rank(one[1])))


def _own(item: Evidence) -> int:
    return _STRENGTH[item.strength] + _PLACE[item.place]


@dataclass(frozen=True)
class _Topic:
    """What a probe asks about, as words that files and scopes may be named after; a test is found by them alone,
    so they count twice."""

    capability: str
    thing: tuple[str, ...]
    points: int

    @classmethod
    def of(cls, probe: str) -> _Topic:
        capability, _, thing = probe.partition(".")
        return cls(capability, tuple(thing.split("-")), 2 * _TOPIC if thing == "tests" else _TOPIC)

    def in_path(self, words: frozenset[str]) -> int:
        return self.points * (_alike(words, (self.capability,)) + _alike(words, self.thing))

    def in_scope(self, scope: str) -> int:
        return self.points // 2 * _alike(_words(scope), (self.capability,))


def _words(text: str) -> frozenset[str]:
    return frozenset(word.lower() for word in _WORD.findall(text))


def _alike(words: frozenset[str], wanted: Iterable[str]) -> bool:
    """Whether a word shares its stem with one that is wanted (``trainer`` and ``training``)."""
    return any(
        word[:size] == want[:size]
        for want in wanted
        for word in words
        if (size := min(_STEM, len(word), len(want))) >= _LEAST
    )


def _kind(item: Evidence) -> tuple[str, str]:
    """What a piece says, whatever name it says it of."""
    return item.strength, item.why.replace(item.symbol, "") if item.symbol else item.why
