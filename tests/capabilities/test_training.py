"""Probes of training: the real thing, and what only looks like it."""

from __future__ import annotations

import pytest

from codex_audit.capabilities.training import CAPABILITY
from tests.capabilities.asking import answer_of

LOOP = """\
import torch

model = torch.nn.Linear(1, 1)
optimizer = torch.optim.AdamW(model.parameters())
for batch in range(10):
    loss = model(torch.ones(1)).sum()
    loss.backward()
    optimizer.step()
"""
JAX = """\
import jax
import optax

optimizer = optax.adam(1e-3)


@jax.jit
def update(params, state, batch):
    grads = jax.grad(lambda p: (p * batch).sum())(params)
    updates, state = optimizer.update(grads, state)
    return optax.apply_updates(params, updates), state


def main(params, state, batches):
    for batch in batches:
        params, state = update(params, state, batch)
    return params


main(1, 2, [3])
"""
APART = """\
import torch


class Learner:
    def fit(self, batches):
        for batch in batches:
            self.learn(batch)

    def learn(self, batch):
        self.loss(batch).backward()
        self.update()

    def update(self):
        self.optimizer.step()


Learner().fit([])
"""
HF = """\
from transformers import Trainer, TrainingArguments

trainer = Trainer(model=1, args=TrainingArguments("out"))
trainer.train()
"""
LIGHTNING = """\
import lightning as L

trainer = L.Trainer(max_epochs=1)
trainer.fit(1)
"""
KERAS = """\
import keras

model = keras.models.load_model("a.keras")
model.compile(optimizer="adam", loss="mse")
model.fit(1, 2, epochs=3)
"""
TRAIN = """\
import torch


def train(steps):
    model = torch.nn.Linear(1, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(steps):
        model(torch.ones(1)).sum().backward()
        optimizer.step()
    return model
"""
EXPORTED = {"pkg/__init__.py": "from pkg.fitting import train\n", "pkg/fitting.py": TRAIN}


def loop_with(line: str) -> dict[str, str]:
    """The plain loop with one more line before the step."""
    return {"train.py": LOOP.replace("    optimizer.step", f"    {line}\n    optimizer.step")}


YES: list[tuple[str, dict[str, str]]] = [
    ("loop", {"train.py": LOOP}),
    ("loop", {"train.py": JAX}),
    ("loop", {"train.py": APART}),
    ("loop", {"train.py": HF}),
    ("loop", {"train.py": LIGHTNING}),
    ("loop", {"train.py": KERAS}),
    (
        "mixed-precision",
        {"train.py": LOOP.replace("    loss =", "    with torch.autocast('cuda'):\n        loss =")},
    ),
    ("mixed-precision", {"train.py": LIGHTNING.replace("max_epochs=1", "precision='16-mixed'")}),
    ("mixed-precision", {"train.py": HF.replace('"out"', '"out", bf16=True')}),
    (
        "accumulation",
        {
            "train.py": LOOP
            + "import argparse\nargparse.ArgumentParser().add_argument('--grad-accum-steps')\n"
        },
    ),
    ("accumulation", {"train.py": HF.replace('"out"', '"out", gradient_accumulation_steps=4')}),
    ("clipping", loop_with("torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)")),
    ("clipping", {"train.py": HF}),
    ("clipping", {"train.py": LIGHTNING.replace("max_epochs=1", "gradient_clip_val=1.0")}),
    ("clipping", {"train.py": KERAS + "keras.optimizers.Adam(clipnorm=1.0)\n"}),
    ("schedule", {"train.py": LOOP + "torch.optim.lr_scheduler.StepLR(optimizer, 1)\n"}),
    (
        "schedule",
        {
            "train.py": LOOP.replace(
                "    optimizer.step",
                "    for group in optimizer.param_groups:\n        group['lr'] = 1 / (batch + 1)\n    optimizer.step",
            )
        },
    ),
    ("distributed", {"train.py": LOOP + "model = torch.nn.parallel.DistributedDataParallel(model)\n"}),
    ("distributed", {"train.py": LIGHTNING}),
    (
        "distributed",
        {"train.py": LOOP + "from accelerate import Accelerator\nmodel = Accelerator().prepare(model)\n"},
    ),
    (
        "tests",
        {
            **EXPORTED,
            "tests/test_train.py": "from pkg.fitting import train\n\ndef test_train():\n    assert train(2) is not None\n",
        },
    ),
]
NO: list[tuple[str, dict[str, str]]] = [
    ("loop", {"train.py": LOOP.replace("    optimizer.step()\n", "")}),
    ("loop", {"tests/test_train.py": LOOP}),
    ("loop", {"pkg/never.py": "if False:\n" + "".join(f"    {line}\n" for line in LOOP.splitlines())}),
    ("loop", {"train.py": "from sklearn.linear_model import Ridge\nRidge().fit(1, 2)\n"}),
    ("loop", {"train.py": "import simulator\nfor _ in range(3):\n    simulator.world().step()\n"}),
    ("loop", {"train.py": "# loss.backward(); optimizer.step()\nfrom transformers import Trainer\n"}),
    (
        "mixed-precision",
        {
            "train.py": LOOP.replace(
                "    loss =", "    with torch.autocast('cuda', enabled=False):\n        loss ="
            )
        },
    ),
    ("mixed-precision", {"pkg/infer.py": "import torch\nwith torch.autocast('cuda'):\n    print(1)\n"}),
    ("mixed-precision", {"train.py": LIGHTNING.replace("max_epochs=1", "precision=32")}),
    ("accumulation", {"train.py": HF}),
    (
        "accumulation",
        {"train.py": "import argparse\nargparse.ArgumentParser().add_argument('--grad-accum-steps')\n"},
    ),
    ("clipping", loop_with("loss = loss.clip(0, 1)")),
    ("clipping", loop_with("# torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)")),
    ("schedule", {"train.py": LOOP + "from torch.optim.lr_scheduler import StepLR\n"}),
    ("schedule", {"train.py": LOOP + "settings = {}\nsettings['colour'] = 1\n"}),
    ("distributed", {"train.py": LOOP + "model = torch.nn.DataParallel(model)\n"}),
    ("distributed", {"train.py": LIGHTNING.replace("max_epochs=1", "devices=1")}),
    ("distributed", {"pkg/eval.py": "import torch\ntorch.distributed.init_process_group()\n"}),
    (
        "tests",
        {
            **EXPORTED,
            "tests/test_train.py": "from pkg.fitting import train\n\ndef test_train():\n    train(2)\n",
        },
    ),
]
ALIASED = [
    (
        "loop",
        LOOP,
        LOOP.replace("import torch", "import torch as t")
        .replace("torch.nn", "t.nn")
        .replace("torch.optim", "t.optim")
        .replace("torch.ones", "t.ones")
        .replace("optimizer", "q")
        .replace("loss", "z")
        .replace("batch", "b"),
    ),
    (
        "clipping",
        "import torch\nmodel = torch.nn.Linear(1, 1)\ntorch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)\n",
        "from torch import nn\nq = nn.Linear(1, 1)\nnn.utils.clip_grad_norm_(q.parameters(), 1.0)\n",
    ),
    (
        "schedule",
        "import torch\nscheduler = torch.optim.lr_scheduler.StepLR(1, 1)\n",
        "from torch.optim import lr_scheduler as s\nq = s.StepLR(1, 1)\n",
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
