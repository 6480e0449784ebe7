"""JSON files. The standard parser decides what is JSON; a walk over the same tokens then tells paths and
lines.

The walk keeps its own stack and is bounded in depth before the standard parser, which recurses, sees the
text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from codex_audit.facts.model import SettingsFacts
from codex_audit.facts.scalars import Path, Scalar, as_text, deeper, settings_of
from codex_audit.facts.source import ReadError, text_of

# A string that never ends is one token too, or scanning hostile quotes would take quadratic time.
_TOKEN = re.compile(r'"(?:[^"\\]|\\[\s\S])*+(?:"|\\?\Z)|[{}\[\],:\n]|[^\s"{}\[\],:]++')


def read_json(data: bytes, path: str) -> SettingsFacts:
    """The scalars of a JSON document. Raises ReadError for what is not JSON."""
    return settings_of("json", json_scalars(text_of(data)))


def json_scalars(text: str) -> Iterator[Scalar]:
    """The scalars of ``text`` in file order, a key given twice included. Raises ReadError for what is not
    JSON."""
    check_json(text)
    walk = _Walk()
    line = 1
    for match in _TOKEN.finditer(text):
        if match[0] == "\n":
            line += 1
        else:
            yield from walk.step(match[0], line)


def check_json(text: str) -> object:
    """The parsed document. Raises ReadError for a syntax error, or a nesting that could exhaust the stack."""
    depth = line = 1
    for match in _TOKEN.finditer(text):
        token = match[0]
        line += token == "\n"
        depth += (token in "{[") - (token in "}]")
        deeper(depth, line)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ReadError(f"not JSON: {error.msg}", error.lineno) from error
    except ValueError as error:  # an integer of more digits than Python converts
        raise ReadError(f"not JSON: {error}") from error


@dataclass(slots=True)
class _Frame:
    path: Path
    line: int
    key: str | int
    key_line: int
    awaits_key: bool
    empty: bool = True


class _Walk:
    """The open arrays and objects of a valid document, outermost first."""

    def __init__(self) -> None:
        self.frames: list[_Frame] = []

    def step(self, token: str, line: int) -> Iterator[Scalar]:
        frame = self.frames[-1] if self.frames else None
        if token in "{[":
            path, key_line = self._place(line)
            self.frames.append(_Frame(path, key_line, "" if token == "{" else 0, line, token == "{"))
        elif token in "}]":
            done = self.frames.pop()
            if done.empty:
                yield Scalar(done.path, "{}" if token == "}" else "[]", done.line, done.line)
        elif token == ",":
            self._next()
        elif frame and frame.awaits_key and token != ":":
            frame.key, frame.key_line, frame.awaits_key = json.loads(token), line, False
        elif token != ":":
            path, key_line = self._place(line)
            yield Scalar(path, as_text(json.loads(token)), key_line, line)

    def _place(self, line: int) -> tuple[Path, int]:
        if not self.frames:
            return (), line
        frame = self.frames[-1]
        frame.empty = False
        return (*frame.path, frame.key), frame.key_line if isinstance(frame.key, str) else line

    def _next(self) -> None:
        frame = self.frames[-1]
        if isinstance(frame.key, int):
            frame.key += 1
        else:
            frame.awaits_key = True
