"""Fenced code blocks: each closed with its own marker, none inside another of the same, each naming its language.

markdown-it-py says which lines are a block (CommonMark 0.31, "Fenced code blocks"); it does not say whether a block
was closed or ended with its container, nor what the writer may have meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from codex_audit.gates.markdown import DEEPEST, blocks_of, read_text
from codex_audit.gates.problem import Problem
from codex_audit.gates.repository import Repository
from codex_evidence.errors import UnreadableError

_END = re.compile(r"(?P<indent>[ \t]*)(?P<marker>`{3,}|~{3,})[ \t]*")
_START = re.compile(r" {0,3}(?P<marker>`{3,}(?=[^`]*$)|~{3,})[ \t]*[^\s`~]")


@dataclass(frozen=True, slots=True)
class Fenced:
    """A block from ``line`` to ``last``, both counted from 1 and within it. ``content`` are its lines without what
    its container puts before them."""

    line: int
    last: int
    marker: str
    info: str
    content: tuple[str, ...]
    closed: bool


def fenced_blocks(text: str) -> tuple[Fenced, ...]:
    """Every fenced block of a document, in order."""
    return tuple(_blocks(text)[0])


def fence_problems(repository: Repository, path: bytes) -> Iterator[Problem]:
    """What is wrong with the fences of the document ``path``."""
    try:
        text, problems = read_text(repository, path)
    except UnreadableError as error:
        yield Problem(path, 0, str(error), unreadable=True)
        return
    yield from problems
    blocks, too_deep = _blocks(text)
    for block in blocks:
        yield from (Problem(path, line, what) for line, what in _faults(block))
    if too_deep:
        yield Problem(
            path,
            too_deep,
            f"more than {DEEPEST} blocks lie within each other; what is deeper was not checked",
        )


def _blocks(text: str) -> tuple[list[Fenced], int]:
    if "```" not in text and "~~~" not in text:
        return [], 0
    document = blocks_of(text)
    found = []
    for token in document.blocks:
        if token.type == "fence" and token.map is not None:
            first, end = token.map
            content = tuple(token.content.split("\n")[:-1])
            # The opening line, the content, and the closing line if there is one.
            closed = end - first - 1 > len(content)
            found.append(Fenced(first + 1, end, token.markup, token.info.strip(), content, closed))
    return found, document.too_deep


def _faults(block: Fenced) -> Iterator[tuple[int, str]]:
    """Lines with what is wrong there."""
    if not block.info:
        yield block.line, f"the fence names no language; write {block.marker}text for plain text"
    if not block.closed:
        yield block.line, _unclosed(block)
    for number, line in enumerate(block.content, block.line + 1):
        start = _START.match(line)
        if start and start["marker"][0] == block.marker[0] and len(start["marker"]) >= len(block.marker):
            longer = block.marker[0] * (len(start["marker"]) + 1)
            yield (
                number,
                (
                    f"a fence opens inside the fence of line {block.line}, which the next {block.marker} closes; "
                    f"close that one first, or write {longer} around both"
                ),
            )


def _unclosed(block: Fenced) -> str:
    text = (
        f"the fence {block.marker} is not closed and runs to line {block.last}; close it with {block.marker}"
    )
    for number, line in enumerate(block.content, block.line + 1):
        if end := _END.fullmatch(line):
            return f"{text} (line {number} does not: {_why_not(end, block.marker)})"
    return text


def _why_not(end: re.Match[str], marker: str) -> str:
    if end["marker"][0] != marker[0]:
        return f"{end['marker']} is another marker"
    if len(end["marker"]) < len(marker):
        return f"{end['marker']} is shorter"
    return "it is indented by more than three spaces"
