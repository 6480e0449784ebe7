"""Which stage is at work, on a terminal; nothing in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

DOING = {
    "S1": "listing and hashing files",
    "S2": "reading files into facts",
    "S3": "asking the probes",
    "S4": "scoring",
    "S5": "planning what is missing",
    "S6": "rendering reports",
    "S7": "chaining",
}
"""What each stage does, in words for whoever waits for it."""


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """A function to call with each stage as it begins."""
    if not sys.stderr.isatty():
        yield lambda stage: None
        return
    from rich.console import Console

    with Console(stderr=True).status("") as status:
        yield lambda stage: status.update(f"{stage} {DOING[stage]}")
