"""The repository on half a page: where things are, what is only sketched, what changed last."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from codex_audit.status.detectors.placeholders import is_stub
from codex_audit.status.known import Known
from codex_audit.status.model import Area, Changes, Citation, KeyFile, RepoMap, Stubs
from codex_audit.status.words import count

_MOST_AREAS = 14
_MOST_KEYS = 14
_SHOWN = 5
_KEY_FILES: tuple[tuple[str, str], ...] = (
    ("what it is", r"readme(?:\.\w+)?"),
    ("package and its settings", r"pyproject\.toml"),
    ("package, written as code", r"setup\.py"),
    ("licence", r"licen[cs]e(?:\.\w+)?|copying"),
    ("changes", r"(?:changelog|changes|history|news)(?:\.\w+)?"),
    ("dependency lock", r"(?:uv|poetry|pdm|pixi)\.lock|pipfile\.lock|requirements(?:/\w+)?\.(?:txt|lock)"),
    ("pipeline", r"\.github/workflows/[^/]+\.ya?ml|\.gitlab-ci\.ya?ml|\.circleci/config\.yml|\.ci/run"),
    ("hooks", r"\.pre-commit-config\.ya?ml"),
    ("tasks", r"(?:gnu)?makefile|justfile|noxfile\.py|tox\.ini"),
    ("container", r"(?:docker/)?dockerfile"),
    ("settings of this audit", r"workflow\.yaml"),
)
_FACETS = (
    ("test", "tests"),
    ("example", "examples and scripts"),
    ("docs", "documents"),
    ("config", "settings"),
    ("ci", "pipelines"),
    ("data", "data"),
    ("generated", "generated code"),
    ("vendored", "vendored code"),
)
_VERSION = re.compile(r"v?\d+\.\d+|unreleased", re.IGNORECASE)


def repo_map(known: Known) -> RepoMap:
    return RepoMap(tuple(_areas(known)), tuple(_key_files(known)), stubs(known), _changes(known))


def _areas(known: Known) -> Iterator[Area]:
    """Top-level folders, and the packages below one that holds most of the tree."""
    paths = [entry.path for entry in known.ground.index.files]
    tops = Counter(path.partition("/")[0] for path in paths if "/" in path)
    rows = 0
    for top in sorted(tops):
        yield _area(known, f"{top}/", [path for path in paths if path.startswith(f"{top}/")])
        rows += 1
        if tops[top] * 2 > len(paths):
            for inner in _largest(paths, _root_of(paths, f"{top}/"), 6):
                yield _area(known, inner, [path for path in paths if path.startswith(inner)])
                rows += 1
        if rows >= _MOST_AREAS:
            break
    rest = [path for path in paths if "/" not in path]
    if rest:
        yield _area(known, "./", rest)


def _root_of(paths: list[str], prefix: str) -> str:
    """``prefix``, or the folder below it that holds nearly all of it: ``src/`` leads to ``src/package/``."""
    inside = [path.removeprefix(prefix) for path in paths if path.startswith(prefix)]
    folders = Counter(path.partition("/")[0] for path in inside if "/" in path)
    for folder, number in folders.most_common(1):
        if number * 10 > len(inside) * 9:
            return _root_of(paths, f"{prefix}{folder}/")
    return prefix


def _largest(paths: list[str], root: str, most: int) -> list[str]:
    inside = Counter(
        path.removeprefix(root).partition("/")[0]
        for path in paths
        if path.startswith(root) and "/" in path.removeprefix(root)
    )
    largest = sorted(inside.items(), key=lambda item: (-item[1], item[0]))[:most]
    return sorted(f"{root}{name}/" for name, _ in largest)


def _area(known: Known, path: str, members: list[str]) -> Area:
    kinds: Counter[str] = Counter()
    for member in members:
        facets = known.ground.facets(member)
        kind = next((words for facet, words in _FACETS if facet in facets), "")
        kinds[kind or ("Python modules" if member.endswith((".py", ".pyi")) else "other files")] += 1
    holds = ", ".join(f"{number:,} {kind}" for kind, number in kinds.most_common(2))
    return Area(path, len(members), holds, _purpose(path, known))


def _purpose(path: str, known: Known) -> str:
    """What a folder says of itself: the first line of its package's docstring, or the first heading of its README."""
    root = _root_of([entry.path for entry in known.ground.index.files], path) if path != "./" else ""
    file = known.ground.tree.by_path.get(f"{root}__init__.py")
    if file is not None and file.python is not None and file.python.documented:
        rows = (row.strip() for row in known.sources.lines(file.path)[:40])
        return next((_first_sentence(row) for row in rows if row.startswith(('"""', "'''"))), "")
    for name in ("README.md", "README.rst"):
        doc = known.ground.tree.by_path.get(f"{path}{name}") if path != "./" else None
        if doc is not None and doc.doc is not None and doc.doc.headings:
            return doc.doc.headings[0].text
    return ""


def _first_sentence(row: str) -> str:
    return re.split(r"(?<=[.:])\s|\"\"\"|'''", row[3:], maxsplit=1)[0].rstrip(".:")


def _key_files(known: Known) -> Iterator[KeyFile]:
    rows = 0
    for what, pattern in _KEY_FILES:
        fits = re.compile(pattern, re.IGNORECASE)
        paths = [entry.path for entry in known.ground.index.files if fits.fullmatch(entry.path)]
        for path in paths[: 2 if what in ("pipeline", "dependency lock") else 1]:
            if rows < _MOST_KEYS:
                yield KeyFile(what, known.sources.checked(_named(path, known)))
                rows += 1


def _named(path: str, known: Known) -> Citation:
    """A key file at the line that says most of it: its name, its first heading, or its first job."""
    file = known.ground.tree.by_path[path]
    if file.settings is not None:
        for item in file.settings.settings:
            if item.key in ("project.name", "tool.poetry.name", "name"):
                return Citation(path, item.line, item.value)
    if file.doc is not None and file.doc.headings:
        return Citation(path, file.doc.headings[0].line, file.doc.headings[0].text)
    return Citation(path)


def stubs(known: Known) -> Stubs:
    """Functions that have a name and no body; those in the files on which most is built come first."""
    standing = known.ground.tree.standing
    found = [
        (module.path, item)
        for module in known.ground.modules
        for item in module.facts.functions
        if is_stub(item, module, known.ground)
    ]
    found.sort(key=lambda pair: (-standing.points(pair[0]), pair[0], pair[1].line))
    shown: dict[str, Citation] = {}
    for path, item in found:
        if len(shown) < _SHOWN:
            shown.setdefault(path, known.sources.checked(Citation(path, item.line, item.name)))
    return Stubs(len(found), len({path for path, _ in found}), tuple(shown.values()))


def _changes(known: Known) -> Changes:
    """What git says, and where it says nothing what the changelog at the root does."""
    changes = known.changes
    if changes.commits:  # what is left out of the audit, such as its own reports, is left out here
        kept = [pair for pair in changes.busiest if pair[0] in known.ground.entries]
        return replace(changes, busiest=tuple(kept[:_SHOWN]))
    headings = [
        Citation(file.path, heading.line, heading.text)
        for file in known.ground.tree.docs()
        if file.doc is not None and re.match(r"(?:changelog|changes|history|news)\b", file.path.lower())
        for heading in file.doc.headings
        if _VERSION.search(heading.text)
    ]
    return replace(changes, changelog=tuple(known.sources.checked(place) for place in headings[:3]))


def size_sentence(known: Known) -> str:
    """How large the tree is."""
    files = known.ground.index.files
    python = sum(entry.path.endswith(".py") for entry in files)
    tests = sum(len(module.facts.tests) for module in known.ground.tree.modules.every)
    return f"{count(len(files), 'file')}, {python:,} of them Python, {count(tests, 'test function')}"
