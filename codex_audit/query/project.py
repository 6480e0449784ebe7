"""Searches over files that are not code: configuration, CI, hooks, dependencies, documents."""

from __future__ import annotations

import fnmatch
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from functools import cached_property

from codex_audit.artifacts import Evidence, Strength
from codex_audit.facts.model import (
    CiFacts,
    DocFacts,
    DockerFacts,
    FileFacts,
    HooksFacts,
    PythonFacts,
    Requirement,
    RequirementsFacts,
    Setting,
    SettingsFacts,
    Step,
)
from codex_audit.query.found import Found, ordered

_DEAD = frozenset({"vendored", "generated", "test"})


_ECHOED = re.compile(r"\s*[@-]*\s*(echo|printf)\b[^|]*$")
_PIECE = re.compile(r"[A-Za-z_]{4,}")


def _words(*patterns: str) -> frozenset[str]:
    """The words of regular expressions and globs: a broken file with none of them cannot matter."""
    return frozenset(word.lower() for pattern in patterns for word in _PIECE.findall(pattern))


def says_nothing(file: FileFacts) -> bool:
    """Whether the readers of a file found nothing in it: it is empty, or holds comments or a heading alone."""
    read = (file.settings, file.requirements, file.docker, file.ci, file.hooks, file.doc, file.python)
    known = [part for part in read if part is not None]
    return bool(known) and not any(_says(part) for part in known)


def _says(part: object) -> bool:
    match part:
        case SettingsFacts():
            return bool(part.settings)
        case RequirementsFacts():
            return bool(part.requirements or part.python)
        case DocFacts():
            return bool(part.prose or part.fences or part.links)
        case DockerFacts():
            return bool(part.instructions)
        case CiFacts():
            return bool(part.steps)
        case HooksFacts():
            return bool(part.hooks)
        case PythonFacts():
            return bool(part.statements)
    return False


def _any_glob(globs: list[str]) -> Callable[[str], re.Match[str] | None]:
    return re.compile("|".join(map(fnmatch.translate, globs))).match


class ProjectSearches(ABC):
    """The part of ``Tree`` that needs no Python facts."""

    files: tuple[FileFacts, ...]

    @abstractmethod
    def at(
        self, file: FileFacts, line: int, symbol: str, why: str, strength: Strength, scope: str = ""
    ) -> Evidence:
        """Evidence for a place of a file."""

    @cached_property
    def by_path(self) -> dict[str, FileFacts]:
        return {file.path: file for file in self.files}

    def paths(self, *globs: str, dead: bool = False) -> Iterator[FileFacts]:
        """Files whose path matches (``*`` crosses folders; a glob without ``/`` matches the file name), case ignored.
        Vendored, generated and test files only with ``dead``."""
        whole = [glob.lower().removeprefix("/") for glob in globs if "/" in glob]
        short = [glob.lower() for glob in globs if "/" not in glob]
        fits_path, fits_name = _any_glob(whole), _any_glob(short)
        for file, path, name in self._lower_paths:
            if ((short and fits_name(name)) or (whole and fits_path(path))) and (
                dead or not file.facets & _DEAD
            ):
                yield file

    @cached_property
    def _lower_paths(self) -> list[tuple[FileFacts, str, str]]:
        """Every file with its path and its name in lower case."""
        lower = ((file, file.path.lower()) for file in self.files)
        return [(file, path, path.rpartition("/")[2]) for file, path in lower]

    def file(self, *globs: str, why: str = "", where: Callable[[FileFacts], bool] | None = None) -> Found:
        """Files that exist and say something; evidence at line 1. A leading ``/`` anchors a glob at the root
        (``/SECURITY.md``)."""
        rooted = [glob for glob in globs if glob.startswith("/") and "/" not in glob[1:]]
        free = [glob for glob in globs if glob not in rooted]
        hits = list(self.paths(*free)) if free else []
        hits += (
            [file for file in self.paths(*(glob[1:] for glob in rooted)) if "/" not in file.path]
            if rooted
            else []
        )
        evidence = [
            self.at(file, 1, file.path, why or f"{file.path} exists", "declared")
            for file in hits
            if not says_nothing(file) and (where is None or where(file))
        ]
        return Found(evidence=ordered(evidence), looked_for=globs)

    def settings(self, glob: str, key: str, value: str = "", why: str = "") -> Found:
        """Scalars of configuration files: ``key`` (whole) and ``value`` (a part) match regular expressions."""
        evidence = [
            self.at(file, item.line, item.key, why or f"sets {item.key}", "declared")
            for file, item in self.setting_items(glob, key, value)
        ]
        return Found(
            evidence=ordered(evidence), looked_for=(f"{key} in {glob}",), file_words=_words(key, value)
        )

    def setting_items(self, glob: str, key: str, value: str = "") -> Iterator[tuple[FileFacts, Setting]]:
        """The settings behind ``settings``."""
        keys, values = re.compile(key), re.compile(value)
        for file in self.paths(*glob.split()):
            for item in file.settings.settings if file.settings is not None else ():
                if keys.fullmatch(item.key) and values.search(item.value):
                    yield file, item

    def ci(self) -> Iterator[tuple[FileFacts, CiFacts]]:
        """Pipeline files of hosted CI systems, and tox or make files."""
        for file in self.files:
            if file.ci is not None and not file.facets & _DEAD:
                yield file, file.ci

    def steps(
        self,
        run: str = "",
        uses: str = "",
        why: str = "",
        *,
        hosted: bool = False,
        where: Callable[[CiFacts, Step], bool] | None = None,
    ) -> Found:
        """CI steps whose command line matches ``run`` or whose reused action matches ``uses`` (regular expressions).
        ``hosted``: pipeline systems only, not tox, nox or make."""
        evidence = []
        for file, facts in self.ci():
            if hosted and facts.system in ("tox", "nox", "make"):
                continue
            for step in facts.steps:
                if _ECHOED.match(step.run):
                    continue  # a command that is only printed is advice
                hit = (run and step.run and re.search(run, step.run)) or (
                    uses and step.uses and re.search(uses, step.uses)
                )
                if hit and (where is None or where(facts, step)):
                    symbol = step.uses or step.run[:60]
                    evidence.append(
                        self.at(file, step.line, symbol, why or f"{facts.system} runs {symbol}", "called")
                    )
        return Found(
            evidence=ordered(evidence),
            looked_for=tuple(item for item in (run, uses) if item),
            file_words=_words(run, uses),
        )

    def hooks(self, pattern: str, why: str = "") -> Found:
        """Pre-commit hooks whose id or repository matches the regular expression."""
        evidence = [
            self.at(file, hook.line, hook.id, why or f"pre-commit hook {hook.id}", "declared")
            for file in self.files
            if file.hooks is not None and not file.facets & _DEAD
            for hook in file.hooks.hooks
            if re.search(pattern, hook.id) or re.search(pattern, hook.repo)
        ]
        return Found(
            evidence=ordered(evidence), looked_for=(f"pre-commit hook {pattern}",), file_words=_words(pattern)
        )

    def requirements(self, *names: str, runtime: bool = False) -> Iterator[tuple[FileFacts, Requirement]]:
        """Declared dependencies (all of them without names); ``runtime`` leaves out extras and groups."""
        for file in self.files:
            if file.requirements is None or file.facets & _DEAD:
                continue
            for item in file.requirements.requirements:
                if (not names or item.name in names) and not (runtime and item.group):
                    yield file, item

    def requires(self, *names: str, why: str = "") -> Found:
        """Files that declare one of these dependencies."""
        evidence = [
            self.at(file, item.line, item.name, why or f"depends on {item.name}", "declared")
            for file, item in self.requirements(*names)
        ]
        return Found(
            evidence=ordered(evidence),
            looked_for=tuple(f"dependency {name}" for name in names),
            file_words=_words(*names),
        )

    def docs(self) -> Iterator[FileFacts]:
        """Documents of the project: Markdown and reST outside vendored, generated and test folders."""
        for file in self.files:
            if file.doc is not None and not file.facets & _DEAD:
                yield file

    def headings(self, pattern: str, *globs: str, why: str = "", least_words: int = 0) -> Found:
        """Headings of documents that match, in files that match a glob (any by default) and hold enough prose."""
        compiled = re.compile(pattern, re.IGNORECASE)
        evidence = [
            self.at(file, heading.line, heading.text, why or f"section {heading.text!r}", "declared")
            for file in (self.paths(*globs) if globs else self.docs())
            if file.doc is not None and file.doc.prose >= least_words
            for heading in file.doc.headings
            if compiled.search(heading.text)
        ]
        return Found(evidence=ordered(evidence), looked_for=(f"a section on {pattern}",))

    def fences(self, pattern: str, *globs: str, why: str = "") -> Found:
        """Code blocks of documents whose text matches."""
        compiled = re.compile(pattern, re.IGNORECASE | re.MULTILINE)
        evidence = [
            self.at(file, fence.line, fence.language or "code", why or "code block", "declared")
            for file in (self.paths(*globs) if globs else self.docs())
            if file.doc is not None
            for fence in file.doc.fences
            if compiled.search(fence.text)
        ]
        return Found(evidence=ordered(evidence), looked_for=(f"a code block with {pattern}",))

    @cached_property
    def doc_words(self) -> frozenset[str]:
        """Every identifier that the documents name, lower case."""
        return frozenset(word for file in self.docs() if file.doc is not None for word in file.doc.words)
