"""Commands that the project installs, and whether a test runs them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from codex_audit.facts.model import FileFacts
from codex_audit.status.ground import Ground
from codex_audit.status.imports import absolute
from codex_audit.status.model import Citation, Finding
from codex_audit.status.sdist import is_sdist
from codex_audit.status.words import count, names

NAME = "entry-point"
_TARGET = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")
_TABLES = ("project.scripts.", "project.gui-scripts.", "tool.poetry.scripts.")
_ASSIGNED = re.compile(r"(?P<name>[\w.-]+)\s*=\s*(?P<target>[A-Za-z_][\w.]*:[A-Za-z_][\w.]*)")
_QUOTED = re.compile(r"(['\"])([\w./-]+)\1")
_SHOWN = 4
_LINES = ("element", "argument", "assigned", "formatted")


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """An installed command; ``target`` is ``module:function``, or the path of a script that is installed as it is."""

    name: str
    target: str
    path: str
    line: int

    @property
    def place(self) -> Citation:
        return Citation(self.path, self.line, self.name)


@dataclass(frozen=True, slots=True)
class _Started:
    """What tests would start: ``words`` of lists and command lines, ``alone`` single words given to a function, and
    the absolute names that they import."""

    words: frozenset[str] = frozenset()
    alone: frozenset[str] = frozenset()
    imported: frozenset[str] = frozenset()


def detect(ground: Ground) -> Iterator[Finding]:
    points = entry_points(ground)
    missing = [point for point in points if _is_missing(point, ground)]
    if missing:
        yield Finding(
            NAME,
            f"{count(len(missing), 'command')} whose function is not in the tree: {names([p.name for p in missing])}",
            "high",
            "The command is installed and ends with a traceback on its first run.",
            len(missing),
            tuple(point.place for point in missing[:_SHOWN]),
            "Name the function that there is, or take the line out.",
            "minutes",
            max(0, len(missing) - _SHOWN),
        )
    started = _started(ground) if points else _Started()
    untested = [point for point in points if point not in missing and not _is_tested(point, ground, started)]
    if untested and _has_tests(ground) and not is_sdist(ground.index):
        some = "none of which a test runs" if len(untested) > 1 else "which no test runs"
        yield Finding(
            NAME,
            f"{count(len(untested), 'installed command')}, {some}: {names([point.name for point in untested])}",
            "medium",
            "A broken option or import reaches users first.",
            len(untested),
            tuple(point.place for point in untested[:_SHOWN]),
            "Add a test that runs each command with `--help` and once on a small input.",
            "hours",
            max(0, len(untested) - _SHOWN),
        )


def entry_points(ground: Ground) -> tuple[EntryPoint, ...]:
    """The commands that pyproject.toml, setup.cfg or setup.py at the root declare."""
    found: dict[str, EntryPoint] = {}
    for file in ground.settings("pyproject.toml", "setup.cfg"):
        for point in _declared(file):
            found.setdefault(point.name, point)
    setup = ground.tree.by_path.get("setup.py")
    for text in setup.python.texts if setup is not None and setup.python is not None else ():
        for match in _ASSIGNED.finditer(text.text):
            found.setdefault(match["name"], EntryPoint(match["name"], match["target"], "setup.py", text.line))
    for point in _scripts(setup):
        found.setdefault(point.name, point)
    return tuple(found.values())


def _scripts(setup: FileFacts | None) -> Iterator[EntryPoint]:
    """The files that ``setup(scripts=[...])`` installs."""
    for call in setup.python.calls if setup is not None and setup.python is not None else ():
        listed = next((one.value for one in call.arguments if one.name == "scripts"), "")
        if call.target.rpartition(".")[2] == "setup":
            for _, path in _QUOTED.findall(listed):
                yield EntryPoint(path.rpartition("/")[2], path, "setup.py", call.line)


def _declared(file: FileFacts) -> Iterator[EntryPoint]:
    for item in file.settings.settings if file.settings is not None else ():
        table = next((table for table in _TABLES if item.key.startswith(table)), "")
        if table and _TARGET.fullmatch(item.value):
            yield EntryPoint(item.key.removeprefix(table).strip("\"'"), item.value, file.path, item.line)
        elif item.key == "options.entry_points.console_scripts":
            for row, match in enumerate(_ASSIGNED.finditer(item.value), 1):
                yield EntryPoint(match["name"], match["target"], file.path, item.line + row)


def _is_missing(point: EntryPoint, ground: Ground) -> bool:
    """Whether the script, module or function is certainly not there. What another distribution brings cannot be
    known."""
    if ":" not in point.target:
        return point.target not in ground.entries
    modules = ground.tree.modules
    name, _, inner = point.target.partition(":")
    if not modules.defines_top(name):
        return False
    module = modules.by_name.get(name)
    if module is None:
        return name not in modules.packages
    first = inner.partition(".")[0]
    return not (
        first in module.functions
        or first in module.classes
        or first in module.bindings
        or module.stars
        or any(item.target == first for item in module.facts.assignments)
    )


def _is_tested(point: EntryPoint, ground: Ground, started: _Started) -> bool:
    """Whether a test imports the function or its module, or names the command or the module to run it."""
    modules = ground.tree.modules
    if ":" not in point.target:
        return not started.words.isdisjoint((point.name, point.target)) or point.name in started.alone
    name, _, inner = point.target.partition(":")
    if not started.imported.isdisjoint((name, f"{name}.{inner}")):
        return True
    if not started.words.isdisjoint((name, name.removesuffix(".__main__"), point.name)):
        return True
    package = name.partition(".")[0]
    main = modules.by_name.get(f"{package}.__main__")
    targets = {absolute(item.target, main) for item in main.facts.imports} if main is not None else set()
    if package in started.words and targets & {name, f"{name}.{inner}"}:
        return True
    # The name of a package is given to loggers and importers as well.
    return point.name in started.alone and not modules.defines_top(point.name)


def _started(ground: Ground) -> _Started:
    """Of a command line the first word counts and what follows ``-m``; of a list each element."""
    words: set[str] = set()
    alone: set[str] = set()
    imported: set[str] = set()
    for module in ground.tree.modules.every:
        if "test" not in module.file.facets:
            continue
        imported.update(absolute(item.target.removesuffix(".*"), module) for item in module.facts.imports)
        for text in module.facts.texts:
            parts = text.text.split() if text.role in _LINES else []
            if len(parts) > 1:
                words.update((parts[0], *(after for mark, after in pairwise(parts[:4]) if mark == "-m")))
            elif parts:
                (words if text.role == "element" else alone).add(parts[0])
    return _Started(frozenset(words), frozenset(alone), frozenset(imported))


def _has_tests(ground: Ground) -> bool:
    return any(module.facts.tests for module in ground.tree.modules.every)
