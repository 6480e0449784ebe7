"""Pre-commit configuration: which hooks of which repositories."""

from __future__ import annotations

from collections.abc import Iterator

from codex_audit.facts.model import Hook, HooksFacts
from codex_audit.facts.source import text_of
from codex_audit.facts.yaml_events import yaml_scalars


def read_hooks(data: bytes, path: str) -> HooksFacts:
    """The hooks of ``.pre-commit-config.yaml``. Raises ReadError for what is not YAML."""
    return HooksFacts(tuple(_hooks(text_of(data))))


def _hooks(text: str) -> Iterator[Hook]:
    repositories: dict[object, str] = {}
    for scalar in yaml_scalars(text):
        match scalar.path:
            case ("repos", index, "repo"):
                repositories[index] = scalar.value
            case ("repos", index, "hooks", _, "id"):
                yield Hook(repositories.get(index, ""), scalar.value, scalar.line)
            case _:
                pass
