"""The probes of extensibility: what counts, and the look-alike that does not."""

from __future__ import annotations

import pytest

from codex_audit.capabilities import extensibility
from codex_audit.capabilities.ask import ask
from tests.query.trees import tree_of

PROBES = {probe.id: probe for probe in extensibility.CAPABILITY.probes}
CODE = {"pkg/__init__.py": ""}

YES: list[tuple[str, dict[str, str]]] = [
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
    ("extensibility.registry", {"pkg/r.py": "MODELS = {'a': 1, 'b': 2}\n"}),
    (
        "extensibility.registry",
        {
            "pkg/r.py": "import importlib\ndef __getattr__(name):\n    return getattr(importlib.import_module('pkg.b'), name)\n"
        },
    ),
    (
        "extensibility.plugins",
        {"pkg/r.py": "from importlib.metadata import version\nprint(version('pkg'))\n"},
    ),
    (
        "extensibility.interfaces",
        {"pkg/r.py": "class Base:\n    pass\nclass A(Base):\n    pass\nclass B(Base):\n    pass\n"},
    ),
    ("extensibility.guide", {"README.md": "# A\nSee the docs for adding a new model.\n"}),
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


def test_interfaces_are_shown_rather_than_what_implements_them() -> None:
    files = {
        "pkg/base.py": "import abc\n\nclass Reader(abc.ABC):\n    pass\n",
        "pkg/a.py": "from pkg.base import Reader\n\nclass A(Reader):\n    pass\n",
    }
    answer, _ = ask(tree_of({**CODE, **files}), PROBES["extensibility.interfaces"])
    assert [(item.path, item.line) for item in answer.evidence] == [("pkg/base.py", 3)]
