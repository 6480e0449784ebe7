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
        {"adder/a.py": LONG, "adder/b.py": LONG},
        "adder/a.py",
    ),
    "the same definitions, moved by a comment": (
        "duplicate-module",
        {"adder/a.py": LONG, "adder/b.py": "# Copyright\n" + LONG.replace("y = x", "z = x")},
        "adder/a.py",
    ),
    "a left-over copy": (
        "duplicate-module",
        {"adder/sums.py01": "def total(numbers):\n    return 0\n"},
        "adder/sums.py01",
    ),
    "an empty package": ("placeholder", {"adder/search/__init__.py": ""}, "adder/search/__init__.py"),
    "a kept folder": ("placeholder", {"adder/safety/.gitkeep": ""}, "adder/safety/.gitkeep"),
    "a module of stubs": (
        "placeholder",
        {"adder/later.py": "def one():\n    raise NotImplementedError\n\n\ndef two():\n    pass\n"},
        "adder/later.py:1",
    ),
    "a command without its function": (
        "entry-point",
        {"pyproject.toml": CLEAN["pyproject.toml"].replace("adder.main:main", "adder.main:missing")},
        "pyproject.toml:11",
    ),
    "a command that no test runs": (
        "entry-point",
        {
            "pyproject.toml": CLEAN["pyproject.toml"].replace(
                "[tool.ruff]", 'other = "adder.other:run"\n\n[tool.ruff]'
            ),
            "adder/other.py": "def run():\n    return 0\n",
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
    "a script that setup.py installs and no test starts": (
        "entry-point",
        {
            "setup.py": "from setuptools import setup\n\nsetup(name='adder', scripts=['bin/add-all'])\n",
            "bin/add-all": "#!/usr/bin/env python\nprint(1)\n",
        },
        "setup.py:3",
    ),
    "a script that setup.py installs and that is gone": (
        "entry-point",
        {"setup.py": "from setuptools import setup\n\nsetup(name='adder', scripts=['bin/add-all'])\n"},
        "setup.py:3",
    ),
    "an import that fails silently": (
        "silent-import",
        {
            "adder/extra.py": "try:\n    import wandb\nexcept ImportError:\n    wandb = None\n\n\ndef log(x):\n    if wandb:\n        wandb.log(x)\n"
        },
        "adder/extra.py:2",
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
            "adder/left.py": "from adder.right import b\n\n\ndef a():\n    return b\n",
            "adder/right.py": "import adder.left\n\n\ndef b():\n    return adder.left\n",
        },
        "adder/left.py:1",
    ),
    "a cycle through a package's own names": (
        "import-cycle",
        {
            "adder/__init__.py": "from adder.base import Base\nfrom adder.more import More\n",
            "adder/base.py": "class Base:\n    pass\n",
            "adder/more.py": "from adder import Base\n\n\nclass More(Base):\n    pass\n",
        },
        "adder/__init__.py:2",
    ),
    "a cycle through a package that is loaded first": (
        "import-cycle",
        {
            "adder/kinds/__init__.py": "from adder.kinds.all import ALL\n",
            "adder/kinds/all.py": "from adder.left import a\n\nALL = [a]\n",
            "adder/kinds/one.py": "ONE = 1\n",
            "adder/left.py": "from adder.kinds.one import ONE\n\n\ndef a():\n    return ONE\n",
        },
        "adder/kinds/__init__.py:1",
    ),
    "library code that imports tests": (
        "layer-break",
        {
            "adder/sums.py": "from tests.helpers import add\n\n\ndef total(numbers):\n    return add(numbers)\n",
            "tests/__init__.py": "",
            "tests/helpers.py": "def add(numbers):\n    return sum(numbers)\n",
        },
        "adder/sums.py:1",
    ),
    "a break of the stated layers": (
        "layer-break",
        {
            "pyproject.toml": CLEAN["pyproject.toml"]
            + '\n[tool.importlinter]\nroot_package = "adder"\n\n[[tool.importlinter.contracts]]\nname = "order"\ntype = "layers"\nlayers = ["adder.main", "adder.sums"]\n',
            "adder/sums.py": "def total(numbers):\n    from adder.main import main\n\n    return main\n",
        },
        "adder/sums.py:2",
    ),
    "a break of layers stated in an INI file": (
        "layer-break",
        {
            "setup.cfg": "[importlinter]\nroot_package = adder\n\n[importlinter:contract:1]\ntype = layers\nlayers =\n    main\n    sums\ncontainers = adder\n",
            "adder/sums.py": "def total(numbers):\n    from adder.main import main\n\n    return main\n",
        },
        "adder/sums.py:2",
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
        "adder/api.py": "from abc import ABC, abstractmethod\nfrom typing import Protocol\n\n\nclass A(ABC):\n    @abstractmethod\n"
        "    def one(self): ...\n\n    @abstractmethod\n    def two(self): ...\n\n\nclass P(Protocol):\n    def three(self): ...\n"
    },
    "an optional import that says so": {
        "adder/extra.py": "import logging\n\ntry:\n    import wandb\nexcept ImportError:\n    wandb = None\n    logging.warning('no wandb')\n"
    },
    "an optional import that is asked for by name": {
        "adder/extra.py": "from adder.needs import needs\n\ntry:\n    import wandb\nexcept ImportError:\n    wandb = None\n\n\ndef log(x):\n    needs('wandb')\n    wandb.log(x)\n",
        "adder/needs.py": "def needs(name):\n    return name\n",
    },
    "hooks of a base class and refusals of a derived one": {
        "adder/hooks.py": "class Hooks:\n    def start(self): pass\n\n    def stop(self): pass\n",
        "adder/quiet.py": "from adder.hooks import Hooks\n\n\nclass Quiet(Hooks):\n    def start(self): pass\n\n"
        "    def stop(self):\n        raise NotImplementedError\n",
    },
    "a class in place of a package that is not there": {
        "adder/extra.py": "try:\n    from kernels import Layer\nexcept ImportError as error:\n    REASON = str(error)\n\n"
        "    class Layer:\n        def load(self):\n            raise NotImplementedError(REASON)\n\n"
        "        def save(self):\n            raise NotImplementedError(REASON)\n"
    },
    "another import instead": {
        "adder/extra.py": "try:\n    import tomllib\nexcept ImportError:\n    import tomli as tomllib\n\nload = tomllib.loads\n"
    },
    "types that import each other": {
        "adder/left.py": "from __future__ import annotations\n\nfrom typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from adder.right import B\n\n\nclass A:\n    other: B\n",
        "adder/right.py": "from adder.left import A\n\n\nclass B:\n    other: A\n",
    },
    "a version that a package takes in": {
        "adder/__init__.py": "from adder._version import __version__\nfrom adder.more import more\n",
        "adder/_version.py": '__version__ = "1"\n',
        "adder/more.py": "from adder import __version__\n\n\ndef more():\n    return __version__\n",
    },
    "a name that a package defines itself": {
        "adder/__init__.py": 'VERSION = "1"\n\nfrom adder.more import more\n',
        "adder/more.py": "from adder import VERSION\n\n\ndef more():\n    return VERSION\n",
    },
    "an import inside a function": {
        "adder/left.py": "def a():\n    from adder.right import b\n\n    return b\n",
        "adder/right.py": "from adder.left import a\n\n\ndef b():\n    return a\n",
    },
    "a small fixture of tests": {"tests/data/tiny.pt": b"\0\1\2" * 50},
    "an example of an environment file": {".env.example": "TOKEN=\n"},
    "a namespace folder with data": {"adder/data/__init__.py": "", "adder/data/words.txt": "a\nb\n"},
    "a lock that fits": {"uv.lock": 'version = 1\n\n[[package]]\nname = "numpy"\nversion = "2.0.0"\n'},
    "ruff for all": {
        "pyproject.toml": CLEAN["pyproject.toml"]
        + '\n[tool.ruff.lint]\nselect = ["E", "I"]\n\n[tool.ruff.format]\nquote-style = "double"\n'
    },
    "a package that calls its module tests": {
        "adder/tests.py": "def count(x):\n    return x\n",
        "adder/sums.py": "from adder.tests import count\n\n\ndef total(numbers):\n    return count(numbers)\n",
    },
}


@pytest.mark.parametrize("case", INNOCENT)
def test_what_is_fine_is_not_reported(case: str, tmp_path: Path) -> None:
    assert findings_of(tmp_path, INNOCENT[case]) == ()


def test_a_command_is_tested_when_a_test_starts_it_by_name(tmp_path: Path) -> None:
    test = 'import subprocess\n\n\ndef test_help():\n    assert subprocess.run(["adder", "--help"]).returncode == 0\n'
    assert findings_of(tmp_path, {"tests/test_main.py": test}) == ()


def test_a_logger_of_the_same_name_does_not_test_a_command(tmp_path: Path) -> None:
    test = "import logging\n\n\ndef test_level():\n    assert logging.getLogger('adder').level == 0\n"
    (finding,) = findings_of(tmp_path, {"tests/test_main.py": test})
    assert (finding.detector, finding.places[0].place) == ("entry-point", "pyproject.toml:11")


def test_an_untracked_artifact_is_no_finding(tmp_path: Path) -> None:
    planted(tmp_path, CLEAN, git=True)
    (tmp_path / "run.log").write_text("step 1\n")
    assert ranked_findings(ground_of(tmp_path)) == ()


def test_findings_are_ranked_by_risk_and_reach(tmp_path: Path) -> None:
    found = findings_of(
        tmp_path,
        {".env": "A=1\n", "run.log": "x\n", "adder/a.py": LONG, "adder/b.py": LONG, "adder/c.py": LONG},
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
