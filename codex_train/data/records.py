"""Lines of JSON to the texts that are trained on."""

from __future__ import annotations

import difflib
import json
from typing import Any, NoReturn

from codex_train.data.text import BadTextError

LONGEST_LINE = 64 * 2**20
"""Bytes of a record that are read: what is longer is refused unread."""

Wanted = tuple[str, ...]
"""The keys whose texts are wanted: that of a document, or those of prompt and answer."""


def read_record(line: str, wanted: Wanted) -> list[str]:
    """The texts under the ``wanted`` keys of the object that ``line`` holds; other keys may hold any JSON.

    Stricter than ``json``: a key that stands twice, NaN, half a surrogate pair and an escaped NUL are refused. Laxer
    than I-JSON in one thing: an integer of any size, as ids of 64 bits are common beside a text. Raises BadTextError.
    """
    record = _parse(line)
    if not isinstance(record, dict):
        raise BadTextError(f"no JSON object but a {_kind(record)}")
    return [_text(record, key) for key in wanted]


def _parse(line: str) -> Any:
    try:
        return json.loads(line.rstrip(), object_pairs_hook=_unique, parse_constant=_refuse, parse_int=float)
    except json.JSONDecodeError as error:
        raise BadTextError(f"no JSON at column {error.colno}: {error.msg}") from error
    except RecursionError as error:
        raise BadTextError("JSON that is nested too deeply") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise BadTextError("a key stands twice in one object")
    return found


def _refuse(text: str) -> NoReturn:
    raise BadTextError(f"{text} is no JSON")


def _text(record: dict[str, Any], key: str) -> str:
    if key not in record:
        near = difflib.get_close_matches(key, record, n=1, cutoff=0.0)
        raise BadTextError(f"no key {key!a}" + (f"; the nearest is {near[0][:80]!a}" if near else ""))
    value = record[key]
    if not isinstance(value, str):
        raise BadTextError(f"{key!a} holds no text but a {_kind(value)}")
    if "\0" in value:
        raise BadTextError(f"{key!a} holds a NUL; remove it")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise BadTextError(f"{key!a} holds half of a surrogate pair") from error
    return value


def _kind(value: Any) -> str:
    names = {dict: "object", list: "array", str: "text", float: "number", bool: "boolean", int: "number"}
    return names.get(type(value), "null")
