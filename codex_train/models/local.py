"""Models in local folders: what has to be there, and what to do when it is not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from codex_evidence.errors import UnreadableError, UsageError
from codex_evidence.files import read_bytes
from codex_evidence.names import shown
from codex_evidence.strict_json import loads

CONFIG = "config.json"
ADAPTER_CONFIG = "adapter_config.json"
WEIGHTS = "model.safetensors"
ADAPTER_WEIGHTS = "adapter_model.safetensors"
INDEX = "model.safetensors.index.json"

_PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
_NO_WEIGHTS = (
    "training_args.bin",
    "optimizer.pt",
    "scheduler.pt",
    "rng_state.pth",
)  # of other trainers; never read
_PUT = (
    "put the folder of a downloaded model there (config.json, model.safetensors and the tokenizer's files), for "
    "example with `hf download NAME --local-dir FOLDER` where there is a network; or leave model.path empty to train "
    "from scratch"
)
_MOST_INDEX = 64 * 2**20


@contextmanager
def offline(on: bool = True) -> Iterator[None]:
    """While inside, Hugging Face libraries that are imported or started look for nothing on the network."""
    names = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
    before = {name: os.environ.get(name) for name in names}
    try:
        if on:
            os.environ.update(dict.fromkeys(names, "1"))
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def no_progress_bar() -> Iterator[None]:
    """While inside, transformers draws no bars of its own: they land in pipes and between our lines."""
    from transformers.utils import logging

    bars: Any = logging  # its functions are not typed
    shown_before = bars.is_progress_bar_enabled()
    bars.disable_progress_bar()
    try:
        yield
    finally:
        if shown_before:
            bars.enable_progress_bar()


def model_folder(path: str, base: Path) -> Path:
    """The folder that ``path`` names, relative to ``base``. Raises UsageError that says where it was looked for."""
    folder = (base / Path(path).expanduser()).absolute()
    if folder.is_dir():
        return folder
    what = "is a file, not the folder of a model" if folder.is_file() else "does not exist"
    hint = (
        "; a GGUF file is named by model.gguf, its folder by model.path"
        if folder.suffix == ".gguf"
        else f"; {_PUT}"
    )
    raise UsageError(f"model.path={shown(path)}: {shown(folder)} {what}{hint}")


def check_model_folder(folder: Path) -> None:
    """Raises unless ``folder`` holds a configuration and all its weights as safetensors: UsageError for what is missing
    or of another kind, UnreadableError for an index that cannot be read."""
    if not (folder / CONFIG).is_file():
        if (folder / ADAPTER_CONFIG).is_file():
            raise UsageError(
                f"{shown(folder)} holds an adapter ({ADAPTER_CONFIG}), not a model; give the folder of its base model, "
                "or merge the adapter into it first (merge_and_unload of peft)"
            )
        raise UsageError(f"{shown(folder)} has no {CONFIG}, so it is no model's folder; {_PUT}")
    _check_no_adapter(folder)
    if (folder / WEIGHTS).is_file():
        return
    if (folder / INDEX).is_file():
        shards(folder)
        return
    raise UsageError(_no_weights(folder))


def check_gguf(folder: Path, name: str) -> Path:
    """The GGUF file ``name`` in ``folder``. Raises UsageError for one that is not there, with those that are."""
    path = folder / name
    if Path(name).name == name and path.is_file():
        _check_no_adapter(folder)
        return path
    others = ", ".join(sorted(shown(one.name) for one in folder.glob("*.gguf"))) or "none"
    raise UsageError(
        f"model.gguf={shown(name)} is not in {shown(folder)}; GGUF files there: {others}; put the file there or name "
        "another"
    )


def read_object(path: Path) -> dict[str, object]:
    """The JSON object in ``path``. Raises UnreadableError or a StrictJsonError that names it."""
    value = loads(read_bytes(path, max_bytes=_MOST_INDEX), max_bytes=_MOST_INDEX, source=shown(path))
    if not isinstance(value, dict):
        raise UnreadableError(f"{shown(path)} holds no JSON object; copy it from the model again")
    return value


def _check_no_adapter(folder: Path) -> None:
    """The library follows such a file to a model elsewhere, which is not the one that the user named."""
    if (folder / ADAPTER_CONFIG).is_file():
        raise UsageError(
            f"{shown(folder)} holds an adapter ({ADAPTER_CONFIG}) beside a model; move it away, or merge it into "
            "the model"
        )


def shards(folder: Path) -> tuple[str, ...]:
    """The names of the safetensors files that the index in ``folder`` lists, in order. Raises as
    ``check_model_folder``."""
    listed = read_object(folder / INDEX).get("weight_map")
    if not isinstance(listed, dict):
        raise UnreadableError(f"{shown(folder / INDEX)} has no weight_map; copy it from the model again")
    names = tuple(sorted(set(map(str, listed.values()))))
    for name in names:
        if Path(name).name != name or not name.endswith(".safetensors"):
            raise UsageError(
                f"{shown(folder / INDEX)} names {shown(name)}; only safetensors files beside it are read"
            )
        if not (folder / name).is_file():
            raise UsageError(
                f"{shown(folder)} lacks {shown(name)}, which {INDEX} names; copy all files of the model"
            )
    return names


def _no_weights(folder: Path) -> str:
    names = sorted(one.name for one in folder.iterdir() if one.is_file())
    pickled = [name for name in names if name.endswith(_PICKLED) and name not in _NO_WEIGHTS]
    if pickled:
        return (
            f"{shown(folder / pickled[0])} is a pickle, which can run any code when it is loaded, and is refused; load "
            "it where you trust it and write it with model.save_pretrained(FOLDER), which gives model.safetensors"
        )
    if gguf := [name for name in names if name.endswith(".gguf")]:
        return f"{shown(folder)} has no {WEIGHTS} but {shown(gguf[0])}; set model.gguf={shown(gguf[0])}"
    return f"{shown(folder)} has a {CONFIG} but neither {WEIGHTS} nor {INDEX}; {_PUT}"
