"""Frozen types to JSON-able values and back."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from codex_evidence.errors import ConversionError

T = TypeVar("T")

_CONTAINERS = (dict, list, tuple)


def to_plain(value: Any) -> Any:
    """``value`` as dicts, lists and scalars that share nothing with it.

    Dataclasses become objects with all their fields, tuples and named tuples arrays, sets sorted arrays;
    integer keys become strings. Raises ConversionError for what has no plain form, such as a function.
    """
    try:
        return _listed(msgspec.to_builtins(value, str_keys=True, order="deterministic"))
    except (TypeError, ValueError, RecursionError) as error:
        raise ConversionError(f"a {type(value).__name__} has no plain form: {error}") from error


def from_plain(cls: type[T], value: Any, *, source: str = "") -> T:
    """``value`` read as ``cls`` without any coercion, the inverse of ``to_plain``.

    Raises ConversionError for a wrong type, a missing field or a field that ``cls`` does not have.
    """
    try:
        result = msgspec.convert(value, cls, strict=True, str_keys=True)
    except (msgspec.ValidationError, RecursionError) as error:
        raise ConversionError(f"{source or cls.__name__}: {error}") from error
    # The converter drops unknown fields of dataclasses silently. Written back, they are what is missing.
    kept = to_plain(result)
    if kept != value and (unknown := _missing(value, kept, "")):
        raise ConversionError(f"{source or cls.__name__}: unknown field {unknown}")
    return result


def _listed(value: Any) -> Any:
    """``value`` with lists for the tuples that the encoder keeps: JSON Schema knows only lists as arrays."""
    if isinstance(value, dict):
        return {key: _listed(item) if isinstance(item, _CONTAINERS) else item for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_listed(item) if isinstance(item, _CONTAINERS) else item for item in value]
    return value


def _missing(value: Any, kept: Any, place: str) -> str:
    """The place of the first key of ``value`` that ``kept`` lacks, empty if there is none."""
    if isinstance(value, dict) and isinstance(kept, dict):
        for key, item in value.items():
            where = f"{place}.{key}" if place else str(key)
            if str(key) not in kept:
                return where
            if found := _missing(item, kept[str(key)], where):
                return found
    elif isinstance(value, list) and isinstance(kept, list):
        for index, (item, other) in enumerate(zip(value, kept, strict=False)):
            if found := _missing(item, other, f"{place}[{index}]"):
                return found
    return ""
