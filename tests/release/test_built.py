"""Builds, installs and entry points, with the real tools."""

from __future__ import annotations

from pathlib import Path

from tests.release.projects import MODULE, PYPROJECT, answers, outcome, project, write

HOOK = """
import time
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CustomBuildHook(BuildHookInterface):
    def initialize(self, version, build_data):
        Path(self.root, "small", "stamp.py").write_text(f"BUILT = {time.time_ns()}\\n")
"""


def test_a_clean_project_builds_installs_and_answers(tmp_path: Path) -> None:
    root = project(tmp_path / "small")
    found = answers(root, "build", "install", "entry_points")
    assert [one.outcome.status for one in found] == ["passed"] * 3, found
    assert found[0].outcome.reason == (
        "two builds gave the same bytes: small-1.2.0-py3-none-any.whl, small-1.2.0.tar.gz"
    )
    assert found[2].outcome.reason == "small answer --help"


def test_a_wheel_that_holds_the_time_of_its_build_fails_the_build_alone(tmp_path: Path) -> None:
    root = project(tmp_path / "small")
    write(root, "hatch_build.py", HOOK)
    write(root, "pyproject.toml", PYPROJECT + '\n[tool.hatch.build.hooks.custom]\npath = "hatch_build.py"\n')
    found = answers(root, "build", "install", "entry_points")
    assert [one.outcome.status for one in found] == ["failed", "passed", "passed"]
    assert "two builds gave other bytes: small-1.2.0" in found[0].outcome.reason


def test_an_entry_point_that_breaks_fails_alone(tmp_path: Path) -> None:
    root = project(tmp_path / "small")
    write(root, "small/__init__.py", MODULE + "\nraise SystemExit(3)\n")
    found = answers(root, "build", "install", "entry_points")
    assert [one.outcome.status for one in found] == ["passed", "passed", "failed"]
    assert "`small --help` ended with exit code 3" in found[2].outcome.reason


def test_a_build_that_fails_says_why_and_keeps_what_it_printed(tmp_path: Path) -> None:
    root = project(tmp_path / "small")
    write(root, "pyproject.toml", PYPROJECT.replace("hatchling.build", "no_such_backend"))
    found = answers(root, "build", "install", "entry_points")
    assert [one.outcome.status for one in found] == ["failed", "skipped", "skipped"]
    assert found[0].outcome.evidence == ("build/release/build-1.txt",)
    assert (root / "build/release/build-1.txt").stat().st_size > 0


def test_what_git_ignores_is_not_built(tmp_path: Path) -> None:
    root = project(tmp_path / "small")
    write(root, "small/__pycache__/left.pyc", "x")
    assert outcome(root, "build").status == "passed"
    import zipfile

    (wheel,) = (root / "build/release/dist-1").glob("*.whl")
    assert "small/__pycache__/left.pyc" not in zipfile.ZipFile(wheel).namelist()
