"""What a verification says, always with its weakest link."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Word = Literal["INVALID", "INTERRUPTED", "STALE", "CONSISTENT"]

UNSIGNED = (
    "unsigned: whoever can write the folder can rewrite the whole chain; "
    "compare the head with one that you keep (--expect-head), or audit again (--rerun)"
)
EXPECTED = "unsigned: it is as trustworthy as the place where the expected head was kept"
AGAIN = "unsigned: it is what this tree and this tool give; nothing says who made it, or when"

_SUMMARIES: dict[Word, str] = {
    "INVALID": "tampered",
    "INTERRUPTED": "interrupted run, run again",
    "STALE": "stale: what was audited has changed since, run again",
    "CONSISTENT": "consistent, unsigned",
}
_EXIT_CODES: dict[Word, int] = {"INVALID": 1, "INTERRUPTED": 4, "STALE": 4, "CONSISTENT": 0}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not fit. ``file`` is relative to the audit's folder, or to the tree for a source
    that changed; an input that is no file stands under its name (``tool-version``)."""

    file: str
    reason: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """``findings`` is empty for CONSISTENT. ``head`` is the chain's, empty when no chain could be read."""

    word: Word
    head: str
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    weakest_link: str = ""

    @property
    def summary(self) -> str:
        """The verdict in lower-case words: tampered is never stale, stale never tampered."""
        return _SUMMARIES[self.word]

    @property
    def exit_code(self) -> int:
        """0 consistent, 1 tampered, 4 stale or interrupted."""
        return _EXIT_CODES[self.word]
