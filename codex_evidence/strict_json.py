"""Reading JSON without second meanings: RFC 8259 text within the limits of I-JSON (RFC 7493)."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from typing import Any, NoReturn

from codex_evidence.errors import (
    DuplicateKeyError,
    JsonDepthError,
    JsonEncodingError,
    JsonNumberError,
    JsonSizeError,
    JsonSyntaxError,
    StrictJsonError,
)

MAX_BYTES = 64 * 2**20
MAX_DEPTH = 100
MAX_INTEGER = 2**53 - 1

_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
_OPENING = b"[{"


def loads(data: bytes, *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH, source: str = "") -> Any:
    """The value of JSON ``data``: dicts, lists, strings, ints, finite floats, bools and None.

    ``max_depth`` counts nested arrays and objects; ``source`` names the document in messages. Raises a
    StrictJsonError: JsonSizeError, JsonEncodingError (not UTF-8, byte order mark, lone surrogate),
    JsonDepthError, DuplicateKeyError, JsonNumberError (NaN, infinities, integers beyond +-(2**53 - 1)),
    JsonSyntaxError (everything else, data after the value included).
    """
    try:
        return _loads(data, max_bytes, max_depth)
    except StrictJsonError as error:
        raise type(error)(f"{source or 'JSON document'}: {error}") from error.__cause__


def _loads(data: bytes, max_bytes: int, max_depth: int) -> Any:
    if len(data) > max_bytes:
        raise JsonSizeError(f"{len(data)} bytes, more than the {max_bytes} accepted")
    text = _decode(data)
    _check_depth(data, max_depth)
    try:
        value = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_int=_integer,
            parse_float=_finite,
            parse_constant=_refuse_constant,
        )
    except json.JSONDecodeError as error:
        raise JsonSyntaxError(f"line {error.lineno}, column {error.colno}: {error.msg}") from error
    except RecursionError as error:  # a caller's max_depth beyond what the interpreter has left
        raise JsonDepthError("nested more deeply than this interpreter can follow") from error
    if _SURROGATE_ESCAPE.search(text):
        _check_surrogates(value)
    return value


def _decode(data: bytes) -> str:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise JsonEncodingError(f"not UTF-8 at byte {error.start}") from error
    if text.startswith("\ufeff"):
        raise JsonEncodingError("starts with a byte order mark; save it without one")
    return text


def _check_depth(data: bytes, max_depth: int) -> None:
    """Counts brackets outside strings before the recursive parser sees them.

    Cutting at quotes is exact up to the first syntax error, and the parser does not go beyond that.
    """
    if data.count(b"[") + data.count(b"{") <= max_depth:
        return
    outside = data.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')[::2]
    depth = 0
    for bracket in b"".join(outside).translate(None, _NOT_BRACKETS):
        depth += 1 if bracket in _OPENING else -1
        if depth > max_depth:
            raise JsonDepthError(f"nested more than {max_depth} levels deep")


def _check_surrogates(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        raise JsonEncodingError("a string escape stands for half of a surrogate pair") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise DuplicateKeyError(f"the key {twice[:80]!a} stands twice in one object")
    return found


def _integer(text: str) -> int:
    # The length first: int() of many digits is quadratic, and refused by CPython with a bare ValueError.
    if len(text) > len(str(-MAX_INTEGER)) or abs(int(text)) > MAX_INTEGER:
        raise JsonNumberError(f"the integer {text[:40]} is beyond 2**53 - 1; write it as a string")
    return int(text)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise JsonNumberError(f"the number {text[:40]} is too large for a double")
    return number


def _refuse_constant(text: str) -> NoReturn:
    raise JsonNumberError(f"{text} is not a JSON number")
