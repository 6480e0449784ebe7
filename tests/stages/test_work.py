"""What is read of a file is what was indexed, or nothing is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from codex_audit.stages.index import index_tree
from codex_audit.stages.work import ChangedWhileReadError, indexed_bytes
from codex_evidence.errors import CodexError


def removed_with_its_folder(path: Path) -> None:
    path.unlink()
    path.parent.rmdir()


def replaced_by_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


CHANGES: dict[str, Callable[[Path], object]] = {
    "other bytes": lambda path: path.write_text("x = 2\n"),
    "gone": Path.unlink,
    "gone with its folder": removed_with_its_folder,
    "a folder": replaced_by_a_folder,
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_is_no_longer_what_was_indexed_asks_for_another_run(tmp_path: Path, change: str) -> None:
    path = tmp_path / "pkg" / "a.py"
    path.parent.mkdir()
    path.write_text("x = 1\n")
    listing = index_tree(tmp_path, None, exclude=(), jobs=1)
    (entry,) = (entry for entry in listing.index.files if entry.path == "pkg/a.py")
    assert indexed_bytes(listing, entry) == b"x = 1\n"
    CHANGES[change](path)
    with pytest.raises(CodexError, match="run the audit again") as raised:
        indexed_bytes(listing, entry)
    assert isinstance(raised.value, ChangedWhileReadError)
    assert raised.value.exit_code == 4
