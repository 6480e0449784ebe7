"""What a scan found stays hidden when the tree changes: in files that are the same, moved or edited."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_audit.artifacts import Span
from codex_audit.facts.hidden import WHOLE_LINE, Hidden, covered
from codex_audit.main import main
from codex_audit.scanners.alike import alike
from codex_audit.tui.probe_pages import source as probe_source
from codex_audit.tui.reading import read_audit
from codex_audit.tui.source import found_lines, read_source
from codex_audit.tui.world import World
from codex_evidence.schemas import validate
from tests.scanners.scanning import HEX, letters, scan, write
from tests.scanners.test_forgetting import FILES, held, leaked, shown, verdicts

KEY = letters(40, HEX)
TRACKED = f'import wandb\n\nwandb.login(key="{KEY}")\nwandb.init(project="x")\n'
ALL = FILES | {"track.py": TRACKED}


def edited(tree: Path) -> None:
    """Every file with a value is another, and its lines stand elsewhere."""
    for name in ("keys.py", "settings.yaml", "track.py"):
        path = tree / name
        path.write_text("# One more line.\n" + path.read_text() + "\n# And one.\n")


def moved(tree: Path) -> None:
    (tree / "lib").mkdir()
    for name in ("keys.py", "track.py"):
        (tree / name).rename(tree / "lib" / name)


def another(tree: Path) -> None:
    (tree / "README.md").write_text("# Other words\n")


CHANGES: dict[str, Callable[[Path], None]] = {
    "another file": another,
    "the files themselves": edited,
    "their places": moved,
}


def values_in(*texts: bytes) -> set[bytes]:
    return leaked(*texts) | {KEY.encode() for text in texts if KEY.encode() in text}


@pytest.mark.parametrize("change", CHANGES)
def test_after_a_change_no_file_no_entry_and_no_page_holds_a_value(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: str
) -> None:
    tree, cache, out = write(tmp_path / "tree", ALL), tmp_path / "cache", tmp_path / "out"
    scan(tree, tree, "--only", "secrets", "--cache", cache)
    shown(capsys, "run", tree, "--cache", cache)
    CHANGES[change](tree)
    pages = [
        shown(capsys, "run", tree, "--cache", cache),
        shown(capsys, "verify", tree, "--rerun"),
        shown(capsys, "run", tree, "--output", out, "--cache", cache, "--format", "json"),
        shown(capsys, "verify", out, "--tree", tree, "--rerun"),
        shown(capsys, "status-update", tree, "--cache", cache),
        *(
            shown(capsys, "explain", one.partition(".")[0], tree, "--format", "json")
            for one in verdicts(tree)
        ),
    ]
    assert "not scanned: no scan fits this tree (codex-audit scan); what a former scan found in" in pages[0]
    world = World(tree, tree, read_audit(tree))
    assert world.audit.index is not None
    for entry in world.audit.index.files:
        lines = found_lines([tree], world.audit.index, entry.path)
        pages.append(repr(read_source(tree, entry.path, "utf-8", 1, lines)))
    pages += [repr(probe_source(world, probe, 0)) for probe, (_, places) in verdicts(tree).items() if places]
    written = (tree / "audit_artifacts", tree / "reports", cache, out)
    assert values_in(*held(*written), *(page.encode() for page in pages)) == set()


def test_a_gate_that_follows_an_edit_quotes_no_value(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree, cache = write(tmp_path / "tree", ALL), tmp_path / "cache"
    scan(tree, tree, "--only", "secrets", "--cache", cache)
    another(tree)
    shown(capsys, "run", tree, "--cache", cache)
    shown(capsys, "gate", tree, "--write-baseline", "--cache", cache)
    for line in ("# a\n", "# b\n"):
        for name in ("keys.py", "track.py"):
            (tree / name).write_text(line + (tree / name).read_text())
        shown(capsys, "gate", tree, "--cache", cache)
        shown(capsys, "run", tree, "--cache", cache)
        assert values_in(*held(tree / "audit_artifacts", tree / "reports", cache)) == set()


def test_the_scan_that_lies_in_the_tree_counts_wherever_the_audit_goes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree, out = write(tmp_path / "tree", ALL), tmp_path / "out"
    scan(tree, tree, "--only", "secrets", "--no-cache")
    assert "not scanned" not in shown(capsys, "run", tree, "--output", out, "--no-cache")
    shown(capsys, "verify", out, "--tree", tree, "--rerun")


def test_a_scan_that_looks_for_no_secrets_keeps_what_is_withheld(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = write(tmp_path / "tree", ALL)
    first = scan(tree, tree, "--only", "secrets", "--no-cache").files["withheld.json"]
    validate(json.loads(first), "withheld", source="withheld.json")
    assert values_in(first) == set()
    assert scan(tree, tree, "--only", "bandit", "--no-cache").files["withheld.json"] == first
    shown(capsys, "run", tree, "--no-cache")
    shown(capsys, "verify", tree, "--rerun")
    assert values_in(*held(tree / "audit_artifacts", tree / "reports")) == set()
    (tree / "track.py").write_text("import wandb\n")
    after = json.loads(scan(tree, tree, "--only", "secrets", "--no-cache").files["withheld.json"])
    assert [one["path"] for one in after["files"]] == ["keys.py", "settings.yaml"]


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"schema":"x","files":[]}', b"\xff"])
def test_an_audit_that_cannot_know_what_to_hide_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], data: bytes
) -> None:
    tree = write(tmp_path / "tree", ALL)
    scan(tree, tree, "--only", "secrets", "--no-cache")
    (tree / "audit_artifacts/security/withheld.json").write_bytes(data)
    capsys.readouterr()
    assert main(["run", str(tree), "--no-cache"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "withheld.json" in line and "run codex-audit scan again" in line
    assert not (tree / "audit_artifacts/gaps.json").exists()


def test_what_is_withheld_is_an_input_of_the_audit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = write(tmp_path / "tree", ALL)
    scan(tree, tree, "--only", "secrets", "--no-cache")
    another(tree)
    shown(capsys, "run", tree, "--no-cache")
    (tree / "audit_artifacts/security/withheld.json").unlink()
    assert main(["verify", str(tree)]) == 4
    assert "the scan that was part of the audit is gone" in capsys.readouterr().out


VALUES = st.text("abcdefghijkXYZ0123456789+/-", min_size=12, max_size=44).filter(
    lambda text: any(sign.isdigit() for sign in text) and text[0].isalnum() and text[-1].isalnum()
)
SETTINGS = st.sampled_from(
    [
        'login(key="{}")',
        "key: {}",
        "key = '{}'  # mine",
        "url = 'https://me:{}@host/x'",
        "run {} now",
        'x = f"{}-{{n}}"',
        "don't say '{}'",
        "export KEY={}",
        "('{}',)",
    ]
)
LINES = st.lists(
    st.sampled_from(["", "import os", "x = 'a b'", "# don't", 'y = "z"', "def f(a=1):"]), max_size=5
)


@given(VALUES, SETTINGS, LINES, LINES)
def test_a_value_of_known_length_is_found_wherever_it_stands_now(
    value: str, setting: str, before: list[str], after: list[str]
) -> None:
    data = "\n".join((*before, setting.format(value), *after)).encode()
    found = alike(data, [Hidden("hex string", Span(7, 3, 3 + len(value)))])
    assert any(data[one.start : one.end].find(value.encode()) >= 0 for one in covered(data, found))


@given(LINES, st.integers(1, 60))
def test_names_of_code_are_no_values(lines: list[str], length: int) -> None:
    code = "\n".join(
        (*lines, "def resize_position_embeddings(self, module):", "    return torch.nn.functional.relu")
    )
    found = alike(code.encode(), [Hidden("hex string", Span(1, 0, length))])
    hidden = {code.split("\n")[one.span.line - 1][one.span.start : one.span.end] for one in found}
    assert hidden <= {"a b", "z"}


def test_of_a_value_without_a_place_the_whole_file_is_hidden() -> None:
    found = alike(b"a\nb = 1\n", [Hidden("private key", Span(9, 0, WHOLE_LINE))])
    assert [one.span.line for one in found] == [1, 2, 3]
