"""Whether a file nests too deeply follows from the file, and not from who asks."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import TypeVar

import pytest

from codex_audit.facts.depth import by_the_file
from codex_audit.facts.model import FileFacts
from codex_audit.facts.packed import pack
from codex_audit.facts.read import read_file
from codex_audit.parallel import shared_out

Found = TypeVar("Found")

# Around the depth at which Python's parser gives up: three levels of an expression count as one frame.
SIGNS = range(1500, 3600, 150)


def from_depth(depth: int, call: Callable[[], Found]) -> Found:
    """``call()`` with ``depth`` more frames below it."""
    return from_depth(depth - 1, call) if depth else call()


def nested(signs: int) -> str:
    return f"import torch\nx = {'-' * signs}1\n"


def notebook(signs: int) -> str:
    cell: dict[str, object] = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    cells = [{**cell, "source": text} for text in ("import os\n", nested(signs))]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4})


MAKERS: dict[str, Callable[[int], str]] = {"a.py": nested, "setup.py": nested, "a.ipynb": notebook}


def read(path: str, signs: int) -> FileFacts:
    return read_file(path, MAKERS[path](signs).encode(), frozenset(), "module")


@pytest.mark.parametrize("path", MAKERS)
def test_a_file_reads_the_same_from_any_depth_of_the_stack(path: str) -> None:
    def call() -> list[FileFacts]:
        return [read(path, signs) for signs in SIGNS]

    shallow = call()
    for depth in (30, 300, 700):
        assert from_depth(depth, call) == shallow
    assert shallow[0].python != shallow[-1].python


def test_a_chain_of_calls_reads_the_same_from_any_depth_of_the_stack() -> None:
    chain = b"x = a" + b".f()" * 800 + b"\n"

    def call() -> FileFacts:
        return read_file("a.py", chain, frozenset(), "module")

    assert call().unread == ()
    assert from_depth(300, call) == call()


def test_a_file_reads_the_same_in_one_process_and_in_two() -> None:
    sizes = range(2600, 3500, 3)

    def work(index: int) -> bytes:
        return pack(read("a.py", sizes[index]))

    weights = [1] * len(sizes)
    assert shared_out(work, weights, 1) == shared_out(work, weights, 2)


def test_a_failure_for_another_reason_is_raised_at_once_and_the_limit_stays() -> None:
    calls, limit = [], sys.getrecursionlimit()

    def fail() -> None:
        calls.append(sys.getrecursionlimit())
        raise RecursionError if len(calls) == 1 else KeyError("x")

    with pytest.raises(KeyError):
        by_the_file(fail)
    assert (len(calls), sys.getrecursionlimit()) == (2, limit)
    with pytest.raises(KeyError):
        by_the_file(fail)
    assert len(calls) == 3
