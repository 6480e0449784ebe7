"""An emptied store holds nothing that was to be forgotten, in none of its files, and gets none of it back."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from codex_audit.cache.store import FILE, Store

VALUE = b"a value to be forgotten "
KEPT, GONE = b"keep:key", b"another key"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path / "cache", wait=0.2)
    made.put({GONE: VALUE * 2000, KEPT: b"of use"})
    return made


def files(store: Store) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in store.folder.iterdir()}


def test_nothing_is_left_but_what_is_kept(store: Store) -> None:
    assert any(VALUE in data for data in files(store).values())
    assert store.empty(b"keep:")
    assert [name for name, data in files(store).items() if VALUE in data] == []
    assert Store(store.folder).get([KEPT, GONE]) == {KEPT: b"of use"}


def test_a_run_that_began_before_puts_nothing_back(store: Store) -> None:
    before, joined = Store(store.folder), Store(store.folder)
    before.get([GONE])
    joined.join()
    assert Store(store.folder).empty(b"keep:")
    before.put({GONE: VALUE})
    joined.put({GONE: VALUE})
    after = Store(store.folder)
    assert after.get([GONE]) == {}
    after.put({GONE: b"new"})
    assert Store(store.folder).get([GONE]) == {GONE: b"new"}


def test_a_run_that_began_without_a_file_puts_nothing_back(tmp_path: Path) -> None:
    before = Store(tmp_path / "cache")
    before.join()
    assert Store(tmp_path / "cache").empty(b"keep:")
    before.put({GONE: VALUE})
    assert Store(tmp_path / "cache").get([GONE]) == {}


def test_another_process_that_has_it_open_keeps_no_log_of_it(store: Store) -> None:
    with closing(sqlite3.connect(store.folder / FILE)) as other:
        other.execute("select count(*) from entry").fetchall()
        store.put({GONE: VALUE * 3000})
        assert VALUE in files(store)[f"{FILE}-wal"]
        assert store.empty(b"keep:")
        assert [name for name, data in files(store).items() if VALUE in data] == []


def test_one_that_others_read_for_long_is_said_not_to_be_empty(store: Store) -> None:
    with closing(sqlite3.connect(store.folder / FILE)) as other:
        rows = other.execute("select key from entry union all select key from entry")
        rows.fetchone()
        assert not store.empty(b"keep:")
        rows.close()
    assert store.empty(b"keep:")
    assert [name for name, data in files(store).items() if VALUE in data] == []


def test_one_that_is_damaged_is_gone(store: Store) -> None:
    (store.folder / FILE).write_bytes(b"no database " * 400)
    assert store.empty(b"keep:")
    assert Store(store.folder).get([KEPT]) == {}
