"""Outstanding questions, word for word from the ledger in which a team keeps them."""

from __future__ import annotations

import re

from codex_audit.status.model import Questions
from codex_audit.status.sources import Sources

COLUMNS = (
    "Timestamp(s)",
    "Step / Phase",
    "Recorded blocker",
    "Status",
    "Still Valid?",
    "Current disposition",
)
"""The six columns of a ledger."""
MOST = 60
_RULE = re.compile(r"\s*\|?(?:\s*:?-+:?\s*\|)+\s*(?::?-+:?)?\s*")
_SPLIT = re.compile(r"(?<!\\)\|")


def read_ledger(path: str, sources: Sources) -> Questions:
    """The rows of the first table of six columns in the file ``path`` of the tree."""
    rows = sources.lines(path)
    if rows in ((), ("",)):
        return Questions(path, note=f"`{path}` is not there, or holds no text.")
    for number, row in enumerate(rows[1:], 1):
        head = cells(rows[number - 1])
        if len(head) == len(COLUMNS) and _RULE.fullmatch(row) and len(cells(row)) == len(COLUMNS):
            return _table(path, head, rows[number + 1 :])
    return Questions(path, note=f"`{path}` holds no table of six columns.")


def _table(path: str, head: tuple[str, ...], rows: tuple[str, ...]) -> Questions:
    found: list[tuple[str, ...]] = []
    for row in rows:
        if "|" not in row:
            break
        given = cells(row)[: len(head)]
        found.append((*given, *("" for _ in range(len(head) - len(given)))))
    note = "" if len(found) <= MOST else f"{len(found) - MOST} more rows stand in the ledger."
    return Questions(path, head, tuple(found[:MOST]), note)


def cells(row: str) -> tuple[str, ...]:
    """The cells of a table row of GitHub's Markdown; an escaped pipe is a pipe."""
    inner = row.strip()
    inner = inner.removeprefix("|")
    if inner.endswith("|") and not inner.endswith("\\|"):
        inner = inner[:-1]
    return tuple(part.strip().replace("\\|", "|") for part in _SPLIT.split(inner))


def open_rows(questions: Questions) -> int:
    """How many rows are not closed: those whose fifth cell does not begin with No."""
    return sum(not row[4].lower().startswith("no") for row in questions.rows)
