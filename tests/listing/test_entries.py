from __future__ import annotations

import hashlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from codex_audit.artifacts import FileEntry
from codex_audit.listing.entry import Listed, describe


def described(root: Path, *paths: bytes) -> dict[str, FileEntry]:
    found = describe(root, map(Listed, paths), jobs=1)
    return {item.entry.path: item.entry for item in found}


def only(root: Path, path: bytes) -> FileEntry:
    (entry,) = described(root, path).values()
    return entry


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("size", [0, 1, 8192, (1 << 20) - 1, 1 << 20, (1 << 20) + 1])
def test_a_file_has_the_digest_and_size_of_its_bytes(tmp_path: Path, size: int) -> None:
    data = b"x" * size
    (tmp_path / "a").write_bytes(data)
    assert only(tmp_path, b"a") == FileEntry("a", "utf-8", "file", "100644", size, sha256(data), False)


@pytest.mark.parametrize(
    ("bits", "mode"),
    [(0o644, "100644"), (0o600, "100644"), (0o755, "100755"), (0o100, "100755"), (0o655, "100644")],
)
def test_the_mode_tells_only_whether_the_owner_may_execute(tmp_path: Path, bits: int, mode: str) -> None:
    (tmp_path / "a").write_bytes(b"")
    (tmp_path / "a").chmod(bits)
    assert only(tmp_path, b"a").mode == mode


def test_a_file_is_binary_by_a_nul_near_its_beginning(tmp_path: Path) -> None:
    (tmp_path / "near").write_bytes(b"x" * 8191 + b"\0")
    (tmp_path / "far").write_bytes(b"x" * 8192 + b"\0")
    (tmp_path / "latin").write_bytes("caf\xe9".encode("latin-1"))
    entries = described(tmp_path, b"near", b"far", b"latin")
    assert {path: entry.binary for path, entry in entries.items()} == {
        "near": True,
        "far": False,
        "latin": False,
    }


def test_a_sparse_gigabyte_is_hashed_in_constant_memory(tmp_path: Path) -> None:
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(1 << 30)
    entry = only(tmp_path, b"huge")
    assert (entry.size, entry.binary, entry.note) == (1 << 30, True, "")
    assert entry.sha256 == "49bc20df15e412a64472421e13fe86ff1c5165e18b2afccf160d4dc19fe68a14"


@pytest.mark.parametrize(
    ("target", "note"),
    [
        ("missing", ""),
        ("loop", ""),
        ("../beside", ""),
        ("./a/../b", ""),
        ("../../outside", "the target leaves the tree"),
        ("a/../../../b", "the target leaves the tree"),
        ("/etc/passwd", "the target is an absolute path"),
    ],
)
def test_a_symlink_stands_for_the_text_of_its_target(tmp_path: Path, target: str, note: str) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "loop").symlink_to(target)
    entry = only(tmp_path, b"sub/loop")
    assert entry == FileEntry(
        "sub/loop", "utf-8", "symlink", "120000", len(target), sha256(target.encode()), False, note
    )


def test_nothing_is_reached_through_a_symlink_among_the_parents(tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key").write_bytes(b"1")
    (tmp_path / "tree" / "real").mkdir(parents=True)
    (tmp_path / "tree" / "out").symlink_to(tmp_path / "secret")
    (tmp_path / "tree" / "real" / "in").symlink_to("..")
    assert described(tmp_path / "tree", b"out/key", b"real/in/out") == {}


@pytest.mark.parametrize("path", [b"../secret", b"sub/../../secret", b"/etc/passwd", b"a//b", b"./a/b"])
def test_a_path_that_is_none_is_not_read(tmp_path: Path, path: bytes) -> None:
    (tmp_path / "tree" / "sub").mkdir(parents=True)
    (tmp_path / "secret").write_bytes(b"1")
    assert all(not entry.sha256 for entry in described(tmp_path / "tree", path).values())


def test_what_is_gone_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"1")
    (tmp_path / "folder").mkdir()
    assert list(described(tmp_path, b"file", b"gone", b"no/such/folder", b"file/below", b"folder")) == [
        "file"
    ]


def test_fifos_sockets_and_devices_are_named_and_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(tmp_path)  # a socket's path may not be long
        try:
            server.bind("socket")
        finally:
            os.chdir(here)
        entries = described(tmp_path, b"fifo", b"socket")
    assert entries["fifo"] == FileEntry("fifo", "utf-8", "fifo", "010000", 0, "", False, "a fifo, not opened")
    assert entries["socket"].kind == "socket"
    assert only(Path("/dev"), b"null").kind == "device"


def test_a_name_that_is_not_utf_8_is_percent_encoded(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")).write_bytes(b"1")
    entry = only(tmp_path, b"caf\xe9")
    assert (entry.path, entry.path_encoding, entry.sha256) == ("caf%E9", "percent", sha256(b"1"))


def test_a_file_deeper_than_the_longest_path_is_read(tmp_path: Path) -> None:
    parts = ["d" * 200] * 40
    place = os.open(tmp_path, os.O_RDONLY)
    for part in parts:
        os.mkdir(part, dir_fd=place)
        below = os.open(part, os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = below
    os.close(os.open("a", os.O_WRONLY | os.O_CREAT, dir_fd=place))
    os.close(place)
    assert only(tmp_path, "/".join([*parts, "a"]).encode()).sha256 == sha256(b"")


def test_order_and_content_are_the_same_whatever_the_order_and_the_jobs(tmp_path: Path) -> None:
    names = [f"{folder}{name}".encode() for folder in ("", "a/", "a-b/", "a.b/") for name in ("x", "a0", "Z")]
    names += [f"many/{number}".encode() for number in range(100)]
    for number, name in enumerate(names):
        path = tmp_path / name.decode()
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(name * (1 << 20 if number % 10 == 0 else 1))
    one = describe(tmp_path, map(Listed, names), jobs=1)
    assert one == describe(tmp_path, map(Listed, reversed(names)), jobs=1)
    assert one == describe(tmp_path, map(Listed, names), jobs=4)
    assert [item.listed.path for item in one] == sorted(names)


@contextmanager
def growing(path: Path) -> Iterator[None]:
    """Appends to ``path`` as fast as it can."""
    stop = threading.Event()

    def grow() -> None:
        with path.open("ab", buffering=0) as file:
            while not stop.is_set():
                file.write(b"x" * 4096)

    thread = threading.Thread(target=grow)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_a_file_that_grows_while_it_is_read_is_said_to_and_does_not_hold_the_reader(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"x" * (32 << 20))
    with growing(path):
        begun = time.monotonic()
        entry = only(tmp_path, b"log")
        assert time.monotonic() - begun < 20
    assert (entry.sha256, entry.note) == ("", "changed while it was being read")


def test_a_fifo_swapped_in_after_the_look_never_blocks(tmp_path: Path) -> None:
    """The name is now a file, now a fifo, as fast as another thread can swap them."""
    (tmp_path / "file").write_bytes(b"1")
    os.mkfifo(tmp_path / "fifo")
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            for kind in ("file", "fifo"):
                os.link(tmp_path / kind, tmp_path / "new")
                (tmp_path / "new").replace(tmp_path / "a")
                (tmp_path / "new").unlink(missing_ok=True)

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        until = time.monotonic() + 1
        seen = {only_or_none(tmp_path, b"a") for _ in iter(lambda: time.monotonic() < until, False)}
    finally:
        stop.set()
        thread.join()
    assert {"file", "fifo"} <= seen


def only_or_none(root: Path, path: bytes) -> str:
    return next((entry.kind for entry in described(root, path).values()), "")
