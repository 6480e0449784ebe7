"""A short Markdown summary, for the page of a CI job and for a comment on a change."""

from __future__ import annotations

from codex_audit.reports.environment import environment
from codex_audit.reports.model import ReportInput, all_answers, sections, status_counts, verdict_counts, worst

TEMPLATE = "summary.md.j2"
MOST_STEPS = 5


def write(inputs: ReportInput) -> bytes:
    """The summary as UTF-8: a table of all capabilities and the cheapest step of each of the worst."""
    parts = sections(inputs)
    text = (
        environment()
        .get_template(TEMPLATE)
        .render(
            project=inputs.facets.project,
            scored=inputs.scored,
            sections=parts,
            statuses=status_counts(parts),
            verdicts=verdict_counts(all_answers(parts)),
            worst=[part for part in worst(parts) if part.gap.patch_plan][:MOST_STEPS],
            below=sum(part.below for part in parts),
            scan=inputs.scan,
        )
    )
    return text.encode("utf-8")
