"""Small trees that let a library train: the transformers Trainer, and Lightning."""

from __future__ import annotations

HF_SETTINGS = """\
from dataclasses import dataclass, field

import transformers


@dataclass
class ModelArguments:
    model_name_or_path: str = field(default="gpt2")
    lora_rank: int = field(default=8)


@dataclass
class DataArguments:
    train_file: str = field(default="train.jsonl")
    validation_file: str = field(default="valid.jsonl")
    max_seq_length: int = field(default=512)


@dataclass
class RunArguments(transformers.TrainingArguments):
    tags: str = field(default="")
"""

HF_TRAIN = """\
import logging
import os
import sys

import numpy as np
import torch
from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from sklearn.metrics import accuracy_score
from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForLanguageModeling
from transformers import HfArgumentParser, Trainer, set_seed

from tune.settings import DataArguments, ModelArguments, RunArguments

log = logging.getLogger("tune")


class WeightedTrainer(Trainer):
    def compute_loss(self, model, inputs, return_outputs=False, **kwargs):
        outputs = model(**inputs)
        loss = outputs.loss * 0.9
        return (loss, outputs) if return_outputs else loss


def compute_metrics(predictions):
    logits, labels = predictions
    return {"accuracy": accuracy_score(labels.ravel(), np.argmax(logits, -1).ravel())}


def load_model(given):
    model = AutoModelForCausalLM.from_pretrained(given.model_name_or_path)
    return get_peft_model(model, LoraConfig(r=given.lora_rank, task_type="CAUSAL_LM"))


def load_data(given, tokenizer):
    files = {"train": given.train_file, "validation": given.validation_file}
    raw = load_dataset("json", data_files=files)

    def encode(batch):
        return tokenizer(batch["text"], truncation=True, max_length=given.max_seq_length)

    return raw.map(encode, batched=True, remove_columns=["text"])


def main():
    parser = HfArgumentParser((ModelArguments, DataArguments, RunArguments))
    if len(sys.argv) == 2 and sys.argv[1].endswith(".yaml"):
        model_args, data_args, run_args = parser.parse_yaml_file(sys.argv[1])
    else:
        model_args, data_args, run_args = parser.parse_args_into_dataclasses()
    set_seed(run_args.seed)
    tokenizer = AutoTokenizer.from_pretrained(model_args.model_name_or_path)
    data = load_data(data_args, tokenizer)
    trainer = WeightedTrainer(
        model=load_model(model_args),
        args=run_args,
        train_dataset=data["train"],
        eval_dataset=data["validation"],
        data_collator=DataCollatorForLanguageModeling(tokenizer, mlm=False),
        compute_metrics=compute_metrics,
    )
    trainer.train(resume_from_checkpoint=run_args.resume_from_checkpoint)
    trainer.save_model()
    scores = trainer.evaluate()
    trainer.save_metrics("eval", scores)
    log.info("%s on %d devices: %s", os.path.basename(run_args.output_dir), torch.cuda.device_count(), scores)


if __name__ == "__main__":
    main()
"""

HF_TREE = {
    "tune/__init__.py": "from tune.settings import RunArguments\n",
    "tune/settings.py": HF_SETTINGS,
    "tune/train.py": HF_TRAIN,
}

LIGHTNING_MODULE = """\
import lightning as L
import torch
import torchmetrics
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR


class Classifier(L.LightningModule):
    def __init__(self, width=32, classes=10, lr=1e-3):
        super().__init__()
        self.save_hyperparameters()
        self.body = nn.Sequential(nn.Linear(784, width), nn.ReLU(), nn.Linear(width, classes))
        self.accuracy = torchmetrics.Accuracy(task="multiclass", num_classes=classes)

    def forward(self, pixels):
        return self.body(pixels.flatten(1))

    def training_step(self, batch, index):
        pixels, labels = batch
        loss = nn.functional.cross_entropy(self(pixels), labels)
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch, index):
        pixels, labels = batch
        self.accuracy(self(pixels), labels)
        self.log("val_accuracy", self.accuracy, prog_bar=True)

    def configure_optimizers(self):
        optimizer = torch.optim.SGD(self.parameters(), lr=self.hparams.lr)
        return [optimizer], [CosineAnnealingLR(optimizer, T_max=10)]
"""

LIGHTNING_DATA = """\
import lightning as L
import torch
import torch.utils.data as data


class Digits(L.LightningDataModule):
    def __init__(self, path="digits.pt", batch_size=32, seed=0):
        super().__init__()
        self.path, self.batch_size, self.seed = path, batch_size, seed

    def setup(self, stage):
        pixels, labels = torch.load(self.path, weights_only=True)
        whole = data.TensorDataset(pixels, labels)
        generator = torch.Generator().manual_seed(self.seed)
        self.train, self.val = data.random_split(whole, [0.9, 0.1], generator=generator)

    def train_dataloader(self):
        return data.DataLoader(self.train, batch_size=self.batch_size, shuffle=True)

    def val_dataloader(self):
        return data.DataLoader(self.val, batch_size=self.batch_size)
"""

LIGHTNING_TRAIN = """\
import argparse

import lightning as L
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger

from digits.data import Digits
from digits.module import Classifier


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--path", default="digits.pt")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--precision", default="32-true", choices=["32-true", "bf16-mixed"])
    parser.add_argument("--accumulate-grad-batches", type=int, default=1)
    parser.add_argument("--resume-from")
    given = parser.parse_args()
    L.seed_everything(given.seed, workers=True)
    checkpoint = ModelCheckpoint(monitor="val_accuracy", mode="max", save_top_k=2)
    trainer = L.Trainer(
        max_epochs=3,
        precision=given.precision,
        accumulate_grad_batches=given.accumulate_grad_batches,
        gradient_clip_val=1.0,
        deterministic=True,
        callbacks=[checkpoint],
        logger=[CSVLogger("logs"), TensorBoardLogger("logs")],
    )
    trainer.fit(Classifier(), datamodule=Digits(given.path, seed=given.seed), ckpt_path=given.resume_from)


if __name__ == "__main__":
    main()
"""

LIGHTNING_TREE = {
    "digits/__init__.py": "from digits.module import Classifier\n",
    "digits/module.py": LIGHTNING_MODULE,
    "digits/data.py": LIGHTNING_DATA,
    "digits/train.py": LIGHTNING_TRAIN,
}
