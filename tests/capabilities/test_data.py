"""Probes of data handling: the real thing, and what only looks like it."""

from __future__ import annotations

import pytest

from codex_audit.capabilities.data import CAPABILITY
from tests.capabilities.asking import answer_of

YES: list[tuple[str, dict[str, str]]] = [
    (
        "split",
        {
            "train.py": """\
from sklearn.model_selection import train_test_split
kept, held = train_test_split(range(10))
""",
        },
    ),
    (
        "split",
        {
            "train.py": """\
import numpy as np
def batch(split):
    name = "train.bin" if split == "train" else "val.bin"
    return np.memmap(name)
batch("train")
""",
        },
    ),
    (
        "split",
        {
            "train.py": """\
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--train_file")
parser.add_argument("--validation_file")
""",
        },
    ),
    (
        "shuffle",
        {
            "train.py": """\
import torch
from torch.utils.data import DataLoader
torch.manual_seed(1)
loader = DataLoader([1], shuffle=True)
""",
        },
    ),
    (
        "shuffle",
        {
            "train.py": """\
import torch
from torch.utils.data import DataLoader
torch.manual_seed(1)
choices = {"batch_size": 4, "shuffle": True}
loader = DataLoader([1], **choices)
""",
        },
    ),
    (
        "shuffle",
        {
            "pkg/order.py": """\
import random
def shuffled_records(rows, seed):
    random.Random(seed).shuffle(rows)
    return rows
__all__ = ["shuffled_records"]
""",
        },
    ),
    (
        "streaming",
        {
            "pkg/read.py": """\
import numpy
def tokens(path):
    return numpy.memmap(path)
__all__ = ["tokens"]
""",
        },
    ),
    (
        "streaming",
        {
            "pkg/read.py": """\
from torch.utils.data import IterableDataset
class Lines(IterableDataset):
    def __init__(self, path):
        self.path = path
    def __iter__(self):
        with open(self.path) as stream:
            yield from stream
__all__ = ["Lines"]
""",
        },
    ),
    (
        "cache",
        {
            "pkg/data.py": """\
import os, torch
def features(path):
    if os.path.exists(path):
        return torch.load(path)
    made = [1]
    torch.save(made, path)
    return made
__all__ = ["features"]
""",
        },
    ),
    (
        "cache",
        {
            "prepare.py": """\
import numpy as np
def write(ids):
    np.array(ids).tofile("train.bin")
write([1])
""",
        },
    ),
    (
        "validation",
        {
            "pkg/data.py": """\
def check_columns(frame):
    missing = {"text", "label"} - set(frame.columns)
    if missing:
        raise ValueError(missing)
__all__ = ["check_columns"]
""",
        },
    ),
    (
        "validation",
        {
            "pkg/dataset.py": """\
import json
def records(lines):
    for line in lines:
        try:
            yield json.loads(line)
        except json.JSONDecodeError:
            continue
__all__ = ["records"]
""",
        },
    ),
    (
        "manifest",
        {
            "pkg/data.py": """\
import pooch
def fetch():
    return pooch.retrieve("https://example.org/a.csv", known_hash="sha256:00")
__all__ = ["fetch"]
""",
        },
    ),
    (
        "manifest",
        {
            "pkg/data.py": """\
import hashlib
def manifest(paths):
    return [{"path": p, "sha256": hashlib.sha256(open(p, "rb").read()).hexdigest()} for p in paths]
__all__ = ["manifest"]
""",
        },
    ),
    (
        "manifest",
        {
            "corpus.csv.dvc": """\
outs:
- md5: aa
  path: corpus.csv
""",
            "train.py": """\
print(1)
""",
        },
    ),
    (
        "tests",
        {
            "pkg/data.py": """\
def check_columns(frame):
    if "text" not in frame.columns:
        raise ValueError("text")
__all__ = ["check_columns"]
""",
            "tests/test_data.py": """\
import pytest
from pkg.data import check_columns
def test_a_missing_column_is_refused():
    with pytest.raises(ValueError):
        check_columns(1)
""",
        },
    ),
]
NO: list[tuple[str, dict[str, str]]] = [
    (
        "split",
        {
            "train.py": """\
import torch
def switch(model, mode):
    assert mode in ("train", "eval")
    # split into train and validation
switch(1, "train")
""",
        },
    ),
    (
        "split",
        {
            "pkg/cli.py": """\
import click
@click.group()
def main(): ...
main.command("train")(print)
main.command("test")(print)
""",
        },
    ),
    (
        "shuffle",
        {
            "train.py": """\
from torch.utils.data import DataLoader
loader = DataLoader([1], shuffle=True)
""",
        },
    ),
    (
        "shuffle",
        {
            "pkg/layer.py": """\
import torch
torch.manual_seed(0)
class Mask(torch.nn.Module):
    def forward(self, x):
        return x[torch.randperm(4)]
""",
        },
    ),
    (
        "streaming",
        {
            "pkg/pairs.py": """\
from torch.utils.data import IterableDataset
class Pairs(IterableDataset):
    def __init__(self, texts):
        self.texts = list(texts)
    def __iter__(self):
        return iter(self.texts)
__all__ = ["Pairs"]
""",
        },
    ),
    (
        "streaming",
        {
            "pkg/web.py": '''\
def stream(response):
    """Streams data larger than memory."""
    return iter(response)
__all__ = ["stream"]
''',
        },
    ),
    (
        "cache",
        {
            "pkg/checkpoint.py": """\
import os, torch
def load_checkpoint(path, model):
    if os.path.exists(path):
        return torch.load(path)
    torch.save(model, path)
    return model
__all__ = ["load_checkpoint"]
""",
        },
    ),
    (
        "cache",
        {
            "pkg/data.py": """\
import functools
def rows(path):
    # cached on disk
    return open(path).readlines()
__all__ = ["rows"]
""",
        },
    ),
    (
        "validation",
        {
            "pkg/data.py": """\
import os
def load(path):
    if not os.path.exists(path):
        raise FileNotFoundError(path)
    return open(path)
__all__ = ["load"]
""",
        },
    ),
    (
        "validation",
        {
            "pkg/web.py": """\
def check_password(text):
    if len(text) < 8:
        raise ValueError("short")
__all__ = ["check_password"]
""",
        },
    ),
    (
        "manifest",
        {
            "pkg/data.py": """\
import hashlib
def cache_name(settings):
    return "cache/" + hashlib.sha256(settings.encode()).hexdigest()
__all__ = ["cache_name"]
""",
        },
    ),
    (
        "manifest",
        {
            "pkg/data.py": """\
import json
def index(shards):
    with open("index.json", "w") as stream:
        json.dump([{"name": s, "rows": 10} for s in shards], stream)
__all__ = ["index"]
""",
        },
    ),
    (
        "tests",
        {
            "pkg/data.py": """\
def check_columns(frame):
    if "text" not in frame.columns:
        raise ValueError("text")
__all__ = ["check_columns"]
""",
            "tests/test_data.py": """\
def test_nothing_of_data():
    assert 1 + 1 == 2
""",
        },
    ),
]
ALIASED = [
    (
        "split",
        """\
import torch
a, b = torch.utils.data.random_split([1], [1, 0])
""",
        """\
from torch.utils.data import random_split as q
x, y = q([1], [1, 0])
""",
    ),
    (
        "streaming",
        """\
import numpy
data = numpy.memmap("a")
""",
        """\
import numpy as q
z = q.memmap("a")
""",
    ),
    (
        "shuffle",
        """\
import random
rows = [1]
random.Random(1).shuffle(rows)
""",
        """\
from random import Random as q
z = [1]
q(1).shuffle(z)
""",
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
