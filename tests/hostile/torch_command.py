"""The command of the program of ``torch_tree``, and where its runs are tracked."""

from __future__ import annotations

TRACKING = """\
import platform
import subprocess

import torch
import wandb


def commit():
    return subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True).stdout.strip()


class Tracker:
    def __init__(self, config):
        record = {"python": platform.python_version(), "torch": torch.__version__, "commit": commit()}
        self.run = wandb.init(project="lm", config={**config, **record}, mode=config["tracking"])

    def log(self, figures, step):
        memory = torch.cuda.max_memory_allocated() if torch.cuda.is_available() else 0
        wandb.log({**figures, "memory": memory}, step=step)
"""

COMMAND = """\
import argparse
import logging

import yaml

from lm.data import prepare, train_tokenizer
from lm.train import train


def parser():
    made = argparse.ArgumentParser(description="trains a small language model")
    made.add_argument("--config", help="a YAML file of settings")
    made.add_argument("--architecture", default="decoder", choices=["decoder", "recurrent"])
    made.add_argument("--vocabulary", type=int, default=8000)
    made.add_argument("--folder", default="out")
    made.add_argument("--train-file", default="train.bin")
    made.add_argument("--val-file", default="val.bin")
    made.add_argument("--corpus", nargs="*")
    made.add_argument("--tokenizer", default="tokenizer.json")
    made.add_argument("--block-size", type=int, default=128)
    made.add_argument("--batch-size", type=int, default=8)
    made.add_argument("--steps", type=int, default=1000)
    made.add_argument("--lr", type=float, default=3e-4)
    made.add_argument("--warmup", type=int, default=100)
    made.add_argument("--clip", type=float, default=1.0)
    made.add_argument("--accumulate", dest="accumulate", type=int, default=1)
    made.add_argument("--gradient-accumulation-steps", dest="accumulate", type=int)
    made.add_argument("--bf16", action="store_true")
    made.add_argument("--device")
    made.add_argument("--deterministic", action="store_true")
    made.add_argument("--seed", type=int, default=0)
    made.add_argument("--resume")
    made.add_argument("--eval-every", type=int, default=100)
    made.add_argument("--tracking", default="offline", choices=["online", "offline", "disabled"])
    return made


def main():
    logging.basicConfig(level=logging.INFO)
    first = parser().parse_args()
    given = parser()
    if first.config:
        with open(first.config) as file:
            given.set_defaults(**yaml.safe_load(file))
    config = vars(given.parse_args())
    if config["corpus"]:
        train_tokenizer(config["corpus"], config["vocabulary"], config["tokenizer"])
        prepare(config["corpus"][0], config["tokenizer"], config["folder"])
    train(config)


if __name__ == "__main__":
    main()
"""
