"""Imports against the grain: library code that needs tests or scripts, and breaks of contracts that the tree states."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from codex_audit.facts.model import FileFacts, Setting
from codex_audit.status.ground import Ground
from codex_audit.status.imports import ImportGraph
from codex_audit.status.model import Citation, Finding
from codex_audit.status.words import count

NAME = "layer-break"
_SHOWN = 4
_CONTRACT = re.compile(r"tool\.importlinter\.contracts\[(\d+)\]\.(\w+)(?:\[\d+\])?")
_NAMES = re.compile(r"[\w.]+")


@dataclass(frozen=True, slots=True)
class _Contract:
    """``ranks`` maps the full name of a layer to its height, 0 being the top."""

    place: Citation
    ranks: dict[str, int]


def detect(ground: Ground) -> Iterator[Finding]:
    graph = ImportGraph(ground.tree.modules, ground.modules)
    yield from _into_tests(ground, graph)
    for contract in _contracts(ground):
        yield from _breaks(contract, ground, graph)


def _into_tests(ground: Ground, graph: ImportGraph) -> Iterator[Finding]:
    """A package that imports from tests cannot be installed without them."""
    places = [
        Citation(module.path, edge.line, edge.name)
        for module in ground.modules
        if module.in_package
        for edge in graph.of(module)
        if "test" in ground.tree.modules.by_name[edge.target].file.facets
        and edge.target.partition(".")[0] != edge.source.partition(".")[0]
    ]
    if places:
        files = {place.path for place in places}
        yield Finding(
            NAME,
            f"{count(len(files), 'library module imports', 'library modules import')} from tests",
            "high",
            "The installed package fails on import where the tests are not shipped.",
            len(files),
            tuple(places[:_SHOWN]),
            "Move the helper that is shared into the package, and let the tests import it from there.",
            "hours",
            max(0, len(places) - _SHOWN),
        )


def _breaks(contract: _Contract, ground: Ground, graph: ImportGraph) -> Iterator[Finding]:
    places = []
    for module in ground.modules:
        own = _rank(module.name, contract)
        for edge in graph.of(module) if own is not None else ():
            other = _rank(edge.target, contract)
            if other is not None and own is not None and other[1] < own[1] and other[0] != own[0]:
                places.append(Citation(module.path, edge.line, edge.name))
    if places:
        files = {place.path for place in places}
        yield Finding(
            NAME,
            f"{count(len(files), 'module imports', 'modules import')} from a layer above, against the contract at "
            f"`{contract.place.place}`",
            "high",
            "The layers are stated and not kept, so nobody can rely on them.",
            len(files),
            tuple(places[:_SHOWN]),
            "Hand the value down as an argument, or move the function to the lower layer; run lint-imports as a gate.",
            "hours",
            max(0, len(places) - _SHOWN),
        )


def _rank(name: str, contract: _Contract) -> tuple[str, int] | None:
    """The layer that holds a module and its height."""
    parts = name.split(".")
    for cut in range(len(parts), 0, -1):
        layer = ".".join(parts[:cut])
        if layer in contract.ranks:
            return layer, contract.ranks[layer]
    return None


def _contracts(ground: Ground) -> Iterator[_Contract]:
    """The layers that import-linter is asked to keep, by ``pyproject.toml`` or its INI files."""
    for file in ground.settings("pyproject.toml"):
        yield from _from_toml(file)
    for file in ground.settings("setup.cfg", ".importlinter"):
        yield from _from_ini(file)


def _from_toml(file: FileFacts) -> Iterator[_Contract]:
    tables: dict[str, dict[str, list[Setting]]] = {}
    for item in file.settings.settings if file.settings else ():
        if match := _CONTRACT.fullmatch(item.key):
            tables.setdefault(match[1], {}).setdefault(match[2], []).append(item)
    for table in tables.values():
        if any(item.value == "layers" for item in table.get("type", ())) and table.get("layers"):
            first = table["type"][0]
            rows = [item.value for item in table["layers"]]
            containers = [item.value for item in table.get("containers", ())]
            yield _contract(Citation(file.path, first.line, "layers"), rows, containers)


def _from_ini(file: FileFacts) -> Iterator[_Contract]:
    tables: dict[str, dict[str, Setting]] = {}
    for item in file.settings.settings if file.settings else ():
        section, _, option = item.key.rpartition(".")
        if section.startswith("importlinter:contract"):
            tables.setdefault(section, {})[option] = item
    for table in tables.values():
        if "layers" in table and "type" in table and table["type"].value == "layers":
            containers = table["containers"].value.split("\n") if "containers" in table else []
            place = Citation(file.path, table["type"].line, "layers")
            yield _contract(place, table["layers"].value.split("\n"), containers)


def _contract(place: Citation, rows: list[str], containers: list[str]) -> _Contract:
    prefixes = [f"{container}." for container in containers] or [""]
    ranks = {
        f"{prefix}{name}": height
        for height, row in enumerate(rows)
        for name in _NAMES.findall(row)
        for prefix in prefixes
    }
    return _Contract(place, ranks)
