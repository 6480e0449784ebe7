"""YAML files as written values with their lines.

Duplicate keys, tags, anchors and more than one document are refused: each gives a file a second meaning.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml

from codex_evidence.errors import UsageError
from codex_evidence.files import read_bytes
from codex_evidence.names import shown
from codex_train.config.written import Items, Key, Pairs, Scalar, Written, refuse

_MAX_BYTES = 2**20
_MAX_DEPTH = 50


def read_document(path: Path) -> Pairs:
    """The settings written in the YAML file ``path``, which may be reached through a symlink.

    Raises UnreadableError, and UsageError for what is no plain YAML mapping.
    """
    return document(read_bytes(path.resolve(), max_bytes=_MAX_BYTES), shown(path))


def document(data: bytes, name: str) -> Pairs:
    """The settings in YAML ``data``, which messages call ``name``. Raises UsageError."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{name}: not UTF-8 at byte {error.start}; save it as UTF-8") from error
    try:
        _refuse_repeats(text, name)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise UsageError(f"{name}{_line_of(error)}: not YAML: {_problem(error)}") from error
    if node is None:
        return Pairs((), name)
    value = _written(node, name)
    if not isinstance(value, Pairs):
        refuse(value.place, "must hold settings by name, such as 'run: {steps: 100}'")
    return value


def _refuse_repeats(text: str, name: str) -> None:
    """Before anything recurses, refuses aliases, which make a small file huge, and nesting that no setting needs."""
    depth = line = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else line
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            refuse(
                f"{name}:{line}",
                "anchors and aliases are not read; write ${section.key} to repeat another setting",
            )
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _MAX_DEPTH:
            refuse(f"{name}:{line}", f"nested more than {_MAX_DEPTH} levels deep")


def _written(node: yaml.Node, name: str) -> Written:
    place = f"{name}:{node.start_mark.line + 1}"
    if node.tag not in _TAGS:
        refuse(
            place, f"the tag {node.tag} is not read; settings are plain texts, numbers, lists and mappings"
        )
    if isinstance(node, yaml.MappingNode):
        return Pairs(tuple(_entries(node, name)), place)
    if isinstance(node, yaml.SequenceNode):
        return Items(tuple(_written(item, name) for item in node.value), place)
    # Block texts (| and >) count as quoted too.
    return Scalar(node.value, isinstance(node, yaml.ScalarNode) and node.style is not None, place)


def _entries(node: yaml.MappingNode, name: str) -> Iterator[tuple[Key, Written]]:
    first: dict[str, int] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            refuse(f"{name}:{line}", "a key must be a name")
        if key.value in first:
            refuse(f"{name}:{line}", f"{key.value!r} is given twice, first on line {first[key.value]}")
        first[key.value] = line
        yield Key(key.value, f"{name}:{line}"), _written(value, name)


_CORE = "str int float bool null seq map timestamp merge value".split()
_TAGS = frozenset(f"tag:yaml.org,2002:{kind}" for kind in _CORE)


def _line_of(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    return f":{mark.line + 1}" if mark is not None else ""


def _problem(error: yaml.YAMLError) -> str:
    problem = getattr(error, "problem", None) or getattr(error, "reason", None)
    return str(problem or "it holds characters that YAML does not allow")
