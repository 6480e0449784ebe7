"""Training without a plain loop, and what only looks like a schedule: general rules with their look-alikes."""

from __future__ import annotations

import pytest

from codex_audit.capabilities.training import CAPABILITY
from tests.capabilities.asking import answer_of, exported

SESSION = """\
import tensorflow.compat.v1 as tf

optimizer = tf.train.AdamOptimizer(1e-3)
update = optimizer.minimize(loss)
with tf.Session() as session:
    for batch in batches:
        session.run({run}, feed_dict={{place: batch}})
"""
STEP = """\
import torch


def train(model, optimizer, batches):
    for batch in batches:
        model(batch).backward()
        optimizer.step()
"""
ACCUMULATED = """\
from dataclasses import dataclass

from pkg.accumulation import accumulate_gradients


@dataclass
class Settings:
    microbatch_rows: int = 4


class Runner:
    def __init__(self, settings: Settings):
        self.settings = settings

    def step(self, loss, batch):
        return accumulate_gradients(loss, batch, {rows})
"""
WRAPPED = """\
from torch.nn.parallel import DistributedDataParallel


class Task:
    def spread(self):
        self.model = DistributedDataParallel(self.model)
"""
GROUPS = """\
class Warm:
    def set_rate(self, optimizer, step):
        for group in optimizer.{groups}:
            group["lr"] = step / 100
"""
ARGUMENTS = """\
from torch.optim import Adam


def build(parameters, lr, **kwargs):
    kwargs["lr"] = lr
    return Adam(parameters, **kwargs)
"""

YES: list[tuple[str, dict[str, str]]] = [
    ("loop", {"train.py": SESSION.format(run="[update, loss]")}),
    ("accumulation", {
        "pkg/train.py": STEP,
        "pkg/accumulation.py": "def accumulate_gradients(loss, batch, rows):\n    return loss(batch)\n",
        "pkg/run.py": ACCUMULATED.format(rows="self.settings.microbatch_rows"),
    }),
    ("clipping", {"pkg/clip.py": "def clip_by_global_norm(updates, norm):\n    return updates / norm\n"}),
    ("schedule", {"pkg/rates.py": GROUPS.format(groups="param_groups")}),
    ("schedule", {"train.py": "import optax\nrate = optax.exponential_decay(1e-3, 100, 0.9)\n"}),
    ("schedule", {
        "train.py": """\
import optax


def learning_rate_fn(step):
    return 1e-3 * min(step / 100, 1)


optimizer = optax.adamw(learning_rate=learning_rate_fn)
""",
    }),
    ("distributed", {"pkg/task.py": WRAPPED, "pkg/loss.py": "def learn(loss):\n    loss.total.backward()\n"}),
    ("distributed", {
        "train.py": """\
import mlx.nn as nn
import mlx.optimizers as optim

optimizer = optim.Adam(1e-3)
for batch in batches:
    loss, gradients = nn.value_and_grad(model, loss_of)(batch)
    optimizer.update(model, nn.average_gradients(gradients))
""",
    }),
]  # fmt: skip
NO: list[tuple[str, dict[str, str]]] = [
    ("loop", {"train.py": SESSION.format(run="loss")}),
    ("accumulation", {
        "pkg/train.py": STEP,
        "pkg/accumulation.py": "def accumulate_gradients(loss, batch, rows):\n    return loss(batch)\n",
        "pkg/run.py": ACCUMULATED.format(rows="4"),
    }),
    ("clipping", {"pkg/clip.py": "def clip_boxes(boxes, size):\n    return boxes[:size]\n"}),
    ("schedule", {"pkg/build.py": ARGUMENTS}),
    ("schedule", {"pkg/rates.py": GROUPS.format(groups="rows")}),
    ("schedule", {"train.py": "import optax\noptimizer = optax.adamw(learning_rate=1e-3)\n"}),
    ("distributed", {"pkg/task.py": WRAPPED}),
    ("distributed", {"train.py": "import mlx.core as mx\nworld = mx.distributed.init()\n"}),
]  # fmt: skip


@pytest.mark.parametrize(("probe", "files"), YES)
def test_the_real_thing_counts(probe: str, files: dict[str, str]) -> None:
    answer = answer_of(CAPABILITY, probe, exported(files))
    assert answer.verdict == "yes", answer


@pytest.mark.parametrize(("probe", "files"), NO)
def test_its_look_alike_does_not(probe: str, files: dict[str, str]) -> None:
    answer = answer_of(CAPABILITY, probe, exported(files))
    assert answer.verdict == "no", answer
