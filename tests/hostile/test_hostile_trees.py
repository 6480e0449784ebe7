"""The installed command on trees made to break it: a clear answer, never a traceback, and nothing run or written."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.commands.cli import command, write_tree
from tests.listing.repositories import git, repository

Plant = Callable[[Path], object]
NOBODY = 65534


def broken_symlink(tree: Path) -> None:
    (tree / "gone").symlink_to("nowhere")


def symlink_loop(tree: Path) -> None:
    (tree / "one").symlink_to("two")
    (tree / "two").symlink_to("one")
    (tree / "self").symlink_to(".")


def symlink_out(tree: Path) -> None:
    (tree / "passwd.py").symlink_to("/etc/passwd")
    (tree / "etc").symlink_to("/etc")


def odd_names(tree: Path) -> None:
    (Path(os.fsdecode(os.fsencode(tree) + b"/caf\xe9.py"))).write_text("import torch\n")
    (tree / "new\nline.md").write_text("# A\n")
    (tree / "pipe|back`tick<b>.py").write_text("import torch\ntorch.manual_seed(1)\n")


def odd_contents(tree: Path) -> None:
    (tree / "latin.py").write_bytes(b"# caf\xe9\nx = 1\n")
    (tree / "nul.py").write_bytes(b"x = 1\x00\n")
    (tree / "utf16.yaml").write_bytes("a: 1\n".encode("utf-16"))
    (tree / "crlf.toml").write_bytes(b"[a]\r\nb = 1\r\n")


def one_gigabyte(tree: Path) -> None:
    with (tree / "weights.py").open("wb") as file:
        file.truncate(1 << 30)


def folder_named_like_code(tree: Path) -> None:
    (tree / "x.py").mkdir()
    (tree / "x.py" / "y.py").write_text("y = 1\n")
    (tree / "setup.cfg").mkdir()


def syntax_errors(tree: Path) -> None:
    (tree / "bad.py").write_text("def f(:\n")
    (tree / "old.py").write_text("print 'x'\n")
    (tree / "new.py").write_text("def f[T](x: T) -> T: return x\n")


def hundred_thousand_lines(tree: Path) -> None:
    (tree / "long.py").write_text("import torch\n" + "x = torch.zeros(1)\n" * 100_000)


def unary_minuses(tree: Path) -> None:
    (tree / "minus.py").write_text("x = " + "-" * 100_000 + "1\n")


def broken_pyproject(tree: Path) -> None:
    (tree / "pyproject.toml").write_text("[project\nname = \n")


def deep_nesting(tree: Path) -> None:
    (tree / "deep.py").write_text("x = " + "(" * 10_000 + ")" * 10_000 + "\n")
    (tree / "sum.py").write_text("x = " + " + ".join(["1"] * 50_000) + "\n")
    (tree / "deep.json").write_text("[" * 100_000 + "]" * 100_000)
    (tree / "deep.yaml").write_text("[" * 100_000 + "]" * 100_000)
    (tree / "deep.toml").write_text("a = " + "[" * 50_000 + "]" * 50_000)
    (tree / "deep.ipynb").write_text("[" * 100_000)
    (tree / "deep.md").write_text(">" * 50_000 + " x\n" + "[" * 20_000 + "\n" + "*a " * 20_000)
    (tree / "bomb.yaml").write_text(
        "a: &a [x, x]\n" + "".join(f"b{n}: &b{n} [*a, *a]\n" for n in range(1000))
    )


def fifo(tree: Path) -> None:
    os.mkfifo(tree / "pipe.py")


def own_names(tree: Path) -> None:
    (tree / "audit_artifacts").mkdir()
    (tree / "audit_artifacts" / "audit_run_manifest.json").write_text("[" * 1000)
    (tree / "reports").mkdir()
    (tree / "reports" / "mine.md").write_text("# Mine\n")


PLANTS: list[Plant] = [
    broken_symlink,
    symlink_loop,
    symlink_out,
    odd_names,
    odd_contents,
    one_gigabyte,
    folder_named_like_code,
    syntax_errors,
    hundred_thousand_lines,
    unary_minuses,
    broken_pyproject,
    deep_nesting,
    fifo,
    own_names,
]


def audit(tree: Path, output: Path) -> dict[str, Any]:
    """The answers by probe; the run ended well, said nothing on stderr, and its chain holds."""
    done = command("run", tree, "--output", output, "--format", "json")
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    checked = command("verify", output)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    raw = json.loads((output / "audit_artifacts" / "capabilities_raw.json").read_bytes())
    return {probe["id"]: probe for capability in raw["capabilities"] for probe in capability["probes"]}


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__)
def test_a_hostile_tree_is_audited_and_the_rest_of_it_still_counts(plant: Plant, tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "tree")
    plant(tree)
    answers = audit(tree, tmp_path / "out")
    assert answers["reproducibility.seed"]["verdict"] == "yes"
    assert answers["training.loop"]["verdict"] == "yes"


def test_all_of_it_at_once_with_git_too(tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "tree")
    for plant in PLANTS:
        plant(tree)
    repository(tree, {"tracked.py": "x = 1\n"})
    answers = audit(tree, tmp_path / "out")
    assert answers["reproducibility.seed"]["verdict"] == "yes"


def test_what_could_not_be_read_is_named_with_its_reason(tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "tree")
    for plant in (syntax_errors, unary_minuses, broken_pyproject, one_gigabyte):
        plant(tree)
    audit(tree, tmp_path / "out")
    facets = json.loads((tmp_path / "out" / "audit_artifacts" / "facets.json").read_bytes())
    reasons = {item["path"]: item["reason"] for item in facets["unread"]}
    assert {"bad.py", "old.py", "minus.py", "pyproject.toml"} <= set(reasons)
    assert "nested too deeply" in reasons["minus.py"]


def test_an_unreadable_file_is_recorded_and_the_audit_goes_on() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become another user for the run")
    place = Path(tempfile.mkdtemp(dir="/tmp"))
    place.chmod(0o755)
    tree, output = write_tree(place / "tree"), place / "out"
    (tree / "secret.py").write_text("import torch\n")
    (tree / "secret.py").chmod(0)
    (tree / "locked").mkdir(mode=0)
    output.mkdir()
    os.chown(output, NOBODY, NOBODY)
    # The interpreter may lie where only root can read: import everything by a first run, then become nobody.
    program = (
        "import os, sys; from codex_audit.main import main; tree, output = sys.argv[1:]; "
        f"main(['run', tree, '--output', output + '/first']); os.setuid({NOBODY}); "
        "sys.exit(main(['run', tree, '--output', output]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, tree, output], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    index = json.loads((output / "audit_artifacts" / "context_index.json").read_bytes())
    notes = {entry["path"]: entry["note"] for entry in index["files"]}
    assert "permission" in notes["secret.py"].lower()
    shutil.rmtree(place)


def test_an_empty_repository_has_every_capability_absent(tmp_path: Path) -> None:
    tree = repository(tmp_path / "tree")
    audit(tree, tmp_path / "out")
    scored = json.loads((tmp_path / "out" / "audit_artifacts" / "capabilities_scored.json").read_bytes())
    assert {item["status"] for item in scored["capabilities"]} == {"absent"}
    assert scored["score"] == 0


def test_a_worktree_a_submodule_and_an_ignored_folder_are_audited(tmp_path: Path) -> None:
    main = repository(
        tmp_path / "main", {"a.py": "import torch\ntorch.manual_seed(1)\n", ".gitignore": "hidden/\n"}
    )
    git(main, "worktree", "add", "-q", str(tmp_path / "linked"))
    other = repository(tmp_path / "other", {"b.py": "x = 1\n"})
    git(main, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(other), "sub")
    write_tree(main / "hidden")
    for number, tree in enumerate((main, tmp_path / "linked", main / "sub", main / "hidden")):
        audit(tree, tmp_path / f"out{number}")
    answers = audit(main / "hidden", tmp_path / "again")
    assert answers["training.loop"]["verdict"] == "yes"


def test_a_bare_repository_is_a_usage_error(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--bare", "bare.git")
    done = command("run", tmp_path / "bare.git", "--output", tmp_path / "out")
    assert done.returncode == 2
    assert "bare" in done.stderr
    assert "Traceback" not in done.stderr


def test_settings_of_the_repository_run_nothing(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    tree = repository(
        tmp_path / "tree", {"a.py": "x = 1\n", ".gitattributes": "*.py filter=evil diff=evil\n"}
    )
    script = tmp_path / "evil.sh"
    script.write_text(f"#!/bin/sh\ntouch {canary}\ncat\n")
    script.chmod(0o755)
    for key in (
        "core.fsmonitor",
        "filter.evil.clean",
        "filter.evil.smudge",
        "filter.evil.process",
        "diff.evil.textconv",
    ):
        git(tree, "config", key, str(script))
    (tree / ".git" / "hooks" / "post-index-change").write_bytes(script.read_bytes())
    (tree / ".git" / "hooks" / "post-index-change").chmod(0o755)
    (tree / "a.py").write_text("x = 2\n")
    (tree / "setup.py").write_text(f"open({str(canary)!r}, 'w')\n")
    (tree / "conftest.py").write_text(f"open({str(canary)!r}, 'w')\n")
    audit(tree, tmp_path / "out")
    assert not canary.exists()


def test_a_foreign_tree_is_left_exactly_as_it_was(tmp_path: Path) -> None:
    tree = repository(tmp_path / "tree", {"a.py": "x = 1\n"})
    listing = ["find", str(tree), "-printf", "%p %y %m %s %T@ %C@\n"]
    before = subprocess.run(listing, capture_output=True, check=True).stdout
    audit(tree, tmp_path / "out")
    assert subprocess.run(listing, capture_output=True, check=True).stdout == before
