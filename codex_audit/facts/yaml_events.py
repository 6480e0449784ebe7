"""YAML as a stream of parser events, walked without recursion and without building objects.

Tags are not looked at, so that ``!reference`` or ``!!python/name`` fail nowhere and run nothing. An alias of
a scalar has its value; an alias of a collection is the text ``*name``, so that nothing can multiply.
Documents of one stream follow each other. Plain scalars keep the writer's text (``3.10`` stays ``3.10``) but
for booleans and null of the core schema, which are lower case."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from codex_audit.facts.model import SettingsFacts
from codex_audit.facts.scalars import Path, Scalar, deeper, settings_of
from codex_audit.facts.source import ReadError, cut, text_of

if TYPE_CHECKING:
    from yaml.events import Event, ScalarEvent

_BREAKS = re.compile("[\x85\u2028\u2029]")
_CORE = {
    "": "null", "~": "null", "null": "null", "Null": "null", "NULL": "null",
    "true": "true", "True": "true", "TRUE": "true", "false": "false", "False": "false", "FALSE": "false",
}  # fmt: skip


def read_yaml(data: bytes, path: str) -> SettingsFacts:
    """The scalars of every document of a YAML stream. Raises ReadError for what is not YAML."""
    return settings_of("yaml", yaml_scalars(text_of(data)))


def yaml_scalars(text: str) -> Iterator[Scalar]:
    """The scalars of ``text`` in file order. Raises ReadError, on reaching the place, for what is not
    YAML."""
    walk = _Walk()
    for event in _events(text):
        yield from walk.step(event)


def _events(text: str) -> Iterator[Event]:
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    # YAML 1.1 also ends lines at these; editors and YAML 1.2 do not.
    stream = _BREAKS.sub(" ", text)
    try:
        yield from yaml.parse(stream, Loader=loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise ReadError(
            f"not YAML: {error.problem or error.context}", mark.line + 1 if mark else 0
        ) from error
    except yaml.reader.ReaderError as error:
        line = stream.count("\n", 0, error.position) + 1 if isinstance(error.position, int) else 0
        raise ReadError(f"not YAML: {error.reason}", line) from error


@dataclass(slots=True)
class _Frame:
    """An open collection. In a mapping ``key`` is None while a key is awaited; in a sequence it counts."""

    path: Path
    line: int
    mapping: bool
    key: str | int | None
    key_line: int = 0
    empty: bool = True
    is_key: bool = False


class _Walk:
    """The open collections of one stream, outermost first, and the scalars that have anchors."""

    def __init__(self) -> None:
        self.frames: list[_Frame] = []
        self.anchors: dict[str, str] = {}

    def step(self, event: Event) -> Iterator[Scalar]:
        from yaml import events

        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, events.ScalarEvent):
            value = _value(event)
            if event.anchor:
                self.anchors[event.anchor] = cut(value)
            yield from self._leaf(value, line, event)
        elif isinstance(event, events.AliasEvent):
            yield from self._leaf(self.anchors.get(str(event.anchor), f"*{event.anchor}"), line, None)
        elif isinstance(event, events.CollectionStartEvent):
            self._open(event, line, isinstance(event, events.MappingStartEvent))
        elif isinstance(event, events.CollectionEndEvent):
            yield from self._close()

    def _leaf(self, value: str, line: int, event: ScalarEvent | None) -> Iterator[Scalar]:
        frame = self.frames[-1] if self.frames else None
        if frame and frame.mapping and frame.key is None:
            frame.key, frame.key_line, frame.empty = value if event is None else event.value, line, False
            return
        path, key_line = self._place(line)
        block = event is not None and event.style in ("|", ">")
        yield Scalar(path, value, key_line, line + block, event is not None and event.style == "|")
        self._next()

    def _open(self, event: Event, line: int, mapping: bool) -> None:
        deeper(len(self.frames), line)
        is_key = bool(self.frames) and self.frames[-1].mapping and self.frames[-1].key is None
        if is_key:
            self.frames[-1].key, self.frames[-1].key_line = "?", line
        path, key_line = self._place(line)
        self.frames.append(_Frame(path, key_line, mapping, None if mapping else 0, is_key=is_key))

    def _close(self) -> Iterator[Scalar]:
        done = self.frames.pop()
        if done.is_key:
            return
        if done.empty:
            yield Scalar(done.path, "{}" if done.mapping else "[]", done.line, done.line)
        self._next()

    def _place(self, line: int) -> tuple[Path, int]:
        if not self.frames:
            return (), line
        frame = self.frames[-1]
        frame.empty = False
        key = "?" if frame.key is None else frame.key
        return (*frame.path, key), frame.key_line if frame.mapping else line

    def _next(self) -> None:
        if not self.frames:
            return
        frame = self.frames[-1]
        if isinstance(frame.key, int):
            frame.key += 1
        elif frame.mapping:
            frame.key = None


def _value(event: ScalarEvent) -> str:
    value: str = event.value
    return _CORE.get(value, value) if not event.style and event.tag is None else value
