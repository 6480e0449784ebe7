"""What is recorded of machine, packages and code, and what never is."""

from __future__ import annotations

import base64
import hashlib
import importlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

import pytest

from codex_evidence.plain import to_plain
from codex_evidence.schemas import validate
from codex_train.recorder import packages
from codex_train.recorder.environment import class_differences, record_environment
from codex_train.recorder.packages import Package, loaded_packages, verify_packages

TORCH = (
    "import json, sys, torch; torch.set_num_threads(int(sys.argv[1]));"
    "from codex_train.recorder.environment import record_environment;"
    "found = record_environment(); print(json.dumps([found.document['class'], found.class_sha256]))"
)


def in_torch(threads: int, **variables: str) -> tuple[dict[str, Any], str]:
    done = subprocess.run(
        [sys.executable, "-c", TORCH, str(threads)],
        env={**os.environ, **variables},
        capture_output=True,
        check=True,
    )
    found = json.loads(done.stdout)
    return found[0], found[1]


def test_the_record_follows_its_schema_and_repeats() -> None:
    first, second = record_environment(), record_environment()
    validate(dict(first.document), "run_environment")
    assert first == second


def test_only_what_changes_bits_changes_the_class(monkeypatch: pytest.MonkeyPatch) -> None:
    base = record_environment()
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    other = record_environment(settings={"base": "/somewhere"})
    assert other.class_sha256 == base.class_sha256
    assert other.sha256 != base.sha256
    monkeypatch.setenv("MKL_CBWR", "COMPATIBLE")
    moved = record_environment(world_size=2)
    assert class_differences(base.environment_class, moved.environment_class) == [
        ("variables.MKL_CBWR", None, "COMPATIBLE"),
        ("world_size", 1, 2),
    ]


def test_no_other_variable_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_TOKEN", "AWS_SECRET_ACCESS_KEY", "MKL_SECRET", "PATH", "HTTP_PROXY"):
        monkeypatch.setenv(name, "s3cr3t-" + name)
    assert "s3cr3t" not in json.dumps(record_environment().document)


def test_threads_and_instruction_sets_of_torch_are_in_the_class() -> None:
    pytest.importorskip("torch")
    one, again, two = in_torch(1), in_torch(1), in_torch(2)
    assert one == again
    assert class_differences(one[0], two[0]) == [("torch.threads", 1, 2)]
    narrow, _ = in_torch(1, ATEN_CPU_CAPABILITY="default")
    fields = {field for field, _, _ in class_differences(one[0], narrow)}
    assert fields == {"torch.cpu_capability", "variables.ATEN_CPU_CAPABILITY"}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the path with one installed distribution of two modules and a data file."""
    files = {"odd_name/__init__.py": b"VALUE = 1\n", "odd_name/part.py": b"", "odd_name/a, b.txt": b"text"}
    rows = []
    for name, data in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        quoted = f'"{name}"' if "," in name else name
        rows.append(f"{quoted},sha256={digest},{len(data)}\n")
    info = tmp_path / "Odd.Name-1.2.dist-info"
    info.mkdir()
    (info / "RECORD").write_text(
        "".join(rows) + "odd_name/__pycache__/part.pyc,,\n" + f"{info.name}/RECORD,,\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "odd_name", raising=False)
    return tmp_path


def test_a_distribution_is_recorded_once_a_module_of_it_is_loaded(site: Path) -> None:
    assert "Odd.Name" not in {package.name for package in loaded_packages()}
    importlib.import_module("odd_name")
    found = next(package for package in loaded_packages() if package.name == "Odd.Name")
    assert found == installed(site)


def installed(site: Path) -> Package:
    return Package("Odd.Name", "1.2", hashlib.sha256(record_of(site).read_bytes()).hexdigest())


def record_of(site: Path) -> Path:
    return site / "Odd.Name-1.2.dist-info/RECORD"


def test_installed_files_are_compared_with_their_record(site: Path) -> None:
    package = installed(site)
    assert verify_packages([package]) == []
    (site / "odd_name/part.py").write_text("import os\n")
    assert verify_packages([package]) == ["Odd.Name: odd_name/part.py is not the file that was installed"]
    (site / "odd_name/a, b.txt").unlink()
    assert len(verify_packages([package])) == 2


def test_a_package_that_was_replaced_since_the_start_is_named(site: Path) -> None:
    package = installed(site)
    record_of(site).write_text("odd_name/new.pyc,,\n")
    assert verify_packages([package]) == [
        "Odd.Name: its RECORD is not the one that was recorded at the start"
    ]
    record_of(site).parent.rename(site / "Odd.Name-1.3.dist-info")
    assert verify_packages([package]) == ["Odd.Name: version 1.2 is not installed any more"]


def test_an_interrupt_waits_for_no_more_files(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = record_of(site)
    (row, *_) = (line for line in record.read_text().splitlines() if line.startswith("odd_name/part.py"))
    record.write_text(f"{row}\n" * 3000)
    seen: list[str] = []

    def slowly(path: str, expected: str) -> str:
        seen.append(path)
        time.sleep(0.01)
        if len(seen) == 10:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)
        return ""

    def interrupted(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(packages, "_file_fault", slowly)
    former = signal.signal(signal.SIGUSR1, interrupted)
    try:
        with pytest.raises(KeyboardInterrupt):
            verify_packages([installed(site)])
    finally:
        signal.signal(signal.SIGUSR1, former)
    assert len(seen) < 1000


def test_a_patched_package_is_in_the_manifest_of_the_run(
    site: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    from codex_train.recorder.environment import Environment
    from codex_train.recorder.recorder import Recorder
    from tests.recorder.made_up import CONFIG, data_manifest

    document = dict(record_environment().document)
    package = to_plain(installed(site))
    document["detail"] = {**document["detail"], "packages": [package]}
    run = tmp_path_factory.mktemp("run") / "run"
    recorder = Recorder.open(
        run, name="x", config=CONFIG, data=data_manifest(), environment=Environment(document, {})
    )
    (site / "odd_name/__init__.py").write_text("VALUE = 2\n")
    manifest = recorder.close("finished", verify_packages=True)
    assert manifest.packages_verified == (
        "Odd.Name: odd_name/__init__.py is not the file that was installed",
    )


def become_nobody() -> None:
    os.setgid(65534)
    os.setuid(65534)


def packages_with(folder: str) -> tuple[list[str], list[str]]:
    """What this process finds with ``folder``, and a module of it, in use: as in a run, and as at its end."""
    sys.path.insert(0, folder)
    module = ModuleType("odd_name")
    module.__file__ = f"{folder}/odd_name/__init__.py"
    sys.modules["odd_name"] = module
    return [one.name for one in loaded_packages()], verify_packages([Package("no-such-thing", "1", "")])


def test_a_folder_of_the_path_that_may_not_be_listed_is_as_good_as_empty() -> None:
    # Not in a folder of pytest: those are private.
    with TemporaryDirectory() as folder:
        closed = Path(folder) / "site"
        (closed / "Odd-1.dist-info").mkdir(parents=True)
        (closed / "Odd-1.dist-info" / "RECORD").write_text("odd_name/__init__.py,,\n")
        Path(folder).chmod(0o755)
        other = become_nobody if os.getuid() == 0 else None
        for mode in (0o000, 0o100 if other is None else 0o711):
            closed.chmod(mode)
            with get_context("fork").Pool(1, other) as process:
                found, faults = process.apply(packages_with, (str(closed),))
            assert "Odd" not in found
            assert faults == ["no-such-thing: version 1 is not installed any more"]
        closed.chmod(0o755)
        with get_context("fork").Pool(1, other) as process:
            assert "Odd" in process.apply(packages_with, (str(closed),))[0]
