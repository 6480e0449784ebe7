"""Which module of the tree imports which other one when it is loaded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from codex_audit.query.modules import Module, Modules


@dataclass(frozen=True, slots=True)
class Edge:
    """``source`` imports ``target`` at ``line``, where it writes ``name``; both are dotted names."""

    source: str
    target: str
    line: int
    name: str


@dataclass(frozen=True)
class ImportGraph:
    """Imports between the modules of a tree; ``considered`` are those whose imports count."""

    modules: Modules
    considered: tuple[Module, ...]

    @cached_property
    def edges(self) -> tuple[Edge, ...]:
        """Imports that run when a module is loaded: not under TYPE_CHECKING, not inside a function."""
        return tuple(edge for module in self.considered for edge in self._of(module, lazily=False))

    def of(self, module: Module) -> Iterator[Edge]:
        """All imports of a module that run at some time, those inside functions too."""
        yield from self._of(module, lazily=True)

    def _of(self, module: Module, *, lazily: bool) -> Iterator[Edge]:
        running = frozenset(module.facts.starts())
        seen: set[tuple[str, int]] = set()
        for item in module.facts.imports:
            if item.line not in running or (item.scope and not lazily):
                continue
            written = item.target.removesuffix(".*")
            target = self.modules.split(absolute(written, module))[0]
            if target is None or target.path == module.path or (target.name, item.line) in seen:
                continue
            seen.add((target.name, item.line))
            yield Edge(module.name, target.name, item.line, written.rpartition(".")[2])


def absolute(name: str, module: Module) -> str:
    """A name as written in ``module`` with its leading dots followed."""
    if not name.startswith("."):
        return name
    level = len(name) - len(name.lstrip("."))
    package = module.name.split(".")
    keep = len(package) - level + (1 if module.is_package else 0)
    return ".".join([*package[: max(keep, 0)], name[level:]]).strip(".")
