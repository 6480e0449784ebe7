"""The probes of CI and tests: what counts, and the look-alike that does not."""

from __future__ import annotations

import pytest

from codex_audit.capabilities import ci
from codex_audit.capabilities.ask import ask
from tests.query.trees import tree_of

PROBES = {probe.id: probe for probe in ci.CAPABILITY.probes}
CODE = {"pkg/__init__.py": "from .a import run\n", "pkg/a.py": "def run():\n    return print(1)\n"}
THREE_TESTS = "from pkg import run\n" + "".join(f"def test_{n}():\n    assert run() is None\n" for n in "abc")

YES: list[tuple[str, dict[str, str]]] = [
    ("ci.tests", {"tests/test_a.py": THREE_TESTS}),
    (
        "ci.pipeline",
        {
            ".github/workflows/t.yml": "on: push\njobs:\n  t:\n    runs-on: x\n    steps:\n      - run: |\n          pip install .\n          pytest -q\n"
        },
    ),
    ("ci.pipeline", {".gitlab-ci.yml": "test:\n  script:\n    - tox -e py311\n"}),
    ("ci.pipeline", {".gitlab-ci.yml": "check:\n  script:\n    - python tests/run_all.py\n"}),
    ("ci.pipeline", {"Jenkinsfile": "pipeline { stages { stage('t') { steps { sh 'make test' } } } }\n"}),
    (
        "ci.pipeline",
        {
            ".github/workflows/t.yml": "on: push\njobs:\n  t:\n    steps:\n      - run: CI=1 bash scripts/run_tests.sh --fast\n",
            "scripts/run_tests.sh": "python -m pytest $@\n",
        },
    ),
    (
        "ci.pipeline",
        {
            ".github/workflows/t.yml": "on: push\njobs:\n  t:\n    steps:\n      - run: scripts/test\n",
            "scripts/test": "#!/bin/sh\ncoverage run -m pytest\n",
        },
    ),
    ("ci.coverage", {"pyproject.toml": "[tool.coverage.run]\nbranch = true\n"}),
    ("ci.coverage", {"setup.cfg": "[tool:pytest]\naddopts = --cov=pkg\n"}),
    ("ci.lint", {"pyproject.toml": "[tool.ruff]\nline-length = 100\n"}),
    ("ci.lint", {"setup.cfg": "[flake8]\nmax-line-length = 100\n"}),
    ("ci.types", {"mypy.ini": "[mypy]\nstrict = true\n"}),
    ("ci.types", {".github/workflows/t.yml": "on: push\njobs:\n  t:\n    steps:\n      - run: mypy pkg\n"}),
    ("ci.hooks", {".pre-commit-config.yaml": "repos:\n- repo: https://x/y\n  hooks:\n  - id: ruff\n"}),
]

NO: list[tuple[str, dict[str, str]]] = [
    ("ci.tests", {"tests/test_a.py": THREE_TESTS.replace("assert", "print")}),
    ("ci.tests", {"tests/test_a.py": "import pytest\npytestmark = pytest.mark.skip\n" + THREE_TESTS}),
    (
        "ci.pipeline",
        {
            ".github/workflows/t.yml": "on: push\njobs:\n  t:\n    steps:\n      - run: pip install pytest\n      # pytest -q\n"
        },
    ),
    (
        "ci.pipeline",
        {
            ".github/workflows/t.yml": "on: push\njobs:\n  t:\n    steps:\n      - run: scripts/run_tests.sh\n",
        },
    ),
    (
        "ci.pipeline",
        {
            ".github/workflows/t.yml": "on: push\njobs:\n  t:\n    steps:\n      - run: cat scripts/test\n",
            "scripts/test": "#!/bin/sh\npytest\n",
        },
    ),
    (
        "ci.coverage",
        {"pyproject.toml": "[project]\nname='a'\n[project.optional-dependencies]\ndev=['pytest-cov']\n"},
    ),
    ("ci.pipeline", {".gitlab-ci.yml": "build:\n  script:\n    - python build.py --without-tests\n"}),
    ("ci.pipeline", {"tox.ini": "[testenv]\ncommands = pytest\n"}),
    ("ci.coverage", {".gitignore": ".coverage\n", "README.md": "We run coverage report.\n"}),
    ("ci.lint", {"README.md": "# A\nFormatted with black and ruff.\n"}),
    ("ci.types", {"pkg/py.typed": "", ".gitignore": ".mypy_cache\n"}),
    ("ci.hooks", {"pyproject.toml": "[project]\nname='a'\ndependencies=['pre-commit']\n"}),
    ("ci.hooks", {".pre-commit-config.yaml": "repos: []\n"}),
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


def test_a_broken_file_that_might_matter_makes_the_answer_unknown() -> None:
    answer, _ = ask(tree_of({**CODE, "pyproject.toml": "[tool.mypy\nstrict = true\n"}), PROBES["ci.types"])
    assert answer.verdict == "unknown"
    assert "pyproject.toml" in answer.reason


def test_a_broken_file_that_cannot_matter_changes_nothing() -> None:
    assert verdict("ci.types", {"pyproject.toml": "[project\nname = 'a'\n"}) == "no"
    assert verdict("ci.lint", {"broken.py": "def ruff(:\n"}) == "no"
