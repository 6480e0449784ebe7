"""The bytes that are hashed and signed: RFC 8785 canonical JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
import rfc8785

from codex_evidence.errors import CanonicalError

_MOST = 2**53 - 1


def canonical_bytes(value: Any) -> bytes:
    """The RFC 8785 bytes of JSON-able ``value``: no white space, keys in UTF-16 order, shortest floats.

    Raises CanonicalError for NaN, infinities, integers beyond +-(2**53 - 1), lone surrogates, keys that are
    not strings, nesting beyond the interpreter's limit and types that JSON lacks.
    """
    try:
        return msgspec.json.encode(value, order="sorted") if _is_plain(value) else rfc8785.dumps(value)
    except UnicodeEncodeError as error:  # the library lets this one through when the surrogate is in a key
        raise CanonicalError(f"no canonical JSON: a key holds a lone surrogate ({error.reason})") from error
    except rfc8785.CanonicalizationError as error:
        raise CanonicalError(f"no canonical JSON: {error}") from error
    except RecursionError as error:
        raise CanonicalError("no canonical JSON: the value is nested too deeply") from error


def _is_plain(value: Any) -> bool:
    """Whether a sorting encoder written in C gives the same bytes as RFC 8785, ten times as fast: no float, no integer
    beyond the exact ones, and only ASCII keys, which are in one order as UTF-8 and as UTF-16."""
    kind = type(value)
    if kind is dict:
        return all(map(_is_ascii, value)) and _are_plain(value.values())
    if kind is list:
        return _are_plain(value)
    return kind is str or kind is bool or value is None or (kind is int and -_MOST <= value <= _MOST)


def _are_plain(values: Iterable[Any]) -> bool:
    return all(type(value) is str or _is_plain(value) for value in values)


def _is_ascii(key: object) -> bool:
    return type(key) is str and key.isascii()
