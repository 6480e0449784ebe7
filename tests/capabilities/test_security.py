"""The probes of security: what counts, and the look-alike that does not."""

from __future__ import annotations

import pytest

from codex_audit.capabilities import security
from codex_audit.capabilities.ask import ask
from tests.query.trees import tree_of

PROBES = {probe.id: probe for probe in security.CAPABILITY.probes}
CODE = {"pkg/__init__.py": "from .a import run\n", "pkg/a.py": "def run():\n    return print(1)\n"}
LONG = "Report problems to the team by mail and expect an answer within three working days of the report.\n"

YES: list[tuple[str, dict[str, str]]] = [
    ("security.policy", {"SECURITY.md": "# Security\n" + LONG}),
    (
        "security.secret-scan",
        {".pre-commit-config.yaml": "repos:\n- repo: https://x/gitleaks\n  hooks:\n  - id: gitleaks\n"},
    ),
    ("security.static-analysis", {"pyproject.toml": "[tool.ruff.lint]\nselect = ['E', 'S']\n"}),
    (
        "security.static-analysis",
        {
            ".github/workflows/c.yml": "on: push\njobs:\n  c:\n    steps:\n      - uses: github/codeql-action/init@v3\n"
        },
    ),
    ("security.dependency-audit", {".github/dependabot.yml": "version: 2\n"}),
    (
        "security.sbom",
        {
            ".github/workflows/s.yml": "on: push\njobs:\n  s:\n    steps:\n      - run: cyclonedx-py environment -o bom.json\n"
        },
    ),
    ("security.safe-load", {}),
    (
        "security.safe-load",
        {"pkg/b.py": "import torch\ndef main(p):\n    return torch.load(p, weights_only=True)\nmain('x')\n"},
    ),
    (
        "security.safe-load",
        {
            "pyproject.toml": "[project]\nname='a'\ndependencies=['torch>=2.6']\n",
            "pkg/b.py": "import torch\nprint(torch.load('p'))\n",
        },
    ),
    (
        "security.static-analysis",
        {
            ".github/workflows/z.yml": "on: push\njobs:\n  z:\n    steps:\n      - uses: zizmorcore/zizmor-action@v1\n"
        },
    ),
    (
        "security.safe-load",
        {
            "pkg/b.py": "import pickle\ndef share(x, send):\n    data = send(pickle.dumps(x))\n"
            "    return pickle.loads(data)\nshare(1, print)\n"
        },
    ),
    (
        "security.safe-load",
        {
            "pkg/b.py": "import pickle\nclass Plain(pickle.Unpickler):\n    def find_class(self, module, name):\n"
            "        raise pickle.UnpicklingError(name)\nPlain(open('f', 'rb')).load()\n"
        },
    ),
    (
        "security.safe-load",
        {
            "pkg/b.py": "import torch\ndef load(path, weights_only: bool = True):\n"
            "    options = dict(map_location='cpu', weights_only=weights_only)\n"
            "    return torch.load(path, **options)\nload('p')\n"
        },
    ),
    ("security.safe-load", {"pkg/b.py": "import yaml\nprint(yaml.load(open('f'), yaml.CSafeLoader))\n"}),
    ("security.clean-tree", {".env.example": "TOKEN=your-token\n"}),
    (
        "security.content-filter",
        {"pkg/b.py": "from detoxify import Detoxify\nmodel = Detoxify('original')\n"},
    ),
]

NO: list[tuple[str, dict[str, str]]] = [
    ("security.policy", {"SECURITY.md": "# Security\n"}),
    ("security.policy", {"SECURITY.md": ""}),
    ("security.policy", {"docs/web-security.md": "# Content Security Policy\n" + LONG * 3}),
    ("security.secret-scan", {".gitignore": ".env\n", "README.md": "We use gitleaks.\n"}),
    ("security.static-analysis", {"pyproject.toml": "[tool.ruff.lint]\nselect = ['E', 'SIM']\n"}),
    ("security.dependency-audit", {"requirements.txt": "requests==2.0\n"}),
    ("security.sbom", {"README.md": "An SBOM (CycloneDX) is planned.\n"}),
    ("security.safe-load", {"pkg/b.py": "import pickle as p\ndef main(f):\n    return p.load(f)\nmain(1)\n"}),
    ("security.safe-load", {"pkg/b.py": "import torch\nprint(torch.load('p', weights_only=False))\n"}),
    ("security.safe-load", {"pkg/b.py": "import yaml\nprint(yaml.load(open('f'), Loader=yaml.Loader))\n"}),
    (
        "security.safe-load",
        {"pkg/b.py": "import yaml\nprint(yaml.load(open('f'), Loader=yaml.UnsafeLoader))\n"},
    ),
    (
        "security.safe-load",
        {
            "pkg/b.py": "import pickle\ndef put(x, path):\n    path.write_bytes(pickle.dumps(x))\n"
            "def get(path):\n    return pickle.loads(path.read_bytes())\nput(1, get(2))\n"
        },
    ),
    (
        "security.safe-load",
        {
            "pkg/b.py": "import pickle\nclass Moved(pickle.Unpickler):\n    def find_class(self, module, name):\n"
            "        return super().find_class('new.' + module, name)\nMoved(open('f', 'rb')).load()\n"
        },
    ),
    (
        "security.safe-load",
        {
            "pkg/b.py": "import torch\ndef load(path, weights_only=False):\n"
            "    return torch.load(path, weights_only=weights_only)\nload('p')\n"
        },
    ),
    ("security.clean-tree", {".env": "TOKEN=1\n"}),
    ("security.clean-tree", {"conf.py": "key = 'ghp_" + "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dF3hJ5" + "'\n"}),
    (
        "security.content-filter",
        {
            "pkg/b.py": "DATASET = 'toxic_conversations'\n# moderation\n",
            "README.md": "Use responsibly, filter toxicity.\n",
        },
    ),
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


def test_nothing_counts_by_absence_where_there_is_no_code() -> None:
    for probe in ("security.safe-load", "security.clean-tree"):
        assert ask(tree_of({"README.md": "# A\n"}), PROBES[probe])[0].verdict == "not_applicable"
