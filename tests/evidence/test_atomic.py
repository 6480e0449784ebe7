"""A written file is the former one or the new one, also when the writer dies or the disk is full."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from codex_evidence import atomic
from codex_evidence.errors import CodexError, WriteError

SIZE = 4 * 2**20

ENDLESS_WRITER = """
import sys
from pathlib import Path
from codex_evidence.atomic import write_bytes
target = Path(sys.argv[1])
while True:
    for letter in (b"a", b"b"):
        write_bytes(target, letter * int(sys.argv[2]))
        print("written", flush=True)
"""

FULL_DISK_WRITER = """
import resource, signal, sys
from pathlib import Path
from codex_evidence.atomic import write_bytes
from codex_evidence.errors import WriteError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    write_bytes(Path(sys.argv[1]), b"n" * 1_000_000)
except WriteError as error:
    sys.exit(f"refused: {error}")
"""


@pytest.mark.parametrize("delay", [0.0, 0.003, 0.008, 0.015, 0.03])
def test_a_killed_writer_leaves_a_whole_file(delay: float, tmp_path: Path) -> None:
    target = tmp_path / "artifact.json"
    command = [sys.executable, "-c", ENDLESS_WRITER, str(target), str(SIZE)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"written\n"
        time.sleep(delay)
        writer.send_signal(signal.SIGKILL)
    assert target.read_bytes() in (b"a" * SIZE, b"b" * SIZE)
    others = {path.name for path in tmp_path.iterdir()} - {"artifact.json"}
    assert all(name.startswith(atomic.TEMPORARY_PREFIX) for name in others)


def test_a_full_disk_leaves_the_former_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "artifact.json"
    target.write_bytes(b"former")
    writer = subprocess.run(
        [sys.executable, "-c", FULL_DISK_WRITER, str(target)], capture_output=True, text=True, check=False
    )
    assert writer.returncode == 1
    assert "refused: cannot write" in writer.stderr
    assert target.read_bytes() == b"former"
    assert [path.name for path in tmp_path.iterdir()] == ["artifact.json"]


def test_a_symlink_is_replaced_and_its_target_untouched(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b"mine")
    target = tmp_path / "artifact.json"
    target.symlink_to(outside)
    atomic.write_bytes(target, b"new")
    assert outside.read_bytes() == b"mine"
    assert not target.is_symlink()
    assert target.read_bytes() == b"new"


def test_a_written_file_follows_the_umask_as_any_other(tmp_path: Path) -> None:
    former = os.umask(0o027)
    try:
        atomic.write_bytes(tmp_path / "report.md", b"x")
    finally:
        os.umask(former)
    assert stat.S_IMODE((tmp_path / "report.md").stat().st_mode) == 0o640


@pytest.mark.parametrize("name", ["folder", "missing/report.md", "a" * 300])
def test_a_target_that_cannot_be_is_refused_and_leaves_nothing(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(WriteError, match="cannot write") as caught:
        atomic.write_bytes(tmp_path / name, b"x")
    assert isinstance(caught.value, CodexError)
    assert caught.value.exit_code == 2
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_removing_takes_the_link_and_not_its_target_and_may_be_repeated(tmp_path: Path) -> None:
    (tmp_path / "kept").write_bytes(b"x")
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    atomic.remove(tmp_path / "link")
    atomic.remove(tmp_path / "link")
    atomic.remove(tmp_path / "missing" / "file")
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_a_folder_is_not_removed(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(WriteError, match="cannot remove"):
        atomic.remove(tmp_path / "folder")
    assert (tmp_path / "folder").is_dir()
