"""Settings written as YAML. Apart from others, because most trees have none, and to load YAML takes a commit 20 ms."""

from __future__ import annotations

from collections.abc import Iterator

import yaml

from codex_audit.workflow.documents import Document, KeyPath
from codex_evidence.errors import UsageError


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
