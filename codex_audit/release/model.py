"""What a release check asks and answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from codex_audit.release.profile import Profile

Status = Literal["passed", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """``reason`` is one sentence; ``evidence`` names files (relative to the checked folder, with a line where there is
    one) and outputs that show it."""

    status: Status
    reason: str
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ground:
    """What is checked: the project in ``root``, by ``profile``. ``kept`` is the folder for what commands print and
    build; ``python`` runs the tools."""

    root: Path
    profile: Profile
    kept: Path
    python: str


@dataclass(frozen=True, slots=True)
class Item:
    """``name`` is what profiles call it, ``question`` what it asks."""

    name: str
    question: str
    check: Callable[[Ground], Outcome]


@dataclass(frozen=True, slots=True)
class Answer:
    """An item with its outcome; ``seconds`` are those of the wall."""

    item: str
    question: str
    outcome: Outcome
    seconds: float


def passed(reason: str, *evidence: str) -> Outcome:
    return Outcome("passed", reason, evidence)


def failed(reason: str, *evidence: str) -> Outcome:
    return Outcome("failed", reason, evidence)


def skipped(reason: str, *evidence: str) -> Outcome:
    return Outcome("skipped", reason, evidence)
