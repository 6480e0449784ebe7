"""Probes of data that are kept, checked and identified: pairs of the real thing and its nearest look-alike."""

from __future__ import annotations

import pytest

from codex_audit.capabilities.data import CAPABILITY
from tests.capabilities.asking import answer_of

ENCODED = """\
import numpy as np


def encode_dataset(path, out="encoded.npz"):
    np.savez_compressed(out, *[open(path).read()])


def load_dataset(path):
    if path.endswith(".npz"):
        return np.load(path)
    return [open(path).read()]


encode_dataset("a")
load_dataset("a")
"""
CACHE_CLASS = """\
import torch


class CachedItem:
    def __init__(self, folder, make):
        self.folder, self.make = folder, make

    def __call__(self, uid):
        if self._is_kept(uid):
            return self._load(uid)
        made = self.make(uid)
        self._keep(made, uid)
        return made

    def _is_kept(self, uid):
        return (self.folder / uid).exists()

    def _load(self, uid):
        return torch.load(self.folder / uid)

    def _keep(self, made, uid):
        torch.save(made, self.folder / uid)
"""
CACHE_TEST = """\
from pkg.data import CachedItem


def test_the_second_call_reads(tmp_path):
    item = CachedItem(tmp_path, len)
    assert item("abc") == item("abc")
"""
HASHED = """\
import hashlib
import json


def hash_string(text):
    return hashlib.sha256(text.encode()).hexdigest()


def results(docs):
    return [{"doc_hash": hash_string(json.dumps(doc)), "score": 1} for doc in docs]


print(results([]))
"""
FORMAT = """\
def create_dataset(rows):
    sample = rows[0]
    if "text" in sample:
        return [row["text"] for row in rows]
    if "messages" not in sample:
        raise ValueError("Unsupported data format: no field that is known.")
    return rows


create_dataset([{}])
"""
ESTIMATOR = """\
class IncrementalPCA:
    def __init__(self, n):
        self.n = n

    def fit(self, data):
        self._validate_data(data)
        return self

    def _validate_data(self, data):
        if self.n > data.shape[1]:
            raise ValueError("n is invalid for the number of features")


IncrementalPCA(2).fit(1)
"""
CHECKED = ESTIMATOR.replace("def fit", "def read").replace(".fit(", ".read(")
STREAMS = """\
from torch.utils.data import DataLoader, IterableDataset


def make_loader(dataset, **options):
    if isinstance(dataset, IterableDataset):
        options.pop("shuffle", None)
    return DataLoader(dataset, **options)


make_loader([1])
"""
REFUSED = STREAMS.replace('options.pop("shuffle", None)', 'raise ValueError("no streams")')
ROLLOUT = """\
import numpy as np


class RolloutBuffer:
    def get(self, size):
        for index in np.random.permutation(size):
            yield index


np.random.seed(1)
print(list(RolloutBuffer().get(3)))
"""
ARROW = "import pyarrow as pa\n\n\ndef rows(path):\n    return pa.RecordBatchFileReader(path)\n\n\nprint(rows('a'))\n"
SAMPLER = """\
import random


class ContextSampler:
    def __init__(self, docs, seed):
        self.docs = docs
        self.rnd = random.Random(seed)

    def sample(self, n):
        return self.rnd.sample(self.docs, n)


ContextSampler([1], 2).sample(1)
"""
SAMPLER_TEST = """\
from pkg.context import ContextSampler


def test_a_seed_gives_the_same_sample():
    assert ContextSampler([1, 2], 3).sample(1) == ContextSampler([1, 2], 3).sample(1)
"""

YES: list[tuple[str, dict[str, str]]] = [
    ("cache", {"pkg/run.py": ENCODED}),
    ("cache", {"pkg/data.py": CACHE_CLASS}),
    ("tests", {"pkg/data.py": CACHE_CLASS, "tests/test_data.py": CACHE_TEST}),
    ("manifest", {"pkg/run.py": HASHED}),
    ("validation", {"pkg/run.py": FORMAT}),
    ("validation", {"pkg/run.py": CHECKED}),
    ("streaming", {"pkg/loading.py": STREAMS}),
    ("streaming", {"pkg/loading.py": ARROW}),
    ("shuffle", {"pkg/buffers.py": ROLLOUT}),
    ("tests", {"pkg/context.py": SAMPLER, "tests/test_context.py": SAMPLER_TEST}),
]
NO: list[tuple[str, dict[str, str]]] = [
    ("cache", {"pkg/run.py": ENCODED.replace('endswith(".npz")', 'endswith(".csv")')}),
    ("cache", {"pkg/run.py": ENCODED.replace("encode_dataset", "save_weights")}),
    ("cache", {"pkg/data.py": CACHE_CLASS.replace("return torch.load(self.folder / uid)", "return None")}),
    ("cache", {"pkg/attention.py": CACHE_CLASS}),
    ("tests", {"pkg/attention.py": CACHE_CLASS, "tests/test_a.py": CACHE_TEST.replace("data", "attention")}),
    ("manifest", {"pkg/run.py": HASHED.replace("hash_string(json", "len(json")}),
    ("manifest", {"pkg/run.py": HASHED.replace("doc_hash", "cache_key")}),
    ("validation", {"pkg/run.py": FORMAT.replace("data format: no field that is known.", "split name: train.")}),
    ("validation", {"pkg/run.py": FORMAT.replace("create_dataset", "create_model")}),
    ("validation", {"pkg/run.py": ESTIMATOR}),
    ("streaming", {"pkg/loading.py": REFUSED}),
    ("streaming", {"pkg/loading.py": ARROW.replace("RecordBatchFileReader", "RecordBatchFileWriter")}),
    ("shuffle", {"pkg/buffers.py": ROLLOUT.replace("np.random.seed(1)", "np.zeros(1)")}),
    ("streaming", {"pkg/loading.py": STREAMS.replace("isinstance", "print")}),
    ("tests", {"pkg/context.py": SAMPLER.replace("Sampler", "Game"), "tests/test_context.py": SAMPLER_TEST.replace("Sampler", "Game")}),
]  # fmt: skip


@pytest.mark.parametrize(("probe", "files"), YES)
def test_the_real_thing_counts(probe: str, files: dict[str, str]) -> None:
    answer = answer_of(CAPABILITY, probe, files)
    assert answer.verdict == "yes", answer
    assert {item.path for item in answer.evidence} <= set(files)


@pytest.mark.parametrize(("probe", "files"), NO)
def test_its_look_alike_does_not(probe: str, files: dict[str, str]) -> None:
    answer = answer_of(CAPABILITY, probe, files)
    assert answer.verdict == "no", answer
