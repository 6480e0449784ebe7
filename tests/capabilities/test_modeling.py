"""Probes of modeling: the real thing, and what only looks like it."""

from __future__ import annotations

import pytest

from codex_audit.capabilities.modeling import CAPABILITY
from tests.capabilities.asking import answer_of

NET = """\
import torch


class Net(torch.nn.Module):
    def __init__(self, width=8, dtype: torch.dtype = torch.float32):
        super().__init__()
        self.up = torch.nn.Linear(1, width, dtype=dtype)
        self.down = torch.nn.Linear(width, 1, dtype=dtype)

    def forward(self, x):
        return self.down(self.up(x))


class Deep(Net):
    pass
"""
FIXED = NET.replace(", dtype: torch.dtype = torch.float32", "").replace(", dtype=dtype", "")
FLAX = """\
import flax.linen as nn


class Net(nn.Module):
    width: int

    @nn.compact
    def __call__(self, x):
        return nn.Dense(self.width)(x)
"""

YES: list[tuple[str, dict[str, str]]] = [
    ("network", {"pkg/net.py": NET}),
    ("network", {"pkg/net.py": FLAX}),
    ("network", {"train.py": "import timm\nmodel = timm.create_model('resnet18')\n"}),
    ("network", {"train.py": "from torch import nn\nmodel = nn.Sequential(nn.Linear(1, 1))\n"}),
    ("dtype", {"pkg/net.py": NET}),
    (
        "dtype",
        {
            "train.py": """\
import argparse, torch

parser = argparse.ArgumentParser()
parser.add_argument("--precision", default="bf16")
model = torch.nn.Linear(1, 1).to(getattr(torch, parser.parse_args().precision))
""",
        },
    ),
    (
        "dtype",
        {
            "train.py": """\
from transformers import HfArgumentParser, Trainer, TrainingArguments

(args,) = HfArgumentParser((TrainingArguments,)).parse_args_into_dataclasses()
Trainer(args=args).train()
""",
        },
    ),
    (
        "device",
        {"train.py": "import torch\nplace = torch.device('cuda' if torch.cuda.is_available() else 'cpu')\n"},
    ),
    (
        "device",
        {
            "pkg/__init__.py": "from pkg.run import run\n",
            "pkg/run.py": "import torch\n\n\ndef run(model, device='cpu'):\n    return torch.ones(1).to(device)\n",
        },
    ),
    ("adapters", {"train.py": "import peft\nmodel = peft.get_peft_model(1, peft.LoraConfig(r=8))\n"}),
    (
        "adapters",
        {
            "pkg/lora.py": """\
import torch


class LoRALinear(torch.nn.Module):
    def __init__(self, base, a, b):
        self.base, self.a, self.b = base, a, b

    def forward(self, x):
        return self.base(x) + x @ self.a @ self.b
""",
        },
    ),
    (
        "by-name",
        {
            "pkg/net.py": NET,
            "pkg/zoo.py": "from pkg.net import Deep, Net\n\nZOO = {'net': Net, 'deep': Deep}\n",
        },
    ),
    (
        "by-name",
        {
            "pkg/net.py": NET,
            "pkg/__init__.py": "from pkg.zoo import build\n",
            "pkg/zoo.py": """\
from pkg.net import Deep, Net


def build(kind):
    if kind == "net":
        return Net()
    elif kind == "deep":
        return Deep()
    raise ValueError(kind)
""",
        },
    ),
    (
        "by-name",
        {
            "pkg/net.py": NET
            + """

SIZES = {
    "small": dict(n_layer=2, n_head=2),
    "large": dict(n_layer=24, n_head=16),
}
""",
        },
    ),
    (
        "by-name",
        {
            "train.py": """\
import argparse, timm

parser = argparse.ArgumentParser()
parser.add_argument("--arch")
model = timm.create_model(parser.parse_args().arch)
""",
        },
    ),
    (
        "tests",
        {
            "pkg/net.py": NET,
            "tests/test_net.py": """\
import torch
from pkg.net import Net

def test_shape():
    assert Net()(torch.ones(2, 1)).shape == (2, 1)
""",
        },
    ),
]
NO: list[tuple[str, dict[str, str]]] = [
    (
        "network",
        {
            "pkg/net.py": "import torch\n\n\nclass Net(torch.nn.Module):\n    def forward(self, x):\n        raise NotImplementedError\n"
        },
    ),
    (
        "network",
        {
            "pkg/loss.py": "import torch\n\n\nclass FocalLoss(torch.nn.Module):\n    def forward(self, x):\n        return x.mean()\n"
        },
    ),
    (
        "network",
        {
            "pkg/app.py": '"""Wraps torch.nn.Module."""\nimport torch\n\n\nclass Model:\n    def forward(self, x):\n        return x\n'
        },
    ),
    ("dtype", {"pkg/net.py": FIXED}),
    (
        "dtype",
        {
            "pkg/table.py": "import numpy as np\n\n\ndef column(values, dtype=np.int64):\n    return np.array(values, dtype=dtype)\n"
        },
    ),
    (
        "device",
        {
            "pkg/__init__.py": "from pkg.run import run\n",
            "pkg/run.py": "import torch\n\n\ndef run(model):\n    return model.cuda()(torch.ones(1))\n",
        },
    ),
    ("device", {"pkg/usb.py": "def open_port(device='/dev/usb'):\n    return open(device)\n"}),
    (
        "adapters",
        {
            "pkg/net.py": NET,
            "pkg/io.py": "class CsvAdapter:\n    def read(self, path):\n        return open(path)\n",
        },
    ),
    (
        "adapters",
        {
            "train.py": "from peft import PromptTuningConfig\nconfig = PromptTuningConfig(num_virtual_tokens=8)\n"
        },
    ),
    ("adapters", {"train.py": "import peft\n# peft.get_peft_model(model, config)\nprint('lora')\n"}),
    (
        "by-name",
        {
            "train.py": """\
import argparse
from transformers import AutoModelForCausalLM

parser = argparse.ArgumentParser()
parser.add_argument("--model")
model = AutoModelForCausalLM.from_pretrained(parser.parse_args().model)
""",
        },
    ),
    (
        "by-name",
        {
            "pkg/net.py": NET,
            "pkg/all.py": "from pkg.net import Deep, Net\n\nPARTS = {'net': Net(), 'deep': Deep()}\n",
        },
    ),
    (
        "tests",
        {
            "pkg/net.py": NET,
            "tests/test_net.py": "from pkg.net import Net\n\ndef test_net():\n    Net()\n",
        },
    ),
]
ALIASED = [
    (
        "device",
        "import torch\ndevice = 'cuda' if torch.cuda.is_available() else 'cpu'\n",
        "import torch as z\nq = 'cuda' if z.cuda.is_available() else 'cpu'\n",
    ),
    (
        "network",
        NET,
        NET.replace("import torch", "import torch as t")
        .replace("torch.nn", "t.nn")
        .replace("torch.d", "t.d")
        .replace("torch.f", "t.f"),
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


def shown(probe: str, files: dict[str, str]) -> list[str]:
    return [f"{item.path}:{item.line}" for item in answer_of(CAPABILITY, probe, files).evidence]


def test_whole_models_are_shown_rather_than_their_parts() -> None:
    part = "import torch\n\n\nclass {}(torch.nn.Module):\n{}    def forward(self, x):\n        return x\n"
    init = "    def __init__(self):\n        self.inner = {}()\n\n"
    whole = part.format("Body", "") + part.format("Net", init.format("Body")).removeprefix("import torch\n")
    widely_used = {f"pkg/user_{name}.py": "from pkg.pieces import Piece\nPiece()\n" for name in "abcdef"}
    files = {"pkg/pieces.py": part.format("Piece", ""), "pkg/zoo.py": whole, **widely_used}
    assert shown("network", {"pkg/zoo.py": whole}) == ["pkg/zoo.py:9"]
    assert "pkg/pieces.py:4" in shown("network", files), "nothing of the tree is made of it"
    outer = "from pkg.pieces import Piece\n" + part.format("Outer", init.format("Piece"))
    assert shown("network", {**files, "pkg/outer.py": outer}) == ["pkg/outer.py:5", "pkg/zoo.py:9"]


def test_parts_are_shown_where_no_class_is_whole() -> None:
    block = (
        "import torch\n\n\nclass ConvBlock(torch.nn.Module):\n    def forward(self, x):\n        return x\n"
    )
    assert shown("network", {"pkg/blocks.py": block}) == ["pkg/blocks.py:4"]


def test_the_choice_for_a_run_is_shown_rather_than_that_of_a_layer() -> None:
    settings = (
        "from dataclasses import dataclass\n\n@dataclass\nclass Args:\n    model_dtype: str = 'bfloat16'\n"
    )
    assert shown("dtype", {"pkg/net.py": NET, "pkg/settings.py": settings}) == ["pkg/settings.py:5"]
    assert shown("dtype", {"pkg/net.py": NET}) == ["pkg/net.py:5"]
