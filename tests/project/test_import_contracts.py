"""The rooms stay apart: the contracts hold here, and each one breaks when a line crosses it."""

from __future__ import annotations

import shutil
import subprocess
import sysconfig
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("codex_audit", "codex_evidence", "codex_train")
LINT_IMPORTS = Path(sysconfig.get_path("scripts")) / "lint-imports"


def lint(tree: Path) -> subprocess.CompletedProcess[str]:
    command = [str(LINT_IMPORTS), "--no-cache", "--config", str(ROOT / "pyproject.toml")]
    return subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)


def sources(into: Path) -> Path:
    for package in PACKAGES:
        shutil.copytree(ROOT / package, into / package, ignore=shutil.ignore_patterns("__pycache__"))
    return into


def test_the_contracts_hold() -> None:
    ended = lint(ROOT)
    assert ended.returncode == 0, ended.stdout


def test_every_room_has_a_contract() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    ordered = {layer.strip("()") for contract in contracts for layer in contract.get("layers", ())}
    rooms = {path.parent.name for path in (ROOT / "codex_audit").glob("*/__init__.py")}
    assert rooms <= ordered


@pytest.mark.parametrize(
    ("room", "line", "contract"),
    [
        ("codex_evidence/names.py", "import codex_audit", "codex_evidence is the ground"),
        ("codex_train/main.py", "import codex_audit", "codex_audit and codex_train never import each other"),
        ("codex_audit/query/found.py", "import torch", "the auditor imports no training library"),
        ("codex_audit/artifacts.py", "import codex_audit.facts.model", "rooms stand in order"),
        ("codex_audit/facts/model.py", "import codex_audit.query.found", "facts: readers know no capability"),
        ("codex_audit/query/found.py", "import codex_audit.facts.source", "query: searches see the model"),
        ("codex_audit/capabilities/model.py", "import yaml", "capabilities: probes see facts only"),
        (
            "codex_audit/capabilities/model.py",
            "from pathlib import Path",
            "capabilities: probes see facts only",
        ),
        ("codex_audit/stages/__init__.py", "import codex_audit.reports", "stages: no presentation"),
        (
            "codex_audit/reports/__init__.py",
            "import codex_audit.capabilities.model",
            "reports: they turn artifacts",
        ),
        ("codex_audit/verify/__init__.py", "import socket", "verify: no training, no network"),
    ],
)
def test_a_line_that_crosses_a_wall_is_named(room: str, line: str, contract: str, tmp_path: Path) -> None:
    tree = sources(tmp_path)
    with (tree / room).open("a") as module:
        module.write(f"\n\n{line}\n")
    ended = lint(tree)
    assert ended.returncode == 1
    broken = [text for text in ended.stdout.splitlines() if "BROKEN" in text]
    assert any(text.startswith(contract) for text in broken), ended.stdout
