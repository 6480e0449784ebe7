"""A tree too large to be read closely gets the verdicts that close reading gives."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from codex_audit.stages.choice import CLOSE_BYTES
from tests.commands.cli import TRAIN, audited

FILES = 40
PADDING = "# padding\n" * (CLOSE_BYTES // (FILES * 10) + 100)

LAYERS = '''\
"""Layers {number}."""

import torch


class Block{number}(torch.nn.Module):
    def __init__(self, width: int = {number}):
        super().__init__()
        self.layer = torch.nn.Linear(width, width)

    def forward(self, x):
        return torch.relu(self.layer(x))
'''
TOOLS = """\
import hashlib

import yaml


def digest_of(path):
    return hashlib.sha256(open(path, "rb").read()).hexdigest()


def restore(path, model, optimizer):
    state = torch.load(path, weights_only=True)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])


def settings(path):
    return yaml.safe_load(open(path))
"""
CALLER = "from zoo.tools import restore\n\n\ndef main{number}(path):\n    return restore(path, 1, 2)\n"
TEST = (
    "from zoo.train import train\n\n\ndef test_it(tmp_path):\n    assert train(1, tmp_path / 'x') is None\n"
)


def write_zoo(folder: Path, padding: str) -> Path:
    """A zoo of models, most of which say the same, each file with ``padding`` behind its code."""
    files = {f"zoo/layers_{number}.py": LAYERS.format(number=number) for number in range(FILES)}
    files |= {"zoo/__init__.py": "", "zoo/train.py": TRAIN, "zoo/tools.py": "import torch\n" + TOOLS}
    files |= {f"tests/test_{number}.py": TEST for number in range(6)}
    files |= {f"zoo/use_{number}.py": CALLER.format(number=number) for number in range(3)}
    files["zoo/vendor/__init__.py"] = "import wandb\nwandb.init()\n"
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text + (padding if path.startswith("zoo/layers") else ""))
    (folder / "README.md").write_text("# Zoo\n\nRun `python -m zoo.train`.\n")
    return folder


def artifact(folder: Path, name: str) -> dict[str, object]:
    document: dict[str, object] = json.loads((folder / "audit_artifacts" / f"{name}.json").read_bytes())
    return document


def verdicts(folder: Path) -> dict[str, str]:
    raw: object = artifact(folder, "capabilities_raw")["capabilities"]
    assert isinstance(raw, list)
    return {probe["id"]: probe["verdict"] for capability in raw for probe in capability["probes"]}


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_zoo(tmp_path_factory.mktemp("large"), PADDING)
    assert sum(path.stat().st_size for path in folder.rglob("*.py")) > CLOSE_BYTES
    audited(folder, "--jobs", 2)
    return folder


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_zoo(tmp_path_factory.mktemp("small"), "")
    audited(folder)
    return folder


def skimmed(folder: Path) -> list[str]:
    groups = artifact(folder, "facets")["groups"]
    assert isinstance(groups, dict)
    return list(groups.get("skimmed", ()))


def test_the_facets_name_what_was_only_skimmed(large: Path, small: Path) -> None:
    found = skimmed(large)
    assert found == sorted(found)
    assert len([path for path in found if path.startswith("zoo/layers_")]) > FILES / 2
    assert "zoo/vendor/__init__.py" in found
    assert {"zoo/train.py", "zoo/tools.py"}.isdisjoint(found)
    assert skimmed(small) == []


def test_the_reports_say_how_much_was_only_skimmed(large: Path, small: Path) -> None:
    (matrix,) = (json.loads(path.read_bytes()) for path in (large / "reports").glob("*.json"))
    assert matrix["tree"]["skimmed"] == len(skimmed(large))
    (text,) = (path.read_text() for path in (large / "reports").glob("*.md"))
    assert f"{len(skimmed(large))} Python files" in text
    (text,) = (path.read_text() for path in (small / "reports").glob("*.md"))
    assert "searched for words" not in text


def test_the_verdicts_are_those_of_close_reading(large: Path, small: Path) -> None:
    assert "yes" in verdicts(small).values()
    assert verdicts(large) == verdicts(small)


def test_the_same_bytes_with_any_number_of_processes_and_any_cache(large: Path, tmp_path: Path) -> None:
    for name, arguments in (("one", ("--jobs", 1, "--no-cache")), ("warm", ("--jobs", 3))):
        audited(large, "--output", tmp_path / name, *arguments)
        for path in sorted((large / "audit_artifacts").glob("*s*.json")):
            if "record" not in path.name:
                assert (tmp_path / name / "audit_artifacts" / path.name).read_bytes() == path.read_bytes()


@pytest.mark.parametrize(("mention", "verdict"), [("", "no"), ("zzother = zzkeep\n", "yes")])
def test_a_name_that_only_a_skimmed_file_mentions_keeps_a_function_alive(
    tmp_path: Path, mention: str, verdict: str
) -> None:
    folder = write_zoo(tmp_path, PADDING)
    for name in ("train.py", "tools.py", "use_0.py", "use_1.py", "use_2.py"):
        (folder / "zoo" / name).unlink()
    (folder / "zoo" / "keep.py").write_text(
        "import torch\n\n\ndef zzkeep(model, path):\n    torch.save(model.state_dict(), path)\n"
    )
    path = folder / "zoo" / f"layers_{FILES - 1}.py"
    path.write_text(mention + path.read_text())
    audited(folder)
    assert path.relative_to(folder).as_posix() in skimmed(folder)
    assert verdicts(folder)["checkpointing.weights"] == verdict


def test_an_edit_that_would_choose_other_files_chooses_them(large: Path, tmp_path: Path) -> None:
    """A word in a comment can decide what is read; a number in a function that is read cannot."""
    folder = tmp_path / "tree"
    shutil.copytree(large, folder)
    cache = ("--cache", tmp_path / "cache")
    audited(folder, *cache)
    code = folder / "zoo" / "tools.py"
    text = code.read_text()
    for line in ("# see layers_7", "    touched = 1"):
        code.write_text(
            text.replace(
                '    model.load_state_dict(state["model"])\n',
                f'    model.load_state_dict(state["model"])\n{line}\n',
            )
        )
        audited(folder, *cache)
        warm = {
            name: artifact(folder, name) for name in ("facets", "capabilities_raw", "capabilities_scored")
        }
        audited(folder, "--no-cache")
        assert warm == {name: artifact(folder, name) for name in warm}
