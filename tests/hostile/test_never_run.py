"""Trainers that nobody runs, and programs of another trade that use the same words."""

from __future__ import annotations

import pytest

from tests.hostile.answers import EVERY, yes

IMPORTED = """\
import accelerate, composer, deepspeed, keras, lightning, optuna, peft, sentence_transformers, torch, wandb
from transformers import AutoModelForCausalLM, AutoTokenizer, Seq2SeqTrainer, Trainer, TrainingArguments
from trl import SFTConfig, SFTTrainer


def add(a, b):
    return a + b


print(add(1, 2))
"""
BUILT = """\
from transformers import Trainer, TrainingArguments

arguments = TrainingArguments(
    "out",
    fp16=True,
    save_total_limit=2,
    gradient_accumulation_steps=4,
    max_grad_norm=0.5,
    lr_scheduler_type="cosine",
    warmup_steps=10,
    report_to="tensorboard",
)
trainer = Trainer(model=None, args=arguments, train_dataset=[], eval_dataset=[1], compute_metrics=len)
print(trainer)
"""
LIGHTNING = """\
import lightning as L
from lightning.pytorch.callbacks import ModelCheckpoint

trainer = L.Trainer(
    precision="bf16-mixed",
    accumulate_grad_batches=4,
    gradient_clip_val=1.0,
    devices=4,
    strategy="ddp",
    callbacks=[ModelCheckpoint(save_top_k=3)],
)
print(trainer)
"""
CONFIGURED = """\
training:
  fp16: true
  gradient_accumulation_steps: 4
  max_grad_norm: 1.0
  lr_scheduler_type: cosine
  save_total_limit: 3
mixed_precision: bf16
gradient_clipping: 1.0
"""
RAILWAY = '''\
"""A railway: trains, the tokens of single tracks, checkpoints at borders."""

import argparse
import random
from dataclasses import dataclass


@dataclass
class Train:
    model: str
    seed: int = 0
    checkpoint: str = "north"
    accelerator: str = "lever"
    device: str = "horn"
    dtype: str = "steel"

    def step(self):
        return self.seed + 1

    def backward(self):
        return self.seed - 1

    def load_state(self, freight):
        return freight


class Tokenizer:
    """Hands out tokens for single tracks."""

    def encode(self, track):
        return hash(track)


def evaluate(expression):
    return expression.strip() == "go"


def shuffle(wagons):
    order = list(wagons)
    random.shuffle(order)
    return order


def train_dispatch(trains, epochs, batch_size, resume=False, max_length=30):
    tokens = Tokenizer()
    for epoch in range(epochs):
        for train in trains:
            train.backward()
            train.step()
            tokens.encode(train.checkpoint)
            print("train", train.model, "in", epoch)
    return evaluate("go")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--batch-size", type=int)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--device")
    parser.add_argument("--gradient-accumulation-steps", type=int)
    parser.add_argument("--fp16", action="store_true")
    given = parser.parse_args()
    train_dispatch(shuffle([Train("steam")]), given.epochs, given.batch_size)


if __name__ == "__main__":
    main()
'''
LEARNING = {
    probe for probe in EVERY if probe.startswith(("training.", "checkpointing.", "evaluation.", "tracking."))
}


def test_a_trainer_that_is_imported_and_never_used_proves_nothing() -> None:
    assert yes({"pkg/__init__.py": "", "pkg/module.py": IMPORTED}) == set()


@pytest.mark.parametrize("source", [BUILT, LIGHTNING], ids=["transformers", "lightning"])
def test_a_trainer_that_is_built_and_never_run_does_not_train(source: str) -> None:
    assert not yes({"script.py": source}) & LEARNING


@pytest.mark.parametrize(
    ("source", "run"), [(BUILT, "trainer.train()\n"), (LIGHTNING, "trainer.fit(None)\n")]
)
def test_the_call_that_runs_it_makes_the_difference(source: str, run: str) -> None:
    found = yes({"script.py": source + run})
    assert {"training.loop", "training.clipping", "training.accumulation", "checkpointing.weights"} <= found


def test_settings_that_no_code_reads_train_nothing() -> None:
    assert yes({"main.py": "print(1)\n", "configs/train.yaml": CONFIGURED}) == set()


def test_the_words_of_another_trade_prove_only_what_every_program_does() -> None:
    assert yes({"rail/__init__.py": "", "rail/main.py": RAILWAY}) == {"config.override"}
