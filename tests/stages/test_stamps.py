"""An index that lets unchanged files be is the index of the tree as it is."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_audit.cache.store import Store
from codex_audit.listing.entry import Held, Listed, describe
from codex_audit.stages import stamps
from codex_audit.stages.index import Listing, index_tree

NAMES = ("a.py", "b/c.py", "b/d.txt", "e/f/g.md")
MINUTE = 60 * 10**9
CLOCK = "codex_audit.stages.stamps.time.time_ns"


def tree(root: Path) -> Path:
    for number, name in enumerate(NAMES):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"%d\n" % number)
    return root


def again(root: Path, store: Store) -> Listing:
    return stamps.index_again(root, None, exclude=(), jobs=1, store=store)


def anew(root: Path) -> Listing:
    return index_tree(root, None, exclude=(), jobs=1)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that is a minute ahead, so that what was just written counts as old: nobody can set a ctime."""
    now = time.time_ns
    monkeypatch.setattr(CLOCK, lambda: now() + MINUTE)


def known_of(root: Path, digest: str) -> dict[bytes, Held]:
    """Every file of ``root`` under its stamp, and with ``digest`` whatever it holds."""
    listing = anew(root)
    held = zip(listing.raw_paths, listing.stamps, listing.index.files, strict=True)
    return {
        path: Held(stamp, replace(entry, sha256=digest)) for path, stamp, entry in held if stamp is not None
    }


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_file_with_a_known_stamp_is_not_read(tmp_path: Path, jobs: int) -> None:
    known = known_of(tree(tmp_path), "0" * 64)
    (tmp_path / NAMES[1]).write_text("other")
    found = describe(tmp_path, [Listed(name.encode()) for name in NAMES], jobs=jobs, known=known)
    unread = [item.listed.path.decode() for item in found if item.entry.sha256 == "0" * 64]
    assert unread == [NAMES[0], *NAMES[2:]]


def test_the_same_size_and_a_restored_time_do_not_hide_a_change(tmp_path: Path, later: None) -> None:
    root, store = tree(tmp_path / "tree"), Store(tmp_path / "cache")
    again(root, store)
    file = root / NAMES[0]
    before = file.stat()
    file.write_bytes(b"x\n")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert file.stat().st_mtime_ns == before.st_mtime_ns
    assert file.stat().st_size == before.st_size
    assert again(root, store) == anew(root)


def test_what_was_just_written_is_not_remembered(tmp_path: Path) -> None:
    root, store = tree(tmp_path / "tree"), Store(tmp_path / "cache")
    listing = again(root, store)
    assert stamps._held(listing, time.time_ns() - stamps._FRESH_NS) == {}
    assert len(stamps._held(listing, time.time_ns() + MINUTE)) == len(NAMES)


@pytest.mark.parametrize("seconds", [-(10**11), 10**11])
def test_a_time_that_nothing_can_say_is_not_remembered(seconds: int, later: None) -> None:
    """A tmpfs keeps such times; other file systems may not know them."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as place:
        root, store = tree(Path(place) / "tree"), Store(Path(place) / "cache")
        try:
            os.utime(root / NAMES[0], (seconds, seconds))
        except OverflowError:
            pytest.skip("this system cannot set such a time")
        for _ in range(2):
            assert again(root, store).index == anew(root).index


def test_what_another_version_remembered_is_read_anew(tmp_path: Path, later: None) -> None:
    root, store = tree(tmp_path / "tree"), Store(tmp_path / "cache")
    again(root, store)
    store.put({stamps.key_of(root): b"\xc1 not ours"})
    assert again(root, store) == anew(root)


def swap(root: Path, file: Path) -> None:
    other = root / NAMES[0]
    if other.is_file() and other != file:
        other.rename(root / "between")
        file.rename(other)
        (root / "between").rename(file)


def link(root: Path, file: Path) -> None:
    """A symlink in the place of the file's folder, to where that is now."""
    moved = root / f"moved-{file.parent.name}"
    if file.parent != root and not file.parent.is_symlink() and not moved.exists():
        file.parent.rename(moved)
        file.parent.symlink_to(moved)


KINDS: dict[str, Callable[[Path, Path], object]] = {
    "write": lambda _, file: file.write_bytes(file.read_bytes()[::-1] + b"+"),
    "empty": lambda _, file: file.write_bytes(b""),
    "remove": lambda _, file: file.unlink(),
    "mode": lambda _, file: file.chmod(file.stat().st_mode ^ 0o100),
    "copy": lambda _, file: (file.parent / "copy").write_bytes(file.read_bytes()),
    "swap": swap,
    "link": link,
}


def edit(root: Path, kind: str, name: str) -> None:
    """One edit, left out where the file is gone."""
    if (root / name).is_file():
        KINDS[kind](root, root / name)


ROUNDS = st.lists(
    st.lists(st.tuples(st.sampled_from(sorted(KINDS)), st.sampled_from(NAMES)), max_size=6),
    min_size=1,
    max_size=3,
)


@given(rounds=ROUNDS)
def test_after_any_edits_it_is_the_index_of_the_tree(
    rounds: list[list[tuple[str, str]]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = tmp_path_factory.mktemp("edits")
    root, store = tree(place / "tree"), Store(place / "cache")
    with pytest.MonkeyPatch.context() as patch:
        now = time.time_ns
        patch.setattr(CLOCK, lambda: now() + MINUTE)
        for edits in rounds:
            assert again(root, store) == anew(root)
            for kind, name in edits:
                edit(root, kind, name)
        assert again(root, store) == anew(root)
