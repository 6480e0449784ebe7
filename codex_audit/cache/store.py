"""A bounded store of bytes by key, shared by runs that may go on at the same time: one SQLite file.

SQLite writes whole transactions or nothing, whoever is killed when. Each value lies beside a digest of key and
value, so that a damaged one is one that is not there. Whatever is wrong with the file, a run goes on without it.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

FILE = "v1.sqlite"
MOST_BYTES = 512 << 20
_PAGE = 500
_EMPTIED = b"emptied"
_SECONDS_A_DAY = 86_400
# Not the database's fault: another run, the disk or its permissions. All else means that the file is damaged, or that
# it holds other tables than ours.
_IN_THE_WAY = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_READONLY,
    }
)
_TABLE = """
    create table if not exists entry (
        key blob primary key, value blob not null, seal blob not null, day integer not null
    )
"""
# A damaged row may hold values of another type.
_ROWS = "select key, value, seal, day from entry where typeof(value) = 'blob' and typeof(seal) = 'blob'"


@dataclass(slots=True)
class _Run:
    """What a run has met: ``lost`` when it has once waited for others in vain, and does not wait again; ``emptied`` is
    the mark of the last emptying of the store when the run began, None before it looked."""

    lost: bool = False
    emptied: bytes | None = None


@dataclass(frozen=True, slots=True)
class Store:
    """``folder`` is made when something is first put there. ``most`` bounds what it holds, in bytes; ``wait`` is for
    how many seconds, once, it may be locked by others before a run goes on without it."""

    folder: Path
    most: int = MOST_BYTES
    wait: float = 5.0
    run: _Run = field(default_factory=_Run, init=False, repr=False, compare=False)

    def get(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """The values of those ``keys`` that are there and whole."""
        found: dict[bytes, bytes] = {}

        def look(database: sqlite3.Connection) -> None:
            for start in range(0, len(keys), _PAGE):
                page = list(keys[start : start + _PAGE])
                marks = ",".join("?" * len(page))
                rows = database.execute(f"{_ROWS} and key in ({marks})", page)
                whole = [(key, value, day) for key, value, seal, day in rows if _seal(key, value) == seal]
                found.update((key, value) for key, value, _ in whole)
                _touch(database, [key for key, _, day in whole if day != _today()])

        if keys:
            self._try(look, make=False)
        return found

    def join(self) -> None:
        """Begin: what is put from now on is kept unless somebody empties the store. Otherwise the first access does."""
        self._try(lambda database: None, make=False)

    def put(self, values: Mapping[bytes, bytes]) -> None:
        """Keep ``values``; those that nobody asked for longest go when the file has grown too large. Nothing is kept
        when the store was emptied since this run began: it may follow from what was to be forgotten."""

        def keep(database: sqlite3.Connection) -> None:
            rows = [(key, value, _seal(key, value), _today()) for key, value in values.items()]
            with database:
                database.execute("begin immediate")
                if _emptied(database) != self.run.emptied:
                    return
                database.executemany("insert or replace into entry values (?, ?, ?, ?)", rows)
            self._shrink(database)

        if values:
            self._try(keep, make=True)

    def empty(self, but: bytes) -> bool:
        """Forget all entries but those whose keys begin with ``but``, and what other runs that go on now put later.
        False where something is left in the files: another process reads them for long, or they cannot be written."""
        left = True

        def forget(database: sqlite3.Connection) -> None:
            nonlocal left
            with database:
                database.execute("begin immediate")
                database.execute("delete from entry where substr(key, 1, ?) <> ?", (len(but), but))
                mark = os.urandom(16)
                row = (_EMPTIED, mark, _seal(_EMPTIED, mark), _today())
                database.execute("insert into entry values (?, ?, ?, ?)", row)
            # What was deleted lies in free pages and in the log until both are written anew.
            database.execute("vacuum")
            busy = database.execute("pragma wal_checkpoint(truncate)").fetchone()[0]
            left = bool(busy)

        self._try(forget, make=True)
        return not left or not (self.folder / FILE).exists()

    def _try(self, work: Callable[[sqlite3.Connection], None], *, make: bool) -> None:
        """``work`` on the database, which is made where there is none and ``make`` says so. One that is broken or not
        ours is removed, to be begun anew; one that is locked for long, full or read-only is left alone."""
        try:
            if make:
                self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            elif not (self.folder / FILE).exists():
                self.run.emptied = self.run.emptied or b""
                return
            wait = 0.0 if self.run.lost else self.wait
            with closing(sqlite3.connect(self.folder / FILE, timeout=wait)) as database:
                database.execute("pragma journal_mode = wal")
                database.execute("pragma synchronous = normal")
                database.execute(_TABLE)
                if self.run.emptied is None:
                    self.run.emptied = _emptied(database)
                work(database)
        except OSError:
            return
        except sqlite3.DatabaseError as error:
            kind = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
            self.run.lost |= kind == sqlite3.SQLITE_BUSY
            if kind in _IN_THE_WAY:
                return
            for suffix in ("", "-wal", "-shm"):
                with suppress(OSError):
                    (self.folder / (FILE + suffix)).unlink()

    def _shrink(self, database: sqlite3.Connection) -> None:
        """Forget the oldest third of the entries, by the day of their last use, as often as it takes."""
        while _bytes(database) > self.most:
            with database:
                gone = database.execute(
                    "delete from entry where rowid in "
                    "(select rowid from entry order by day, rowid limit 1 + (select count(*) from entry) / 3)"
                )
            if not gone.rowcount:
                return


def _emptied(database: sqlite3.Connection) -> bytes:
    """What tells the last emptying of the store from every other; empty where there was none."""
    row = database.execute(f"{_ROWS} and key = ?", (_EMPTIED,)).fetchone()
    return bytes(row[1]) if row is not None and _seal(row[0], row[1]) == row[2] else b""


def _touch(database: sqlite3.Connection, keys: Sequence[bytes]) -> None:
    if keys:
        with database:
            database.executemany("update entry set day = ? where key = ?", [(_today(), key) for key in keys])


def _bytes(database: sqlite3.Connection) -> int:
    """What the entries take. Pages of the file that hold none are used before it grows."""
    pages, free, size = (
        int(database.execute(f"pragma {name}").fetchone()[0])
        for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size


def _today() -> int:
    return int(time.time()) // _SECONDS_A_DAY


def _seal(key: bytes, value: bytes) -> bytes:
    return blake2b(value, key=key[:64], digest_size=16).digest()
