"""What counts as use: instance calls, parameters of tests, imports by string, star imports, documents."""

from __future__ import annotations

import pytest

from tests.query.trees import tree_of

RUNS = "import torch\n\ndef save(x):\n    torch.save(x, 'x.pt')\n"


def saving_tests(files: dict[str, str]) -> list[str]:
    tree = tree_of({"pkg/__init__.py": "", "pkg/io.py": RUNS, **files})
    return [item.symbol for item in tree.tests_reaching(tree.calls("torch.save")).evidence]


WRITER = "from pkg.io import save\nclass Writer:\n    def __call__(self, x):\n        save(x)\n"


def test_a_call_of_an_instance_runs_its_call_method() -> None:
    called = "from pkg.w import Writer\ndef test_it():\n    w = Writer()\n    w(3)\n    assert w\n"
    built = called.replace("    w(3)\n", "")
    assert saving_tests({"pkg/w.py": WRITER, "tests/test_w.py": called}) == ["test_it"]
    assert saving_tests({"pkg/w.py": WRITER, "tests/test_w.py": built}) == []


@pytest.mark.parametrize(
    ("cases", "reached"),
    [
        ("[Reader, Saver]", True),
        ("[Reader, pytest.param(Saver, id='s')]", True),
        ("KINDS", True),
        ("[Reader]", False),
        ("['Saver']", False),
    ],
)
def test_a_test_runs_the_classes_it_is_parametrized_with(cases: str, reached: bool) -> None:
    files = {
        "pkg/kinds.py": (
            "from pkg.io import save\nclass Reader:\n    pass\n"
            "class Saver:\n    def __init__(self):\n        save(1)\n"
        ),
        "tests/test_kinds.py": (
            "import pytest\nfrom pkg.kinds import Reader, Saver\n"
            + ("KINDS = [Reader, Saver]\n" if cases == "KINDS" else "")
            + "def test_other():\n    assert 1\n\n"
            + f"@pytest.mark.parametrize('kind', {cases})\ndef test_kind(kind):\n    assert kind()\n"
        ),
    }
    assert saving_tests(files) == (["test_kind"] if reached else [])


def test_an_inherited_test_runs_what_the_class_names() -> None:
    files = {
        "pkg/kinds.py": "from pkg.io import save\nclass Saver:\n    def __init__(self):\n        save(1)\n",
        "tests/mixin.py": "class Shared:\n    def test_it(self):\n        assert self.kind()\n",
        "tests/test_kinds.py": (
            "from pkg.kinds import Saver\nfrom tests.mixin import Shared\n"
            "class TestSaver(Shared):\n    kind = Saver\n"
        ),
    }
    assert saving_tests(files) == ["Shared.test_it"]
    del files["tests/test_kinds.py"]
    assert saving_tests(files) == []


def test_a_base_does_not_run_the_constructor_of_a_derived_class() -> None:
    kinds = (
        "from pkg.io import save\nclass Base:\n    def __init__(self):\n        self.x = 1\n"
        "    def go(self):\n        self.work()\n    def work(self):\n        pass\n"
        "class Saver(Base):\n    def {}(self):\n        save(1)\n"
    )
    test = "from pkg.kinds import Base\ndef test_base():\n    assert Base().go()\n"
    made = {"pkg/kinds.py": kinds.format("__init__"), "tests/test_kinds.py": test}
    overridden = {"pkg/kinds.py": kinds.format("work"), "tests/test_kinds.py": test}
    assert saving_tests(made) == []
    assert saving_tests(overridden) == ["test_base"]


def test_an_annotation_runs_nothing() -> None:
    kinds = "from pkg.io import save\nclass Saver:\n    def __init__(self):\n        save(1)\n"
    holder = "from pkg.kinds import Saver\nclass Holder:\n    saver: Saver | None = {}\n"
    test = "from pkg.holder import Holder\ndef test_holder():\n    assert Holder()\n"
    files = {"pkg/kinds.py": kinds, "tests/test_holder.py": test}
    assert saving_tests({**files, "pkg/holder.py": holder.format("None")}) == []
    assert saving_tests({**files, "pkg/holder.py": holder.format("Saver()")}) == ["test_holder"]


def test_a_table_of_import_paths_leads_to_the_classes() -> None:
    files = {
        "pkg/kinds.py": "from pkg.io import save\nclass Saver:\n    def __init__(self):\n        save(1)\n",
        "pkg/table.py": "def get(name):\n    return load({'saver': 'pkg.kinds:Saver'}[name])\n",
        "tests/test_table.py": "from pkg.table import get\ndef test_get():\n    assert get('saver')\n",
    }
    assert saving_tests(files) == ["test_get"]
    files["tests/test_table.py"] = (
        "from unittest.mock import patch\nimport pkg\n"
        "def test_replaced():\n    with patch('pkg.kinds.Saver'):\n        assert pkg\n"
    )
    assert saving_tests(files) == []


@pytest.mark.parametrize(
    "source",
    [
        "import importlib\nclient = importlib.import_module('orion.client')\nclient.report(1)\n",
        "import importlib\nLIB = 'orion.client'\ndef go():\n    c = importlib.import_module(LIB)\n    c.report(1)\ngo()\n",
        "from lazy import LazyLoader\nc = LazyLoader('c', globals(), 'orion.client')\nc.report(1)\n",
    ],
)
def test_a_library_imported_by_its_name_as_text_is_known(source: str) -> None:
    assert tree_of({"run.py": source}).calls("orion.client.report")


@pytest.mark.parametrize(
    "source",
    [
        "import importlib, sys\nc = importlib.import_module(sys.argv[1])\nLIB = 'orion.client'\nc.report(1)\n",
        "import importlib\na = importlib.import_module('orion.client')\nb = importlib.import_module('json')\nb.report(1)\n",
        "from tool import fetch\nc = fetch('orion.client')\nc.report(1)\n",
    ],
)
def test_a_text_that_may_name_another_library_is_no_import(source: str) -> None:
    assert not tree_of({"run.py": source}).calls("orion.client.report")


def test_a_star_import_brings_what_the_module_imported_itself() -> None:
    files = {
        "pkg/__init__.py": "",
        "pkg/base.py": "from tqdm import trange\n",
        "pkg/utils.py": "from .base import *\n",
        "pkg/run.py": "from .utils import *\nfor i in trange(3):\n    print(i)\n",
        "pkg/other.py": "from .missing import *\nfor i in trange(3):\n    print(i)\n",
    }
    assert [item.path for item in tree_of(files).calls("tqdm.trange").evidence] == ["pkg/run.py"]


def test_modules_that_star_import_each_other_are_searched_once() -> None:
    names = [f"m{number}" for number in range(12)]
    stars = "".join(f"from pkg.{name} import *\n" for name in names)
    files = {f"pkg/{name}.py": f"{stars}missing()\n" for name in names}
    assert not tree_of({"pkg/__init__.py": "", **files}).calls("tqdm.tqdm")


HELPER = "import torch\n\ndef store_weights(model):\n    torch.save(model, 'x.pt')\n"


@pytest.mark.parametrize(
    ("files", "live"),
    [
        ({"pkg/__init__.py": "from .io import *\n"}, True),
        ({"pkg/__init__.py": ""}, False),
        ({"pkg/__init__.py": "from .io import *\n", "pkg/io.py": f"__all__ = ['load']\n{HELPER}"}, False),
        (
            {
                "setup.py": "from setuptools import setup\n"
                "setup(name='pkg', entry_points={'console_scripts': ['store=pkg.io:store_weights']})\n"
            },
            True,
        ),
        ({"README.md": "# Pkg\n\n```python\nfrom pkg.io import store_weights\n```\n"}, True),
        ({"README.md": "# Pkg\n\nCall `pkg.io.store_weights`.\n"}, True),
        ({"README.md": "# Pkg\n\nThere is store_weights, and `store_weights` too.\n"}, False),
        ({"README.md": "# Pkg\n\n```python\nfrom other import store_weights\n```\n"}, False),
        ({"config/run.yaml": "saver:\n  _target_: pkg.io.store_weights\n"}, True),
        ({"pkg/table.py": "SAVERS = {'plain': 'pkg.io:store_weights'}\n"}, True),
    ],
)
def test_a_function_lives_when_something_brings_it_to_users(files: dict[str, str], live: bool) -> None:
    tree = tree_of({"pkg/__init__.py": "", "pkg/io.py": HELPER, **files})
    assert bool(tree.calls("torch.save")) is live


def test_super_runs_the_method_of_the_base() -> None:
    files = {
        "pkg/base.py": (
            "from pkg.io import save\nclass Base:\n    def write(self):\n        save(1)\n"
            "    def read(self):\n        return 1\n"
        ),
        "pkg/kinds.py": (
            "from pkg.base import Base\nclass Kind(Base):\n    def write(self):\n        super().write()\n"
            "    def read(self):\n        return super().read()\n"
        ),
    }
    test = "from pkg.kinds import Kind\ndef test_it():\n    kind = Kind()\n    assert kind.{}() is None\n"
    assert saving_tests({**files, "tests/test_k.py": test.format("write")}) == ["test_it"]
    assert saving_tests({**files, "tests/test_k.py": test.format("read")}) == []


@pytest.mark.parametrize(
    ("imported", "followed"),
    [("from space.src.io import store_weights", True), ("from other.src.io import store_weights", False)],
)
def test_a_package_in_a_namespace_is_known_by_its_whole_name(imported: str, followed: bool) -> None:
    files = {
        "space/src/__init__.py": "",
        "space/src/io.py": HELPER,
        "space/src/run.py": f"{imported}\n\nstore_weights(1)\n",
    }
    calls = tree_of(files).calls("space.src.io.store_weights")
    assert bool(calls) is followed
    assert followed == (tree_of(files).modules.split("space.src.io")[0] is not None)
