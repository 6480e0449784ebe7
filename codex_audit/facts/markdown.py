"""Markdown by the CommonMark parser of markdown-it-py: headings, code blocks, links, inline code, and words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from codex_audit.facts.model import DocFacts, Fence, Heading, Link, Reference
from codex_audit.facts.source import ReadError, cut, identifiers, text_of_any

if TYPE_CHECKING:
    from markdown_it.token import Token

LARGEST = 2 << 20
MOST_WORDS = 20_000

_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_HTML_TAG = re.compile(r"<[^>]*>")
_HTML_HEADING = re.compile(r"<h([1-6])[^>]*>(.*?)</h\1>", re.IGNORECASE | re.DOTALL)
_WORD = re.compile(r"\w+")


def read_markdown(data: bytes, path: str) -> DocFacts:
    """The facts of a Markdown document; lines are those of the file. Raises ReadError for one too large to be prose."""
    from markdown_it import MarkdownIt

    if len(data) > LARGEST:
        raise ReadError(f"larger than {LARGEST >> 20} MB, which is no document")
    text = text_of_any(data).replace("\x00", "")
    tokens = MarkdownIt("commonmark", {"maxNesting": 50}).parse(text)
    inline = [token for token in tokens if token.type == "inline"]
    return DocFacts(
        headings=tuple(sorted(_headings(tokens), key=lambda item: item.line)),
        fences=tuple(_fences(tokens)),
        links=tuple(_links(inline)),
        spans=tuple(_spans(inline)),
        words=identifiers(_COMMENT.sub(" ", text), MOST_WORDS),
        prose=_prose(tokens),
    )


def _line(token: Token) -> int:
    return token.map[0] + 1 if token.map else 0


def _headings(tokens: list[Token]) -> Iterator[Heading]:
    for opening, inside in zip(tokens, tokens[1:], strict=False):
        if opening.type == "heading_open":
            yield Heading(int(opening.tag[1:]), _plain(inside.content), _line(opening))
        elif opening.type == "html_block":
            for match in _HTML_HEADING.finditer(opening.content):
                line = _line(opening) + opening.content.count("\n", 0, match.start())
                yield Heading(int(match[1]), _plain(_HTML_TAG.sub(" ", match[2])), line)


def _plain(text: str) -> str:
    return cut(" ".join(_HTML_TAG.sub(" ", text).split()))


def _fences(tokens: Iterable[Token]) -> Iterator[Fence]:
    for token in tokens:
        if token.type in ("fence", "code_block"):
            language = token.info.strip().split(maxsplit=1)[0].lower() if token.info.strip() else ""
            yield Fence(language.strip("{}."), token.content, _line(token))


def _links(inline: Iterable[Token]) -> Iterator[Link]:
    for token in inline:
        children = token.children or []
        for position, child in enumerate(children):
            if child.type == "link_open":
                following = children[position + 1] if position + 1 < len(children) else None
                yield Link(
                    str(child.attrs.get("href", "")), following.content if following else "", _line(token)
                )


def _spans(inline: Iterable[Token]) -> Iterator[Reference]:
    for token in inline:
        for child in token.children or []:
            if child.type == "code_inline":
                yield Reference(cut(child.content), _line(token), "")


def _prose(tokens: list[Token]) -> int:
    """Words outside headings, code and comments."""
    count = 0
    for before, token in zip([None, *tokens], tokens, strict=False):
        if token.type == "inline" and not (before is not None and before.type == "heading_open"):
            count += len(_WORD.findall(_COMMENT.sub(" ", token.content)))
        elif token.type == "html_block":
            count += len(_WORD.findall(_HTML_TAG.sub(" ", _COMMENT.sub(" ", token.content))))
    return count
