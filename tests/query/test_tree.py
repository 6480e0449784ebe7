"""Names resolve across modules, and what cannot count is set aside with a reason."""

from __future__ import annotations

import pytest

from codex_audit.query.found import Found
from codex_audit.query.tree import Tree
from tests.query.trees import tree_of


def places(found: Found) -> list[tuple[str, int]]:
    return sorted((item.path, item.line) for item in found.evidence)


def test_a_reexported_wrapper_and_its_alias_are_one_name() -> None:
    tree = tree_of(
        {
            "pkg/__init__.py": "from .core import seed_it as seed\n",
            "pkg/core.py": "def seed_it(n):\n    return n\n",
            "pkg/use.py": "from pkg import seed\nimport pkg\nseed(1)\npkg.seed(2)\n",
        }
    )
    assert places(tree.calls("pkg.core.seed_it")) == [("pkg/use.py", 3), ("pkg/use.py", 4)]


def test_a_star_import_is_followed_to_the_definition() -> None:
    tree = tree_of(
        {
            "pkg/__init__.py": "",
            "pkg/a.py": "def helper():\n    return 1\n",
            "pkg/b.py": "from pkg.a import *\nhelper()\n",
        }
    )
    assert places(tree.calls("pkg.a.helper")) == [("pkg/b.py", 2)]


def test_a_subclass_answers_to_its_library_base_until_it_overrides() -> None:
    tree = tree_of(
        {
            "pkg/__init__.py": "",
            "pkg/mine.py": "import transformers\nclass Mine(transformers.Trainer):\n    def evaluate(self):\n        return 1\n",
            "pkg/run.py": "from pkg.mine import Mine\nt = Mine()\nt.train()\nt.evaluate()\n",
        }
    )
    assert places(tree.calls("transformers.Trainer().train")) == [("pkg/run.py", 3)]
    assert places(tree.calls("transformers.Trainer().evaluate")) == []
    assert places(tree.subclasses("transformers.Trainer")) == [("pkg/mine.py", 2)]


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("import tensorflow as tf\ntf.compat.v1.train.Saver()\n", 2),
        ("import tensorflow.compat.v1 as tf\ntf.train.Saver()\n", 2),
        ("from compat import tf\ntf.train.Saver()\n", 2),
    ],
)
def test_second_names_of_a_library_are_its_first(source: str, line: int) -> None:
    tree = tree_of({"compat.py": "import tensorflow.compat.v1 as tf\n", "run.py": source})
    assert places(tree.calls("tensorflow.train.Saver")) == [("run.py", line)]


def test_a_package_that_only_sounds_like_a_second_name_is_another() -> None:
    tree = tree_of({"run.py": "import tensorflow_compat as tf\ntf.v1.train.Saver()\n"})
    assert places(tree.calls("tensorflow.train.Saver")) == []


def test_a_script_imports_the_file_beside_it() -> None:
    tree = tree_of(
        {
            "exp/model.py": "class Net:\n    def run(self):\n        return 1\n",
            "exp/train.py": "from model import Net\nNet().run()\n",
            "other/model.py": "class Net:\n    pass\n",
        }
    )
    assert places(tree.calls("exp.model.Net")) == [("exp/train.py", 2)]


@pytest.mark.parametrize(
    ("path", "source", "reason"),
    [
        ("tests/test_a.py", "import torch\ntorch.save(1)\n", "test code"),
        ("pkg/_vendor/a.py", "import torch\ntorch.save(1)\n", "vendored code"),
        ("pkg/a.py", "import torch\ndef _old():\n    torch.save(1)\n", "nothing calls"),
        ("pkg/a.py", "import torch\ndef unused_helper():\n    torch.save(1)\n", "nothing calls"),
        ("pkg/a.py", "from torch import save\n", "imported only"),
    ],
)
def test_what_does_not_count_is_a_near_miss_that_says_why(path: str, source: str, reason: str) -> None:
    found = tree_of({"pkg/__init__.py": "", path: source}).calls("torch.save")
    assert not found
    assert reason in found.near[0].why


@pytest.mark.parametrize(
    "source",
    [
        "# torch.save(model)\n",
        '"""torch.save(model)"""\n',
        "text = 'torch.save(model)'\n",
        "import torch\nif False:\n    torch.save(1)\n",
        "import torch\ndef go():\n    return 1\n    torch.save(1)\ngo()\n",
        "class torch:\n    pass\ntorch.load(1)\n",
    ],
)
def test_promises_are_no_evidence(source: str) -> None:
    assert not tree_of({"pkg/__init__.py": "", "pkg/a.py": source}).calls("torch.save")


def test_options_are_flags_fields_parameters_and_keys() -> None:
    tree = tree_of(
        {
            "pkg/__init__.py": "from .run import train\n",
            "pkg/run.py": (
                "import argparse\nfrom dataclasses import dataclass\n"
                "p = argparse.ArgumentParser()\np.add_argument('--grad-clip', type=float)\n"
                "@dataclass\nclass Args:\n    grad_clip: float = 1.0\n"
                "def train(grad_clip=1.0):\n    return grad_clip\n"
            ),
            "configs/a.yaml": "training:\n  grad_clip: 1.0\n",
        }
    )
    assert places(tree.options("grad_clip")) == [
        ("configs/a.yaml", 2),
        ("pkg/run.py", 4),
        ("pkg/run.py", 7),
        ("pkg/run.py", 8),
    ]
    assert places(tree.options("grad_*", kinds=("flag",))) == [("pkg/run.py", 4)]


TRAINING = {
    "pkg/__init__.py": "from .engine import Engine\n",
    "pkg/engine.py": (
        "import torch\nclass Engine:\n    def __init__(self, m):\n        self.opt = torch.optim.SGD(m.parameters())\n"
        "    def fit(self):\n        self.one()\n    def one(self):\n        self.opt.step()\n"
    ),
}


def stepping_tests(tree: Tree) -> list[tuple[str, int]]:
    return places(tree.tests_reaching(tree.calls("torch.optim.SGD().step")))


def test_a_test_reaches_code_through_the_call_graph() -> None:
    test = "from pkg import Engine\ndef test_fit():\n    e = Engine(None)\n    e.fit()\n    assert e.opt\n"
    assert stepping_tests(tree_of({**TRAINING, "tests/test_e.py": test})) == [("tests/test_e.py", 2)]


def test_a_test_reaches_code_through_a_fixture() -> None:
    sources = {
        **TRAINING,
        "tests/conftest.py": "import pytest\nfrom pkg import Engine\n@pytest.fixture\ndef fitted():\n    e = Engine(None)\n    e.fit()\n    return e\n",
        "tests/test_e.py": "def test_fit(fitted):\n    assert fitted.opt\n",
    }
    assert stepping_tests(tree_of(sources)) == [("tests/test_e.py", 1)]


@pytest.mark.parametrize(
    "test",
    [
        "from pkg import Engine\ndef test_make():\n    assert Engine(None)\n",
        "from pkg import Engine\ndef test_fit():\n    Engine(None).fit()\n",
        "import pytest\nfrom pkg import Engine\n@pytest.mark.skip\ndef test_fit():\n    e = Engine(None)\n    e.fit()\n    assert e.opt\n",
        "def test_other():\n    assert 1 + 1 == 2\n",
    ],
)
def test_a_test_that_does_not_run_assert_or_get_there_does_not_count(test: str) -> None:
    assert stepping_tests(tree_of({**TRAINING, "tests/test_e.py": test})) == []


def test_library_defaults_count_once_the_library_is_driven() -> None:
    driven = "from transformers import Trainer\nt = Trainer()\nt.train()\n"
    imported = "from transformers import Trainer\n"
    assert tree_of({"train.py": driven}).inherited("training.clipping")
    assert not tree_of({"train.py": imported}).inherited("training.clipping")


def test_evidence_reachable_from_an_entry_point_comes_first() -> None:
    tree = tree_of(
        {
            "pkg/__init__.py": "from .a import extra\n",
            "pkg/a.py": "import torch\ndef extra():\n    torch.save(1)\n",
            "pkg/z.py": "import torch\ndef main():\n    torch.save(1)\nif __name__ == '__main__':\n    main()\n",
        }
    )
    assert [(item.path, item.place) for item in tree.calls("torch.save").evidence] == [
        ("pkg/z.py", "entry"),
        ("pkg/a.py", "library"),
    ]


def test_inherited_settings_are_shown_where_the_tree_takes_them_from_a_library() -> None:
    base = "import transformers\n\n\nclass Base(transformers.TrainingArguments):\n    pass\n"
    own = "from pkg.base import Base\n\n\nclass Own(Base):\n    pass\n"
    tree = tree_of({"pkg/__init__.py": "", "pkg/base.py": base, "pkg/a.py": own, "pkg/z.py": own})
    assert places(tree.inherited("checkpointing.retention")) == [("pkg/base.py", 4)]
    private = {"tests/base.py": base, "pkg/a.py": own.replace("pkg.base", "tests.base")}
    assert places(tree_of(private).inherited("checkpointing.retention")) == [("pkg/a.py", 4)]


def test_preferring_never_turns_a_yes_into_a_no() -> None:
    found = tree_of({"a.py": "import torch\ntorch.save(1)\n", "b.py": "import torch\ntorch.save(2)\n"}).calls(
        "torch.save"
    )
    assert places(found.preferring(lambda item: item.path == "b.py", "less")) == [("b.py", 2)]
    assert places(found.preferring(lambda _: False, "less")) == places(found)


def test_attributes_of_a_config_dict_are_settings() -> None:
    source = (
        "import {library}\n\n\ndef get_config():\n    config = {library}.ConfigDict()\n"
        "    config.grad_clip = 1.0\n    return config\n"
    )
    assert tree_of({"configs/default.py": source.format(library="ml_collections")}).options("grad_clip")
    assert not tree_of({"configs/default.py": source.format(library="records")}).options("grad_clip")
