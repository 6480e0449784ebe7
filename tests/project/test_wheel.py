"""What a user installs: the wheel, alone in an environment of its own."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

import codex_audit

ROOT = Path(__file__).resolve().parents[2]
NOT_SOURCE = shutil.ignore_patterns(
    ".git", ".venv", ".*_cache", ".hypothesis", "__pycache__", "demo", "wheelhouse"
)

# One worker builds and installs; the others need not do it again.
pytestmark = pytest.mark.xdist_group("wheel")


@dataclass(frozen=True)
class Installed:
    """A virtual environment that holds the wheel and sees the dependencies of this one."""

    home: Path

    def run(self, *command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        return subprocess.run(
            [str(self.home / "bin" / command[0]), *command[1:]],
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )


def build(source: Path, into: Path, *what: str) -> dict[str, str]:
    """The sha256 of each distribution built from ``source``, by file name."""
    command = [sys.executable, "-m", "build", "--no-isolation", *what, "--outdir", str(into), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(into.iterdir())}


def install(wheel: Path, home: Path) -> Installed:
    """A fresh environment with ``wheel`` in it; a .pth file lends it the dependencies of the running one."""
    venv.create(home, with_pip=False)
    python = str(home / "bin" / "python")
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", str(wheel)]
    subprocess.run(pip, check=True, capture_output=True)
    (site_packages,) = home.glob("lib/python*/site-packages")
    (site_packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return Installed(home)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    build(ROOT, folder, "--wheel")
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return install(wheel, tmp_path_factory.mktemp("home") / "venv")


@pytest.fixture
def tiny_tree(tmp_path: Path) -> Path:
    tree = tmp_path / "tiny"
    tree.mkdir()
    (tree / "train.py").write_text("import torch\n\ntorch.manual_seed(0)\n")
    (tree / "README.md").write_text("# Tiny\n")
    return tree


def test_both_programs_answer_with_the_version_of_the_wheel(installed: Installed, tmp_path: Path) -> None:
    for program in ("codex-audit", "codex-train"):
        ended = installed.run(program, "--version", cwd=tmp_path)
        assert (ended.returncode, ended.stdout) == (0, f"{program} {codex_audit.__version__}\n"), ended.stderr


def test_codex_train_without_its_extra_says_what_to_install(installed: Installed, tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text("data: {files: [a.txt]}\n")
    # None in this table is how Python says that a module is not there (`import`, the reference, 5.3.1).
    program = (
        "import sys; sys.modules['omegaconf'] = None\n"
        "from codex_train.main import main; sys.exit(main(['run', 'run.yaml']))"
    )
    ended = installed.run("python", "-c", program, cwd=tmp_path)
    assert ended.returncode == 2
    assert "codex-audit[train]" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_resources_come_from_the_wheel(installed: Installed, tmp_path: Path) -> None:
    program = (
        "from importlib.resources import files\n"
        "from codex_evidence.resources import schema_folder, template_folder\n"
        "print(schema_folder()); print(template_folder())\n"
        "print(files('codex_audit') / 'default_workflow.yaml')\n"
    )
    ended = installed.run("python", "-c", program, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    schemas, templates, workflow = (Path(line) for line in ended.stdout.splitlines())
    for place in (schemas, templates, workflow):
        assert place.is_relative_to(installed.home)
    assert workflow.is_file()
    assert sorted(path.name for path in schemas.iterdir()) == sorted(
        path.name for path in (ROOT / "schemas").iterdir()
    )
    assert sorted(path.name for path in templates.iterdir()) == sorted(
        path.name for path in (ROOT / "templates").iterdir()
    )


def test_an_audit_runs_and_verifies_from_another_folder(
    installed: Installed, tiny_tree: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    output = tmp_path / "output"
    ran = installed.run("codex-audit", "run", str(tiny_tree), "--output", str(output), cwd=elsewhere)
    assert ran.returncode == 0, ran.stderr
    (report,) = (output / "reports").glob("capability_matrix_*.md")
    assert "train.py:3" in report.read_text()
    verified = installed.run("codex-audit", "verify", str(output), "--tree", str(tiny_tree), cwd=elsewhere)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert list(elsewhere.iterdir()) == []


def test_an_audit_without_its_templates_ends_in_one_line(
    wheel: Path, tiny_tree: Path, tmp_path: Path
) -> None:
    broken = install(wheel, tmp_path / "broken")
    (templates,) = broken.home.glob("lib/python*/site-packages/codex_audit/templates")
    shutil.rmtree(templates)
    ended = broken.run(
        "codex-audit", "run", str(tiny_tree), "--output", str(tmp_path / "output"), cwd=tmp_path
    )
    assert ended.returncode not in (0, 1)
    assert "install codex-audit again" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_wheel_and_sdist_are_the_same_bytes_from_any_folder(tmp_path: Path) -> None:
    copy = tmp_path / "a copy"
    shutil.copytree(ROOT, copy, ignore=NOT_SOURCE, copy_function=shutil.copy, symlinks=True)
    chained = build(ROOT, tmp_path / "chained")
    apart = build(copy, tmp_path / "apart", "--sdist", "--wheel")
    assert len(chained) == 2
    assert chained == apart
