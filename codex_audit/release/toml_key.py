"""One value of a TOML file, named as ``FILE:table.key``."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from codex_evidence.errors import UsageError

_MOST_BYTES = 1 << 24


def toml_document(path: Path) -> dict[str, Any]:
    """The file ``path``, empty where there is none. Raises UsageError when it is not TOML."""
    from codex_evidence.files import read_bytes

    if not path.is_file():
        return {}
    try:
        return tomllib.loads(read_bytes(path, max_bytes=_MOST_BYTES).decode("utf-8"))
    except ValueError as error:
        raise UsageError(f"{path.name} is not TOML: {error}") from error


def toml_value(root: Path, place: str) -> Any:
    """The value at ``place`` in the folder ``root``, None where it is not. Raises UsageError."""
    name, _, keys = place.partition(":")
    value: Any = toml_document(root / name)
    for key in keys.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value
