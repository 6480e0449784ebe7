"""Runs that use one cache at the same time, and runs that are killed while they write to it."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import time
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path

from codex_audit.cache.store import FILE, Store

FORK = get_context("fork")


def value_of(key: bytes, version: int) -> bytes:
    """One of the values that writers give ``key``; all bytes of it say which."""
    return (key + b" %d;" % version) * 400


def is_value(key: bytes, value: bytes) -> bool:
    return value in {value_of(key, version) for version in range(4)}


def write_and_read(store: Store, seed: int, rounds: int) -> int:
    """Puts and gets at random; returns how many values were found. A value that nobody put is an error."""
    chance = random.Random(seed)  # noqa: S311 - chance here keeps no secret
    found = 0
    for _ in range(rounds):
        keys = [b"key %d" % chance.randrange(40) for _ in range(6)]
        store.put({key: value_of(key, chance.randrange(4)) for key in keys})
        known = store.get([b"key %d" % number for number in range(40)])
        assert all(is_value(key, value) for key, value in known.items())
        found += len(known)
    return found


def is_sound(store: Store) -> bool:
    with closing(sqlite3.connect(store.folder / FILE)) as database:
        return bool(database.execute("pragma integrity_check").fetchone()[0] == "ok")


def test_processes_that_write_and_read_at_once_see_whole_values_only(tmp_path: Path) -> None:
    store = Store(tmp_path / "cache", most=150_000)
    with FORK.Pool(4) as others:
        runs = [others.apply_async(write_and_read, (store, seed, 25)) for seed in range(4)]
        assert all(run.get(60) > 0 for run in runs)
    assert is_sound(store)
    store.put({b"key 1": value_of(b"key 1", 1)})
    assert store.get([b"key 1"]) == {b"key 1": value_of(b"key 1", 1)}


def damage(folder: Path, rounds: int) -> None:
    for number in range(rounds):
        time.sleep(0.01)
        (folder / FILE).write_bytes(b"\xa5" * (number * 1000))


def test_a_file_that_somebody_damages_over_and_over_costs_values_and_nothing_else(tmp_path: Path) -> None:
    store = Store(tmp_path, wait=0.5)
    vandal = FORK.Process(target=damage, args=(tmp_path, 40))
    with FORK.Pool(2) as others:
        runs = [others.apply_async(write_and_read, (store, seed, 20)) for seed in range(2)]
        vandal.start()
        for run in runs:
            run.get(60)
    vandal.join()
    for _ in range(2):
        store.put({b"key 1": value_of(b"key 1", 1)})
    assert store.get([b"key 1"]) == {b"key 1": value_of(b"key 1", 1)}


def test_a_writer_killed_at_any_moment_leaves_a_sound_cache(tmp_path: Path) -> None:
    store = Store(tmp_path / "cache", most=150_000)
    chance = random.Random(7)  # noqa: S311
    store.put({b"key 0": value_of(b"key 0", 0)})
    for seed in range(40):
        writer = FORK.Process(target=write_and_read, args=(store, seed, 10_000))
        writer.start()
        time.sleep(chance.uniform(0, 0.05))
        os.kill(writer.pid or 0, signal.SIGKILL)
        writer.join()
        known = store.get([b"key %d" % number for number in range(40)])
        assert known
        assert all(is_value(key, value) for key, value in known.items())
    assert is_sound(store)
    left = {path.name for path in store.folder.iterdir()}
    assert left <= {FILE, FILE + "-wal", FILE + "-shm"}


def test_writers_killed_beside_one_that_goes_on(tmp_path: Path) -> None:
    store = Store(tmp_path / "cache")
    with FORK.Pool(1) as other:
        run = other.apply_async(write_and_read, (store, 1, 60))
        for seed in range(12):
            writer = FORK.Process(target=write_and_read, args=(store, seed, 10_000))
            writer.start()
            time.sleep(0.02)
            os.kill(writer.pid or 0, signal.SIGKILL)
            writer.join()
        assert run.get(60) > 0
    assert is_sound(store)
