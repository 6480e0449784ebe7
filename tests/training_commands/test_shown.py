"""``codex-train run``, ``inspect``, ``compare`` and ``doctor`` on real runs, also at a real terminal."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import codex_train
from codex_evidence.runs import verify_run
from codex_train.main import main

ROOT = Path(codex_train.__file__).resolve().parents[1]
SECOND = "second\x1b[2J"
SETTINGS = """
name: first
model: {architecture: llama, options: {hidden_size: 16, intermediate_size: 32, num_hidden_layers: 1,
  num_attention_heads: 2}}
data: {files: [corpus.txt], context: 16, validation: 0.2, cache: cache}
run: {steps: 6, batch: 2, threads: 1, device: cpu, verify_packages: false}
evaluation: {every: 3}
checkpoint: {every: 3, keep_last: 1, keep_best: 0}
monitoring: {log_every: 2, interval: 0.05}
"""


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "TERM": "xterm-256color"}


def trained(folder: Path, name: str, *overrides: str) -> str:
    """Runs the configuration in ``folder`` into its subfolder ``name``; what it said on stdout."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "codex_train", "run", "a.yaml", *overrides, "--folder", name],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shown")
    words = " ".join(f"word{number * 7919 % 1000}" for number in range(400))
    (folder / "corpus.txt").write_text(words)
    (folder / "a.yaml").write_text(SETTINGS)
    return folder


@pytest.fixture(scope="module")
def first(ground: Path) -> tuple[Path, str]:
    said = trained(ground, "first")
    return ground / "first", said


@pytest.fixture(scope="module")
def second(ground: Path) -> Path:
    """Another learning rate, at a terminal, into a folder whose name would clear it."""
    master, slave = pty.openpty()
    command = ["run", "a.yaml", "optimizer.lr=1e-3", "--folder", SECOND]
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "codex_train", *command],
        cwd=ground,
        env={**environment(), "COLUMNS": "100"},
        stdin=subprocess.DEVNULL,
        stdout=slave,
        stderr=slave,
    ) as process:
        os.close(slave)
        seen = b""
        try:
            while data := os.read(master, 65536):
                seen += data
        except OSError:  # the other side was closed
            pass
        assert process.wait(300) == 0, seen
    os.close(master)
    (ground / "second.seen").write_bytes(seen)
    return ground / SECOND


def document(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 0) -> Any:
    assert main([*map(str, arguments), "--format", "json"]) == code
    return json.loads(capsys.readouterr().out)


def lines(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 0) -> list[str]:
    assert main([*map(str, arguments)]) == code
    return capsys.readouterr().out.splitlines()


def test_a_run_in_a_pipe_says_a_line_an_interval(first: tuple[Path, str]) -> None:
    said = first[1].splitlines()
    assert [line.split()[1] for line in said if line.startswith("step ")] == ["2/6", "4/6", "6/6"]
    assert [line.split()[1] for line in said if line.startswith("validation ")] == ["3/6", "6/6"]
    assert "\x1b" not in first[1]
    assert said[-2:] == ["finished", "run  first"]


def test_curve_and_figures_of_the_machine_are_listed_by_the_manifest(first: tuple[Path, str]) -> None:
    manifest = json.loads((first[0] / "segments/0000/manifest.json").read_text())
    assert {"loss.svg", "system.ndjson"} <= {file["path"] for file in manifest["files"]}
    assert verify_run(first[0]) == ()


def test_a_run_at_a_terminal_draws_and_keeps_foreign_escapes_out(second: Path, ground: Path) -> None:
    seen = (ground / "second.seen").read_bytes().decode()
    assert "\x1b[2J" not in seen
    assert "\\x1b[2J" in seen
    assert "tokens/s" in seen
    assert "\x1b[?25h" in seen
    assert "validation 6/6  loss" in seen
    assert (second / "segments/0000/loss.svg").exists()


def test_inspect_shows_everything_about_a_run(
    first: tuple[Path, str], capsys: pytest.CaptureFixture[str]
) -> None:
    found = document(capsys, "inspect", first[0])
    assert (found["name"], found["status"]) == ("first", "finished")
    assert (found["steps"]["first"], found["steps"]["last"]) == (1, 6)
    assert [one["step"] for one in found["metrics"]] == [3, 6]
    assert [(one["step"], one["kept"]) for one in found["checkpoints"]] == [(3, False), (6, True)]
    assert found["environment"]["class"]["torch"]["threads"] == 1
    assert found["config"]["run"]["steps"] == 6
    assert found["data"]["files"][0]["path"] == "corpus.txt"
    assert found["verified"]["findings"] == []
    told = lines(capsys, "inspect", first[0])
    assert told[0].startswith("run          first (")
    assert told[-1] == "verified     no fault"


def test_inspect_writes_the_curve_again(
    first: tuple[Path, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines(capsys, "inspect", first[0], "--no-verify", "--curve", tmp_path / "again.svg")
    assert (tmp_path / "again.svg").read_bytes() == (first[0] / "segments/0000/loss.svg").read_bytes()
    assert main(["inspect", str(first[0]), "--curve", str(tmp_path / "again.gif")]) == 2
    assert "written as .svg or .png" in capsys.readouterr().err


def test_inspect_names_a_damaged_step(
    first: tuple[Path, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = shutil.copytree(first[0], tmp_path / "run")
    log = copy / "segments/0000/steps.ndjson"
    log.write_bytes(log.read_bytes().replace(b'"step":4', b'"step":5'))
    told = lines(capsys, "inspect", copy, code=1)
    assert any("line 4" in line for line in told if line.startswith("note"))
    assert any(line.startswith("FAULT") for line in told)


@pytest.mark.parametrize("command", ["inspect", "compare"])
def test_what_is_no_run_is_one_line(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [command, *[str(tmp_path)] * (2 if command == "compare" else 1)]
    assert main(words) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "is no run: it has no run.json" in told.err


def test_a_hostile_index_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "run.json").write_bytes(b'{"schema":"\x1b[2J", "id": [[[[]]]]}')
    assert main(["inspect", str(tmp_path)]) in (1, 2)
    told = capsys.readouterr().err
    assert len(told.splitlines()) == 1
    assert "\x1b" not in told


def test_a_run_is_the_same_as_itself(first: tuple[Path, str], capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, "compare", first[0], first[0])
    assert found["same"]
    assert not any(
        found[part] for part in ("environment_class", "environment_detail", "code", "data", "config")
    )
    assert (found["steps"]["common"], found["steps"]["parted"]) == (6, None)


def test_compare_names_the_setting_and_the_step_from_which_the_losses_part(
    first: tuple[Path, str], second: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = document(capsys, "compare", first[0], second, code=1)
    assert {one["field"] for one in found["config"]} == {"optimizer.lr"}
    assert found["environment_class"] == found["data"] == []
    steps = found["steps"]
    assert steps["parted"]["step"] == 2  # the first loss comes before the first update
    assert float.fromhex(steps["parted"]["first_hex"]) != float.fromhex(steps["parted"]["second_hex"])
    assert steps["largest"]["difference"] >= steps["parted"]["difference"] > 0
    assert steps["differ_from"] == {"samples": None, "lr": 1, "grad_norm": 2}
    assert steps["final_state_same"] is False
    told = lines(capsys, "compare", first[0], second, code=1)
    assert "  optimizer.lr: 0.0003 | 0.001" in told
    assert told[-1] == "the runs differ"
    assert not any("\x1b" in line for line in told)


def test_compare_follows_a_resume_and_not_what_was_abandoned(
    ground: Path, first: tuple[Path, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Killed after step 4, gone on from step 3: the steps are those of a run that was never killed."""
    killed = "import os; from codex_train.recorder.recorder import Recorder as R; old = R.step\n"
    killed += (
        "def step(self, number, *rest):\n    old(self, number, *rest)\n    number == 4 and os._exit(9)\n"
    )
    killed += "R.step = step\nfrom codex_train.main import main\nmain()"
    words = ["run", "a.yaml", "--folder", "third"]
    command = [sys.executable, "-P", "-c", killed, *words]
    assert subprocess.run(command, cwd=ground, env=environment(), check=False, timeout=300).returncode == 9
    done = subprocess.run(
        [sys.executable, "-P", "-m", "codex_train", "resume", "third"],
        cwd=ground,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    found = document(capsys, "compare", first[0], ground / "third")
    assert found["same"]
    shown = document(capsys, "inspect", ground / "third")
    assert [one["status"] for one in shown["segments"]] == ["open", "finished"]
    assert [one["step"] for one in shown["metrics"]] == [3, 6]
    assert (shown["steps"]["first"], shown["steps"]["last"]) == (1, 6)
    # So is the curve: the steps of both segments, without what was abandoned.
    curves = [
        run / "segments" / name / "loss.svg" for run, name in ((first[0], "0000"), (ground / "third", "0001"))
    ]
    assert curves[0].read_bytes() == curves[1].read_bytes()


def test_the_doctor_finds_this_machine_well(capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, "doctor")
    assert found["faults"] == []
    assert found["deterministic"]["cpu"] is True
    assert {one["distribution"] for one in found["parts"] if one["needed"]} >= {"torch", "transformers"}
    assert found["environment"]["class"]["torch"]["version"]


def test_the_doctor_names_what_is_missing_and_says_no(tmp_path: Path) -> None:
    """Without site-packages' metadata nothing of torch is installed."""
    hide = "import importlib.metadata as m, sys\nold = m.version\n"
    hide += "def version(name):\n    if name in ('torch', 'peft'): raise m.PackageNotFoundError(name)\n"
    hide += "    return old(name)\nm.version = version\nfrom codex_train.main import main\nsys.exit(main(['doctor']))"
    done = subprocess.run(
        [sys.executable, "-P", "-c", hide], env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "FAULT         torch is not installed; pip install 'codex-audit[train]'" in done.stdout
    assert "peft          not installed" in done.stdout
    assert "FAULT         peft" not in done.stdout
    assert done.stdout.endswith("not ready, see above\n")


@pytest.mark.parametrize(
    ("version", "least", "older"),
    [("2.13.0+cpu", "2.6", False), ("2.5.1", "2.6", True), ("6.1.0", "6", False), ("3.0", "", False)],
)
def test_versions_are_compared_by_number(version: str, least: str, older: bool) -> None:
    from codex_train.screens.parts import is_older

    assert is_older(version, least) is older
