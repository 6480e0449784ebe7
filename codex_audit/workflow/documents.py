"""Settings as written: plain values, and the line on which each key stands."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import yaml

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


def yaml_document(data: bytes, name: str) -> Document:
    """The settings of a workflow file. Raises UsageError when it is not YAML or not a mapping of names."""
    try:
        loader = yaml.SafeLoader(data)
        node = loader.get_single_node()
        if node is None:
            return Document(name, {}, lambda path: 0)
        if not isinstance(node, yaml.MappingNode):
            line = node.start_mark.line + 1
            raise UsageError(f"{name}:{line}: must be a mapping of settings, such as 'threshold: 0.7'")
        for mapping in _mappings(node):
            _check_keys(mapping, name)
        values = loader.construct_document(node)
    except yaml.YAMLError as error:
        raise UsageError(f"{name}{_yaml_place(error)}: not YAML: {_yaml_problem(error)}") from error
    except (RecursionError, ValueError, OverflowError) as error:
        raise UsageError(f"{name}: not YAML that can be read: {error}") from error
    return Document(name, values, lambda path: _yaml_line(node, path))


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


def _mappings(node: yaml.Node) -> Iterator[yaml.MappingNode]:
    """Every mapping below and including ``node`` once, however often aliases repeat it."""
    waiting, seen = [node], set()
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, yaml.MappingNode):
            yield one
            waiting += [value for _, value in one.value]
        elif isinstance(one, yaml.SequenceNode):
            waiting += one.value


def _check_keys(mapping: yaml.MappingNode, name: str) -> None:
    """Refuses keys that are no names and keys that are given twice, of which the parser would keep the last."""
    first: dict[str, int] = {}
    for key, _ in mapping.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode) or key.tag != "tag:yaml.org,2002:str":
            raise UsageError(f"{name}:{line}: a key must be a name")
        if key.value in first:
            raise UsageError(f"{name}:{line}: {key.value!a} is given twice, first on line {first[key.value]}")
        first[key.value] = line


def _yaml_line(node: yaml.Node, path: KeyPath) -> int:
    line = 0
    for part in path:
        if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
            continue
        pairs = node.value if isinstance(node, yaml.MappingNode) else ()
        found = next(((key, value) for key, value in pairs if key.value == part), None)
        if found is None:
            return 0
        line, node = found[0].start_mark.line + 1, found[1]
    return line


def _yaml_place(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    return f":{mark.line + 1}" if mark is not None else ""


def _yaml_problem(error: yaml.YAMLError) -> str:
    problem = getattr(error, "problem", None) or getattr(error, "reason", None)
    return str(problem or "it holds characters that YAML does not allow")


def _toml_lines(text: str, name: str) -> dict[tuple[str | int, ...], int]:
    """The lines of the keys of TABLE, by their path within it."""
    from codex_audit.facts.toml import key_lines  # loads the model of all facts, which few workflows need

    above = tuple(TABLE.split("."))
    try:
        lines = key_lines(text)
    except ReadError as error:
        raise UsageError(f"{name}:{error.line}: {error.reason}") from error
    return {path[len(above) :]: line for path, line in lines.items() if path[: len(above)] == above}
