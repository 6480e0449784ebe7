"""Which files a corpus is made of."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from codex_evidence.errors import UnreadableError, UsageError
from tests.data.corpora import prepared, write


def names(base: Path, *patterns: str) -> list[str]:
    return [source.name for source in prepared(base, *patterns).sources]


def test_globs_and_paths_give_each_file_once_in_bytewise_order(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    write(tmp_path, b__txt="text of b", B__txt="text of B", sub__x="ignored")
    write(tmp_path / "sub", a__txt="text of a")
    assert names(tmp_path, "**/*.txt", "b.txt", str(tmp_path / "b.txt")) == ["B.txt", "b.txt", "sub/a.txt"]


def test_nothing_to_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(UsageError, match=r"data\.files is empty"):
        prepared(tmp_path)
    with pytest.raises(UsageError, match=r"no file matches \*\.txt"):
        prepared(tmp_path, "*.txt")
    with pytest.raises(UnreadableError, match=r"missing\.txt does not exist"):
        prepared(tmp_path, "missing.txt")
    with pytest.raises(UsageError, match=r"folder is a folder; give its files, such as .*folder/\*"):
        prepared(tmp_path, "folder")
    for name in ("", "a\0b"):
        with pytest.raises(UsageError, match=r"is no path"):
            prepared(tmp_path, name)


def test_a_symlink_stands_for_its_file(tmp_path: Path) -> None:
    write(tmp_path, real__txt="the text of it")
    (tmp_path / "link.txt").symlink_to("real.txt")
    linked, real = (prepared(tmp_path, name) for name in ("link.txt", "real.txt"))
    assert linked.manifest["files"][0]["sha256"] == real.manifest["files"][0]["sha256"]
    assert linked.manifest["files"][0]["path"] == "link.txt"
    (tmp_path / "loop.txt").symlink_to("loop.txt")
    (tmp_path / "dangling.txt").symlink_to("nowhere")
    for name in ("loop.txt", "dangling.txt"):
        with pytest.raises(UnreadableError, match=name.split(".", maxsplit=1)[0]):
            prepared(tmp_path, name)


def test_a_pipe_cannot_block_the_reader(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    with pytest.raises(UnreadableError, match=r"pipe\.txt: not a regular file"):
        prepared(tmp_path, "pipe.txt")


def test_a_name_that_is_not_utf_8_is_recorded(tmp_path: Path) -> None:
    (Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.txt"))).write_text("some text")
    assert prepared(tmp_path, "*.txt").manifest["files"][0]["path"] == "caf%E9.txt"
