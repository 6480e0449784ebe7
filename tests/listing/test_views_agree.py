from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from codex_audit.listing.entry import describe
from codex_audit.listing.git import GitView, git_view
from codex_audit.listing.walk import walk_view
from tests.listing.repositories import git, repository

SPECIAL = {b".", b"..", b".git", b".gitignore", b".gitattributes", b".gitmodules"}
NAMES = (
    st.one_of(
        st.binary(min_size=1, max_size=8),
        st.sampled_from(
            [b"a", b"b", b"A", b"venv", b".venv", b"pyvenv.cfg", b"__pycache__", b"x.py", b" ", b"-"]
        ),
    )
    .map(lambda name: name.replace(b"/", b"_").replace(b"\0", b"_"))
    .filter(lambda name: name.lower() not in SPECIAL and not name.lower().startswith(b"git~"))
)
PATHS = st.lists(st.lists(NAMES, min_size=1, max_size=4), max_size=12)


def plant(root: Path, paths: list[list[bytes]]) -> None:
    """A file for each path that still can be made, every third one a symlink."""
    for number, parts in enumerate(paths):
        place = Path(os.fsdecode(os.path.join(os.fsencode(root), *parts)))  # noqa: PTH118 (names in bytes)
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            if number % 3 == 2:
                place.symlink_to("somewhere")
            else:
                place.write_bytes(bytes(parts[-1]))
        except OSError:
            continue  # a file where a folder should be, or the other way round


@given(paths=PATHS)
@example(paths=[[b"venv", b"pyvenv.cfg"], [b"venv", b"a"], [b"a", b"venv", b"a"], [b"__pycache__"]])
@example(paths=[[b"venv", b"pyvenv.cfg", b"a"]])
@settings(max_examples=60)
def test_where_nothing_is_ignored_a_walk_and_git_see_the_same(
    tmp_path_factory: pytest.TempPathFactory, paths: list[list[bytes]]
) -> None:
    root = repository(tmp_path_factory.mktemp("tree"))
    plant(root, paths)
    view = git_view(root)
    assert isinstance(view, GitView)
    by_git = [item.entry for item in describe(root, view.names, jobs=1)]
    assert by_git == [item.entry for item in describe(root, walk_view(root), jobs=1)]


def test_they_agree_on_tracked_files_too(tmp_path: Path) -> None:
    root = repository(tmp_path)
    plant(root, [[b"a"], [b"b", b"c\xff"], [b"d", b"link"], [b"e", b"f", b"g"], [b"e.f"]])
    git(root, "add", "--all")
    (root / "a").chmod(0o755)
    (root / "e.f").unlink()
    view = git_view(root)
    assert isinstance(view, GitView)
    by_git = [item.entry for item in describe(root, view.names, jobs=2)]
    assert by_git == [item.entry for item in describe(root, walk_view(root), jobs=1)]
    assert len(by_git) == 4
