"""Artifacts as files: frozen type to canonical bytes, and back through every check there is."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from codex_evidence.canonical import canonical_bytes
from codex_evidence.errors import NotCanonicalError
from codex_evidence.files import read_bytes
from codex_evidence.names import shown
from codex_evidence.plain import from_plain, to_plain
from codex_evidence.schemas import validate
from codex_evidence.strict_json import loads

MAX_BYTES = 256 * 2**20

T = TypeVar("T")


def artifact_bytes(value: Any) -> bytes:
    """The bytes under which the frozen ``value`` is written and hashed (RFC 8785, no final newline)."""
    return canonical_bytes(to_plain(value))


def read_artifact(path: Path, schema_name: str, cls: type[T]) -> T:
    """The artifact in the file ``path``. Raises as ``parse_artifact`` does, and UnreadableError."""
    return parse_artifact(read_bytes(path, max_bytes=MAX_BYTES), schema_name, cls, source=shown(path))


def parse_artifact(data: bytes, schema_name: str, cls: type[T], *, source: str) -> T:
    """``data`` as a ``cls``: strict JSON, in canonical bytes, following its schema, of the right types.

    Raises StrictJsonError, NotCanonicalError, SchemaError or ConversionError, in that order.
    """
    value = loads(data, max_bytes=MAX_BYTES, source=source)
    if canonical_bytes(value) != data:
        raise NotCanonicalError(f"{source}: not in canonical bytes (RFC 8785), so it was edited")
    validate(value, schema_name, source=source)
    return from_plain(cls, value, source=source)
