"""What the links, images and HTML tags of a Markdown document point at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote

from codex_audit.gates.inline import attributes, inside, tags, too_many_brackets
from codex_audit.gates.markdown import Document

if TYPE_CHECKING:
    from markdown_it.token import Token

Kind = Literal["link", "image"]

_IN_TAGS: tuple[tuple[str, str, Kind], ...] = (
    ("a", "href", "link"),
    ("img", "src", "image"),
    ("source", "src", "image"),
    ("video", "src", "image"),
)


@dataclass(frozen=True, slots=True)
class Target:
    """``url`` as CommonMark reads it, percent-encoded; ``line`` counts from 1."""

    kind: Kind
    url: str
    line: int


def targets(document: Document) -> tuple[tuple[Target, ...], tuple[int, ...]]:
    """Every target of the document in order, and the first lines of paragraphs that were not searched."""
    found: list[Target] = []
    unread: list[int] = []
    lines = document.text.split("\n")
    for token in document.blocks:
        first = token.map[0] + 1 if token.map else 0
        if token.type == "html_block":
            found += _in_html(token.content, first)
        elif token.type == "inline" and too_many_brackets(token):
            unread.append(first)
        elif token.type == "inline" and ("[" in token.content or "<" in token.content):
            found += _in_paragraph(token, first, lines, document.references)
    return tuple(found), tuple(unread)


def _in_paragraph(token: Token, first: int, lines: list[str], references: dict[str, Any]) -> Iterator[Target]:
    line, end = first, token.map[1] if token.map else first
    for child in _flat(inside(token, references)):
        if child.type in ("softbreak", "hardbreak"):
            line += 1
        elif child.type == "html_inline":
            for target in _in_html(child.content, line):
                yield Target(target.kind, target.url, _seen(target.url, line, lines[:end]))
        elif child.type in ("link_open", "image"):
            kind: Kind = "image" if child.type == "image" else "link"
            url = str(child.attrs.get("href" if kind == "link" else "src", ""))
            yield Target(kind, url, _seen(url, line, lines[:end]))


def _flat(tokens: list[Token]) -> Iterator[Token]:
    """The tokens with those within images, which may be links of their own."""
    for token in tokens:
        yield token
        yield from _flat(token.children or [])


def _seen(url: str, line: int, lines: list[str]) -> int:
    """The first line from ``line`` on that holds ``url`` as written; ``line`` itself when none does. Breaks within the
    text of a link or within code are not counted on the way."""
    wanted = (url, unquote(url))
    return next(
        (number for number, text in enumerate(lines[line - 1 :], line) if any(one in text for one in wanted)),
        line,
    )


def _in_html(html: str, first: int) -> Iterator[Target]:
    for position, tag in tags(html):
        name = tag[1:].split(maxsplit=1)[0].rstrip("/>").lower()
        values = attributes(tag)
        for known, key, kind in _IN_TAGS:
            if name == known and values.get(key):
                yield Target(kind, values[key], first + html.count("\n", 0, position))
