"""Source that others wrote reads the same in any layout, and says the same under other local names and in any order."""

from __future__ import annotations

import ast
from importlib.util import find_spec
from pathlib import Path
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codex_audit.facts.facets import facets_of
from codex_audit.facts.model import PythonFacts
from codex_audit.facts.python.reader import read_python
from codex_audit.facts.python.relocate import relocated
from tests.hostile.answers import changed, verdicts
from tests.hostile.layout import FORMATS, open_lines, with_lines
from tests.hostile.moving import reordered
from tests.hostile.renaming import identifiers, renamed_locals
from tests.query.trees import tree_of

PACKAGES = (
    "_pytest",
    "codex_audit",
    "hypothesis",
    "jinja2",
    "jsonschema",
    "markdown_it",
    "nbformat",
    "packaging",
    "yaml",
)
LARGEST = 30_000


def sources() -> list[Path]:
    """Modules of some length of packages that this project and its tests need."""
    folders = [Path(spec.origin).parent for name in PACKAGES if (spec := find_spec(name)) and spec.origin]
    files = (file for folder in folders for file in sorted(folder.rglob("*.py")))
    return [file for file in files if 1_000 < file.stat().st_size < LARGEST]


SOURCES = sources()
texts = (
    st.sampled_from(SOURCES)
    .map(lambda file: file.read_text(encoding="utf-8"))
    .filter(
        lambda text: "\f" not in text and "generated" not in facets_of("m.py", {"m.py"}, text.encode()[:4096])
    )
)
thorough = settings(max_examples=12, suppress_health_check=list(HealthCheck))


def facts_of(text: str) -> PythonFacts:
    facts = read_python(text.encode())
    assert isinstance(facts, PythonFacts)
    return facts


def without_lines(text: str) -> PythonFacts:
    return relocated(facts_of(text), [1] * (text.count("\n") + 1))


def said_of(text: str) -> dict[str, str]:
    return verdicts(tree_of({"pkg/__init__.py": "", "pkg/module.py": text}))


def test_there_is_enough_to_read() -> None:
    assert len(SOURCES) > 200


@thorough
@given(texts, st.data())
def test_comments_and_empty_lines_move_facts_and_change_none(text: str, data: st.DataObject) -> None:
    places = data.draw(st.lists(st.sampled_from(open_lines(text)), min_size=1, max_size=30))
    added = dict.fromkeys(
        places, data.draw(st.lists(st.sampled_from(["", "# import torch", "\t"]), min_size=1))
    )
    rewritten, moved = with_lines(text, added)
    there = [moved[line] for line in range(1, len(moved) + 1)]
    assert facts_of(rewritten) == relocated(facts_of(text), there)


@thorough
@given(texts, st.sampled_from(sorted(FORMATS)))
def test_another_format_changes_no_fact_and_no_verdict(text: str, form: str) -> None:
    rewritten = FORMATS[form](text)
    assert ast.dump(ast.parse(rewritten)) == ast.dump(ast.parse(text))
    assert without_lines(rewritten) == without_lines(text)
    assert changed(said_of(text), said_of(rewritten)) == {}


@thorough
@given(texts, st.sampled_from(["save_checkpoint_", "best_", "_helper", "accuracy_"]))
def test_other_local_names_change_no_verdict(text: str, stem: str) -> None:
    taken, fresh = identifiers(text), dict[str, str]()

    def rename(name: str) -> str:
        number = len(fresh)
        while f"{stem}{number}" in taken:
            number += 1000
        return fresh.setdefault(name, f"{stem}{number}")

    assert changed(said_of(text), said_of(renamed_locals(text, rename))) == {}


@thorough
@given(texts, st.randoms(use_true_random=False))
def test_another_order_of_functions_changes_no_verdict(text: str, random: Random) -> None:
    rewritten, _ = reordered(text, lambda numbers: random.sample(numbers, len(numbers)))
    assert changed(said_of(text), said_of(rewritten)) == {}
