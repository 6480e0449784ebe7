"""The nouns of a training run. Every setting is a field of the part that owns it, explained under it.

A ``Config`` is complete: two runs of the same one on machines of the same class give the same bits.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class Format(Enum):
    """What a corpus file holds."""

    text = "text"  # a document a file, or many between lines that hold only `separator`
    jsonl = "jsonl"  # an object a line, the document under `text_key`
    instructions = (
        "instructions"  # an object a line, prompt and answer under their keys; loss on the answer alone
    )
    dataset = "dataset"  # a folder that `datasets.Dataset.save_to_disk` wrote, the document under `text_key`


class BadRecords(Enum):
    """What to do with a record that cannot be read."""

    refuse = "refuse"
    count = "count"


class ScheduleKind(Enum):
    constant = "constant"
    linear = "linear"
    cosine = "cosine"
    wsd = "wsd"  # warm up, stay, decay (MiniCPM, arXiv:2404.06395)


class Precision(Enum):
    """The type that matrix products are computed in; weights and optimizer stay float32 unless `model.dtype` says
    otherwise. The 16-bit ones use autocast, float16 with a gradient scaler."""

    float32 = "float32"
    bfloat16 = "bfloat16"
    float16 = "float16"


class Strategy(Enum):
    """How more than one process shares the work. `auto` is `ddp` under torchrun and `none` without."""

    auto = "auto"
    none = "none"
    ddp = "ddp"
    fsdp = "fsdp"


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    architecture: str = "llama"
    """A model type that transformers knows (llama, gpt2, qwen2, ...); the model is then made from scratch."""
    path: str = ""
    """A local folder with a model; if given, the model is loaded from there and `architecture` is not used."""
    gguf: str = ""
    """The name of a GGUF file in `path`."""
    options: dict[str, Any] = field(default_factory=dict)
    """Arguments of the architecture's configuration (hidden_size: 256, ...). The vocabulary's size and the context are
    filled in from tokenizer and data."""
    dtype: str = "float32"
    """The type of the weights: float32, bfloat16 or float16."""
    attention: str = "sdpa"
    """The attention that transformers uses: sdpa, eager or another that is installed."""
    checkpointing: bool = False
    """Recompute activations in the backward pass instead of keeping them."""
    compile: bool = False
    """torch.compile: faster on a GPU, other bits, and a start of half a minute."""


@dataclass(frozen=True, kw_only=True)
class LoraConfig:
    rank: int = 0
    """0 trains all weights."""
    alpha: float = 16.0
    """What an adapter adds is scaled by `alpha` / `rank`."""
    dropout: float = 0.0
    """The share of an adapter's inputs that is dropped while training."""
    targets: list[str] = field(default_factory=list)
    """Names of the modules that get an adapter; empty for peft's own choice for the architecture."""
    dora: bool = False
    """Weight-decomposed adapters (arXiv:2402.09353)."""


@dataclass(frozen=True, kw_only=True)
class TokenizerConfig:
    path: str = ""
    """A local folder (or tokenizer.json) that transformers or tokenizers can load; empty for bytes: 256 tokens, and the
    end of a document is byte 0."""


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    files: list[str] = field(default_factory=list)
    """Paths and globs, relative to the configuration file; read in bytewise order of path."""
    format: Format = Format.text
    """What the files hold: text, jsonl, instructions or dataset."""
    separator: str = ""
    """Of text files: a line that parts documents; empty when a file is one document."""
    text_key: str = "text"
    """Of jsonl and dataset: the field that holds the document."""
    prompt_key: str = "prompt"
    """Of instructions: the field that holds the prompt, which counts no loss."""
    answer_key: str = "answer"
    """Of instructions: the field that holds the answer."""
    bad_records: BadRecords = BadRecords.refuse
    """What to do with a record that cannot be read: refuse the corpus, or count it and go on."""
    context: int = 256
    """Tokens in a sample."""
    validation: float = 0.05
    """The share of documents (of blocks, where there are few documents) that is held out, by a hash of the content."""
    noise: float = 0.0
    """The share of input tokens replaced by random ones, drawn for each sample and epoch on its own."""
    workers: int = 0
    """Threads that prepare batches ahead of the loop. Their number changes no bit."""
    cache: str = ""
    """Where packed tokens are kept; empty for `codex-train` in the user's cache folder."""
    licence: str = ""
    """SPDX expression of the corpus, for the data manifest."""
    source: str = ""
    """Where the corpus comes from, for the data manifest."""


@dataclass(frozen=True, kw_only=True)
class OptimizerConfig:
    """AdamW (arXiv:1711.05101). Weight decay is for matrices and embeddings alone."""

    lr: float = 3e-4
    """The full learning rate."""
    beta1: float = 0.9
    """How much of the running mean of the gradient a step keeps."""
    beta2: float = 0.999
    """How much of the running mean of its square a step keeps."""
    eps: float = 1e-8
    """Added to the root of that mean, against division by zero."""
    weight_decay: float = 0.0
    """The share, times the rate, by which a step shrinks matrices and embeddings."""
    clip: float = 1.0
    """The largest norm of all gradients together; 0 does not clip."""
    fused: bool = True
    """One kernel for the whole update: faster, other bits."""


@dataclass(frozen=True, kw_only=True)
class ScheduleConfig:
    kind: ScheduleKind = ScheduleKind.linear
    """How the rate goes after the warmup: constant, linear, cosine or wsd (warm up, stay, decay)."""
    warmup: int = 0
    """Steps before the full rate, in which it rises from 0; with 2 the first steps have 0, a half and all of it."""
    decay: int = 0
    """Of wsd: the number of last steps with a falling rate; with 2 (and `final` 0) they have 2/3 and 1/3 of the full
    one."""
    final: float = 0.0
    """Where the rate falls to, as a share of the full one. A step after the last would have it: with 0 the last of n
    linear steps without warmup has 1/n, so that no step is spent at rate 0."""


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    steps: int = 0
    """Optimizer steps; 0 to count `epochs` instead."""
    epochs: float = 1.0
    """Passes over the training part."""
    batch: int = 8
    """Samples of an optimizer step over all processes."""
    micro_batch: int = 0
    """Samples of one forward pass in one process; 0 for `batch` divided by the processes. Gradients add up to
    `batch`."""
    seed: int = 0
    """Of the weights, the order of samples and dropout."""
    precision: Precision = Precision.float32
    """What matrix products are computed in: float32, bfloat16 or float16."""
    device: str = "auto"
    """auto, cpu or cuda."""
    threads: int = 0
    """Threads of one operation on the CPU; 0 leaves them as the machine has them."""
    deterministic: bool = True
    """Refuse operations that have no deterministic form. Free on a CPU."""
    strategy: Strategy = Strategy.auto
    """How processes share the work: auto, none, ddp or fsdp."""
    patience: int = 0
    """Stop after so many evaluations without a lower loss; 0 never stops early."""
    offline: bool = True
    """Let no library look for anything on the network."""
    verify_packages: bool = True
    """After the last step, hash the files of every package that was used and compare them with their RECORD."""


@dataclass(frozen=True, kw_only=True)
class EvaluationConfig:
    every: int = 0
    """Steps between evaluations; 0 for one at the end."""
    max_samples: int = 0
    """0 for the whole held-out part."""
    batch: int = 0
    """0 for the micro batch."""
    metrics: list[str] = field(default_factory=list)
    """Of instructions: scores of generated answers beside the loss, of exact, f1, bleu, rouge and chrf."""
    max_answers: int = 64
    """Held-out pairs that are answered for these scores, the first of the corpus; 0 for all."""
    answer_limit: int = 128
    """Tokens in an answer."""


@dataclass(frozen=True, kw_only=True)
class CheckpointConfig:
    every: int = 0
    """Steps between checkpoints; 0 for one at the end."""
    keep_last: int = 2
    """0 keeps all."""
    keep_best: int = 1
    """By held-out loss."""
    pinned: list[int] = field(default_factory=list)
    """Steps whose checkpoints are made and never removed."""


@dataclass(frozen=True, kw_only=True)
class MonitoringConfig:
    log_every: int = 10
    """Steps between lines on the screen; the step log has every step."""
    interval: float = 0.0
    """Seconds between samples of the machine (processor, memory, GPU); 0 takes none."""


@dataclass(frozen=True, kw_only=True)
class Config:
    name: str = "run"
    """What the run is called, in its folder too."""
    model: ModelConfig = field(default_factory=ModelConfig)
    lora: LoraConfig = field(default_factory=LoraConfig)
    tokenizer: TokenizerConfig = field(default_factory=TokenizerConfig)
    data: DataConfig = field(default_factory=DataConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    run: RunConfig = field(default_factory=RunConfig)
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)
    checkpoint: CheckpointConfig = field(default_factory=CheckpointConfig)
    monitoring: MonitoringConfig = field(default_factory=MonitoringConfig)
