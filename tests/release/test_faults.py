"""A clean project passes every item; each planted fault is caught by the item that should, and by no other."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from codex_audit.release.check import ITEMS
from codex_audit.release.model import Answer
from tests.gates.places import git
from tests.recorder.made_up import make_run
from tests.release.projects import MODULE, PYPROJECT, answers, project, write
from tests.release.test_built import HOOK
from tests.scanners.scanning import SECRETS, secret_source

SLOW = {"build", "install", "entry_points"}
QUICK = [item.name for item in ITEMS if item.name not in SLOW]
PROFILE = """
build: {options: --no-isolation}
install: {options: --no-index --no-deps}
lint: {command: python -m ruff check --isolated .}
types: {command: python -m mypy --strict small, needs: []}
docs: {command: python -m zensical build --strict, needs: [zensical.toml]}
artifacts: {allow: ["runs/**"]}
scanners: {options: --offline, leave_out: {vulnerabilities: there is no network}}
"""
SECURED = (
    PYPROJECT + '\n[tool.ruff]\nline-length = 100\n\n[tool.coverage.run]\nbranch = true\nsource = ["small"]\n'
)


def ran(root: Path) -> None:
    """Runs the tests as a project does, and keeps what release-check reads; a test may fail."""
    words = ["-q", "-p", "no:cacheprovider", "--cov=small", "--cov-branch", "--junitxml=build/junit.xml"]
    command = [sys.executable, "-m", "pytest", *words, "--cov-report=json:build/coverage.json", "tests"]
    done = subprocess.run(command, cwd=root, check=False, capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stdout


def codex_audit(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "codex_audit", *words], check=True, capture_output=True)


def committed(root: Path, *, accepted: bool = True) -> None:
    """All that a careful committer does: tests, audit, everything in git. Who accepts what fails writes the baseline
    anew, so that no item but the one under test has anything to say."""
    ran(root)
    if accepted:
        codex_audit("gate", str(root), "--write-baseline")
    codex_audit("run", str(root))
    git(root, "add", "--all")


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = project(tmp_path_factory.mktemp("faults") / "small")
    write(root, "pyproject.toml", SECURED)
    write(root, "LICENSE", "Apache License\nVersion 2.0, January 2004\n")
    write(root, "zensical.toml", '[project]\nsite_name = "small"\nsite_dir = "build/site"\n')
    write(root, "docs/index.md", "# small\n\n## Use\n\n```sh\nsmall\n```\n\nSee [use](#use).\n")
    write(root, ".gitignore", "build/\n__pycache__/\n.coverage\n.cache/\n.mypy_cache/\n.ruff_cache/\n")
    make_run(root / "runs/one")
    git(root, "add", "--all")
    committed(root)
    return root


@pytest.fixture
def root(clean: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(clean, tmp_path / "small"))


def secrets(root: Path) -> None:
    for rule in SECRETS:
        write(root, f"tools/{rule.replace('-', '_')}.py", secret_source(rule))


def evaluated(root: Path) -> None:
    write(root, "tools/asked.py", '"""Asks."""\n\nprint(eval(input()))\n')


def env(root: Path) -> None:
    write(root, ".env", "DEBUG=1\n")


def version(root: Path) -> None:
    write(root, "small/__init__.py", MODULE.replace("1.2.0", "1.2.1"))


def failing(root: Path) -> None:
    write(root, "tests/test_more.py", "def test_more() -> None:\n    assert 1 + 1 == 3\n")


def uncovered(root: Path) -> None:
    body = "".join(f"    if number == {n}:\n        return {n + 1}\n" for n in range(20))
    write(root, "small/more.py", f'"""More."""\n\n\ndef more(number: int) -> int:\n{body}    return 0\n')


def dead_link(root: Path) -> None:
    write(root, "README.md", "# small\n\nSee [how](docs/how.md).\n")


def unclosed(root: Path) -> None:
    write(root, "README.md", "# small\n\n```sh\nsmall\n")


def other_weights(root: Path) -> None:
    weights = root / "runs/one/checkpoints/step-000008/model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)


FAULTS: dict[str, tuple[Callable[[Path], None], str]] = {
    "secrets of ten kinds": (secrets, "scanners"),
    "eval of user input": (evaluated, "scanners"),
    "a committed .env": (env, "artifacts"),
    "a version mismatch": (version, "version"),
    "a failing test": (failing, "tests"),
    "a coverage drop": (uncovered, "coverage"),
    "a dead link": (dead_link, "links"),
    "an unclosed fence": (unclosed, "fences"),
    "a checkpoint that is not what its manifest says": (other_weights, "runs"),
}


def wrong(found: tuple[Answer, ...]) -> dict[str, str]:
    return {
        one.item: f"{one.outcome.status}: {one.outcome.reason}"
        for one in found
        if one.outcome.status != "passed"
    }


def test_a_clean_project_passes_every_item(root: Path) -> None:
    found = answers(root, profile=f"base: strict\n{PROFILE}")
    assert wrong(found) == {}
    assert [one.item for one in found] == [item.name for item in ITEMS]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_caught_by_its_item_alone(root: Path, fault: str) -> None:
    plant, item = FAULTS[fault]
    plant(root)
    committed(root)
    assert wrong(answers(root, *QUICK, profile=PROFILE)).keys() == {item}


def _forged(root: Path) -> None:
    path = root / "audit_artifacts/capabilities_scored.json"
    path.write_bytes(path.read_bytes().replace(b'"score":0,', b'"score":1,', 1))


def _stale(root: Path) -> None:
    write(root, "CHANGELOG.md", "# Changelog\n\n## 1.2.0\n\n- It prints well.\n")
    ran(root)


@pytest.mark.parametrize("spoil", [_forged, _stale])
def test_an_audit_that_is_forged_or_stale_is_caught_by_its_item_alone(
    root: Path, spoil: Callable[[Path], None]
) -> None:
    before = (root / "audit_artifacts/capabilities_scored.json").read_bytes()
    spoil(root)
    assert spoil is _stale or before != (root / "audit_artifacts/capabilities_scored.json").read_bytes()
    assert wrong(answers(root, *QUICK, profile=PROFILE)).keys() == {"audit"}


def test_a_scan_that_the_project_brings_is_not_believed(root: Path) -> None:
    evaluated(root)
    codex_audit("scan", str(root), "--offline")
    for path in (root / "audit_artifacts/security").glob("*.json"):
        path.write_bytes(path.read_bytes().replace(b'"severity":"medium"', b'"severity":"low"'))
    assert wrong(answers(root, "scanners", profile=PROFILE)).keys() == {"scanners"}


def test_a_file_that_no_scanner_can_read_is_no_clean_one(root: Path) -> None:
    write(root, "tools/old.py", 'print "x"\n')
    found = wrong(answers(root, "scanners", profile=PROFILE))
    assert "tools/old.py" in found["scanners"]


def test_a_capability_that_was_lost_is_a_regression(root: Path) -> None:
    git(root, "rm", "--quiet", "-r", "--cached", "docs", "zensical.toml")
    shutil.rmtree(root / "docs")
    (root / "LICENSE").unlink()
    committed(root, accepted=False)
    found = wrong(answers(root, "regression", "audit", profile=PROFILE))
    assert found.keys() == {"regression"}
    assert "new failure" in found["regression"]


def test_a_wheel_that_differs_from_build_to_build_is_caught_by_its_item_alone(root: Path) -> None:
    write(root, "hatch_build.py", HOOK)
    write(root, "pyproject.toml", SECURED + '\n[tool.hatch.build.hooks.custom]\npath = "hatch_build.py"\n')
    committed(root)
    assert wrong(answers(root, profile=PROFILE)).keys() == {"build"}
