"""What is let be, by whom, and until when; nothing of it disappears."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from pathlib import Path

import pytest

from codex_audit.scanners.model import Suppression
from tests.scanners.scanning import SECRETS, scan, secret_source, write

FAR, PAST = "2999-12-31", "2001-01-31"


def line(mark: str) -> str:
    return f'"""Answers."""\nprint(eval(input()))  {mark}\n'


@pytest.mark.parametrize(
    ("source", "place"),
    [
        (line(f"# codex: allow B307 until {FAR} because it is a calculator"), "answer.py:2"),
        (line(f"# codex:allow b307 until {FAR} because it is a calculator"), "answer.py:2"),
        (
            f'"""A."""\n# codex: allow B307 until {FAR} because it is a calculator\nprint(eval(input()))\n',
            "answer.py:2",
        ),
    ],
)
def test_a_mark_with_reason_and_day_suppresses_and_the_finding_stays(
    tmp_path: Path, source: str, place: str
) -> None:
    done = scan(write(tmp_path / "tree", {"answer.py": source}), tmp_path / "out", "--only", "bandit")
    (one,) = done.found("bandit", "B307")
    assert one.suppression == Suppression("inline", "it is a calculator", place, FAR)
    assert (one.counts(date(2999, 12, 31)), one.counts(date(3000, 1, 1))) == (False, True)


@pytest.mark.parametrize(
    "mark",
    [
        "# codex: allow B307",
        "# codex: allow B307 because I say so",
        f"# codex: allow B307 until {FAR}",
        "# codex: allow B307 until 2027-02-30 because there is no such day",
        f"# codex: allow until {FAR} because of everything",
    ],
)
def test_a_mark_without_rule_reason_or_day_suppresses_nothing_and_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], mark: str
) -> None:
    tree = write(tmp_path / "tree", {"answer.py": line(mark)})
    done = scan(tree, tmp_path / "out", "--only", "bandit", capture=capsys)
    assert [one.suppression for one in done.found("bandit", "B307")] == [None]
    assert "note: answer.py:2: this mark suppresses nothing" in done.out


def test_another_rule_or_another_line_suppresses_nothing(tmp_path: Path) -> None:
    other = line(f"# codex: allow B101 until {FAR} because tests assert")
    below = line("") + f"# codex: allow B307 until {FAR} because it is below\n"
    tree = write(tmp_path / "tree", {"other.py": other, "below.py": below})
    found = scan(tree, tmp_path / "out", "--only", "bandit").found("bandit", "B307")
    assert [one.suppression for one in found] == [None, None]


def test_an_expired_suppression_counts_again_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mark = line(f"# codex: allow B307 until {PAST} because it was a calculator")
    tree = write(tmp_path / "tree", {"answer.py": mark})
    done = scan(tree, tmp_path / "out", "--only", "bandit", "--fail-on", "medium", capture=capsys)
    assert done.code == 1
    assert f"counts again: B307 at answer.py:2, allowed at answer.py:2 until {PAST}" in done.out


@pytest.mark.parametrize(("expires", "code"), [(FAR, 0), (PAST, 1)])
def test_the_settings_suppress_by_rule_and_glob(tmp_path: Path, expires: str, code: int) -> None:
    entry = f'suppress:\n  - {{rule: B307, path: "tools/**", reason: a calculator, expires: {expires}}}\n'
    tree = write(tmp_path / "tree", {"tools/answer.py": line(""), "workflow.yaml": entry})
    done = scan(tree, tmp_path / "out", "--only", "bandit", "--fail-on", "medium")
    assert done.code == code
    (one,) = done.found("bandit", "B307")
    assert one.suppression == Suppression("workflow", "a calculator", "workflow.yaml:2", expires)
    assert [rule.rule for rule in done.results.summary.suppress] == ["B307"]


def test_marks_of_the_tools_suppress_and_stay_visible(tmp_path: Path) -> None:
    secret = secret_source("github-token").rstrip("\n")
    files = {
        "nosec.py": line("# nosec B307"),
        "other.py": line("# nosec B101"),
        "key.py": f"{secret}  # pragma: allowlist secret\n",
    }
    done = scan(
        write(tmp_path / "tree", files),
        tmp_path / "out",
        "--only",
        "bandit",
        "--only",
        "secrets",
        "--no-cache",
    )
    by = {one.path: one.suppression.by if one.suppression else "" for one in done.found("bandit", "B307")}
    assert by == {"nosec.py": "tool", "other.py": ""}
    assert {one.suppression.by for one in done.found("secrets") if one.suppression} == {"tool"}


@pytest.mark.parametrize(
    ("path", "judged", "by"),
    [
        ("key.py", {}, "baseline"),
        ("key.py", {"is_secret": False}, "baseline"),
        ("key.py", {"is_secret": True}, None),
        ("other.py", {}, None),
    ],
)
def test_a_baseline_suppresses_in_its_file_what_nobody_judged_to_be_real(
    tmp_path: Path, path: str, judged: dict[str, bool], by: str | None
) -> None:
    digest = hashlib.sha1(SECRETS["stripe-access-key"].encode()).hexdigest()  # noqa: S324 - the tool's
    known = {"type": "Stripe Access Key", "hashed_secret": digest, "line_number": 2, **judged}
    files = {"key.py": secret_source("stripe-access-key")}
    files[".secrets.baseline"] = json.dumps({"version": "1.5.0", "results": {path: [known]}})
    done = scan(write(tmp_path / "tree", files), tmp_path / "out", "--only", "secrets")
    (one,) = done.found("secrets", "stripe-access-key")
    assert (one.suppression.by if one.suppression else None) == by


def test_a_prefix_that_the_tool_takes_for_the_secret_hides_no_other_token(tmp_path: Path) -> None:
    digest = hashlib.sha1(b"ghp").hexdigest()  # noqa: S324 - what the tool takes for every such token
    known = {"type": "GitHub Token", "hashed_secret": digest, "line_number": 2, "is_secret": False}
    files = {"key.py": secret_source("github-token")}
    files[".secrets.baseline"] = json.dumps({"version": "1.5.0", "results": {"key.py": [known]}})
    done = scan(write(tmp_path / "tree", files), tmp_path / "out", "--only", "secrets")
    assert [one.suppression for one in done.found("secrets", "github-token")] == [None]
