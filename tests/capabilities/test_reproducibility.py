"""Probes of reproducibility and extensibility over code."""

from __future__ import annotations

import pytest

from codex_audit.capabilities import extensibility, reproducibility
from codex_audit.capabilities.ask import ask
from tests.query.trees import tree_of

PROBES = {probe.id: probe for room in (reproducibility, extensibility) for probe in room.CAPABILITY.probes}
INIT = {"pkg/__init__.py": ""}
ALL_SEEDS = "import random\nimport numpy as np\nimport torch\ndef main():\n    random.seed(1)\n    np.random.seed(1)\n    torch.manual_seed(1)\nmain()\n"
RECORD = "import json, torch, platform\ndef save(out):\n    json.dump({'torch': torch.__version__, 'python': platform.python_version()}, out)\nsave(1)\n"

YES: list[tuple[str, dict[str, str]]] = [
    ("reproducibility.seed", {"a.py": "import torch\ntorch.manual_seed(1)\n"}),
    ("reproducibility.seed", {"a.py": "from jax import random as r\nkey = r.PRNGKey(0)\n"}),
    ("reproducibility.seed-all", {"a.py": ALL_SEEDS}),
    ("reproducibility.seed-all", {"a.py": "from transformers import set_seed as s\ns(1)\n"}),
    ("reproducibility.deterministic", {"a.py": "import torch\ntorch.use_deterministic_algorithms(True)\n"}),
    ("reproducibility.deterministic", {"a.py": "import torch\ntorch.backends.cudnn.deterministic = True\n"}),
    ("reproducibility.pinned", {"uv.lock": "version = 1\n[[package]]\nname = 'a'\nversion = '1'\n"}),
    ("reproducibility.pinned", {"requirements.txt": "torch==2.6.0\nnumpy==2.0.0  # exact\n"}),
    ("reproducibility.environment", {"a.py": RECORD}),
    (
        "reproducibility.code-version",
        {
            "a.py": "import subprocess, json\ndef sha():\n    return subprocess.check_output(['git', 'rev-parse', 'HEAD'])\njson.dump({'sha': sha()}, open('r', 'w'))\n"
        },
    ),
    (
        "reproducibility.code-version",
        {
            "pkg/b.py": "import json, pkg\ndef save(f):\n    json.dump({'version': pkg.__version__}, f)\nsave(1)\n"
        },
    ),
    (
        "reproducibility.declared-python",
        {"pyproject.toml": "[project]\nname = 'a'\nrequires-python = '>=3.11'\n"},
    ),
    (
        "reproducibility.declared-python",
        {"setup.py": "from setuptools import setup\nsetup(name='a', python_requires='>=3.9')\n"},
    ),
    (
        "extensibility.registry",
        {
            "pkg/r.py": "MODELS = {}\ndef register(name):\n    def keep(cls):\n        MODELS[name] = cls\n        return cls\n    return keep\n@register('a')\nclass A:\n    pass\n"
        },
    ),
    (
        "extensibility.registry",
        {
            "pkg/r.py": "from hydra.utils import instantiate\ndef main(cfg):\n    return instantiate(cfg.model)\nmain(1)\n"
        },
    ),
    (
        "extensibility.plugins",
        {
            "pkg/r.py": "from importlib.metadata import entry_points as e\nfor p in e(group='pkg'):\n    p.load()\n"
        },
    ),
    (
        "extensibility.interfaces",
        {
            "pkg/r.py": "from abc import ABC, abstractmethod\nclass Base(ABC):\n    @abstractmethod\n    def go(self): ...\n"
        },
    ),
    (
        "extensibility.interfaces",
        {"pkg/r.py": "import typing as t\nclass Base(t.Protocol):\n    def go(self) -> int: ...\n"},
    ),
    (
        "extensibility.guide",
        {
            "docs/extend.md": "# Extending\n## Adding a new model\n"
            + "Write a class, give it a name, and register it so that users can choose it by name. " * 3
            + "\n```python\nclass A: ...\n```\n"
        },
    ),
]

NO: list[tuple[str, dict[str, str]]] = [
    ("reproducibility.seed", {"a.py": "import torch\nseed = 1\n# torch.manual_seed(seed)\nprint(torch, seed)\n"}),
    ("reproducibility.seed", {"tests/test_a.py": "import torch\ndef test_a():\n    torch.manual_seed(1)\n    assert torch\n"}),
    ("reproducibility.seed-all", {"a.py": "import torch\ntorch.manual_seed(1)\n"}),
    ("reproducibility.seed-all", {"a.py": "from jax import random\nkey = random.PRNGKey(0)\n"}),
    ("reproducibility.deterministic", {"a.py": "import torch\ntorch.backends.cudnn.benchmark = False\n"}),
    ("reproducibility.deterministic", {"a.py": "import torch\ntorch.use_deterministic_algorithms(False)\n"}),
    ("reproducibility.pinned", {"requirements.txt": "torch==2.6.0\nnumpy>=1.0\n"}),
    ("reproducibility.pinned", {"requirements-dev.txt": "pytest==8.0.0\n"}),
    ("reproducibility.environment", {"a.py": "import torch\nif torch.__version__ >= '2.0':\n    print(1)\n"}),
    ("reproducibility.environment", {"a.py": "import torch, platform\ndef main():\n    info = {'torch': torch.__version__}\n    print(info)\nmain()\n"}),
    ("reproducibility.code-version", {"pkg/b.py": "import argparse, pkg\np = argparse.ArgumentParser()\np.add_argument('--version', action='version', version=pkg.__version__)\n"}),
    ("reproducibility.declared-python", {"README.md": "Needs Python 3.11.\n"}),
    ("extensibility.registry", {"pkg/r.py": "MODELS = {'a': 1, 'b': 2}\n"}),
    ("extensibility.registry", {"pkg/r.py": "import importlib\ndef __getattr__(name):\n    return getattr(importlib.import_module('pkg.b'), name)\n"}),
    ("extensibility.plugins", {"pkg/r.py": "from importlib.metadata import version\nprint(version('pkg'))\n"}),
    ("extensibility.interfaces", {"pkg/r.py": "class Base:\n    pass\nclass A(Base):\n    pass\nclass B(Base):\n    pass\n"}),
    ("extensibility.guide", {"README.md": "# A\nSee the docs for adding a new model.\n"}),
]  # fmt: skip


@pytest.mark.parametrize(("probe", "files"), YES)
def test_the_real_thing_counts(probe: str, files: dict[str, str]) -> None:
    answer, _ = ask(tree_of({**INIT, **files}), PROBES[probe])
    assert answer.verdict == "yes", answer
    assert answer.evidence


@pytest.mark.parametrize(("probe", "files"), NO)
def test_its_look_alike_does_not(probe: str, files: dict[str, str]) -> None:
    answer, _ = ask(tree_of({**INIT, **files}), PROBES[probe])
    assert answer.verdict == "no", answer


def test_every_probe_has_both_a_real_thing_and_a_look_alike() -> None:
    assert {probe for probe, _ in YES} == {probe for probe, _ in NO} == set(PROBES)
