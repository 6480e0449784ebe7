"""The parts of an installation: which the engine needs, which serve one purpose each, and what of them is here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

_NUMBERS = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Part:
    """``distribution`` is what pip installs, ``module`` what is imported; ``least`` the lowest version that serves."""

    distribution: str
    module: str
    purpose: str
    needed: bool = False
    least: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """``version`` is empty for what is not installed; ``fits`` says whether it serves."""

    part: Part
    version: str
    fits: bool


PARTS = (
    Part("torch", "torch", "tensors, gradients, optimizers", needed=True, least="2.6"),
    Part("numpy", "numpy", "the order of samples and packed tokens", needed=True),
    Part("transformers", "transformers", "architectures of models", needed=True, least="4.51"),
    Part("tokenizers", "tokenizers", "tokenizers other than bytes", needed=True, least="0.21"),
    Part("safetensors", "safetensors", "reading weights", needed=True, least="0.5"),
    Part("omegaconf", "omegaconf", "configuration files", needed=True, least="2.3"),
    Part("peft", "peft", "LoRA and DoRA", least="0.15"),
    Part("gguf", "gguf", "models in GGUF files"),
    Part("datasets", "datasets", "corpora that Hugging Face datasets wrote"),
    Part("psutil", "psutil", "figures of the machine (monitoring.interval)"),
    Part("nvidia-ml-py", "pynvml", "figures of NVIDIA GPUs (monitoring.interval)"),
    Part("sacrebleu", "sacrebleu", "BLEU and chrF of answers"),
    Part("rouge-score", "rouge_score", "ROUGE of answers"),
    Part("plotext", "plotext", "the curve of the loss in the terminal", least="6"),
    Part("matplotlib", "matplotlib", "the curve of the loss as PNG"),
)


def find_parts() -> tuple[Found, ...]:
    """Each of PARTS as it is installed here. Imports none of them."""
    return tuple(_find(part) for part in PARTS)


def _find(part: Part) -> Found:
    try:
        found = version(part.distribution)
    except PackageNotFoundError:
        return Found(part, "", fits=False)
    return Found(part, found, fits=find_spec(part.module) is not None and not is_older(found, part.least))


def is_older(version: str, least: str) -> bool:
    """Whether the release ``version`` comes before ``least``; what follows the numbers is not looked at."""
    return _release(version) < _release(least)


def _release(text: str) -> list[int]:
    return [int(number) for number in _NUMBERS.findall(text.partition("+")[0])[:3]]
