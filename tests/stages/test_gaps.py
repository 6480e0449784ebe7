"""A plan names real files, comes cheapest first, and says what each step is worth."""

from __future__ import annotations

import pytest

from codex_audit.artifacts import CapabilityAnswers, ContextIndex, Gap, Gaps
from codex_audit.capabilities.model import Capability, Remedy
from codex_audit.stages.gaps import plan_gaps
from codex_audit.stages.scoring import score_capabilities
from codex_audit.stages.touches import Ground, Resolved, main_package, resolve
from tests.reports.samples import (
    CATALOGUE,
    READ,
    SAVED,
    SAVING,
    WEIGHTS,
    answer,
    answers,
    evidence,
    facets,
    index,
    overruled,
    probe,
    raw,
)

GROUND = Ground(
    files=("README.rst", "docs/Guide.md", "pkg/run.py", "tests/test_run.py"),
    existing=frozenset({"README.rst", "docs/Guide.md", "pkg/run.py", "tests/test_run.py", "link"}),
    best={"saving.weights": "pkg/run.py"},
    package="src/pkg",
    main_file="pkg/run.py",
)


def plans(
    *given_answers: CapabilityAnswers,
    catalogue: tuple[Capability, ...] = CATALOGUE,
    tree: ContextIndex | None = None,
    package: tuple[str, ...] = ("pkg/__init__.py", "pkg/run.py"),
) -> Gaps:
    answered = raw(*given_answers)
    scored = score_capabilities(answered, catalogue, WEIGHTS, 0.7)
    return plan_gaps(answered, scored, catalogue, tree or index(*package), facets(*package))


def plan_of(*remedies: tuple[str, Remedy]) -> Gap:
    probes = tuple(probe(name, remedy=remedy) for name, remedy in remedies)
    capability = Capability("saving", "Saving", "", probes)
    return plans(answers(*(answer(each.id, "no") for each in probes)), catalogue=(capability,)).plans[0]


def test_every_capability_has_a_plan_and_those_below_the_threshold_are_named() -> None:
    gaps = plans(SAVED, READ)
    assert [plan.capability for plan in gaps.plans] == ["saving", "reading"]
    assert gaps.below == ("saving", "reading")


def test_a_capability_at_the_threshold_is_not_below_it() -> None:
    capability = Capability("saving", "Saving", "", (probe("saving.a"),))
    done = answers(answer("saving.a", "yes", evidence("run.yaml", place="config")))
    scored = score_capabilities(raw(done), (capability,), WEIGHTS, 0.75)
    assert scored.capabilities[0].score == 0.75
    gaps = plan_gaps(raw(done), scored, (capability,), index(), facets())
    assert gaps.below == ()
    assert gaps.plans[0].patch_plan == ()


def test_each_no_has_a_step_and_each_unknown_a_reason_and_a_risk() -> None:
    plan = plans(SAVED, READ).plans[0]
    assert {step.probe for step in plan.patch_plan} == {"saving.optimizer", "saving.tests"}
    assert any("pkg/odd.py could not be read" in reason for reason in plan.reasons)
    assert "Without saving.digest a run is lost." in plan.risks
    assert "Remove saving.digest." not in plan.rollback


def test_steps_come_by_effort_and_then_by_what_they_are_worth() -> None:
    tested = Capability(
        "saving",
        "Saving",
        "",
        (
            probe("saving.slow", remedy=Remedy("Slow.", "days", ("new:a.py",))),
            probe("saving.little", "tests", remedy=Remedy("Little.", "hours", ("new:b.py",))),
            probe("saving.much", "safeguards", remedy=Remedy("Much.", "hours", ("new:c.py",))),
            probe("saving.quick", "documentation", remedy=Remedy("Quick.", "minutes", ("new:d.md",))),
            probe("saving.there"),
        ),
    )
    found = [answer(each.id, "no") for each in tested.probes[:-1]]
    there = answer("saving.there", "yes", evidence())
    plan = plans(answers(*found, there), catalogue=(tested,)).plans[0]
    assert [step.text for step in plan.patch_plan] == ["Quick.", "Much.", "Little.", "Slow."]
    assert plan.patch_plan[1].gain > plan.patch_plan[2].gain > 0


def test_the_gain_is_what_a_second_scoring_of_the_changed_answers_adds() -> None:
    capability = Capability("saving", "Saving", "", (probe("saving.a"), probe("saving.b")))
    before = answers(answer("saving.a", "yes", evidence("a.yaml")), answer("saving.b", "no"))
    step = plans(before, catalogue=(capability,)).plans[0].patch_plan[0]
    # functionality 1/2, consistency 1, documentation 0 under weights .25 .20 .15; then 1, 1, 1/2 and tests 1
    assert step.gain == pytest.approx((0.25 + 0.20 + 0.25 + 0.075) / 0.85 - (0.125 + 0.20) / 0.60, abs=2e-4)
    assert f"from 0.54 to {0.5416 + step.gain:.2f}" in "".join(
        plans(before, catalogue=(capability,)).plans[0].reasons
    )


def test_a_remedy_goes_where_the_evidence_of_its_neighbour_stands() -> None:
    step = next(s for s in plans(SAVED, READ).plans[0].patch_plan if s.probe == "saving.optimizer")
    assert (step.files, step.new_files) == (("pkg/run.py",), ())


def test_a_new_file_lands_in_the_main_package() -> None:
    plan = plan_of(("saving.a", Remedy("A.", "hours", ("probe:none.here", "new:{package}/a.py"))))
    assert (plan.patch_plan[0].files, plan.patch_plan[0].new_files) == ((), ("pkg/a.py",))


@pytest.mark.parametrize(
    ("touches", "files", "new"),
    [
        (("probe:saving.weights", "new:a.py"), ("pkg/run.py",), ()),
        (("probe:other.thing", "file:*/test_*.py"), ("tests/test_run.py",), ()),
        (("file:readme.*",), ("pkg/run.py",), ()),
        (("file:docs/guide.md",), ("docs/Guide.md",), ()),
        (("file:PKG/run.py", "new:b.py"), (), ("b.py",)),
        (("file:**/README.rst",), ("README.rst",), ()),
        (("new:pkg/run.py",), ("pkg/run.py",), ()),
        (("new:{package}/new.py",), (), ("src/pkg/new.py",)),
        (("probe:saving.weights", "+new:docs/saving.md", "+file:none"), ("pkg/run.py",), ("docs/saving.md",)),
        (("+file:docs/*.md", "new:c.py", "new:d.py"), ("docs/Guide.md",), ("c.py",)),
        (("probe:none.here",), ("pkg/run.py",), ()),
    ],
)
def test_touches_resolve_in_order_of_preference(
    touches: tuple[str, ...], files: tuple[str, ...], new: tuple[str, ...]
) -> None:
    assert resolve(touches, GROUND, "saving.py") == Resolved(files, new)


def test_a_tree_without_code_still_gets_a_file_to_write() -> None:
    empty = Ground((), frozenset(), {}, "", "")
    assert resolve(("probe:none.here",), empty, "saving.py") == Resolved((), ("saving.py",))
    assert resolve(("new:{package}/a.py",), empty, "saving.py") == Resolved((), ("a.py",))


def test_what_speaks_against_a_yes_by_absence_is_where_the_change_goes() -> None:
    safe = probe("saving.safe", "safeguards", by_absence=True, remedy=Remedy("Fix.", "hours", ("new:x.py",)))
    against = tuple(
        evidence(path, line) for path, line in (("pkg/b.py", 4), ("pkg/a.py", 2), ("pkg/b.py", 9))
    )
    found = answers(answer("saving.safe", "no", near=against))
    step = plans(found, catalogue=(Capability("saving", "Saving", "", (safe,)),)).plans[0].patch_plan[0]
    assert (step.files, step.new_files) == (("pkg/b.py", "pkg/a.py"), ())


def test_vendored_code_is_nobodys_place_for_a_change() -> None:
    tree = index("third/tests/test_token.py", "tests/test_token.py")
    marked = facets()
    marked.groups["vendored"] = ("third/tests/test_token.py",)
    capability = Capability(
        "saving", "Saving", "", (probe("saving.a", remedy=Remedy("A.", "hours", ("file:**/*token*.py",))),)
    )
    given_answers = raw(answers(answer("saving.a", "no")))
    scored = score_capabilities(given_answers, (capability,), WEIGHTS, 0.7)
    step = plan_gaps(given_answers, scored, (capability,), tree, marked).plans[0].patch_plan[0]
    assert step.files == ("tests/test_token.py",)


@pytest.mark.parametrize(
    ("modules", "package"),
    [
        (("src/big/__init__.py", "src/big/a.py", "src/big/sub/__init__.py", "small/__init__.py"), "src/big"),
        (("train.py", "model.py", "tools/make.py"), ""),
        (("src/plain/a.py", "src/plain/b.py"), "src/plain"),
        (("scripts/a.py", "scripts/deep/b.py"), "scripts"),
        ((), ""),
    ],
)
def test_the_main_package_is_the_outermost_folder_with_most_modules(
    modules: tuple[str, ...], package: str
) -> None:
    assert main_package(modules) == package


def test_a_stub_and_a_weak_component_are_named_among_the_reasons() -> None:
    reasons = plans(SAVED, READ).plans[0].reasons
    assert "saving.optimizer has a stub at pkg/run.py:9." in reasons
    assert any(reason.startswith("The component tests is 0.50: 0 of 1 test probes yes") for reason in reasons)


def test_risks_and_rollback_name_each_thing_once() -> None:
    same = tuple(answer(each.id, "no") for each in SAVING.probes)
    plan = plans(answers(*same), READ).plans[0]
    assert len(set(plan.risks)) == len(plan.risks) == len(SAVING.probes)
    assert len(set(plan.rollback)) == len(plan.rollback) == len(plan.patch_plan)


def test_a_yes_overruled_to_no_gets_a_step_and_its_reason_names_the_line() -> None:
    ruled = answers(overruled(SAVED.probes[0], "no", "only a demo"), *SAVED.probes[1:])
    plan = plans(ruled, READ).plans[0]
    step = next(step for step in plan.patch_plan if step.probe == "saving.weights")
    assert step.gain > 0
    assert any("saving.weights is no" in r and "workflow.yaml:4: only a demo" in r for r in plan.reasons)


def test_a_no_overruled_to_yes_needs_no_step_and_stays_a_reason() -> None:
    ruled = answers(*SAVED.probes[:3], overruled(SAVED.probes[3], "yes", "tested elsewhere"))
    plan = plans(ruled, READ).plans[0]
    assert "saving.tests" not in {step.probe for step in plan.patch_plan}
    assert any("saving.tests is unknown" in r and "tested elsewhere" in r for r in plan.reasons)
