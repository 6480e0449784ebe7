"""S6: reports from the artifacts of the earlier stages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import codex_audit
from codex_audit.artifacts import (
    CapabilitiesRaw,
    CapabilitiesScored,
    ContextIndex,
    Facets,
    Gaps,
    TrainingRun,
)
from codex_audit.reports.formats import FORMATS
from codex_audit.reports.model import ReportInput
from codex_audit.reports.wording import Wording, wording_of
from codex_audit.scanners.model import ScanResults
from codex_evidence.errors import UsageError

if TYPE_CHECKING:
    from codex_audit.capabilities.model import Capability

__all__ = ["Wording", "render_reports", "report_input", "words_of"]


def report_input(
    index: ContextIndex,
    facets: Facets,
    raw: CapabilitiesRaw,
    scored: CapabilitiesScored,
    gaps: Gaps,
    words: dict[str, Wording],
    scan: ScanResults | None = None,
    runs: tuple[TrainingRun, ...] = (),
) -> ReportInput:
    """The artifacts with the words of each probe, which reports quote, and what stands beside them."""
    return ReportInput(index, facets, raw, scored, gaps, words, codex_audit.__version__, scan, runs)


def words_of(catalogue: Iterable[Capability]) -> dict[str, Wording]:
    """The words of each probe, by its id."""
    return {probe.id: wording_of(probe) for capability in catalogue for probe in capability.probes}


def render_reports(inputs: ReportInput, formats: Iterable[str]) -> dict[str, bytes]:
    """The bytes of each report by the name of its format, in the order of the table of formats.

    Raises UsageError for a name that the table lacks.
    """
    wanted = set(formats)
    if odd := sorted(wanted - {row.name for row in FORMATS}):
        known = ", ".join(row.name for row in FORMATS)
        raise UsageError(f"no report format is called {odd[0]!a}; there are {known}")
    return {row.name: row.write(inputs) for row in FORMATS if row.name in wanted}
