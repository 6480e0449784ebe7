"""``codex-train generate``: text from a model."""

from __future__ import annotations

import argparse
import sys

from codex_train.commands.options import Subparsers, add_format, given_path, print_json


def add_parser(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser("generate", help="let a model go on with a text")
    parser.add_argument(
        "model",
        type=given_path,
        metavar="MODEL",
        help="a run (its latest checkpoint), a checkpoint, or the folder of a model",
    )
    parser.add_argument(
        "prompt", nargs="?", metavar="TEXT", help="what to go on with (default: standard input)"
    )
    parser.add_argument("--limit", type=_whole, default=128, metavar="N", help="most tokens (default: 128)")
    parser.add_argument(
        "--temperature", type=_share, default=0.0, metavar="T", help="0 takes the likeliest token (default)"
    )
    parser.add_argument(
        "--top-k", type=_whole, default=0, metavar="K", help="draw among the K likeliest (default: among all)"
    )
    parser.add_argument("--seed", type=_whole, default=0, metavar="N", help="of what is drawn (default: 0)")
    parser.add_argument("--tokenizer", default="", metavar="PATH", help="another tokenizer, or `bytes`")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="(default: auto)")
    add_format(parser)
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    from codex_train.commands.tokenizer import read_text
    from codex_train.config.nouns import RunConfig
    from codex_train.engine.settings import device_of, device_type
    from codex_train.evaluation.subject import open_subject
    from codex_train.models.generate import generate

    prompt = read_text(arguments.prompt)
    device = device_of(device_type(RunConfig(device=arguments.device)), 0)
    subject = open_subject(arguments.model, tokenizer=arguments.tokenizer)
    ids = [int(one) for one in subject.encoder.encode(prompt)]
    made = generate(
        subject.model.to(device),
        ids,
        limit=arguments.limit,
        end=subject.encoder.end,
        size=subject.encoder.size,
        temperature=arguments.temperature,
        top_k=arguments.top_k,
        seed=arguments.seed,
    )
    text = subject.encoder.decode(made)
    if arguments.format == "json":
        print_json({"model": str(subject.origin), "prompt": prompt, "text": text, "ids": made})
    else:
        sys.stdout.write(visible(prompt + text) + "\n")
    return 0


def visible(text: str) -> str:
    """``text`` with its lines and tabs, but without what could steer a terminal: a model may write anything."""
    return "".join(char if char.isprintable() or char in "\n\t" else ascii(char)[1:-1] for char in text)


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise argparse.ArgumentTypeError(f"{text!a} is no whole number from 0 to 999999999")
    return int(text)


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 100.0:
        raise argparse.ArgumentTypeError(f"{text!a} is no number from 0 to 100")
    return value
