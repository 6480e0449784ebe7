"""What is recorded of machine, packages and code, and what never is."""

from __future__ import annotations

import base64
import hashlib
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from codex_evidence.schemas import validate
from codex_train.recorder.code import LONGEST_UNTRACKED, Code, record_code
from codex_train.recorder.environment import class_differences, record_environment
from codex_train.recorder.packages import loaded_packages, verify_packages

TORCH = (
    "import json, sys, torch; torch.set_num_threads(int(sys.argv[1]));"
    "from codex_train.recorder.environment import record_environment;"
    "found = record_environment(); print(json.dumps([found.document['class'], found.class_sha256]))"
)


def in_torch(threads: int, **variables: str) -> tuple[dict[str, Any], str]:
    done = subprocess.run(
        [sys.executable, "-c", TORCH, str(threads)],
        env={**os.environ, **variables},
        capture_output=True,
        check=True,
    )
    found = json.loads(done.stdout)
    return found[0], found[1]


def test_the_record_follows_its_schema_and_repeats() -> None:
    first, second = record_environment(), record_environment()
    validate(dict(first.document), "run_environment")
    assert first == second


def test_only_what_changes_bits_changes_the_class(monkeypatch: pytest.MonkeyPatch) -> None:
    base = record_environment()
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    other = record_environment(settings={"base": "/somewhere"})
    assert other.class_sha256 == base.class_sha256
    assert other.sha256 != base.sha256
    monkeypatch.setenv("MKL_CBWR", "COMPATIBLE")
    moved = record_environment(world_size=2)
    assert class_differences(base.environment_class, moved.environment_class) == [
        ("variables.MKL_CBWR", None, "COMPATIBLE"),
        ("world_size", 1, 2),
    ]


def test_no_other_variable_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_TOKEN", "AWS_SECRET_ACCESS_KEY", "MKL_SECRET", "PATH", "HTTP_PROXY"):
        monkeypatch.setenv(name, "s3cr3t-" + name)
    assert "s3cr3t" not in json.dumps(record_environment().document)


def test_threads_and_instruction_sets_of_torch_are_in_the_class() -> None:
    pytest.importorskip("torch")
    one, again, two = in_torch(1), in_torch(1), in_torch(2)
    assert one == again
    assert class_differences(one[0], two[0]) == [("torch.threads", 1, 2)]
    narrow, _ = in_torch(1, ATEN_CPU_CAPABILITY="default")
    fields = {field for field, _, _ in class_differences(one[0], narrow)}
    assert fields == {"torch.cpu_capability", "variables.ATEN_CPU_CAPABILITY"}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the path with one installed distribution of two modules and a data file."""
    files = {"odd_name/__init__.py": b"VALUE = 1\n", "odd_name/part.py": b"", "odd_name/a, b.txt": b"text"}
    rows = []
    for name, data in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        quoted = f'"{name}"' if "," in name else name
        rows.append(f"{quoted},sha256={digest},{len(data)}\n")
    info = tmp_path / "Odd.Name-1.2.dist-info"
    info.mkdir()
    (info / "RECORD").write_text(
        "".join(rows) + "odd_name/__pycache__/part.pyc,,\n" + f"{info.name}/RECORD,,\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "odd_name", raising=False)
    return tmp_path


def test_a_distribution_is_recorded_once_a_module_of_it_is_loaded(site: Path) -> None:
    assert "Odd.Name" not in {package.name for package in loaded_packages()}
    importlib.import_module("odd_name")
    found = next(package for package in loaded_packages() if package.name == "Odd.Name")
    record = (site / "Odd.Name-1.2.dist-info/RECORD").read_bytes()
    assert (found.version, found.record_sha256) == ("1.2", hashlib.sha256(record).hexdigest())


def test_installed_files_are_compared_with_their_record(site: Path) -> None:
    assert verify_packages(["odd_name"]) == []
    (site / "odd_name/part.py").write_text("import os\n")
    assert verify_packages(["Odd-Name"]) == ["Odd.Name: odd_name/part.py is not the file that was installed"]
    (site / "odd_name/a, b.txt").unlink()
    assert len(verify_packages(["odd.name"])) == 2
    assert verify_packages(["no-such-thing"]) == ["no-such-thing: it is not installed any more"]


def test_a_patched_package_is_in_the_manifest_of_the_run(
    site: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    from codex_train.recorder.environment import Environment
    from codex_train.recorder.recorder import Recorder
    from tests.recorder.made_up import CONFIG, data_manifest

    document = dict(record_environment().document)
    package = {"name": "Odd.Name", "version": "1.2", "record_sha256": ""}
    document["detail"] = {**document["detail"], "packages": [package]}
    run = tmp_path_factory.mktemp("run") / "run"
    recorder = Recorder.open(
        run, name="x", config=CONFIG, data=data_manifest(), environment=Environment(document, {})
    )
    (site / "odd_name/__init__.py").write_text("VALUE = 2\n")
    manifest = recorder.close("finished", verify_packages=True)
    assert manifest.packages_verified == (
        "Odd.Name: odd_name/__init__.py is not the file that was installed",
    )


def git(folder: Path, *arguments: str) -> str:
    names = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", *names, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    root.mkdir()
    git(root, "init", "-q", "-b", "main")
    (root / ".gitignore").write_text("ignored\n")
    (root / "a.py").write_text("a = 1\n")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "first")
    return root


def code(folder: Path) -> Code:
    found = record_code(folder)
    assert isinstance(found, Code), found
    return found


def test_a_clean_tree_is_that_of_the_commit(repository: Path) -> None:
    found = code(repository)
    assert (found.commit, found.tree) == (
        git(repository, "rev-parse", "HEAD"),
        git(repository, "rev-parse", "HEAD^{tree}"),
    )
    assert (found.dirty, found.patch) == (False, b"")


def test_a_dirty_tree_can_be_made_again_from_commit_and_patch(repository: Path, tmp_path: Path) -> None:
    (repository / "a.py").write_text("a = 2\n")
    (repository / "new.bin").write_bytes(bytes(range(256)))
    (repository / "ignored").write_text("not code")
    found = code(repository)
    assert found.dirty
    git(tmp_path, "clone", "-q", str(repository), "clone")
    (tmp_path / "patch").write_bytes(found.patch)
    git(tmp_path / "clone", "apply", "--cached", str(tmp_path / "patch"))
    assert git(tmp_path / "clone", "write-tree") == found.tree


def test_recording_changes_nothing_in_the_repository(repository: Path) -> None:
    (repository / "a.py").write_text("a = 2\n")
    (repository / "new.py").write_text("b = 1\n")
    before = {path: path.stat().st_mtime_ns for path in repository.rglob("*")}
    code(repository)
    assert {path: path.stat().st_mtime_ns for path in repository.rglob("*")} == before
    assert git(repository, "status", "--porcelain") == "M a.py\n?? new.py"


def test_nothing_of_the_tree_runs(repository: Path, tmp_path: Path) -> None:
    proof = tmp_path / "ran"
    (repository / ".gitattributes").write_text("*.py filter=evil diff=evil\n")
    for key in (
        "filter.evil.clean",
        "filter.evil.process",
        "core.fsmonitor",
        "diff.evil.command",
        "diff.evil.textconv",
    ):
        git(repository, "config", key, f"touch {proof}; cat")
    git(repository, "config", "filter.evil.required", "true")
    hook = repository / ".git/hooks/post-index-change"
    hook.write_text(f"#!/bin/sh\ntouch {proof}\n")
    hook.chmod(0o755)
    (repository / "a.py").write_text("a = 2\n")
    assert code(repository).dirty
    assert not proof.exists()


def test_run_folders_and_long_files_are_no_code(repository: Path) -> None:
    clean = code(repository).tree
    for name in ("runs/a/run.json", "runs/a/segments/0000/manifest.json", "runs/a/loss.svg"):
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / name).write_text("{}")
    with (repository / "corpus.bin").open("wb") as file:
        file.truncate(LONGEST_UNTRACKED + 1)
    found = code(repository)
    assert (found.tree, found.left_out) == (clean, ("corpus.bin",))


def test_a_repository_without_a_commit_has_a_tree(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / "a.py").write_text("a = 1\n")
    found = code(tmp_path)
    assert (found.commit, found.dirty, len(found.tree)) == ("", True, 40)


def test_a_folder_in_no_repository_is_a_note(tmp_path: Path) -> None:
    assert "not a git repository" in str(record_code(tmp_path))
    found = record_environment(code=tmp_path / "missing")
    assert found.code_tree == ""
    assert "code not recorded" in found.document["detail"]["notes"][0]
