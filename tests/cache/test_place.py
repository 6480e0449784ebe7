"""Where a cache may lie, and where there is none."""

from __future__ import annotations

import os
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from codex_audit.cache.place import find_store
from codex_audit.cache.store import Store


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "tree").mkdir()
    return tmp_path / "tree"


def folder(store: Store | None) -> Path | None:
    return store.folder if store else None


def test_the_given_folder_comes_before_xdg_and_that_before_home(tmp_path: Path, tree: Path) -> None:
    home, xdg, given = tmp_path / "home", tmp_path / "xdg", tmp_path / "given"
    both = {"HOME": str(home), "XDG_CACHE_HOME": str(xdg)}
    assert folder(find_store(both, tree, given)) == given
    assert folder(find_store(both, tree)) == xdg / "codex-audit"
    assert folder(find_store({"HOME": str(home)}, tree)) == home / ".cache" / "codex-audit"
    assert list(tmp_path.iterdir()) == [tree]


@pytest.mark.parametrize("xdg", ["", "cache", "./cache", "~/cache"])
def test_an_xdg_folder_that_is_not_absolute_is_ignored(tmp_path: Path, tree: Path, xdg: str) -> None:
    store = find_store({"HOME": str(tmp_path), "XDG_CACHE_HOME": xdg}, tree)
    assert folder(store) == tmp_path / ".cache" / "codex-audit"
    assert find_store({"HOME": "home", "XDG_CACHE_HOME": xdg}, tree) is None
    assert find_store({}, tree) is None


def test_there_is_no_cache_inside_the_audited_tree_not_even_behind_a_link(tmp_path: Path, tree: Path) -> None:
    assert find_store({}, tree, tree) is None
    assert find_store({}, tree, tree / "deep" / "cache") is None
    assert find_store({"HOME": str(tree)}, tree) is None
    assert find_store({"XDG_CACHE_HOME": str(tree / "cache")}, tree) is None
    (tmp_path / "link").symlink_to(tree)
    assert find_store({}, tree, tmp_path / "link" / "cache") is None
    assert find_store({}, tmp_path / "link", tree / "cache") is None
    assert find_store({}, tree, tree / ".." / "tree" / "cache") is None


def test_beside_the_tree_is_outside_whatever_the_names(tmp_path: Path, tree: Path) -> None:
    assert folder(find_store({}, tree, tmp_path / "tree-cache")) == tmp_path / "tree-cache"
    (tree / "link").symlink_to(tmp_path / "real")
    assert folder(find_store({}, tree, tree / "link")) == tmp_path / "real"


def place_of_nobody(environment: dict[str, str], tree: Path) -> Path | None:
    os.setgid(65534)
    os.setuid(65534)
    return folder(find_store(environment, tree))


@pytest.mark.skipif(os.getuid() != 0, reason="only the super-user can become somebody else")
def test_the_folder_of_another_owner_is_left_alone() -> None:
    with TemporaryDirectory() as base:
        Path(base).chmod(0o755)
        tree, open_to_all, private = (Path(base) / name for name in ("tree", "open", "private"))
        tree.mkdir()
        (open_to_all / "codex-audit").mkdir(parents=True)
        (open_to_all / "codex-audit").chmod(0o777)
        (private / "home" / ".cache").mkdir(parents=True)
        private.chmod(0o700)
        for environment in (
            {"XDG_CACHE_HOME": str(open_to_all)},
            {"HOME": str(private / "home")},
            {"HOME": str(private / "absent")},
        ):
            with get_context("fork").Pool(1) as other:
                assert other.apply(place_of_nobody, (environment, tree)) is None
        assert list((open_to_all / "codex-audit").iterdir()) == []
        assert find_store({"XDG_CACHE_HOME": str(open_to_all)}, tree) is not None


@pytest.mark.parametrize("name", ["x" * 300, "file/below"])
def test_a_folder_that_cannot_be_made_is_no_error(tmp_path: Path, tree: Path, name: str) -> None:
    (tmp_path / "file").write_text("")
    store = find_store({}, tree, tmp_path / name)
    if store is not None:
        store.put({b"key": b"value"})
        assert store.get([b"key"]) == {}
