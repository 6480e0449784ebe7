"""All detectors, in the order in which they are asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from codex_audit.status.detectors import (
    artifacts,
    cycles,
    duplicates,
    entry_points,
    layers,
    optional_imports,
    pins,
    placeholders,
    tools,
)
from codex_audit.status.ground import Ground
from codex_audit.status.model import Finding, Level

DETECTORS: tuple[Callable[[Ground], Iterator[Finding]], ...] = (
    duplicates.detect,
    placeholders.detect,
    entry_points.detect,
    pins.detect,
    optional_imports.detect,
    artifacts.detect,
    tools.detect,
    cycles.detect,
    layers.detect,
)
_WEIGHT: dict[Level, int] = {"high": 100, "medium": 10, "low": 1}


def ranked_findings(ground: Ground) -> tuple[Finding, ...]:
    """Every finding of the detectors, worst first."""
    return ranked(finding for detect in DETECTORS for finding in detect(ground))


def ranked(found: Iterable[Finding]) -> tuple[Finding, ...]:
    """``found``, worst first: by weight of the risk (100, 10, 1) times the doublings of its reach."""
    return tuple(sorted(found, key=lambda item: (-weight(item), item.detector, item.title)))


def weight(finding: Finding) -> int:
    """``risk x (1 + log2 reach)``: what touches a hundred files is worse than what touches one, not a hundred times."""
    return _WEIGHT[finding.level] * finding.reach.bit_length()
