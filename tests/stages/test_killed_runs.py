"""A run that dies at any moment leaves every file old or new, says so, and is mended by the next."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from codex_audit.capabilities.catalogue import CATALOGUE
from codex_audit.reports.formats import FORMATS
from codex_audit.stages.pipeline import Audit, run_stages
from codex_audit.stages.request import Request
from codex_audit.stages.writing import Run, write_audit
from codex_audit.verify.audit import Question, verify_audit
from codex_audit.verify.verdict import Verdict
from codex_audit.workflow.settings import Vocabulary, defaults
from codex_evidence.errors import UsageError
from tests.commands.cli import MANIFEST, PACKAGE_ROOT, audited, command, write_tree

NAMES = Vocabulary((), tuple(row.name for row in FORMATS))
WORKFLOW = defaults()
MARKER = "audit_artifacts/.run_in_progress.json"
RECORD = "audit_artifacts/audit_run_record.json"
SUFFIXES = {row.name: row.suffix for row in FORMATS}
OLD, NEW = (Run(datetime(2001, 9, 9, 1, 46, second, tzinfo=UTC)) for second in (40, 41))


@dataclass(frozen=True)
class Case:
    """``tree`` as it is now, the audit of it as it was (``former``), and as it is (``new``)."""

    tree: Path
    former: Audit
    new: Audit


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    tree = write_tree(tmp_path_factory.mktemp("killed") / "tree")
    former = run_stages(Request(tree, tree, WORKFLOW, lambda: CATALOGUE), "S7")
    (tree / "pkg" / "train.py").write_text("import wandb\n\nwandb.init()\n")
    return Case(tree, former, run_stages(Request(tree, tree, WORKFLOW, lambda: CATALOGUE), "S7"))


def dies_writing(output: Path, audit: Audit, run: Run, operation: int) -> bool:
    """Writes ``audit`` in another process that is killed before its file operation number ``operation``. Whether it
    was killed, and did not end before."""
    child = os.fork()
    if child == 0:
        left = operation

        def watch(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal left
            if event in ("open", "os.rename", "os.remove", "os.mkdir") and str(output) in str(arguments[0]):
                left -= 1
                if left < 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(watch)
        write_audit(output, audit, run, SUFFIXES)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def files(output: Path) -> dict[str, bytes]:
    """Every file below ``output`` but those that nobody takes for a part of an audit, by their name."""
    found = {path.relative_to(output).as_posix(): path for path in output.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if "/.codex-write-" not in name}


def verdict_on(case: Case, output: Path) -> Verdict:
    return verify_audit(Question(output, case.tree, None, "", False, CATALOGUE, NAMES, 1))


def chained(found: dict[str, bytes]) -> dict[str, bytes]:
    """The files that are the same whenever a run ended."""
    return {name: data for name, data in found.items() if name != RECORD}


def written(audit: Audit, run: Run, output: Path) -> dict[str, bytes]:
    write_audit(output, audit, run, SUFFIXES)
    return files(output)


def test_a_run_killed_before_any_operation_over_a_former_audit(case: Case, tmp_path: Path) -> None:
    old, new = written(case.former, OLD, tmp_path / "old"), written(case.new, NEW, tmp_path / "new")
    words: list[str] = []
    for operation in range(500):
        output = tmp_path / "output"
        shutil.copytree(tmp_path / "old", output)
        killed = dies_writing(output, case.new, NEW, operation)
        found = files(output)
        for name, data in found.items():
            assert name in (MARKER, RECORD) or data in (old.get(name), new.get(name)), name
        if found.get(MANIFEST) == new[MANIFEST]:
            assert chained(new).items() <= chained(found).items()
        verdict = verdict_on(case, output)
        words.append(verdict.word)
        if MARKER in found:
            assert (verdict.word, verdict.exit_code) == ("INTERRUPTED", 4)
            assert verdict.summary == "interrupted run, run again"
        else:  # all is old, which the tree no longer is, or all is new
            assert chained(found) == chained(old if verdict.word == "STALE" else new)
        write_audit(output, case.new, NEW, SUFFIXES)
        assert chained(files(output)) == chained(new)
        assert not list(output.rglob(".codex-write-*"))
        shutil.rmtree(output)
        if not killed:
            break
    assert not killed
    assert len(words) > 20
    assert sorted(set(words)) == ["CONSISTENT", "INTERRUPTED", "STALE"]
    assert verdict_on(case, tmp_path / "new").word == "CONSISTENT"


def test_a_first_run_killed_before_any_operation(case: Case, tmp_path: Path) -> None:
    new = written(case.new, NEW, tmp_path / "new")
    for operation in range(500):
        output = tmp_path / "output"
        killed = dies_writing(output, case.new, NEW, operation)
        found = files(output) if output.exists() else {}
        assert all(name in (MARKER, RECORD) or data == new[name] for name, data in found.items())
        if MARKER in found:
            assert verdict_on(case, output).exit_code == 4
        elif MANIFEST in found:
            assert verdict_on(case, output).word == "CONSISTENT"
        else:
            assert found == {}
            with pytest.raises(UsageError, match="holds no finished audit"):
                verdict_on(case, output)
        write_audit(output, case.new, NEW, SUFFIXES)
        assert chained(files(output)) == chained(new)
        shutil.rmtree(output)
        if not killed:
            break
    assert not killed


def test_runs_killed_one_after_the_other_leave_no_report_behind(case: Case, tmp_path: Path) -> None:
    output = tmp_path / "output"
    written(case.former, OLD, output)
    for number, operation in enumerate((30, 22, 14, 9, 28, 5, 17)):
        moment = datetime(2020, 1, 1, 0, 0, number, tzinfo=UTC)
        assert dies_writing(output, case.new, Run(moment), operation)
        assert verdict_on(case, output).word == "INTERRUPTED"
    assert chained(written(case.new, NEW, output)) == chained(written(case.new, NEW, tmp_path / "new"))


def moments() -> Iterator[float]:
    chance = random.Random(3)  # noqa: S311 - chance here keeps no secret
    yield from (chance.uniform(0.1, 1.5) for _ in range(6))


def start(tree: Path, cache: Path) -> subprocess.Popen[bytes]:
    environment: dict[str, Any] = {**os.environ, "PYTHONPATH": str(PACKAGE_ROOT)}
    return subprocess.Popen(
        [sys.executable, "-m", "codex_audit", "run", tree, "--cache", cache, "--jobs", "2"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def kill(run: subprocess.Popen[bytes]) -> None:
    if run.poll() is None:
        os.killpg(run.pid, signal.SIGKILL)
    run.wait()


def test_commands_killed_at_random_moments(tmp_path: Path) -> None:
    tree, cache = write_tree(tmp_path / "tree"), tmp_path / "cache"
    audited(tree, "--cache", cache)
    for number, moment in enumerate(moments()):
        (tree / "pkg" / "other.py").write_text(f"import torch\n\ntorch.save({number}, 'x')\n")
        run = start(tree, cache)
        if number % 2:
            time.sleep(moment)
        else:  # while it writes
            while run.poll() is None and not (tree / MARKER).exists():
                time.sleep(0.0005)
            time.sleep(moment / 100)
        kill(run)
        done = command("verify", tree)
        word = done.stdout.partition(":")[0]
        assert (word, done.returncode) in {("CONSISTENT", 0), ("STALE", 4), ("INTERRUPTED", 4)}, done.stdout
        assert "tampered" not in done.stdout
    with_cache = audited(tree, "--cache", cache)["head"]
    assert command("verify", tree, "--rerun").returncode == 0
    assert audited(tree, "--no-cache")["head"] == with_cache
