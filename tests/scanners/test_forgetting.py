"""What only a scan can tell for a secret: an audit before it kept the value, and from the scan on nothing holds it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from codex_audit.cache.store import FILE
from codex_audit.main import main
from codex_audit.stages.index import index_tree
from codex_audit.tui.probe_pages import source as probe_source
from codex_audit.tui.reading import read_audit
from codex_audit.tui.source import found_lines, read_source
from codex_audit.tui.world import World
from tests.scanners.scanning import letters, scan, write

RANDOM, WORDS = letters(44), "correct-horse-battery-9"
VALUES = {RANDOM.encode(), WORDS.encode()}
NAME = "db_" + "key"  # the scanner knows it for a name of secrets, the readers do not
CODE = f'''"""Saves weights. It was {WORDS} once."""
import torch


def save(model, blob="{RANDOM}"):
    {NAME} = "{WORDS}"
    torch.save(model.state_dict(), f"{{blob}}-{{{NAME}}}.pt")


def train(model, loader, optimizer, {NAME}="{WORDS}"):
    torch.manual_seed(0)
    for batch in loader:
        model(batch).backward()
        optimizer.step()
'''
FILES = {
    "keys.py": CODE,
    "settings.yaml": f"epochs: 3\n{NAME}: {WORDS}\nblob: {RANDOM}\n",
    "requirements.txt": "torch==2.4.0\nnvidia-cublas-cu12==12.1.3.1\n",
    "README.md": "# Keys\n\nIt saves weights.\n",
}
NOTE = "hold what only a scan takes for a secret; the cache was emptied, and an audit made before must be made again"


def held(*folders: Path) -> Iterator[bytes]:
    """The bytes of every file, and of every entry of a store whole: SQLite cuts them in pages."""
    for path in (path for folder in folders for path in folder.rglob("*") if path.is_file()):
        yield path.read_bytes()
        if path.name == FILE:
            with closing(sqlite3.connect(path)) as database:
                yield from (value for (value,) in database.execute("select value from entry"))


def shown(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    capsys.readouterr()
    assert main([str(one) for one in arguments]) == 0
    said = capsys.readouterr()
    return said.out + said.err


def leaked(*texts: bytes) -> set[bytes]:
    return {value for value in VALUES if any(value in text for text in texts)}


def verdicts(tree: Path) -> dict[str, tuple[str, list[tuple[str, int]]]]:
    raw = json.loads((tree / "audit_artifacts/capabilities_raw.json").read_bytes())
    answers = [one for part in raw["capabilities"] for one in part["probes"]]
    return {
        one["id"]: (one["verdict"], [(item["path"], item["line"]) for item in one["evidence"]])
        for one in answers
    }


def test_from_the_scan_on_no_file_no_entry_and_no_page_holds_the_value(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree, cache = write(tmp_path / "tree", FILES), tmp_path / "cache"
    written = (tree / "audit_artifacts", tree / "reports", cache)
    shown(capsys, "run", tree, "--cache", cache)
    before = verdicts(tree)
    assert leaked(*held(cache)) == VALUES  # otherwise there is nothing to forget
    said = scan(tree, tree, "--only", "secrets", "--cache", cache, capture=capsys)
    assert f"note: 2 files {NOTE}" in said.out
    assert leaked(*held(cache, tree / "audit_artifacts/security"), said.out.encode()) == set()
    pages = [
        shown(capsys, "run", tree, "--cache", cache, "--format", "json"),
        shown(capsys, "run", tree, "--cache", cache, "--jobs", 1),
        shown(capsys, "verify", tree, "--rerun"),
        shown(capsys, "status-update", tree, "--cache", cache),
        *(shown(capsys, "explain", probe.partition(".")[0], tree, "--format", "json") for probe in before),
    ]
    world = World(tree, tree, read_audit(tree))
    assert world.audit.index is not None
    for path in FILES:
        lines = found_lines([tree], world.audit.index, path)
        pages.append(repr(read_source(tree, path, "utf-8", 1, lines)))
    pages += [repr(probe_source(world, probe, 0)) for probe, (_, places) in before.items() if places]
    assert leaked(*held(*written), *(page.encode() for page in pages)) == set()
    assert verdicts(tree) == before


def test_a_scan_that_finds_nothing_new_leaves_the_cache_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree, cache = write(tmp_path / "tree", FILES), tmp_path / "cache"
    options = ("--only", "secrets", "--cache", cache)
    assert NOTE in scan(tree, tree, *options, capture=capsys).out
    shown(capsys, "run", tree, "--cache", cache)
    entries = sorted(held(cache))[-3:]
    for output in (tree, tmp_path / "out"):
        assert NOTE not in scan(tree, output, *options, capture=capsys).out
    assert sorted(held(cache))[-3:] == entries
    write(tree, {"more.py": f'{NAME} = "{WORDS}-2"\n'})
    assert NOTE in scan(tree, tree, *options, capture=capsys).out


def test_an_audit_of_a_value_that_is_new_is_forgotten_by_the_next_scan(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree, cache = write(tmp_path / "tree", {"README.md": "# Keys\n"}), tmp_path / "cache"
    options = ("--only", "secrets", "--cache", cache)
    scan(tree, tree, *options)
    write(tree, FILES)
    shown(capsys, "run", tree, "--cache", cache)
    assert leaked(*held(cache)) == VALUES
    assert NOTE in scan(tree, tree, *options, capture=capsys).out
    assert leaked(*held(cache)) == set()


def test_a_secret_that_the_readers_hide_themselves_empties_no_cache(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {"keys.py": f'password = "{WORDS}"\n'}
    tree, cache = write(tmp_path / "tree", files), tmp_path / "cache"
    shown(capsys, "run", tree, "--cache", cache)
    done = scan(tree, tree, "--only", "secrets", "--cache", cache, capture=capsys)
    assert [one.rule for one in done.found("secrets")] == ["secret-keyword"]
    assert NOTE not in done.out


def test_without_the_cache_it_is_said_that_one_may_hold_the_value(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = write(tmp_path / "tree", FILES)
    done = scan(tree, tree, "--only", "secrets", "--no-cache", "--format", "json", capture=capsys)
    (note,) = json.loads(done.out)["notes"]
    assert "a scan without --no-cache empties that" in note


def test_the_places_of_values_are_in_the_report_and_fit_the_bytes(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    text = f"# caf\xe9\r\nx = 1\r\nblob = '{RANDOM}'\r\n# {RANDOM}\r\n"
    (tree / "old.py").write_bytes(text.encode("latin-1"))
    (one,) = scan(tree, tmp_path / "out", "--only", "secrets").found("secrets")
    rows = (tree / "old.py").read_bytes().split(b"\r\n")
    assert [(span.line, rows[span.line - 1][span.start : span.end]) for span in one.spans] == [
        (3, RANDOM.encode()),
        (4, RANDOM.encode()),
    ]


def test_a_baseline_that_judged_a_value_harmless_leaves_it_to_the_readers(tmp_path: Path) -> None:
    import hashlib

    digest = hashlib.sha1(RANDOM.encode()).hexdigest()  # noqa: S324 - the tool's
    known = {"type": "Base64 High Entropy String", "hashed_secret": digest, "is_secret": False}
    files = {
        "a.py": f'x = "{RANDOM}"\n',
        ".secrets.baseline": json.dumps({"version": "1.5.0", "results": {"a.py": [known]}}),
    }
    tree, cache = write(tmp_path / "tree", files), tmp_path / "cache"
    scan(tree, tree, "--only", "secrets", "--cache", cache)
    assert main(["run", str(tree), "--cache", str(cache)]) == 0
    assert leaked(*held(cache)) == {RANDOM.encode()}


def test_a_scan_changes_the_key_of_the_facts_of_the_files_that_it_hides_and_of_no_other(
    tmp_path: Path,
) -> None:
    from codex_audit.scanners.read import read_scans
    from codex_audit.stages.hiding import hiding
    from codex_audit.stages.work import facts_keys, work_on

    tree = write(tmp_path / "tree", FILES)
    scan(tree, tmp_path / "out", "--only", "secrets")
    listing = index_tree(tree, None, exclude=(), jobs=1)
    hidden = hiding(listing, read_scans([tmp_path / "out"], listing.index, None))
    before, after = (dict(facts_keys(work_on(one), one.index.files)) for one in (listing, hidden))
    assert {path for path in before if before[path] != after[path]} == {"keys.py", "settings.yaml"}
