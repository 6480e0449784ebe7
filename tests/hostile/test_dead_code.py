"""Code that can never run proves nothing, in whatever way it was cut off."""

from __future__ import annotations

import textwrap

import pytest

from tests.hostile.answers import yes

IMPORTS = """\
import argparse, hashlib, importlib.metadata, json, logging, os, platform, random, sys
import datasets, git, hydra, numpy, optuna, peft, sklearn.metrics, torch, tqdm, transformers, wandb
from typing import TYPE_CHECKING

"""
BODY = """\
torch.manual_seed(1)
random.seed(1)
numpy.random.seed(1)
torch.use_deterministic_algorithms(True)
tokenizer = transformers.AutoTokenizer.from_pretrained("x")
model = transformers.AutoModelForCausalLM.from_pretrained("x", torch_dtype=torch.bfloat16, device_map="auto")
model = peft.get_peft_model(model, peft.LoraConfig())
arguments = transformers.TrainingArguments(
    "out", fp16=True, save_total_limit=2, gradient_accumulation_steps=2, max_grad_norm=1.0, full_determinism=True
)
files = {"train": "train.json", "validation": "valid.json"}
data = datasets.load_dataset("json", data_files=files).shuffle(seed=1)
trainer = transformers.Trainer(model, arguments, train_dataset=data["train"], eval_dataset=data["validation"])
trainer.train(resume_from_checkpoint=True)
print("accuracy", sklearn.metrics.accuracy_score([1], [1]))
with open("metrics.json", "w") as file:
    json.dump(trainer.evaluate(), file)
optimizer = torch.optim.AdamW(model.parameters())
schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10)
for batch in tqdm.tqdm(torch.utils.data.DataLoader(data, shuffle=True)):
    with torch.autocast("cuda"):
        loss = model(tokenizer(batch, truncation=True, max_length=512))
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, "best.pt")
print(hashlib.sha256(open("best.pt", "rb").read()).hexdigest())
wandb.init(config={"lr": 1}, mode="offline")
logging.getLogger("x").info("memory %s", torch.cuda.max_memory_allocated())
argparse.ArgumentParser().add_argument("--device")
hydra.compose("config")
optuna.create_study().optimize(print)
record = {"python": platform.python_version(), "commit": git.Repo().head.commit.hexsha}
json.dump(record, open("run.json", "w"))
importlib.metadata.entry_points(group="plugins")
"""


def under(head: str, tail: str = "", depth: int = 1) -> str:
    return head + textwrap.indent(BODY, "    " * depth) + tail


NEVER = {
    "if False": under("if False:\n"),
    "if 0": under("if 0:\n"),
    "if None": under("if None:\n"),
    "if an empty string": under('if "":\n'),
    "if an empty list": under("if []:\n"),
    "if not True": under("if not True:\n"),
    "if False and more": under("if False and len(sys.argv) > 1:\n"),
    "if more and False": under("if len(sys.argv) > 1 and False:\n"),
    "if not (True or more)": under("if not (True or len(sys.argv) > 1):\n"),
    "else of if True": under("if True:\n    pass\nelse:\n"),
    "elif after if 1": under("if 1:\n    pass\nelif sys.argv:\n"),
    "while False": under("while False:\n"),
    "for in an empty tuple": under("for _ in ():\n"),
    "if TYPE_CHECKING": under("if TYPE_CHECKING:\n"),
    "after return": under("def run():\n    return 1\n", "run()\n"),
    "after raise": under("def run():\n    raise ValueError\n", "run()\n"),
    "after NotImplementedError": under('def run():\n    raise NotImplementedError("later")\n', "run()\n"),
    "after sys.exit": "sys.exit(0)\n" + BODY,
    "after sys.exit in a function": under('def run():\n    sys.exit("no")\n', "run()\n"),
    "after exit": under("def run():\n    exit()\n", "run()\n"),
    "after os._exit": under("def run():\n    os._exit(1)\n", "run()\n"),
    "after assert False": under('def run():\n    assert False, "later"\n', "run()\n"),
    "after an endless loop": under("def run():\n    while True:\n        input()\n", "run()\n"),
    "after if and else that leave": under(
        "def run(x):\n    if x:\n        return 1\n    else:\n        raise ValueError\n", "run(1)\n"
    ),
    "after if True that leaves": under("def run():\n    if True:\n        return 1\n", "run()\n"),
    "after try that leaves": under(
        "def run():\n    try:\n        return 1\n    except OSError:\n        raise\n", "run()\n"
    ),
    "after finally that leaves": under(
        "def run():\n    try:\n        input()\n    finally:\n        return 1\n", "run()\n"
    ),
    "after with that returns": under(
        "def run(x):\n    with open(x):\n        with open(x):\n            return 1\n", "run(1)\n"
    ),
    "after match that leaves": under(
        "def run(x):\n    match x:\n        case 1:\n            return 1\n        case _:\n            return 2\n",
        "run(1)\n",
    ),
    "after continue": under("for _ in range(3):\n    continue\n"),
    "after break": under("for _ in range(3):\n    break\n"),
    "a private function": under("def _run():\n"),
    "a private function that calls itself": under("def _run():\n", "    _run()\n"),
    "private functions that call each other": under("def _a():\n    _run()\n\n\ndef _run():\n    _a()\n"),
    "a private class": under("class _Run:\n    def train(self):\n        _Run()\n", depth=2),
    "a private method": under("class Run:\n    def _train(self):\n", depth=2),
    "a nested function": under("def run():\n    def inner():\n", "    return 1\n\n\nrun()\n", depth=2),
    "a string": f"CODE = '''\n{BODY}'''\n",
    "a choice that is made": "x = torch.save(1, 'model.pt') if False else None\ny = False and torch.manual_seed(1)\n",
}
SOMETIMES = {
    "at the top": BODY,
    "if x and y": under("if len(sys.argv) > 1 and sys.argv[1]:\n"),
    "if True or y": under("if True or sys.argv:\n"),
    "after a loop with a way out": under(
        "def run():\n    while True:\n        if input():\n            break\n", "run()\n"
    ),
    "after a loop that may break within a loop": under(
        "def run():\n    while True:\n        for _ in input():\n            break\n        else:\n            break\n",
        "run()\n",
    ),
    "after a try that may go on": under(
        "def run():\n    try:\n        return int('x')\n    except ValueError:\n        pass\n", "run()\n"
    ),
    "after a with that may swallow": under(
        "def run(x):\n    with x:\n        raise ValueError\n", "run(open('x'))\n"
    ),
    "after a match that may miss": under(
        "def run(x):\n    match x:\n        case 1:\n            return 1\n", "run(1)\n"
    ),
    "after an exit of something else": under("def run(x):\n    x.exit()\n", "run(1)\n"),
    "a private function that is called": under("def _run():\n", "\n\n_run()\n"),
    "a private function behind a private one": under(
        "def _a():\n    _run()\n\n\ndef _run():\n", "\n\n_a()\n"
    ),
    "else of TYPE_CHECKING": under("if TYPE_CHECKING:\n    pass\nelse:\n"),
}


def tree(code: str, path: str) -> dict[str, str]:
    return {path: IMPORTS + code} | ({"pkg/__init__.py": ""} if "/" in path else {})


@pytest.mark.parametrize("form", NEVER)
def test_what_cannot_run_proves_nothing(form: str) -> None:
    assert yes(tree(NEVER[form], "pkg/module.py")) == set()


@pytest.mark.parametrize("form", ["if False", "after return", "after sys.exit", "a private function"])
def test_it_proves_nothing_in_a_script_either(form: str) -> None:
    assert yes(tree(NEVER[form], "script.py")) == set()


@pytest.mark.parametrize("form", SOMETIMES)
def test_what_may_run_counts(form: str) -> None:
    found = yes(tree(SOMETIMES[form], "script.py"))
    assert len(found) > 30
    assert found == yes(tree(BODY, "script.py"))


def test_a_private_function_that_only_a_private_unused_one_of_another_module_imports() -> None:
    user = "def _other():\n    from pkg.module import _run\n\n    _run()\n"
    assert yes({**tree(under("def _run():\n"), "pkg/module.py"), "pkg/user.py": user}) == set()
