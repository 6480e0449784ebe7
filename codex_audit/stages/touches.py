"""Where a remedy would go in the audited tree: its ``touches`` resolved to files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from glob import escape
from pathlib import PurePosixPath

from codex_audit.artifacts import CapabilitiesRaw, ContextIndex, Evidence, Facets

_DOCUMENT_SUFFIXES = frozenset({"", ".md", ".rst", ".txt"})
_NOT_OURS = ("vendored", "generated")
_PLACEHOLDER = "{package}/"


@dataclass(frozen=True, slots=True)
class Ground:
    """What resolving needs to know of a tree. ``files`` are in index order and may be changed by hand;
    ``package`` is the folder of the main package, empty when the code lies at the root or there is none."""

    files: tuple[str, ...]
    existing: frozenset[str]
    best: Mapping[str, str]
    package: str
    main_file: str


@dataclass(frozen=True, slots=True)
class Resolved:
    """``files`` exist in the tree, ``new`` do not. No path is in both, and at least one has a path."""

    files: tuple[str, ...]
    new: tuple[str, ...]


def ground_of(index: ContextIndex, facets: Facets, raw: CapabilitiesRaw) -> Ground:
    """The ground of an indexed and answered tree."""
    not_ours = {path for group in _NOT_OURS for path in facets.groups.get(group, ())}
    files = tuple(entry.path for entry in index.files if entry.kind == "file" and entry.path not in not_ours)
    answers = [answer for capability in raw.capabilities for answer in capability.probes]
    evidence = [item for answer in answers if answer.verdict == "yes" for item in answer.evidence]
    modules = [path for path in facets.groups.get("package", ()) if path.endswith(".py")]
    package = main_package(modules)
    return Ground(
        files=files,
        existing=frozenset(entry.path for entry in index.files),
        best={answer.id: answer.evidence[0].path for answer in answers if answer.evidence},
        package=package,
        main_file=_main_file(modules, package, evidence),
    )


def main_package(modules: Sequence[str]) -> str:
    """The outermost package folder with most of ``modules``, without ``__init__`` files the outermost folder
    (below ``src``); empty when most lie at the root."""
    packages = {str(PurePosixPath(path).parent) for path in modules if path.endswith("/__init__.py")}
    sizes = Counter(_outermost(PurePosixPath(path), packages) for path in modules)
    return min(sizes, key=lambda folder: (-sizes[folder], folder)) if sizes else ""


def resolve(touches: Iterable[str], ground: Ground, fallback: str) -> Resolved:
    """The first of ``touches`` that resolves, with every ``+`` entry that does.

    When none does, the package file with most evidence is named, and in a tree without code the new file
    ``fallback``: a step that touches nothing could not be carried out.
    """
    chosen: list[str] = []
    main_found = False
    for entry in touches:
        extra = entry.startswith("+")
        if main_found and not extra:
            continue
        path = _path_for(entry.removeprefix("+"), ground)
        if path:
            chosen.append(path)
            main_found = main_found or not extra
    paths = dict.fromkeys(chosen or [ground.main_file or fallback])
    return Resolved(
        files=tuple(path for path in paths if path in ground.existing),
        new=tuple(path for path in paths if path not in ground.existing),
    )


def _path_for(entry: str, ground: Ground) -> str:
    """The path that ``entry`` stands for in this tree, empty if for none."""
    kind, _, rest = entry.partition(":")
    if kind == "probe":
        return ground.best.get(rest, "")
    if kind == "new":
        return _in_package(rest, ground.package)
    pattern = _in_package(rest, escape(ground.package))
    return next((path for path in ground.files if _matches(path, pattern)), "")


def _in_package(path: str, package: str) -> str:
    return path.replace(_PLACEHOLDER, f"{package}/" if package else "")


def _matches(path: str, glob: str) -> bool:
    """Case matters except in the names of documents; ``**/`` matches no folder too."""
    if PurePosixPath(glob).suffix.lower() in _DOCUMENT_SUFFIXES:
        path, glob = path.lower(), glob.lower()
    return fnmatchcase(path, glob) or (glob.startswith("**/") and fnmatchcase(path, glob[3:]))


def _outermost(path: PurePosixPath, packages: set[str]) -> str:
    folders = [str(folder) for folder in reversed(path.parents) if str(folder) != "."]
    inside = [folder for folder in folders if folder in packages]
    if inside:
        return inside[0]
    below = [folder for folder in folders if folder != "src"]
    return below[0] if below else ""


def _main_file(modules: Sequence[str], package: str, evidence: Iterable[Evidence]) -> str:
    """The module with most evidence; without any, the first of the main package."""
    if not modules:
        return ""
    cited = Counter(item.path for item in evidence)
    prefix = f"{package}/" if package else ""
    return min(modules, key=lambda path: (-cited[path], not path.startswith(prefix), path))
