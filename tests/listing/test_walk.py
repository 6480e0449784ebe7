from __future__ import annotations

import os
from pathlib import Path

import pytest

from codex_audit.listing.walk import MAX_PATH, walk_view
from tests.listing.repositories import write


def walked(root: Path) -> dict[bytes, str]:
    return {name.path: name.kind for name in walk_view(root)}


def test_every_file_is_listed_and_no_folder(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": "", "pkg/b.py": "", "pkg/deep/er/c": "", ".hidden/d": "", "x.py/e": ""})
    (tmp_path / "empty").mkdir()
    assert sorted(walked(tmp_path)) == [b".hidden/d", b"a.py", b"pkg/b.py", b"pkg/deep/er/c", b"x.py/e"]


def test_git_folders_and_caches_are_left_out_at_any_depth(tmp_path: Path) -> None:
    caches = [
        "__pycache__",
        "node_modules",
        ".tox",
        ".nox",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
        ".git",
    ]
    write(tmp_path, {f"{above}{cache}/x": "" for above in ("", "pkg/") for cache in caches})
    write(tmp_path, {"module/.git": "gitdir: ../x", "module/a": "", "node_modules_too/b": "", "sub/.tox": ""})
    assert sorted(walked(tmp_path)) == [b"module/a", b"node_modules_too/b", b"sub/.tox"]


def test_only_a_marked_environment_is_left_out(tmp_path: Path) -> None:
    write(tmp_path, {"venv/pyvenv.cfg": "", "venv/lib/x": "", ".venv/pyvenv.cfg": ""})
    write(tmp_path, {"pkg/venv/code.py": "", "src/pyvenv.cfg": "", "src/a.py": ""})
    assert sorted(walked(tmp_path)) == [b"pkg/venv/code.py", b"src/a.py", b"src/pyvenv.cfg"]


def test_symlinks_are_listed_and_not_followed(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    write(root, {"real/a": ""})
    write(tmp_path, {"outside/secret": ""})
    for name, target in [("broken", "nowhere"), ("loop", "loop"), ("up", ".."), ("out", "../outside")]:
        (root / name).symlink_to(target)
    (root / "real" / "again").symlink_to("..", target_is_directory=True)
    links = dict.fromkeys([b"broken", b"loop", b"up", b"out", b"real/again"], "symlink")
    assert walked(root) == links | {b"real/a": "file"}


def test_a_deep_tree_ends_in_a_note_and_not_in_an_error(tmp_path: Path) -> None:
    place = os.open(tmp_path, os.O_RDONLY)
    for _ in range(MAX_PATH // 200 + 5):
        os.mkdir("d" * 200, dir_fd=place)
        below = os.open("d" * 200, os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = below
    os.close(place)
    (name,) = walk_view(tmp_path)
    assert (name.kind, name.note) == ("directory", "path longer than 4096 bytes, not entered")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder; the stage's tests use another uid")
def test_a_folder_that_may_not_be_read_is_listed_as_such(tmp_path: Path) -> None:
    write(tmp_path, {"locked/a": "", "b": ""})
    (tmp_path / "locked").chmod(0)
    assert walked(tmp_path) == {b"b": "file", b"locked": "directory"}
