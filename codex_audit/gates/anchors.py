"""The places of a document that a link can name: headings as GitHub names them, and ids in its HTML.

GitHub's rule (html-pipeline, TableOfContentsFilter): the text of a heading in lower case, without what is no letter,
mark, digit, connector, hyphen or space, spaces as hyphens; of equal ones the second gets ``-1``, the third ``-2``.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from html import unescape
from itertools import pairwise
from typing import TYPE_CHECKING

from codex_audit.gates.inline import attributes, inside, tags
from codex_audit.gates.markdown import Document, blocks_of

if TYPE_CHECKING:
    from markdown_it.token import Token

# Metadata in YAML before the text, which CommonMark would take for a heading and GitHub does not.
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(?:(?!---)[^\n]*\n){0,400}---[ \t]*(?:\n|\Z)")
_HTML_HEADING = re.compile(r"<h([1-6])\b[^<>]*>((?:(?!</?h[1-6]).){0,1000})</h\1>", re.IGNORECASE | re.DOTALL)
_HTML_TAG = re.compile(r"<[^<>]*>")


def anchors(text: str) -> frozenset[str]:
    """Every fragment that leads somewhere in the Markdown ``text``."""
    body = _FRONT_MATTER.sub("", text.replace("\r\n", "\n"))
    document = blocks_of(body)
    found, seen = set[str](), Counter[str]()
    for heading in _headings(document):
        name = slug(heading)
        found.add(f"{name}-{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return frozenset(found | set(_ids(document)))


def html_ids(text: str) -> frozenset[str]:
    """The ids and names in a document of HTML."""
    return frozenset(_names(text))


def slug(heading: str) -> str:
    """GitHub's name for a heading with this text."""
    kept = (char for char in heading.lower() if char in "- " or _is_word(char))
    return "".join(kept).replace(" ", "-")


def _is_word(char: str) -> bool:
    category = unicodedata.category(char)
    return category[0] in "LM" or category in ("Nd", "Pc")


def _headings(document: Document) -> Iterator[str]:
    """The texts of all headings in order, also of those written as HTML."""
    for opening, token in pairwise((*document.blocks, *document.blocks[-1:])):
        if opening.type == "heading_open":
            yield "".join(map(_text, inside(token)))
        elif opening.type == "html_block":
            for match in _HTML_HEADING.finditer(opening.content):
                yield unescape(_HTML_TAG.sub("", match[2])).strip()


def _text(token: Token) -> str:
    if token.type in ("text", "text_special", "code_inline"):
        return token.content
    return "\n" if token.type in ("softbreak", "hardbreak") else ""


def _ids(document: Document) -> Iterator[str]:
    for token in document.blocks:
        if token.type == "html_block":
            yield from _names(token.content)
        elif token.type == "inline" and "<" in token.content:
            for child in inside(token):
                if child.type == "html_inline":
                    yield from _names(child.content)


def _names(html: str) -> Iterator[str]:
    for _, tag in tags(html):
        values = attributes(tag)
        yield from (values[key] for key in ("id", "name") if values.get(key))
