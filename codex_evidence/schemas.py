"""JSON Schema (2020-12) of what the programs write, enforced on whatever is read back."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from codex_evidence.errors import ResourceError, SchemaError
from codex_evidence.resources import schema_folder

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

_SUFFIX = ".schema.json"
_GRAMMAR = "rfc3987_syntax"
_LONGEST_MESSAGE = 300


def schema_names() -> tuple[str, ...]:
    """The names that ``schema_for`` knows, sorted."""
    return tuple(sorted(path.name.removesuffix(_SUFFIX) for path in schema_folder().glob("*" + _SUFFIX)))


def schema_for(name: str) -> dict[str, Any]:
    """The schema called ``name`` (``context_index``), parsed. Raises ResourceError when there is none."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or name not in schema_names():
        raise ResourceError(f"no schema called {name!a}; there are {', '.join(schema_names())}")
    schema: dict[str, Any] = json.loads((schema_folder() / (name + _SUFFIX)).read_bytes())
    return schema


def validate(value: Any, schema_name: str, *, source: str = "") -> None:
    """Raises SchemaError with the JSON Pointer (RFC 6901) of the place, the rule and what it wanted.

    ``value`` is parsed JSON; ``source`` names the document in the message.
    """
    # Imported here because a run, which writes from frozen types, must not pay for it.
    with _without_grammar():
        from jsonschema.exceptions import best_match

    error = best_match(_validator(schema_name).iter_errors(value))
    if error is not None:
        place = _pointer(error.absolute_path) or "the whole"
        rule = f"rule {error.validator!r} of schema {schema_name}"
        message = error.message[:_LONGEST_MESSAGE]
        raise SchemaError(f"{source or 'document'}: {place} breaks {rule}: {message}")


@cache
def _validator(name: str) -> Draft202012Validator:
    with _without_grammar():
        from jsonschema import Draft202012Validator

    return Draft202012Validator(schema_for(name))


@contextmanager
def _without_grammar() -> Iterator[None]:
    """jsonschema imports, where it is installed, a package that compiles the grammar of IRIs for two seconds; no schema
    here asks for the format of one. Meanwhile its import fails, which jsonschema takes for its absence."""
    if _GRAMMAR in sys.modules:
        yield
        return
    sys.modules[_GRAMMAR] = None  # type: ignore[assignment]  # documented: its import is refused
    try:
        yield
    finally:
        del sys.modules[_GRAMMAR]


def _pointer(path: Iterable[str | int]) -> str:
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)
