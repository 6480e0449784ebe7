"""Verdicts are about what is in a tree: not where it lies, in which order it was written, or what lies beside."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codex_audit.query.tree import Tree
from tests.commands.cli import audited
from tests.hostile.answers import proofs
from tests.hostile.programs import PROGRAMS, proofs_of
from tests.query.trees import tree_of

UNRELATED = {
    "notes.txt": "Call the plumber.\n",
    "data/prices.csv": "fruit,price\napple,1\n",
    "assets/logo.svg": "<svg/>\n",
    "sums.py": "def add(a, b):\n    return a + b\n\n\nprint(add(1, 2))\n",
    "other/__init__.py": "",
    "other/sums.py": "class Sum:\n    def __init__(self, a, b):\n        self.value = a + b\n",
    "broken.py": "def add(a, b:\n",
    "tests/test_sums.py": "def test_sums():\n    print(1 + 1)\n",
    "third_party/sums/add.py": "def add(a, b):\n    return a + b\n",
    "settings.ini": "[fruit]\napple = 1\n",
    "docs/fruit.md": "# Fruit\n\nApples cost one.\n",
}
programs = st.sampled_from(sorted(PROGRAMS))
thorough = settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow])


@thorough
@given(programs, st.lists(st.sampled_from(sorted(UNRELATED)), min_size=1, unique=True))
def test_unrelated_files_change_no_verdict_and_no_evidence(name: str, extra: list[str]) -> None:
    sources = {**PROGRAMS[name], **{path: UNRELATED[path] for path in extra}}
    assert proofs(tree_of(sources)) == proofs_of(name)


@thorough
@given(programs, st.randoms(use_true_random=False))
def test_the_order_of_the_files_means_nothing(name: str, random: Random) -> None:
    tree = tree_of(PROGRAMS[name])
    files = random.sample(tree.files, len(tree.files))
    assert proofs(Tree(files=tuple(files), defaults=tree.defaults)) == proofs_of(name)


@pytest.mark.parametrize("name", ["torch"])
def test_the_command_says_the_same_wherever_the_tree_lies_and_however_it_was_written(
    name: str, tmp_path: Path
) -> None:
    places = [tmp_path / "tree", tmp_path / "deeper" / "train tests third_party" / "é"]
    for place, order in zip(places, (1, -1), strict=True):
        for path in sorted(PROGRAMS[name])[::order]:
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            (place / path).write_text(PROGRAMS[name][path], encoding="utf-8")
        audited(place)
    first, second = ((place / "audit_artifacts" / "capabilities_raw.json").read_bytes() for place in places)
    assert first == second
    answers = [probe for capability in json.loads(first)["capabilities"] for probe in capability["probes"]]
    assert {probe["id"] for probe in answers if probe["verdict"] == "yes"} == set(proofs_of(name))
