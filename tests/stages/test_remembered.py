"""Remembered results are believed only where everything they follow from is the same."""

from __future__ import annotations

import ast
import os
import sys
from dataclasses import replace
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_audit.artifacts import CapabilitiesRaw, CapabilitiesScored, Facets, Gaps
from codex_audit.cache.store import Store
from codex_audit.stages.inputs import Input
from codex_audit.stages.remembered import (
    PARSERS,
    Keys,
    Whole,
    digest,
    keys_of,
    parsers,
    recall,
    recall_last,
    remember,
)
from tests.commands.cli import PACKAGE_ROOT

KEYS = Keys(results=bytes(32), place=bytes([9]) * 32)
RESULTS = Whole(
    Facets("codex-audit/facets/v1", "3.11", "name", {"test": ("a.py",)}, ()),
    CapabilitiesRaw("codex-audit/capabilities_raw/v1", True, ()),
    CapabilitiesScored("codex-audit/capabilities_scored/v1", {}, 0.7, 0.0, 0.0, 0.0, ()),
    Gaps("codex-audit/gaps/v1", 0.7, (), ()),
    {"json": b"{}", "md": b"\xff"},
)


def test_results_come_back_whole(tmp_path: Path) -> None:
    remember(Store(tmp_path), KEYS, RESULTS)
    assert recall(Store(tmp_path), KEYS) == RESULTS
    assert recall(Store(tmp_path), replace(KEYS, results=bytes([1]) * 32)) is None


def test_the_last_results_of_a_place_are_those_of_its_last_run(tmp_path: Path) -> None:
    store, other = Store(tmp_path), replace(KEYS, results=bytes([1]) * 32)
    remember(store, KEYS, RESULTS)
    remember(store, other, replace(RESULTS, reports={}))
    assert recall_last(store, KEYS) == (other.results, replace(RESULTS, reports={}))
    assert recall(store, KEYS) == RESULTS
    assert recall_last(store, KEYS) == (KEYS.results, RESULTS)


@pytest.mark.parametrize(
    "value", [b"", b"\xc1", b"\x80", b"\x81\xa6facets\x03", b"\x81\xa7reports\x81\xa1a\xa1\xff"]
)
def test_what_this_version_does_not_understand_is_not_there(tmp_path: Path, value: bytes) -> None:
    Store(tmp_path).put({KEYS.results: value})
    assert recall(Store(tmp_path), KEYS) is None


def test_a_folder_of_the_path_that_cannot_be_listed_holds_no_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a folder whose permissions allow it to be searched only."""
    known, listed = parsers(), os.listdir

    def refuse(folder: str) -> list[str]:
        if folder == str(tmp_path):
            raise PermissionError(13, "Permission denied", folder)
        return listed(folder)

    monkeypatch.setattr(os, "listdir", refuse)
    (tmp_path / "file.zip").touch()
    monkeypatch.setattr(
        sys, "path", [str(tmp_path), str(tmp_path / "file.zip"), str(tmp_path / "absent"), *sys.path]
    )
    assert parsers() == known


INPUTS = {"workflow": Input("aa", 1, "text"), "tree": Input("bb", 2)}


def test_the_keys_follow_from_every_input_the_index_and_the_place(tmp_path: Path) -> None:
    keys = keys_of(tmp_path, INPUTS, b"index")
    assert keys == keys_of(tmp_path, dict(INPUTS), b"index")
    assert keys.place == keys_of(tmp_path, INPUTS | {"tree": Input("cc", 2)}, b"other").place
    assert keys.place != keys_of(tmp_path / "x", INPUTS, b"index").place
    others = [keys_of(tmp_path, INPUTS, b"index "), keys_of(tmp_path, {"tree": INPUTS["tree"]}, b"index")]
    changed = INPUTS | {"workflow": replace(INPUTS["workflow"], sha256="cc")}
    others.append(keys_of(tmp_path, changed, b"index"))
    assert len({keys.results, *(other.results for other in others)}) == 4
    assert keys.place != keys_of(tmp_path, changed, b"index").place


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
