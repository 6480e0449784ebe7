"""The probes of reproducibility: what counts, and the look-alike that does not."""

from __future__ import annotations

import pytest

from codex_audit.capabilities import reproducibility
from codex_audit.capabilities.ask import ask
from tests.query.trees import tree_of

PROBES = {probe.id: probe for probe in reproducibility.CAPABILITY.probes}
CODE = {"pkg/__init__.py": ""}
ALL_SEEDS = "import random\nimport numpy as np\nimport torch\ndef main():\n    random.seed(1)\n    np.random.seed(1)\n    torch.manual_seed(1)\nmain()\n"
RECORD = "import json, torch, platform\ndef save(out):\n    json.dump({'torch': torch.__version__, 'python': platform.python_version()}, out)\nsave(1)\n"
REPORT = """\
import sys, subprocess
def run(cmd):
    return subprocess.check_output(cmd, shell=True)
def describe_environment():
    text = "Python: " + sys.version
    text += run("pip freeze").decode() + run("git rev-parse --short HEAD").decode()
    return text
def main():
    with open("env.log", "w") as out:
        out.write(describe_environment())
main()
"""
SHOWN = REPORT.replace("out.write(", "print(")
CACHED = "import torch\nCACHE = {}\ndef size(device):\n    CACHE[device] = torch.cuda.get_device_properties(device).L2_cache_size\n    return CACHE[device]\nsize(0)\n"
HELPED = "import random\nimport numpy as np\ntry:\n    import torch\nexcept ImportError:\n    torch = None\ndef set_torch_seed(n):\n    torch.manual_seed(n)\ndef main():\n    random.seed(1)\n    np.random.seed(1)\n    set_torch_seed(1)\nmain()\n"
APART = HELPED.replace("set_torch_seed", "fit")
FIELD = """\
import json
from dataclasses import asdict, dataclass
from pkg.version import __version__
@dataclass
class Config:
    pkg_version: str = ""
    def __post_init__(self):
        self.pkg_version = self._get_version()
    def _get_version(self):
        version = __version__
        return version
    def save(self, out):
        json.dump(asdict(self), out)
Config().save(open("c.json", "w"))
"""
CARD = """\
from huggingface_hub import ModelCard
from pkg.version import __version__
def upload(path):
    card = ModelCard.load(path)
    card.text = f"Made with {__version__}."
    card.save(path)
upload("a")
"""
ARCHIVE = """\
import platform, zipfile
from pkg.version import __version__
def system_info(shown=True):
    info = {"python": platform.python_version()}
    if shown:
        print(info)
    return info
def save(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("version", __version__)
        archive.writestr("system", str(system_info(shown=False)))
save("a")
"""
AGENT = (
    "from pkg.version import __version__\nHEADERS = {'User-Agent': f'pkg/{__version__}'}\nprint(HEADERS)\n"
)
VERSION = {"pkg/version.py": "__version__ = '1'\n"}
CONVERTER = "import torch\ndef convert_v1_to_v2(old):\n    old['torch_version'] = torch.__version__\n    torch.save(old, 'new.pt')\nconvert_v1_to_v2({})\n"

YES: list[tuple[str, dict[str, str]]] = [
    ("reproducibility.seed", {"a.py": "import torch\ntorch.manual_seed(1)\n"}),
    ("reproducibility.seed", {"a.py": "from jax import random as r\nkey = r.PRNGKey(0)\n"}),
    ("reproducibility.seed-all", {"a.py": ALL_SEEDS}),
    ("reproducibility.seed-all", {"a.py": "from transformers import set_seed as s\ns(1)\n"}),
    ("reproducibility.seed-all", {"a.py": HELPED}),
    ("reproducibility.seed", {"a.py": "import tensorflow as tf\ntf.compat.v1.set_random_seed(1)\n"}),
    ("reproducibility.deterministic", {"a.py": "import torch\ntorch.use_deterministic_algorithms(True)\n"}),
    (
        "reproducibility.deterministic",
        {"a.py": "import os\nos.environ.setdefault('CUBLAS_WORKSPACE_CONFIG', ':4096:8')\n"},
    ),
    ("reproducibility.environment", {"a.py": REPORT}),
    ("reproducibility.code-version", {"a.py": REPORT}),
    ("reproducibility.code-version", {"pkg/a.py": FIELD, **VERSION}),
    ("reproducibility.code-version", {"pkg/a.py": ARCHIVE, **VERSION}),
    ("reproducibility.environment", {"pkg/a.py": ARCHIVE, **VERSION}),
    ("reproducibility.code-version", {"pkg/a.py": CARD, **VERSION}),
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
]

NO: list[tuple[str, dict[str, str]]] = [
    (
        "reproducibility.seed",
        {"a.py": "import torch\nseed = 1\n# torch.manual_seed(seed)\nprint(torch, seed)\n"},
    ),
    (
        "reproducibility.seed",
        {"tests/test_a.py": "import torch\ndef test_a():\n    torch.manual_seed(1)\n    assert torch\n"},
    ),
    ("reproducibility.seed-all", {"a.py": "import torch\ntorch.manual_seed(1)\n"}),
    ("reproducibility.seed-all", {"a.py": "from jax import random\nkey = random.PRNGKey(0)\n"}),
    ("reproducibility.seed-all", {"a.py": APART}),
    ("reproducibility.deterministic", {"a.py": "import torch\ntorch.backends.cudnn.benchmark = False\n"}),
    (
        "reproducibility.deterministic",
        {"a.py": "import os\nos.environ.setdefault('CUDA_VISIBLE_DEVICES', '0')\n"},
    ),
    ("reproducibility.environment", {"a.py": SHOWN}),
    ("reproducibility.code-version", {"a.py": SHOWN}),
    ("reproducibility.environment", {"a.py": CACHED}),
    ("reproducibility.environment", {"a.py": CONVERTER}),
    ("reproducibility.code-version", {"pkg/a.py": AGENT, **VERSION}),
    ("reproducibility.deterministic", {"a.py": "import torch\ntorch.use_deterministic_algorithms(False)\n"}),
    ("reproducibility.pinned", {"requirements.txt": "torch==2.6.0\nnumpy>=1.0\n"}),
    ("reproducibility.pinned", {"requirements-dev.txt": "pytest==8.0.0\n"}),
    (
        "reproducibility.pinned",
        {
            "pyproject.toml": "[project]\nname = 'a'\ndependencies = ['torch']\n",
            "part/pyproject.toml": "[project]\nname = 'b'\n",
            "part/uv.lock": "version = 1\n[[package]]\nname = 'a'\nversion = '1'\n",
        },
    ),
    ("reproducibility.environment", {"a.py": "import torch\nif torch.__version__ >= '2.0':\n    print(1)\n"}),
    (
        "reproducibility.environment",
        {
            "a.py": "import torch, platform\ndef main():\n    info = {'torch': torch.__version__}\n    print(info)\nmain()\n"
        },
    ),
    (
        "reproducibility.code-version",
        {
            "pkg/b.py": "import argparse, pkg\np = argparse.ArgumentParser()\np.add_argument('--version', action='version', version=pkg.__version__)\n"
        },
    ),
    ("reproducibility.declared-python", {"README.md": "Needs Python 3.11.\n"}),
]


def verdict(probe: str, files: dict[str, str]) -> str:
    return ask(tree_of({**CODE, **files}), PROBES[probe])[0].verdict


@pytest.mark.parametrize(("probe", "files"), YES)
def test_the_real_thing_counts(probe: str, files: dict[str, str]) -> None:
    answer, _ = ask(tree_of({**CODE, **files}), PROBES[probe])
    assert answer.verdict == "yes", answer
    assert answer.evidence or PROBES[probe].by_absence


@pytest.mark.parametrize(("probe", "files"), NO)
def test_its_look_alike_does_not(probe: str, files: dict[str, str]) -> None:
    assert verdict(probe, files) == "no"


def test_every_probe_has_both_a_real_thing_and_a_look_alike() -> None:
    assert {probe for probe, _ in YES} == {probe for probe, _ in NO} == set(PROBES)
