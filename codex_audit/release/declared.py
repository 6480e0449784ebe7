"""What the files of a project say of its release: the version, the changelog, the locks."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from codex_audit.facts.locks import is_lock, read_lock
from codex_audit.facts.model import RequirementsFacts
from codex_audit.facts.requirements import requirements_reader
from codex_audit.facts.source import ReadError
from codex_audit.release.model import Ground, Outcome, failed, passed, skipped
from codex_audit.release.toml_key import toml_document
from codex_audit.release.tree import matching, tree_files
from codex_evidence.errors import UsageError
from codex_evidence.files import read_bytes

_MOST_BYTES = 1 << 26
_HEADING = re.compile(r"^(?:#{1,6}\s*|\s*)\[?v?(?P<version>\d[\w.+!-]*)\]?", re.MULTILINE)
_CITATION = re.compile(r"^version:\s*['\"]?(?P<version>[^\s'\"#]+)", re.MULTILINE)

Place = tuple[str, str]
"""A version as written, and where: ``FILE:line``."""


def version_item(ground: Ground) -> Outcome:
    """Every place that names the version of the project names the same one."""
    found = list(_versions(ground))
    if not found:
        return skipped("no file names a version of the project")
    places = tuple(place for _, place in found)
    if len({text for text, _ in found}) > 1:
        return failed(
            "the version differs: " + ", ".join(f"{text} at {place}" for text, place in found), *places
        )
    return passed(f"{found[0][0]} in every place", *places)


def changelog_item(ground: Ground) -> Outcome:
    """The changelog has a heading for the version, with text under it."""
    version = project_version(ground)
    files = matching(ground.root, ground.profile.changelog.files)
    if not files:
        return failed(f"there is none of {', '.join(ground.profile.changelog.files)}")
    if not version:
        return skipped("no file names a version of the project")
    text = _text(ground.root / files[0])
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        match = _HEADING.match(line)
        if match and match["version"] == version:
            if any(rest.strip() for rest in _under(lines[number:])):
                return passed(f"it has {version}", f"{files[0]}:{number}")
            return failed(f"there is nothing under {version}", f"{files[0]}:{number}")
    return failed(f"it has no heading for {version}", files[0])


def lock_item(ground: Ground) -> Outcome:
    """Each lock pins, in a version that pyproject allows, what pyproject asks for and the lock speaks of; every
    dependency of the project itself is in each."""
    project = toml_document(ground.root / "pyproject.toml").get("project", {})
    needed, optional = _asked(project)
    locks = _locks(ground)
    if not locks:
        return failed(f"there is no lock among {', '.join(ground.profile.lock.files)}")
    faults = [fault for name in locks for fault in _faults(ground.root / name, name, needed, optional)]
    if not needed and not optional:
        return skipped("pyproject.toml asks for nothing")
    covering = [name for name in locks if not _missing(ground.root / name, name, needed)]
    if faults:
        return failed("; ".join(faults[:5]), *locks)
    if not covering:
        missing = ", ".join(_missing(ground.root / locks[0], locks[0], needed))
        return failed(f"no lock holds every dependency; {locks[0]} lacks {missing}", *locks)
    return passed(f"{covering[0]} satisfies the {len(needed)} dependencies", *locks)


def project_version(ground: Ground) -> str:
    """The version that the project's metadata give, empty where they do not."""
    return next((text for text, _ in _versions(ground)), "")


def _versions(ground: Ground) -> Iterator[Place]:
    root = ground.root
    document = toml_document(root / "pyproject.toml")
    project = document.get("project", {})
    if isinstance(project.get("version"), str):
        yield project["version"], _at(root, "pyproject.toml", r'^version\s*=\s*"(?P<version>[^"]+)"')
    for name in tree_files(root):
        if name.count("/") <= 2 and name.endswith(("/__init__.py", "/_version.py", "/version.py")):
            if not name.startswith(("test", "doc")):
                yield from _assigned(root, name)
        elif name == "CITATION.cff":
            yield from _matches(root, name, _CITATION)
    for place in ground.profile.version.places:
        name, _, pattern = place.partition(":")
        if not (root / name).resolve().is_relative_to(root):
            raise UsageError(f"profile: version.places: {name!a} lies outside the project")
        found = list(_matches(root, name, _compiled(pattern)))
        yield from found or [("nothing", name)]


def _assigned(root: Path, name: str) -> Iterator[Place]:
    """``__version__ = "..."`` at the top of a module."""
    try:
        tree = ast.parse(read_bytes(root / name, max_bytes=_MOST_BYTES))
    except (SyntaxError, ValueError):
        return  # not a module that any Python imports, so nobody reads a version from it
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        named = any(isinstance(one, ast.Name) and one.id == "__version__" for one in targets)
        value = node.value if isinstance(node, ast.Assign) else None
        if named and isinstance(value, ast.Constant) and isinstance(value.value, str):
            yield value.value, f"{name}:{node.lineno}"


def _matches(root: Path, name: str, pattern: re.Pattern[str]) -> Iterator[Place]:
    if not (root / name).is_file():
        return
    text = _text(root / name)
    for match in pattern.finditer(text):
        yield match[1], f"{name}:{text.count(chr(10), 0, match.start()) + 1}"


def _at(root: Path, name: str, pattern: str) -> str:
    found = list(_matches(root, name, re.compile(pattern, re.MULTILINE)))
    return found[0][1] if found else name


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        compiled = re.compile(pattern, re.MULTILINE)
    except re.error as error:
        raise UsageError(f"profile: version.places: {pattern!a} is no regular expression: {error}") from error
    if compiled.groups < 1:
        raise UsageError(
            f"profile: version.places: {pattern!a} has no group; put (\\S+) where the version is"
        )
    return compiled


def _under(lines: list[str]) -> Iterator[str]:
    """The lines up to the next heading of a version."""
    for line in lines:
        if _HEADING.match(line) and line.lstrip().startswith(("#", "[")):
            return
        yield line


def _asked(project: dict[str, Any]) -> tuple[list[Requirement], list[Requirement]]:
    """The dependencies of the project, and those of its extras."""
    extras = project.get("optional-dependencies", {})
    written = [text for texts in extras.values() for text in texts] if isinstance(extras, dict) else []
    return _requirements(project.get("dependencies", [])), _requirements(written)


def _requirements(texts: list[str]) -> list[Requirement]:
    try:
        return [Requirement(text) for text in texts]
    except (InvalidRequirement, TypeError) as error:
        raise UsageError(f"pyproject.toml asks for what is no requirement: {error}") from error


def _read(path: Path, name: str) -> RequirementsFacts:
    """Raises UsageError for a file that is none of requirements."""
    reader = read_lock if is_lock(name) else requirements_reader(name)
    if reader is None:
        raise UsageError(f"profile: lock.files: {name} is neither a lock nor a requirements file")
    try:
        return reader(read_bytes(path, max_bytes=_MOST_BYTES), name)
    except ReadError as error:
        raise UsageError(f"{name} cannot be read: {error.reason}") from error


def _pinned(path: Path, name: str) -> dict[str, str]:
    """The locked versions by name of package."""
    return {one.name: one.pin for one in _read(path, name).requirements if one.pin}


def locked_versions(ground: Ground) -> dict[str, str]:
    """The version of each package that a lock pins, by normalised name."""
    return {name: pin for lock in _locks(ground) for name, pin in _pinned(ground.root / lock, lock).items()}


def _locks(ground: Ground) -> list[str]:
    names = matching(ground.root, ground.profile.lock.files)
    return [name for name in names if _is_whole(ground.root / name, name)]


def _is_whole(path: Path, name: str) -> bool:
    """Whether the file is a lock: one in which everything is pinned."""
    requirements = _read(path, name).requirements
    return bool(requirements) and all(one.pin for one in requirements)


def _missing(path: Path, name: str, needed: list[Requirement]) -> list[str]:
    pinned = _pinned(path, name)
    return [one.name for one in needed if _applies(one) and canonicalize_name(one.name) not in pinned]


def _faults(path: Path, name: str, needed: list[Requirement], optional: list[Requirement]) -> Iterator[str]:
    pinned = _pinned(path, name)
    for one in (*needed, *optional):
        version = pinned.get(canonicalize_name(one.name))
        if version is None or not _applies(one):
            continue
        try:
            fits = one.specifier.contains(Version(version), prereleases=True)
        except InvalidVersion:
            fits = False
        if not fits:
            yield f"{name} pins {one.name} {version}, and pyproject.toml asks for {one.specifier}"


def _applies(requirement: Requirement) -> bool:
    return requirement.marker is None or requirement.marker.evaluate()


def _text(path: Path) -> str:
    return read_bytes(path, max_bytes=_MOST_BYTES).decode("utf-8", errors="replace")
