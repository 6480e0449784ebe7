"""Child processes: they end by themselves or are ended, with all that they started."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from codex_audit.scanners.children import Command, Limits, environment, run_children


def python(code: str, folder: Path, given: bytes = b"") -> Command:
    return Command(("-c", code), folder, given)


def test_answers_come_in_the_order_of_the_commands(tmp_path: Path) -> None:
    code = "import sys, time; n = int(sys.stdin.read()); time.sleep(0.3 - n / 10); print(n); sys.exit(n)"
    ends = run_children([python(code, tmp_path, str(number).encode()) for number in range(3)], jobs=3)
    assert [(one.code, one.output, one.problem) for one in ends] == [
        (number, f"{number}\n".encode(), "") for number in range(3)
    ]


def test_one_that_does_not_end_is_ended_with_its_own_children(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print(child.pid, flush=True); time.sleep(60)"
    )
    start = time.monotonic()
    (ended,) = run_children([python(code, tmp_path)], limits=Limits(seconds=2))
    assert ended.problem == "did not end within 2 seconds"
    assert time.monotonic() - start < 30
    assert is_gone(int(ended.output))


def test_one_that_closes_its_pipes_and_stays_is_ended(tmp_path: Path) -> None:
    code = "import os, time; os.close(1); os.close(2); time.sleep(60)"
    start = time.monotonic()
    (ended,) = run_children([python(code, tmp_path)], limits=Limits(seconds=2))
    assert (ended.code, time.monotonic() - start < 30) == (-9, True)


def test_one_that_writes_without_end_is_ended(tmp_path: Path) -> None:
    code = "import sys\nwhile True: sys.stdout.write('x' * 65536)"
    (ended,) = run_children([python(code, tmp_path)], limits=Limits(seconds=60, output=1 << 20))
    assert ended.problem == "wrote more than 1 MB"
    assert len(ended.output) < 2 << 20


def test_others_are_ended_when_something_is_raised(tmp_path: Path) -> None:
    def stop(count: int) -> None:
        raise KeyboardInterrupt

    sleeper = f"import os, time; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    quick = f"import os, time\nwhile not os.path.exists({str(tmp_path / 'pid')!r}): time.sleep(0.01)"
    with pytest.raises(KeyboardInterrupt):
        run_children([python(sleeper, tmp_path), python(quick, tmp_path)], jobs=2, ended=stop)
    assert is_gone(int((tmp_path / "pid").read_text()))


def test_a_child_gets_few_variables_and_no_proxy_for_this_machine() -> None:
    got = environment(
        {"PATH": "/bin", "PYTHONPATH": "x", "PIP_INDEX_URL": "x", "NO_PROXY": "a", "TOKEN": "x"}
    )
    assert got == {
        "PATH": "/bin",
        "NO_PROXY": "a,127.0.0.1,localhost",
        "no_proxy": "a,127.0.0.1,localhost",
        "NO_COLOR": "1",
    }


def is_gone(process: int) -> bool:
    """Whether it ends soon; the kernel may still hold its entry for a moment."""
    for _ in range(100):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        if Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.02)
    return False
