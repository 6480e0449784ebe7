"""Settings as written: plain values, each with the line on which it stands."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import yaml

from codex_evidence.errors import UsageError

TABLE = "tool.codex-audit"

KeyPath = tuple[str, ...]

_HEADER = re.compile(r"""\s*\[\s*tool\s*\.\s*["']?codex-audit["']?\s*(?:\.\s*["']?([\w-]+)["']?\s*)?\]""")
_KEY = re.compile(r"""\s*(?:"([^"]+)"|'([^']+)'|([\w-]+))\s*=""")


@dataclass(frozen=True, slots=True)
class Document:
    """``values`` of the file that messages call ``name``; ``lines`` gives 1-based lines of keys, if known."""

    name: str
    values: Mapping[str, Any]
    lines: Mapping[KeyPath, int]

    def refuse(self, path: KeyPath, problem: str) -> NoReturn:
        """Raises UsageError for the key ``path`` (empty for the whole file)."""
        line = self.lines.get(path) or self.lines.get(path[:1], 0)
        raise UsageError(f"{self.name}:{line}: {problem}" if line else f"{self.name}: {problem}")


def yaml_document(data: bytes, name: str) -> Document:
    """The settings of a workflow file. Raises UsageError when it is not YAML or not a mapping of names."""
    try:
        node = yaml.compose(data, Loader=yaml.SafeLoader)
        if node is None:
            return Document(name, {}, {})
        lines = _yaml_lines(node, name)
        values = yaml.safe_load(data)
    except yaml.YAMLError as error:
        raise UsageError(f"{name}{_yaml_place(error)}: not YAML: {_yaml_problem(error)}") from error
    except (RecursionError, ValueError, OverflowError) as error:
        raise UsageError(f"{name}: not YAML that can be read: {error}") from error
    return Document(name, values, lines)


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
    document = Document(name, value, _toml_lines(text))
    if not isinstance(value, dict):
        document.refuse((), f"{TABLE} must be a table")
    return document


def _yaml_lines(node: yaml.Node, name: str) -> dict[KeyPath, int]:
    """Lines of the keys of the first two levels, which are all there are. Refuses keys given twice."""
    if not isinstance(node, yaml.MappingNode):
        line = node.start_mark.line + 1
        raise UsageError(f"{name}:{line}: must be a mapping of settings, such as 'threshold: 0.7'")
    lines: dict[KeyPath, int] = {}
    for key, value in node.value:
        _note_line(lines, (), key, name)
        for below, _ in value.value if isinstance(value, yaml.MappingNode) else ():
            _note_line(lines, (str(key.value),), below, name)
    return lines


def _note_line(lines: dict[KeyPath, int], above: KeyPath, key: yaml.Node, name: str) -> None:
    line = key.start_mark.line + 1
    if not isinstance(key, yaml.ScalarNode) or key.tag != "tag:yaml.org,2002:str":
        raise UsageError(f"{name}:{line}: a key must be a name")
    path = (*above, str(key.value))
    if path in lines:
        raise UsageError(f"{name}:{line}: {key.value!a} is given twice, first on line {lines[path]}")
    lines[path] = line


def _yaml_place(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    return f":{mark.line + 1}" if mark is not None else ""


def _yaml_problem(error: yaml.YAMLError) -> str:
    problem = getattr(error, "problem", None) or getattr(error, "reason", None)
    return str(problem or "it holds characters that YAML does not allow")


def _toml_lines(text: str) -> dict[KeyPath, int]:
    # tomllib keeps no lines. What this misses is named without a line.
    lines: dict[KeyPath, int] = {}
    table: KeyPath | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            table = (header[1],) if header[1] else ()
            lines.setdefault(table, number)
        elif line.lstrip().startswith("["):
            table = None
        elif table is not None and (key := _KEY.match(line)):
            lines.setdefault((*table, key[1] or key[2] or key[3]), number)
    return lines
