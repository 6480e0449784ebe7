"""S6: reports from the artifacts of the earlier stages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import codex_audit
from codex_audit.artifacts import CapabilitiesRaw, CapabilitiesScored, ContextIndex, Facets, Gaps
from codex_audit.capabilities.model import Capability
from codex_audit.reports.formats import FORMATS
from codex_audit.reports.model import ReportInput
from codex_evidence.errors import UsageError


def report_input(
    index: ContextIndex,
    facets: Facets,
    raw: CapabilitiesRaw,
    scored: CapabilitiesScored,
    gaps: Gaps,
    catalogue: Sequence[Capability],
) -> ReportInput:
    """The artifacts with the words of ``catalogue`` that reports quote."""
    questions = {probe.id: probe.ask for capability in catalogue for probe in capability.probes}
    return ReportInput(index, facets, raw, scored, gaps, questions, codex_audit.__version__)


def render_reports(inputs: ReportInput, formats: Iterable[str]) -> dict[str, bytes]:
    """The bytes of each report by the name of its format, in the order of the table of formats.

    Raises UsageError for a name that the table lacks.
    """
    wanted = set(formats)
    if odd := sorted(wanted - {row.name for row in FORMATS}):
        known = ", ".join(row.name for row in FORMATS)
        raise UsageError(f"no report format is called {odd[0]!a}; there are {known}")
    return {row.name: row.write(inputs) for row in FORMATS if row.name in wanted}
