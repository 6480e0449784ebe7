"""Planted faults: each is found by the scanner that should, at its line, and no secret is anywhere afterwards."""

from __future__ import annotations

import hmac
import json
import subprocess
import sys
from pathlib import Path

import pytest

from codex_audit.scanners.read import scan_results
from codex_audit.stages.index import index_tree
from tests.scanners.scanning import SECRETS, Scan, letters, osv, scan, secret_source, write

EVAL = '"""Answers."""\n\nprint(eval(input()))\n'


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Scan:
    place = tmp_path_factory.mktemp("planted")
    tree, cache = place / "tree", place / "cache"
    write(tree, {f"{rule}.py": secret_source(rule) for rule in SECRETS})
    write(
        tree,
        {
            "answer.py": EVAL,
            "requirements.txt": "jinja2==2.10\nrequests\n",
            "LICENSE": "Permission is hereby granted, free of charge, to any person obtaining a copy\n",
            "pyproject.toml": '[project]\nname = "demo"\nversion = "1.0"\nlicense = "Apache-2.0"\n',
        },
    )
    write(place, {"osv/one.json": json.dumps(osv("Jinja2", "GHSA-aaaa-bbbb-cccc", "2.10.1"))})
    return scan(tree, place / "out", "--osv-folder", place / "osv", "--cache", cache)


@pytest.mark.parametrize("rule", SECRETS)
def test_a_secret_is_found_at_its_line(planted: Scan, rule: str) -> None:
    assert [one.line for one in planted.found("secrets", rule) if one.path == f"{rule}.py"] == [2]


def test_no_secret_is_written_anywhere(planted: Scan) -> None:
    values = [
        part.encode() for value in SECRETS.values() for part in value.split("\n")[:2] if "--" not in part
    ]
    place = planted.output.parent
    written = [path for folder in ("out", "cache") for path in (place / folder).rglob("*") if path.is_file()]
    assert len(written) >= 8
    for path in written:
        data = path.read_bytes()
        assert not [value for value in values if value in data], path.name


def test_eval_of_input_is_found(planted: Scan) -> None:
    assert [(one.path, one.line, one.severity) for one in planted.found("bandit", "B307")] == [
        ("answer.py", 3, "medium")
    ]


def test_a_vulnerable_pin_is_found_and_what_has_no_pin_is_said(planted: Scan) -> None:
    (one,) = planted.found("vulnerabilities")
    assert (one.rule, one.path, one.line) == ("GHSA-aaaa-bbbb-cccc", "requirements.txt", 1)
    assert "fixed in 2.10.1" in one.message
    report = planted.report("vulnerabilities")
    assert report.state == "partial"
    reasons = [item.reason for item in report.unscanned]
    assert reasons == ["requests has no exact version, so nobody was asked"]


def test_a_licence_text_that_disagrees_with_the_declaration_is_found(planted: Scan) -> None:
    assert [one.path for one in planted.found("licences", "licence-disagrees")] == ["LICENSE"]


def test_the_bill_of_materials_names_the_project_and_its_dependencies(planted: Scan) -> None:
    bom = json.loads(planted.files["sbom.cdx.json"])
    assert (bom["bomFormat"], bom["specVersion"]) == ("CycloneDX", "1.6")
    assert bom["metadata"]["component"]["name"] == "demo"
    assert {item["name"] for item in bom["components"]} == {"jinja2", "requests"}
    assert "timestamp" not in bom["metadata"]


def test_an_audit_finds_the_scan_by_the_digest_of_the_tree(planted: Scan) -> None:
    tree = planted.output.parent / "tree"
    index = index_tree(tree, None, exclude=(), jobs=1).index
    assert scan_results(planted.output, index.tree_sha256) == planted.results
    (tree / "new.py").write_text("")
    other = index_tree(tree, None, exclude=(), jobs=1).index
    (tree / "new.py").unlink()
    assert scan_results(planted.output, other.tree_sha256) is None


def test_another_scan_gives_the_same_bytes_with_and_without_the_cache(planted: Scan, tmp_path: Path) -> None:
    place = planted.output.parent
    options = ("--osv-folder", place / "osv")
    again = scan(place / "tree", tmp_path / "again", *options, "--cache", place / "cache")
    anew = scan(place / "tree", tmp_path / "anew", *options, "--no-cache", "--jobs", 3)
    assert planted.files == again.files == anew.files


def test_what_a_damaged_record_would_have_said_is_not_passed_over_in_silence(tmp_path: Path) -> None:
    tree = write(tmp_path / "tree", {"requirements.txt": "jinja2==2.10\n"})
    good = json.dumps(osv("Jinja2", "GHSA-aaaa-bbbb-cccc", "2.10.1"))
    write(tmp_path, {"osv/one.json": good, "osv/deep/two.json": good[:-9], "osv/three.json": "{"})
    done = scan(tree, tmp_path / "out", "--only", "vulnerabilities", "--osv-folder", tmp_path / "osv")
    report = done.report("vulnerabilities")
    assert (report.state, [one.rule for one in report.findings]) == ("partial", ["GHSA-aaaa-bbbb-cccc"])
    (one,) = report.unscanned
    (tmp_path / "osv/one.json").unlink()
    none = scan(tree, tmp_path / "out", "--only", "vulnerabilities", "--osv-folder", tmp_path / "osv")
    assert none.report("vulnerabilities").state == "cannot_ask"
    assert none.report("vulnerabilities").unscanned == report.unscanned
    assert (one.path, one.reason) == (
        "deep/two.json",
        "below --osv-folder, and no OSV record that can be read (1 more beside it)",
    )


def test_a_scan_into_the_tree_leaves_its_digest_as_it_was(tmp_path: Path) -> None:
    tree = write(tmp_path / "tree", {"answer.py": EVAL})
    before = index_tree(tree, None, exclude=(), jobs=1).index.tree_sha256
    assert scan(tree, tree, "--only", "bandit").results.summary.tree_sha256 == before
    assert index_tree(tree, None, exclude=(), jobs=1).index.tree_sha256 == before
    assert scan_results(tree, before) is not None


def test_fail_on_counts_from_its_severity_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree = write(tmp_path / "tree", {"answer.py": EVAL})
    assert scan(tree, tmp_path / "out", "--only", "bandit").code == 0
    assert scan(tree, tmp_path / "out", "--only", "bandit", "--fail-on", "high").code == 0
    capsys.readouterr()
    failed = scan(tree, tmp_path / "out", "--only", "bandit", "--fail-on", "medium", capture=capsys)
    assert (failed.code, failed.err) == (1, "codex-audit: 1 findings at or above --fail-on medium\n")


def test_json_lists_every_finding(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree = write(tmp_path / "tree", {"answer.py": EVAL})
    said = scan(tree, tmp_path / "out", "--only", "bandit", "--format", "json", capture=capsys)
    document = json.loads(said.out)
    assert [(one["rule"], one["counts"]) for one in document["findings"]] == [("B307", True)]
    assert {line["scanner"]: line["state"] for line in document["scanners"]} == {
        "bandit": "done",
        "secrets": "left_out",
        "sbom": "left_out",
        "licences": "left_out",
        "vulnerabilities": "left_out",
    }


def test_a_missing_tool_is_named_with_its_remedy_and_others_run(tmp_path: Path) -> None:
    """An environment that holds everything but bandit."""
    import codex_audit

    environment = tmp_path / "environment"
    environment.mkdir()
    for path in Path(pytest.__file__).parent.parent.iterdir():
        if not path.name.startswith("bandit"):
            (environment / path.name).symlink_to(path)
    tree = write(tmp_path / "tree", {"answer.py": EVAL, "key.py": secret_source("github-token")})
    program = (
        f"import sys; sys.path[:0] = [{str(Path(codex_audit.__file__).parent.parent)!r}, {str(environment)!r}]; "
        "from codex_audit.main import main; sys.exit(main(sys.argv[1:]))"
    )
    arguments = ["scan", str(tree), "--output", str(tmp_path / "out"), "--offline", "--fail-on", "critical"]
    ended = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program, *arguments], capture_output=True, text=True, check=False
    )
    assert "missing     bandit is not installed; pip install 'codex-audit[scan]'" in ended.stdout
    assert "github-token" in ended.stdout
    assert (ended.returncode, "cannot be answered without bandit" in ended.stderr) == (1, True), ended.stderr


def test_without_network_and_records_nobody_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = write(tmp_path / "tree", {"requirements.txt": "jinja2==2.10\n"})
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # the discard port: nobody answers there
    assert main_online(tree, tmp_path / "out") == 1
    said = capsys.readouterr()
    assert "cannot ask" in said.out
    assert "--osv-folder" in said.out
    assert scan(tree, tmp_path / "out", "--only", "vulnerabilities", "--fail-on", "low").code == 0


def main_online(tree: Path, output: Path) -> int:
    from codex_audit.main import main

    options = ["--only", "vulnerabilities", "--fail-on", "critical"]
    return main(["scan", str(tree), "--output", str(output), *options])


TOKENS = {
    "google-api-key": "AI" + "za" + letters(35),
    "anthropic-key": "sk" + "-ant-api03-" + letters(95),
    "hugging-face-token": "hf" + "_" + letters(34),
    "github-token": SECRETS["github-token"],
}


def test_tokens_are_found_once_where_they_are_given_to_a_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {f"{rule}.py": f'client = Client("{value}")\n' for rule, value in TOKENS.items()}
    files["address.py"] = 'name = lookup("8.8.8.8")\nkey = environ["api_key"]\n'
    files["both.py"] = f'pair = Pair("{TOKENS["github-token"]}", "{TOKENS["hugging-face-token"]}")\n'
    key = write(tmp_path / "home", {"codex-audit/key": "k" * 32}) / "codex-audit/key"
    key.chmod(0o600)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    done = scan(write(tmp_path / "tree", files), tmp_path / "out", "--only", "secrets")
    sure = [one for one in done.found("secrets") if one.confidence == "high"]
    found = {(one.path, one.rule, one.line, one.severity) for one in sure}
    assert len(sure) == len(found)
    assert not [one for one in done.found("secrets") if one.path == "address.py"]
    assert found == {
        *((f"{rule}.py", rule, 1, "high") for rule in TOKENS),
        ("both.py", "github-token", 1, "high"),
        ("both.py", "hugging-face-token", 1, "high"),
    }
    digests = {one.rule: one.keyed for one in sure}
    assert digests == {
        rule: hmac.new(b"k" * 32, value.encode(), "sha256").hexdigest() for rule, value in TOKENS.items()
    }
    held = b"".join(done.files.values())
    assert [rule for rule, value in TOKENS.items() if value.encode() in held] == []
