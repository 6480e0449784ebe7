"""Settings as written: plain values, and the line on which each key stands."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from codex_audit.facts.source import ReadError
from codex_evidence.errors import UsageError

TABLE = "tool.codex-audit"

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """``values`` of the file that messages call ``name``; ``line_of`` gives the 1-based line of a key, 0 when it is
    not there."""

    name: str
    values: Mapping[str, Any]
    line_of: Callable[[KeyPath], int]

    def refuse(self, path: KeyPath, problem: str) -> NoReturn:
        """Raises UsageError for the key ``path`` (empty for the whole file)."""
        line = self.line_of(path) or self.line_of(path[:-1]) or self.line_of(path[:1])
        raise UsageError(f"{self.name}:{line}: {problem}" if line else f"{self.name}: {problem}")


def pyproject_document(data: bytes, name: str) -> Document | None:
    """The settings in the table TABLE of a pyproject, None without that table.

    Raises ValueError (or RecursionError) when the file is not TOML, UsageError when the table is not a table.
    """
    text = data.decode("utf-8")
    value: Any = tomllib.loads(text)
    for key in TABLE.split("."):
        if not isinstance(value, dict) or key not in value:
            return None
        value = value[key]
    lines = _toml_lines(text, name)
    document = Document(name, value, lambda path: lines.get(path, 0))
    if not isinstance(value, dict):
        document.refuse((), f"{TABLE} must be a table")
    return document


def _toml_lines(text: str, name: str) -> dict[tuple[str | int, ...], int]:
    """The lines of the keys of TABLE, by their path within it."""
    from codex_audit.facts.toml import key_lines  # loads the model of all facts, which few workflows need

    above = tuple(TABLE.split("."))
    try:
        lines = key_lines(text)
    except ReadError as error:
        raise UsageError(f"{name}:{error.line}: {error.reason}") from error
    return {path[len(above) :]: line for path, line in lines.items() if path[: len(above)] == above}
