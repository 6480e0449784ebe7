"""Written values read as the type of their setting, without guesses. What holds ``${...}`` waits for OmegaConf."""

from __future__ import annotations

import dataclasses
import difflib
import math
import re
import typing
from collections.abc import Callable, Mapping
from enum import Enum
from types import MappingProxyType
from typing import Any

from codex_evidence.strict_json import MAX_INTEGER
from codex_train.config.fields import sections, unknown
from codex_train.config.nouns import Config
from codex_train.config.written import Items, Pairs, Scalar, Written, as_written, refuse

Plain = dict[str, Any]
Places = dict[str, str]

OPTION_NAME = r"^[A-Za-z_][A-Za-z0-9_.-]*$"

_NULLS = frozenset(("", "~", "null", "Null", "NULL"))
_TRUE = frozenset(("true", "yes", "on"))
_FALSE = frozenset(("false", "no", "off"))
_INTEGER = re.compile(r"[+-]?[0-9](?:_?[0-9])*")
_FLOAT = re.compile(r"[+-]?(?:[0-9](?:_?[0-9])*\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_WORDS = re.compile(r"[+-]?\.?(?:inf|nan|infinity)", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\ud800-\udfff]")


def read_settings(written: Pairs, places: Places) -> Plain:
    """The settings as plain values by section, for OmegaConf to merge; ``places`` learns where each one stands.

    Raises UsageError that names the place, the setting, what it must be, and the nearest name for an unknown one.
    """
    return _section(written, Config, "", places)


def _section(written: Pairs, cls: type, prefix: str, places: Places) -> Plain:
    types, found = sections(cls), {}
    for key, value in written.entries:
        name = prefix + key.name
        if key.name not in types:
            refuse(key.place, unknown(name))
        hint = types[key.name]
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            found[key.name] = _section(_pairs(value, name, hint), hint, f"{name}.", places)
        else:
            places[name] = value.place
            found[key.name] = read_value(value, hint, name)
    return found


def _pairs(value: Written, name: str, cls: type) -> Pairs:
    if isinstance(value, Scalar) and not value.quoted and value.text in _NULLS:
        return Pairs((), value.place)  # a section whose every line is commented out
    if not isinstance(value, Pairs):
        example = f"{name}.{next(iter(sections(cls)))}"
        refuse(
            value.place,
            f"{name} is a section with settings of its own, such as {example}, not {as_written(value)}",
        )
    return value


def read_value(value: Written, hint: Any, name: str) -> Any:
    """``value`` as the setting ``name`` of type ``hint``. Raises UsageError."""
    if isinstance(value, Scalar) and "${" in value.text:
        _checked_text(value, name)
        return value.text
    if hint is Any:
        return _anything(value, name)
    if typing.get_origin(hint) is list:
        return _list(value, typing.get_args(hint)[0], name)
    if typing.get_origin(hint) is dict:
        return _options(value, name)
    if not isinstance(value, Scalar):
        _not(value, name, _WHAT.get(hint, "one of its names"))
    if issubclass(hint, Enum):
        return _choice(value, hint, name)
    return _READERS[hint](value, name)


def _not(value: Written, name: str, what: str, hint: str = "") -> typing.NoReturn:
    refuse(value.place, f"{name} must be {what}, not {as_written(value)}{hint}")


def _text(value: Scalar, name: str) -> str:
    if not value.quoted and value.text in _NULLS:
        _not(value, name, "a text", "; leave it out for the default, or write '' for an empty one")
    return _checked_text(value, name)


def _checked_text(value: Scalar, name: str) -> str:
    if found := _CONTROL.search(value.text):
        refuse(value.place, f"{name} holds the character {found[0]!a}, which no setting may hold")
    if value.text == "???":
        refuse(value.place, f"{name} is '???', a placeholder; give it a value")
    return value.text


def _bool(value: Scalar, name: str) -> bool:
    word = value.text.lower()
    if value.quoted or word not in _TRUE | _FALSE:
        _not(value, name, "true or false")
    return word in _TRUE


def _int(value: Scalar, name: str) -> int:
    number = _number(value)
    if number is None or not number.is_integer():
        _not(value, name, "a whole number")
    if abs(number) > MAX_INTEGER:
        _not(value, name, f"a whole number that a double holds, so at most {MAX_INTEGER}")
    if not _INTEGER.fullmatch(value.text):
        _not(value, name, "a whole number", f"; write {int(number)}")
    return int(value.text)


def _float(value: Scalar, name: str) -> float:
    number = _number(value)
    if number is None or not math.isfinite(number):
        _not(value, name, "a finite number" if _WORDS.fullmatch(value.text) or number else "a number")
    return number


def _number(value: Scalar) -> float | None:
    if value.quoted or not _FLOAT.fullmatch(value.text):
        return None
    return float(value.text)


def _choice(value: Scalar, kind: type[Enum], name: str) -> str:
    names = [str(one.value) for one in kind]
    if value.text not in names:
        meant = difflib.get_close_matches(value.text, names, n=1, cutoff=0.4)
        _not(value, name, f"one of {', '.join(names)}", f"; did you mean {meant[0]!r}?" if meant else "")
    return value.text


def _list(value: Written, kind: Any, name: str) -> list[Any]:
    if not isinstance(value, Items):
        inside = as_written(value) if not isinstance(value, Scalar) or value.quoted else value.text
        _not(value, name, "a list", f"; write [{inside}]" if isinstance(value, Scalar) and value.text else "")
    return [read_value(item, kind, f"{name}[{index}]") for index, item in enumerate(value.values)]


def _options(value: Written, name: str) -> Plain:
    if isinstance(value, Scalar) and not value.quoted and value.text in _NULLS:
        return {}
    if not isinstance(value, Pairs):
        _not(value, name, "a mapping of names to values, such as {hidden_size: 256}")
    for key, _ in value.entries:
        if not re.fullmatch(OPTION_NAME, key.name):
            refuse(key.place, f"{name} has the key {key.name!a}; use letters, digits, '_', '-' and '.'")
    return {key.name: read_value(item, Any, f"{name}.{key.name}") for key, item in value.entries}


def _anything(value: Written, name: str) -> Any:
    """The value as YAML 1.2 (core schema) would read it."""
    if isinstance(value, Items):
        return _list(value, Any, name)
    if isinstance(value, Pairs):
        return _options(value, name)
    word = value.text.lower()
    if value.quoted:
        return _checked_text(value, name)
    if value.text in _NULLS:
        return None
    if word in ("true", "false"):
        return word == "true"
    if _INTEGER.fullmatch(value.text):
        return _int(value, name)
    if _FLOAT.fullmatch(value.text) or _WORDS.fullmatch(value.text):
        return _float(value, name)
    return _checked_text(value, name)


_WHAT = {str: "a text", bool: "true or false", int: "a whole number", float: "a number"}
_READERS: Mapping[type, Callable[[Scalar, str], Any]] = MappingProxyType(
    {str: _text, bool: _bool, int: _int, float: _float}
)
