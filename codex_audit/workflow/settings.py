"""The settings that an audit obeys, as one frozen value that is an input of the chain."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Literal

from codex_audit.artifacts import Overruling
from codex_audit.scanners.rules import SuppressRule

Source = Literal["default", "workflow.yaml", "pyproject.toml", "command line"]

STAGES = ("S1", "S2", "S3", "S4", "S5", "S6", "S7")
COMPONENTS = ("functionality", "consistency", "tests", "safeguards", "documentation")


@dataclass(frozen=True, slots=True)
class Workflow:
    """``source`` says where the settings stood, never under which path; what a source leaves out has its
    value in ``defaults``. ``stages`` starts with S1 and has no holes; ``weights``
    are as written, in any proportion; ``exclude`` are globs relative to the tree; ``disable`` maps a probe to the
    reason why it is not asked, ``overrule`` to the verdict that the user sets against that of the probe; no probe is in
    both. ``suppress`` are the findings of scanners that do not count, ``ledger`` the file whose open questions a status
    update copies."""

    source: Source
    stages: tuple[str, ...]
    weights: dict[str, float]
    threshold: float
    exclude: tuple[str, ...]
    disable: dict[str, str]
    formats: tuple[str, ...]
    overrule: dict[str, Overruling] = field(default_factory=dict)
    ledger: str = "docs/status_update_outstanding_questions.md"
    suppress: tuple[SuppressRule, ...] = ()


def defaults() -> Workflow:
    """The settings that underlie all others; `default_workflow.yaml` explains them to users. The type itself
    has none of them: a manifest that leaves one out was forged."""
    return Workflow(
        source="default",
        stages=STAGES,
        weights=dict(zip(COMPONENTS, (0.25, 0.2, 0.25, 0.15, 0.15), strict=True)),
        threshold=0.7,
        exclude=(),
        disable={},
        formats=("markdown", "json", "html", "sarif"),
    )


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The names that settings may use: ids of probes and names of report formats."""

    probes: Collection[str]
    formats: tuple[str, ...]
