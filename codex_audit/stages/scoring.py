"""S4: scores and statuses from the answers of S3, with the arithmetic behind each.

Figures are rounded to four digits before they are combined, effective weights included, so that the printed
arithmetic adds up to the printed score exactly and on any machine.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction

from codex_audit.artifacts import (
    CapabilitiesRaw,
    CapabilitiesScored,
    CapabilityAnswers,
    CapabilityScore,
    ComponentScore,
    Status,
)
from codex_audit.capabilities.model import Capability
from codex_audit.stages.components import Measure, Share, is_yes, measures
from codex_audit.stages.pairing import each_probe, paired
from codex_audit.workflow.settings import COMPONENTS
from codex_evidence.errors import UsageError

SCHEMA = "codex-audit/capabilities_scored/v1"
STUB_MARK = "stub:"
"""How the reason of a near miss begins when the place is a stub of what was looked for."""

_UNIT = 10_000
"""Figures are integers of 1/_UNIT until they are written."""


def score_capabilities(
    raw: CapabilitiesRaw,
    catalogue: Sequence[Capability],
    weights: Mapping[str, float],
    threshold: float,
) -> CapabilitiesScored:
    """Scores every capability of ``catalogue``; the overall figures are plain means over them.

    ``weights`` has one number >= 0 for each component and is normalised to a sum of 1. Raises UsageError for
    other weights and CatalogueMismatchError when ``raw`` answers other probes than ``catalogue`` asks.
    """
    shares = normalised(weights)
    scores = tuple(
        score_capability(capability, answers, shares, threshold, raw.has_code)
        for capability, answers in paired(raw, catalogue)
    )
    return CapabilitiesScored(
        schema=SCHEMA,
        weights=shares,
        threshold=threshold,
        score=_mean([item.score for item in scores]),
        low=_mean([item.low for item in scores]),
        high=_mean([item.high for item in scores]),
        capabilities=scores,
    )


def score_capability(
    capability: Capability,
    answers: CapabilityAnswers,
    weights: Mapping[str, float],
    threshold: float,
    has_code: bool,
) -> CapabilityScore:
    """The score of one capability under normalised ``weights``.

    A component without a known item leaves the score and its weight goes to the others in proportion; in the
    bounds it counts as 0 and as 1 as long as it has items at all.
    """
    measured = measures(capability, answers, has_code)
    judged = {
        name: measure.share
        for name, measure in measured.items()
        if measure.share is not None and weights[name] > 0
    }
    values = {name: _units(share.value) for name, share in judged.items() if share.value is not None}
    known = _effective(weights, values)
    score = _weighted(known, values)
    bounds = _effective(weights, judged)
    low = min(score, _weighted(bounds, {name: _units(share.low) for name, share in judged.items()}))
    high = max(score, _weighted(bounds, {name: _units(share.high) for name, share in judged.items()}))
    return CapabilityScore(
        id=capability.id,
        title=capability.title,
        status=_status(capability, answers, has_code, reaches=score / _UNIT >= threshold),
        score=score / _UNIT,
        low=low / _UNIT,
        high=high / _UNIT,
        components={name: _component(measured[name], known.get(name, 0)) for name in COMPONENTS},
        arithmetic=_arithmetic(known, values, score),
    )


def normalised(weights: Mapping[str, float]) -> dict[str, float]:
    """``weights`` divided by their sum, in the order of the components."""
    if odd := sorted(set(weights) ^ set(COMPONENTS)):
        raise UsageError(
            f"weights: {odd[0]!r} is missing or unknown; give one for each of {', '.join(COMPONENTS)}"
        )
    bad = [name for name in COMPONENTS if not (math.isfinite(weights[name]) and weights[name] >= 0)]
    if bad or not any(weights.values()):
        name = bad[0] if bad else "all"
        raise UsageError(f"weights: {name} must be a number of at least 0, and one of them above 0")
    exact = {name: Fraction(repr(float(weights[name]))) for name in COMPONENTS}
    total = sum(exact.values())
    return {name: float(weight / total) for name, weight in exact.items()}


def _status(capability: Capability, answers: CapabilityAnswers, has_code: bool, *, reaches: bool) -> Status:
    """What the answers allow to say. Tests alone and a yes by absence leave a capability absent. *verified*
    is never given here: it is reserved for what a checked run proves, and S3 reads files only."""
    pairs = tuple(each_probe(capability, answers))
    bearing = [item for probe, item in pairs if probe.component != "tests"]
    if not any(item.counted == "yes" and item.evidence for item in bearing):
        stub = any(place.why.startswith(STUB_MARK) for item in bearing for place in item.near)
        return "stubbed" if stub else "absent"
    core = [item for probe, item in pairs if probe.core and item.counted != "not_applicable"]
    return "implemented" if reaches and all(is_yes(item, has_code) for item in core) else "partial"


def _effective(weights: Mapping[str, float], names: Mapping[str, object]) -> dict[str, int]:
    """The weights of ``names`` in units that sum to exactly _UNIT, by largest remainder."""
    exact = {name: Fraction(repr(weights[name])) for name in names}
    total = sum(exact.values())
    scaled = {name: weight * _UNIT / total for name, weight in exact.items()}
    floors = {name: math.floor(weight) for name, weight in scaled.items()}
    missing = (_UNIT if names else 0) - sum(floors.values())
    by_remainder = sorted(names, key=lambda name: (floors[name] - scaled[name], COMPONENTS.index(name)))
    return {name: floors[name] + (name in by_remainder[:missing]) for name in names}


def _weighted(weights: Mapping[str, int], values: Mapping[str, int]) -> int:
    return round(Fraction(sum(weights[name] * values[name] for name in weights), _UNIT))


def _units(share: Fraction) -> int:
    return round(share * _UNIT)


def _component(measure: Measure, weight: int) -> ComponentScore:
    share = measure.share or Share(None, Fraction(0), Fraction(0))
    value = None if share.value is None else _units(share.value)
    return ComponentScore(
        value=None if value is None else value / _UNIT,
        low=_units(share.low) / _UNIT,
        high=_units(share.high) / _UNIT,
        weight=weight / _UNIT,
        contribution=weight * (value or 0) / _UNIT**2,
        basis=measure.basis,
    )


def _arithmetic(weights: Mapping[str, int], values: Mapping[str, int], score: int) -> str:
    """``0.2500*0.6667 + ... = 0.7120`` in the order of the components, then whose weight the others share."""
    terms = [f"{weights[name] / _UNIT:.4f}*{values[name] / _UNIT:.4f}" for name in values]
    line = f"{' + '.join(terms) or '0'} = {score / _UNIT:.4f}"
    left = [name for name in COMPONENTS if name not in values]
    if not left:
        return line
    if not terms:
        return f"{line} (no component has a known answer)"
    return f"{line} (without {', '.join(left)}, whose weight the others share)"


def _mean(figures: Sequence[float]) -> float:
    if not figures:
        return 0.0
    return round(Fraction(sum(round(figure * _UNIT) for figure in figures), len(figures))) / _UNIT
