"""What bounds a length, and which classes tokenize: the general rules behind both, each with its look-alike."""

from __future__ import annotations

import pytest

from codex_audit.capabilities.tokenization import CAPABILITY
from tests.capabilities.asking import answer_of, exported

BPE = """\
import tiktoken

encoder = tiktoken.get_encoding("gpt2")
"""
WINDOWS = """\
class Windows:
    def __init__(self, tokens):
        self.tokens = tokens

    def sample(self, length):
        return self.tokens[:length]
"""
MERGED = """\
class {name}:
    def __call__(self, values):
        return compute_stats(values)


def compute_stats(values):
    return sum(values)
"""
EPISODE = """\
def advantages(truncation, rewards):
    return rewards * (1 - truncation)


def loss(rewards, ended):
    return advantages(truncation=ended, rewards=rewards)
"""
CUT = """\
from pkg.text import batch_encode


def prepare(texts):
    return batch_encode(texts, truncation=True)
"""

YES: list[tuple[str, dict[str, str]]] = [
    ("length", {"pkg/tokens.py": BPE, "pkg/dataset.py": WINDOWS}),
    ("length", {"train.py": "def prepare(box, text):\n    return box.tokenizer(text, max_length=128)\n"}),
    (
        "length",
        {
            "train.py": """\
from tensorflow.keras.preprocessing import sequence


def prepare(ids):
    return sequence.pad_sequences(ids, maxlen=40)
""",
        },
    ),
    (
        "length",
        {"pkg/text.py": "def batch_encode(texts, truncation):\n    return texts\n", "pkg/data.py": CUT},
    ),
    (
        "length",
        {
            "pkg/data.py": """\
class Alphabet:
    def encode(self, text):
        return [ord(letter) for letter in text]


class Batches:
    def __init__(self, alphabet, truncation_seq_length=None):
        self.alphabet, self.longest = alphabet, truncation_seq_length
""",
        },
    ),
    ("load", {"pkg/tokenizer.py": MERGED.format(name="Pieces")}),
    ("load", {"train.py": "import tensorflow_text as text\ntokens = text.BertTokenizer('vocab.txt')\n"}),
]
NO: list[tuple[str, dict[str, str]]] = [
    ("length", {"pkg/losses.py": EPISODE}),
    (
        "length",
        {"pkg/tokens.py": BPE, "pkg/generate.py": "def sample(model, length):\n    return model(length)\n"},
    ),
    ("length", {"train.py": "def talk(model, text):\n    return model.generate(text, max_length=128)\n"}),
    (
        "length",
        {
            "train.py": """\
from tensorflow.keras.preprocessing import sequence


def prepare(ids):
    return sequence.pad_sequences(ids, padding="post")
""",
        },
    ),
    ("length", {"pkg/data.py": "def crop(series, chunk_size):\n    return series[:chunk_size]\n"}),
    ("load", {"pkg/norm.py": MERGED.format(name="BatchNorm")}),
    ("load", {"train.py": "import tensorflow_text as text\ntokens = text.WhitespaceTokenizer()\n"}),
]


@pytest.mark.parametrize(("probe", "files"), YES)
def test_the_real_thing_counts(probe: str, files: dict[str, str]) -> None:
    answer = answer_of(CAPABILITY, probe, exported(files))
    assert answer.verdict == "yes", answer


@pytest.mark.parametrize(("probe", "files"), NO)
def test_its_look_alike_does_not(probe: str, files: dict[str, str]) -> None:
    answer = answer_of(CAPABILITY, probe, exported(files))
    assert answer.verdict == "no", answer
