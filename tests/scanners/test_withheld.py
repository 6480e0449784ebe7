"""What a scan found stays hidden when the tree changes: in files that are the same, moved or edited."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import codex_audit
from codex_audit.facts.hidden import Hidden, covered, line_bounds, spans
from codex_audit.facts.secrets import found_and_clean
from codex_audit.main import main
from codex_audit.scanners.alike import alike
from codex_audit.scanners.same_lines import withheld_lines
from codex_audit.scanners.withheld import Search, WithheldFile
from codex_audit.stages.hiding import withheld_of
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


def moved_and_edited(tree: Path) -> None:
    """No path and no digest is the one that was scanned."""
    edited(tree)
    moved(tree)
    (tree / "settings.yaml").rename(tree / "other.yaml")


def taken_over(tree: Path) -> None:
    """The lines with values stand in a file that had none."""
    (tree / "README.md").write_text("# Keys\n\n" + (tree / "settings.yaml").read_text())
    (tree / "new.py").write_text("import os\n\n" + (tree / "track.py").read_text())
    for name in ("keys.py", "settings.yaml", "track.py"):
        (tree / name).unlink()


def another(tree: Path) -> None:
    (tree / "README.md").write_text("# Other words\n")


CHANGES: dict[str, Callable[[Path], None]] = {
    "another file": another,
    "the files themselves": edited,
    "their places": moved,
    "their names and what they hold": moved_and_edited,
    "the files that have the lines": taken_over,
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


def entry(line: int = 3, start: int = 5, kind: str = "hex string") -> bytes:
    place = {"kind": kind, "span": {"line": line, "start": start, "end": 9}, "signs": 5}
    row = {"size": 9, "indent": 0, "alone": "", "above": "", "below": "", "places": [place]}
    file = {"path": "a.py", "sha256": "0" * 64, "lines": [row]}
    return json.dumps({"schema": "codex-audit/withheld/v1", "files": [file], "scanned": []}).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b'{"schema":"x","files":[]}',
        b"\xff",
        entry(line=0),
        entry(line=10**26),
        entry(start=9),
        entry(kind='x"\n\nimport os'),
    ],
)
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


WORD = st.text("abcdefghijkXYZ0123456789+/-_", min_size=6, max_size=44)
SETTINGS = st.sampled_from(
    [
        'login(key="{}")',
        "db_key: {}",
        "db_key: {}  # production",
        "{{db_key: {}, epochs: 3}}",
        "run: env db_key={} pytest",
        "url = 'https://me:{}@host/x'",
        'x = f"{}-{{n}}"',
        "don't say '{}'",
        '"db_key = \\"{}\\"\\n",',
        "x = '{}'",
        "    {}",
    ]
)
LINES = st.lists(
    st.sampled_from(["", "import os", "x = 'a b'", "# don't", 'y = "z"', "def f(a=1):"]), max_size=5
)


def scanned(path: str, data: bytes, *values: bytes) -> WithheldFile:
    bounds = line_bounds(data)
    found = [
        Hidden("hex string", span)
        for value in values
        for match in re.finditer(re.escape(value), data)
        for span in spans(*match.span(), data, bounds)
    ]
    return WithheldFile(path, "0" * 64, withheld_lines(data, found))


@given(WORD, SETTINGS, LINES, LINES, st.sampled_from(["    ", ""]), LINES, LINES)
def test_a_line_that_was_not_edited_is_known_again_to_the_byte(
    value: str,
    setting: str,
    above: list[str],
    below: list[str],
    indent: str,
    first: list[str],
    last: list[str],
) -> None:
    line = setting.format(value)
    old = "\n".join((*above, "# before", line, "# behind", *below)).encode()
    new = "\n".join((*first, "# before", indent + line, "# other", *last)).encode()
    found = alike("a.yaml", new, [scanned("a.yaml", old, value.encode())])
    shown = b"".join(new[one.start : one.end] for one in covered(new, found))
    number = len(first) + 2
    assert value.encode() in shown
    assert {one.span.line for one in found if value not in (first + last)} >= {number}
    assert all(len(new.split(b"\n")[one.span.line - 1]) >= one.span.end for one in found)


@given(
    st.text("abcdefghijkXYZ0123456789+/-", min_size=12, max_size=44).filter(
        lambda text: any(sign.isdigit() for sign in text) and text[0].isalnum() and text[-1].isalnum()
    ),
    st.sampled_from(["settings.yaml", "run.py"]),
    st.sampled_from(
        [
            ("login(key='{}')", 'login(project="x", key="{}")'),
            ("key = '{}'", "key = '{}'  # mine"),
            ('key = "{}"', 'KEY="{}"'),
            ('key = "{}"', "# it was {} once"),
        ]
    ),
    LINES,
)
def test_of_an_edited_line_what_is_as_long_and_of_the_same_signs_is_hidden(
    value: str, path: str, forms: tuple[str, str], lines: list[str]
) -> None:
    old, new = (("\n".join((*lines, form.format(value)))).encode() for form in forms)
    found = alike(path, new, [scanned(path, old, value.encode())])
    assert any(value.encode() in new[one.start : one.end] for one in covered(new, found))


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(sorted(Path(codex_audit.__file__).parent.glob("*/*.py"))), st.data())
def test_no_code_is_hidden_that_is_no_string_and_no_comment(path: Path, data: st.DataObject) -> None:
    code = path.read_bytes()
    value = data.draw(st.text("abcXYZ019_(:= ", min_size=3, max_size=30).filter(str.strip)).strip().encode()
    gone = scanned("a.py", b"key = '" + value + b"'\n", value)
    clean = found_and_clean(code, alike("a.py", code, [gone]))[1]
    names = [
        [node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)]
        for text in (code, clean)
    ]
    assert names[0] == names[1]


def test_a_value_of_several_lines_is_known_again_line_by_line() -> None:
    old = b"key: >-\n  first-part-1\n  second-part2\n  third-part-3\nend: 1\n"
    new = b"a: 1\n\nkey: >-\n    first-part-1\n    second-part2\n    third-part-3\nlast: 2\nsame-size-12\n"
    parts = (b"first-part-1", b"second-part2", b"third-part-3")
    found = alike("a.yaml", new, [scanned("a.yaml", old, *parts)])
    assert [(one.span.line, one.span.start, one.span.end) for one in found] == [
        (4, 4, 16),
        (5, 4, 16),
        (6, 4, 16),
    ]


def test_the_same_bytes_under_two_names_hide_what_is_known_of_either(tmp_path: Path) -> None:
    data = b'db_key = "A8f-word-of-a"\nsecond_db_key = B2k-word-of-b\n'
    one = scanned("a.txt", data, b"A8f-word-of-a")
    two = scanned("b.cfg", data, b"B2k-word-of-b")
    found = withheld_of("b.cfg", "0" * 64, [Search((one, two), frozenset(), "")], lambda: data)
    assert {value.span.line for value in found} == {1, 2}


def test_a_scan_that_could_not_look_keeps_what_the_last_one_knew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = write(tmp_path / "tree", ALL)
    first = json.loads(scan(tree, tree, "--only", "secrets", "--no-cache").files["withheld.json"])
    (tree / "workflow.yaml").write_text("exclude: [track.py]\n")
    again = json.loads(scan(tree, tree, "--only", "secrets", "--no-cache").files["withheld.json"])
    assert again["files"] == first["files"]
    (tree / "workflow.yaml").unlink()
    shown(capsys, "run", tree, "--no-cache")
    assert values_in(*held(tree / "audit_artifacts", tree / "reports")) == set()
    (tree / "track.py").unlink()
    last = json.loads(scan(tree, tree, "--only", "secrets", "--no-cache").files["withheld.json"])
    assert [one["path"] for one in last["files"]] == ["keys.py", "settings.yaml"]


def test_a_name_that_says_password_no_more_does_not_free_the_value(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = write(
        tmp_path / "tree", {"track.py": 'import wandb\n\nwandb.login(password="kw7-Blorft-hazel")\n'}
    )
    scan(tree, tree, "--only", "secrets", "--no-cache")
    (tree / "track.py").write_text((tree / "track.py").read_text().replace("password=", "key="))
    pages = shown(capsys, "run", tree, "--no-cache") + shown(capsys, "status-update", tree, "--no-cache")
    texts = [*held(tree / "audit_artifacts", tree / "reports"), pages.encode()]
    assert not [text for text in texts if b"kw7-Blorft-hazel" in text]


NOTEBOOK = """{{
 "cells": [
  {{
   "cell_type": "code",
   "metadata": {{}},
   "source": [
    "import wandb\\n",
    "wandb.login(key=\\"{key}\\")\\n",
    "wandb.init(project=\\"x\\", password=\\"{words}\\")\\n"
   ],
   "outputs": [],
   "execution_count": null
  }}
 ],
 "metadata": {{}},
 "nbformat": 4,
 "nbformat_minor": 5
}}
"""


def test_a_value_in_a_cell_of_a_notebook_is_known_behind_the_quotes_of_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words, cache = "kw7-Blorft-hazel", tmp_path / "cache"
    text = NOTEBOOK.format(key=KEY, words=words)
    assert json.loads(text)["cells"][0]["source"][1] == f'wandb.login(key="{KEY}")\n'
    tree = write(tmp_path / "tree", {"a.ipynb": text, "README.md": "# x\n"})
    found = scan(tree, tree, "--only", "secrets", "--cache", cache).found("secrets")
    assert sorted(one.line for one in found) == [8, 9]
    rows = text.split("\n")
    assert {rows[span.line - 1][span.start : span.end] for one in found for span in one.spans} == {KEY, words}
    for change in ("", "\n"):
        (tree / "a.ipynb").write_text(text.replace('"metadata": {}', f'"metadata": {{{change}}}', 1))
        shown(capsys, "run", tree, "--cache", cache)
        texts = list(held(tree / "audit_artifacts", tree / "reports", cache))
        assert not [one for one in texts if KEY.encode() in one or words.encode() in one]


GATED = {
    "code in place of the value": ('db_key = "Zr4kW9qm2xKqaLL8sTvw"\n', 'db_key = ""+pickle.load(fff)+""\n'),
    "code of the same signs": ('db_key = "horse.clown-of-9"\n', 'db_key = "" + pickle.load(f) + ""\n'),
    "a field of an f-string": ('db_key = "horse.clown"\n', 'print(f"{pickle.load(f)}")\n'),
    "between two strings": ('db_key = " + horse.clown(f) + "\n', 'x = "abc" + pickle.load(f) + "ghi"\n'),
    "behind a continued line": (
        'db_key = " + horse.clown(f) + "\n',
        'x = "abc\\\r\ndef" + pickle.load(f) + "ghi"\n',
    ),
}


@pytest.mark.parametrize("name", ["train.py", "train.ipynb"])
@pytest.mark.parametrize("case", GATED)
def test_no_call_is_hidden_in_place_of_a_value(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], case: str, name: str
) -> None:
    def content(line: str) -> str:
        code = f"import pickle\nimport torch\n\n{line}"
        cell: dict[str, object] = {
            "cell_type": "code",
            "metadata": {},
            "source": code,
            "outputs": [],
            "execution_count": None,
        }
        book = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        return code if name.endswith(".py") else json.dumps(book, indent=1)

    before, after = (content(line) for line in GATED[case])
    tree = write(tmp_path / "tree", {name: before})
    scan(tree, tree, "--only", "secrets", "--no-cache")
    shown(capsys, "gate", tree, "--write-baseline", "--no-cache")
    (tree / name).write_bytes(after.encode())
    assert main(["gate", str(tree), "--no-cache"]) == 1
    assert f"new: security.safe-load: {name}:" in capsys.readouterr().out


def test_many_values_of_one_file_are_found_at_once() -> None:
    rows = [f"  - {letters(40, HEX, seed)}".encode() for seed in range(3000)]
    data = b"\n".join(rows)
    known = scanned("a.yaml", data, *(row.strip(b" -") for row in rows))
    found = alike("a.yaml", b"# x\n" + data + b"\n# y\n", [known])
    assert [(one.span.line, one.span.start) for one in found] == [(number + 2, 4) for number in range(3000)]
