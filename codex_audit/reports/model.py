"""What every report is made from, and the views of it that they share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

from codex_audit.artifacts import (
    CapabilitiesRaw,
    CapabilitiesScored,
    CapabilityAnswers,
    CapabilityScore,
    ContextIndex,
    Evidence,
    Facets,
    Gap,
    Gaps,
    ProbeAnswer,
    Status,
    TrainingRun,
    Verdict,
)
from codex_audit.reports.wording import Wording
from codex_audit.scanners.model import ScanResults

STATUSES: tuple[Status, ...] = get_args(Status)
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)


@dataclass(frozen=True, slots=True)
class ReportInput:
    """The artifacts of S1 to S5, the version of the tool, and the words of each probe by its id.

    ``scan`` and ``runs`` stand beside the audit: what scanners found in this very tree, None where no scan fits it, and
    the run folders of the tree. A report knows no date: whoever fills ``scan`` leaves out the suppressions that no
    longer hold.
    """

    index: ContextIndex
    facets: Facets
    raw: CapabilitiesRaw
    scored: CapabilitiesScored
    gaps: Gaps
    words: Mapping[str, Wording]
    version: str
    scan: ScanResults | None = None
    runs: tuple[TrainingRun, ...] = ()

    @property
    def questions(self) -> dict[str, str]:
        """What each probe asks, by its id."""
        return {probe: words.ask for probe, words in self.words.items()}


@dataclass(frozen=True, slots=True)
class Section:
    """All that a report says of one capability."""

    score: CapabilityScore
    answers: CapabilityAnswers
    gap: Gap
    below: bool

    def having(self, *verdicts: Verdict) -> tuple[ProbeAnswer, ...]:
        """The answers that count as one of ``verdicts``, in catalogue order."""
        return tuple(answer for answer in self.answers.probes if answer.counted in verdicts)

    def first_evidence(self) -> Evidence | None:
        """The best place of the first probe that has one."""
        return next((answer.evidence[0] for answer in self.having("yes") if answer.evidence), None)


@dataclass(frozen=True, slots=True)
class Omission:
    """A file that was not read, or not by one of its readers; ``line`` is 0 when the whole file is meant."""

    path: str
    line: int
    reason: str


def sections(inputs: ReportInput) -> tuple[Section, ...]:
    """One section a capability, in the order of the scores."""
    answers = {item.id: item for item in inputs.raw.capabilities}
    gaps = {item.capability: item for item in inputs.gaps.plans}
    below = frozenset(inputs.gaps.below)
    return tuple(
        Section(score, answers[score.id], gaps[score.id], score.id in below)
        for score in inputs.scored.capabilities
    )


def worst(parts: tuple[Section, ...]) -> tuple[Section, ...]:
    """The sections below the threshold, lowest score first."""
    return tuple(sorted((part for part in parts if part.below), key=lambda part: part.score.score))


def status_counts(parts: tuple[Section, ...]) -> dict[str, int]:
    """How many capabilities have each status, zeros included."""
    counts = Counter(part.score.status for part in parts)
    return {status: counts[status] for status in STATUSES}


def verdict_counts(answers: tuple[ProbeAnswer, ...]) -> dict[str, int]:
    """How many of ``answers`` count as each verdict, zeros included."""
    counts = Counter(answer.counted for answer in answers)
    return {verdict: counts[verdict] for verdict in VERDICTS}


def all_answers(parts: tuple[Section, ...]) -> tuple[ProbeAnswer, ...]:
    """The answers of every section in order."""
    return tuple(answer for part in parts for answer in part.answers.probes)


def omissions(inputs: ReportInput) -> tuple[Omission, ...]:
    """What was listed and not read, with the reason: first from the listing, then from the readers."""
    listed = [Omission(entry.path, 0, entry.note) for entry in inputs.index.files if entry.note]
    unread = [
        Omission(item.path, item.line, f"{item.reader}: {item.reason}") for item in inputs.facets.unread
    ]
    return (*listed, *unread)
