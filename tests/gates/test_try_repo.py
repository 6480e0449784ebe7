"""``pre-commit try-repo``: the hooks as another repository gets them, installed by pip from a clone of this one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.gates.places import FAULTS, clean, failed, git, repository

pytestmark = pytest.mark.skipif(find_spec("pre_commit") is None, reason="pre-commit is not installed")
ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_another_repository_gets_hooks_that_pass_what_is_clean_and_catch_each_fault(tmp_path: Path) -> None:
    environment = _environment(tmp_path)
    _reach_index(tmp_path / "reached", environment)
    clone = _clone(tmp_path / "clone")
    tree = clean(tmp_path / "tree", {})

    assert failed(tree, "try-repo", str(clone), "--all-files", variables=environment) == {}
    assert _installed(Path(environment["PIP_REPORT"])) >= _names(PROJECT["project"]["dependencies"])
    for extra in PROJECT["project"]["optional-dependencies"].values():
        own = _names(extra) - _names(PROJECT["project"]["dependencies"])
        assert not _installed(Path(environment["PIP_REPORT"])) & own, "the auditor's install stays light"

    for fault in FAULTS:
        fault.plant(tree)
    git(tree, "add", "--all", "--force", "--", ".", ":!runs")
    words = ("try-repo", str(clone), "--all-files", "--hook-stage", "pre-commit")
    found = failed(tree, *words, variables=environment)
    assert found.keys() == {fault.hook for fault in FAULTS}
    assert [fault.name for fault in FAULTS if fault.said not in found[fault.hook]] == []


def _clone(folder: Path) -> Path:
    """This repository as it would be committed now. ``try-repo`` takes changes of a dirty one too, but no new files."""
    names = git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    files = {name: (ROOT / name).read_bytes() for name in names if (ROOT / name).is_file()}
    git(repository(folder, files), "commit", "--quiet", "--message", "as it is")
    return folder


def _environment(folder: Path) -> dict[str, str]:
    """``try-repo`` removes what it installed when it ends, so that pip has to write down what that was."""
    links = os.environ.get("PIP_FIND_LINKS", "").split()
    return {
        "PIP_FIND_LINKS": " ".join(str(ROOT / link) if (ROOT / link).is_dir() else link for link in links),
        "PIP_REPORT": str(folder / "installed.json"),
        "VIRTUALENV_OVERRIDE_APP_DATA": str(folder / "virtualenv"),
    }


def _reach_index(folder: Path, environment: dict[str, str]) -> None:
    """Skips where pip cannot get what builds the wheel: from the index, or the folder, of its own settings."""
    command = ["download", "--quiet", "--no-deps", "--retries=1", "--timeout=30", "--dest", str(folder)]
    done = subprocess.run(
        [sys.executable, "-m", "pip", *command, *PROJECT["build-system"]["requires"]],
        env={**os.environ, "PIP_FIND_LINKS": environment["PIP_FIND_LINKS"]},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"pip reaches no index: {done.stderr[-300:]}")


def _installed(report: Path) -> set[str]:
    """The distributions in an installation report of pip."""
    return {canonicalize_name(one["metadata"]["name"]) for one in json.loads(report.read_bytes())["install"]}


def _names(requirements: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(one).name) for one in requirements}
