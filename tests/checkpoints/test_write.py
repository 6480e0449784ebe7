"""A checkpoint is written whole or not at all, and is what it says."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import torch

from codex_evidence.checkpoint_manifest import CheckpointError, manifest_sha256, read_manifest
from codex_evidence.digests import file_sha256
from codex_evidence.errors import CanonicalError, CodexError, WriteError
from codex_train.checkpoints.read import load_tensors, load_weights, read_checkpoint
from codex_train.checkpoints.verify import digest_state, verify_checkpoint
from codex_train.checkpoints.write import write_checkpoint
from tests.checkpoints import making
from tests.checkpoints.making import (
    FILES,
    language_model,
    layout_tensors,
    make_state,
    save_small,
    small_files,
)

ROOT = Path(__file__).resolve().parents[2]


def child(*arguments: str) -> str:
    """What another process, in `making`, printed."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-m", making.__name__, *arguments]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_the_folder_holds_weights_moments_randomness_and_a_manifest_and_nothing_pickled(
    tmp_path: Path,
) -> None:
    manifest = write_checkpoint(tmp_path, make_state(3))
    folder = tmp_path / "step-000003"
    assert names(folder) == FILES
    assert [file.path for file in manifest.files] == FILES[1:]
    assert file_sha256(folder / "checkpoint.json")[0] == manifest_sha256(manifest)
    assert read_manifest(folder) == verify_checkpoint(folder) == manifest


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    state = make_state(3)
    manifest = write_checkpoint(tmp_path, state)
    saved = read_checkpoint(tmp_path / "step-000003", expected=manifest_sha256(manifest))
    for mine, theirs in (
        (state.model, saved.model),
        (state.optimizer.tensors, saved.optimizer.tensors),
        (state.rng, saved.rng),
    ):
        assert mine.keys() == theirs.keys()
        assert all(
            torch.equal(mine[name], theirs[name]) and mine[name].dtype == theirs[name].dtype for name in mine
        )
    assert saved.training == state.training
    assert saved.optimizer.document == state.optimizer.document


def test_the_state_digest_is_that_of_the_live_state_and_not_of_its_files(tmp_path: Path) -> None:
    state = make_state(2)
    manifest = write_checkpoint(tmp_path, state)
    assert manifest.state_digest == digest_state(state)
    relabelled = dataclasses.replace(state, training={"best": 0.5})
    assert write_checkpoint(tmp_path / "other", relabelled).state_digest == manifest.state_digest
    assert write_checkpoint(tmp_path / "more", make_state(2, seed=1)).state_digest != manifest.state_digest


def test_the_same_state_gives_the_same_bytes(tmp_path: Path) -> None:
    first = write_checkpoint(tmp_path / "a", make_state(2))
    second = write_checkpoint(tmp_path / "b", make_state(2))
    assert first == second


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64, torch.int64, torch.bool])
def test_every_type_shape_and_stride_comes_back(dtype: torch.dtype, tmp_path: Path) -> None:
    tensors = {
        "matrix": torch.randn(3, 5).to(dtype).t(),
        "one": torch.ones((), dtype=dtype),
        "none": torch.zeros((0, 4), dtype=dtype),
        "part": torch.ones(4, 4).to(dtype)[::2, 1:],
    }
    write_checkpoint(tmp_path, dataclasses.replace(make_state(1), model=tensors))
    saved = load_weights(tmp_path / "step-000001")
    assert all(
        torch.equal(saved[name], tensor) and saved[name].dtype == dtype for name, tensor in tensors.items()
    )
    assert {"model/matrix", "rng/torch.cpu"} <= set(load_tensors(tmp_path / "step-000001"))


def test_a_checkpoint_of_the_same_step_takes_the_place_of_the_former(tmp_path: Path) -> None:
    former = write_checkpoint(tmp_path, make_state(1))
    later = write_checkpoint(tmp_path, make_state(1, seed=7))
    assert later.state_digest != former.state_digest
    assert [path.name for path in tmp_path.iterdir()] == ["step-000001"]
    assert verify_checkpoint(tmp_path / "step-000001") == later


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_transformers_loads_a_checkpoint_as_a_model(kind: str, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM

    model = language_model(kind)
    state = dataclasses.replace(make_state(1), model=layout_tensors(model), small_files=save_small(model))
    write_checkpoint(tmp_path, state)
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path / "step-000001")
    theirs = loaded.state_dict()
    assert all(torch.equal(theirs[name], tensor) for name, tensor in model.state_dict().items())


def test_a_resumed_run_ends_in_the_bits_of_an_uninterrupted_one(tmp_path: Path) -> None:
    whole = child("train", str(tmp_path / "whole"), "10", "")
    resumed = child("train", str(tmp_path / "resumed"), "10", str(tmp_path / "whole"))
    assert resumed == whole
    assert len(set(whole.split())) == 2  # a Llama and a GPT-2, both with dropout


def failing(folder: Path) -> None:
    raise OSError(5, "Input/output error")


def writes_tensors(folder: Path) -> None:
    (folder / "extra.safetensors").write_bytes(b"")


def writes_hidden(folder: Path) -> None:
    (folder / ".hidden").write_bytes(b"")


def writes_link(folder: Path) -> None:
    (folder / "config.json").symlink_to("/etc/hostname")


@pytest.mark.parametrize("files", [failing, writes_tensors, writes_hidden, writes_link])
def test_a_failed_save_leaves_nothing_and_the_former_whole(files: object, tmp_path: Path) -> None:
    former = write_checkpoint(tmp_path, make_state(1))
    with pytest.raises(CodexError):
        write_checkpoint(tmp_path, dataclasses.replace(make_state(2), small_files=files))  # type: ignore[arg-type]
    assert [path.name for path in tmp_path.iterdir()] == ["step-000001"]
    assert verify_checkpoint(tmp_path / "step-000001") == former


def test_what_has_no_plain_json_or_no_type_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CanonicalError):
        write_checkpoint(tmp_path, dataclasses.replace(make_state(1), training={"best": float("nan")}))
    with pytest.raises(CheckpointError, match="complex128"):
        write_checkpoint(
            tmp_path, dataclasses.replace(make_state(1), model={"a": torch.zeros(1, dtype=torch.complex128)})
        )
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_leaves_nothing(tmp_path: Path) -> None:
    def interrupted(folder: Path) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_checkpoint(tmp_path, dataclasses.replace(make_state(1), small_files=interrupted))
    assert list(tmp_path.iterdir()) == []


def test_left_overs_are_removed_by_the_next_save(tmp_path: Path) -> None:
    (tmp_path / "step-000009.tmp" / "training").mkdir(parents=True)
    (tmp_path / "step-000008.tmp").write_text("a file")
    (tmp_path / "notes.tmp").write_text("somebody's own")
    write_checkpoint(tmp_path, make_state(1))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["notes.tmp", "step-000001"]


def test_processes_killed_at_any_moment_of_a_save_leave_whole_checkpoints(tmp_path: Path) -> None:
    found = json.loads(child("kill", str(tmp_path), "30"))
    assert found["within"] >= 10  # most died within a save
    assert found["left"] == 0
    assert found["there"] >= 1


def test_a_file_size_limit_is_one_line_and_the_former_stays_whole(tmp_path: Path) -> None:
    said = child("limited", str(tmp_path), "100000")
    assert said.startswith("cannot write")
    assert "File too large" in said
    assert "\n" not in said
    assert [path.name for path in tmp_path.iterdir()] == ["step-000001"]
    verify_checkpoint(tmp_path / "step-000001")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    if os.getuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a small file system is not permitted here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_is_one_line_and_the_former_stays_whole(small_disk: Path) -> None:
    said = child("limited", str(small_disk), "0")
    assert said.startswith("cannot write")
    assert "No space left on device" in said
    assert "\n" not in said
    assert [path.name for path in small_disk.iterdir()] == ["step-000001"]
    verify_checkpoint(small_disk / "step-000001")


def test_a_read_only_folder_is_one_line_and_the_former_stays_whole() -> None:
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        folder = Path(name, "checkpoints")
        said = child("locked", str(folder))
        assert said.startswith("cannot write")
        assert "Permission denied" in said
        assert "\n" not in said
        folder.chmod(0o755)
        assert [path.name for path in folder.iterdir()] == ["step-000001"]
        verify_checkpoint(folder / "step-000001")


def test_a_place_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteError, match="cannot write"):
        write_checkpoint(tmp_path / "file", make_state(1))


def test_saving_copies_no_state(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, make_state(1))  # what is imported and allocated once
    state = dataclasses.replace(
        make_state(1, size=400_000), small_files=small_files
    )  # 13 MB and twice as much
    process, peak, done = psutil.Process(), [0], threading.Event()

    def watch() -> None:
        while not done.is_set():
            peak[0] = max(peak[0], process.memory_info().rss)
            time.sleep(0.0005)

    before = process.memory_info().rss
    watcher = threading.Thread(target=watch)
    watcher.start()
    write_checkpoint(tmp_path, state)
    done.set()
    watcher.join()
    assert peak[0] - before < 15e6
