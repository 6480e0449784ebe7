"""Networks without classes, adapters that adapt, names that choose: each general rule with its look-alike."""

from __future__ import annotations

import pytest

from codex_audit.capabilities.modeling import CAPABILITY
from tests.capabilities.asking import answer_of, exported

GRAPH = """\
import tensorflow.compat.v1 as tf


def dense(x, width):
    weights = tf.get_variable("w", [x.shape[-1], width])
    return tf.matmul(x, weights)


def network(x):
    table = tf.get_variable("table", [256, 64])
    return dense(tf.gather(table, x), 10)
"""
PURE = """\
import jax
import jax.numpy as jnp


def predict(params, x):
    for weights, bias in params:
        x = jnp.tanh(jnp.dot(x, weights) + bias)
    return x


def loss(params, x, y):
    return ((predict(params, x) - y) ** 2).mean()


gradient = jax.grad(loss)
"""
PLAIN_LAYER = """\
from torch import nn


class Net(nn.Module):
    def forward(self, x):
        return x


class LoRALinear(nn.Module):
    def __init__(self, {parameters}):
        super().__init__()
        self.down, self.up = nn.Linear(wide, rank), nn.Linear(rank, wide)

    def forward(self, x):
        return self.up(self.down(x))
"""
SERVED = """\
from peft import PeftModel
from transformers import AutoModelForCausalLM


def load(path, adapter):
    return PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(path), adapter)
"""
TUNED = """

def tune(model, optimizer, batches):
    for batch in batches:
        model(batch).backward()
        optimizer.step()
"""
LAZY = """\
MODELS = {
    "small": "pkg.wrappers:Small",
    "large": "pkg.wrappers:Large",
}
"""
WRAPPERS = """\
from transformers import AutoModel


class Small:
    def __init__(self, path):
        self.model = AutoModel.from_pretrained(path)


class Large(Small):
    pass
"""
HANDED = """\
from transformers import AutoModelForMaskedLM


class Base:
    def __init__(self, kind, path):
        self.model = kind.from_pretrained(path)


class Words(Base):
    def __init__(self, path):
        super().__init__(AutoModelForMaskedLM, path)
"""
LOCATED = """\
import pydoc


def {name}(name):
    return pydoc.locate(name)
"""
NET = "from torch import nn\n\n\nclass Net(nn.Module):\n    def forward(self, x):\n        return x\n"
SIZES = """\
def {scope}():
    return {{
        "small": {{"hidden_size": 64, "n_layer": 2}},
        "large": {{"hidden_size": 128, "n_layer": 4}},
    }}
"""

YES: list[tuple[str, dict[str, str]]] = [
    (
        "network",
        {"pkg/model.py": GRAPH, "pkg/train.py": "from pkg.model import network\n\nlogits = network([1])\n"},
    ),
    ("network", {"train.py": PURE}),
    ("network", {"pkg/words.py": HANDED}),
    (
        "dtype",
        {
            "pkg/net.py": NET,
            "pkg/train.py": "import torch\n\n\ndef fit(amp_mode=None):\n    return torch.zeros(1)\n",
        },
    ),
    ("adapters", {"pkg/lora.py": PLAIN_LAYER.format(parameters="base_layer, wide, rank")}),
    ("adapters", {"pkg/lora.py": PLAIN_LAYER.format(parameters="wide, rank, alpha")}),
    ("adapters", {"pkg/tune.py": SERVED + TUNED}),
    ("by-name", {"pkg/names.py": LAZY, "pkg/wrappers.py": WRAPPERS}),
    ("by-name", {"pkg/net.py": NET, "pkg/find.py": LOCATED.format(name="model_class")}),
    ("by-name", {"pkg/net.py": NET, "pkg/sizes.py": SIZES.format(scope="presets")}),
]
NO: list[tuple[str, dict[str, str]]] = [
    (
        "network",
        {
            "pkg/model.py": "import tensorflow as tf\n\n\ndef product(a, b):\n    return tf.matmul(a, b)\n",
            "pkg/use.py": "from pkg.model import product\n\nproduct(1, 2)\n",
        },
    ),
    ("network", {"train.py": PURE.replace("gradient = jax.grad(loss)\n", "")}),
    ("network", {"pkg/words.py": HANDED.replace("kind.from_pretrained(path)", "isinstance(path, kind)")}),
    ("adapters", {"pkg/lora.py": PLAIN_LAYER.format(parameters="wide, rank")}),
    ("adapters", {"pkg/serve.py": SERVED}),
    ("by-name", {"pkg/names.py": LAZY, "pkg/net.py": NET, "pkg/wrappers.py": "class Small:\n    x = 1\n"}),
    ("by-name", {"pkg/net.py": NET, "pkg/find.py": LOCATED.format(name="callback_class")}),
    ("by-name", {"pkg/net.py": NET, "pkg/sizes.py": SIZES.format(scope="test_parameters")}),
    (
        "by-name",
        {
            "pkg/net.py": NET,
            "pkg/scale.py": """\
from functools import partial

from pkg.net import Net

SCALES = {
    "low": partial(min, dim=1),
    "high": partial(max, dim=1),
}
""",
        },
    ),
]


@pytest.mark.parametrize(("probe", "files"), YES)
def test_the_real_thing_counts(probe: str, files: dict[str, str]) -> None:
    answer = answer_of(CAPABILITY, probe, exported(files))
    assert answer.verdict == "yes", answer


@pytest.mark.parametrize(("probe", "files"), NO)
def test_its_look_alike_does_not(probe: str, files: dict[str, str]) -> None:
    answer = answer_of(CAPABILITY, probe, exported(files))
    assert answer.verdict == "no", answer
