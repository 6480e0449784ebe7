"""What may be changed without changing a bit, and what a resume refuses."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from codex_evidence.runs import verify_run
from tests.engine.runs import KILLED, SAVE_AT, Bench, alone, fill, final, manifests, taken

WATCHED = {
    "evaluating every 10 steps": ["evaluation.every=10"],
    "logging every step": ["monitoring.log_every=1"],
    "saving every 5 steps": ["checkpoint.every=5", "checkpoint.keep_last=1"],
    "two workers": ["data.workers=2"],
    "sampling the machine": ["monitoring.interval=0.05"],
    "all of it": [
        "evaluation.every=3", "monitoring.log_every=1", "checkpoint.every=1", "checkpoint.pinned=[7]", "data.workers=3"
    ],
}  # fmt: skip


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) * 2 // 3] ^= 1
    path.write_bytes(data)


DAMAGES: dict[str, Callable[[Path], None]] = {
    "training/optimizer.safetensors": Path.unlink,
    "training/rng.safetensors": Path.unlink,
    "training/state.json": Path.unlink,
    "model.safetensors": flip,
    "training/optimizer.safetensors ": flip,
    "training/rng.safetensors ": flip,
    "config.json": flip,
    "checkpoint.json": flip,
}

OTHERS = {
    "data": ["data.files=[other.txt]"],
    "config.run.batch": ["run.batch=8"],
    "config.optimizer.lr": ["optimizer.lr=1e-4"],
    "config.run.seed": ["run.seed=1"],
    "config.run.steps": ["run.steps=80"],
    "config.model.options.n_inner": ["model.options.n_inner=8"],
    "config.model.architecture": ["model.architecture=openai-gpt"],
    "config.model.attention": ["model.attention=eager"],
    "config.lora.rank": ["lora.rank=2"],
}


@pytest.fixture(scope="module")
def whole(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("guards") / "whole"
    assert bench.train(run, "gpt2").code == 0
    return run


@pytest.fixture(scope="module")
def stopped(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was killed after its checkpoint at half of its steps. Tests take copies."""
    run = tmp_path_factory.mktemp("guards") / "stopped"
    assert bench.killed(run, "gpt2").code == KILLED
    return run


@pytest.fixture
def run(stopped: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(stopped, tmp_path / "run"))


def checkpoint(run: Path) -> Path:
    return run / "checkpoints" / f"step-{SAVE_AT:06d}"


def test_watching_a_run_changes_no_bit_of_it(bench: Bench, whole: Path, tmp_path: Path) -> None:
    runs = [tmp_path / str(number) for number in range(len(WATCHED))]
    for run, overrides in zip(runs, WATCHED.values(), strict=True):
        ended = bench.train(run, "gpt2", *overrides)
        assert ended.code == 0, ended.err
    found = {name: final(run) for name, run in zip(WATCHED, runs, strict=True)}
    assert found == dict.fromkeys(WATCHED, final(whole))
    assert all(taken(run) == taken(whole) for run in runs)
    assert [verify_run(run) for run in runs] == [()] * len(runs)


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_checkpoint_is_refused_by_the_name_of_its_file(bench: Bench, run: Path, name: str) -> None:
    file = name.strip()
    DAMAGES[name](checkpoint(run) / file)
    before = sorted(run.rglob("*"))
    ended = bench.resume(run)
    assert ended.code == 1
    assert Path(file).name in ended.line
    assert sorted(run.rglob("*")) == before


def test_a_file_that_was_added_to_a_checkpoint_is_refused(bench: Bench, run: Path) -> None:
    (checkpoint(run) / "pytorch_model.bin").write_bytes(b"x")
    ended = bench.resume(run)
    assert ended.code == 1
    assert "pytorch_model.bin" in ended.line


@pytest.mark.parametrize("field", OTHERS)
def test_what_would_not_go_on_as_before_is_refused_by_the_name_of_its_field(
    bench: Bench, run: Path, field: str
) -> None:
    before = sorted(run.rglob("*"))
    ended = bench.resume(run, *OTHERS[field])
    assert ended.code == 2
    assert field in ended.line
    assert f"--accept {field}" in ended.line
    assert sorted(run.rglob("*")) == before


def test_data_that_changed_under_its_name_are_refused(bench: Bench, tmp_path: Path) -> None:
    corpus = tmp_path / "mine.txt"
    corpus.write_bytes((bench.base / "corpus.txt").read_bytes())
    assert bench.killed(tmp_path / "run", "llama", f"data.files=[{corpus}]").code == KILLED
    flip(corpus)
    ended = bench.resume(tmp_path / "run")
    assert ended.code == 2
    assert "data was " in ended.line


def test_another_number_of_threads_is_refused(run: Path) -> None:
    ended = alone("resume", run, "--format", "json", threads=2)
    assert ended.code == 2
    assert "environment.torch.threads was 1 and is 2" in ended.line


def test_what_free_settings_change_is_no_difference(bench: Bench, run: Path, whole: Path) -> None:
    free = (
        "evaluation.every=4",
        "checkpoint.every=7",
        "data.workers=1",
        "monitoring.log_every=3",
        "name=other",
    )
    ended = bench.resume(run, *free)
    assert ended.code == 0, ended.err
    assert final(run) == final(whole)
    assert verify_run(run) == ()


def test_an_accepted_difference_goes_on_and_is_recorded(bench: Bench, run: Path, whole: Path) -> None:
    ended = bench.resume(
        run, "optimizer.lr=1e-4", "data.files=[other.txt]", "--accept", "config.optimizer.lr"
    )
    assert ended.code == 2
    assert "data was " in ended.line  # one name lets one thing through
    accept = ("--accept", "config.optimizer.lr", "--accept", "data")
    ended = bench.resume(run, "optimizer.lr=1e-4", "data.files=[other.txt]", *accept)
    assert ended.code == 0, ended.err
    manifest = manifests(run)[-1]
    assert manifest.parent is not None
    assert manifest.parent.overrides == ("config.optimizer.lr", "data")
    assert final(run) != final(whole)
    assert verify_run(run) == ()


def test_another_model_cannot_take_the_weights_even_when_it_is_accepted(bench: Bench, run: Path) -> None:
    ended = bench.resume(run, "model.options.n_embd=32", "--accept", "config.model")
    assert ended.code in (1, 2)
    assert "transformer." in ended.line
    assert len(manifests(run)) == 1


def test_a_checkpoint_of_another_run_is_refused(bench: Bench, run: Path, whole: Path) -> None:
    ended = bench.resume(run, "--from", str(whole / "checkpoints" / f"step-{SAVE_AT:06d}"))
    assert ended.code == 2
    assert "another run" in ended.line


def test_a_step_that_has_no_checkpoint_is_refused_with_those_that_there_are(bench: Bench, run: Path) -> None:
    ended = bench.resume(run, "--from", "21")
    assert ended.code == 2
    assert "step-000020" in ended.line


def test_a_run_is_not_written_over(bench: Bench, run: Path) -> None:
    before = sorted(run.rglob("*"))
    ended = bench.train(run, "gpt2")
    assert ended.code == 2
    assert "not empty" in ended.line
    assert sorted(run.rglob("*")) == before


def test_a_log_beside_the_configuration_is_no_code_and_source_that_changed_is_named(
    bench: Bench, tmp_path: Path
) -> None:
    fill(tmp_path)
    (tmp_path / "train.log").write_text("step 1\n")
    for words in (
        ("init", "-q"),
        ("add", "llama.yaml"),
        ("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x"),
    ):
        subprocess.run(["git", *words], cwd=tmp_path, check=True, capture_output=True)
    run, config = tmp_path / "run", tmp_path / "llama.yaml"
    assert bench.job(config=str(config), overrides=(), folder=str(run), kill_at=SAVE_AT + 1).code == KILLED
    with (tmp_path / "train.log").open("a") as file:
        file.write("step 2\n")
    before = config.read_text()
    config.write_text(before + "\n")
    (tmp_path / "new.py").write_text("a = 1\n")
    ended = bench.resume(run)
    assert ended.code == 2
    assert ": code was " in ended.line
    assert " (llama.yaml, new.py); put it back" in ended.line
    config.write_text(before)
    (tmp_path / "new.py").unlink()
    ended = bench.resume(run)
    assert ended.code == 0, ended.err
    assert manifests(run)[-1].parent.overrides == ()  # type: ignore[union-attr]
