"""``key=value`` on the command line, in Hydra's grammar of overrides (hydra.cc, Extended Override syntax).

A value is a text, a number, a ``'quoted text'``, a ``[list,of,values]`` or a ``{mapping:of,values:too}``; a backslash
takes the meaning from the character after it. Commas outside of brackets, and functions, make a sweep.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from codex_evidence.errors import UsageError
from codex_train.config.written import Items, Key, Pairs, Scalar, Written, refuse

_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*")
_CALL = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\(")
_NAMED = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\s*=")
_ESCAPABLE = "\\()[]{}:=, \t'\""
_MAX_DEPTH = 50
_MOST_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Element:
    """One value and the characters that it was read from."""

    value: Written
    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function of the sweep grammar, not yet carried out."""

    name: str
    arguments: tuple[Element | Call, ...]
    named: tuple[tuple[str, Element | Call], ...]
    text: str


@dataclass(frozen=True, slots=True)
class Override:
    """``elements`` are the values of a sweep, or the one value."""

    key: str
    elements: tuple[Element | Call, ...]
    place: str


def parse_override(text: str) -> Override:
    """``text`` as ``key=value``. Raises UsageError that shows it and says what does not fit."""
    place = f"override {text if len(text) <= _MOST_SHOWN else text[: _MOST_SHOWN - 3] + '...'}"
    key, equals, value = text.partition("=")
    key = key.strip()
    if not equals:
        refuse(place, "write key=value, such as run.steps=100")
    if key[:1] in ("+", "~"):
        refuse(
            place, f"{key[0]!r} is not needed: every setting has a default, and model.options takes any name"
        )
    if not _KEY.fullmatch(key):
        refuse(place, f"{key!r} is no key; write section.name=value, such as run.steps=100")
    if not value.strip():
        return Override(key, (Element(Scalar("", True, place), ""),), place)
    return Override(key, tuple(_Reader(value, place).elements()), place)


def single(override: Override) -> Written:
    """The one value. Raises UsageError for a sweep."""
    first = override.elements[0]
    if isinstance(first, Call):
        refuse(
            override.place,
            f"{first.name}() makes a sweep; use `codex-train sweep`, or put the value in quotes",
        )
    if len(override.elements) > 1:
        values = ",".join(element.text for element in override.elements)
        refuse(
            override.place,
            f"{len(override.elements)} values are a sweep; use `codex-train sweep`, or for one list "
            f"{override.key}=[{values}]",
        )
    return first.value


def nested(override: Override) -> Pairs:
    """The single value below its key, as a file would have it."""
    value: Written = single(override)
    for part in reversed(override.key.split(".")[1:]):
        value = Pairs(((Key(part, override.place), value),), override.place)
    return Pairs(((Key(override.key.split(".")[0], override.place), value),), override.place)


@dataclass(slots=True)
class _Reader:
    """A reader by recursive descent: each method reads what it is named after, beginning at ``at``."""

    text: str
    place: str
    at: int = 0
    depth: int = 0

    def elements(self) -> Iterator[Element | Call]:
        yield self._element("", calls=True)
        while self.at < len(self.text):
            self._expect(",")
            yield self._element("", calls=True)

    def _element(self, end: str, *, calls: bool = False) -> Element | Call:
        self._skip()
        start = self.at
        if calls and (found := _CALL.match(self.text, self.at)):
            self.at = found.end()
            arguments, named = self._arguments()
            return Call(found[1], arguments, named, self.text[start : self.at])
        value = self._value(end)
        return Element(value, self.text[start : self.at].strip())

    def _arguments(self) -> tuple[tuple[Element | Call, ...], tuple[tuple[str, Element | Call], ...]]:
        arguments: list[Element | Call] = []
        named: list[tuple[str, Element | Call]] = []
        self._deeper()
        while not self._closed(")", bool(arguments or named)):
            if found := _NAMED.match(self.text, self.at):
                self.at = found.end()
                named.append((found[1], self._element(")", calls=True)))
            else:
                arguments.append(self._element(")", calls=True))
        return tuple(arguments), tuple(named)

    def _value(self, end: str) -> Written:
        self._skip()
        first = self.text[self.at : self.at + 1]
        if first == "[":
            return self._list()
        if first == "{":
            return self._mapping()
        value = self._quoted(first) if first in ("'", '"') else self._bare(end)
        self._skip()
        return value

    def _list(self) -> Items:
        self.at += 1
        self._deeper()
        values: list[Written] = []
        while not self._closed("]", bool(values)):
            values.append(self._value("]"))
        self._skip()
        return Items(tuple(values), self.place)

    def _mapping(self) -> Pairs:
        self.at += 1
        self._deeper()
        entries: dict[str, Written] = {}
        while not self._closed("}", bool(entries)):
            key = self._value(":}")
            if not isinstance(key, Scalar):
                raise self._wrong("a key must be a name")
            if key.text in entries:
                raise self._wrong(f"{key.text!r} is given twice")
            self._expect(":")
            entries[key.text] = self._value("}")
        self._skip()
        return Pairs(tuple((Key(name, self.place), value) for name, value in entries.items()), self.place)

    def _closed(self, bracket: str, begun: bool) -> bool:
        """Whether ``bracket`` stands here, which is then read; else the comma between two values is."""
        self._skip()
        if self.text[self.at : self.at + 1] == bracket:
            self.at += 1
            self.depth -= 1
            return True
        if self.at >= len(self.text):
            raise self._wrong(f"the closing {bracket!r} is missing")
        if begun:
            self._expect(",")
            self._skip()
        return False

    def _quoted(self, quote: str) -> Scalar:
        self.at += 1
        read: list[str] = []
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == "\\" and self.text[self.at + 1 : self.at + 2] in (quote, "\\"):
                read.append(self.text[self.at + 1])
                self.at += 2
                continue
            self.at += 1
            if char == quote:
                return Scalar("".join(read), True, self.place)
            read.append(char)
        raise self._wrong(f"the closing {quote} is missing")

    def _bare(self, end: str) -> Scalar:
        read: list[str] = []
        escaped = False
        while self.at < len(self.text) and (char := self.text[self.at]) not in f",{end}":
            if char == "\\" and (after := self.text[self.at + 1 : self.at + 2]) and after in _ESCAPABLE:
                read.append(after)
                escaped = True
                self.at += 2
            elif self.text.startswith("${", self.at):
                read.append(self._interpolation())
            elif char in "[]{}()'\"":
                raise self._wrong(
                    f"{char!r} has a meaning here; put the value in quotes, as in key='a{char}b'"
                )
            else:
                read.append(char)
                self.at += 1
        text = "".join(read) if escaped else "".join(read).strip()
        if not text:
            raise self._wrong("a value is missing")
        return Scalar(text, escaped, self.place)

    def _interpolation(self) -> str:
        start, depth = self.at, 0
        while self.at < len(self.text):
            depth += (self.text[self.at] == "{") - (self.text[self.at] == "}")
            self.at += 1
            if depth == 0 and self.text[self.at - 1] == "}":
                return self.text[start : self.at]
        raise self._wrong("the closing '}' of ${ is missing")

    def _deeper(self) -> None:
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise self._wrong(f"nested more than {_MAX_DEPTH} levels deep")

    def _skip(self) -> None:
        while self.text[self.at : self.at + 1] in (" ", "\t"):
            self.at += 1

    def _expect(self, char: str) -> None:
        self._skip()
        if self.text[self.at : self.at + 1] != char:
            found = self.text[self.at : self.at + 1]
            raise self._wrong(
                f"{char!r} is missing before {found!r}" if found else f"{char!r} is missing at the end"
            )
        self.at += 1

    def _wrong(self, problem: str) -> UsageError:
        return UsageError(f"{self.place}: {problem} (character {self.at + 1} of the value)")
