"""The version, the changelog and the lock of a project."""

from __future__ import annotations

from pathlib import Path

import pytest

from codex_evidence.errors import UsageError
from tests.release.projects import OFFLINE, PYPROJECT, answers, outcome, project, write


def test_a_clean_project_passes(tmp_path: Path) -> None:
    root = project(tmp_path / "small")
    said = {one.item: one.outcome.status for one in answers(root, "version", "changelog", "lock")}
    assert said == {"version": "passed", "changelog": "passed", "lock": "passed"}
    assert outcome(root, "version").evidence == ("pyproject.toml:8", "small/__init__.py:3")
    assert outcome(root, "changelog").evidence == ("CHANGELOG.md:3",)


def test_a_version_that_differs_fails_the_version_alone(tmp_path: Path) -> None:
    root = project(tmp_path / "small")
    write(root, "small/__init__.py", '__version__ = "1.1.9"\n')
    found = answers(root, "version", "changelog", "lock")
    assert [one.item for one in found if one.outcome.status == "failed"] == ["version"]
    assert outcome(root, "version").reason == (
        "the version differs: 1.2.0 at pyproject.toml:8, 1.1.9 at small/__init__.py:1"
    )


@pytest.mark.parametrize(
    ("name", "text", "differs"),
    [
        ("CITATION.cff", "cff-version: 1.2.0\nversion: 1.2.0\n", False),
        ("CITATION.cff", "cff-version: 1.2.0\nversion: '1.0'\n", True),
        ("README.md", "pip install small==1.2.0\n", False),
        ("README.md", "pip install small==1.1.0\n", True),
        ("README.md", "nothing of it\n", True),
    ],
)
def test_further_places_of_a_version_are_compared(
    tmp_path: Path, name: str, text: str, differs: bool
) -> None:
    root = project(tmp_path / "small")
    write(root, name, text)
    places = "[]" if name == "CITATION.cff" else r"['README.md:small==(\S+)']"
    found = outcome(root, "version", f"{OFFLINE}\nversion: {{places: {places}}}\n")
    assert found.status == ("failed" if differs else "passed")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("# Changelog\n\n## 1.1.0\n\n- older\n", "it has no heading for 1.2.0"),
        ("# Changelog\n\n## 1.2.0\n\n## 1.1.0\n\n- older\n", "there is nothing under 1.2.0"),
        ("# Changelog\n\nIn 1.2.0 much is new.\n", "it has no heading for 1.2.0"),
    ],
)
def test_a_changelog_without_this_version_fails(tmp_path: Path, text: str, reason: str) -> None:
    root = project(tmp_path / "small")
    write(root, "CHANGELOG.md", text)
    assert (outcome(root, "changelog").status, outcome(root, "changelog").reason) == ("failed", reason)


@pytest.mark.parametrize("heading", ["## [1.2.0] - 2026-01-01", "## v1.2.0", "1.2.0 (2026-01-01)", "# 1.2.0"])
def test_usual_headings_of_changelogs_are_known(tmp_path: Path, heading: str) -> None:
    root = project(tmp_path / "small")
    write(root, "CHANGELOG.md", f"{heading}\n\n- new\n")
    assert outcome(root, "changelog").status == "passed"


def test_a_lock_that_pins_what_pyproject_forbids_fails(tmp_path: Path) -> None:
    root = project(tmp_path / "small")
    write(root, "requirements.txt", "packaging==19.2\n")
    found = outcome(root, "lock")
    assert found.status == "failed"
    assert found.reason == "requirements.txt pins packaging 19.2, and pyproject.toml asks for >=20"


def test_a_lock_that_lacks_a_dependency_fails(tmp_path: Path) -> None:
    root = project(tmp_path / "small")
    write(root, "pyproject.toml", PYPROJECT.replace('"packaging>=20"', '"packaging>=20", "rich"'))
    assert outcome(root, "lock").reason == "no lock holds every dependency; requirements.txt lacks rich"


def test_requirements_that_are_not_pinned_are_no_lock(tmp_path: Path) -> None:
    root = project(tmp_path / "small")
    write(root, "requirements.txt", "packaging>=20\n")
    assert outcome(root, "lock").reason.startswith("there is no lock among")


def test_what_cannot_be_read_fails_its_item_in_one_line(tmp_path: Path) -> None:
    root = project(tmp_path / "small")
    write(root, "pyproject.toml", "[project\n")
    found = outcome(root, "lock")
    assert found.status == "failed"
    assert found.reason.startswith("pyproject.toml is not TOML")
    assert "\n" not in found.reason


def test_a_place_outside_of_the_project_is_not_read(tmp_path: Path) -> None:
    write(tmp_path, "other.txt", "1.2.0")
    found = outcome(project(tmp_path / "small"), "version", 'version: {places: ["../other.txt:(.*)"]}')
    assert (found.status, "lies outside the project" in found.reason) == ("failed", True)


@pytest.mark.parametrize(
    ("profile", "message"),
    [
        ("tests: {juint: [a]}", "juint"),
        ("licences: {allow: 3}", r"licences\.allow"),
        ("scanners: {severity: terrible}", "terrible"),
        ("base: other", "'other' is none of default, strict"),
        ("skip: {doc: none of it}", "no item is called 'doc'"),
        ("- a\n", "must be a mapping"),
    ],
)
def test_a_profile_that_is_wrong_is_refused_by_name(tmp_path: Path, profile: str, message: str) -> None:
    root = project(tmp_path / "small")
    with pytest.raises(UsageError, match=message):
        answers(root, "version", profile=profile)
