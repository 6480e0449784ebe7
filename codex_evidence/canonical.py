"""The bytes that are hashed and signed: RFC 8785 canonical JSON."""

from __future__ import annotations

from typing import Any

import rfc8785

from codex_evidence.errors import CanonicalError


def canonical_bytes(value: Any) -> bytes:
    """The RFC 8785 bytes of JSON-able ``value``: no white space, keys in UTF-16 order, shortest floats.

    Raises CanonicalError for NaN, infinities, integers beyond +-(2**53 - 1), lone surrogates, keys that are
    not strings, nesting beyond the interpreter's limit and types that JSON lacks.
    """
    try:
        return rfc8785.dumps(value)
    except UnicodeEncodeError as error:  # the library lets this one through when the surrogate is in a key
        raise CanonicalError(f"no canonical JSON: a key holds a lone surrogate ({error.reason})") from error
    except rfc8785.CanonicalizationError as error:
        raise CanonicalError(f"no canonical JSON: {error}") from error
    except RecursionError as error:
        raise CanonicalError("no canonical JSON: the value is nested too deeply") from error
