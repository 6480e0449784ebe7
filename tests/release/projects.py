"""Small projects that are ready for release, and the check run over them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from codex_audit.release.check import check
from codex_audit.release.model import Answer, Ground, Outcome
from codex_audit.release.profile import load_profile

PYPROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "small"
version = "1.2.0"
requires-python = ">=3.11"
dependencies = ["packaging>=20"]

[project.scripts]
small = "small:main"

[tool.hatch.build.targets.wheel]
only-include = ["small"]

[tool.coverage.report]
fail_under = 80
"""
MODULE = '''"""A small project."""

__version__ = "1.2.0"


def main() -> None:
    print("usage: small")
'''
OFFLINE = """
build: {options: --no-isolation}
install: {options: --no-index --no-deps}
tests: {command: "python -m pytest -q -p no:cacheprovider"}
"""


def project(folder: Path) -> Path:
    """A project without a fault, under git."""
    files = {
        "pyproject.toml": PYPROJECT,
        "small/__init__.py": MODULE,
        "tests/test_small.py": "import small\n\n\ndef test_main(capsys):\n    small.main()\n    assert capsys.readouterr().out\n",
        "CHANGELOG.md": "# Changelog\n\n## 1.2.0\n\n- It prints.\n\n## 1.1.0\n\n- It is there.\n",
        "requirements.txt": "packaging==26.0\n",
        "README.md": "# small\n",
        ".gitignore": "build/\n__pycache__/\n",
    }
    for name, text in files.items():
        write(folder, name, text)
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    return folder


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def ground(root: Path, profile: str = OFFLINE) -> Ground:
    """What is checked, with what a profile of the test's own says."""
    path = write(root.parent, f"{root.name}-profile.yaml", profile)
    return Ground(root, load_profile(str(path)), root / "build" / "release", sys.executable)


def outcome(root: Path, item: str, profile: str = OFFLINE) -> Outcome:
    """The outcome of one item."""
    (answer,) = answers(root, item, profile=profile)
    return answer.outcome


def answers(root: Path, *items: str, profile: str = OFFLINE) -> tuple[Answer, ...]:
    return tuple(check(ground(root, profile), frozenset(items)))
