"""S5: for every capability what is missing, the risk of it, the smallest patch plan and the way back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from codex_audit.artifacts import (
    CapabilitiesRaw,
    CapabilitiesScored,
    CapabilityAnswers,
    CapabilityScore,
    ContextIndex,
    Effort,
    Evidence,
    Facets,
    Gap,
    Gaps,
    PatchStep,
    ProbeAnswer,
)
from codex_audit.capabilities.model import Capability, Probe
from codex_audit.stages.pairing import each_probe, paired
from codex_audit.stages.scoring import STUB_MARK, score_capability
from codex_audit.stages.touches import Ground, Resolved, ground_of, resolve

SCHEMA = "codex-audit/gaps/v1"

_EFFORTS: tuple[Effort, ...] = ("minutes", "hours", "days")


def plan_gaps(
    raw: CapabilitiesRaw,
    scored: CapabilitiesScored,
    catalogue: Sequence[Capability],
    index: ContextIndex,
    facets: Facets,
) -> Gaps:
    """A plan for every capability of ``catalogue``; those below the threshold are named in ``below``.

    Raises CatalogueMismatchError when ``raw`` answers other probes than ``catalogue`` asks.
    """
    ground = ground_of(index, facets, raw)
    scores = {item.id: item for item in scored.capabilities}
    plans = tuple(
        _plan(_Case(capability, answers, scores[capability.id], scored, raw.has_code), ground)
        for capability, answers in paired(raw, catalogue)
    )
    below = tuple(plan.capability for plan in plans if plan.score < scored.threshold)
    return Gaps(SCHEMA, scored.threshold, below, plans)


@dataclass(frozen=True, slots=True)
class _Case:
    """One capability with all that is known of it."""

    capability: Capability
    answers: CapabilityAnswers
    score: CapabilityScore
    scored: CapabilitiesScored
    has_code: bool

    def open_probes(self) -> tuple[tuple[Probe, ProbeAnswer], ...]:
        """The probes that are neither yes nor not applicable."""
        pairs = each_probe(self.capability, self.answers)
        return tuple(pair for pair in pairs if pair[1].counted in ("no", "unknown"))


def _plan(case: _Case, ground: Ground) -> Gap:
    missing = [pair for pair in case.open_probes() if pair[1].counted == "no"]
    rollbacks = {probe.id: probe.rollback for probe, _ in missing}
    steps = sorted((_step(case, probe, answer, ground) for probe, answer in missing), key=_order)
    return Gap(
        capability=case.capability.id,
        title=case.capability.title,
        status=case.score.status,
        score=case.score.score,
        reasons=tuple(_reasons(case, steps)),
        risks=_unique(probe.risk for probe, _ in case.open_probes()),
        patch_plan=tuple(steps),
        rollback=_unique(rollbacks[step.probe] for step in steps),
    )


def _order(step: PatchStep) -> tuple[int, float, str]:
    """The cheapest first, then what is worth most."""
    return _EFFORTS.index(step.effort), -step.gain, step.probe


def _step(case: _Case, probe: Probe, answer: ProbeAnswer, ground: Ground) -> PatchStep:
    resolved = _where(case, probe, answer, ground)
    return PatchStep(
        probe=probe.id,
        text=probe.remedy.text,
        effort=probe.remedy.effort,
        files=resolved.files,
        new_files=resolved.new,
        gain=_gain(case, probe, resolved),
    )


def _where(case: _Case, probe: Probe, answer: ProbeAnswer, ground: Ground) -> Resolved:
    """Where the change goes. A yes by absence is missing because of the places that speak against it."""
    against = _unique(place.path for place in answer.near)
    if probe.by_absence and against:
        return Resolved(files=against, new=())
    return resolve(probe.remedy.touches, ground, fallback=f"{case.capability.id.replace('-', '_')}.py")


def _gain(case: _Case, probe: Probe, resolved: Resolved) -> float:
    """What the score would rise by if ``probe`` were yes where the step puts it, tested and documented."""
    # A path of its own, so that the test that comes with the change speaks for no other finding of that file.
    path = "planned/" + (*resolved.files, *resolved.new)[0]
    place = Evidence(path, 1, "", "planned", "library", "called", probe.id)
    support = replace(
        case.answers.support,
        exercised=(*case.answers.support.exercised, path),
        documented=(*case.answers.support.documented, probe.id),
    )
    probes = tuple(
        replace(answer, verdict="yes", evidence=(place,), overruled=None) if answer.id == probe.id else answer
        for answer in case.answers.probes
    )
    better = replace(case.answers, probes=probes, support=support)
    after = score_capability(
        case.capability, better, case.scored.weights, case.scored.threshold, has_code=True
    )
    return round(max(0.0, after.score - case.score.score), 4)


def _reasons(case: _Case, steps: Sequence[PatchStep]) -> Iterator[str]:
    """Why the score is what it is: the threshold, each open probe, each weak component, each stub."""
    score, threshold = case.score.score, case.scored.threshold
    if score < threshold:
        yield f"The score {score:.2f} is below the threshold {threshold:.2f}."
    gains = {step.probe: step.gain for step in steps}
    for probe, answer in case.open_probes():
        core = ", and the capability needs it to count as implemented" if probe.core else ""
        worth = _worth(score, gains.get(probe.id, 0.0))
        yield f"{probe.id} is {answer.counted}{core}: {_sentence(answer.sentence)}{worth}"
    for name, component in case.score.components.items():
        if name != "functionality" and component.value is not None and component.value < threshold:
            yield f"The component {name} is {component.value:.2f}: {component.basis}."
    for answer in case.answers.probes:
        for place in answer.near:
            if place.why.startswith(STUB_MARK):
                yield f"{answer.id} has a stub at {place.path}:{place.line}."


def _worth(score: float, gain: float) -> str:
    if not gain:
        return ""
    return f" A yes, tested and documented, would raise the score from {score:.2f} to {score + gain:.2f}."


def _sentence(reason: str) -> str:
    text = reason.strip() or "no reason was given"
    return text if text[-1] in ".!?" else f"{text}."


def _unique(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))
