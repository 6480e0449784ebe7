"""S6: reports from the artifacts of the earlier stages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import codex_audit
from codex_audit.artifacts import CapabilitiesRaw, CapabilitiesScored, ContextIndex, Facets, Gaps
from codex_audit.reports.formats import FORMATS
from codex_audit.reports.model import ReportInput
from codex_evidence.errors import UsageError

if TYPE_CHECKING:
    from codex_audit.capabilities.model import Capability


def report_input(
    index: ContextIndex,
    facets: Facets,
    raw: CapabilitiesRaw,
    scored: CapabilitiesScored,
    gaps: Gaps,
    questions: dict[str, str],
) -> ReportInput:
    """The artifacts with what each probe asks, which reports quote."""
    return ReportInput(index, facets, raw, scored, gaps, questions, codex_audit.__version__)


def questions_of(catalogue: Iterable[Capability]) -> dict[str, str]:
    """What each probe asks, by its id."""
    return {probe.id: probe.ask for capability in catalogue for probe in capability.probes}


def render_reports(inputs: ReportInput, formats: Iterable[str]) -> dict[str, bytes]:
    """The bytes of each report by the name of its format, in the order of the table of formats.

    Raises UsageError for a name that the table lacks.
    """
    wanted = set(formats)
    if odd := sorted(wanted - {row.name for row in FORMATS}):
        known = ", ".join(row.name for row in FORMATS)
        raise UsageError(f"no report format is called {odd[0]!a}; there are {known}")
    return {row.name: row.write(inputs) for row in FORMATS if row.name in wanted}
