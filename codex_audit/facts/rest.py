"""reStructuredText by its layout: section titles, literal and code blocks, links, inline code, and words.

A line reader, because docutils runs directives (include, raw, csv-table read files), needs its extensions to
be known (Sphinx's are not), and takes seconds on a changelog; what the probes ask is visible in the layout
alone."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from itertools import pairwise

from codex_audit.facts.model import MOST_PROSE, DocFacts, Fence, Heading, Link, Reference
from codex_audit.facts.source import cut, identifiers, text_of_any

MOST_WORDS = 20_000
MOST_OPTIONS = 40

_ADORNMENT = re.compile(r"([!-/:-@\[-`{-~])\1{2,}\s*$")
_CODE = re.compile(
    r"(?P<indent>\s*)\.\.\s+(?:code-block|code|sourcecode|literalinclude|prompt|ipython)::\s*(?P<language>\S*)"
)
_OPTION = re.compile(r"\s*:[\w-]+:(?:\s|$)")
_OTHER_MARKUP = re.compile(r"\s*\.\.\s")
_LINK = re.compile(r"`([^`<]+?)\s*<([^`>]+)>`_|:(?:doc|ref|any):`(?:([^`<]+?)\s*<)?([^`>]+)>?`")
_SPAN = re.compile(r"``(.+?)``")
_WORD = re.compile(r"\w+")


def read_rest(data: bytes, path: str) -> DocFacts:
    """The facts of a reST document; it never fails, since any text is reST."""
    text = text_of_any(data)
    lines = text.split("\n")
    headings = tuple(_headings(lines))
    fences = tuple(_fences(lines))
    return DocFacts(
        headings=headings,
        fences=fences,
        links=tuple(_links(lines)),
        spans=tuple(_spans(lines)),
        words=identifiers(text, MOST_WORDS),
        prose=min(_prose(lines, headings, fences), MOST_PROSE),
    )


def _headings(lines: list[str]) -> Iterator[Heading]:
    """A title is a line over an adornment at least as long; levels follow the order in which adornments
    appear."""
    styles: list[str] = []
    for number, (title, under) in enumerate(pairwise(lines), 1):
        over = lines[number - 2] if number > 1 else ""
        is_title = (
            bool(title.strip()) and not _ADORNMENT.match(title) and len(under.rstrip()) >= len(title.strip())
        )
        if is_title and _ADORNMENT.match(under) and (not title[0].isspace() or over.strip() == under.strip()):
            style = under[0] + (under[0] if over.strip() == under.strip() else "")
            if style not in styles:
                styles.append(style)
            yield Heading(styles.index(style) + 1, cut(title.strip()), number)


def _fences(lines: list[str]) -> Iterator[Fence]:
    """Code directives, and the indented blocks after a line that ends in ``::``."""
    number = 0
    while number < len(lines):
        line = lines[number]
        code = _CODE.match(line)
        literal = line.rstrip().endswith("::") and not _OTHER_MARKUP.match(line)
        number += 1
        if not (code or literal):
            continue
        start, body = _indented(lines, number, len(line) - len(line.lstrip()))
        if body:
            yield Fence(code["language"].lower() if code else "", "\n".join(body) + "\n", start + 1)
            number = start + len(body)


def _indented(lines: list[str], start: int, indent: int) -> tuple[int, list[str]]:
    """The block after ``start`` that is indented deeper, options and blank lines before it skipped."""
    stop = start + MOST_OPTIONS
    while start < min(stop, len(lines)) and _OPTION.match(lines[start]):
        start += 1
    while start < len(lines) and not lines[start].strip():
        start += 1
    stop = start
    while stop < len(lines) and (
        not lines[stop].strip() or len(lines[stop]) - len(lines[stop].lstrip()) > indent
    ):
        stop += 1
    body = lines[start:stop]
    while body and not body[-1].strip():
        body.pop()
    return start, textwrap.dedent("\n".join(body)).split("\n") if body else []


def _spans(lines: list[str]) -> Iterator[Reference]:
    for number, line in enumerate(lines, 1):
        if not _ADORNMENT.match(line):
            for match in _SPAN.finditer(line):
                yield Reference(cut(match[1]), number, "")


def _links(lines: list[str]) -> Iterator[Link]:
    for number, line in enumerate(lines, 1):
        for match in _LINK.finditer(line):
            yield Link(match[2] or match[4], match[1] or match[3] or "", number)


def _prose(lines: list[str], headings: tuple[Heading, ...], fences: tuple[Fence, ...]) -> int:
    titles = {heading.line for heading in headings}
    code = {fence.line + offset for fence in fences for offset in range(fence.text.count("\n"))}
    return sum(
        len(_WORD.findall(line))
        for number, line in enumerate(lines, 1)
        if number not in titles
        and number not in code
        and not _OTHER_MARKUP.match(line)
        and not _ADORNMENT.match(line)
    )
