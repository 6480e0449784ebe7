"""What detectors see of a tree: its facts and its listing, no bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from codex_audit.artifacts import ContextIndex, FileEntry
from codex_audit.facts.model import FileFacts
from codex_audit.query.modules import Module
from codex_audit.query.tree import Tree

ASIDE = frozenset({"test", "vendored", "generated"})


@dataclass(frozen=True)
class Ground:
    """``tracked`` are the paths that git knows, None where git has no view."""

    tree: Tree
    index: ContextIndex
    tracked: frozenset[str] | None = None

    @cached_property
    def entries(self) -> dict[str, FileEntry]:
        return {entry.path: entry for entry in self.index.files}

    def facets(self, path: str) -> frozenset[str]:
        file = self.tree.by_path.get(path)
        return file.facets if file is not None else frozenset()

    def committed(self) -> Iterator[FileEntry]:
        """The files that are part of the tree: those that git tracks, all without git."""
        for entry in self.index.files:
            if entry.kind == "file" and (self.tracked is None or entry.path in self.tracked):
                yield entry

    @cached_property
    def modules(self) -> tuple[Module, ...]:
        """Modules of the project's own code, tests aside."""
        return self.tree.code

    @cached_property
    def derived_from(self) -> frozenset[str]:
        """The last parts of the names of all classes that others derive from."""
        return frozenset(
            base.partition("[")[0].rpartition(".")[2].removesuffix("()")
            for module in self.tree.modules.every
            for item in module.facts.classes
            for base in item.bases
        )

    def settings(self, *names: str) -> Iterator[FileFacts]:
        """Files at the root that hold settings and are called one of ``names``."""
        for name in names:
            file = self.tree.by_path.get(name)
            if file is not None and file.settings is not None:
                yield file
