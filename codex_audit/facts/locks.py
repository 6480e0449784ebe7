"""Lock files: every package that an install would get, with its one version.

They are parsed as a whole and not flattened, because most of a lock file are digests that no question asks
for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from codex_audit.facts.json_file import json_scalars
from codex_audit.facts.model import Requirement, RequirementsFacts
from codex_audit.facts.scalars import Scalar
from codex_audit.facts.source import cut, numbered, text_of
from codex_audit.facts.toml import parse_toml
from codex_audit.facts.yaml_events import yaml_scalars

_TOML_LOCKS = {"uv.lock": "package", "poetry.lock": "package", "pdm.lock": "package"}
_YAML_LOCKS = {"conda-lock.yml": "package", "conda-lock.yaml": "package", "pixi.lock": "packages"}
_PYLOCK = re.compile(r"pylock(?:\.[^.]+)?\.toml")
# Where each tool writes the Python versions that the lock is for.
_PYTHON_KEYS = (("requires-python",), ("metadata", "python-versions"), ("metadata", "requires_python"))
_LOCAL_SOURCES = frozenset({"editable", "virtual", "directory"})


def is_lock(path: str) -> bool:
    """Whether the file at ``path`` is a lock file that ``read_lock`` reads."""
    name = path.rpartition("/")[2]
    return (
        name in _TOML_LOCKS or name in _YAML_LOCKS or name == "Pipfile.lock" or bool(_PYLOCK.fullmatch(name))
    )


def read_lock(data: bytes, path: str) -> RequirementsFacts:
    """The locked packages. Raises ReadError for a file that does not parse."""
    name, text = path.rpartition("/")[2], text_of(data)
    if name == "Pipfile.lock":
        return RequirementsFacts(name, True, tuple(_pipfile(text)))
    if name in _YAML_LOCKS:
        return RequirementsFacts(name, True, tuple(_yaml_packages(text, _YAML_LOCKS[name])))
    document = parse_toml(text)
    packages = tuple(_toml_packages(document, text, _TOML_LOCKS.get(name, "packages")))
    return RequirementsFacts(name, True, packages, *_python(document, text))


def _requirement(name: str, version: str, group: str, line: int) -> Requirement:
    from packaging.utils import canonicalize_name

    return Requirement(canonicalize_name(name), f"=={version}", version, group, line)


def _toml_packages(document: dict[str, Any], text: str, table: str) -> Iterator[Requirement]:
    """Each ``[[package]]`` at its first key. The project itself, listed as a local source, is no
    dependency."""
    headers = [number for number, line in numbered(text) if line.strip() == f"[[{table}]]"]
    packages = document.get(table)
    tables = [item for item in packages if isinstance(item, dict)] if isinstance(packages, list) else []
    for index, package in enumerate(tables):
        name, version, source = (package.get(key) for key in ("name", "version", "source"))
        local = isinstance(source, dict) and bool(_LOCAL_SOURCES & source.keys())
        if isinstance(name, str) and isinstance(version, str) and not local:
            yield _requirement(name, version, "", headers[index] + 1 if len(headers) == len(tables) else 1)


def _python(document: dict[str, Any], text: str) -> tuple[str, int]:
    for keys in _PYTHON_KEYS:
        value: Any = document
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        if isinstance(value, str):
            found = (number for number, line in numbered(text) if line.lstrip().startswith(keys[-1]))
            return cut(value), next(found, 1)
    return "", 0


def _yaml_packages(text: str, table: str) -> Iterator[Requirement]:
    names: dict[object, Scalar] = {}
    for item in yaml_scalars(text):
        match item.path:
            case (found, index, "name") if found == table:
                names[index] = item
            case (found, index, "version") if found == table and index in names:
                yield _requirement(names[index].value, item.value, "", names[index].line)
            case _:
                pass


def _pipfile(text: str) -> Iterator[Requirement]:
    for item in json_scalars(text):
        match item.path:
            case ("default" | "develop" as table, str(name), "version"):
                version = item.value.removeprefix("==")
                yield _requirement(name, version, "" if table == "default" else "dev", item.line)
            case _:
                pass
