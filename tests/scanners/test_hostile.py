"""Trees that try to run, to hide or to break something."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from codex_audit.scanners.subject import LARGEST
from tests.scanners.scanning import PRIVATE_KEY, SECRETS, scan, secret_source, write

EVAL = "print(eval(input()))\n"
TRAP = "import pathlib, os\npathlib.Path(os.environ.get('TRAP', '{trap}')).touch()\n"
NAMES = (
    b"--config=x.py",
    b"-r.py",
    b"a b;touch pwned.py",
    b"line\nbreak.py",
    b"\xff\xfe.py",
    "\u202eyp.elif.py".encode(),
    b"[red]$(id)`id`|.py",
    b"x" * 251 + b".py",
)


def test_names_are_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    for number, name in enumerate(NAMES):
        # Each of its own content, so that none is answered for by another.
        (tree / os.fsdecode(name)).write_text(f"x = {number}\n{EVAL}")
    done = scan(tree, tmp_path / "out", "--only", "bandit", "--only", "secrets", capture=capsys)
    assert len({one.path for one in done.found("bandit", "B307")}) == len(NAMES)
    assert [line for line in done.out.split("\n") if not line.isprintable()] == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "tree"]


def test_nothing_of_the_tree_runs_and_none_of_its_settings_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap = tmp_path / "trap"
    code = TRAP.format(trap=trap)
    plugin = '{"plugins_used": [{"name": "P", "path": "file://plugin.py"}], "results": {}}'
    files = dict.fromkeys(("bandit.py", "json.py", "sitecustomize.py", "plugin.py", "setup.py"), code)
    files |= {"detect_secrets/__init__.py": code, "packaging/__init__.py": code, "usercustomize.py": code}
    files |= {
        ".bandit": "[bandit]\nskips = B307\nexclude = /\n",
        "pyproject.toml": '[project]\nname = "x"\nlicense = {file = "/etc/hostname"}\n[tool.bandit]\nskips = ["B307"]\n',
        ".secrets.baseline": plugin,
        "answer.py": EVAL,
        "key.py": secret_source("github-token"),
        "requirements.txt": "-e .\n-r /etc/passwd\n./setup.py\njinja2==2.10\n",
    }
    tree = write(tmp_path / "tree", files)
    monkeypatch.chdir(tree)
    monkeypatch.setenv("PYTHONPATH", str(tree))
    done = scan(Path(), tmp_path / "out")
    assert not trap.exists()
    assert [one.path for one in done.found("bandit", "B307")] == ["answer.py"]
    assert [one.path for one in done.found("secrets", "github-token")] == ["key.py"]
    assert {line.state for line in done.results.summary.scanners} <= {"done", "partial", "cannot_ask"}
    assert b"root:" not in done.files["sbom.cdx.json"]


def test_a_broken_and_a_huge_file_are_named_and_cost_no_other(tmp_path: Path) -> None:
    tree = write(
        tmp_path / "tree", {"broken.py": "def f(:\n", "answer.py": EVAL, "deep.py": "x = " + "(" * 900}
    )
    with (tree / "huge.py").open("wb") as file:
        file.write(b"x = 1\n" * (LARGEST // 6 + 1))
    done = scan(tree, tmp_path / "out", "--only", "bandit", "--only", "secrets")
    report = done.report("bandit")
    assert report.state == "partial"
    assert {item.path for item in report.unscanned} == {"broken.py", "deep.py", "huge.py"}
    assert [one.path for one in report.findings] == ["answer.py"]
    assert [item.path for item in done.report("secrets").unscanned] == ["huge.py"]


def test_a_secret_in_a_file_that_is_not_utf8_is_found(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "old.py").write_bytes(b"# caf\xe9\nvalue = '" + SECRETS["github-token"].encode() + b"'\n")
    done = scan(tree, tmp_path / "out", "--only", "secrets")
    assert [one.line for one in done.found("secrets", "github-token")] == [2]


def test_a_symlink_out_of_the_tree_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "outside.py").write_text(secret_source("github-token"))
    tree = write(tmp_path / "tree", {"answer.py": EVAL})
    (tree / "link.py").symlink_to(tmp_path / "outside.py")
    assert scan(tree, tmp_path / "out", "--only", "secrets").found("secrets") == []


def test_an_output_folder_that_is_a_symlink_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = write(tmp_path / "tree", {"answer.py": EVAL})
    (tree / "audit_artifacts").symlink_to(tmp_path)
    assert scan(tree, tree, capture=capsys).code == 2
    assert not (tmp_path / "security").exists()


def test_a_temporary_folder_in_the_tree_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = write(tmp_path / "tree", {"answer.py": EVAL})
    monkeypatch.setattr("tempfile.tempdir", str(tree))
    assert scan(tree, tmp_path / "out").code == 2
    assert sorted(path.name for path in tree.iterdir()) == ["answer.py"]


def test_the_value_of_a_password_is_not_in_what_bandit_says(tmp_path: Path) -> None:
    tree = write(
        tmp_path / "tree", {"a.py": f'password = "{SECRETS["secret-keyword"]}"\nkey = """{PRIVATE_KEY}"""\n'}
    )
    done = scan(tree, tmp_path / "out", "--only", "bandit")
    assert [one.message for one in done.found("bandit", "B105")] == ["Possible hardcoded password"]
    assert SECRETS["secret-keyword"].encode() not in done.files["bandit.json"]


def test_the_interpreter_of_children_is_this_one() -> None:
    from codex_audit.scanners.children import INTERPRETER

    assert INTERPRETER[0] == sys.executable
