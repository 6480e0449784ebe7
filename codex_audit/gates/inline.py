"""What stands within a paragraph, and the tags of HTML in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from html import unescape
from typing import TYPE_CHECKING, Any

from codex_audit.gates.markdown import MOST_BRACKETS

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

# As CommonMark has it, a comment that is not closed goes on to the end. No pattern scans the same text twice.
_COMMENT = re.compile(r"<!--(?:(?!-->).)*(?:-->)?", re.DOTALL)
_TAG = re.compile(r"""<([A-Za-z][A-Za-z0-9-]*)((?:[^<>"']|"[^"<]*"|'[^'<]*')*)>""")
_ATTRIBUTE = re.compile(r"""([A-Za-z_:][-\w:.]*)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'=<>`]+))""")


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark")


def inside(token: Token, references: dict[str, Any] | None = None) -> list[Token]:
    """What stands within the block ``token``, read with the link definitions ``references`` of its document; nothing
    where reading it would take very long (``too_many_brackets``)."""
    if too_many_brackets(token):
        return []
    parser, found = _parser(), list[Any]()
    parser.inline.parse(token.content, parser, {"references": references or {}}, found)
    return found


def too_many_brackets(token: Token) -> bool:
    """Whether looking for links in ``token`` would take very long: markdown-it tries each bracket with all others."""
    return token.content.count("[") > MOST_BRACKETS


def tags(html: str) -> Iterator[tuple[int, str]]:
    """The opening tags of some HTML outside comments, each with its position."""
    blank = _COMMENT.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), html)
    yield from ((match.start(), match[0]) for match in _TAG.finditer(blank))


def attributes(tag: str) -> dict[str, str]:
    """The attributes of one tag; of a doubled one the first counts, as in browsers."""
    found: dict[str, str] = {}
    for name, *values in _ATTRIBUTE.findall(tag):
        found.setdefault(name.lower(), unescape(next(filter(None, values), "")))
    return found
