"""What a hook says: a place and a sentence, on one line whatever the names hold, and without a credential that a text
of the tree may hold."""

from __future__ import annotations

from dataclasses import dataclass

from codex_evidence.names import shown


@dataclass(frozen=True, slots=True)
class Problem:
    """``path`` is relative to the top of the repository; ``line`` counts from 1 and is 0 for the whole file. What is
    ``unreadable`` was not checked."""

    path: bytes
    line: int
    text: str
    unreadable: bool = False

    def __str__(self) -> str:
        from codex_audit.facts.secrets import redact  # most commits have nothing to say

        place = f"{shown(self.path)}:{self.line}" if self.line else shown(self.path)
        return f"{place}: {redact(self.text)}"


def exit_code(problems: list[Problem]) -> int:
    """0 for none, 2 when something could not be read, else 1."""
    if any(problem.unreadable for problem in problems):
        return 2
    return 1 if problems else 0
