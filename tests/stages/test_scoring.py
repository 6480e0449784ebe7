"""Scores add up, unknown answers widen and never lower, and nothing is earned by absence alone."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_audit.artifacts import CapabilityAnswers, CapabilityScore, Evidence, Support, Verdict
from codex_audit.capabilities.model import Capability, Component
from codex_audit.reports.model import STATUSES
from codex_audit.stages.pairing import CatalogueMismatchError
from codex_audit.stages.scoring import score_capabilities
from codex_audit.workflow.settings import COMPONENTS
from codex_evidence.errors import UsageError
from tests.reports.samples import (
    READ,
    READING,
    SAVED,
    SAVING,
    WEIGHTS,
    answer,
    answers,
    evidence,
    overruled,
    probe,
    raw,
)

MIXED = Capability(
    "saving",
    "Saving",
    "",
    (
        probe("saving.a", core=True),
        probe("saving.b"),
        probe("saving.c"),
        probe("saving.d", "safeguards"),
        probe("saving.e", "safeguards", by_absence=True),
        probe("saving.f", "tests"),
        probe("saving.g", "documentation"),
    ),
)
PLACES = (
    evidence("pkg/a.py"),
    evidence("pkg/b.py", place="example"),
    evidence("pkg/c.py", strength="imported"),
    evidence("config.yaml", place="config", strength="declared"),
    evidence("CHANGES.md", place="docs", strength="declared"),
    evidence("tests/test_a.py", place="test"),
)
VERDICTS: tuple[Verdict, ...] = ("yes", "no", "unknown", "not_applicable")


def scored(
    capability: Capability, given_answers: CapabilityAnswers, *, has_code: bool = True
) -> CapabilityScore:
    made = score_capabilities(raw(given_answers, has_code=has_code), (capability,), WEIGHTS, 0.7)
    return made.capabilities[0]


@st.composite
def any_answers(draw: st.DrawFn) -> CapabilityAnswers:
    items = []
    for each in MIXED.probes:
        verdict = draw(st.sampled_from(VERDICTS))
        places = draw(st.lists(st.sampled_from(PLACES), unique=True, min_size=not each.by_absence))
        items.append(answer(each.id, verdict, *(places if verdict == "yes" else ())))
    exercised = draw(st.sets(st.sampled_from([place.path for place in PLACES])))
    documented = draw(st.sets(st.sampled_from([each.id for each in MIXED.probes])))
    return answers(*items, support=Support(tuple(sorted(exercised)), tuple(sorted(documented))))


def turned(
    given_answers: CapabilityAnswers, position: int, verdict: Verdict, *places: Evidence
) -> CapabilityAnswers:
    probes = list(given_answers.probes)
    probes[position] = replace(probes[position], verdict=verdict, evidence=places)
    return replace(given_answers, probes=tuple(probes))


def recomputed(arithmetic: str) -> Decimal:
    terms = re.findall(r"(\d\.\d{4})\*(\d\.\d{4})", arithmetic.partition(" = ")[0])
    total = sum((Decimal(weight) * Decimal(value) for weight, value in terms), Decimal(0))
    return total.quantize(Decimal("0.0001"), rounding=ROUND_HALF_EVEN)


@given(any_answers())
def test_the_printed_arithmetic_adds_up_to_the_score(given_answers: CapabilityAnswers) -> None:
    score = scored(MIXED, given_answers)
    stated = re.search(r" = (\d\.\d{4})", score.arithmetic)
    assert stated is not None
    assert recomputed(score.arithmetic) == Decimal(stated[1]) == Decimal(f"{score.score:.4f}")
    total = sum(component.contribution for component in score.components.values())
    assert total == pytest.approx(score.score, abs=0.000051)


@given(any_answers())
def test_effective_weights_sum_to_one_unless_nothing_is_known(given_answers: CapabilityAnswers) -> None:
    components = scored(MIXED, given_answers).components
    weights = [Decimal(str(item.weight)) for item in components.values()]
    known = any(item.value is not None for item in components.values())
    assert sum(weights) == (1 if known else 0)


@given(any_answers())
def test_the_score_lies_within_its_bounds(given_answers: CapabilityAnswers) -> None:
    score = scored(MIXED, given_answers)
    assert 0 <= score.low <= score.score <= score.high <= 1
    for component in score.components.values():
        assert component.value is None or component.low <= component.value <= component.high


@given(any_answers(), st.integers(0, len(MIXED.probes) - 1))
def test_a_no_that_becomes_unknown_never_lowers_the_score(
    given_answers: CapabilityAnswers, position: int
) -> None:
    no, unknown = (scored(MIXED, turned(given_answers, position, verdict)) for verdict in ("no", "unknown"))
    assert unknown.score >= no.score
    assert unknown.high >= no.high


@given(any_answers(), st.integers(0, len(MIXED.probes) - 1))
def test_a_yes_that_becomes_unknown_never_raises_the_lower_bound(
    given_answers: CapabilityAnswers, position: int
) -> None:
    before = scored(MIXED, given_answers)
    after = scored(MIXED, turned(given_answers, position, "unknown"))
    if given_answers.probes[position].verdict == "yes":
        assert after.low <= before.low
        assert after.high >= before.high


@given(any_answers(), st.integers(0, len(MIXED.probes) - 1), st.sampled_from(PLACES))
def test_whatever_an_unknown_turns_out_to_be_lies_within_the_bounds(
    given_answers: CapabilityAnswers, position: int, place: Evidence
) -> None:
    bounds = scored(MIXED, turned(given_answers, position, "unknown"))
    no = scored(MIXED, turned(given_answers, position, "no"))
    yes = scored(MIXED, turned(given_answers, position, "yes", place))
    assert bounds.low <= no.score <= bounds.high
    assert bounds.low <= yes.score <= bounds.high


def ruled(
    given_answers: CapabilityAnswers, positions: set[int], verdict: Literal["yes", "no"]
) -> CapabilityAnswers:
    probes = tuple(
        overruled(item, verdict) if position in positions else item
        for position, item in enumerate(given_answers.probes)
    )
    return replace(given_answers, probes=probes)


ANY_POSITIONS = st.sets(st.integers(0, len(MIXED.probes) - 1))


@given(any_answers(), ANY_POSITIONS)
def test_overruling_to_yes_leaves_the_score_and_only_widens_its_bounds(
    given_answers: CapabilityAnswers, positions: set[int]
) -> None:
    before = scored(MIXED, given_answers)
    after = scored(MIXED, ruled(given_answers, positions, "yes"))
    assert after.score == before.score
    assert STATUSES.index(after.status) <= STATUSES.index(before.status)
    assert after.low <= before.low + 0.0001
    assert after.high >= before.high - 0.0001


@given(any_answers(), ANY_POSITIONS)
def test_overruling_to_no_scores_as_if_the_audit_had_said_no(
    given_answers: CapabilityAnswers, positions: set[int]
) -> None:
    plain = given_answers
    for position in positions:
        plain = turned(plain, position, "no")
    assert scored(MIXED, ruled(given_answers, positions, "no")) == scored(MIXED, plain)


def test_a_no_overruled_to_yes_counts_as_unknown_and_the_basis_says_so() -> None:
    every = [answer(each.id, "yes", PLACES[0]) for each in MIXED.probes]
    every[1] = answer("saving.b", "no")
    before = scored(MIXED, answers(*every))
    after = scored(MIXED, answers(every[0], overruled(every[1], "yes"), *every[2:]))
    assert overruled(every[1], "yes").counted == "unknown"
    assert (after.score, before.high) == (before.score, before.score)
    assert after.high > before.high
    assert after.components["functionality"].basis == "2 of 3 probes yes, 1 overruled to yes"


def test_a_core_probe_that_only_the_user_says_yes_to_leaves_the_capability_partial() -> None:
    every = [answer(each.id, "yes", PLACES[0]) for each in MIXED.probes]
    support = Support(("pkg/a.py",), tuple(each.id for each in MIXED.probes))
    every[0] = overruled(answer("saving.a", "no"), "yes")
    assert scored(MIXED, answers(*every, support=support)).status == "partial"


def test_a_user_who_agrees_with_the_audit_changes_nothing() -> None:
    for verdict in ("yes", "no"):
        own = answer("saving.a", verdict, *(PLACES[:1] if verdict == "yes" else ()))
        assert overruled(own, verdict).counted == verdict


def test_an_unknown_core_probe_keeps_a_capability_from_being_implemented() -> None:
    every = [answer(each.id, "yes", PLACES[0]) for each in MIXED.probes]
    support = Support(("pkg/a.py",), tuple(each.id for each in MIXED.probes))
    assert scored(MIXED, answers(*every, support=support)).status == "implemented"
    every[0] = answer("saving.a", "unknown")
    result = scored(MIXED, answers(*every, support=support))
    assert (result.status, result.score) == ("partial", 1.0)
    assert result.low < 1.0


def test_a_core_probe_answered_no_makes_it_partial_however_high_the_score() -> None:
    every = [answer(each.id, "yes", PLACES[0]) for each in MIXED.probes]
    every[0] = answer("saving.a", "no")
    support = Support(("pkg/a.py",), tuple(each.id for each in MIXED.probes))
    result = scored(MIXED, answers(*every, support=support))
    assert result.score > 0.7
    assert result.status == "partial"


def test_an_empty_repository_has_every_capability_absent_with_score_zero() -> None:
    by_absence = answers(*(answer(each.id, "yes" if each.by_absence else "no") for each in MIXED.probes))
    result = score_capabilities(raw(by_absence, READ, has_code=False), (MIXED, READING), WEIGHTS, 0.7)
    assert {item.status for item in result.capabilities} == {"absent"}
    assert (result.score, result.low, result.high) == (0.0, 0.0, 0.0)


def test_a_yes_by_absence_counts_where_there_is_code_and_never_lifts_the_status() -> None:
    only_absence = answers(*(answer(each.id, "yes" if each.by_absence else "no") for each in MIXED.probes))
    result = scored(MIXED, only_absence)
    assert result.components["safeguards"].value == 0.5
    assert result.status == "absent"


def test_a_stub_near_the_mark_is_stubbed_and_another_near_miss_is_absent() -> None:
    stub = answer("reading.split", "no", near=(evidence(why="stub: split has no body"),))
    other = answer("reading.split", "no", near=(evidence(why="only imported"),))
    assert scored(READING, answers(stub, name="reading")).status == "stubbed"
    assert scored(READING, answers(other, name="reading")).status == "absent"


def test_a_document_is_where_it_belongs_and_needs_no_test_and_no_mention() -> None:
    components = scored(
        READING, answers(answer("reading.split", "yes", PLACES[4]), name="reading")
    ).components
    assert components["consistency"].value == 1.0
    assert components["tests"].value is None
    assert components["documentation"].value is None


def test_prose_that_only_names_a_thing_is_not_consistent() -> None:
    named = evidence("README.md", place="docs", strength="named")
    result = scored(READING, answers(answer("reading.split", "yes", named), name="reading"))
    assert result.components["consistency"].value == 0.0


@pytest.mark.parametrize(
    ("component", "status"),
    [("tests", "absent"), ("safeguards", "partial"), ("documentation", "partial")],
)
def test_evidence_outside_functionality_is_something_but_tests_alone_are_not(
    component: Component, status: str
) -> None:
    capability = Capability("saving", "Saving", "", (probe("saving.a"), probe("saving.b", component)))
    found = answers(answer("saving.a", "no"), answer("saving.b", "yes", PLACES[0]))
    assert scored(capability, found).status == status


def test_consistency_wants_strong_evidence_where_users_reach_it() -> None:
    items = (
        answer("saving.a", "yes", PLACES[0]),
        answer("saving.b", "yes", PLACES[1]),
        answer("saving.c", "yes", PLACES[2]),
        *(answer(each.id, "no") for each in MIXED.probes[3:]),
    )
    component = scored(MIXED, answers(*items)).components["consistency"]
    assert component.value == 0.3333
    assert component.basis.startswith("1 of 3 ")


def test_a_component_without_items_gives_its_weight_to_the_others() -> None:
    result = scored(READING, answers(answer("reading.split", "yes", PLACES[3]), name="reading"))
    assert result.components["tests"].value is None
    assert result.components["functionality"].weight == 0.4167
    assert "without tests, safeguards, whose weight the others share" in result.arithmetic


def test_the_overall_score_is_the_mean_of_the_capabilities() -> None:
    result = score_capabilities(raw(SAVED, READ), (SAVING, READING), WEIGHTS, 0.7)
    first, second = result.capabilities
    assert result.score == round((first.score + second.score) / 2, 4)
    assert result.low <= result.score <= result.high


def test_weights_are_normalised_and_their_proportions_alone_matter() -> None:
    twice = {name: weight * 2 for name, weight in WEIGHTS.items()}
    assert score_capabilities(raw(SAVED), (SAVING,), twice, 0.7) == score_capabilities(
        raw(SAVED), (SAVING,), WEIGHTS, 0.7
    )


def test_a_weight_of_zero_leaves_its_component_out() -> None:
    only_tests = dict.fromkeys(COMPONENTS, 0.0) | {"tests": 3.0}
    result = score_capabilities(raw(SAVED), (SAVING,), only_tests, 0.7).capabilities[0]
    assert result.score == result.components["tests"].value


@pytest.mark.parametrize(
    "weights",
    [
        {"functionality": 1.0},
        {**WEIGHTS, "style": 0.1},
        {**WEIGHTS, "tests": -0.1},
        {**WEIGHTS, "tests": float("nan")},
        dict.fromkeys(WEIGHTS, 0.0),
    ],
)
def test_unusable_weights_are_refused(weights: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="weights"):
        score_capabilities(raw(SAVED), (SAVING,), weights, 0.7)


def test_answers_of_another_catalogue_are_refused() -> None:
    with pytest.raises(CatalogueMismatchError, match="run the audit again"):
        score_capabilities(raw(SAVED), (SAVING, READING), WEIGHTS, 0.7)
    with pytest.raises(CatalogueMismatchError, match=r"unknown probe 'reading\.split'"):
        score_capabilities(raw(SAVED, READ), (SAVING,), WEIGHTS, 0.7)
