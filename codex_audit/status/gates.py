"""What a developer can run here before a push, and what of it speaks for which category of the ML Test Score.

Categories: data, model, infrastructure and monitoring (Breck et al., The ML Test Score, 2017), and the regression and
performance of the status updates that teams wrote by hand. Commands come from a fixed table: nothing of the tree but
a target's plain name becomes part of one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from codex_audit.query.modules import Module
from codex_audit.status.capability_table import fresh_place
from codex_audit.status.detectors.entry_points import entry_points
from codex_audit.status.detectors.tools import tool_uses
from codex_audit.status.ground import Ground
from codex_audit.status.known import Known
from codex_audit.status.model import CATEGORIES, Artifact, Category, Citation, Gate, Tested

_PYTHON = "python"
# What a use of a tool must match, the gate's name, its command, its purpose and its categories.
_TOOLS: tuple[tuple[str, str, tuple[str, ...], str, tuple[Category, ...]], ...] = (
    (
        r"ruff(?:-check| check)?|ruff\.lint",
        "lint",
        ("ruff", "check", "."),
        "Finds errors without running code",
        ("infrastructure",),
    ),
    (
        r"ruff[- ]format|ruff\.format",
        "format",
        ("ruff", "format", "--check", "."),
        "Keeps diffs free of layout",
        ("infrastructure",),
    ),
    (r"black", "black", ("black", "--check", "."), "Keeps diffs free of layout", ("infrastructure",)),
    (r"flake8", "flake8", ("flake8",), "Finds errors without running code", ("infrastructure",)),
    (r"mypy", "types", ("mypy",), "Checks types across modules", ("infrastructure",)),
    (r"pyright|basedpyright", "pyright", ("pyright",), "Checks types across modules", ("infrastructure",)),
    (
        r"importlinter|lint-imports",
        "imports",
        ("lint-imports",),
        "Keeps the stated layers",
        ("infrastructure",),
    ),
)
_TARGETS = ("test", "tests", "lint", "check", "coverage", "quality", "typecheck", "docs", "audit")
_BY_PROBES: dict[Category, tuple[str, ...]] = {
    "data": ("data.tests", "data.validation", "data.manifest", "tokenization.tests"),
    "model": ("modeling.tests", "evaluation.tests", "evaluation.metrics"),
    "infrastructure": ("training.tests", "checkpointing.tests", "ci.tests", "ci.coverage"),
    "monitoring": ("monitoring.logging", "monitoring.system", "tracking.backend"),
    "regression": (),
    "performance": ("monitoring.throughput",),
}
_TESTS: dict[Category, tuple[str, str]] = {
    "regression": (
        r"regress|golden|snapshot|parity|equivalen|backward_compat|reference_output",
        "A test that compares with recorded results",
    ),
    "performance": (
        r"bench|(?<!deep)speed|throughput|latency|tokens_per_sec|memory_use|performance",
        "A test or benchmark of speed or memory",
    ),
}


def gates(known: Known) -> tuple[Gate, ...]:
    """The commands in the order in which they are worth running: quick ones first."""
    return (
        *_tool_gates(known.ground),
        *_test_gates(known),
        *_target_gates(known.ground),
        *_help_gates(known.ground),
    )


def _tool_gates(ground: Ground) -> Iterator[Gate]:
    uses = list(tool_uses(ground))
    for pattern, name, command, purpose, categories in _TOOLS:
        places = [place for text, place in uses if re.fullmatch(pattern, text)]
        if places:
            yield Gate(name, command, purpose, categories, tuple(places[:1]))


def _test_gates(known: Known) -> Iterator[Gate]:
    ground = known.ground
    tests = [module for module in ground.tree.modules.every if module.facts.tests]
    if not tests:
        return
    file = ground.tree.by_path.get("pyproject.toml")
    items = file.settings.settings if file is not None and file.settings is not None else ()
    own = next((item for item in items if item.key.startswith("tool.pytest.")), None)
    first = tests[0].facts.tests[0]
    place = (
        Citation("pyproject.toml", own.line, own.key.rpartition(".")[2].partition("[")[0])
        if own is not None
        else Citation(tests[0].path, first.line, first.name.rpartition(".")[2])
    )
    number = sum(len(module.facts.tests) for module in tests)
    purpose = f"Runs {number:,} test functions"
    yield Gate(
        "tests",
        (_PYTHON, "-m", "pytest", "-q"),
        purpose,
        tuple(category for category in CATEGORIES if _runs(category, known)),
        (place,),
    )


def _runs(category: Category, known: Known) -> bool:
    """Whether tests of the tree speak for a category: those that probes know, or some that are called so."""
    asked = [probe for probe in _BY_PROBES[category] if probe.endswith(".tests")]
    if category in _TESTS:
        return _named_test(known, category) is not None
    return any(known.counted(probe) == "yes" for probe in asked)


def _target_gates(ground: Ground) -> Iterator[Gate]:
    """Targets of a Makefile at the root that are called what gates are called."""
    makefile = next((file for file in ground.tree.files if file.path in ("Makefile", "GNUmakefile")), None)
    steps = makefile.ci.steps if makefile is not None and makefile.ci is not None else ()
    seen: set[str] = set()
    for step in steps:
        if makefile is not None and step.job in _TARGETS and step.job not in seen:
            seen.add(step.job)
            yield Gate(
                f"make-{step.job}",
                ("make", step.job),
                "The project's own target",
                ("infrastructure",),
                (Citation(makefile.path, step.line, step.run.split(" ")[0]),),
            )


def _help_gates(ground: Ground) -> Iterator[Gate]:
    """Installed commands answer: the smallest smoke test."""
    for point in entry_points(ground)[:3]:
        if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", point.name):
            yield Gate(
                f"{point.name}-help",
                (point.name, "--help"),
                "The command starts",
                ("infrastructure",),
                (point.place,),
            )


def tested(known: Known) -> tuple[Tested, ...]:
    """What covers each category of the ML Test Score."""
    return tuple(_tested(category, known) for category in CATEGORIES)


def _tested(category: Category, known: Known) -> Tested:
    covers, missing = [], []
    shown: set[str] = set()
    for probe in _BY_PROBES[category]:
        answer, ask = known.answers[probe], known.probes[probe].ask
        if answer.counted == "yes" and answer.evidence:
            covers.append(Artifact(ask, fresh_place(answer, shown, known)))
        elif answer.counted == "no":
            missing.append(f"{ask} (not shipped)" if probe in known.unshipped else ask)
    if category in _TESTS:
        words, place = _TESTS[category][1], _named_test(known, category)
        if place is not None:
            covers.append(Artifact(words, place))
        else:
            missing.append(f"{words} (not shipped)" if known.unshipped else words)
    return Tested(category, tuple(covers), tuple(missing))


def _named_test(known: Known, category: Category) -> Citation | None:
    """The first asserting test whose own name fits a category, else the first in a file that is called so."""
    fits = re.compile(_TESTS[category][0], re.IGNORECASE).search

    def of(module: Module, by_name: bool) -> Citation | None:
        for test in module.facts.tests:
            if test.asserts and not test.skipped and fits(test.name if by_name else module.path):
                return Citation(module.path, test.line, test.name.rpartition(".")[2])
        return None

    for by_name in (True, False):
        for module in known.ground.tree.modules.every:
            if "vendored" not in module.file.facets and (place := of(module, by_name)) is not None:
                return known.sources.checked(place)
    return None
