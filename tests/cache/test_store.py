"""A cache gives back what was put there or nothing, whatever was done to its file."""

from __future__ import annotations

import os
import resource
import sqlite3
import stat
import time
from collections.abc import Callable
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codex_audit.cache.store import FILE, Store

# Values from one to many pages of SQLite.
VALUES = {b"key %d" % number: bytes([number]) * (number * 997) for number in range(12)}
KEYS = list(VALUES)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path / "cache")
    made.put(VALUES)
    return made


def heals(store: Store) -> None:
    """``store``, whose file somebody damaged, never lies and is of use again once runs have put their values."""
    for _ in range(2):  # the first may only remove what is broken
        found = store.get(KEYS)
        assert found.items() <= VALUES.items()
        store.put({key: value for key, value in VALUES.items() if key not in found})
    assert store.get(KEYS) == VALUES


@settings(max_examples=15)
@given(st.dictionaries(st.binary(min_size=1, max_size=64), st.binary(max_size=9000), max_size=8))
def test_what_was_put_comes_back_and_nothing_else(values: dict[bytes, bytes]) -> None:
    with TemporaryDirectory() as folder:
        store = Store(Path(folder) / "a" / "b")
        store.put(values)
        assert store.get([*values, bytes(65)]) == values


def test_the_last_value_put_under_a_key_counts(store: Store) -> None:
    store.put({b"key 3": b"new"})
    assert store.get([b"key 3", b"key 4"]) == {b"key 3": b"new", b"key 4": VALUES[b"key 4"]}


def test_thousands_of_keys_are_asked_for_at_once(tmp_path: Path) -> None:
    values = {b"%d" % number: b"value of %d" % number for number in range(3000)}
    store = Store(tmp_path)
    store.put(values)
    assert store.get([*values, *(b"absent %d" % number for number in range(3000))]) == values


def test_asking_an_absent_cache_makes_none(tmp_path: Path) -> None:
    assert Store(tmp_path / "cache").get(KEYS) == {}
    Store(tmp_path / "cache").put({})
    assert list(tmp_path.iterdir()) == []


def test_a_new_cache_is_private(tmp_path: Path) -> None:
    Store(tmp_path / "new").put(VALUES)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


def test_a_value_of_which_one_byte_flipped_is_not_there_and_the_others_are(store: Store) -> None:
    path = store.folder / FILE
    data = bytearray(path.read_bytes())
    data[data.index(VALUES[b"key 3"]) + 5] ^= 1
    path.write_bytes(data)
    assert store.get(KEYS) == {key: value for key, value in VALUES.items() if key != b"key 3"}
    heals(store)


# Half of the places lie in the header and the first pages, where a byte means most.
PLACES = st.integers(0, 12_000) | st.integers(0, 1_000_000)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(flips=st.lists(st.tuples(PLACES, st.integers(1, 255)), min_size=1, max_size=4))
def test_bytes_flipped_anywhere_in_the_file(store: Store, flips: list[tuple[int, int]]) -> None:
    path = store.folder / FILE
    data = bytearray(path.read_bytes())
    for place, mask in flips:
        data[place % len(data)] ^= mask
    path.write_bytes(data)
    heals(store)


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 1))
def test_a_file_cut_off_anywhere(store: Store, share: float) -> None:
    path = store.folder / FILE
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    heals(store)


def other_table(path: Path, *statements: str) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as database, database:
        for statement in statements:
            database.execute(statement)


def wrong_types(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("update entry set value = 'text', day = 'never' where key = ?", [b"key 1"])
        database.execute("update entry set value = 7, seal = 3.5 where key = ?", [b"key 2"])
        database.execute("update entry set seal = cast(x'ff' as text) where key = ?", [b"key 3"])


def broken_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


DAMAGE: dict[str, Callable[[Path], object]] = {
    "garbage": lambda path: path.write_bytes(b"no database at all" * 1000),
    "garbage behind a right start": lambda path: path.write_bytes(path.read_bytes()[:100] + b"\xa5" * 9000),
    "garbage for a log": lambda path: path.with_name(FILE + "-wal").write_bytes(b"\xa5" * 9000),
    "garbage for an index of the log": lambda path: path.with_name(FILE + "-shm").write_bytes(
        b"\xa5" * 40_000
    ),
    "an empty file": lambda path: path.write_bytes(b""),
    "a table of other columns": lambda path: other_table(
        path, "create table entry (key blob primary key, what blob)"
    ),
    "a view in place of the table": lambda path: other_table(path, "create view entry as select 1 as key"),
    "more columns": lambda path: other_table(
        path, "create table entry (key blob primary key, value blob, seal blob, day integer, more blob)"
    ),
    "a column that takes no bytes": lambda path: other_table(
        path,
        "create table entry (key blob primary key, value blob check (typeof(value) = 'text'), seal blob, day integer)",
    ),
    "values of other types": wrong_types,
    "a broken link": broken_link,
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_file_is_one_that_is_not_there_and_is_begun_anew(store: Store, name: str) -> None:
    DAMAGE[name](store.folder / FILE)
    heals(store)


@pytest.mark.parametrize("name", [FILE, FILE + "-wal", FILE + "-shm"])
def test_a_folder_in_place_of_a_file_costs_the_cache_and_nothing_else(tmp_path: Path, name: str) -> None:
    (tmp_path / name / "inside").mkdir(parents=True)
    store = Store(tmp_path)
    store.put(VALUES)
    assert store.get(KEYS).items() <= VALUES.items()
    assert (tmp_path / name / "inside").is_dir()


def test_a_file_in_place_of_the_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("mine")
    store = Store(tmp_path / "cache")
    store.put(VALUES)
    assert store.get(KEYS) == {}
    assert (tmp_path / "cache").read_text() == "mine"


def test_a_value_moved_to_another_key_is_not_believed(store: Store) -> None:
    with closing(sqlite3.connect(store.folder / FILE)) as database, database:
        database.execute(
            "update entry set (value, seal) = (select value, seal from entry where key = ?) where key = ?",
            [b"key 3", b"key 4"],
        )
    assert store.get([b"key 3", b"key 4"]) == {b"key 3": VALUES[b"key 3"]}
    heals(store)


def test_a_locked_cache_is_read_still_and_written_by_nobody_else(store: Store) -> None:
    impatient = Store(store.folder, wait=0.05)
    with closing(sqlite3.connect(store.folder / FILE)) as database:
        database.execute("begin immediate")
        impatient.put({b"key 3": b"new"})
        assert impatient.get(KEYS) == VALUES
        database.rollback()
    impatient.put({b"key 3": b"new"})
    assert impatient.get([b"key 3"]) == {b"key 3": b"new"}


def test_a_run_waits_once_for_a_locked_cache(store: Store) -> None:
    impatient = Store(store.folder, wait=0.4)
    with closing(sqlite3.connect(store.folder / FILE)) as database:
        database.execute("pragma locking_mode = exclusive")
        database.execute("begin exclusive")
        begun = time.monotonic()
        for _ in range(4):
            assert impatient.get(KEYS) in ({}, VALUES)
            impatient.put({b"key 3": b"new"})
        assert 0.3 < time.monotonic() - begun < 0.8
        database.rollback()
    impatient.put({b"key 3": b"new"})
    assert impatient.get([b"key 3"]) == {b"key 3": b"new"}


def cut_off() -> None:
    """Lets no file of this process grow further, as a full disk would."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))


def become_nobody() -> None:
    os.setgid(65534)
    os.setuid(65534)


def put_and_get(store: Store, values: dict[bytes, bytes]) -> dict[bytes, bytes]:
    store.put(values)
    return store.get([*KEYS, *values])


def test_a_full_disk_costs_the_new_values_and_nothing_else(store: Store) -> None:
    new = {b"new %d" % number: bytes(9000) for number in range(40)}
    with get_context("fork").Pool(1, cut_off) as other:
        found = other.apply(put_and_get, (store, new))
    assert found.items() <= (VALUES | new).items()
    assert store.get(KEYS) == VALUES
    store.put(new)
    assert store.get(list(new)) == new


@pytest.mark.skipif(os.getuid() != 0, reason="only the super-user can become somebody else")
@pytest.mark.parametrize(("mode", "known"), [(0o555, True), (0o500, False), (0o000, False)])
def test_a_folder_without_permission_is_an_empty_cache_at_worst(mode: int, known: bool) -> None:
    # Not in a folder of pytest: those are private.
    with TemporaryDirectory() as folder, get_context("fork").Pool(1, become_nobody) as other:
        Path(folder).chmod(0o755)
        store = Store(Path(folder) / "cache")
        store.put(VALUES)
        store.folder.chmod(mode)
        found = other.apply(put_and_get, (store, {b"new": b"new"}))
        assert found.items() <= (VALUES.items() if known else {}.items())
        assert other.apply(put_and_get, (Store(Path(folder) / "new"), VALUES)) == {}
        store.folder.chmod(0o700)
        assert store.get([*KEYS, b"new"]) == VALUES


def age(store: Store, days: int) -> None:
    """Lets every entry be last used ``days`` earlier."""
    with closing(sqlite3.connect(store.folder / FILE)) as database, database:
        database.execute("update entry set day = day - ?", [days])


def test_a_cache_keeps_within_its_bounds_and_forgets_first_what_nobody_asked_for(tmp_path: Path) -> None:
    store = Store(tmp_path, most=200_000)
    old = {b"old %d" % number: bytes([number]) * 5000 for number in range(20)}
    store.put(old)
    age(store, 3)
    used = dict(list(old.items())[::4])
    assert store.get(list(used)) == used
    store.put({b"new %d" % number: bytes([number]) * 5000 for number in range(19)})
    assert used.keys() <= store.get(list(old)).keys() < old.keys()
    for number in range(30):
        latest = {b"%d.%d" % (number, part): bytes([part]) * 5000 for part in range(4)}
        store.put(latest)
        assert store.get(list(latest)) == latest
        assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 200_000 + 50_000


def test_a_value_larger_than_the_bounds_leaves_a_cache_of_use(tmp_path: Path) -> None:
    store = Store(tmp_path, most=50_000)
    store.put({b"large": bytes(200_000)})
    assert store.get([b"large"]) == {}
    store.put({b"small": b"value"})
    assert store.get([b"small"]) == {b"small": b"value"}
