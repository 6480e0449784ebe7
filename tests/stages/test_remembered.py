"""Remembered results are believed only where everything they follow from is the same."""

from __future__ import annotations

import ast
from dataclasses import replace
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_audit.artifacts import Facets
from codex_audit.cache.store import Store
from codex_audit.stages.inputs import Input
from codex_audit.stages.remembered import PARSERS, Results, digest, recall, remember, results_key
from tests.commands.cli import PACKAGE_ROOT

KEY = bytes(32)
RESULTS = Results(
    Facets("codex-audit/facets/v1", "3.11", "name", {"test": ("a.py",)}, ()),
    reports={"json": b"{}", "md": b"\xff"},
)


def test_results_come_back_whole(tmp_path: Path) -> None:
    remember(Store(tmp_path), KEY, RESULTS)
    assert recall(Store(tmp_path), KEY) == RESULTS
    assert recall(Store(tmp_path), bytes([1]) * 32) is None


@pytest.mark.parametrize(
    "value", [b"", b"\xc1", b"\x80", b"\x81\xa6facets\x03", b"\x81\xa7reports\x81\xa1a\xa1\xff"]
)
def test_what_this_version_does_not_understand_is_not_there(tmp_path: Path, value: bytes) -> None:
    Store(tmp_path).put({KEY: value})
    found = recall(Store(tmp_path), KEY)
    assert found is None or found == Results()


INPUTS = {"workflow": Input("aa", 1, "text"), "tree": Input("bb", 2)}


def test_the_key_follows_from_every_input_and_the_index() -> None:
    key = results_key(INPUTS, b"index")
    assert key == results_key(dict(INPUTS), b"index")
    others = [results_key(INPUTS, b"index "), results_key({"tree": INPUTS["tree"]}, b"index")]
    others += [
        results_key(INPUTS | {name: replace(given, sha256="cc")}, b"index") for name, given in INPUTS.items()
    ]
    assert len({key, *others}) == 5


@given(st.lists(st.binary(max_size=6), max_size=4), st.lists(st.binary(max_size=6), max_size=4))
def test_parts_of_a_digest_do_not_run_into_each_other(one: list[bytes], other: list[bytes]) -> None:
    assert (digest(*one) == digest(*other)) == (one == other)


def test_every_library_that_decides_what_is_read_or_written_is_part_of_the_key() -> None:
    distributions = packages_distributions()
    found: set[str] = set()
    for room in ("capabilities", "facts", "query", "reports", "stages"):
        for path in (PACKAGE_ROOT / "codex_audit" / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_bytes())):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                if isinstance(node, ast.ImportFrom) and node.module:
                    names = [node.module]
                found.update(
                    distribution.lower()
                    for name in names
                    for distribution in distributions.get(name.split(".")[0], ())
                )
    assert found - {"codex-audit"} == {name.lower() for name in PARSERS}
