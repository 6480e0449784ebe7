"""What plain hashes cannot show, and what can: a head that was kept, and auditing again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from codex_evidence.canonical import canonical_bytes
from codex_evidence.digests import sha256_hex
from tests.commands.cli import MANIFEST, command, edit_json, raise_scores, recompute_chain


def head_of(tree: Path) -> str:
    head: str = json.loads((tree / MANIFEST).read_bytes())["head"]
    return head


def test_a_chain_rewritten_as_a_whole_is_consistent_and_no_more(tree: Path) -> None:
    raise_scores(tree)
    head = recompute_chain(tree, head=True)
    done = command("verify", tree)
    assert done.returncode == 0
    assert "consistent, unsigned" in done.stdout
    assert head in done.stdout


def test_a_head_that_was_kept_refuses_the_rewritten_chain(tree: Path) -> None:
    kept = head_of(tree)
    assert command("verify", tree, "--expect-head", kept.upper()).returncode == 0
    raise_scores(tree)
    recompute_chain(tree, head=True)
    done = command("verify", tree, "--expect-head", kept)
    assert done.returncode == 1
    assert MANIFEST in done.stdout
    assert kept in done.stdout


def test_auditing_again_names_the_forged_artifact(tree: Path) -> None:
    raise_scores(tree)
    recompute_chain(tree, head=True)
    done = command("verify", tree, "--rerun", "--format", "json")
    document = json.loads(done.stdout)
    assert (done.returncode, document["summary"]) == (1, "tampered")
    assert [finding["file"] for finding in document["findings"]] == [
        "audit_artifacts/capabilities_scored.json"
    ]


@pytest.mark.parametrize("left", ["nothing", "a part", "all but what has a default"])
def test_settings_that_no_run_records_are_found_without_auditing_again(tree: Path, left: str) -> None:
    def change(manifest: Any) -> None:
        settings = json.loads(manifest["inputs"]["workflow"])
        kept = {"nothing": (), "a part": ("source", "threshold")}.get(left, settings.keys() - {"ledger"})
        text = canonical_bytes({name: settings[name] for name in kept})
        manifest["inputs"]["workflow"] = text.decode()
        (link,) = (link for link in manifest["chain"] if link["role"] == "input:workflow")
        link.update(sha256=sha256_hex(text), size=len(text))

    edit_json(tree / MANIFEST, change)
    recompute_chain(tree, head=True)
    done = command("verify", tree)
    assert done.returncode == 1
    assert "the recorded settings cannot be read" in done.stdout


def test_auditing_again_names_the_forged_report(tree: Path) -> None:
    (report,) = (tree / "reports").glob("*.md")
    report.write_text(report.read_text().replace("absent", "implemented"))
    recompute_chain(tree, head=True)
    done = command("verify", tree, "--rerun")
    assert done.returncode == 1
    assert f"reports/{report.name}: forged" in done.stdout


def test_auditing_again_names_a_listing_with_a_forged_size(tree: Path) -> None:
    path = tree / "audit_artifacts" / "context_index.json"
    edit_json(path, lambda index: index["files"][0].update(size=7))
    recompute_chain(tree, head=True)
    assert command("verify", tree).returncode == 0
    assert "context_index.json: forged" in command("verify", tree, "--rerun").stdout


def test_auditing_an_untouched_tree_again_confirms_it_and_writes_nothing(finished: Path) -> None:
    before = sorted(path for path in finished.rglob("*"))
    done = command("verify", finished, "--rerun")
    assert done.returncode == 0
    assert "same bytes" in done.stdout
    assert sorted(path for path in finished.rglob("*")) == before


def test_auditing_again_needs_a_tree(elsewhere: tuple[Path, Path]) -> None:
    tree, audit = elsewhere
    done = command("verify", audit, "--rerun")
    assert (done.returncode, "--tree" in done.stderr) == (2, True)
    assert command("verify", audit, "--rerun", "--tree", tree).returncode == 0


def test_a_head_that_is_none_is_a_usage_error(finished: Path) -> None:
    assert command("verify", finished, "--expect-head", "abc").returncode == 2
