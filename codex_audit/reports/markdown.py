"""The capability matrix as Markdown, from ``templates/``.

Whatever a template prints is escaped unless a filter made it Markdown, so that a template which forgets to
escape shows too many backslashes and never lets the audited tree write the report.
"""

from __future__ import annotations

from codex_audit.reports.environment import environment
from codex_audit.reports.model import (
    ReportInput,
    all_answers,
    omissions,
    sections,
    status_counts,
    verdict_counts,
    worst,
)
from codex_audit.reports.security import MOST_FINDINGS, counted, figures

TEMPLATE = "capability_matrix.md.j2"


def write(inputs: ReportInput) -> bytes:
    """The report as UTF-8. The same inputs and templates give the same bytes."""
    parts = sections(inputs)
    answers = all_answers(parts)
    report = environment(figures=figures).get_template(TEMPLATE)
    return report.render(
        version=inputs.version,
        index=inputs.index,
        facets=inputs.facets,
        scored=inputs.scored,
        questions=inputs.questions,
        sections=parts,
        worst=worst(parts),
        statuses=status_counts(parts),
        verdicts=verdict_counts(answers),
        unknown=tuple(answer for answer in answers if answer.counted == "unknown"),
        overruled=tuple(answer for answer in answers if answer.differs),
        omissions=omissions(inputs),
        count_verdicts=verdict_counts,
        scan=inputs.scan,
        found=counted(inputs.scan) if inputs.scan is not None else [],
        most_findings=MOST_FINDINGS,
        runs=inputs.runs,
    ).encode("utf-8")
