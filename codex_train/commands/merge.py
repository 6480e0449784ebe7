"""``codex-train merge``: the adapters of a run added into the model that they adapt."""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from codex_evidence.errors import UsageError, WriteError
from codex_evidence.names import shown
from codex_train.commands.options import Subparsers, add_format, given_path, print_json, print_lines

if TYPE_CHECKING:
    from torch import nn

    from codex_train.data.encoder import Encoder


def add_parser(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser("merge", help="add a run's adapters into its model")
    parser.add_argument(
        "model",
        type=given_path,
        metavar="RUN",
        help="a run that trained adapters (its latest checkpoint), or one of its checkpoints",
    )
    parser.add_argument(
        "--to", type=given_path, required=True, metavar="FOLDER", help="a new folder for from_pretrained"
    )
    add_format(parser)
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    from codex_evidence.digests import file_sha256
    from codex_train.evaluation.subject import is_of_run, open_subject
    from codex_train.models.lora import merge

    folder: Path = arguments.to
    if os.path.lexists(folder):
        raise UsageError(f"{shown(folder)} is there already; give a new folder")
    if not is_of_run(arguments.model):
        raise UsageError(
            f"{shown(arguments.model)} is no run and no checkpoint of one; give one with adapters"
        )
    subject = open_subject(arguments.model)
    if subject.recorded is None or not subject.recorded.config.lora.rank:
        raise UsageError(
            f"{shown(subject.origin)} holds a whole model and no adapters; from_pretrained loads it as it is"
        )
    _write(merge(subject.model), subject.encoder, folder)
    digests = {path.name: file_sha256(path)[0] for path in sorted(folder.iterdir())}
    if arguments.format == "json":
        print_json({"checkpoint": str(subject.origin), "folder": str(folder), "files": digests})
    else:
        print_lines([f"merged {subject.origin} into {folder}"])
        print_lines(f"  {digest[:12]}  {name}" for name, digest in digests.items())
    return 0


def _write(model: nn.Module, encoder: Encoder, folder: Path) -> None:
    """Makes ``folder`` with ``model`` and tokenizer whole, or not at all. Raises WriteError."""
    from safetensors import SafetensorError

    from codex_train.checkpoints.folders import reported
    from codex_train.models.save import write_model
    from codex_train.tokenization.load import write_tokenizer

    growing = folder.with_name(f".{folder.name}-{secrets.token_hex(8)}")
    made = [parent for parent in folder.parents if not os.path.lexists(parent)]
    try:
        with reported(folder, "write"):
            write_model(model, growing)
            write_tokenizer(encoder, growing)
            growing.rename(folder)
    except SafetensorError as error:  # what it makes of a full disk
        raise WriteError(f"cannot write {shown(folder)}: {error}; make room") from error
    finally:
        shutil.rmtree(growing, ignore_errors=True)
        for parent in made:
            with suppress(OSError):  # it is not there, or holds the folder now
                parent.rmdir()
