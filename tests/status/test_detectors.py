from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from codex_audit.status.detectors.catalogue import ranked_findings, weight
from codex_audit.status.model import Finding
from tests.status.planting import CLEAN, findings_of, ground_of, planted

LONG = "import os\n\n" + "".join(
    f"def part_{n}(x):\n    y = x + {n}\n    os.getcwd()\n    return y\n\n" for n in range(8)
)

PLANTED: dict[str, tuple[str, Mapping[str, str | bytes], str]] = {
    "the same bytes twice": (
        "duplicate-module",
        {"example/a.py": LONG, "example/b.py": LONG},
        "example/a.py",
    ),
    "the same definitions, moved by a comment": (
        "duplicate-module",
        {"example/a.py": LONG, "example/b.py": "# Copyright\n" + LONG.replace("y = x", "z = x")},
        "example/a.py",
    ),
    "a left-over copy": (
        "duplicate-module",
        {"example/sums.py01": "def total(numbers):\n    return 0\n"},
        "example/sums.py01",
    ),
    "an empty package": ("placeholder", {"example/search/__init__.py": ""}, "example/search/__init__.py"),
    "a kept folder": ("placeholder", {"example/safety/.gitkeep": ""}, "example/safety/.gitkeep"),
    "a module of stubs": (
        "placeholder",
        {"example/later.py": "def one():\n    raise NotImplementedError\n\n\ndef two():\n    pass\n"},
        "example/later.py:1",
    ),
    "a command without its function": (
        "entry-point",
        {"pyproject.toml": CLEAN["pyproject.toml"].replace("example.main:main", "example.main:missing")},
        "pyproject.toml:11",
    ),
    "a command that no test runs": (
        "entry-point",
        {
            "pyproject.toml": CLEAN["pyproject.toml"].replace(
                "[tool.ruff]", 'other = "example.other:run"\n\n[tool.ruff]'
            ),
            "example/other.py": "def run():\n    return 0\n",
        },
        "pyproject.toml:13",
    ),
    "a lock that breaks the declaration": (
        "pins",
        {"uv.lock": 'version = 1\n\n[[package]]\nname = "numpy"\nversion = "1.20.0"\n'},
        "uv.lock:4",
    ),
    "a lock that lacks a dependency": (
        "pins",
        {"uv.lock": 'version = 1\n\n[[package]]\nname = "torch"\nversion = "2.0"\n'},
        "pyproject.toml:8",
    ),
    "one package pinned twice": (
        "pins",
        {"requirements.txt": "numpy==1.26.0\n", "requirements-dev.txt": "numpy==2.0.0\n"},
        "requirements.txt:1",
    ),
    "an import that fails silently": (
        "silent-import",
        {
            "example/extra.py": "try:\n    import wandb\nexcept ImportError:\n    wandb = None\n\n\ndef log(x):\n    if wandb:\n        wandb.log(x)\n"
        },
        "example/extra.py:2",
    ),
    "a committed environment file": ("committed-artifact", {".env": "MODE=local\n"}, ".env"),
    "a committed checkpoint": ("committed-artifact", {"models/last.ckpt": b"\0\1" * 900}, "models/last.ckpt"),
    "a committed log": ("committed-artifact", {"run.log": "step 1\n"}, "run.log"),
    "two formatters": (
        "overlapping-tools",
        {
            "pyproject.toml": CLEAN["pyproject.toml"]
            + '\n[tool.black]\nline-length = 100\n\n[tool.ruff.format]\nquote-style = "double"\n'
        },
        "pyproject.toml:17",
    ),
    "two locks": (
        "overlapping-tools",
        {
            "uv.lock": 'version = 1\n\n[[package]]\nname = "numpy"\nversion = "2.0"\n',
            "poetry.lock": '[[package]]\nname = "numpy"\nversion = "2.0"\n',
        },
        "poetry.lock",
    ),
    "an import cycle": (
        "import-cycle",
        {
            "example/left.py": "from example.right import b\n\n\ndef a():\n    return b\n",
            "example/right.py": "import example.left\n\n\ndef b():\n    return example.left\n",
        },
        "example/left.py:1",
    ),
    "library code that imports tests": (
        "layer-break",
        {
            "example/sums.py": "from tests.helpers import add\n\n\ndef total(numbers):\n    return add(numbers)\n",
            "tests/__init__.py": "",
            "tests/helpers.py": "def add(numbers):\n    return sum(numbers)\n",
        },
        "example/sums.py:1",
    ),
    "a break of the stated layers": (
        "layer-break",
        {
            "pyproject.toml": CLEAN["pyproject.toml"]
            + '\n[tool.importlinter]\nroot_package = "example"\n\n[[tool.importlinter.contracts]]\nname = "order"\ntype = "layers"\nlayers = ["example.main", "example.sums"]\n',
            "example/sums.py": "def total(numbers):\n    from example.main import main\n\n    return main\n",
        },
        "example/sums.py:2",
    ),
    "a break of layers stated in an INI file": (
        "layer-break",
        {
            "setup.cfg": "[importlinter]\nroot_package = example\n\n[importlinter:contract:1]\ntype = layers\nlayers =\n    main\n    sums\ncontainers = example\n",
            "example/sums.py": "def total(numbers):\n    from example.main import main\n\n    return main\n",
        },
        "example/sums.py:2",
    ),
}


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_found_by_its_detector_at_its_place_and_by_no_other(
    fault: str, tmp_path: Path
) -> None:
    detector, files, place = PLANTED[fault]
    found = findings_of(tmp_path, files)
    assert {finding.detector for finding in found} == {detector}
    assert place in [item.place for finding in found for item in finding.places]


def test_a_clean_tree_is_silent(tmp_path: Path) -> None:
    assert findings_of(tmp_path, {}) == ()


INNOCENT: dict[str, Mapping[str, str | bytes]] = {
    "interfaces": {
        "example/api.py": "from abc import ABC, abstractmethod\nfrom typing import Protocol\n\n\nclass A(ABC):\n    @abstractmethod\n"
        "    def one(self): ...\n\n    @abstractmethod\n    def two(self): ...\n\n\nclass P(Protocol):\n    def three(self): ...\n"
    },
    "an optional import that says so": {
        "example/extra.py": "import logging\n\ntry:\n    import wandb\nexcept ImportError:\n    wandb = None\n    logging.warning('no wandb')\n"
    },
    "another import instead": {
        "example/extra.py": "try:\n    import tomllib\nexcept ImportError:\n    import tomli as tomllib\n\nload = tomllib.loads\n"
    },
    "types that import each other": {
        "example/left.py": "from __future__ import annotations\n\nfrom typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from example.right import B\n\n\nclass A:\n    other: B\n",
        "example/right.py": "from example.left import A\n\n\nclass B:\n    other: A\n",
    },
    "an import inside a function": {
        "example/left.py": "def a():\n    from example.right import b\n\n    return b\n",
        "example/right.py": "from example.left import a\n\n\ndef b():\n    return a\n",
    },
    "a small fixture of tests": {"tests/data/tiny.pt": b"\0\1\2" * 50},
    "an example of an environment file": {".env.example": "TOKEN=\n"},
    "a namespace folder with data": {"example/data/__init__.py": "", "example/data/words.txt": "a\nb\n"},
    "a lock that fits": {"uv.lock": 'version = 1\n\n[[package]]\nname = "numpy"\nversion = "2.0.0"\n'},
    "ruff for all": {
        "pyproject.toml": CLEAN["pyproject.toml"]
        + '\n[tool.ruff.lint]\nselect = ["E", "I"]\n\n[tool.ruff.format]\nquote-style = "double"\n'
    },
    "a package that calls its module tests": {
        "example/tests.py": "def count(x):\n    return x\n",
        "example/sums.py": "from example.tests import count\n\n\ndef total(numbers):\n    return count(numbers)\n",
    },
}


@pytest.mark.parametrize("case", INNOCENT)
def test_what_is_fine_is_not_reported(case: str, tmp_path: Path) -> None:
    assert findings_of(tmp_path, INNOCENT[case]) == ()


def test_a_command_is_tested_when_a_test_starts_it_by_name(tmp_path: Path) -> None:
    test = 'import subprocess\n\n\ndef test_help():\n    assert subprocess.run(["example", "--help"]).returncode == 0\n'
    assert findings_of(tmp_path, {"tests/test_main.py": test}) == ()


def test_an_untracked_artifact_is_no_finding(tmp_path: Path) -> None:
    planted(tmp_path, CLEAN, git=True)
    (tmp_path / "run.log").write_text("step 1\n")
    assert ranked_findings(ground_of(tmp_path)) == ()


def test_findings_are_ranked_by_risk_and_reach(tmp_path: Path) -> None:
    found = findings_of(
        tmp_path,
        {".env": "A=1\n", "run.log": "x\n", "example/a.py": LONG, "example/b.py": LONG, "example/c.py": LONG},
    )
    assert [finding.level for finding in found] == ["high", "medium", "low"]
    assert [weight(finding) for finding in found] == sorted(map(weight, found), reverse=True)


def test_the_content_of_an_environment_file_is_not_shown(tmp_path: Path) -> None:
    found = findings_of(tmp_path, {".env": "PASSWORD=hunter2hunter2\n"})
    assert found and not any("hunter2" in str(finding) for finding in found)


def test_reach_counts_what_is_not_shown(tmp_path: Path) -> None:
    files = {f"logs/{number}.log": "x\n" for number in range(9)}
    (finding,) = findings_of(tmp_path, files)
    assert isinstance(finding, Finding)
    assert (finding.reach, len(finding.places) + finding.more) == (9, 9)
