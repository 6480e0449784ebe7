"""A run that began with a model's files is bound to them: each way to go on with it notices another base."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from codex_evidence.errors import UsageError
from codex_evidence.run_documents import MODEL, read_manifest
from codex_evidence.runs import verify_run
from codex_train.checkpoints.refuse import ResumeRefusedError
from codex_train.engine.run import resume_training
from codex_train.evaluation.subject import open_subject
from codex_train.models.save import write_model
from codex_train.screens.comparison import comparison
from codex_train.screens.folder import steps_of, view_run
from codex_train.screens.inspection import inspection, inspection_lines
from tests.models.tiny import made
from tests.replay.made import command, replayed, reseal, trained


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Adapters that were trained over the model in the folder `base` beside the run."""
    folder = tmp_path_factory.mktemp("adapted")
    sizes: dict[str, Any] = {
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
    }
    write_model(made(context=16, **sizes), folder / "base")
    return trained(folder, "model.path=base", "lora.rank=2")


@pytest.fixture
def run(original: Path, tmp_path: Path) -> Path:
    """A copy of the run whose base is a copy too."""
    folder = Path(shutil.copytree(original.parent, tmp_path / "copy"))
    environment = folder / "run/segments/0000/environment.json"
    old, new = (json.dumps(str(one.resolve())) for one in (original.parent, folder))
    environment.write_text(environment.read_text().replace(old, new))
    reseal(folder / "run")
    assert not verify_run(folder / "run")
    return folder / "run"


def change_base(run: Path) -> None:
    """Gives one weight another sign."""
    weights = run.parent / "base" / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 0x80
    weights.write_bytes(data)


def test_the_base_is_recorded_and_bound_to_the_first_step(run: Path) -> None:
    path = run / "segments/0000" / MODEL
    files = json.loads(path.read_bytes())["files"]
    names = ["config.json", "generation_config.json", "model.safetensors"]
    assert [file["path"] for file in files] == names
    lines = list(inspection_lines(inspection(view_run(run), steps_of(view_run(run)), None)))
    assert [line.split()[1] for line in lines if line.startswith("model ")] == [f"{name}," for name in names]
    path.write_bytes(path.read_bytes().replace(files[0]["sha256"].encode(), b"0" * 64))
    assert [finding.file for finding in verify_run(run)] == [f"segments/0000/{MODEL}"]


def test_a_changed_base_is_refused_by_name_wherever_it_is_used(run: Path) -> None:
    open_subject(run)
    change_base(run)
    before = sorted(run.rglob("*"))
    with pytest.raises(ResumeRefusedError, match=r"model\.model\.safetensors was .*--accept model") as caught:
        resume_training(run)
    assert "\n" not in str(caught.value)
    with pytest.raises(UsageError, match=r"model\.path=base is .*: model\.safetensors was .*--accept model"):
        open_subject(run)  # as eval and generate do
    assert sorted(run.rglob("*")) == before
    code, answer = replayed(run)
    assert (code, answer["verdict"]) == (2, "not comparable")
    assert answer["reason"].startswith("model.model.safetensors was ")


def test_an_accepted_base_is_recorded_and_named_in_a_comparison(original: Path, run: Path) -> None:
    change_base(run)
    done = command("resume", "run", "--from", "8", "--accept", "model", folder=run.parent)
    assert done.returncode == 0, done.stderr
    assert not verify_run(run)
    manifest, _ = read_manifest(run / "segments" / "0001")
    assert manifest.parent is not None
    assert manifest.parent.overrides == ("model.model.safetensors",)
    open_subject(run)
    views = [view_run(original), view_run(run)]
    found = comparison(views[0], steps_of(views[0]), views[1], steps_of(views[1]))
    assert [one["field"] for one in found["model"]] == ["model.safetensors"]
