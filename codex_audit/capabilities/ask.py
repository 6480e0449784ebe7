"""Asking every probe: each is isolated, so that one failure costs one answer."""

from __future__ import annotations

from collections.abc import Mapping

from codex_audit.artifacts import CapabilityAnswers, Evidence, ProbeAnswer, Support, Verdict
from codex_audit.capabilities.grounds import counter_of, rule_of
from codex_audit.capabilities.model import Capability, Probe
from codex_audit.query.found import Found, one_a_line, ordered
from codex_audit.query.mentions import names_of_evidence
from codex_audit.query.ranking import best
from codex_audit.query.tree import Tree

Distance = tuple[str, int, int]
"""A path and two lines of it."""

MOST_EVIDENCE = 5
MOST_AGAINST = 100
"""How much is shown of what must go: each place is to be mended, and the gate compares them one by one."""
MOST_LOOKED_FOR = 40
_CODE_READERS = frozenset({"python", "notebook", "file"})


def ask_capability(
    tree: Tree, capability: Capability, disabled: Mapping[str, str]
) -> tuple[CapabilityAnswers, frozenset[Distance]]:
    """The answers of a capability's probes in their order, and every distance within a file that they wanted to know.
    ``disabled`` maps a probe to the reason given for it."""
    asked = [ask(tree, probe, disabled.get(probe.id, "")) for probe in capability.probes]
    answers = tuple(answer for answer, _ in asked)
    held = [found for (answer, found) in asked if answer.verdict == "yes"]
    distances = {(module.path, *lines) for module in tree.modules.every for lines in module.asked}
    support = _support(tree, answers, held)
    return CapabilityAnswers(capability.id, capability.title, answers, support), frozenset(distances)


def ask(tree: Tree, probe: Probe, disabled: str = "") -> tuple[ProbeAnswer, Found]:
    """The answer of one probe, and all that it found."""
    if disabled:
        reason = f"disabled in the workflow: {disabled}"
        return _unasked(probe, reason, "the settings disable the probe", "once the settings ask it"), Found()
    try:
        found = probe.check(tree)
    except Exception as failure:  # noqa: BLE001 - the answer says so, and the other probes still answer
        reason = f"this probe failed ({type(failure).__name__}: {failure}); please report it"
        return _unasked(probe, reason, "the probe failed", "once the probe is mended"), Found()
    return _judge(tree, probe, found), found


def _judge(tree: Tree, probe: Probe, found: Found) -> ProbeAnswer:
    if found.not_applicable:
        return _answer(probe, "not_applicable", found.not_applicable, found)
    if found and probe.by_absence and not tree.has_code:
        return _answer(probe, "not_applicable", "the tree holds no code", found)
    if found and (found.evidence or probe.by_absence):
        shown = best(found.evidence, probe.id, tree.standing, MOST_EVIDENCE)
        first = shown[0].why if shown else "nothing of the kind was found"
        return _answer(probe, "yes", found.reason or first, found, shown)
    broken = _might_matter(tree, found)
    if broken:
        return _answer(probe, "unknown", broken, found)
    return _answer(probe, "no", found.reason or _nothing(found), found)


def _nothing(found: Found) -> str:
    """The sentence of a no; what came nearest stands in it, because that is what a reader would object with."""
    if found.half:
        return found.half
    if not found.near:
        return "nothing that counts was found"
    near = found.near[0]
    return f"nothing that counts was found; nearest is {near.path}:{near.line}, {near.why}"


def _might_matter(tree: Tree, found: Found) -> str:
    """Why the answer cannot be known: a file that could not be read names something that was looked for."""
    for file in tree.files:
        if file.facets & {"vendored", "generated", "test"}:
            continue
        for unread in file.unread:
            # A call cannot hide in a configuration file, nor a setting of a tool in code.
            wanted = found.words if unread.reader in _CODE_READERS else found.file_words
            named = sorted(wanted & unread.words)
            if named:
                place = f"{file.path}:{unread.line}" if unread.line else file.path
                return f"{place} could not be read ({unread.reason}) and names {named[0]}"
    return ""


def _answer(
    probe: Probe, verdict: Verdict, reason: str, found: Found, evidence: tuple[Evidence, ...] = ()
) -> ProbeAnswer:
    most = MOST_AGAINST if probe.by_absence and verdict == "no" else MOST_EVIDENCE
    near = one_a_line(ordered(found.near))[:most] if verdict != "yes" else ()
    looked_for = found.looked_for[:MOST_LOOKED_FOR]
    return ProbeAnswer(
        id=probe.id,
        verdict=verdict,
        reason=reason,
        rule=rule_of(probe, verdict, found, evidence),
        evidence=evidence,
        looked_for=looked_for,
        near=near,
        places=len(one_a_line(found.evidence)) if verdict == "yes" else 0,
        counter=counter_of(probe, verdict, found, evidence),
    )


def _unasked(probe: Probe, reason: str, rule: str, once: str) -> ProbeAnswer:
    return ProbeAnswer(probe.id, "unknown", reason, (), (), (), rule=rule, counter=(f"yes or no, {once}",))


def _support(tree: Tree, answers: tuple[ProbeAnswer, ...], held: list[Found]) -> Support:
    cited = {item.path for answer in answers if answer.verdict == "yes" for item in answer.evidence}
    kept = [
        Found(evidence=tuple(item for item in found.evidence if item.path in cited and item.place != "test"))
        for found in held
    ]
    exercised = sorted({item.path for found in kept for item in found.evidence if tree.is_tested(item)})
    documented = sorted(
        answer.id
        for answer in answers
        if answer.verdict == "yes" and any(_documented(tree, e) for e in answer.evidence)
    )
    return Support(tuple(exercised), tuple(documented))


def _documented(tree: Tree, evidence: Evidence) -> bool:
    return not tree.doc_words.isdisjoint(names_of_evidence(evidence))
