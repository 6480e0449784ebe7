"""An audit reads the scan that fits its tree: its reports say what was found, its chain binds it, its probes see it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from codex_audit.capabilities.catalogue import CATALOGUE
from codex_audit.commands.options import vocabulary
from codex_audit.main import main
from codex_audit.stages.found_secrets import secret_lines, without_found
from codex_audit.stages.request import Request
from codex_audit.status.known import find_out
from codex_audit.tui.probe_pages import source as probe_source
from codex_audit.tui.reading import read_audit
from codex_audit.tui.source import found_lines, read_source
from codex_audit.tui.world import World
from codex_audit.workflow.load import load_workflow
from tests.scanners.scanning import SECRETS, letters, scan, secret_source, write

EVAL = '"""Answers."""\nprint(eval(input()))\n'
# Known to the scanner and to no reader of this program; put together here, so that no file holds one.
DISCORD = "MTk4NjIyNDgzNDcxOTI1MjQ4" + "." + "Cl2FMQ" + "." + "ZnCjm1XVW7vRze4b7Cq4se7kKWs"
CODE = f'"""Reads."""\nimport torch\n\n\ndef save(model, key="{DISCORD}"):\n    torch.save(model.state_dict(), "a.pt")\n'


def audit(tree: Path, *options: str) -> dict[str, Any]:
    """``codex-audit run`` on ``tree`` into itself; the JSON report, and what the chain has of the scan in clear."""
    assert main(["run", str(tree), "--no-cache", *options]) == 0
    (report,) = (tree / "reports").glob("*.json")
    manifest = json.loads((tree / "audit_artifacts/audit_run_manifest.json").read_bytes())
    return {**json.loads(report.read_bytes()), "input": manifest["inputs"]["scan"]}


def verdict(report: dict[str, Any], probe: str) -> dict[str, Any]:
    found = [one for part in report["capabilities"] for one in part["probes"] if one["id"] == probe]
    return dict(found[0])


def verified(tree: Path, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str]:
    capsys.readouterr()
    code = main(["verify", str(tree), *options])
    return code, capsys.readouterr().out


def test_a_tree_that_nobody_scanned_is_said_not_to_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = write(tmp_path / "tree", {"answer.py": EVAL})
    report = audit(tree)
    assert (report["security"], report["input"]) == (None, "not scanned")
    assert "security   not scanned" in capsys.readouterr().out
    scan(tree, tree, "--only", "bandit")
    code, said = verified(tree, capsys)
    assert (code, "the tree was scanned after it was audited" in said) == (4, True)


def test_a_scan_of_the_tree_is_in_every_report_and_in_the_chain(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = write(tmp_path / "tree", {"answer.py": EVAL})
    scan(tree, tree, "--only", "bandit", "--only", "secrets")
    report = audit(tree)
    assert [(one["rule"], one["path"], one["line"]) for one in report["security"]["findings"]] == [
        ("B307", "answer.py", 2)
    ]
    assert set(json.loads(report["input"])["tools"]) >= {"bandit", "detect-secrets"}
    (sarif,) = (tree / "reports").glob("*.sarif")
    runs = json.loads(sarif.read_bytes())["runs"]
    (result,) = next(run for run in runs if run["tool"]["driver"]["name"] == "bandit")["results"]
    place = result["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == ("answer.py", 2)
    for suffix in ("md", "html"):
        (page,) = (tree / "reports").glob(f"*.{suffix}")
        said = page.read_text(encoding="utf-8")
        assert "B307" in said
        assert "that count: bandit 1 medium; " in said.replace("**", "")  # where the capability is told
    assert verified(tree, capsys, "--rerun")[0] == 0
    scan(tree, tree, "--only", "secrets")
    code, said = verified(tree, capsys)
    assert (code, "another scan lies there" in said) == (4, True)


def test_a_changed_tree_is_not_scanned_any_more(tmp_path: Path) -> None:
    tree = write(tmp_path / "tree", {"answer.py": EVAL})
    scan(tree, tree, "--only", "bandit")
    write(tree, {"more.py": ""})
    assert audit(tree)["security"] is None


def test_a_suppression_that_expires_makes_the_audit_stale(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = "  # codex: allow B307 until 2001-01-31 because it was a calculator"
    tree = write(tmp_path / "tree", {"answer.py": EVAL.rstrip() + mark + "\n"})
    scan(tree, tree, "--only", "bandit")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "980000000")  # 2001-01-20
    assert audit(tree)["security"]["findings"] == []
    code, said = verified(tree, capsys)
    assert (code, "a suppression of it has expired" in said) == (4, True)
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    assert [one["rule"] for one in audit(tree)["security"]["findings"]] == ["B307"]


def test_a_secret_that_only_the_scanner_knows_fails_the_probe_and_is_quoted_nowhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = write(tmp_path / "tree", {"keys.py": CODE, "README.md": "# Keys\n"})
    before = verdict(audit(tree), "security.clean-tree")
    for path in (tree / "reports").iterdir():
        path.unlink()
    scan(tree, tree, "--only", "secrets")
    after = verdict(audit(tree), "security.clean-tree")
    assert (before["verdict"], after["verdict"]) == ("yes", "no")
    (place,) = after["evidence"] or after["near"]
    assert (place["path"], place["line"], place["excerpt"]) == ("keys.py", 5, "[redacted line]")
    held = [path for path in tree.rglob("*") if path.is_file() and path.name != "keys.py"]
    assert len(held) > 12
    assert [path for path in held if DISCORD.encode() in path.read_bytes()] == []
    assert DISCORD not in "".join(capsys.readouterr())


@pytest.mark.parametrize(
    ("mark", "judged", "hidden"),
    [
        ("pragma: allowlist secret", None, True),
        (
            "codex: allow discord-bot-token until 2999-12-31 because marked as no secret in the baseline",
            None,
            True,
        ),
        ("", {}, True),
        ("", {"is_secret": False}, False),
    ],
)
def test_a_suppressed_secret_is_hidden_unless_the_baseline_judged_it_harmless(
    tmp_path: Path, mark: str, judged: dict[str, bool] | None, hidden: bool
) -> None:
    files = {"keys.py": CODE.replace("):\n", f"):  # {mark}\n") if mark else CODE}
    if judged is not None:
        digest = hashlib.sha1(DISCORD.encode()).hexdigest()  # noqa: S324 - the tool's
        known = {"type": "Discord Bot Token", "hashed_secret": digest, "line_number": 5, **judged}
        files[".secrets.baseline"] = json.dumps({"version": "1.5.0", "results": {"keys.py": [known]}})
    done = scan(write(tmp_path / "tree", files), tmp_path / "out", "--only", "secrets")
    assert {one.suppression is None for one in done.found("secrets", "discord-bot-token")} == {False}
    lines = secret_lines(done.results).get("keys.py")
    shown = without_found(files["keys.py"].encode(), lines)
    assert (DISCORD.encode() not in shown) == hidden
    assert shown.count(b"\n") == CODE.count("\n")


def test_the_body_of_a_key_is_hidden_where_a_scan_names_its_first_line() -> None:
    data = f"a\nkey = [{SECRETS['private-key']}]\nb\n".encode()
    shown = without_found(data, frozenset({2}))
    assert letters(64).encode() not in shown
    assert (shown.split(b"\n")[1], shown.count(b"\n")) == (b"[redacted line]", data.count(b"\n"))


def test_a_status_update_and_the_screen_show_no_line_in_which_a_scan_found_a_secret(tmp_path: Path) -> None:
    tree = write(tmp_path / "tree", {"keys.py": CODE})
    scan(tree, tree, "--only", "secrets")
    audit(tree)
    request = Request(tree, tree, load_workflow(tree, None, vocabulary()).workflow, lambda: CATALOGUE)
    sources = find_out(request).sources
    assert sources.lines("keys.py")[3:6] == ("", "[redacted line]", CODE.split("\n")[5])
    assert sources.text("keys.py") is None
    index = read_audit(tree).index
    assert index is not None
    found = read_source(tree, "keys.py", "utf-8", 5, found_lines([tree], index, "keys.py"))
    shown = ["".join(one.text for one in line) for line in found.lines]
    assert (shown[4], DISCORD in "".join(shown)) == ("[redacted line]", False)
    page = probe_source(World(tree, tree, read_audit(tree)), "security.clean-tree", 0)
    assert DISCORD not in repr(page)
    assert "keys.py:5" in repr(page)


def test_two_audits_of_a_scanned_tree_have_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1800000000")
    files = {"answer.py": EVAL, "key.py": secret_source("github-token")}
    held: list[dict[str, bytes]] = []
    for name in ("one", "two"):
        tree = write(tmp_path / name, files)
        scan(tree, tree, "--only", "bandit", "--only", "secrets", "--jobs", 2)
        audit(tree)
        held.append({path.name: path.read_bytes() for path in (tree / "reports").iterdir()})
    assert held[0] == held[1]
    assert len(held[0]) == 4
    assert not any(SECRETS["github-token"].encode() in data for data in held[0].values())


def test_a_report_of_a_scanner_that_was_changed_stops_the_audit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = write(tmp_path / "tree", {"answer.py": EVAL})
    scan(tree, tree, "--only", "bandit")
    path = tree / "audit_artifacts/security/bandit.json"
    path.write_bytes(path.read_bytes().replace(b"B307", b"B999"))
    capsys.readouterr()
    assert main(["run", str(tree), "--no-cache"]) == 1
    assert "bandit.json is not what the scan wrote; run codex-audit scan again" in capsys.readouterr().err
