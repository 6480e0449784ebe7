"""``--cache``, ``--no-cache`` and ``--timings`` as a user meets them."""

from __future__ import annotations

import re
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from codex_audit.cache.store import FILE, Store
from codex_audit.stages.remembered import Whole
from tests.commands.cli import PACKAGE_ROOT, audited, command, copy_of_package, snapshot, write_tree

OLD = {"SOURCE_DATE_EPOCH": "1000000000"}
RECORD = "audit_artifacts/audit_run_record.json"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "tree")


def written(output: Path) -> dict[str, bytes]:
    """Every file of an audit but the record, which says when and how long."""
    return {path: data for path, (_, data) in snapshot(output).items() if path != RECORD}


def audits(tree: Path, output: Path, *arguments: object, **more: object) -> dict[str, bytes]:
    audited(tree, "--output", output, *arguments, env=OLD, **more)
    return written(output)


def test_every_byte_is_the_same_with_and_without_a_cache(tree: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    expected = audits(tree, tmp_path / "without", "--no-cache")
    assert audits(tree, tmp_path / "cold", "--cache", cache) == expected
    assert audits(tree, tmp_path / "warm", "--cache", cache) == expected
    (tree / "pkg" / "train.py").rename(tree / "pkg" / "test_train.py")
    (tree / "pkg" / "new.py").write_text("import torch\ntorch.save({}, 'x')\n")
    (tree / "workflow.yaml").write_text("threshold: 0.9\n")
    edited = audits(tree, tmp_path / "edited", "--cache", cache)
    assert edited == audits(tree, tmp_path / "without", "--no-cache")
    assert edited != expected


@pytest.mark.parametrize("pattern", ["templates/*.j2", "codex_audit/capabilities/training.py"])
def test_a_changed_program_does_not_recall_what_the_former_one_made(
    tree: Path, tmp_path: Path, pattern: str
) -> None:
    package = copy_of_package(tmp_path / "package")
    audits(tree, tmp_path / "before", "--cache", tmp_path / "cache", package=package)
    path = sorted(package.glob(pattern))[0]
    comment = "more words\n" if path.suffix == ".j2" else "\n# changed\n"
    path.write_text(path.read_text() + comment)
    with_cache = audits(tree, tmp_path / "after", "--cache", tmp_path / "cache", package=package)
    assert with_cache == audits(tree, tmp_path / "without", "--no-cache", package=package)
    assert with_cache != written(tmp_path / "before")


def test_the_cache_lies_where_the_user_says_and_is_private(tree: Path, tmp_path: Path) -> None:
    env = {"HOME": str(tmp_path / "home"), "XDG_CACHE_HOME": str(tmp_path / "xdg")}
    audited(tree, "--cache", tmp_path / "given", env=env)
    assert (tmp_path / "given" / FILE).is_file()
    assert not (tmp_path / "xdg").exists()
    audited(tree, env=env)
    assert (tmp_path / "xdg" / "codex-audit" / FILE).is_file()
    audited(tree, env=env | {"XDG_CACHE_HOME": "relative"}, cwd=tree)
    assert (tmp_path / "home" / ".cache" / "codex-audit" / FILE).is_file()
    assert not (tree / "relative").exists()
    for folder in (tmp_path / "given", tmp_path / "xdg" / "codex-audit"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_without_a_cache_nothing_is_kept_anywhere(tree: Path, tmp_path: Path) -> None:
    env = {"HOME": str(tmp_path / "home"), "XDG_CACHE_HOME": str(tmp_path / "xdg")}
    audited(tree, "--no-cache", "--output", tmp_path / "output", env=env)
    assert {path.name for path in tmp_path.iterdir()} == {"tree", "output"}


def test_no_cache_is_ever_kept_in_the_audited_tree(tree: Path, tmp_path: Path) -> None:
    before = snapshot(tree)
    audited(tree, "--cache", tree / "cache", "--output", tmp_path / "output")
    audited(tree, "--output", tmp_path / "output", env={"XDG_CACHE_HOME": str(tree), "HOME": str(tree)})
    assert snapshot(tree) == before


def test_both_options_at_once_are_a_usage_error(tree: Path, tmp_path: Path) -> None:
    done = command("run", tree, "--no-cache", "--cache", tmp_path)
    assert (done.returncode, "not allowed with" in done.stderr) == (2, True)
    assert command("run", tree, "--cache", "").returncode == 2


@pytest.mark.parametrize("data", [b"", b"no database" * 999])
def test_a_broken_cache_is_neither_an_error_nor_a_word(tree: Path, tmp_path: Path, data: bytes) -> None:
    (tmp_path / FILE).write_bytes(data)
    done = command("run", tree, "--cache", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    (tmp_path / "folder").write_text("a file")
    done = command("run", tree, "--cache", tmp_path / "folder")
    assert (done.returncode, done.stderr) == (0, "")


def test_explain_gives_the_same_answer_with_and_without_a_cache(tree: Path, tmp_path: Path) -> None:
    question = ("explain", "training", tree)
    without = command(*question, "--no-cache")
    cold, warm = (command(*question, "--cache", tmp_path / "cache") for _ in range(2))
    assert without.returncode == 0
    assert without.stdout == cold.stdout == warm.stdout
    assert (tmp_path / "cache" / FILE).is_file()


def start(tree: Path, output: Path, cache: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "codex_audit", "run", tree, "--output", output, "--cache", cache],
        env={"PYTHONPATH": str(PACKAGE_ROOT), "PATH": "/usr/bin:/bin", **OLD},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def test_two_runs_at_the_same_time_with_one_cache_give_the_same_bytes(tree: Path, tmp_path: Path) -> None:
    for number in range(40):
        (tree / "pkg" / f"part_{number}.py").write_text(f"import torch\n\ntorch.save({number}, 'x')\n")
    for turn in range(2):
        outputs = [tmp_path / f"output {turn} {number}" for number in range(3)]
        runs = [start(tree, output, tmp_path / "cache") for output in outputs]
        assert [run.communicate()[1] for run in runs] == [b""] * 3
        assert [run.returncode for run in runs] == [0] * 3
        first, *others = (written(output) for output in outputs)
        assert others == [first, first]
    assert first == audits(tree, tmp_path / "without", "--no-cache")


def test_verify_audits_again_without_the_cache(tree: Path, tmp_path: Path) -> None:
    env = {"XDG_CACHE_HOME": str(tmp_path / "xdg")}
    audited(tree, env=env)
    database = tmp_path / "xdg" / "codex-audit" / FILE
    before = database.read_bytes()
    database.unlink()
    assert command("verify", tree, "--rerun", env=env).returncode == 0
    assert not database.exists()
    database.write_bytes(before)
    lie(database)
    head = audited(tree, env=env)["head"]  # whoever can write the cache can lie with right seals
    again = command("verify", tree, "--rerun", "--expect-head", head, env=env)
    assert (again.returncode, "forged" in again.stdout) == (1, True)


def lie(database: Path) -> None:
    """Makes every remembered report say something else, with a right seal."""
    store = Store(database.parent)
    with closing(sqlite3.connect(database)) as connection:
        rows = dict(connection.execute("select key, value from entry"))
    for key, value in rows.items():
        with suppress(msgspec.MsgspecError):
            results = msgspec.msgpack.decode(value, type=Whole)
            reports = dict.fromkeys(results.reports, b"all is well")
            store.put({key: msgspec.msgpack.encode(replace(results, reports=reports))})


TIMING = re.compile(r"(S[1-7]|all) +\d+\.\d{3} s")


def test_timings_name_each_stage_that_ran_and_the_sum(tree: Path, tmp_path: Path) -> None:
    cold = command("run", tree, "--timings", "--format", "json", "--cache", tmp_path / "cache")
    assert cold.returncode == 0
    lines = cold.stderr.splitlines()
    assert [line.split()[0] for line in lines] == ["S1", "S2", "S3", "S4", "S5", "S6", "S7", "all"]
    assert all(TIMING.fullmatch(line) for line in lines)
    seconds = [float(line.split()[1]) for line in lines]
    assert sum(seconds[:-1]) == pytest.approx(seconds[-1], abs=0.002)
    assert cold.stdout.startswith("{")
    part = command("run", tree, "--timings", "--stage", "S3")
    assert [line.split()[0] for line in part.stderr.splitlines()] == ["S1", "S2", "S3", "all"]


def test_timings_are_not_asked_for_unless_they_are(tree: Path) -> None:
    assert command("run", tree).stderr == ""
