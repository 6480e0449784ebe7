"""Markdown by the CommonMark parser of markdown-it-py: headings, code blocks, links, inline code, and
words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from codex_audit.facts.model import MOST_PROSE, DocFacts, Fence, Heading, Link, Reference
from codex_audit.facts.source import cut, identifiers, text_of_any

if TYPE_CHECKING:
    from markdown_it.token import Token

MOST_WORDS = 20_000

# As CommonMark has it, a comment that is not closed goes on to the end. No pattern scans the same text twice.
_COMMENT = re.compile(r"<!--(?:(?!-->).)*+(?:-->)?", re.DOTALL)
_HTML_TAG = re.compile(r"<[^<>]*+>")
_HTML_HEADING = re.compile(
    r"<h([1-6])\b[^<>]*+>((?:(?!</?h[1-6]).){0,1000})</h\1>", re.IGNORECASE | re.DOTALL
)
# Metadata in YAML before the text; CommonMark would take it for a heading.
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(?:(?!---)[^\n]*\n){0,400}---[ \t]*(?:\n|\Z)")
_WORD = re.compile(r"\w+")


def read_markdown(data: bytes, path: str) -> DocFacts:
    """The facts of a Markdown document; lines are those of the file. It never fails, since any text is
    Markdown."""
    from markdown_it import MarkdownIt

    text = _FRONT_MATTER.sub(_blank, text_of_any(data).replace("\x00", ""))
    tokens = MarkdownIt("commonmark", {"maxNesting": 50}).parse(text)
    inline = [token for token in tokens if token.type == "inline"]
    return DocFacts(
        headings=tuple(sorted(_headings(tokens), key=lambda item: item.line)),
        fences=tuple(_fences(tokens)),
        links=tuple(_links(inline)),
        spans=tuple(_spans(inline)),
        words=identifiers(_COMMENT.sub(" ", text), MOST_WORDS),
        prose=min(_prose(tokens), MOST_PROSE),
    )


def _blank(match: re.Match[str]) -> str:
    return "\n" * match[0].count("\n")


def _line(token: Token) -> int:
    return token.map[0] + 1 if token.map else 0


def _headings(tokens: list[Token]) -> Iterator[Heading]:
    for opening, inside in pairwise([*tokens, *tokens[-1:]]):
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
            yield Fence(_language(token.info), token.content, _line(token))


def _language(info: str) -> str:
    """The first word after the fence; MyST's ``{code-block} python`` names the language in the second."""
    words = info.lower().split(maxsplit=2)
    if len(words) > 1 and words[0] in ("{code}", "{code-block}", "{code-cell}", "{sourcecode}"):
        return words[1]
    return words[0].strip("{}.") if words else ""


def _links(inline: Iterable[Token]) -> Iterator[Link]:
    for token in inline:
        children = token.children or []
        for position, (child, line) in enumerate(_placed(token)):
            if child.type == "link_open":
                text = children[position + 1].content if position + 1 < len(children) else ""
                yield Link(cut(str(child.attrs.get("href", ""))), cut(text), line)


def _placed(inline: Token) -> Iterator[tuple[Token, int]]:
    """What stands within a paragraph, with its line: each break within the paragraph is one."""
    line = _line(inline)
    for child in inline.children or []:
        yield child, line
        line += child.type in ("softbreak", "hardbreak")


def _spans(inline: Iterable[Token]) -> Iterator[Reference]:
    for token in inline:
        for child, line in _placed(token):
            if child.type == "code_inline":
                yield Reference(cut(child.content), line, "")


def _prose(tokens: list[Token]) -> int:
    """Words outside headings, code and comments."""
    count = 0
    for before, token in zip([None, *tokens], tokens, strict=False):
        if token.type == "inline" and not (before is not None and before.type == "heading_open"):
            count += len(_WORD.findall(_COMMENT.sub(" ", token.content)))
        elif token.type == "html_block":
            count += len(_WORD.findall(_HTML_TAG.sub(" ", _COMMENT.sub(" ", token.content))))
    return count
