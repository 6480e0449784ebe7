"""Replaying real runs: what is the same, what an editor of the record cannot hide, what cannot be compared."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from pathlib import Path

import pytest

from codex_evidence.run_documents import METRICS
from codex_evidence.runs import verify_run
from codex_evidence.steps import StepRecord
from codex_evidence.strict_json import loads
from codex_evidence.tensors import RawTensor, file_tensors, write_tensors
from tests.replay.made import command, edited_config, replayed, reseal, trained


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("original"))


@pytest.fixture
def run(original: Path, tmp_path: Path) -> Path:
    """A copy of the run, whose corpus stays where it was recorded."""
    shutil.copytree(original, tmp_path / "run")
    return tmp_path / "run"


def test_a_run_is_identical_to_its_replay(run: Path, tmp_path: Path) -> None:
    done = command("replay", "run", "--keep", "again", folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    machine, steps, verdict, kept = done.stdout.splitlines()
    assert machine == "this machine, with the recorded settings, is in the run's environment class"
    assert steps == "replaying steps 1 to 12"
    assert verdict == "identical: 12 steps, 3 states and 2 evaluations are the same to the bit"
    assert kept == "replay   again"
    assert not verify_run(tmp_path / "again" / "part-0000")


def test_what_was_shown_on_the_screen_changed_no_bit(original: Path) -> None:
    done = command("run", "tiny.yaml", "--folder", "shown", folder=original.parent)
    assert done.returncode == 0, done.stderr
    code, answer = replayed(original.parent / "shown")
    assert (code, answer["verdict"]) == (0, "identical"), answer["reason"]


def test_recorded_threads_are_put_back(run: Path) -> None:
    code, answer = replayed(run, OMP_NUM_THREADS="2", MKL_CBWR="COMPATIBLE")
    assert (code, answer["verdict"]) == (0, "identical")


def test_as_is_another_number_of_threads_cannot_be_compared(run: Path) -> None:
    code, answer = replayed(run, "--as-is", OMP_NUM_THREADS="2")
    assert (code, answer["verdict"]) == (2, "not comparable")
    assert answer["reason"] == "torch.threads was 1 and is 2"
    assert answer["step"] is None


def test_an_edited_learning_rate_differs_at_the_first_step(run: Path) -> None:
    edited_config(run, "optimizer", lr=0.0004)
    reseal(run)
    assert not verify_run(run)
    code, answer = replayed(run)
    assert (code, answer["verdict"], answer["step"]) == (1, "differs", 1)
    assert answer["differences"] == [{"step": 1, "field": "lr", "recorded": 0.0003, "replayed": 0.0004}]


def test_an_edited_schedule_differs_where_the_rate_does(run: Path) -> None:
    edited_config(run, "schedule", final=0.2)
    reseal(run)
    code, answer = replayed(run)
    assert (code, answer["verdict"], answer["step"]) == (1, "differs", 2)
    assert (answer["steps"], answer["differences"][0]["field"]) == (1, "lr")


def test_an_edited_loss_differs_at_its_step(run: Path) -> None:
    def change(record: StepRecord) -> StepRecord:
        return dataclasses.replace(record, loss=record.loss * 0.5) if record.step == 7 else record

    reseal(run, change)
    assert not verify_run(run)
    code, answer = replayed(run)
    assert (code, answer["verdict"], answer["step"], answer["states"]) == (1, "differs", 7, 1)
    assert {item["field"] for item in answer["differences"]} == {"loss", "loss_hex"}


def test_an_edited_evaluation_differs_at_its_step(run: Path) -> None:
    path = run / "segments" / "0000" / METRICS
    lines = path.read_bytes().splitlines()
    loss = json.loads(lines[1])["loss"]
    path.write_bytes(b"\n".join([lines[0], lines[1].replace(str(loss).encode(), b"0.5"), b""]))
    reseal(run)
    assert not verify_run(run)
    code, answer = replayed(run)
    assert (code, answer["step"]) == (1, 12)
    assert [item["field"] for item in answer["differences"]] == ["evaluation.loss"]


def test_swapped_final_weights_differ_and_the_tensor_is_named(run: Path) -> None:
    path = run / "checkpoints" / "step-000012" / "model.safetensors"
    values = {name: (dtype, shape, bytearray(data)) for name, dtype, shape, data in file_tensors(path)}
    values["model.norm.weight"][2][0] ^= 1
    path.unlink()
    write_tensors(path, [RawTensor(name, *value) for name, value in values.items()], {"format": "pt"})
    reseal(run)
    assert not verify_run(run)
    code, answer = replayed(run)
    assert (code, answer["verdict"], answer["step"], answer["steps"]) == (1, "differs", 12, 12)
    assert answer["tensors"] == ["model/model.norm.weight"]


def test_a_changed_corpus_cannot_be_compared(run: Path, original: Path) -> None:
    corpus = original.parent / "a.txt"
    text = corpus.read_bytes()
    try:
        corpus.write_bytes(text.replace(b"line", b"LINE", 1))
        code, answer = replayed(run)
        corpus.unlink()
        gone = replayed(run)
    finally:
        corpus.write_bytes(text)
    assert (code, answer["verdict"]) == (2, "not comparable")
    assert answer["reason"].startswith(f"data.files[0].sha256 was {hashlib.sha256(text).hexdigest()} and is")
    assert (gone[0], gone[1]["verdict"]) == (2, "not comparable")
    assert "a.txt does not exist" in gone[1]["reason"]


def test_a_setting_of_another_machine_cannot_be_restored(run: Path) -> None:
    path = run / "segments" / "0000" / "environment.json"
    document = path.read_bytes()
    machine = loads(document)["class"]["machine"]
    path.write_bytes(document.replace(f'"machine":"{machine}"'.encode(), b'"machine":"s390x"'))
    reseal(run)
    assert not verify_run(run)
    code, answer = replayed(run)
    assert (code, answer["reason"]) == (2, f"machine was s390x and is {machine}")


def test_a_folder_that_is_not_what_it_says_is_refused(run: Path, tmp_path: Path) -> None:
    edited_config(run, "optimizer", lr=0.0004)
    done = command("replay", "run", folder=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "is not what it says" in done.stderr
    assert "segments/0000/config.json" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_folders_that_cannot_be_used_are_named(run: Path, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    done = command("replay", "run", "--keep", "full", folder=tmp_path)
    assert done.returncode == 2
    assert "full is there and not empty" in done.stderr
    done = command("replay", "nowhere", folder=tmp_path)
    assert done.returncode == 2
    assert "nowhere does not exist" in done.stderr
