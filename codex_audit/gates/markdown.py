"""Markdown as markdown-it-py reads it (CommonMark 0.31): the blocks of a document, and what stands within them.

Blocks come first and alone. What stands within a paragraph takes longer to read and is asked for where it is needed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from codex_audit.gates.problem import Problem
from codex_audit.gates.repository import Repository, read_file

if TYPE_CHECKING:
    from markdown_it.token import Token

MAX_BYTES = 4 * 2**20
DEEPEST = 100
"""Blocks that lie deeper are not looked into."""

MOST_BRACKETS = 4000
"""With more in one paragraph, looking for links takes seconds."""

_LINE_END = re.compile(r"\r\n?")


@dataclass(frozen=True, slots=True)
class Document:
    """``text`` has ``\\n`` at the end of every line. ``blocks`` are markdown-it's tokens; ``references`` its link
    definitions."""

    text: str
    blocks: tuple[Token, ...]
    references: dict[str, Any]

    @property
    def too_deep(self) -> int:
        """The first line that lies deeper than DEEPEST blocks; 0 for none."""
        deep = (token.map[0] + 1 for token in self.blocks if token.level >= DEEPEST and token.map)
        return next(deep, 0)


def read_text(repository: Repository, path: bytes) -> tuple[str, list[Problem]]:
    """The text of a document, and a problem when its bytes are not UTF-8. Raises UnreadableError."""
    data = read_file(repository, path, max_bytes=MAX_BYTES)
    try:
        return data.decode("utf-8-sig"), []
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        problem = Problem(path, line, f"byte 0x{data[error.start]:02x} is not UTF-8; save the file as UTF-8")
        return data.decode("utf-8-sig", errors="replace"), [problem]


def blocks_of(text: str) -> Document:
    """``text`` read into blocks."""
    from markdown_it import MarkdownIt

    lines = _LINE_END.sub("\n", text)
    whole = lines if lines.endswith("\n") or not lines else lines + "\n"
    parser = MarkdownIt("commonmark", {"maxNesting": DEEPEST + 1}).disable("inline")
    about: dict[str, Any] = {}
    blocks = tuple(parser.parse(whole, about))
    return Document(whole, blocks, about.get("references", {}))
