"""The capability matrix as one HTML file that needs no script, no network and no other file.

Text of the audited tree is escaped by the template engine. A policy in the file (CSP level 3) lets a browser use
nothing but this style sheet, so that an escape which somebody forgets one day still runs nothing and calls nobody.
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256

from codex_audit.reports.environment import html_environment
from codex_audit.reports.model import (
    ReportInput,
    Section,
    all_answers,
    omissions,
    sections,
    status_counts,
    verdict_counts,
    worst,
)
from codex_audit.reports.picture import picture
from codex_audit.reports.security import figures, worst_first
from codex_audit.reports.wording import readable, sentence
from codex_evidence.resources import template_folder

TEMPLATE = "capability_matrix.html.j2"
STYLES = "report.css"
MOST_FINDINGS = 200


def write(inputs: ReportInput) -> bytes:
    """The report as UTF-8. The same inputs and templates give the same bytes."""
    from markupsafe import Markup

    parts = sections(inputs)
    answers = all_answers(parts)
    styles = (template_folder() / STYLES).read_text(encoding="utf-8")
    report = html_environment(
        readable=readable, sentence=sentence, figures=figures, worst_first=worst_first
    ).get_template(TEMPLATE)
    return report.render(
        version=inputs.version,
        styles=Markup(styles),  # noqa: S704 - a file of this package
        styles_digest=b64encode(sha256(styles.encode()).digest()).decode(),
        index=inputs.index,
        facets=inputs.facets,
        scored=inputs.scored,
        words=inputs.words,
        sections=parts,
        gaps=by_need(parts),
        worst=worst(parts),
        picture=picture(parts, inputs.scored.threshold),
        statuses=status_counts(parts),
        verdicts=verdict_counts(answers),
        unknown=tuple(answer for answer in answers if answer.counted == "unknown"),
        overruled=tuple(answer for answer in answers if answer.differs),
        omissions=omissions(inputs),
        count_verdicts=verdict_counts,
        scan=inputs.scan,
        most_findings=MOST_FINDINGS,
        runs=inputs.runs,
    ).encode("utf-8")


def by_need(parts: tuple[Section, ...]) -> tuple[Section, ...]:
    """The capabilities with something to do: first those below the threshold, lowest score first, then the rest."""
    rest = (part for part in parts if not part.below and (part.gap.patch_plan or part.gap.reasons))
    return (*worst(parts), *rest)
