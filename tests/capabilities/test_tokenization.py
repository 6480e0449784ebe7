"""Probes of tokenization: the real thing, and what only looks like it."""

from __future__ import annotations

import pytest

from codex_audit.capabilities.tokenization import CAPABILITY
from tests.capabilities.asking import answer_of

OWN = """\
def get_pairs(word):
    return set(zip(word, word[1:]))


class Vocabulary:
    def encode(self, text):
        return get_pairs(text)

    def train(self, corpus):
        return get_pairs(corpus)
"""
LOADED = """\
from transformers import AutoTokenizer


def tokens(text, name):
    return AutoTokenizer.from_pretrained(name)(text)
"""
DATASET = """\
class Records:
    def __init__(self, tokenizer, texts):
        self.tokenizer, self.texts = tokenizer, texts

    def __getitem__(self, index):
        return self.tokenizer(self.texts[index], truncation=True, max_length=32)
"""

YES: list[tuple[str, dict[str, str]]] = [
    ("load", {"train.py": "import tiktoken\nencoding = tiktoken.get_encoding('gpt2')\n"}),
    ("load", {"pkg/bpe.py": OWN}),
    (
        "load",
        {
            "pkg/models.py": """\
from transformers import BertModel, BertTokenizer, GPT2Model, GPT2Tokenizer

KINDS = {"bert": (BertModel, BertTokenizer), "gpt2": (GPT2Model, GPT2Tokenizer)}


def build(kind, path):
    model, tokenizer = KINDS[kind]
    return model.from_pretrained(path), tokenizer.from_pretrained(path)
""",
        },
    ),
    (
        "train",
        {
            "train.py": """\
from tokenizers import Tokenizer, models, trainers

tokenizer = Tokenizer(models.BPE())
tokenizer.train(["corpus.txt"], trainers.BpeTrainer(vocab_size=1000))
""",
        },
    ),
    ("train", {"train.py": "import sentencepiece as s\ns.SentencePieceTrainer.train('--input=a.txt')\n"}),
    ("train", {"pkg/bpe.py": OWN}),
    ("length", {"pkg/data.py": DATASET}),
    (
        "length",
        {
            "train.py": """\
import argparse
import tiktoken

parser = argparse.ArgumentParser()
parser.add_argument("--block-size", type=int, default=256)
ids = tiktoken.get_encoding("gpt2").encode(open("a.txt").read())
size = parser.parse_args().block_size
blocks = [ids[i : i + size] for i in range(0, len(ids), size)]
""",
        },
    ),
    (
        "tests",
        {
            "pkg/__init__.py": "from pkg.text import tokens\n",
            "pkg/text.py": LOADED,
            "tests/test_text.py": """\
from pkg.text import tokens

def test_tokens():
    assert tokens("a", "gpt2")["input_ids"]
""",
        },
    ),
]
NO: list[tuple[str, dict[str, str]]] = [
    ("load", {"train.py": "import tiktoken\n# tiktoken.get_encoding('gpt2')\nwords = 'a b'.split()\n"}),
    ("load", {"pkg/data.py": DATASET}),
    ("load", {"tests/test_a.py": LOADED}),
    (
        "load",
        {
            "pkg/use.py": """\
from transformers import PreTrainedTokenizerFast


def encode(tokenizer: PreTrainedTokenizerFast, text):
    assert isinstance(tokenizer, PreTrainedTokenizerFast)
    return tokenizer(text)
""",
        },
    ),
    (
        "train",
        {
            "train.py": """\
from transformers import AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("gpt2")
tokenizer.add_special_tokens({"pad_token": "<pad>"})
""",
        },
    ),
    ("train", {"pkg/bpe.py": "def train_bpe(corpus):\n    raise NotImplementedError\n"}),
    (
        "length",
        {
            "train.py": """\
from transformers import AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("gpt2")
ids = tokenizer("a text", truncation=False)
""",
        },
    ),
    ("length", {"pkg/model.py": "class Config:\n    max_position_embeddings: int = 512\n"}),
    (
        "tests",
        {
            "pkg/__init__.py": "from pkg.text import tokens\n",
            "pkg/text.py": LOADED,
            "tests/test_text.py": """\
from pkg.text import tokens

def test_tokens():
    tokens("a", "gpt2")
""",
        },
    ),
]
ALIASED = [
    (
        "load",
        "from transformers import AutoTokenizer\ntokenizer = AutoTokenizer.from_pretrained('gpt2')\n",
        "from transformers import AutoTokenizer as A\nq = A.from_pretrained('gpt2')\n",
    ),
    (
        "length",
        "from transformers import AutoTokenizer\ntok = AutoTokenizer.from_pretrained('a')\nx = tok('b', truncation=True)\n",
        "import transformers as t\nz = t.AutoTokenizer.from_pretrained('a')\ny = z('b', truncation=True)\n",
    ),
]


@pytest.mark.parametrize(("probe", "files"), YES)
def test_the_real_thing_counts(probe: str, files: dict[str, str]) -> None:
    answer = answer_of(CAPABILITY, probe, files)
    assert answer.verdict == "yes", answer
    assert {item.path for item in answer.evidence} <= set(files)


@pytest.mark.parametrize(("probe", "files"), NO)
def test_its_look_alike_does_not(probe: str, files: dict[str, str]) -> None:
    answer = answer_of(CAPABILITY, probe, files)
    assert answer.verdict == "no", answer


@pytest.mark.parametrize(("probe", "plain", "aliased"), ALIASED)
def test_other_names_for_imports_and_locals_change_nothing(probe: str, plain: str, aliased: str) -> None:
    answers = [answer_of(CAPABILITY, probe, {"train.py": source}) for source in (plain, aliased)]
    assert [item.verdict for item in answers] == ["yes", "yes"]
    assert answers[0].evidence[0].line == answers[1].evidence[0].line


def test_every_probe_has_both_sides() -> None:
    every = {probe.id.partition(".")[2] for probe in CAPABILITY.probes}
    assert {probe for probe, _ in YES} == {probe for probe, _ in NO} == every
