"""The gate and scans: what a scan of this tree found fails unless it was accepted, and without one nothing is lost."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from codex_audit.capabilities.catalogue import CATALOGUE
from codex_audit.gates.failures import CLEAN_TREE, FEEDER, Failure
from codex_audit.main import main
from codex_audit.release.profile import NAMES, load_profile
from codex_audit.scanners.places import SCANNERS
from codex_audit.scanners.read import NOT_SCANNED
from codex_audit.scanners.verdicts import LEAST
from tests.gates.places import git, repository
from tests.scanners.scanning import osv, scan, secret_source, write
from tests.scanners.test_audit_of_scan import DISCORD

BASELINE = "audit_artifacts/baseline.json"
LICENSE = {"LICENSE": "Permission is hereby granted, free of charge, to any person obtaining a copy\n"}
EVAL = '"""Answers."""\n\n\ndef answer(text):\n    return eval(text)\n'
MOVED = (
    '"""Answers."""\n\nLIMIT = 3\n\n\nclass Asked:\n    def give(self, text):\n        return  eval(text)\n'
)
B307 = "scan.bandit.B307"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A repository in which nothing dangerous is, with a baseline that was written without a scan."""
    tree = repository(tmp_path / "tree", {"pkg/__init__.py": "", **LICENSE})
    assert main(["gate", str(tree), "--write-baseline"]) == 0
    git(tree, "add", "--all")
    git(tree, "commit", "--quiet", "--message", "clean")
    return tree


def gate(tree: Path, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    code = main(["gate", str(tree), "--format", "json", *words])
    return code, json.loads(capsys.readouterr().out)


def scanned(
    tree: Path, capsys: pytest.CaptureFixture[str], *only: str, words: tuple[str, ...] = ()
) -> tuple[int, dict[str, Any]]:
    """What the gate says of ``tree`` after a scan of it."""
    scan(tree, tree, *(word for name in only or ("bandit",) for word in ("--only", name)), *words)
    return gate(tree, capsys)


def places(document: dict[str, Any]) -> list[tuple[str, str, int]]:
    return [(one["check"], one["path"], one["line"]) for one in document["new"]]


def accepted(tree: Path) -> list[dict[str, str]]:
    """The failures that the baseline accepts, of scans and of the probe that secrets fail."""
    found = json.loads((tree / BASELINE).read_bytes())["failures"]
    return [one for one in found if one["check"].startswith("scan.") or one["check"] == CLEAN_TREE]


def test_a_finding_fails_until_it_is_accepted_and_is_then_known_wherever_it_moves(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tree, {"pkg/answer.py": EVAL})
    code, found = scanned(tree, capsys)
    assert (code, places(found)) == (1, [(B307, "pkg/answer.py", 5)])
    assert found["new"][0]["snippet"] == "return eval(text)"
    assert any("without a scan by bandit" in note for note in found["notes"])
    assert main(["gate", str(tree)]) == 1
    assert "new: scan.bandit.B307: pkg/answer.py:5: " in capsys.readouterr().out
    assert gate(tree, capsys, "--write-baseline")[1]["kept"] == 0
    code, found = gate(tree, capsys)
    assert (code, found["known"], found["scanners"]) == (0, len_known(tree), ["bandit"])
    (tree / "pkg/answer.py").unlink()
    write(tree, {"pkg/moved.py": MOVED})
    code, found = scanned(tree, capsys)
    assert (code, places(found), found["gone"]) == (0, [], 0)


def len_known(tree: Path) -> int:
    return len(json.loads((tree / BASELINE).read_bytes())["failures"])


def test_the_same_line_once_more_is_new_and_one_that_is_mended_is_gone(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tree, {"pkg/answer.py": EVAL})
    scan(tree, tree, "--only", "bandit")
    assert main(["gate", str(tree), "--write-baseline"]) == 0
    write(tree, {"pkg/again.py": EVAL})
    code, found = scanned(tree, capsys)
    assert (code, places(found)) == (1, [(B307, "pkg/again.py", 5)])
    assert not any("without a scan" in note for note in found["notes"])
    for name in ("again", "answer"):
        write(tree, {f"pkg/{name}.py": EVAL.replace("eval", "int")})
    code, found = scanned(tree, capsys)
    assert (code, found["gone"], found["kept"]) == (0, 1, 0)
    assert any("--shrink" in note for note in found["notes"])
    assert gate(tree, capsys, "--shrink")[0] == 0
    assert accepted(tree) == []
    write(tree, {"pkg/answer.py": EVAL})
    assert places(scanned(tree, capsys)[1]) == [(B307, "pkg/answer.py", 5)]


@pytest.mark.parametrize("security", ["of another tree", "none"])
def test_without_a_scan_of_this_tree_nothing_fails_is_mended_or_is_lost(
    tree: Path, capsys: pytest.CaptureFixture[str], security: str
) -> None:
    write(tree, {"pkg/answer.py": EVAL})
    scan(tree, tree, "--only", "bandit")
    assert main(["gate", str(tree), "--write-baseline"]) == 0
    (one,) = accepted(tree)
    write(tree, {"pkg/other.py": EVAL})
    if security == "none":
        for path in (tree / "audit_artifacts/security").iterdir():
            path.unlink()
        (tree / "audit_artifacts/security").rmdir()
    code, found = gate(tree, capsys)
    assert (code, found["new"], found["gone"], found["kept"], found["scanners"]) == (0, [], 0, 1, [])
    assert found["notes"] == [f"{NOT_SCANNED}; still accepted, as only a scan can judge: 1 failure"]
    assert gate(tree, capsys, "--shrink")[1]["kept"] == 1
    assert accepted(tree) == [one]
    code, said = gate(tree, capsys, "--write-baseline")
    assert (code, said["kept"], accepted(tree)) == (0, 1, [one])
    assert places(scanned(tree, capsys)[1]) == [(B307, "pkg/other.py", 5)]


def test_that_nobody_scanned_is_said(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tree, {"pkg/answer.py": EVAL})
    assert gate(tree, capsys)[1]["notes"] == [NOT_SCANNED]
    assert main(["gate", str(tree)]) == 0
    assert f"note: {NOT_SCANNED}\n" in capsys.readouterr().out


def test_what_a_scanner_did_not_look_at_stays_accepted(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tree, {"pkg/answer.py": EVAL, "pkg/other.py": EVAL})
    scan(tree, tree, "--only", "bandit")
    assert main(["gate", str(tree), "--write-baseline"]) == 0
    write(tree, {"pkg/other.py": ""})
    code, found = scanned(tree, capsys, "licences")
    assert (code, found["gone"], found["kept"]) == (0, 0, 2)
    assert any("bandit (left out)" in note and "2 failures" in note for note in found["notes"])
    write(tree, {"pkg/answer.py": "def (:\n"})  # nothing that bandit can read
    code, found = scanned(tree, capsys)
    assert (code, found["gone"], found["kept"]) == (0, 1, 1)
    assert gate(tree, capsys, "--shrink")[0] == 0
    assert [one["path"] for one in accepted(tree)] == ["pkg/answer.py"]


def test_only_what_counts_fails(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lasting = "  # codex: allow B307 until 2999-01-31 because texts are our own"
    expired = "  # codex: allow B307 until 2001-01-31 because texts were our own"
    write(tree, {"pkg/low.py": "import random\n\nassert random.random() < 1\n"})
    write(tree, {"pkg/allowed.py": EVAL.rstrip() + lasting + "\n"})
    assert scanned(tree, capsys)[0] == 0
    write(tree, {"pkg/expired.py": EVAL.rstrip() + expired + "\n"})
    code, found = scanned(tree, capsys)
    assert (code, places(found)) == (1, [(B307, "pkg/expired.py", 5)])


def test_the_gate_and_the_profiles_of_a_release_agree_from_where_a_finding_fails() -> None:
    assert {load_profile(name).scanners.severity for name in NAMES} == {LEAST}


def test_the_names_that_the_gate_knows_are_those_of_the_probe_and_of_the_scanner() -> None:
    assert FEEDER in SCANNERS
    assert CLEAN_TREE in {probe.id for row in CATALOGUE for probe in row.probes}


def test_a_secret_fails_once_and_is_known_by_kind_and_file(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = f'import torch\n\n\ndef load(path, key="{DISCORD}"):\n    return key\n'
    write(tree, {"pkg/keys.py": code, "tests/test_keys.py": secret_source("github-token")})
    before, found = gate(tree, capsys)
    assert (before, found["new"]) == (0, [])
    after, found = scanned(tree, capsys, "secrets")
    assert after == 1
    assert places(found) == [
        (CLEAN_TREE, "pkg/keys.py", 4),
        ("scan.secrets.github-token", "tests/test_keys.py", 2),
    ]
    assert [one["snippet"] for one in found["new"]] == ["pkg/keys.py", "tests/test_keys.py"]
    assert gate(tree, capsys, "--write-baseline")[0] == 0
    held = (tree / BASELINE).read_text()
    assert DISCORD not in held
    assert "redacted" not in held
    assert "def load" not in held
    write(tree, {"pkg/keys.py": "# moved\n" + code.replace("key=", "name="), "pkg/more.py": ""})
    code_, found = scanned(tree, capsys, "secrets")
    assert (code_, found["new"], found["gone"]) == (0, [], 0)
    write(tree, {"pkg/more.py": "LATER = 1\n"})
    code_, found = gate(tree, capsys)  # nobody but the scan knows the first of them
    assert (code_, found["new"], found["gone"], found["kept"]) == (0, [], 0, 2)
    assert gate(tree, capsys, "--write-baseline")[1]["kept"] == 2
    assert scanned(tree, capsys, "secrets")[0] == 0
    write(tree, {"pkg/keys.py": "", "tests/test_keys.py": ""})
    assert scanned(tree, capsys, "secrets")[1]["gone"] == 2


def test_a_secret_that_the_probe_knows_by_itself_is_the_same_with_a_scan_and_without(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tree, {"pkg/keys.py": secret_source("github-token"), "pkg/.env": "NAME=x\n"})
    assert set(places(gate(tree, capsys)[1])) == {
        (CLEAN_TREE, "pkg/.env", 1),
        (CLEAN_TREE, "pkg/keys.py", 2),
    }
    assert gate(tree, capsys, "--write-baseline")[0] == 0
    code, found = scanned(tree, capsys, "secrets")
    assert (code, found["new"], found["gone"]) == (0, [], 0)
    write(tree, {"pkg/keys.py": ""})
    assert (
        gate(tree, capsys)[1]["gone"] == 1
    )  # the baseline was written without a scan, so the probe alone knew it


def test_a_finding_on_the_line_of_a_secret_does_not_bring_it_into_the_baseline(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tree, {"pkg/answer.py": f'answer = eval("{DISCORD}")\n'})
    code, found = scanned(tree, capsys, "bandit", "secrets")
    assert code == 1
    assert (B307, "pkg/answer.py", 1) in places(found)
    assert gate(tree, capsys, "--write-baseline")[0] == 0
    assert DISCORD not in (tree / BASELINE).read_text()
    assert [one["snippet"] for one in accepted(tree) if one["check"] == B307] == ["pkg/answer.py"]


def test_vulnerabilities_and_licences_fail_too(
    tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tree / "LICENSE").unlink()
    write(tree, {"requirements.txt": "jinja2==2.10\n"})
    record = "GHSA-aaaa-bbbb-cccc"
    write(tmp_path, {"osv/one.json": json.dumps(osv("Jinja2", record, "2.10.1"))})
    options = ("--osv-folder", str(tmp_path / "osv"))
    code, found = scanned(tree, capsys, "vulnerabilities", "licences", words=options)
    assert (code, {one[:2] for one in places(found) if one[0].startswith("scan.")}) == (
        1,
        {("scan.licences.licence-missing", ""), (f"scan.vulnerabilities.{record}", "requirements.txt")},
    )
    assert gate(tree, capsys, "--write-baseline")[0] == 0
    assert gate(tree, capsys)[0] == 0
    assert {one["snippet"] for one in accepted(tree)} == {"", "jinja2==2.10"}


def test_a_scan_that_was_tampered_with_is_refused(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tree, {"pkg/answer.py": EVAL})
    scan(tree, tree, "--only", "bandit")
    report = tree / "audit_artifacts/security/bandit.json"
    report.write_bytes(report.read_bytes().replace(b'"medium"', b'"low"'))
    assert main(["gate", str(tree)]) == 1
    assert "bandit.json is not what the scan wrote" in capsys.readouterr().err


def test_a_baseline_of_before_that_holds_what_was_left_of_a_secret_still_accepts_it(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tree, {"pkg/keys.py": secret_source("github-token")})
    assert gate(tree, capsys, "--write-baseline")[0] == 0
    document = json.loads((tree / BASELINE).read_bytes())
    (one,) = (one for one in document["failures"] if one["check"] == CLEAN_TREE)
    one["snippet"] = 'value = """[redacted GitHub token]"""'
    one["fingerprint"] = Failure(one["check"], one["symbol"], one["snippet"], "", 0, "").fingerprint
    (tree / BASELINE).write_text(json.dumps(document))
    code, found = gate(tree, capsys)
    assert (code, found["new"], found["gone"]) == (0, [], 0)
    one["snippet"] = "another"
    (tree / BASELINE).write_text(json.dumps(document))
    capsys.readouterr()
    assert main(["gate", str(tree)]) == 2


def test_a_baseline_that_cannot_be_read_is_written_anew_and_that_is_said(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tree / BASELINE).write_text("{")
    code, said = gate(tree, capsys, "--write-baseline")
    assert (code, said["kept"]) == (0, 0)
    assert said["notes"] == ["the former baseline could not be read, so nothing of it is kept"]


@pytest.mark.parametrize("security", [False, True], ids=["no scan", "a scan of another tree"])
def test_a_commit_starts_no_scanner_and_loads_none(tree: Path, security: bool) -> None:
    heavy = (
        "codex_audit.scanners.by_file",
        "codex_audit.scanners.scan",
        "codex_audit.facts.read",
        "jsonschema",
    )
    script = (
        "import sys\nfrom codex_audit.main import main\n"
        f"code = main(['gate', {str(tree)!r}])\n"
        f"print([name for name in {heavy!r} if name in sys.modules])\nsys.exit(code)"
    )
    if security:
        scan(tree, tree, "--only", "bandit")
        write(tree, {"pkg/more.py": ""})
    assert main(["gate", str(tree)]) == 0  # the audit is remembered from here on
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "[]"), done.stderr
