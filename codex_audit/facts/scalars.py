"""The common shape of parsed configuration: its scalars in file order, each with its path and its lines."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from codex_audit.facts.model import Setting, SettingsFacts
from codex_audit.facts.source import ReadError, cut

MAX_DEPTH = 200
MAX_SETTINGS = 50_000
MAX_KEY = 500

Path = tuple[str | int, ...]


class Scalar(NamedTuple):
    """A leaf of a document. ``line`` is that of its key (of itself in a list), ``start`` that of the first
    line of its text, ``block`` says that each line of ``value`` is a line of the file from ``start`` on."""

    path: Path
    value: str
    line: int
    start: int
    block: bool = False


def as_text(value: object) -> str:
    """A parsed scalar as a setting writes it: booleans and null in lower case, numbers by ``str``."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def dotted(path: Path) -> str:
    """``("jobs", "test", "steps", 0, "run")`` as ``jobs.test.steps[0].run``."""
    return (_dotted(path[:-1]) + _part(path[-1])).removeprefix(".")[:MAX_KEY] if path else ""


@functools.lru_cache(maxsize=256)
def _dotted(path: Path) -> str:
    return "".join(_part(part) for part in path)[: MAX_KEY + 1]


def _part(part: str | int) -> str:
    return f"[{part}]" if isinstance(part, int) else f".{part}"


def deeper(depth: int, line: int) -> None:
    """Raises ReadError for a nesting that no configuration has; parsers and consumers stay bounded."""
    if depth > MAX_DEPTH:
        raise ReadError(f"nested deeper than {MAX_DEPTH}", line)


def settings_of(language: str, scalars: Iterable[Scalar]) -> SettingsFacts:
    """``scalars`` as settings. Raises ReadError for a document so large that it is data, no configuration."""
    return SettingsFacts(language, tuple(_settings(scalars)))


def _settings(scalars: Iterable[Scalar]) -> Iterator[Setting]:
    for count, scalar in enumerate(scalars):
        if count == MAX_SETTINGS:
            raise ReadError(f"more than {MAX_SETTINGS:,} values: data, not configuration", data=True)
        yield Setting(dotted(scalar.path), cut(scalar.value), scalar.line)
