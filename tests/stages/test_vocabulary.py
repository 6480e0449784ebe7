"""Whatever a probe looks for is in the vocabulary, so that no file which holds it is left unread."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_audit.capabilities.ask import ask
from codex_audit.capabilities.catalogue import CATALOGUE
from codex_audit.facts.words import WordFinder, names_in
from codex_audit.query.patterns import NameIndex
from codex_audit.query.tree import Tree
from codex_audit.stages.vocabulary import Vocabulary, entries, load_vocabulary
from tests.commands.cli import PACKAGE_ROOT, TRAIN
from tests.query.trees import tree_of

OWN = "zz"
"""How all names begin that only the trees of these tests know."""


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return load_vocabulary(CATALOGUE)


def trees() -> Iterator[Tree]:
    """Trees that make probes ask their second questions, too."""
    own = {
        path.relative_to(PACKAGE_ROOT).as_posix(): path.read_text()
        for path in sorted((PACKAGE_ROOT / "codex_train").rglob("*.py"))
    }
    yield tree_of({"zzpkg/__init__.py": ""})
    yield tree_of(
        {"zzpkg/__init__.py": "", "zzpkg/train.py": TRAIN, "zztests/test_train.py": "import zzpkg.train\n"}
    )
    yield tree_of(own)
    yield tree_of({"zzpkg/__init__.py": "", "zzpkg/rich.py": RICH})


RICH = """\
import argparse
import torch, wandb
from transformers import AutoTokenizer, Trainer, TrainingArguments
from datasets import load_dataset


class ZzTrainer(Trainer):
    def compute_loss(self, model, inputs):
        return model(**inputs).loss


def zzmain():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int)
    parser.add_argument("--resume", action="store_true")
    zzargs = parser.parse_args()
    torch.manual_seed(zzargs.seed)
    wandb.init(config=vars(zzargs))
    zztokenizer = AutoTokenizer.from_pretrained("x")
    zzdata = load_dataset("y").map(zztokenizer).train_test_split(0.1)
    ZzTrainer(args=TrainingArguments("out", bf16=True, save_total_limit=2), train_dataset=zzdata).train()
    torch.save({"optimizer": 1, "step": 2}, "zzcheckpoint.pt")


zzmain()
"""


@pytest.fixture(scope="module")
def asked() -> frozenset[str]:
    """Every name or pattern of names that any probe looks up in code, options or keys of these trees."""
    found: set[str] = set()
    match: Callable[[NameIndex, str], list[str]] = NameIndex.match

    def recording(self: NameIndex, pattern: str) -> list[str]:
        found.add(pattern)
        return match(self, pattern)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(NameIndex, "match", recording)
        for tree in trees():
            for capability in CATALOGUE:
                for probe in capability.probes:
                    ask(tree, probe)
    return frozenset(found)


def use_of(pattern: str) -> str:
    """Code that ``pattern`` matches, with a strange word for each wildcard."""
    text = re.sub(r"\[(.)[^]]*\]", r"\1", pattern)
    return text.replace("*", "_qq_").replace("?", "_q_")


def test_every_pattern_that_a_probe_looks_up_has_an_entry_that_a_file_using_it_holds(
    vocabulary: Vocabulary, asked: frozenset[str]
) -> None:
    patterns = {pattern for pattern in asked if pattern != "*" and not pattern.startswith(OWN)}
    assert len(patterns) > 1000
    finder = WordFinder(vocabulary.words)
    known = {entry for wanted in vocabulary.groups.values() for entry in wanted}
    held = {pattern: finder.find(names_in(use_of(pattern).encode())) for pattern in patterns}
    assert [pattern for pattern, words in held.items() if not any(entry <= words for entry in known)] == []


def test_every_capability_looks_for_something_of_its_own(vocabulary: Vocabulary) -> None:
    groups = vocabulary.groups
    assert groups.keys() == {capability.id for capability in CATALOGUE}
    for name, wanted in groups.items():
        others = {entry for other, entries in groups.items() if other != name for entry in entries}
        assert set(wanted) - others, name
        assert all(wanted)
    assert vocabulary.words == {word for wanted in groups.values() for entry in wanted for word in entry}


def test_the_vocabulary_is_the_same_in_every_process(vocabulary: Vocabulary) -> None:
    program = (
        "from codex_audit.stages.vocabulary import load_vocabulary as load\n"
        "from codex_audit.capabilities.catalogue import CATALOGUE\n"
        "print([(name, [sorted(entry) for entry in wanted]) for name, wanted in load(CATALOGUE).groups.items()])"
    )
    here = str([(name, [sorted(entry) for entry in wanted]) for name, wanted in vocabulary.groups.items()])
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONPATH": str(PACKAGE_ROOT), "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == here


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("torch.save", [{"torch", "save"}]),
        ("torch.optim.AdamW().step", [{"torch", "optim", "AdamW", "step"}]),
        ("*.save_pretrained", [{"~save", "~pretrained"}]),
        ("--max-grad-norm", [{"~max", "~grad", "~norm"}]),
        ("transformers.get_*_schedule*", [{"transformers", "~get", "~schedule"}]),
        ("^(warmup|cosine_decay)$", [{"~warmup"}, {"~cosine", "~decay"}]),
        ("a sentence of words", []),
        ("https://example.org/x", []),
        ("", []),
        ("*", []),
        ("()", []),
    ],
)
def test_what_a_string_asks_of_a_file(text: str, wanted: list[set[str]]) -> None:
    assert list(entries(text)) == wanted


@given(st.text(max_size=40))
def test_any_string_asks_for_words_that_a_file_can_hold_or_for_nothing(text: str) -> None:
    for entry in entries(text):
        assert entry
        assert all(word.removeprefix("~") for word in entry)
