"""Every way of changing an audit afterwards is found, and the file is named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.commands.cli import ARTIFACTS, MANIFEST, command, edit_json, raise_scores, recompute_chain

REPORTS = ("md", "json", "html", "sarif")


def refused(tree: Path, *arguments: object) -> dict[str, str]:
    """What ``verify`` finds, by file, in an audit that it must call tampered."""
    done = command("verify", tree, "--format", "json", *arguments)
    document = json.loads(done.stdout)
    assert (done.returncode, document["verdict"], document["summary"]) == (1, "INVALID", "tampered")
    assert document["findings"]
    return {finding["file"]: finding["reason"] for finding in document["findings"]}


def report(tree: Path, suffix: str) -> Path:
    (found,) = (tree / "reports").glob(f"capability_matrix_*.{suffix}")
    return found


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_an_untouched_audit_is_consistent_and_says_what_that_is_worth(finished: Path) -> None:
    done = command("verify", finished)
    head = json.loads((finished / MANIFEST).read_bytes())["head"]
    assert done.returncode == 0
    assert "consistent, unsigned" in done.stdout
    assert head in done.stdout
    assert "weakest link: unsigned" in done.stdout
    assert "tampered" not in done.stdout


@pytest.mark.parametrize("name", ARTIFACTS)
def test_one_byte_changed_in_an_artifact(tree: Path, name: str) -> None:
    flip(tree / "audit_artifacts" / f"{name}.json")
    assert refused(tree).keys() == {f"audit_artifacts/{name}.json"}


@pytest.mark.parametrize("suffix", REPORTS)
def test_one_byte_changed_in_a_report(tree: Path, suffix: str) -> None:
    path = report(tree, suffix)
    flip(path)
    assert refused(tree).keys() == {f"reports/{path.name}"}


def test_any_byte_changed_in_the_manifest(tree: Path) -> None:
    manifest = tree / MANIFEST
    data = manifest.read_bytes()
    for position in (1, len(data) // 3, len(data) // 2, len(data) - 2):
        changed = bytearray(data)
        changed[position] ^= 1
        manifest.write_bytes(changed)
        assert refused(tree).keys() == {MANIFEST}


def test_scores_changed_and_every_hash_recomputed_except_the_head(tree: Path) -> None:
    raise_scores(tree)
    recompute_chain(tree, head=False)
    assert refused(tree) == {MANIFEST: "the head is not the last link of the chain"}


def test_scores_changed_and_only_their_own_digest_corrected(tree: Path) -> None:
    raise_scores(tree)
    fitting = tree.parent / "fitting"
    shutil.copytree(tree, fitting)
    recompute_chain(fitting, head=True)
    digests = {link["role"]: link for link in json.loads((fitting / MANIFEST).read_bytes())["chain"]}

    def change(manifest: Any) -> None:
        for link in manifest["chain"]:
            link["sha256"], link["size"] = digests[link["role"]]["sha256"], digests[link["role"]]["size"]

    edit_json(tree / MANIFEST, change)
    assert "not the digest of its own fields" in refused(tree)[MANIFEST]


@pytest.mark.parametrize("name", ARTIFACTS)
def test_an_artifact_removed(tree: Path, name: str) -> None:
    (tree / "audit_artifacts" / f"{name}.json").unlink()
    assert refused(tree)[f"audit_artifacts/{name}.json"] == "missing"


@pytest.mark.parametrize("suffix", REPORTS)
def test_a_report_removed(tree: Path, suffix: str) -> None:
    path = report(tree, suffix)
    path.unlink()
    assert refused(tree) == {f"reports/{path.name}": "missing"}


def test_the_record_removed(tree: Path) -> None:
    (tree / "audit_artifacts" / "audit_run_record.json").unlink()
    assert refused(tree) == {"audit_artifacts/audit_run_record.json": "missing"}


def test_an_artifact_or_a_report_added(tree: Path) -> None:
    shutil.copy(tree / "audit_artifacts" / "gaps.json", tree / "audit_artifacts" / "gaps2.json")
    shutil.copy(report(tree, "md"), tree / "reports" / "capability_matrix_20200101T000000Z.md")
    found = refused(tree)
    assert found["audit_artifacts/gaps2.json"].startswith("added")
    assert found["reports/capability_matrix_20200101T000000Z.md"].startswith("added")


def test_artifacts_swapped(tree: Path) -> None:
    first, second = tree / "audit_artifacts" / "facets.json", tree / "audit_artifacts" / "gaps.json"
    data = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(data)
    found = refused(tree)
    assert found["audit_artifacts/facets.json"] == "swapped: it holds the bytes of artifact:gaps"
    assert found["audit_artifacts/gaps.json"] == "swapped: it holds the bytes of artifact:facets"


def test_reports_swapped_by_the_record(tree: Path) -> None:
    def change(record: Any) -> None:
        paths = record["reports"]
        paths["report:json"], paths["report:markdown"] = paths["report:markdown"], paths["report:json"]

    edit_json(tree / "audit_artifacts" / "audit_run_record.json", change)
    assert all(reason.startswith("swapped") for reason in refused(tree).values())


@pytest.mark.parametrize("path", ["README.md", "reports/../README.md", "/etc/passwd", "reports/x.md"])
def test_a_record_that_points_elsewhere(tree: Path, path: str) -> None:
    edit_json(
        tree / "audit_artifacts" / "audit_run_record.json",
        lambda record: record["reports"].update({"report:json": path}),
    )
    assert "audit_artifacts/audit_run_record.json" in refused(tree)


def test_a_record_that_leaves_out_or_adds_a_report(tree: Path) -> None:
    record = tree / "audit_artifacts" / "audit_run_record.json"
    edit_json(record, lambda value: value["reports"].pop("report:json"))
    assert "does not say where report:json lies" in refused(tree)["audit_artifacts/audit_run_record.json"]


def test_an_artifact_rewritten_in_other_bytes_of_the_same_meaning(tree: Path) -> None:
    path = tree / "audit_artifacts" / "gaps.json"
    path.write_text(json.dumps(json.loads(path.read_bytes()), indent=1))
    recompute_chain(tree, head=True)
    assert "not in canonical bytes" in refused(tree)["audit_artifacts/gaps.json"]


@pytest.mark.parametrize("name", ARTIFACTS)
def test_an_artifact_of_another_form_with_every_hash_recomputed(tree: Path, name: str) -> None:
    edit_json(tree / "audit_artifacts" / f"{name}.json", lambda value: value.update(extra=1))
    recompute_chain(tree, head=True)
    assert "extra" in refused(tree)[f"audit_artifacts/{name}.json"]


def test_an_artifact_that_became_a_symlink_to_the_same_bytes(tree: Path) -> None:
    path = tree / "audit_artifacts" / "gaps.json"
    path.rename(tree.parent / "kept.json")
    path.symlink_to(tree.parent / "kept.json")
    assert refused(tree).keys() == {"audit_artifacts/gaps.json"}


def test_a_chain_without_one_artifact_or_in_another_order(tree: Path) -> None:
    kept = (tree / MANIFEST).read_bytes()
    edit_json(
        tree / MANIFEST,
        lambda value: value.update(chain=[x for x in value["chain"] if "gaps" not in x["role"]]),
    )
    recompute_chain(tree, head=True)
    assert refused(tree)[MANIFEST] == "the chain lacks artifact:gaps"
    (tree / MANIFEST).write_bytes(kept)
    edit_json(tree / MANIFEST, lambda value: value["chain"].reverse())
    recompute_chain(tree, head=True)
    assert refused(tree)[MANIFEST] == "the chain is not in stage order"


def test_an_input_in_clear_that_is_not_the_chained_one(tree: Path) -> None:
    edit_json(tree / MANIFEST, lambda value: value["inputs"].update({"tool-version": "9.9"}))
    assert "tool-version" in refused(tree)[MANIFEST]


def test_a_file_listing_that_does_not_give_its_tree_digest(tree: Path) -> None:
    def change(index: Any) -> None:
        index["files"][0]["sha256"] = "0" * 64

    edit_json(tree / "audit_artifacts" / "context_index.json", change)
    recompute_chain(tree, head=True)
    assert "does not follow" in refused(tree)["audit_artifacts/context_index.json"]


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff", b'{"head":1,"head":1}', b"[" * 100_000])
def test_a_manifest_that_is_none(tree: Path, data: bytes) -> None:
    (tree / MANIFEST).write_bytes(data)
    done = command("verify", tree)
    assert done.returncode == 1
    assert MANIFEST in done.stdout
    assert "Traceback" not in done.stderr
