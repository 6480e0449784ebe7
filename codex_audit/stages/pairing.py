"""Answers beside the definitions they answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from codex_audit.artifacts import CapabilitiesRaw, CapabilityAnswers, ProbeAnswer
from codex_audit.capabilities.model import Capability, Probe
from codex_evidence.errors import CodexError


class CatalogueMismatchError(CodexError):
    """An artifact that was made with another catalogue of probes than the one at hand."""

    exit_code = 4


def paired(
    raw: CapabilitiesRaw, catalogue: Sequence[Capability]
) -> tuple[tuple[Capability, CapabilityAnswers], ...]:
    """Each capability of ``catalogue`` with its answers, in catalogue order.

    Raises CatalogueMismatchError unless ``raw`` answers exactly the probes of ``catalogue``.
    """
    answers = {item.id: item for item in raw.capabilities}
    asked = {(capability.id, probe.id) for capability in catalogue for probe in capability.probes}
    answered = {(item.id, probe.id) for item in raw.capabilities for probe in item.probes}
    if odd := sorted(asked ^ answered):
        capability, probe = odd[0]
        what = "has no answer to" if odd[0] in asked else "answers the unknown"
        raise CatalogueMismatchError(
            f"capabilities_raw.json {what} probe {probe!r} of {capability!r}"
            f" ({len(odd)} such): another version made it; run the audit again from S1"
        )
    return tuple((capability, answers[capability.id]) for capability in catalogue if capability.id in answers)


def each_probe(capability: Capability, answers: CapabilityAnswers) -> Iterator[tuple[Probe, ProbeAnswer]]:
    """Each probe of ``capability`` with its answer, in catalogue order."""
    by_id = {answer.id: answer for answer in answers.probes}
    return ((probe, by_id[probe.id]) for probe in capability.probes)
