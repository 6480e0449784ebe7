"""The server of OSV records: which versions a record affects, and what it serves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from codex_audit.scanners.loopback import OsvServerError, osv_server
from codex_audit.scanners.osv_server import answer
from tests.scanners.scanning import osv, write

VERSIONS = st.builds(lambda a, b, c: f"{a}.{b}.{c}", *[st.integers(0, 12)] * 3)


def affected(record: dict[str, Any], version: str) -> bool:
    query = {"package": {"name": "Demo", "ecosystem": "PyPI"}, "version": version}
    return bool(answer({"demo": [record]}, query))


@given(first=VERSIONS, fixed=VERSIONS, version=VERSIONS)
def test_a_range_affects_from_its_start_up_to_its_fix(first: str, fixed: str, version: str) -> None:
    record = osv("demo", "X-1", fixed)
    record["affected"][0]["ranges"][0]["events"] = [{"fixed": fixed}, {"introduced": first}]
    expected = Version(first) <= Version(version) and (
        Version(version) < Version(fixed) or Version(fixed) < Version(first)
    )
    if first != fixed:
        assert affected(record, version) == expected


@given(last=VERSIONS, version=VERSIONS)
def test_the_last_affected_version_is_affected(last: str, version: str) -> None:
    record = osv("demo", "X-1", "1")
    record["affected"][0]["ranges"][0]["events"] = [{"introduced": "0"}, {"last_affected": last}]
    assert affected(record, version) == (Version(version) <= Version(last))


@pytest.mark.parametrize(
    ("version", "is_affected"), [("1.0", True), ("1.0.0", True), ("1.0.1", False), ("0.1a1", True)]
)
def test_a_listed_version_is_affected_however_it_is_spelled(version: str, is_affected: bool) -> None:
    record = {"id": "X-1", "affected": [{"package": {"name": "demo", "ecosystem": "PyPI"}}]}
    record["affected"][0]["versions"] = ["1.0", "0.1.alpha1", "no version"]  # type: ignore[index]
    assert affected(record, version) is is_affected


def test_it_serves_the_folder_on_the_loopback_and_passes_over_what_is_no_record(tmp_path: Path) -> None:
    records = [osv("Demo", "X-1", "2"), osv("other", "X-2", "2")]
    write(tmp_path, {f"deep/{number}.json": json.dumps(record) for number, record in enumerate(records)})
    odd = osv("demo", "X-3", "not a version")
    write(tmp_path, {"broken.json": "{", "list.json": "[]", "odd.json": json.dumps(odd), "note.txt": "x"})
    with osv_server(tmp_path) as server:
        assert (server.records, server.url.startswith("http://127.0.0.1:")) == (2, True)
        assert server.passed == ("broken.json", "list.json", "odd.json")
        query = {"package": {"name": "demo", "ecosystem": "PyPI"}, "version": "1.9"}
        with urlopen(Request(server.url, json.dumps(query).encode())) as said:  # noqa: S310 - our own server
            assert [one["id"] for one in json.load(said)["vulns"]] == ["X-1"]
        digest = server.sha256
    with osv_server(tmp_path) as again:
        assert again.sha256 == digest


def test_a_folder_that_is_gone_serves_nothing(tmp_path: Path) -> None:
    with osv_server(tmp_path / "none") as server:
        assert server.records == 0
    unreadable = tmp_path / "folder"
    unreadable.mkdir()
    (unreadable / "x.json").symlink_to("/proc/self/mem")
    with pytest.raises(OsvServerError, match="--osv-folder"), osv_server(unreadable):
        pass
