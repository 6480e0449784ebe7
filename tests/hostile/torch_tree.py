"""A small language model trained by a plain PyTorch loop, as people write it."""

from __future__ import annotations

from tests.hostile.torch_command import COMMAND, TRACKING

MODEL = """\
import torch
import torch.nn as nn
from torch.nn import functional as F


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.feed = nn.Linear(width, width)

    def forward(self, x):
        attended, _ = self.attention(x, x, x, need_weights=False)
        return x + self.feed(attended)


class Decoder(nn.Module):
    def __init__(self, vocabulary, width=64, heads=4, layers=2):
        super().__init__()
        self.embed = nn.Embedding(vocabulary, width)
        self.blocks = nn.ModuleList([Block(width, heads) for _ in range(layers)])
        self.head = nn.Linear(width, vocabulary)

    def forward(self, ids, targets=None):
        x = self.embed(ids)
        for block in self.blocks:
            x = block(x)
        logits = self.head(x)
        loss = None if targets is None else F.cross_entropy(logits.flatten(0, 1), targets.flatten())
        return logits, loss


class Recurrent(nn.Module):
    def __init__(self, vocabulary, width=64):
        super().__init__()
        self.embed = nn.Embedding(vocabulary, width)
        self.cells = nn.LSTM(width, width, batch_first=True)
        self.head = nn.Linear(width, vocabulary)

    def forward(self, ids, targets=None):
        states, _ = self.cells(self.embed(ids))
        logits = self.head(states)
        loss = None if targets is None else F.cross_entropy(logits.flatten(0, 1), targets.flatten())
        return logits, loss


ARCHITECTURES = {"decoder": Decoder, "recurrent": Recurrent}


def build_model(name, vocabulary):
    if name not in ARCHITECTURES:
        raise ValueError(f"no architecture {name}")
    return ARCHITECTURES[name](vocabulary)
"""

DATA = """\
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer


def train_tokenizer(files, size, path):
    tokenizer = Tokenizer(BPE(unk_token="<unk>"))
    tokenizer.train(files, BpeTrainer(vocab_size=size, special_tokens=["<unk>"]))
    tokenizer.save(str(path))
    return tokenizer


def prepare(text_file, tokenizer_file, folder, held_out=0.1):
    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    ids = tokenizer.encode(Path(text_file).read_text()).ids
    cut = int(len(ids) * (1 - held_out))
    for split, part in (("train", ids[:cut]), ("val", ids[cut:])):
        np.array(part, dtype=np.uint16).tofile(Path(folder) / f"{split}.bin")


class Tokens(torch.utils.data.Dataset):
    def __init__(self, path, block_size):
        self.tokens = np.memmap(path, dtype=np.uint16, mode="r")
        self.block_size = block_size

    def __len__(self):
        return (len(self.tokens) - 1) // self.block_size

    def __getitem__(self, index):
        start = index * self.block_size
        chunk = torch.from_numpy(self.tokens[start : start + self.block_size + 1].astype(np.int64))
        return chunk[:-1], chunk[1:]


def make_loader(path, block_size, batch_size, seed=None):
    data = Tokens(path, block_size)
    if seed is None:
        return torch.utils.data.DataLoader(data, batch_size=batch_size)
    generator = torch.Generator().manual_seed(seed)
    return torch.utils.data.DataLoader(data, batch_size=batch_size, shuffle=True, generator=generator)
"""

CHECKPOINT = """\
import hashlib
import json
import random
from pathlib import Path

import numpy as np
import torch


def save_checkpoint(folder, step, model, optimizer, config, keep=3):
    path = Path(folder) / f"step-{step:06d}.pt"
    state = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "step": step,
        "config": config,
        "torch_rng": torch.get_rng_state(),
        "numpy_rng": np.random.get_state(),
        "python_rng": random.getstate(),
    }
    torch.save(state, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_suffix(".json").write_text(json.dumps({"sha256": digest}))
    for old in sorted(Path(folder).glob("step-*.pt"))[:-keep]:
        old.unlink()
    return path


def load_checkpoint(path, model, optimizer):
    state = torch.load(path, weights_only=True)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    torch.set_rng_state(state["torch_rng"])
    np.random.set_state(state["numpy_rng"])
    random.setstate(state["python_rng"])
    return state["step"]
"""

TRAIN = """\
import contextlib
import json
import logging
import math
import os
import random
import time

import numpy as np
import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel as DDP
from tqdm import tqdm

from lm.checkpoint import load_checkpoint, save_checkpoint
from lm.data import make_loader
from lm.model import build_model
from lm.tracking import Tracker

logger = logging.getLogger(__name__)


def seed_everywhere(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def learning_rate(step, config):
    if step < config["warmup"]:
        return config["lr"] * (step + 1) / config["warmup"]
    done = (step - config["warmup"]) / max(1, config["steps"] - config["warmup"])
    return config["lr"] * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


@torch.no_grad()
def evaluate(model, loader, device):
    model.eval()
    hits = count = 0
    for ids, targets in loader:
        logits, _ = model(ids.to(device), targets.to(device))
        hits += (logits.argmax(-1) == targets.to(device)).sum().item()
        count += targets.numel()
    model.train()
    return {"val/accuracy": hits / count}


def train(config):
    seed_everywhere(config["seed"])
    if config["deterministic"]:
        torch.use_deterministic_algorithms(True)
    device = config["device"] or ("cuda" if torch.cuda.is_available() else "cpu")
    model = build_model(config["architecture"], config["vocabulary"]).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=config["lr"])
    first = load_checkpoint(config["resume"], model, optimizer) if config["resume"] else 0
    if "RANK" in os.environ:
        dist.init_process_group("nccl")
        model = DDP(model)
    tracker = Tracker(config)
    loader = make_loader(config["train_file"], config["block_size"], config["batch_size"], config["seed"])
    held_out = make_loader(config["val_file"], config["block_size"], config["batch_size"])
    batches = iter(loader)
    precision = torch.autocast(device, dtype=torch.bfloat16) if config["bf16"] else contextlib.nullcontext()
    for step in tqdm(range(first, config["steps"])):
        began = time.perf_counter()
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, config)
        for _ in range(config["accumulate"]):
            try:
                ids, targets = next(batches)
            except StopIteration:
                batches = iter(loader)
                ids, targets = next(batches)
            with precision:
                _, loss = model(ids.to(device), targets.to(device))
            (loss / config["accumulate"]).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), config["clip"])
        optimizer.step()
        optimizer.zero_grad()
        figures = {"loss": loss.item(), "tokens_per_sec": ids.numel() / (time.perf_counter() - began)}
        tracker.log(figures, step)
        if step % config["eval_every"] == 0:
            scores = evaluate(model, held_out, device)
            logger.info("step %d: %s", step, scores)
            with open(os.path.join(config["folder"], "metrics.jsonl"), "a") as file:
                file.write(json.dumps({"step": step, **scores}) + "\\n")
            save_checkpoint(config["folder"], step, model, optimizer, config)
"""

TORCH_TREE = {
    "lm/__init__.py": "from lm.model import build_model\nfrom lm.train import train\n",
    "lm/model.py": MODEL,
    "lm/data.py": DATA,
    "lm/checkpoint.py": CHECKPOINT,
    "lm/train.py": TRAIN,
    "lm/tracking.py": TRACKING,
    "lm/command.py": COMMAND,
}
