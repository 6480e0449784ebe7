"""Rules of scanners that others know by name, and those that the settings let be. Apart from the types of a scan:
every command reads settings, and few of them read a scan."""

from __future__ import annotations

from dataclasses import dataclass

NOT_SEEN = "licence-not-seen"
"""The rule of a package whose licence cannot be told here, because it is not installed."""


@dataclass(frozen=True, slots=True)
class SuppressRule:
    """One entry of ``suppress`` in the settings: findings of ``rule`` in files that the glob ``path`` matches."""

    rule: str
    path: str
    reason: str
    expires: str
    file: str
    line: int

    @property
    def place(self) -> str:
        """``file:line``."""
        return f"{self.file}:{self.line}" if self.line else self.file
