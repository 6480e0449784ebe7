"""The score as a badge: an SVG of two fields that needs no font and no network."""

from __future__ import annotations

from codex_audit.reports.environment import html_environment
from codex_audit.reports.model import ReportInput

TEMPLATE = "badge.svg.j2"
LABEL = "capabilities"

# White text on each of these has a contrast of at least 4.5 (WCAG 2.2, 1.4.3).
GOOD, FAIR, POOR = "#157f3d", "#8a5a00", "#b3261e"
_ADVANCE, _PAD = 7, 12


def write(inputs: ReportInput) -> bytes:
    """The badge as UTF-8."""
    scored = inputs.scored
    figure = f"{scored.score:.2f}"
    left, right = _width(LABEL), _width(figure)
    text = (
        html_environment()
        .get_template(TEMPLATE)
        .render(
            label=LABEL,
            figure=figure,
            colour=colour(scored.score, scored.threshold),
            left=left,
            width=left + right,
            label_width=left - _PAD,
            figure_width=right - _PAD,
            label_middle=left / 2,
            figure_middle=left + right / 2,
        )
    )
    return text.encode("utf-8")


def colour(score: float, threshold: float) -> str:
    """Green from the threshold on, amber from half of it on, else red."""
    if score >= threshold:
        return GOOD
    return FAIR if score >= threshold / 2 else POOR


def _width(text: str) -> int:
    return _ADVANCE * len(text) + _PAD
