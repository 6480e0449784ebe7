"""The seven-column table: what is there, what is missing, what that risks, how to mend it and how to go back."""

from __future__ import annotations

import re

from codex_audit.artifacts import CapabilityAnswers, CapabilityScore, Gap, PatchStep, ProbeAnswer
from codex_audit.status.known import Known
from codex_audit.status.model import Artifact, CapabilityRow, Citation, Lack
from codex_audit.status.words import names

_ARTIFACTS = 3
_STEPS = 2
_AWAY = {"tests": "most of its tests", "documentation": "most of its documentation"}
_SHARE = re.compile(r"([\d.]+) of (\d+) findings")
_REPOSITORY = "Ask the repository: a source distribution cannot tell."
# By component of the score: what a low one means, what it risks and how to take the remedy back.
_LOW = {
    "tests": ("tests reach", "What no test reaches breaks unnoticed.", "Delete the test."),
    "documentation": (
        "the documentation names",
        "Users cannot find what is there.",
        "Take the sentence out.",
    ),
}


def capability_rows(known: Known) -> tuple[CapabilityRow, ...]:
    """One row a capability, in the order of the catalogue."""
    answers = {item.id: item for item in known.raw.capabilities}
    plans = {item.capability: item for item in known.gaps.plans}
    return tuple(
        _row(score, answers[score.id], plans[score.id], known) for score in known.scored.capabilities
    )


def _row(score: CapabilityScore, answers: CapabilityAnswers, plan: Gap, known: Known) -> CapabilityRow:
    shown = [answer for answer in answers.probes if answer.counted == "yes" and answer.evidence]
    shown.sort(key=lambda answer: not known.probes[answer.id].core)
    open_probes = [answer for answer in answers.probes if answer.counted in ("no", "unknown")]
    open_probes.sort(key=lambda answer: (answer.counted == "unknown", not known.probes[answer.id].core))
    gaps = [answer for answer in open_probes if answer.id not in known.unshipped]
    away = [answer.id for answer in open_probes if answer.id in known.unshipped]
    low = [part for part in _LOW if _is_low(part, score, known)]
    if known.unshipped:
        away, low = [*away, *low], []
    ways = [
        (known.probes[step.probe].risk, step_sentence(step), known.probes[step.probe].rollback)
        for step in plan.patch_plan
        if step.probe not in known.unshipped
    ]
    ways += [(_LOW[part][1], _support_step(part, shown, answers), _LOW[part][2]) for part in low]
    ways = [way for way in ways if way[1]][:_STEPS]
    return CapabilityRow(
        id=score.id,
        title=score.title,
        status=score.status,
        score=score.score,
        artifacts=_artifacts(shown[:_ARTIFACTS], known),
        more=max(0, len(shown) - _ARTIFACTS),
        gaps=tuple(_lack(answer, known) for answer in gaps),
        unshipped=tuple(_AWAY.get(name) or lowered(known.probes[name].ask) for name in away),
        held=tuple(_held(part, score.components[part].basis) for part in low),
        risks=tuple(dict.fromkeys(way[0] for way in ways)),
        plan=tuple(way[1] for way in ways) or ((_REPOSITORY,) if away else ()),
        rollback=tuple(dict.fromkeys(way[2] for way in ways)),
    )


def _is_low(part: str, score: CapabilityScore, known: Known) -> bool:
    """Whether tests or documentation keep the capability down; said only where it is not well above the threshold."""
    component = score.components[part]
    return (
        score.score < known.scored.threshold
        and component.value is not None
        and component.value < known.scored.threshold
    )


def _held(part: str, basis: str) -> str:
    """The part of a component's sentence that is about what was found; what probes say stands among the gaps."""
    match = _SHARE.search(basis)
    share = f"{100 * float(match[1]) / float(match[2]):.0f}%" if match and float(match[2]) else "none"
    return f"{_LOW[part][0]} {share} of what was found"


def _support_step(part: str, shown: list[ProbeAnswer], answers: CapabilityAnswers) -> str:
    """What to test or to name in the documentation: the best places of what counts and is not."""
    if part == "tests":
        bare = [a.evidence[0].path for a in shown if a.evidence[0].path not in answers.support.exercised]
        where = names(list(dict.fromkeys(bare))[:2])
        return f"Let an asserting test reach {where} (hours)." if bare else ""
    unnamed = [a.evidence[0].symbol for a in shown if a.id not in answers.support.documented]
    plain = [symbol for symbol in dict.fromkeys(unnamed) if symbol.replace(".", "").isidentifier()]
    return f"Name {names(plain[:2])} in the documentation (minutes)." if plain else ""


def _artifacts(answers: list[ProbeAnswer], known: Known) -> tuple[Artifact, ...]:
    """Each at the best place that is not shown already."""
    found: list[Artifact] = []
    shown: set[str] = set()
    for answer in answers:
        place = fresh_place(answer, shown, known)
        found.append(Artifact(known.probes[answer.id].ask, place))
    return tuple(found)


def fresh_place(answer: ProbeAnswer, shown: set[str], known: Known) -> Citation:
    """The best place of an answer that is not in ``shown``, the best of all where each is; adds it there."""
    fresh = [item for item in answer.evidence if f"{item.path}:{item.line}" not in shown]
    place = known.cite((fresh or list(answer.evidence))[0])
    shown.add(place.place)
    return place


def _lack(answer: ProbeAnswer, known: Known) -> Lack:
    probe = known.probes[answer.id]
    mark = " (unknown)" if answer.counted == "unknown" else " (needed)" if probe.core else ""
    near = known.cite(answer.near[0]) if probe.by_absence and answer.near else None
    return Lack(f"{lowered(probe.ask)}{mark}", near)


def step_sentence(step: PatchStep) -> str:
    """What to do, where and how long it takes. A file that the step names already is not named again."""
    files = [path for path in step.files if path.rpartition("/")[2] not in step.text]
    new_files = [path for path in step.new_files if path.rpartition("/")[2] not in step.text]
    where = f", in {names(files, 2)}" if files else ""
    new = f", in a new {names(new_files, 2)}" if new_files else ""
    return f"{step.text.removesuffix('.')}{where}{new} ({step.effort})."


def lowered(ask: str) -> str:
    """A question in the middle of a sentence; acronyms stay as they are."""
    first = ask.split(" ")[0]
    return ask if len(first) > 1 and first.isupper() else f"{ask[:1].lower()}{ask[1:]}"
