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

BASE = (
    "class Auth:\n    'Base of all schemes.'\n    def flow(self, request):\n        'Yield requests.'\n"
    "        yield request\n"
)
SCHEMES = "".join(
    f"class {name}(Auth):\n    def flow(self, request):\n        yield {number}\n"
    for number, name in enumerate("ABC")
)
TRANSPORT = (
    "class Transport:\n    def send(self, request):\n        'Send one request.'\n        raise NotImplementedError\n"
    + "".join(
        f"class {name}(Transport):\n    def send(self, request):\n        return {name!r}\n" for name in "ABC"
    )
)
CONVERTORS = (
    "TABLE = {}\ndef register_convertor(key, convertor):\n    TABLE[key] = convertor\n"
    "def convert(key, text):\n    return TABLE[key](text)\n"
)
ROUTING = (
    "# Routing\nA path may hold parameters.\n"
    "```python\nfrom pkg.r import register_convertor\nregister_convertor('d', D())\n```\n"
)
USER_DIR = "import argparse, importlib.util\np = argparse.ArgumentParser()\np.add_argument('--user-dir')\nprint(p.parse_args())\n"

YES += [
    ("extensibility.registry", {"pkg/r.py": CONVERTORS, "docs/routing.md": ROUTING}),
    ("extensibility.guide", {"pkg/r.py": CONVERTORS, "docs/routing.md": ROUTING}),
    (
        "extensibility.guide",
        {
            "pkg/r.py": "import abc\nclass Task(abc.ABC):\n    pass\n",
            "README.md": "# A\n```python\nfrom pkg.r import Task\nclass Mine(Task):\n    pass\n```\n",
        },
    ),
    (
        "extensibility.registry",
        {"pkg/r.py": "import pydoc\ndef build(path):\n    return pydoc.locate(path)()\nbuild(input())\n"},
    ),
    (
        "extensibility.plugins",
        {"pkg/r.py": "import catalogue\nMODELS = catalogue.create('pkg', 'models', entry_points=True)\n"},
    ),
    (
        "extensibility.plugins",
        {
            "pkg/r.py": USER_DIR
            + "def load(path):\n    return importlib.util.spec_from_file_location('user', path)\nload(1)\n"
        },
    ),
    ("extensibility.interfaces", {"pkg/r.py": BASE + SCHEMES}),
    ("extensibility.interfaces", {"pkg/r.py": TRANSPORT}),
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
    ("extensibility.interfaces", {"pkg/r.py": BASE.replace("'Base of all schemes.'", "x = 1") + SCHEMES}),
    ("extensibility.interfaces", {"pkg/r.py": BASE + SCHEMES.replace("flow", "other")}),
    ("extensibility.plugins", {"pkg/r.py": USER_DIR}),
    (
        "extensibility.registry",
        {
            "pkg/r.py": "def register_empty_buffer(module, name):\n    module.buffers[name] = None\n"
            "register_empty_buffer(1, 2)\n"
        },
    ),
    ("extensibility.guide", {"docs/routing.md": ROUTING}),
    (
        "extensibility.guide",
        {
            "docs/keys.md": "# Keys\n## Creating keys with modules\n"
            + "Every key is derived from another. " * 9
            + "\n```\nx\n```\n"
        },
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
