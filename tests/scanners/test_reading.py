"""Reading a scan back: it is whole and of this tree, or it is none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from codex_audit.scanners.key import find_key
from codex_audit.scanners.read import ScanFileError, scan_results
from codex_evidence.errors import CodexError, UsageError
from codex_evidence.schemas import validate
from tests.scanners.scanning import SECRETS, Scan, scan, secret_source, write

ROW = "audit_artifacts/security/licences.json"


@pytest.fixture
def scanned(tmp_path: Path) -> Scan:
    tree = write(tmp_path / "tree", {"requirements.txt": "packaging==24.2\nnobody-has-this==1\n"})
    return scan(tree, tmp_path / "out", "--only", "licences")


def test_no_scan_is_none(tmp_path: Path) -> None:
    assert scan_results(tmp_path, "0" * 64) is None


def test_a_report_that_was_changed_or_is_gone_is_refused(scanned: Scan) -> None:
    digest = scanned.results.summary.tree_sha256
    path = scanned.output / ROW
    path.write_bytes(path.read_bytes().replace(b'"info"', b'"high"'))
    with pytest.raises(
        ScanFileError, match=r"licences\.json is not what the scan wrote; run codex-audit scan again"
    ):
        scan_results(scanned.output, digest)
    path.unlink()
    with pytest.raises(ScanFileError, match="run codex-audit scan again"):
        scan_results(scanned.output, digest)


@pytest.mark.parametrize("name", ["../../secret.json", "x", "/etc/passwd", "licences.json/"])
def test_a_summary_that_names_other_files_is_refused(scanned: Scan, name: str) -> None:
    path = scanned.output / "audit_artifacts/security/scan.json"
    document = json.loads(path.read_bytes())
    document["scanners"][3]["documents"] = {name: "0" * 64}
    path.write_bytes(json.dumps(document, sort_keys=True, separators=(",", ":")).encode())
    with pytest.raises(CodexError):
        scan_results(scanned.output, document["tree_sha256"])


def test_what_is_written_follows_its_schema(scanned: Scan) -> None:
    for name, data in scanned.files.items():
        validate(json.loads(data), "scan" if name == "scan.json" else "scanner_report", source=name)


def test_licences_of_what_is_installed_are_read_and_others_are_said_not_to_be_known(scanned: Scan) -> None:
    report = scanned.report("licences")
    assert {one.name: one.licence for one in report.packages} == {
        "nobody-has-this": "",
        "packaging": "Apache-2.0 OR BSD-2-Clause",
    }
    assert [one.rule for one in report.findings] == ["licence-missing", "licence-not-seen"]


def test_licences_are_read_from_the_metadata_of_a_given_folder(tmp_path: Path) -> None:
    metadata = "Metadata-Version: 2.4\nName: Demo\nVersion: 1\nLicense-Expression: {}\n"
    write(tmp_path / "site", {"demo-1.dist-info/METADATA": metadata.format("AGPL-3.0-only")})
    tree = write(tmp_path / "tree", {"requirements.txt": "demo==1\n"})
    done = scan(tree, tmp_path / "out", "--only", "licences", "--packages", tmp_path / "site")
    assert [(one.rule, one.line) for one in done.found("licences") if one.path] == [("licence-copyleft", 1)]


def test_two_places_of_one_secret_have_one_digest_under_a_key_and_none_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import hashlib
    import hmac

    source = secret_source("github-token")
    tree = write(tmp_path / "tree", {"one.py": source, "two.py": "# two\n" + source})
    bare = scan(tree, tmp_path / "out", "--only", "secrets")
    assert {one.keyed for one in bare.found("secrets")} == {""}
    key = write(tmp_path / "home", {"codex-audit/key": "k" * 32 + "\n"}) / "codex-audit/key"
    key.chmod(0o600)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    keyed = scan(tree, tmp_path / "out", "--only", "secrets")
    expected = hmac.new(b"k" * 32, SECRETS["github-token"].encode(), hashlib.sha256).hexdigest()
    assert [one.keyed for one in keyed.found("secrets", "github-token")] == [expected, expected]


@pytest.mark.parametrize(
    ("text", "mode", "reason"), [("k" * 32, 0o644, "chmod 600"), ("short", 0o600, "shorter")]
)
def test_a_key_that_others_may_read_or_that_is_short_is_refused(
    tmp_path: Path, text: str, mode: int, reason: str
) -> None:
    path = write(tmp_path, {".config/codex-audit/key": text}) / ".config/codex-audit/key"
    path.chmod(mode)
    with pytest.raises(UsageError, match=reason):
        find_key({"HOME": str(tmp_path)})


def test_without_a_key_there_is_none(tmp_path: Path) -> None:
    assert find_key({"HOME": str(tmp_path)}) == b""
    assert find_key({}) == b""
