"""Probes of checkpointing: the real thing, and what only looks like it."""

from __future__ import annotations

import pytest

from codex_audit.capabilities.checkpointing import CAPABILITY
from tests.capabilities.asking import answer_of

SAVE = """\
import torch

model = torch.nn.Linear(1, 1)
optimizer = torch.optim.AdamW(model.parameters())
for step in range(10):
    model(torch.ones(1)).sum().backward()
    optimizer.step()
    torch.save({"model": model.state_dict()}, f"step-{step}.pt")
"""
FULL = SAVE.replace('()}, f"', '(), "optimizer": optimizer.state_dict()}, f"')
RESUMED = (
    FULL
    + """
state = torch.load("step-9.pt", weights_only=True)
model.load_state_dict(state["model"])
optimizer.load_state_dict(state["optimizer"])
"""
)
WEIGHTS_BACK = RESUMED.replace('optimizer.load_state_dict(state["optimizer"])\n', "")
GENERATORS = FULL.replace('()}, f"', '(), "rng": torch.get_rng_state()}, f"')
LIGHTNING = """\
import lightning as L

trainer = L.Trainer(max_epochs=1)
trainer.fit(1)
"""
HF = """\
from transformers import Trainer, TrainingArguments

trainer = Trainer(model=1, args=TrainingArguments("out"))
trainer.train()
"""
JAX = """\
import flax.struct
import jax
import orbax.checkpoint as ocp


@flax.struct.dataclass
class State:
    params: dict
    opt_state: tuple
    rng: jax.Array


def main(path, state):
    checkpointer = ocp.StandardCheckpointer()
    checkpointer.save(path, state)
    return checkpointer.restore(path, State(1, 2, jax.random.key(0)))


main("a", 1)
"""
FILES = """\
import torch


def save_checkpoint(model, path):
    torch.save(model.state_dict(), path)


def load_checkpoint(model, path):
    model.load_state_dict(torch.load(path, weights_only=True))
"""
DIGEST = """\
import hashlib
import torch


def save_checkpoint(model, path):
    torch.save(model.state_dict(), path)
    digest = hashlib.sha256(open(path, "rb").read()).hexdigest()
    open(f"{path}.sha256", "w").write(digest)
"""
PRUNE = """\
import os


def prune_checkpoints(paths, keep):
    for path in sorted(paths)[:-keep]:
        os.remove(path)


prune_checkpoints([], 3)
"""
EXPORTED = {
    "pkg/__init__.py": "from pkg.files import load_checkpoint, save_checkpoint\n",
    "pkg/files.py": FILES,
}
TEST = """\
import torch
from pkg.files import load_checkpoint, save_checkpoint

def test_round_trip(tmp_path):
    model = torch.nn.Linear(1, 1)
    save_checkpoint(model, tmp_path / "a")
    load_checkpoint(model, tmp_path / "a")
    assert model.weight.shape == (1, 1)
"""
GRAPH = """\
import tensorflow as tf

saver = tf.compat.v1.train.Saver(max_to_keep=3)
with tf.compat.v1.Session() as session:
    saver.save(session, "model")
"""
PARAMETERS = """\
import flax.struct
import jax
import orbax.checkpoint as ocp


@flax.struct.dataclass
class State:
    params: dict
    opt_state: tuple
    rng: jax.Array


def save(path, params):
    ocp.StandardCheckpointer().save(path, params)


def train(path, state):
    params = ocp.StandardCheckpointer().restore(path)
    save(path, state.params)
    return params


train("a", State(1, 2, jax.random.key(0)))
"""
REGISTERED = """\
import torch


class Keeper:
    def __init__(self):
        self.kept = {}

    def add_recoverable(self, name, obj):
        self.kept[name] = obj

    def save_checkpoint(self, path):
        for name, obj in self.kept.items():
            torch.save(obj.state_dict(), f"{path}/{name}.ckpt")

    def recover_if_possible(self, path):
        for name, obj in self.kept.items():
            obj.load_state_dict(torch.load(f"{path}/{name}.ckpt"))


class Run:
    def __init__(self, keeper, model):
        self.keeper = keeper
        self.keeper.add_recoverable("model", model)
        self.keeper.add_recoverable("optimizer", torch.optim.SGD(model.parameters()))
        self.keeper.recover_if_possible("x")


Run(Keeper(), torch.nn.Linear(1, 1)).keeper.save_checkpoint("x")
"""
SHOWN = REGISTERED.replace("add_recoverable", "add_widget")
BY_TYPE = """\
import torch


def keep(obj, path):
    torch.save(obj.state_dict(), path)


HOOKS = {torch.nn.Module: keep, torch.optim.Optimizer: keep}


def save_checkpoint(obj, path):
    HOOKS[type(obj)](obj, path)


save_checkpoint(torch.nn.Linear(1, 1), "a")
"""
PASSING = """\
import tempfile
import torch


def simulate(optimizer, model):
    with tempfile.TemporaryDirectory() as folder:
        torch.save({"optimizer": optimizer.state_dict(), "model": model.state_dict()}, folder + "/cache.pt")
        optimizer.step()
        state = torch.load(folder + "/cache.pt")
        optimizer.load_state_dict(state["optimizer"])


simulate(1, 2)
"""
LISTED = """\
import torch


class Agent:
    def _names_to_save(self):
        return ["policy", "policy.optimizer"]

    def save(self, path):
        torch.save({name: getattr(self, name).state_dict() for name in self._names_to_save()}, path)

    def load(self, path):
        for name, state in torch.load(path).items():
            part = getattr(self, name)
            if isinstance(part, torch.optim.Optimizer):
                part.load_state_dict(state)


Agent().save("agent")
"""
IGNITE = """\
import torch
from ignite.handlers import Checkpoint


def train(trainer, model, optimizer, path):
    parts = {"model": model, "optimizer": optimizer}
    trainer.add_event_handler("done", Checkpoint(parts, "out", n_saved=2))
    Checkpoint.load_objects(to_load=parts, checkpoint=torch.load(path))
    trainer.run()


train(1, 2, 3, "a")
"""
NAMED_DIGEST = """\
import hashlib
import shutil


def hash_checkpoint(path):
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    shutil.move(path, f"{path}-{digest[:8]}.pt")
    return digest


hash_checkpoint(1)
"""
PICKLED = """\
import pickle
import jax


def save_params(path, params):
    with open(path, "wb") as out:
        pickle.dump(params, out)


save_params("a", jax.numpy.ones(1))
"""
LEXICON = {
    "train.py": SAVE,
    "pkg/graph.py": "import torch\n\ndef read_graph(path):\n    return torch.load(path)\n\nread_graph('L.pt')\n",
    "tests/test_graph.py": "from pkg.graph import read_graph\n\ndef test_one(tmp_path):\n    assert read_graph(tmp_path)\n",
}

YES: list[tuple[str, dict[str, str]]] = [
    ("weights", {"train.py": SAVE}),
    ("weights", {"train.py": HF}),
    ("weights", {"train.py": LIGHTNING}),
    ("weights", {"train.py": JAX}),
    ("optimizer", {"train.py": FULL}),
    ("optimizer", {"train.py": SAVE + "torch.save(optimizer.state_dict(), 'optimizer.pt')\n"}),
    ("optimizer", {"train.py": HF}),
    ("optimizer", {"train.py": JAX}),
    ("resume", {"train.py": RESUMED}),
    ("resume", {"train.py": HF.replace("train()", "train(resume_from_checkpoint=path)")}),
    ("resume", {"train.py": LIGHTNING.replace("fit(1)", "fit(1, ckpt_path=path)")}),
    (
        "rng",
        {
            "train.py": GENERATORS,
            "pkg/back.py": "import torch\ntorch.set_rng_state(torch.load('a')['rng'])\n",
        },
    ),
    ("rng", {"train.py": HF.replace("train()", "train(resume_from_checkpoint=path)")}),
    ("rng", {"train.py": JAX}),
    ("retention", {"train.py": LIGHTNING}),
    ("retention", {"train.py": HF.replace('"out"', '"out", save_total_limit=2')}),
    ("retention", {"train.py": SAVE, "pkg/prune.py": PRUNE}),
    ("retention", {"train.py": SAVE.replace('f"step-{step}.pt"', '"best_model.pt"')}),
    ("digest", {"pkg/__init__.py": "from pkg.files import save_checkpoint\n", "pkg/files.py": DIGEST}),
    ("tests", {**EXPORTED, "tests/test_files.py": TEST}),
    ("weights", {"train.py": GRAPH}),
    ("retention", {"train.py": GRAPH}),
    ("weights", {"train.py": PICKLED}),
    ("optimizer", {"train.py": REGISTERED}),
    ("resume", {"train.py": REGISTERED}),
    ("optimizer", {"train.py": IGNITE}),
    ("resume", {"train.py": IGNITE}),
    ("retention", {"train.py": IGNITE}),
    ("optimizer", {"train.py": BY_TYPE}),
    ("optimizer", {"train.py": LISTED}),
    ("resume", {"train.py": LISTED}),
    ("digest", {"train.py": SAVE, "pkg/digest.py": NAMED_DIGEST}),
    ("rng", {"train.py": JAX.replace("rng: jax.Array", "shuffle_key: jax.random.PRNGKey")}),
]
NO: list[tuple[str, dict[str, str]]] = [
    (
        "weights",
        {"train.py": "import torch\n# torch.save(model.state_dict(), 'a.pt')\nprint(torch.ones(1))\n"},
    ),
    ("weights", {"pkg/prepare.py": "import torch\ntorch.save(torch.ones(3), 'features.pt')\n"}),
    (
        "weights",
        {
            "train.py": "import json\nfrom transformers import AutoTokenizer\nAutoTokenizer.from_pretrained('a').save_pretrained('b')\n"
        },
    ),
    ("weights", {"tests/test_train.py": SAVE}),
    ("optimizer", {"train.py": SAVE}),
    ("optimizer", {"train.py": SAVE + "config = {'optimizer': 'adamw', 'lr': 1}\n"}),
    ("resume", {"train.py": WEIGHTS_BACK}),
    ("resume", {"train.py": HF}),
    ("resume", {"train.py": SAVE + "import argparse\nargparse.ArgumentParser().add_argument('--resume')\n"}),
    ("rng", {"train.py": HF}),
    ("rng", {"train.py": GENERATORS}),
    (
        "rng",
        {
            "train.py": FULL
            + "def forked(run):\n    state = torch.get_rng_state()\n    run()\n    torch.set_rng_state(state)\nforked(print)\n"
        },
    ),
    ("retention", {"train.py": FULL}),
    ("retention", {"train.py": LIGHTNING.replace("trainer.fit(1)\n", "")}),
    ("retention", {"train.py": SAVE + "import shutil\nshutil.rmtree('cache')\n"}),
    (
        "digest",
        {"train.py": SAVE, "pkg/cache.py": "import hashlib\nkey = hashlib.sha256(b'query').hexdigest()\n"},
    ),
    (
        "tests",
        {**EXPORTED, "tests/test_files.py": TEST.replace("    assert model.weight.shape == (1, 1)\n", "")},
    ),
    ("tests", {**EXPORTED, "tests/test_files.py": "def test_one():\n    assert 1 + 1 == 2\n"}),
    ("tests", LEXICON),
    ("optimizer", {"train.py": PARAMETERS}),
    ("resume", {"train.py": PARAMETERS}),
    ("optimizer", {"train.py": SHOWN}),
    ("optimizer", {"train.py": LISTED.replace("_names_to_save", "_parts")}),
    ("resume", {"train.py": LISTED.replace("torch.optim.Optimizer", "torch.nn.Module")}),
    (
        "optimizer",
        {"train.py": BY_TYPE.replace("torch.optim.Optimizer: keep", "torch.optim.Optimizer: print")},
    ),
    ("weights", {"train.py": PASSING}),
    ("optimizer", {"train.py": IGNITE.replace(', "optimizer": optimizer', "")}),
    ("resume", {"train.py": IGNITE.replace(', "optimizer": optimizer', "")}),
    ("retention", {"train.py": IGNITE.replace(", n_saved=2", ", n_saved=None")}),
    ("resume", {"train.py": FULL, "pkg/lr_finder.py": RESUMED}),
    ("optimizer", {"train.py": SAVE, "pkg/find.py": PASSING}),
    ("resume", {"train.py": SAVE, "pkg/find.py": PASSING}),
    ("weights", {"train.py": PICKLED.replace("save_params", "save_figures")}),
    (
        "digest",
        {"train.py": SAVE, "pkg/digest.py": NAMED_DIGEST.replace("hash_checkpoint", "download_checkpoint")},
    ),
    ("rng", {"train.py": JAX.replace("rng: jax.Array", "cache_key: str")}),
]


def renamed(source: str) -> str:
    """The same code under other names of imports and variables."""
    for old, new in (("import torch", "import torch as t"), ("torch.", "t."), ("optimizer.", "q."), ("optimizer =", "q ="),
                     ("model.", "z."), ("model =", "z ="), ("model(", "z("), ("state =", "w ="), ("(state[", "(w[")):  # fmt: skip
        source = source.replace(old, new)
    return source


ALIASED = [(probe, RESUMED, renamed(RESUMED)) for probe in ("weights", "optimizer", "resume")]


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


def test_the_function_about_checkpoints_is_shown_before_the_helper_that_writes() -> None:
    files = {
        "pkg/arrays.py": "import torch\n\ndef put(model, path):\n    torch.save(model.state_dict(), path)\n",
        "pkg/train.py": "from pkg.arrays import put\n\ndef save_checkpoint(model):\n    put(model, 'x')\n\nsave_checkpoint(1)\n",
    }
    answer = answer_of(CAPABILITY, "weights", files)
    assert [(item.path, item.line) for item in answer.evidence] == [("pkg/train.py", 4), ("pkg/arrays.py", 4)]


def test_a_trainer_that_extends_the_checkpoints_of_its_library_is_shown() -> None:
    source = """\
import transformers

class Mine(transformers.Trainer):
    def _save_checkpoint(self, model, trial):
        super()._save_checkpoint(model, trial)

Mine().train()
"""
    for probe in ("weights", "optimizer"):
        lines = [item.line for item in answer_of(CAPABILITY, probe, {"train.py": source}).evidence]
        assert lines[0] == 5
    own = source.replace("transformers.Trainer", "Base").replace("import transformers", "class Base: pass")
    assert answer_of(CAPABILITY, "weights", {"train.py": own}).verdict == "no"


def test_the_call_that_hands_on_the_optimizer_s_state_is_shown_but_proves_nothing_alone() -> None:
    handed = "from pkg.disk import save_checkpoint\nsave_checkpoint(model, opt_state, 3)\n"
    disk = "import torch\n\ndef save_checkpoint(model, state, step):\n    torch.save({'model': model}, 'x')\n"
    assert answer_of(CAPABILITY, "optimizer", {"train.py": handed, "pkg/disk.py": disk}).verdict == "no"
    kept = disk.replace("{'model': model}", "{'optimizer': state.state_dict()}")
    answer = answer_of(CAPABILITY, "optimizer", {"train.py": handed, "pkg/disk.py": kept})
    assert ("train.py", 2) in [(item.path, item.line) for item in answer.evidence]
