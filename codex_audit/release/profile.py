"""What a release has to pass, as settings: two profiles that travel with the program, or a file of the project's own.

A profile is YAML. What a file leaves out is taken from the profile that its ``base`` names.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from codex_audit.workflow.yaml_document import yaml_document
from codex_evidence.errors import UsageError
from codex_evidence.files import read_bytes
from codex_evidence.names import shown

NAMES = ("default", "strict")
_MOST_BYTES = 1 << 20


Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]


class Command(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A command of the project: words as a shell would split them, run without one. ``needs`` are paths, or
    ``FILE:table.key`` for a table of a TOML file; without any of them the item is skipped. ``limit`` is in seconds."""

    command: str
    needs: tuple[str, ...] = ()
    limit: Seconds = 1800.0


class Tests(Command, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``junit`` are places where the JUnit file of the last run may be; it counts while it is newer than every file of
    the tree. Without one the command runs."""

    junit: tuple[str, ...] = ()


class Coverage(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``report`` are places of coverage.py's JSON report; ``floor`` is the one place that holds the floor, as
    ``FILE:table.key``."""

    report: tuple[str, ...]
    floor: str


class Scanners(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Findings of ``severity`` and above fail. ``leave_out`` are scanners that are not asked, each with the reason;
    ``options`` go to ``codex-audit scan``; ``limit`` is in seconds."""

    severity: Literal["info", "low", "medium", "high", "critical"]
    leave_out: Mapping[str, str] = msgspec.field(default_factory=dict)
    options: str = ""
    limit: Seconds = 1800.0


class Places(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Globs of files to look at."""

    files: tuple[str, ...]


class Artifacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``allow`` are globs of files that are meant to be in git whatever they hold; ``max_kb`` is the size of the
    largest binary in KiB."""

    allow: tuple[str, ...] = ()
    max_kb: int = 500


class Version(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``places`` are further places of the version, each ``FILE:pattern`` with one group in a regular expression."""

    places: tuple[str, ...] = ()


class Licences(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """SPDX identifiers that the packages of the lock may have; ``exceptions`` are packages by name, each with the
    reason."""

    allow: tuple[str, ...]
    exceptions: Mapping[str, str] = msgspec.field(default_factory=dict)


class Install(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``options`` go to ``pip install`` before the wheel (``--constraint requirements/dev.txt``); ``limit`` is in
    seconds, for installing and for each entry point."""

    options: str = ""
    limit: Seconds = 900.0


class Build(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``options`` go to ``python -m build``; ``limit`` is in seconds, for each of the two builds."""

    options: str = ""
    limit: Seconds = 600.0


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Settings of each item. ``skip`` names items that are not asked, each with the reason; with ``strict`` any other
    skip fails the check."""

    strict: bool
    skip: Mapping[str, str]
    tests: Tests
    coverage: Coverage
    lint: Command
    types: Command
    docs: Command
    scanners: Scanners
    artifacts: Artifacts
    changelog: Places
    version: Version
    lock: Places
    licences: Licences
    build: Build
    install: Install


def load_profile(name: str) -> Profile:
    """The profile called ``name``, or in the file of that name. Raises UsageError naming the key that is wrong."""
    values = _values(name)
    try:
        return msgspec.convert(values, Profile)
    except msgspec.ValidationError as error:
        raise UsageError(
            f"profile {name!a}: {error}; codex_audit/release/default.yaml shows every key"
        ) from error


def _values(name: str) -> dict[str, Any]:
    """The settings of a profile over those of its base."""
    own = _shipped(name) if name in NAMES else _read(Path(name), shown(name))
    base = own.pop("base", None if name == "default" else "default")
    if base is None:
        return own
    if base not in NAMES or base == name:
        raise UsageError(f"profile {name!a}: base: {base!a} is none of {', '.join(NAMES)}")
    under = _values(base)
    for key, value in own.items():
        there = under.get(key)
        under[key] = {**there, **value} if isinstance(there, dict) and isinstance(value, dict) else value
    return under


def _shipped(name: str) -> dict[str, Any]:
    path = Path(__file__).with_name(f"{name}.yaml")
    return _read(path, f"the profile {name}")


def _read(path: Path, name: str) -> dict[str, Any]:
    return dict(yaml_document(read_bytes(path, max_bytes=_MOST_BYTES), name).values)
