"""Digests agree with the system's own tools, and read regular files only."""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_evidence.digests import file_sha256, sha256_hex, tree_sha256
from codex_evidence.errors import CodexError, UnreadableError
from codex_evidence.files import read_bytes

READER = """
import resource, sys
from codex_evidence.files import read_bytes
resource.setrlimit(resource.RLIMIT_AS, (2**29, 2**29))
read_bytes(sys.argv[1], max_bytes=2**40 - 1)
"""

DIGEST = st.binary(max_size=2).map(sha256_hex)
ENTRY = st.tuples(st.text(min_size=1, max_size=8), st.sampled_from(["100644", "100755", "120000"]), DIGEST)


def test_a_file_has_the_digest_that_sha256sum_prints(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_bytes(os.urandom(3 * 2**20 + 17))
    printed = subprocess.run(["sha256sum", path], capture_output=True, text=True, check=True).stdout
    assert file_sha256(path) == (printed.split()[0], 3 * 2**20 + 17)


def test_an_empty_file_has_the_digest_of_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert file_sha256(tmp_path / "empty") == (hashlib.sha256().hexdigest(), 0)


def test_a_name_that_is_not_utf8_is_read(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/caf\xe9"
    Path(os.fsdecode(path)).write_bytes(b"x")
    assert file_sha256(path) == file_sha256(os.fsdecode(path)) == (sha256_hex(b"x"), 1)


def make_fifo(path: Path) -> None:
    os.mkfifo(path)


def make_link(path: Path) -> None:
    target = path.with_name("target")
    target.write_bytes(b"secret")
    path.symlink_to(target)


def make_loop(path: Path) -> None:
    path.symlink_to(path)


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


def make_nothing(path: Path) -> None:
    assert not path.exists()


@pytest.mark.parametrize("make", [make_fifo, make_link, make_loop, make_socket, Path.mkdir, make_nothing])
def test_what_is_no_regular_file_is_refused_without_waiting(
    make: Callable[[Path], None], tmp_path: Path
) -> None:
    path = tmp_path / "x"
    make(path)
    with pytest.raises(UnreadableError, match=r"cannot read .*/x: ") as caught:
        file_sha256(path)
    assert isinstance(caught.value, CodexError)
    assert caught.value.exit_code == 2


def test_a_file_of_another_user_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "private"
    path.write_bytes(b"secret")
    path.chmod(0)
    child = os.fork()
    if child == 0:  # root may read anything, so the question is asked as somebody else
        try:
            if os.geteuid() == 0:
                os.setuid(65534)
            file_sha256(path)
            os._exit(1)
        except UnreadableError:
            os._exit(0)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_file_is_read_up_to_the_limit_and_refused_beyond(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"12345")
    assert read_bytes(path, max_bytes=5) == b"12345"
    with pytest.raises(UnreadableError, match="larger than 4 bytes"):
        read_bytes(path, max_bytes=4)


def test_a_sparse_giant_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "giant"
    with path.open("wb") as file:
        file.truncate(2**40)
    reader = subprocess.run(
        [sys.executable, "-c", READER, str(path)], capture_output=True, text=True, check=False
    )
    assert "UnreadableError: cannot read" in reader.stderr
    assert "larger than 1099511627775 bytes" in reader.stderr


def test_a_file_that_claims_to_be_empty_is_still_limited() -> None:
    source = Path("/proc/self/maps")
    if not source.exists():
        pytest.skip("no /proc")
    assert source.stat().st_size == 0
    with pytest.raises(UnreadableError, match="larger than 10 bytes"):
        read_bytes(source, max_bytes=10)


@given(st.lists(ENTRY, max_size=6).flatmap(lambda tree: st.tuples(st.just(tree), st.permutations(tree))))
def test_a_tree_has_one_digest_in_any_order(
    trees: tuple[list[tuple[str, str, str]], list[tuple[str, str, str]]],
) -> None:
    assert tree_sha256(trees[0]) == tree_sha256(iter(trees[1]))


@given(st.lists(ENTRY, max_size=4), st.lists(ENTRY, max_size=4))
def test_two_trees_share_a_digest_only_when_they_are_equal(
    one: list[tuple[str, str, str]], other: list[tuple[str, str, str]]
) -> None:
    assert (tree_sha256(one) == tree_sha256(other)) == (sorted(one) == sorted(other))


def test_a_tree_digest_can_be_recomputed_with_stock_tools() -> None:
    digest = sha256_hex(b"")
    entries = [("b", "100755", digest), ("a", "100644", digest), ("Z", "100644", digest)]
    lines = f"100644 {digest} Z\x00100644 {digest} a\x00100755 {digest} b\x00"
    printed = subprocess.run(["sha256sum"], input=lines.encode(), capture_output=True, check=True).stdout
    assert tree_sha256(entries) == printed.split()[0].decode()
