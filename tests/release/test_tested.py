"""Whether tests are green and reach enough, by what they left behind."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from tests.release.projects import OFFLINE, outcome, project, write

GREEN = '<testsuites><testsuite><testcase classname="a" name="b"/></testsuite></testsuites>'
RED = '<testsuite><testcase classname="a" name="b"><failure message="no">x</failure></testcase></testsuite>'


def coverage(percent: float, branches: bool = True) -> str:
    return json.dumps({"meta": {"branch_coverage": branches}, "totals": {"percent_covered": percent}})


def test_without_a_report_the_command_decides(tmp_path: Path) -> None:
    root = project(tmp_path / "small")
    found = outcome(root, "tests")
    assert (found.status, found.evidence) == ("passed", ("build/release/tests.txt",))
    assert "1 passed" in (root / found.evidence[0]).read_text()
    write(root, "tests/test_more.py", "def test_it():\n    assert 1 == 2\n")
    found = outcome(root, "tests")
    assert found.status == "failed"
    assert "ended with exit code 1" in found.reason


def test_a_command_that_never_ends_is_ended(tmp_path: Path) -> None:
    root = project(tmp_path / "small")
    slow = (
        OFFLINE
        + "\nlint: {command: \"python -c 'import time; print(1, flush=True); time.sleep(60)'\", needs: [], limit: 2}\n"
    )
    found = outcome(root, "lint", slow)
    assert found.status == "failed"
    assert "did not end in time: 1" in found.reason


def test_a_command_leaves_nothing_running(tmp_path: Path) -> None:
    root = project(tmp_path / "small")
    child = "import subprocess; print(subprocess.Popen(['sleep', '60']).pid)"
    found = outcome(root, "lint", f'{OFFLINE}\nlint: {{command: "python -c \\"{child}\\"", needs: []}}\n')
    assert found.status == "passed", found
    left = (root / "build/release/lint.txt").read_text().strip()
    with pytest.raises(ProcessLookupError):
        for _ in range(100):  # a killed process is there until its parent, or init, has heard of it
            os.kill(int(left), 0)
            time.sleep(0.05)


def test_a_suite_that_broke_outside_of_its_tests_fails(tmp_path: Path) -> None:
    root = project(tmp_path / "small")
    write(root, "build/junit.xml", GREEN.replace("<testsuite>", '<testsuite failures="0" errors="1">'))
    found = outcome(root, "tests")
    assert (found.status, found.reason[:22]) == ("failed", "1 of 1 tests failed, t")


def test_a_program_that_is_not_there_fails(tmp_path: Path) -> None:
    root = project(tmp_path / "small")
    found = outcome(root, "lint", OFFLINE + "\nlint: {command: no-such-program, needs: []}\n")
    assert found.status == "failed"
    assert "no-such-program: No such file or directory" in found.reason


def test_the_junit_file_of_the_last_run_decides(tmp_path: Path) -> None:
    root = project(tmp_path / "small")
    write(root, "build/junit.xml", GREEN)
    assert outcome(root, "tests").reason == "1 tests passed, 0 were skipped"
    write(root, "build/junit.xml", RED)
    assert outcome(root, "tests").reason == "1 of 1 tests failed, the first is a.b"
    write(root, "build/junit.xml", "<testsuite/>")
    assert outcome(root, "tests").reason == "build/junit.xml holds no test that ran"


def test_a_report_older_than_the_code_does_not_count(tmp_path: Path) -> None:
    root = project(tmp_path / "small")
    report = write(root, "build/junit.xml", GREEN)
    os.utime(report, (0, 0))
    assert outcome(root, "tests").status == "failed"
    assert "is older than" in outcome(root, "tests").reason


@pytest.mark.parametrize("text", ["", "not xml", '<!DOCTYPE a [<!ENTITY b "c">]><testsuite>&b;</testsuite>'])
def test_what_is_no_junit_file_fails(tmp_path: Path, text: str) -> None:
    root = project(tmp_path / "small")
    write(root, "build/junit.xml", text)
    assert outcome(root, "tests").status == "failed"


@pytest.mark.parametrize(
    ("report", "status", "said"),
    [
        (coverage(91.234), "passed", "91.23 % of lines and branches are covered, and the floor is 80 %"),
        (coverage(79.99), "failed", "79.99 % of lines and branches are covered, and the floor is 80 %"),
        (coverage(99, branches=False), "failed", "was measured without branches"),
        ("{}", "failed", "is no JSON report of coverage.py"),
    ],
)
def test_coverage_is_held_against_its_floor(tmp_path: Path, report: str, status: str, said: str) -> None:
    root = project(tmp_path / "small")
    write(root, "build/coverage.json", report)
    found = outcome(root, "coverage")
    assert found.status == status
    assert said in found.reason


def test_coverage_that_was_not_measured_is_skipped_with_the_reason(tmp_path: Path) -> None:
    found = outcome(project(tmp_path / "small"), "coverage")
    assert found.status == "skipped"
    assert "run the tests under coverage" in found.reason
