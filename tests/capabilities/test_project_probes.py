"""Probes over configuration and documents: CI, deployment, documentation, security."""

from __future__ import annotations

import pytest

from codex_audit.capabilities import ci, deployment, docs, security
from codex_audit.capabilities.ask import ask
from tests.query.trees import tree_of

PROBES = {probe.id: probe for room in (ci, deployment, docs, security) for probe in room.CAPABILITY.probes}
CODE = {"pkg/__init__.py": "from .a import run\n", "pkg/a.py": "def run():\n    return print(1)\n"}
THREE_TESTS = "from pkg import run\n" + "".join(f"def test_{n}():\n    assert run() is None\n" for n in "abc")
LONG = "Report problems to the team by mail and expect an answer within three working days of the report.\n"

YES: list[tuple[str, dict[str, str]]] = [
    ("ci.tests", {"tests/test_a.py": THREE_TESTS}),
    (
        "ci.pipeline",
        {
            ".github/workflows/t.yml": "on: push\njobs:\n  t:\n    runs-on: x\n    steps:\n      - run: |\n          pip install .\n          pytest -q\n"
        },
    ),
    ("ci.pipeline", {".gitlab-ci.yml": "test:\n  script:\n    - tox -e py311\n"}),
    ("ci.pipeline", {"Jenkinsfile": "pipeline { stages { stage('t') { steps { sh 'make test' } } } }\n"}),
    ("ci.coverage", {"pyproject.toml": "[tool.coverage.run]\nbranch = true\n"}),
    ("ci.coverage", {"setup.cfg": "[tool:pytest]\naddopts = --cov=pkg\n"}),
    ("ci.lint", {"pyproject.toml": "[tool.ruff]\nline-length = 100\n"}),
    ("ci.lint", {"setup.cfg": "[flake8]\nmax-line-length = 100\n"}),
    ("ci.types", {"mypy.ini": "[mypy]\nstrict = true\n"}),
    ("ci.types", {".github/workflows/t.yml": "on: push\njobs:\n  t:\n    steps:\n      - run: mypy pkg\n"}),
    ("ci.hooks", {".pre-commit-config.yaml": "repos:\n- repo: https://x/y\n  hooks:\n  - id: ruff\n"}),
    ("deployment.package", {"pyproject.toml": "[project]\nname = 'a'\n"}),
    ("deployment.package", {"setup.py": "from setuptools import setup\nsetup(name='a')\n"}),
    ("deployment.entry-points", {"pyproject.toml": "[project.scripts]\na = 'pkg.a:run'\n"}),
    ("deployment.entry-points", {"pkg/__main__.py": "from pkg import run\nrun()\n"}),
    ("deployment.container", {"Dockerfile": "FROM python:3.11\nRUN pip install .\n"}),
    (
        "deployment.release",
        {
            ".github/workflows/r.yml": "on: push\njobs:\n  r:\n    steps:\n      - uses: pypa/gh-action-pypi-publish@v1\n"
        },
    ),
    ("docs.readme", {"README.md": "# A\n```bash\npip install a\n```\n```python\nimport a\na.run()\n```\n"}),
    (
        "docs.readme",
        {
            "README.rst": "A\n=\n\n.. code-block:: bash\n\n   pip install a\n\n.. code-block:: bash\n\n   python train.py --lr 1\n"
        },
    ),
    ("docs.site", {"mkdocs.yml": "site_name: a\n"}),
    ("docs.site", {f"docs/p{n}.md": f"# Page {n}\n" for n in range(5)}),
    ("docs.examples", {"examples/train.py": "import pkg\npkg.run()\n"}),
    ("docs.changelog", {"CHANGELOG.md": "# Changes\n## 1.0\n" + LONG}),
    ("docs.contributing", {"CONTRIBUTING.md": "# Contributing\n```bash\ngit clone x\npytest\n```\n"}),
    ("docs.license", {"LICENSE": "MIT License\n"}),
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
    ("security.clean-tree", {".env.example": "TOKEN=your-token\n"}),
    (
        "security.content-filter",
        {"pkg/b.py": "from detoxify import Detoxify\nmodel = Detoxify('original')\n"},
    ),
]

NO: list[tuple[str, dict[str, str]]] = [
    ("ci.tests", {"tests/test_a.py": THREE_TESTS.replace("assert", "print")}),
    ("ci.tests", {"tests/test_a.py": "import pytest\npytestmark = pytest.mark.skip\n" + THREE_TESTS}),
    ("ci.pipeline", {".github/workflows/t.yml": "on: push\njobs:\n  t:\n    steps:\n      - run: pip install pytest\n      # pytest -q\n"}),
    ("ci.pipeline", {"tox.ini": "[testenv]\ncommands = pytest\n"}),
    ("ci.coverage", {".gitignore": ".coverage\n", "README.md": "We run coverage report.\n"}),
    ("ci.lint", {"README.md": "# A\nFormatted with black and ruff.\n"}),
    ("ci.types", {"pkg/py.typed": "", ".gitignore": ".mypy_cache\n"}),
    ("ci.hooks", {"pyproject.toml": "[project]\nname='a'\ndependencies=['pre-commit']\n"}),
    ("ci.hooks", {".pre-commit-config.yaml": "repos: []\n"}),
    ("deployment.package", {"pyproject.toml": "[tool.black]\nline-length = 1\n", "sub/pyproject.toml": "[project]\nname='a'\n"}),
    ("deployment.entry-points", {"train.py": "print(1)\n"}),
    ("deployment.container", {"README.md": "`docker pull x`\n"}),
    ("deployment.release", {".github/workflows/r.yml": "on: push\njobs:\n  r:\n    steps:\n      - run: echo twine upload dist/*\n"}),
    ("docs.readme", {"README.md": "# A\n```bash\npip install a\n```\nSee the docs.\n"}),
    ("docs.site", {"docs/index.md": "# A\n", ".readthedocs.yml": "version: 2\n"}),
    ("docs.examples", {"README.md": "See [examples](examples/).\n", "examples/README.md": "# Examples\n"}),
    ("docs.changelog", {"CHANGELOG.md": "# Changelog\n"}),
    ("docs.changelog", {"README.md": "## News\n- 1.0 is out\n"}),
    ("docs.contributing", {"README.md": "# A\n## Contributing\nContributions are welcome!\n"}),
    ("docs.license", {"pyproject.toml": "[project]\nname='a'\nlicense='MIT'\n"}),
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
    ("security.clean-tree", {".env": "TOKEN=1\n"}),
    ("security.clean-tree", {"conf.py": "key = 'ghp_" + "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dF3hJ5" + "'\n"}),
    ("security.content-filter", {"pkg/b.py": "DATASET = 'toxic_conversations'\n# moderation\n", "README.md": "Use responsibly, filter toxicity.\n"}),
]  # fmt: skip


def verdict(probe: str, files: dict[str, str]) -> str:
    return ask(tree_of({**CODE, **files}), PROBES[probe])[0].verdict


@pytest.mark.parametrize(("probe", "files"), YES)
def test_the_real_thing_counts(probe: str, files: dict[str, str]) -> None:
    answer, _ = ask(tree_of({**CODE, **files}), PROBES[probe])
    assert answer.verdict == "yes"
    assert answer.evidence or PROBES[probe].by_absence


@pytest.mark.parametrize(("probe", "files"), NO)
def test_its_look_alike_does_not(probe: str, files: dict[str, str]) -> None:
    assert verdict(probe, files) == "no"


def test_every_probe_has_both_a_real_thing_and_a_look_alike() -> None:
    assert {probe for probe, _ in YES} == {probe for probe, _ in NO} == set(PROBES)


def test_a_broken_file_that_might_matter_makes_the_answer_unknown() -> None:
    answer, _ = ask(tree_of({**CODE, "pyproject.toml": "[tool.mypy\nstrict = true\n"}), PROBES["ci.types"])
    assert answer.verdict == "unknown"
    assert "pyproject.toml" in answer.reason


def test_a_broken_file_that_cannot_matter_changes_nothing() -> None:
    assert verdict("ci.types", {"pyproject.toml": "[project\nname = 'a'\n"}) == "no"


def test_nothing_counts_by_absence_where_there_is_no_code() -> None:
    for probe in ("security.safe-load", "security.clean-tree"):
        assert ask(tree_of({"README.md": "# A\n"}), PROBES[probe])[0].verdict == "not_applicable"
