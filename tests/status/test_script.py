from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from codex_audit.status.gates import gates
from codex_audit.status.model import Gate
from codex_audit.status.script import gates_script
from tests.status.planting import CLEAN, known_of, planted


def _run(folder: Path, made: tuple[Gate, ...], *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "x_gates.py").write_text(gates_script("x_gates.py", made))
    return subprocess.run(
        [sys.executable, "x_gates.py", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )


def _gate(name: str, *command: str) -> Gate:
    return Gate(name, command, "to test", ("infrastructure",), ())


def test_the_gates_of_a_real_tree_run_and_are_recorded(tmp_path: Path) -> None:
    tree = planted(tmp_path, CLEAN)
    found = tuple(gate for gate in gates(known_of(tree)) if gate.name == "tests")
    done = _run(tree, found)
    record = json.loads((tree / "status_update_run.json").read_bytes())["gates"]
    assert done.returncode == 0, done.stderr
    assert [(item["name"], item["outcome"], item["exit_code"]) for item in record] == [("tests", "passed", 0)]
    assert "1 passed" in record[0]["output"][-1]


def test_a_failing_and_a_missing_gate_are_recorded_and_the_rest_still_runs(tmp_path: Path) -> None:
    made = (
        _gate("bad", "python", "-c", "print('broken here'); raise SystemExit(3)"),
        _gate("gone", "no-such-program-here"),
        _gate("good", "python", "-c", "print('fine')"),
    )
    done = _run(tmp_path, made)
    record = json.loads((tmp_path / "status_update_run.json").read_bytes())["gates"]
    assert done.returncode == 1
    assert [item["outcome"] for item in record] == ["failed", "missing", "passed"]
    assert "While performing [1: gate bad], encountered the following error:\nbroken here" in done.stderr


def test_gates_can_be_chosen_and_an_unknown_name_is_refused(tmp_path: Path) -> None:
    made = (_gate("one", "python", "-c", ""), _gate("two", "python", "-c", "raise SystemExit(1)"))
    assert _run(tmp_path, made, "--only", "one").returncode == 0
    refused = _run(tmp_path, made, "--only", "three")
    assert refused.returncode == 2 and "one, two" in refused.stderr


def test_a_gate_that_does_not_end_fails(tmp_path: Path) -> None:
    made = (_gate("slow", "python", "-c", "import time; time.sleep(60)"),)
    assert _run(tmp_path, made, "--timeout", "0.5").returncode == 1


def test_nothing_of_a_hostile_tree_becomes_a_command(tmp_path: Path) -> None:
    files = {
        **CLEAN,
        "Makefile": "test:\n\tpytest; touch owned\n\n$(shell touch owned) lint:\n\ttouch owned\n",
        ".github/workflows/ci.yml": "on: push\njobs:\n  a:\n    steps:\n      - run: mypy; touch owned\n",
        "pyproject.toml": CLEAN["pyproject.toml"].replace(
            "adder = ", '"$(touch owned)" = "adder.main:main"\n"--x" = "adder.main:main"\nadder = '
        ),
    }
    made = gates(known_of(planted(tmp_path, files)))
    assert [gate.command for gate in made] == [
        ("ruff", "check", "."),
        ("mypy",),
        ("python", "-m", "pytest", "-q"),
        ("make", "test"),
        ("adder", "--help"),
    ]
