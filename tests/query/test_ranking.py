"""What is shown first: the places that a careful reader would cite, in an order that only the tree decides."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codex_audit.artifacts import Evidence
from codex_audit.query.ranking import best
from codex_audit.query.tree import Tree
from tests.query.trees import tree_of

SAVE = "import torch\n\nkeep = print\n\ntorch.save(keep, 'x')\n"


def shown(tree: Tree, topic: str = "checkpointing.weights", most: int = 5) -> list[str]:
    """The places of calls of ``torch.save``, best first."""
    found = tree.calls("torch.save")
    return [f"{item.path}:{item.line}" for item in best(found.evidence, topic, tree.standing, most)]


def test_pieces_of_five_files_rather_than_five_lines_of_one() -> None:
    many = SAVE + "torch.save(keep, 'y')\n" * 9
    tree = tree_of({"pkg/__init__.py": "", "pkg/a.py": many, **{f"pkg/{name}.py": SAVE for name in "bcde"}})
    assert shown(tree) == [f"pkg/{name}.py:5" for name in "abcde"]


def test_a_single_file_still_gives_up_to_five_lines_each_once() -> None:
    twice = "torch.save(keep, 'y'); torch.save(keep, 'z')\n"
    tree = tree_of({"pkg/a.py": SAVE + twice * 9})
    assert shown(tree) == [f"pkg/a.py:{line}" for line in range(5, 10)]
    assert shown(tree_of({"pkg/a.py": SAVE + twice})) == ["pkg/a.py:5", "pkg/a.py:6"]


@pytest.mark.parametrize("aside", ["experimental", "legacy", "external", "benchmarks", "examples"])
def test_what_stands_aside_comes_last(aside: str) -> None:
    tree = tree_of({"zoo/store.py": SAVE, f"{aside}/a.py": SAVE})
    assert shown(tree) == ["zoo/store.py:5", f"{aside}/a.py:5"]


def test_what_trains_precedes_what_serves() -> None:
    tree = tree_of({"pkg/chat.py": SAVE, "pkg/middle.py": SAVE, "pkg/train.py": SAVE})
    assert shown(tree) == ["pkg/train.py:5", "pkg/middle.py:5", "pkg/chat.py:5"]


def test_a_second_line_of_a_main_file_precedes_one_that_stands_aside() -> None:
    tree = tree_of({"pkg/store.py": SAVE + "torch.save(keep, 'y')\n", "pkg/legacy/a.py": SAVE})
    assert shown(tree, most=2) == ["pkg/store.py:5", "pkg/store.py:6"]


def test_the_file_that_others_build_on_comes_first() -> None:
    users = {f"pkg/user_{name}.py": "from pkg.core import keep\nkeep(1)\n" for name in "abc"}
    tree = tree_of({"pkg/__init__.py": "", "pkg/alone.py": SAVE, "pkg/core.py": SAVE, **users})
    assert shown(tree) == ["pkg/core.py:5", "pkg/alone.py:5"]


def test_imports_count_through_reexports_and_relative_names_but_not_from_tests() -> None:
    users = {f"pkg/user_{name}.py": "from . import keep as store\nstore(1)\n" for name in "ab"}
    tests = {f"tests/test_{name}.py": "from pkg.alone import keep\n" for name in "abcdefgh"}
    gathers = "from pkg.core import keep\n"
    tree = tree_of({"pkg/__init__.py": gathers, "pkg/alone.py": SAVE, "pkg/core.py": SAVE, **users, **tests})
    assert shown(tree) == ["pkg/core.py:5", "pkg/alone.py:5"]


@pytest.mark.parametrize("named", ["the `Vault` class", "run `python -m pkg.vault`"])
def test_a_file_that_the_readme_names_comes_first(named: str) -> None:
    vault = "import torch\n\nclass Vault:\n  def put(self, state):\n    torch.save(state, 'x')\n"
    tree = tree_of({"README.md": f"# Tool\n\nUse {named}.\n", "pkg/core.py": SAVE, "pkg/vault.py": vault})
    assert shown(tree) == ["pkg/vault.py:5", "pkg/core.py:5"]


def test_a_file_named_after_the_question_comes_first() -> None:
    tree = tree_of({"pkg/block.py": SAVE, "pkg/checkpoint.py": SAVE, "pkg/weights_file.py": SAVE})
    assert shown(tree)[-1] == "pkg/block.py:5"
    assert shown(tree, "data.cache")[0] == "pkg/block.py:5"


def test_pieces_that_say_another_thing_precede_more_of_the_same() -> None:
    base = "from transformers import TrainingArguments\n\n\nclass {}(TrainingArguments):\n    pass\n"
    run = "import transformers\nfrom pkg.b import B\ntransformers.Trainer(B()).train()\n"
    configs = {f"pkg/{name}.py": base.format(name.upper()) for name in "bcdefg"}
    tree = tree_of({"pkg/run.py": run, **configs})
    found = tree.inherited("checkpointing.weights") | tree.calls("transformers.Trainer")
    paths = [item.path for item in best(found.evidence, "checkpointing.weights", tree.standing, 5)]
    assert paths[:2] == ["pkg/run.py", "pkg/b.py"]


EVIDENCE = st.builds(
    Evidence,
    path=st.sampled_from(["a.py", "b/train.py", "b/legacy/c.py", "conf.yaml", "tests/test_a.py"]),
    line=st.integers(1, 40),
    excerpt=st.just("x"),
    why=st.sampled_from(["calls f", "sets g", "derives from h"]),
    place=st.sampled_from(["entry", "library", "config", "example", "docs", "test"]),
    strength=st.sampled_from(["proved", "called", "declared", "imported", "named"]),
    symbol=st.sampled_from(["f", "g", ""]),
    scope=st.sampled_from(["", "train", "Saver.save"]),
)
TREE = tree_of({"a.py": "import b.train\n", "b/train.py": "x = 1\n", "b/legacy/c.py": "y = 2\n"})


@settings(max_examples=60)
@given(evidence=st.lists(EVIDENCE, max_size=30, unique_by=lambda e: (e.path, e.line)), shuffle=st.randoms())
def test_the_order_does_not_depend_on_how_evidence_was_gathered(
    evidence: list[Evidence], shuffle: Random
) -> None:
    given_first = best(evidence, "training.loop", TREE.standing, 5)
    shuffle.shuffle(evidence)
    fresh = Tree(files=TREE.files, defaults=TREE.defaults)
    assert best(evidence, "training.loop", fresh.standing, 5) == given_first
    assert len(given_first) == min(5, len(evidence))
