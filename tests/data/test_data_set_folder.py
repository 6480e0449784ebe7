"""Data sets on disk, with the package datasets and without it."""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from codex_evidence.errors import UnreadableError, UsageError
from codex_train.config.nouns import BadRecords, Format
from tests.data.corpora import PACKAGE_ROOT, prepared

DATASET = Format.dataset
needs_datasets = pytest.mark.skipif(
    importlib.util.find_spec("datasets") is None, reason="the package datasets is not installed"
)


def made(texts: list[str | None]) -> Any:
    """A data set in memory. It is given its fingerprint: to work one out, some versions pickle what cannot be."""
    datasets: Any = importlib.import_module("datasets")
    arrow: Any = importlib.import_module("pyarrow")
    return datasets.Dataset(datasets.table.InMemoryTable(arrow.table({"text": texts})), fingerprint="0" * 16)


@needs_datasets
def test_a_data_set_is_read_by_row(tmp_path: Path) -> None:
    made(["first", "", "second"]).save_to_disk(str(tmp_path / "set"))
    done = prepared(tmp_path, "set", format=DATASET, context=6)
    assert done.train.tokens.astype("u1").tobytes() == b"first\0second"
    assert (done.manifest["records"], done.manifest["documents"]) == (3, 2)
    assert done.notes == ("left out 1 empty records",)
    before = done.manifest["files"][0]["sha256"]
    (tmp_path / "set" / "state.json").write_bytes((tmp_path / "set" / "state.json").read_bytes() + b" ")
    assert prepared(tmp_path, "set", format=DATASET, context=6).manifest["files"][0]["sha256"] != before


@needs_datasets
def test_bad_rows_and_columns_are_named(tmp_path: Path) -> None:
    made(["a first text", None, "a\0b"]).save_to_disk(str(tmp_path / "set"))
    with pytest.raises(UnreadableError, match=r"set:2: 'text' holds no text but a NoneType"):
        prepared(tmp_path, "set", format=DATASET)
    done = prepared(tmp_path, "set", format=DATASET, bad_records=BadRecords.count)
    assert done.manifest["bad_records"] == 2
    with pytest.raises(UsageError, match=r"has no column 'body'; set data\.text_key to one of: text"):
        prepared(tmp_path, "set", format=DATASET, text_key="body")


@needs_datasets
def test_a_folder_of_splits_is_refused_by_their_names(tmp_path: Path) -> None:
    datasets: Any = importlib.import_module("datasets")

    one = made(["some text here"])
    datasets.DatasetDict({"train": one, "test": one}).save_to_disk(str(tmp_path / "set"))
    with pytest.raises(
        UsageError, match=r"holds several splits \(test, train\); name one, such as PATH/train"
    ):
        prepared(tmp_path, "set", format=DATASET)
    assert prepared(tmp_path, "set/train", format=DATASET).manifest["documents"] == 1


@needs_datasets
def test_a_folder_that_is_no_data_set_is_refused(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "state.json").write_text("{")
    with pytest.raises(UnreadableError, match=r"set cannot be loaded as a data set: ") as caught:
        prepared(tmp_path, "set", format=DATASET)
    assert "\n" not in str(caught.value)


def test_a_file_is_no_data_set(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("text")
    with pytest.raises(UsageError, match=r"a\.txt is no folder; data\.format=dataset reads"):
        prepared(tmp_path, "a.txt", format=DATASET)


def test_without_the_package_the_error_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    code = (
        "import sys; sys.modules['datasets'] = None\n"
        "from pathlib import Path; from codex_train.config.nouns import Format\n"
        "from tests.data.corpora import prepared\n"
        f"prepared(Path({str(tmp_path)!r}), 'set', format=Format.dataset)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=PACKAGE_ROOT,
        check=False,
        timeout=60,
    )
    assert "UsageError: data.format=dataset needs the package datasets: pip install datasets" in done.stderr
