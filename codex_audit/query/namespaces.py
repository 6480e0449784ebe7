"""Packages below folders that are no packages themselves: namespace packages (PEP 420)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from codex_audit.facts.model import FileFacts

_DEEPEST = 5


def full_names(files: Sequence[FileFacts]) -> dict[str, str]:
    """By path, the names of modules whose package the tree imports by the folders above it (``google.cloud.thing``
    where neither ``google`` nor ``google/cloud`` has an ``__init__.py``); others keep the names they have."""
    above = {file.path: _folders_above(file) for file in files if file.module and "/" in file.path}
    candidates = {path: (folders, top) for path, (folders, top) in above.items() if folders}
    if not candidates:
        return {}
    imported = frozenset(_imported(files))
    spaces = {key: _namespace(*key, imported) for key in set(candidates.values())}
    modules = {file.path: file.module for file in files}
    return {path: f"{spaces[key]}.{modules[path]}" for path, key in candidates.items() if spaces[key]}


def _folders_above(file: FileFacts) -> tuple[tuple[str, ...], str]:
    """The folders above the top package of a module, and the name of that package."""
    *folders, name = file.path.split("/")
    parts = file.module.split(".")
    inside = len(parts) - (0 if name.startswith("__init__.") else 1)
    return tuple(folders[: max(len(folders) - inside, 0)]), parts[0]


def _imported(files: Iterable[FileFacts]) -> Iterator[str]:
    """Every dotted start of what the tree imports."""
    for file in files:
        for item in file.python.imports if file.python is not None else ():
            if not item.target.startswith("."):
                parts = item.target.split(".", _DEEPEST)[:_DEEPEST]
                yield from (".".join(parts[:end]) for end in range(1, len(parts) + 1))


def _namespace(folders: tuple[str, ...], top: str, imported: frozenset[str]) -> str:
    """The folders by which the package is imported; empty when it is imported by its own name, or not at all."""
    if top in imported:
        return ""
    starts = (".".join(folders[begin:]) for begin in range(len(folders)))
    return next((start for start in starts if f"{start}.{top}" in imported), "")
