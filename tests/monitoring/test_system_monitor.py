"""The system monitor writes what its schema says, stays within its bounds, and never reaches the run."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import threading
import time
from importlib import import_module
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from codex_evidence.canonical import canonical_bytes
from codex_evidence.errors import WriteError
from codex_evidence.schemas import schema_for, validate
from codex_train.monitoring.gpu import GpuSample, find_gpus
from codex_train.monitoring.system import Machine, SystemMonitor, SystemRecord

psutil: Any = import_module("psutil")
NAME = "codex-train system monitor"


def monitors() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == NAME]


def lines_of(path: Path) -> list[dict[str, Any]]:
    """The lines of ``path``, each of which has to follow the schema in canonical bytes."""
    data = path.read_bytes()
    assert data.endswith(b"\n")
    lines = [json.loads(line) for line in data.splitlines()]
    for line in lines:
        validate(line, "run_system")
    assert b"".join(canonical_bytes(line) + b"\n" for line in lines) == data
    return lines


def wait_for_end() -> None:
    deadline = time.monotonic() + 20
    while monitors() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not monitors()


def test_it_samples_at_its_interval_and_says_once_that_a_gpu_is_absent(tmp_path: Path) -> None:
    path = tmp_path / "system.ndjson"
    with SystemMonitor(path, 0.05) as monitor:
        time.sleep(0.6)
    lines = lines_of(path)
    assert monitor.fault == ""
    assert 4 <= len(lines) <= 13
    assert lines[0]["cpu_percent"] is None, "there is no share of time since nothing"
    assert all(line["cpu_percent"] is not None and line["process_rss_bytes"] > 2**20 for line in lines[1:])
    assert lines[0]["memory_total_bytes"] == psutil.virtual_memory().total
    assert [line["seconds"] for line in lines] == sorted(line["seconds"] for line in lines)
    if not find_gpus().handles:
        assert "GPU" in lines[0]["note"]
    assert all(line["note"] == "" for line in lines[1:])


@pytest.mark.parametrize("interval", [0.0, -1.0])
def test_without_an_interval_there_is_neither_a_thread_nor_a_file(tmp_path: Path, interval: float) -> None:
    with SystemMonitor(tmp_path / "system.ndjson", interval):
        assert monitors() == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("most", [700, 1500, 3000])
def test_a_full_file_ends_with_a_line_that_says_so_and_the_thread_ends(tmp_path: Path, most: int) -> None:
    path = tmp_path / "system.ndjson"
    with SystemMonitor(path, 0.002, most):
        wait_for_end()
    lines = lines_of(path)
    assert path.stat().st_size <= most
    assert lines[-1]["note"] == f"stopped: the file may have {most} bytes"
    assert not any("stopped" in line["note"] for line in lines[:-1])


def test_a_bound_that_no_line_fits_leaves_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "system.ndjson"
    with SystemMonitor(path, 0.002, 10) as monitor:
        wait_for_end()
    assert path.read_bytes() == b""
    assert monitor.fault == ""


def test_leaving_takes_less_than_a_second_however_long_the_interval(tmp_path: Path) -> None:
    with SystemMonitor(tmp_path / "system.ndjson", 3600.0):
        (thread,) = monitors()
        assert thread.daemon
        begun = time.monotonic()
    assert time.monotonic() - begun < 1
    assert monitors() == []


def test_an_error_of_the_run_passes_through(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), SystemMonitor(tmp_path / "system.ndjson", 0.01):
        _ = 1 / 0
    assert monitors() == []


def test_a_file_that_is_there_or_cannot_be_made_is_refused_before_the_run(tmp_path: Path) -> None:
    path = tmp_path / "system.ndjson"
    path.write_text("of another run")
    with pytest.raises(WriteError, match=r"cannot write .*system\.ndjson: File exists"):
        SystemMonitor(path, 1.0).__enter__()
    assert path.read_text() == "of another run"
    with pytest.raises(WriteError, match="No such file or directory"):
        SystemMonitor(tmp_path / "nowhere" / "system.ndjson", 1.0).__enter__()
    assert monitors() == []


class _Failing:
    """What psutil looks like on a machine whose /proc went away: every question raises."""

    def __getattr__(self, name: str) -> Any:
        raise PermissionError(13, "no /proc here \udcff")


def test_failing_samples_are_told_once_and_never_reach_the_run(tmp_path: Path) -> None:
    class Broken(Machine):
        def __init__(self) -> None:
            super().__init__(psutil)
            self._psutil = _Failing()

    path = tmp_path / "system.ndjson"
    monitor = SystemMonitor(path, 0.01)
    with path.open("xb", buffering=0) as file:
        threading.Timer(0.2, monitor._stop.set).start()
        monitor._watch(Broken(), file)
    lines = lines_of(path)
    assert len(lines) > 2
    assert "sampling failed: PermissionError" in lines[0]["note"]
    assert all(line["note"] == "" and line["cpu_percent"] is None for line in lines[1:])
    assert "PermissionError" in monitor.fault


def test_a_disk_that_fills_up_leaves_whole_lines_and_a_run_that_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "system.ndjson"
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom codex_train.monitoring.system import SystemMonitor\n"
        f"with SystemMonitor(Path({str(path)!r}), 0.005) as monitor:\n    time.sleep(0.8)\n"
        "print('went on;', monitor.fault)"
    )

    def small_files() -> None:
        import signal

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))

    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        preexec_fn=small_files,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.startswith("went on; sampling failed: ")
    assert len(lines_of(path)) >= 2


def test_a_process_that_forgets_to_leave_still_ends(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom codex_train.monitoring.system import SystemMonitor\n"
        f"SystemMonitor(Path({str(tmp_path / 'system.ndjson')!r}), 0.01).__enter__()\n"
    )
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert time.monotonic() - begun < 30


def test_a_sample_costs_far_less_than_a_thousandth_of_a_second_interval() -> None:
    machine = Machine(psutil)
    machine.sample()
    begun = time.thread_time()
    for _ in range(200):
        machine.sample()
    each = (time.thread_time() - begun) / 200
    assert each < 0.002, f"{each * 1e6:.0f} us a sample"


def test_the_thread_takes_little_of_the_processor(tmp_path: Path) -> None:
    with SystemMonitor(tmp_path / "system.ndjson", 0.02):
        time.sleep(0.3)  # imports and the search for GPUs are done once
        (thread,) = monitors()
        clock = time.pthread_getcpuclockid(thread.ident or 0)
        begun, wall = time.clock_gettime(clock), time.monotonic()
        total = 0
        while time.monotonic() - wall < 0.6:  # a step loop that holds the interpreter
            total += 1
        used, passed = time.clock_gettime(clock) - begun, time.monotonic() - wall
    assert used / passed < 0.15, "fifty samples a second"
    assert len(lines_of(tmp_path / "system.ndjson")) > 10


def test_the_schema_has_the_fields_of_the_written_type() -> None:
    schema = schema_for("run_system")
    for cls, found in ((SystemRecord, schema), (GpuSample, schema["$defs"]["gpu"])):
        assert set(found["properties"]) == set(found["required"]) == set(get_type_hints(cls))


def test_importing_the_monitor_loads_neither_psutil_nor_torch() -> None:
    code = (
        "import sys, codex_train.monitoring.system; print({'psutil', 'pynvml', 'torch'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_without_psutil_the_error_says_what_to_do(tmp_path: Path) -> None:
    code = (
        "import sys\nsys.modules['psutil'] = None\nfrom pathlib import Path\n"
        "from codex_evidence.errors import UsageError\nfrom codex_train.monitoring.system import SystemMonitor\n"
        f"try:\n    SystemMonitor(Path({str(tmp_path / 'x')!r}), 1.0).__enter__()\n"
        "except UsageError as error:\n    print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
    )
    assert "monitoring.interval=1 needs psutil" in done.stdout
    assert not list(tmp_path.iterdir())
