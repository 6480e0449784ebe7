"""Every damage to a checkpoint is refused, in one line that names the file."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codex_evidence.canonical import canonical_bytes
from codex_evidence.checkpoint_manifest import CheckpointError, manifest_sha256
from codex_train.checkpoints.read import load_tensors, load_weights, read_checkpoint
from codex_train.checkpoints.verify import verify_checkpoint
from codex_train.checkpoints.write import write_checkpoint
from tests.checkpoints.making import FILES, make_state

TENSORS = [name for name in FILES if name.endswith(".safetensors")]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    for step in (2, 3):
        write_checkpoint(folder, make_state(step))
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return tmp_path / "step-000003"


def refuse(folder: Path, name: str) -> str:
    """Every reader refuses ``folder`` with the same line, which names the file; returns the line."""
    said = set[str]()
    for reader in (verify_checkpoint, read_checkpoint, load_tensors, load_weights):
        with pytest.raises(CheckpointError) as caught:
            reader(folder)
        assert caught.value.exit_code == 1
        said.add(str(caught.value))
    assert len(said) == 1
    line = said.pop()
    assert "\n" not in line
    assert name in line.removeprefix(f"checkpoint {folder} cannot be used: ")
    return line


def test_a_whole_one_is_accepted_also_under_another_name(folder: Path, tmp_path: Path) -> None:
    verify_checkpoint(folder)
    verify_checkpoint(folder.rename(tmp_path / "published"))


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file(name: str, folder: Path) -> None:
    (folder / name).unlink()
    refuse(folder, name)


@pytest.mark.parametrize(
    "name", ["added.bin", "model.bin", "training/optimizer.pt", ".hidden", "\udcff", "a\nb", "other/file"]
)
def test_an_added_file(name: str, folder: Path) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(b"x")
    shown = {"\udcff": "%FF", "a\nb": r"a\nb", "other/file": "other"}.get(name, name)
    assert "does not list it" in refuse(folder, shown)


def test_an_added_folder(folder: Path) -> None:
    (folder / "empty").mkdir()
    refuse(folder, "empty")


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("left", [0, 1, 0.5, -1])
def test_a_truncated_file(name: str, left: float, folder: Path) -> None:
    size = (folder / name).stat().st_size
    os.truncate(folder / name, {0: 0, 1: 1, 0.5: size // 2, -1: size - 1}[left])
    refuse(folder, name)


@pytest.mark.parametrize("name", FILES)
def test_a_longer_file(name: str, folder: Path) -> None:
    with (folder / name).open("ab") as file:
        file.write(b"\0")
    refuse(folder, name)


@settings(max_examples=120)
@given(st.sampled_from(FILES), st.floats(0, 1, exclude_max=True), st.integers(0, 7))
def test_one_flipped_bit_anywhere(made: Path, name: str, place: float, bit: int) -> None:
    path = made / "step-000003" / name
    data = path.read_bytes()
    flipped = bytearray(data)
    flipped[int(place * len(data))] ^= 1 << bit
    path.write_bytes(flipped)
    try:
        with pytest.raises(CheckpointError, match=name):
            verify_checkpoint(made / "step-000003")
    finally:
        path.write_bytes(data)


@pytest.mark.parametrize("name", [*TENSORS, "training/state.json", "checkpoint.json"])
def test_a_file_of_another_checkpoint(name: str, folder: Path) -> None:
    shutil.copy(folder.with_name("step-000002") / name, folder / name)
    refuse(folder, name)


def test_a_whole_checkpoint_under_the_name_of_another(folder: Path) -> None:
    former = folder.with_name("step-000002")
    shutil.rmtree(folder)
    former.rename(folder)
    assert "of step 2" in refuse(folder, "checkpoint.json")


@pytest.mark.parametrize("name", FILES)
def test_a_symlink_in_place_of_a_file(name: str, folder: Path, tmp_path: Path) -> None:
    (folder / name).rename(tmp_path / "elsewhere")
    (folder / name).symlink_to(tmp_path / "elsewhere")
    assert "symlink" in refuse(folder, name)


def test_a_symlink_in_place_of_a_folder(folder: Path, tmp_path: Path) -> None:
    (folder / "training").rename(tmp_path / "elsewhere")
    (folder / "training").symlink_to(tmp_path / "elsewhere")
    assert "symlink" in refuse(folder, "training")


@pytest.mark.parametrize("name", FILES)
def test_a_folder_or_a_pipe_in_place_of_a_file(name: str, folder: Path) -> None:
    (folder / name).unlink()
    os.mkfifo(folder / name)
    refuse(folder, name)
    (folder / name).unlink()
    (folder / name).mkdir()
    refuse(folder, name)


def edits() -> list[tuple[str, object]]:
    return [
        ("step", 4),
        ("run", "2" * 32),
        ("segment", "0001"),
        ("world_size", 2),
        ("config_sha256", "1" * 64),
        ("steps_head", "1" * 64),
        ("overrides", ["config.optimizer.lr"]),
        ("state_digest", "1" * 64),
        ("self_sha256", "1" * 64),
        ("schema", "codex-train/run_checkpoint/v2"),
        ("extra", 1),
        ("files", []),
    ]


@pytest.mark.parametrize(("field", "value"), edits())
def test_an_edited_manifest(field: str, value: object, folder: Path) -> None:
    path = folder / "checkpoint.json"
    path.write_bytes(canonical_bytes({**json.loads(path.read_bytes()), field: value}))
    refuse(folder, "checkpoint.json")


@pytest.mark.parametrize("change", ["../step-000002/config.json", "/etc/hostname", "training/../config.json"])
def test_a_manifest_that_leads_out_of_the_folder(change: str, folder: Path) -> None:
    path = folder / "checkpoint.json"
    document = json.loads(path.read_bytes())
    document["files"][0]["path"] = change
    path.write_bytes(canonical_bytes(document))
    refuse(folder, "checkpoint.json")


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[]", b"\xff", b'{"schema":1,"schema":1}', b"[" * 10_000, b'{"step":NaN}']
)
def test_a_manifest_that_is_none(data: bytes, folder: Path) -> None:
    (folder / "checkpoint.json").write_bytes(data)
    refuse(folder, "checkpoint.json")


def test_a_manifest_with_other_white_space(folder: Path) -> None:
    path = folder / "checkpoint.json"
    path.write_text(json.dumps(json.loads(path.read_bytes()), indent=1))
    refuse(folder, "checkpoint.json")


def test_another_whole_checkpoint_than_the_run_recorded(folder: Path) -> None:
    recorded = manifest_sha256(verify_checkpoint(folder))
    verify_checkpoint(folder, expected=recorded)
    with pytest.raises(CheckpointError, match=r"checkpoint\.json: another one than the run recorded"):
        verify_checkpoint(folder.with_name("step-000002"), expected=recorded)


def test_what_is_no_checkpoint_at_all(tmp_path: Path) -> None:
    refuse(tmp_path, "checkpoint.json")
    refuse(tmp_path / "missing", "checkpoint.json")


def test_another_number_of_processes_has_all_but_random_states_of_its_own(folder: Path) -> None:
    alone, first, second = (
        read_checkpoint(folder, rank=rank, world=size) for rank, size in ((0, 1), (0, 2), (1, 2))
    )
    assert all(
        first.optimizer.tensors[name].equal(tensor) for name, tensor in alone.optimizer.tensors.items()
    )
    assert all(first.rng[name].equal(tensor) for name, tensor in alone.rng.items())
    assert second.model.keys() == alone.model.keys()
    assert second.rng == {}


def test_verifying_needs_no_torch(folder: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from codex_evidence.checkpoint_verify import verify_checkpoint; "
        "verify_checkpoint(Path(sys.argv[1])); assert 'torch' not in sys.modules and 'numpy' not in sys.modules"
    )
    root = Path(__file__).resolve().parents[2]
    subprocess.run([sys.executable, "-c", program, str(folder)], cwd=root, check=True)
