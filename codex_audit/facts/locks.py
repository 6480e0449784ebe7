"""Lock files: every package that an install would get, with its one version."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from codex_audit.facts.json_file import json_scalars
from codex_audit.facts.model import Requirement, RequirementsFacts
from codex_audit.facts.scalars import Scalar
from codex_audit.facts.source import text_of
from codex_audit.facts.toml import toml_scalars
from codex_audit.facts.yaml_events import yaml_scalars

# Name of the file: how it parses, and the table that lists its packages.
LOCKS: dict[str, tuple[Callable[[str], Iterable[Scalar]], str]] = {
    "uv.lock": (toml_scalars, "package"),
    "poetry.lock": (toml_scalars, "package"),
    "pdm.lock": (toml_scalars, "package"),
    "pylock.toml": (toml_scalars, "packages"),
    "conda-lock.yml": (yaml_scalars, "package"),
    "conda-lock.yaml": (yaml_scalars, "package"),
    "pixi.lock": (yaml_scalars, "packages"),
    "Pipfile.lock": (json_scalars, "default"),
}


def read_lock(data: bytes, path: str) -> RequirementsFacts:
    """The locked packages. Raises ReadError for a file that does not parse."""
    name = path.rpartition("/")[2]
    parse, table = LOCKS[name]
    scalars = parse(text_of(data))
    found = tuple(_pipfile(scalars) if name == "Pipfile.lock" else _tables(scalars, table))
    return RequirementsFacts(name, True, found)


def _tables(scalars: Iterable[Scalar], table: str) -> Iterator[Requirement]:
    from packaging.utils import canonicalize_name

    names: dict[object, tuple[str, int]] = {}
    for item in scalars:
        match item.path:
            case (found, index, "name") if found == table:
                names[index] = (canonicalize_name(item.value), item.line)
            case (found, index, "version") if found == table and index in names:
                name, line = names[index]
                yield Requirement(name, f"=={item.value}", item.value, "", line)
            case _:
                pass


def _pipfile(scalars: Iterable[Scalar]) -> Iterator[Requirement]:
    from packaging.utils import canonicalize_name

    for item in scalars:
        match item.path:
            case ("default" | "develop" as table, str(name), "version"):
                group = "" if table == "default" else "dev"
                yield Requirement(
                    canonicalize_name(name), item.value, item.value.removeprefix("=="), group, item.line
                )
            case _:
                pass
