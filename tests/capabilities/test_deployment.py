"""The probes of deployment: what counts, and the look-alike that does not."""

from __future__ import annotations

import pytest

from codex_audit.capabilities import deployment
from codex_audit.capabilities.ask import ask
from tests.query.trees import tree_of

PROBES = {probe.id: probe for probe in deployment.CAPABILITY.probes}
CODE = {"pkg/__init__.py": "from .a import run\n", "pkg/a.py": "def run():\n    return print(1)\n"}

YES: list[tuple[str, dict[str, str]]] = [
    ("deployment.package", {"pyproject.toml": "[project]\nname = 'a'\n"}),
    ("deployment.package", {"setup.py": "from setuptools import setup\nsetup(name='a')\n"}),
    ("deployment.entry-points", {"pyproject.toml": "[project.scripts]\na = 'pkg.a:run'\n"}),
    ("deployment.entry-points", {"pkg/__main__.py": "from pkg import run\nrun()\n"}),
    (
        "deployment.entry-points",
        {
            "setup.py": "from setuptools import setup\nCOMMANDS = {'console_scripts': ['a=pkg.a:run']}\n"
            "setup(name='a', entry_points=COMMANDS)\n"
        },
    ),
    ("deployment.container", {"Dockerfile": "FROM python:3.11\nRUN pip install .\n"}),
    (
        "deployment.release",
        {
            ".github/workflows/r.yml": "on: push\njobs:\n  r:\n    steps:\n      - uses: pypa/gh-action-pypi-publish@v1\n"
        },
    ),
]

NO: list[tuple[str, dict[str, str]]] = [
    (
        "deployment.package",
        {"pyproject.toml": "[tool.black]\nline-length = 1\n", "sub/pyproject.toml": "[project]\nname='a'\n"},
    ),
    ("deployment.entry-points", {"train.py": "print(1)\n"}),
    (
        "deployment.entry-points",
        {
            "setup.py": "from setuptools import setup\nsetup(name='a', entry_points={'pkg.models': ['a=pkg.a:run']})\n"
        },
    ),
    ("deployment.entry-points", {"pkg/b.py": "print({'console_scripts': ['a=pkg.a:run']})\n"}),
    ("deployment.container", {"README.md": "`docker pull x`\n"}),
    (
        "deployment.release",
        {
            ".github/workflows/r.yml": "on: push\njobs:\n  r:\n    steps:\n      - run: echo twine upload dist/*\n"
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


def test_console_scripts_are_shown_where_they_stand() -> None:
    files = {
        "setup.py": "from setuptools import setup\nsetup(\n    name='a',\n"
        "    entry_points={'console_scripts': ['a=pkg.a:run']},\n)\n"
    }
    answer, _ = ask(tree_of({**CODE, **files}), PROBES["deployment.entry-points"])
    assert [(item.path, item.line) for item in answer.evidence] == [("setup.py", 4)]
