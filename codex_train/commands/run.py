"""``codex-train run``: train a model as a configuration says."""

from __future__ import annotations

import argparse

from codex_train.commands.options import Subparsers, add_config, add_format, given_path, print_outcome


def add_parser(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser("run", help="train a model and record how its weights came to be")
    add_config(parser, "settings that go before those of the file")
    parser.add_argument(
        "--folder", type=given_path, metavar="RUN", help="the new run folder (default: runs/NAME-TIME)"
    )
    add_format(parser)
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    from codex_train.config.load import load_config

    # The settings first: a mistake in them must not wait for torch to load.
    loaded = load_config(arguments.config, arguments.overrides)
    from codex_train.engine.run import run_training

    outcome = run_training(loaded.config, loaded.base, arguments.folder, show=arguments.format != "json")
    return print_outcome(outcome, arguments.format)
