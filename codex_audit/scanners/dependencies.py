"""What the tree declares and locks, by the same readers as the audit; nothing is resolved or installed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from codex_audit.facts.model import Requirement
from codex_audit.facts.requirements import requirements_reader
from codex_audit.facts.source import ReadError
from codex_audit.scanners.model import Unscanned
from codex_audit.scanners.subject import LARGEST, Subject


@dataclass(frozen=True, slots=True)
class Declared:
    """A requirement and the file that holds it."""

    path: str
    requirement: Requirement


@dataclass(frozen=True)
class Dependencies:
    """Every requirement of the tree, in order of path and line, and the files that no reader understood."""

    declared: tuple[Declared, ...]
    unread: tuple[Unscanned, ...]

    @cached_property
    def pinned(self) -> dict[tuple[str, str], tuple[Declared, ...]]:
        """Those with one exact version, by name and version, sorted."""
        found: dict[tuple[str, str], list[Declared]] = {}
        for one in self.declared:
            if one.requirement.pin:
                found.setdefault((one.requirement.name, one.requirement.pin), []).append(one)
        return {key: tuple(found[key]) for key in sorted(found)}

    @cached_property
    def open_names(self) -> tuple[str, ...]:
        """The names that have no exact version anywhere, sorted."""
        return tuple(
            sorted({one.requirement.name for one in self.declared} - {name for name, _ in self.pinned})
        )

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """One line a dependency as a requirements file holds it: every pin, and the names that have none."""
        pins = (f"{name}=={version}" for name, version in self.pinned)
        return (*pins, *self.open_names)


def dependencies_of(subject: Subject) -> Dependencies:
    """What the files of ``subject`` declare and lock."""
    declared: list[Declared] = []
    unread: list[Unscanned] = []
    for entry in subject.texts():
        reader = requirements_reader(entry.path)
        if reader is None:
            continue
        if entry.size > LARGEST:
            unread.append(Unscanned(entry.path, f"larger than {LARGEST >> 20} MB"))
            continue
        try:
            facts = reader(subject.read(entry), entry.path)
        except ReadError as error:
            if not error.data:
                unread.append(Unscanned(entry.path, error.reason))
            continue
        except (MemoryError, RecursionError):
            unread.append(Unscanned(entry.path, "nested too deeply"))
            continue
        declared += [
            Declared(entry.path, one) for one in sorted(facts.requirements, key=lambda item: item.line)
        ]
    return Dependencies(tuple(declared), tuple(unread))


def first_places(items: tuple[Declared, ...]) -> Iterator[Declared]:
    """The first of ``items`` in each file."""
    seen: set[str] = set()
    for one in items:
        if one.path not in seen:
            seen.add(one.path)
            yield one
