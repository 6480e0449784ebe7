from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from codex_audit.listing.own import Layout, own_paths
from tests.listing.repositories import write

LAYOUT = Layout(
    traces=("out/manifest", "out/record"),
    fixed=frozenset({"out/manifest", "out/record", "out/facts"}),
    lists={"out/record": "reports"},
    named=re.compile(r"reports/matrix_[0-9]+\.md"),
    leftover=re.compile(r"out/\.tmp-[0-9a-f]{4}"),
)
PATHS = [
    b"out/manifest",
    b"out/record",
    b"out/facts",
    b"out/mine",
    b"out/.tmp-12ab",
    b"out/.tmp-12ab.py",
    b"reports/matrix_1.md",
    b"reports/matrix_2.md",
    b"reports/other.md",
    b"src/train.py",
]


def owned(root: Path, base: bytes = b"") -> list[bytes]:
    prefix = base + b"/" if base else b""
    return sorted(own_paths(root, base, LAYOUT, [prefix + path for path in PATHS]))


def test_without_a_trace_of_a_run_nothing_is_ours(tmp_path: Path) -> None:
    write(tmp_path, {"out/facts": "", "reports/matrix_1.md": ""})
    assert owned(tmp_path) == []


def test_what_is_both_listed_and_of_our_form_is_ours(tmp_path: Path) -> None:
    write(tmp_path, {"out/record": json.dumps({"reports": {"report:md": "reports/matrix_1.md"}})})
    assert owned(tmp_path) == [
        b"out/.tmp-12ab",
        b"out/facts",
        b"out/manifest",
        b"out/record",
        b"reports/matrix_1.md",
    ]


def test_a_list_of_paths_serves_as_well_as_a_table(tmp_path: Path) -> None:
    write(tmp_path, {"out/record": json.dumps({"reports": ["reports/matrix_2.md"]})})
    assert b"reports/matrix_2.md" in owned(tmp_path)


@pytest.mark.parametrize(
    "reports",
    [
        {
            "a": "src/train.py",
            "b": "reports/other.md",
            "c": "../src/train.py",
            "d": "reports/../src/train.py",
        },
        {"a": "reports/matrix_1.md/../../src/train.py", "b": "reports/matrix_1.md\n", "c": 7, "d": None},
        "src/train.py",
        7,
        ["src/train.py", ["reports/matrix_1.md"]],
    ],
)
def test_a_forged_record_hides_no_file(tmp_path: Path, reports: object) -> None:
    write(tmp_path, {"out/record": json.dumps({"reports": reports})})
    assert owned(tmp_path) == [b"out/.tmp-12ab", b"out/facts", b"out/manifest", b"out/record"]


@pytest.mark.parametrize(
    "record", ["", "{", "[]", '{"reports": NaN}', "[" * 100_000, '{"reports":{},"reports":{}}']
)
def test_a_damaged_record_leaves_only_the_fixed_names_ours(tmp_path: Path, record: str) -> None:
    write(tmp_path, {"out/record": record})
    assert owned(tmp_path) == [b"out/.tmp-12ab", b"out/facts", b"out/manifest", b"out/record"]


def test_a_run_in_another_folder_of_the_tree_is_found_there_only(tmp_path: Path) -> None:
    write(tmp_path, {"audits/out/manifest": "{}"})
    assert owned(tmp_path) == []
    assert owned(tmp_path, b"audits") == [
        b"audits/out/.tmp-12ab",
        b"audits/out/facts",
        b"audits/out/manifest",
        b"audits/out/record",
    ]


def test_a_record_behind_a_symlink_is_no_trace(tmp_path: Path) -> None:
    write(tmp_path, {"elsewhere/record": "{}", "tree/a": ""})
    (tmp_path / "tree" / "out").symlink_to("../elsewhere")
    assert owned(tmp_path / "tree") == []
