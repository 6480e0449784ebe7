"""TOML files. ``tomllib`` decides what is TOML and what each value is; a scan of the same text tells where
keys stand."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from codex_audit.facts.model import SettingsFacts
from codex_audit.facts.scalars import Path, Scalar, as_text, deeper, settings_of
from codex_audit.facts.source import ReadError, text_of

# A string that never ends is one token too, or scanning hostile quotes would take quadratic time.
_TOKEN = re.compile(
    r'"""(?:[^"\\]|\\[\s\S]|"(?!""))*+(?:"{3,5}|\\?\Z)'
    r"|'''(?:[^']|'(?!''))*+(?:'{3,5}|\Z)"
    r'|"(?:[^"\\\n]|\\.)*+"?'
    r"|'[^'\n]*+'?"
    r"|\#[^\n]*+"
    r"|[\[\]{},=.\n]"
    r"|[^\s\[\]{},=.\"'#]++"
)
_MULTILINE = ('"""', "'''")
_LINE = re.compile(r"\(at line (\d+)")


def read_toml(data: bytes, path: str) -> SettingsFacts:
    """The scalars of a TOML document. Raises ReadError for what is not TOML."""
    return settings_of("toml", toml_scalars(text_of(data)))


def parse_toml(text: str) -> dict[str, Any]:
    """The parsed document. Raises ReadError for what is not TOML, or nested so deep that parsing would not
    end."""
    _check_depth(text)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _LINE.search(str(error))
        raise ReadError(f"not TOML: {error}", int(found[1]) if found else 0) from error
    except ValueError as error:  # an integer of more digits than Python converts
        raise ReadError(f"not TOML: {error}") from error


def _check_depth(text: str) -> None:
    """``tomllib`` recurses into brackets, and takes quadratic time for a key of very many parts."""
    depth, dots, line = 0, 0, 1
    for match in _TOKEN.finditer(text):
        token = match[0]
        depth += (token in ("[", "{")) - (token in ("]", "}"))
        dots = 0 if token in ("=", "\n") else dots + (token == ".")
        deeper(max(depth, dots), line)
        line += token.count("\n")


def toml_scalars(text: str) -> Iterator[Scalar]:
    """The scalars of ``text`` in file order. Raises ReadError for what is not TOML."""
    document = parse_toml(text)
    for place in _Scan().places(text):
        value = _at(document, place.path)
        if not isinstance(value, dict | list):
            yield Scalar(place.path, as_text(value), place.line, place.start, place.block)
        elif not value:
            yield Scalar(place.path, "{}" if isinstance(value, dict) else "[]", place.line, place.start)


def key_lines(text: str) -> dict[Path, int]:
    """Where each table and key of a valid document first appears, by its path. Raises ReadError for one nested so
    deep that nobody wrote it by hand."""
    lines: dict[Path, int] = {}
    for place in _Scan().places(text):
        for depth in range(1, len(place.path) + 1):
            lines.setdefault(place.path[:depth], place.line)
    return lines


def _at(document: Any, path: Path) -> Any:
    for part in path:
        document = document[part]
    return document


class _Place(NamedTuple):
    """Where a value stands: the line of its key, the line where its own text begins, whether it spans
    lines."""

    path: Path
    line: int
    start: int
    block: bool


@dataclass(slots=True)
class _Frame:
    """An open array (``index`` counts) or table (``index`` is None) that is the value of ``path``.

    ``taken`` says that the first token of the current value has been seen.
    """

    path: Path
    index: int | None
    key: tuple[str, ...] = ()
    key_line: int = 0
    in_value: bool = False
    taken: bool = False

    def next(self) -> None:
        """Go on to the next element or key."""
        self.taken = False
        if self.index is None:
            self.key, self.in_value = (), False
        else:
            self.index += 1

    def here(self, token: str, line: int) -> _Place:
        """The place of the value that ``token`` begins."""
        start, block = line, token.startswith(_MULTILINE)
        if block and token[3] == "\n":
            start += 1
        if self.index is None:
            return _Place((*self.path, *self.key), self.key_line, start, block)
        return _Place((*self.path, self.index), line, start, block)


class _Scan:
    """A pass over the tokens of a valid document. The outermost frame is the table that the last header
    opened."""

    def __init__(self) -> None:
        self.frames = [_Frame((), None)]
        self.counts: dict[Path, int] = {}
        self.header: list[str] = []
        self.brackets = 0

    def places(self, text: str) -> Iterator[_Place]:
        """The places of all tables, arrays and scalars, in file order."""
        line = 1
        for match in _TOKEN.finditer(text):
            token = match[0]
            if self.brackets:
                yield from self._in_header(token, line)
            elif not token.startswith("#"):
                yield from self._in_frame(token, line)
            line += token.count("\n")

    def _in_header(self, token: str, line: int) -> Iterator[_Place]:
        if token == "[":
            self.brackets += 1
        elif token == "\n":
            deeper(len(self.header), line)
            path = self._table_path(repeated=self.brackets == 2)
            self.frames, self.header, self.brackets = [_Frame(path, None)], [], 0
            yield _Place(path, line, line, False)
        elif token not in "]." and not token.startswith("#"):
            self.header.append(_key(token))

    def _table_path(self, repeated: bool) -> Path:
        path: Path = ()
        for position, name in enumerate(self.header, 1):
            path = (*path, name)
            if repeated and position == len(self.header):
                self.counts[path] = self.counts.get(path, -1) + 1
            if path in self.counts:
                path = (*path, self.counts[path])
        return path

    def _in_frame(self, token: str, line: int) -> Iterator[_Place]:
        frame = self.frames[-1]
        if token == "\n":
            if len(self.frames) == 1:
                frame.next()
        elif token in ("]", "}"):
            self.frames.pop()
        elif token == ",":
            frame.next()
        elif frame.index is None and not frame.in_value:
            self._in_key(frame, token, line)
        elif not frame.taken:
            frame.taken = True
            place = frame.here(token, line)
            deeper(len(place.path), line)
            yield place
            if token in ("[", "{"):
                self.frames.append(_Frame(place.path, 0 if token == "[" else None))

    def _in_key(self, frame: _Frame, token: str, line: int) -> None:
        if token == "=":
            frame.in_value = True
        elif token == "[":
            self.brackets = 1
        elif token != ".":
            deeper(len(frame.key), line)
            frame.key, frame.key_line = (*frame.key, _key(token)), line


def _key(token: str) -> str:
    if not token.startswith(('"', "'")):
        return token
    key: str = tomllib.loads(f"k = {token}")["k"]
    return key
