"""Declared versions against locked ones, and files that pin one package twice."""

from __future__ import annotations

from collections.abc import Iterator

from codex_audit.facts.locks import is_lock
from codex_audit.facts.model import FileFacts, Requirement
from codex_audit.status.ground import ASIDE, Ground
from codex_audit.status.model import Citation, Finding
from codex_audit.status.words import count, names

NAME = "pins"
_SHOWN = 4
_DECLARING = ("pyproject.toml", "setup.cfg", "setup.py", "Pipfile")


def detect(ground: Ground) -> Iterator[Finding]:
    files = [file for file in ground.tree.files if file.requirements is not None and not file.facets & ASIDE]
    for lock in files:
        if lock.requirements is not None and lock.requirements.locked:
            for declaring in files:
                if _governs(declaring.path, lock.path):
                    yield from _against(declaring, lock)
    yield from _pinned_twice(files)


def _governs(declaring: str, lock: str) -> bool:
    """A lock belongs to the declaration in its folder, or in the folder above ``requirements``."""
    folder, _, name = declaring.rpartition("/")
    place = lock.rpartition("/")[0]
    return name in _DECLARING and place in (folder, f"{folder}/requirements".lstrip("/"))


def _against(declaring: FileFacts, lock: FileFacts) -> Iterator[Finding]:
    locked: dict[str, list[Requirement]] = {}
    for item in lock.requirements.requirements if lock.requirements else ():
        locked.setdefault(item.name, []).append(item)
    wanted = declaring.requirements.requirements if declaring.requirements else ()
    broken = [item for item in wanted if item.name in locked and not _any_fits(item, locked[item.name])]
    if broken:
        places = [
            place
            for item in broken[:_SHOWN]
            for place in (
                Citation(declaring.path, item.line, item.name),
                Citation(lock.path, locked[item.name][0].line, item.name),
            )
        ]
        yield Finding(
            NAME,
            f"`{lock.path}` locks {count(len(broken), 'version')} that `{declaring.path}` does not allow: "
            f"{names([item.name for item in broken])}",
            "high",
            "An install from the lock and one from the declaration give different code.",
            len(broken),
            tuple(places),
            "Lock again from the declaration, and let CI compare the two.",
            "minutes",
            max(0, len(broken) - _SHOWN),
        )
    absent = [item for item in wanted if not item.group and item.name not in locked]
    if absent and is_lock(lock.path):
        yield Finding(
            NAME,
            f"`{lock.path}` lacks {count(len(absent), 'dependency', 'dependencies')} of `{declaring.path}`: "
            f"{names([item.name for item in absent])}",
            "high",
            "The lock is older than the declaration: a locked install lacks what the code imports.",
            len(absent),
            tuple(Citation(declaring.path, item.line, item.name) for item in absent[:_SHOWN]),
            "Lock again from the declaration, and let CI compare the two.",
            "minutes",
            max(0, len(absent) - _SHOWN),
        )


def _any_fits(wanted: Requirement, locked: list[Requirement]) -> bool:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet
    from packaging.version import InvalidVersion, Version

    try:
        specifier = SpecifierSet(wanted.specifier)
        return any(
            specifier.contains(Version(item.pin), prereleases=True) if item.pin else True for item in locked
        )
    except (InvalidSpecifier, InvalidVersion):
        return True  # what no standard reads is not judged


def _pinned_twice(files: list[FileFacts]) -> Iterator[Finding]:
    """One package, two exact versions, in files that people write: locks may hold several on purpose."""
    pins: dict[str, dict[str, tuple[str, Requirement]]] = {}
    for file in files:
        facts = file.requirements
        if facts is not None and not facts.locked:
            for item in facts.requirements:
                if item.pin:
                    pins.setdefault(item.name, {}).setdefault(item.pin, (file.path, item))
    twice = {name: found for name, found in pins.items() if len({path for path, _ in found.values()}) > 1}
    if twice:
        places = [
            Citation(path, item.line, item.name)
            for found in list(twice.values())[:2]
            for path, item in list(found.values())[:2]
        ]
        yield Finding(
            NAME,
            f"{count(len(twice), 'package')} pinned to different versions in different files: {names(list(twice))}",
            "medium",
            "Which version runs depends on the file that was installed from last.",
            len(twice),
            tuple(places),
            "Pin each package in one place, and let the other files refer to it.",
            "minutes",
            max(0, len(twice) - 2),
        )
