"""What a probe and a capability are: words for the user beside the function that decides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from codex_audit.artifacts import Effort
from codex_audit.query.found import Found
from codex_audit.query.tree import Tree

Component = Literal["functionality", "tests", "safeguards", "documentation"]


@dataclass(frozen=True, slots=True)
class Remedy:
    """The smallest change that turns a probe to yes.

    ``touches`` names, in order of preference, where the change goes. ``probe:ID`` is the file of the
    best evidence of another probe, ``file:GLOB`` the first file of the tree that matches, ``new:PATH``
    a file to create; the first that resolves in the audited tree is taken, and with ``+`` in front an
    entry is taken in addition.
    """

    text: str
    effort: Effort
    touches: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Probe:
    """One yes/no question about a repository.

    ``check`` is a pure function of the tree's facts. ``component`` says which part of the
    capability's score the answer feeds. ``core`` probes are those without which the capability cannot
    be called implemented. ``by_absence`` probes may be yes with no evidence, and only where there is code.
    """

    id: str
    ask: str
    motivation: str
    counts: str
    excludes: str
    risk: str
    remedy: Remedy
    rollback: str
    references: tuple[str, ...]
    check: Callable[[Tree], Found]
    component: Component = "functionality"
    core: bool = False
    by_absence: bool = False


@dataclass(frozen=True, slots=True)
class Capability:
    id: str
    title: str
    summary: str
    probes: tuple[Probe, ...]
