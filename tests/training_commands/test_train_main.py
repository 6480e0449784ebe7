"""``codex-train``: help and version at once, one line for each mistake, the right exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import codex_train

ROOT = Path(codex_train.__file__).resolve().parents[1]
HEAVY = ("torch", "omegaconf", "numpy", "transformers", "peft", "tokenizers", "yaml", "rich")


def command(*arguments: object, cwd: Path | None = None, code: str = "") -> subprocess.CompletedProcess[str]:
    """``codex-train`` in a process of its own; ``code`` runs in it first."""
    program = f"{code}\nimport sys\nfrom codex_train.main import main\nsys.exit(main())"
    return subprocess.run(
        [sys.executable, "-P", "-c", program, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
        timeout=120,
    )


def config(folder: Path, text: str = "") -> Path:
    (folder / "corpus.txt").write_text("some words\n")
    path = folder / "a.yaml"
    path.write_text(text or "data: {files: [corpus.txt]}\n")
    return path


@pytest.mark.parametrize(
    "arguments", [("--help",), ("--version",), ("run", "--help"), ("resume", "--help"), ("sweep", "--help")]
)
def test_help_and_version_load_nothing_heavy(arguments: tuple[str, ...]) -> None:
    # Imported as a module of None, a heavy package would fail, and this program would say so.
    blocked = f"import sys\nsys.modules.update(dict.fromkeys({HEAVY!r}))"
    done = command(*arguments, code=blocked)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(("usage: codex-train", "codex-train "))


def test_the_version_is_that_of_the_distribution() -> None:
    assert command("--version").stdout == f"codex-train {version('codex-audit')}\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "COMMAND"),
        (("fly",), "fly"),
        (("run",), "CONFIG"),
        (("run", "nothing.yaml"), "nothing.yaml: No such file"),
        (("run", "a.yaml", "run.stesp=3"), "did you mean 'run.steps'?"),
        (("run", "a.yaml", "--folder", "x", "run.stesp=3"), "did you mean 'run.steps'?"),
        (("run", "a.yaml", "--foldr", "x"), "--foldr"),
        (("run", "a.yaml", "--folder", ""), "the path is empty"),
        (("run", "a.yaml", "optimizer.lr=1,2"), "codex-train sweep"),
        (("run", "a.yaml", "name=\udcff"), "character"),
        (("resume", "nowhere"), "nowhere does not exist"),
        (("resume", "a.yaml"), "a.yaml is no folder"),
        (("resume", ".", "--from", ""), "--from is empty"),
        (("resume", ".", "lr"), "write key=value"),
        (("sweep", "a.yaml"), "nothing to sweep over"),
        (("sweep", "a.yaml", "run.batch=1,0"), "run.batch must be"),
        (("sweep", "a.yaml", "run.seed=1,2", "--folder", "."), "is not empty"),
        (("sweep", "a.yaml", "run.seed=1,2", "--folder", "a.yaml"), "is no folder"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(
    tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    config(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    done = command(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("codex-train: error: ")
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert sorted(tmp_path.rglob("*")) == before


def test_a_mistake_in_the_settings_is_told_before_torch_is_loaded(tmp_path: Path) -> None:
    blocked = "import sys\nsys.modules['torch'] = None"
    done = command("run", config(tmp_path), "run.batch=0", code=blocked)
    assert "run.batch must be" in done.stderr


def test_a_missing_package_says_how_to_install_it(tmp_path: Path) -> None:
    done = command("run", config(tmp_path), code="import sys\nsys.modules['omegaconf'] = None")
    assert done.returncode == 2
    assert "omegaconf is not installed; pip install 'codex-audit[train]'" in done.stderr


def test_a_foreign_text_cannot_speak_to_the_terminal(tmp_path: Path) -> None:
    done = command("run", config(tmp_path), "\x1b[31mrun.batch=1")
    assert done.returncode == 2
    assert "\x1b" not in done.stderr
    assert "\\x1b" in done.stderr


def test_a_dry_run_prints_the_jobs_and_starts_none(tmp_path: Path) -> None:
    path = config(tmp_path)
    arguments = (
        "sweep",
        path,
        "optimizer.lr=1e-3,3e-4",
        "--folder",
        tmp_path / "s",
        "run.seed=range(2)",
        "--dry-run",
    )
    done = command(*arguments)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 4
    assert lines[1] == f"codex-train run {path} optimizer.lr=1e-3 run.seed=1 --folder {tmp_path}/s/1"
    jobs = json.loads(command(*arguments, "--format", "json").stdout)["jobs"]
    assert [job["overrides"] for job in jobs][2] == ["optimizer.lr=3e-4", "run.seed=0"]
    assert not (tmp_path / "s").exists()


def test_a_reader_that_goes_away_hears_no_complaint(tmp_path: Path) -> None:
    line = (
        f"{sys.executable} -m codex_train sweep {config(tmp_path)} 'run.seed=range(100)' --dry-run | head -1"
    )
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, cwd=ROOT, check=False)
    assert (done.stderr, len(done.stdout.splitlines())) == ("", 1)
