"""INI files (``setup.cfg``, ``tox.ini``, ``.flake8``): ``configparser`` decides the values, a scan finds
their lines."""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterator
from typing import NamedTuple

from codex_audit.facts.model import SettingsFacts
from codex_audit.facts.scalars import Scalar, settings_of
from codex_audit.facts.source import ReadError, text_of_any

_SECTION = re.compile(r"\[(?P<name>.+)\]")
_OPTION = re.compile(r"(?P<name>.*?)\s*(?:[=:].*)?$")


class Entry(NamedTuple):
    """One option. ``lines`` are the lines of its value with their numbers, comments and blank lines left
    out."""

    section: str
    option: str
    value: str
    line: int
    lines: tuple[tuple[int, str], ...]


def read_ini(data: bytes, path: str) -> SettingsFacts:
    """The options of an INI file, named ``section.option``. Raises ReadError for what ``configparser``
    refuses."""
    return settings_of("ini", ini_scalars(text_of_any(data)))


def ini_scalars(text: str) -> Iterator[Scalar]:
    """The options of ``text`` as scalars in file order; a section without any is an empty table."""
    entries = ini_entries(text)
    found = [Scalar((entry.section, entry.option), entry.value, entry.line, entry.line) for entry in entries]
    filled = {entry.section for entry in entries}
    for number, line in enumerate(text.split("\n"), 1):
        header = _SECTION.match(line)
        if header and header["name"] not in filled:
            found.append(Scalar((header["name"],), "{}", number, number))
    yield from sorted(found, key=lambda item: item.line)


def ini_entries(text: str) -> list[Entry]:
    """The options of ``text`` in file order; of an option given twice the last. Raises ReadError."""
    parser = _parse(text)
    lines = text.split("\n")
    entries = []
    for (section, option), line in _option_lines(lines, parser).items():
        value = parser.get(section, option)
        text_value = "" if value is None else value.strip()
        entries.append(Entry(section, option, text_value, line, tuple(_value_lines(text_value, lines, line))))
    return sorted(entries, key=lambda entry: entry.line)


def _parse(text: str) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True, default_section="\0none")
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # the documented way to keep case
    try:
        parser.read_string(text)
    except configparser.MissingSectionHeaderError as error:
        raise ReadError("not INI: an option before any [section]", error.lineno) from error
    except configparser.ParsingError as error:
        raise ReadError("not INI: neither an option nor a section", error.errors[0][0]) from error
    except configparser.Error as error:
        raise ReadError(f"not INI: {error.message}") from error
    return parser


def _option_lines(lines: list[str], parser: configparser.RawConfigParser) -> dict[tuple[str, str], int]:
    """The line of each option that the parser knows. A value's own lines are known by their deeper
    indentation."""
    found: dict[tuple[str, str], int] = {}
    section, indent, option_open = "", 0, False
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text.startswith(("#", ";")):
            continue
        column = len(line) - len(line.lstrip())
        if option_open and column > indent:
            continue
        indent = column
        if header := _SECTION.match(text):
            section, option_open = header["name"], False
        elif option := _OPTION.match(text):
            option_open = True
            if parser.has_option(section, option["name"]):
                found[section, option["name"]] = number
    return found


def _value_lines(value: str, lines: list[str], line: int) -> Iterator[tuple[int, str]]:
    """Each line of ``value`` with the number of the next file line that ends with it."""
    for part in filter(None, map(str.strip, value.split("\n"))):
        at = line
        while at <= len(lines) and not lines[at - 1].rstrip().endswith(part):
            at += 1
        if at > len(lines):
            return
        yield at, part
        line = at + 1
