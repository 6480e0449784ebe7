"""The probes of documentation: what counts, and the look-alike that does not."""

from __future__ import annotations

import pytest

from codex_audit.capabilities import docs
from codex_audit.capabilities.ask import ask
from tests.query.trees import tree_of

PROBES = {probe.id: probe for probe in docs.CAPABILITY.probes}
CODE = {"pkg/__init__.py": "from .a import run\n", "pkg/a.py": "def run():\n    return print(1)\n"}
LONG = "Report problems to the team by mail and expect an answer within three working days of the report.\n"

NOTEBOOK = (
    '{"cells": [{"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": null, '
    '"source": ["import %s\\n", "%s.run()"]}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'
)

YES: list[tuple[str, dict[str, str]]] = [
    ("docs.readme", {"README.md": "# A\n```bash\npip install a\n```\n```python\nimport a\na.run()\n```\n"}),
    (
        "docs.readme",
        {
            "README.rst": "A\n=\n\n.. code-block:: bash\n\n   pip install a\n\n.. code-block:: bash\n\n   python train.py --lr 1\n"
        },
    ),
    (
        "docs.readme",
        {
            "README.md": "# A\nGet it by `pip install a`.\n```\nlearn\n```\n",
            "bin/learn": "#!/usr/bin/env python\nimport pkg\n",
        },
    ),
    (
        "docs.readme",
        {
            "README.md": "# A\n```\npip install a\nlearn --fast\n```\n",
            "setup.py": "from setuptools import setup\nsetup(entry_points={'console_scripts': ['learn=pkg.a:run']})\n",
        },
    ),
    (
        "docs.readme",
        {
            "README.md": "# A\n```\npip install a\n```\n```py\nclass Net(a.Module):\n    x = a.Linear(2)\n```\n"
        },
    ),
    ("docs.site", {"_quarto.yml": "project:\n  type: website\n"}),
    ("docs.site", {"mkdocs.yml": "site_name: a\n"}),
    ("docs.site", {f"docs/p{n}.md": f"# Page {n}\nSays something.\n" for n in range(5)}),
    ("docs.examples", {"examples/train.py": "import pkg\npkg.run()\n"}),
    ("docs.examples", {"pkg/tasks/sample_run_scripts/run.sh": "python -m pkg\n"}),
    ("docs.examples", {"pkg/tasks/tutorial.ipynb": NOTEBOOK % ("pkg", "pkg")}),
    ("docs.examples", {"docs/notebooks/first.ipynb": NOTEBOOK % ("numpy", "numpy")}),
    ("docs.changelog", {"CHANGELOG.md": "# Changes\n## 1.0\n" + LONG}),
    ("docs.contributing", {"CONTRIBUTING.md": "# Contributing\n```bash\ngit clone x\npytest\n```\n"}),
    ("docs.license", {"LICENSE": "MIT License\n"}),
]

NO: list[tuple[str, dict[str, str]]] = [
    ("docs.readme", {"README.md": "# A\n```bash\npip install a\n```\nSee the docs.\n"}),
    ("docs.readme", {"README.md": "# A\n```\npip install a\n```\n```python\n3.11\n```\n"}),
    ("docs.readme", {"README.md": "# A\n```\npip install a\nlearn\n```\nRun `pkg` then.\n"}),
    ("docs.examples", {"assets/chart.ipynb": NOTEBOOK % ("numpy", "numpy")}),
    ("docs.examples", {"pkg/descriptions/a.sh": "ls\n"}),
    ("docs.site", {"docs/index.md": "# A\n", ".readthedocs.yml": "version: 2\n"}),
    ("docs.site", {f"docs/p{n}.md": f"# Page {n}\n" for n in range(5)}),
    ("docs.examples", {"README.md": "See [examples](examples/).\n", "examples/README.md": "# Examples\n"}),
    ("docs.changelog", {"CHANGELOG.md": "# Changelog\n"}),
    ("docs.changelog", {"README.md": "## News\n- 1.0 is out\n"}),
    ("docs.contributing", {"README.md": "# A\n## Contributing\nContributions are welcome!\n"}),
    ("docs.license", {"pyproject.toml": "[project]\nname='a'\nlicense='MIT'\n"}),
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
