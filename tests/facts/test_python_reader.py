"""What the reader of Python says of source text."""

from __future__ import annotations

import ast
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_audit.facts.model import PythonFacts, Unread
from codex_audit.facts.python.reader import read_python


def read(source: str, *, is_test: bool = False) -> PythonFacts:
    facts = read_python(textwrap.dedent(source).encode(), is_test=is_test)
    assert isinstance(facts, PythonFacts), facts
    return facts


def targets(source: str) -> list[str]:
    return [call.target for call in read(source).calls]


@pytest.mark.parametrize(
    "source",
    [
        "import torch\ntorch.save(1, 'x')",
        "import torch as t\nt.save(1, 'x')",
        "from torch import save\nsave(1, 'x')",
        "from torch import save as keep\nkeep(1, 'x')",
        "import torch\nkeep = torch.save\nkeep(1, 'x')",
        "def f():\n    keep(1, 'x')\nfrom torch import save as keep",
    ],
)
def test_a_call_is_named_by_what_it_calls_however_it_was_imported(source: str) -> None:
    assert targets(source) == ["torch.save"]


def test_a_method_is_named_by_the_constructor_of_its_receiver() -> None:
    source = """
        import torch
        class Trainer:
            def __init__(self, model):
                self.optimizer = torch.optim.AdamW(model.parameters())
            def step(self):
                self.optimizer.step()
                self.save()
    """
    assert targets(source) == [
        "torch.optim.AdamW",
        "?.parameters",
        "torch.optim.AdamW().step",
        ":Trainer().save",
    ]


def test_an_annotated_parameter_names_its_class() -> None:
    source = """
        from transformers import PreTrainedModel
        def keep(model: PreTrainedModel | None, other):
            model.save_pretrained("out")
            other.save_pretrained("out")
    """
    assert targets(source) == ["transformers.PreTrainedModel().save_pretrained", "?.save_pretrained"]


def test_a_parameter_shadows_an_import_of_the_same_name() -> None:
    source = "import torch\ndef f(torch):\n    torch.save(1)\n"
    assert targets(source) == ["?.save"]


def test_relative_imports_keep_their_dots() -> None:
    facts = read("from .utils import set_seed\nfrom .. import core\nset_seed(1)\ncore.go()\n")
    assert [call.target for call in facts.calls] == [".utils.set_seed", "..core.go"]


@pytest.mark.parametrize(
    "source",
    [
        "if False:\n    import os; os.remove('x')",
        "if 0:\n    print(1)\nelse:\n    pass",
        "def f():\n    return 1\n    print(1)",
        "def f():\n    raise ValueError\n    print(1)",
        "while False:\n    print(1)",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    print(1)",
        "def f(x):\n    if x:\n        return 1\n    else:\n        return 2\n    print(1)",
        "# print(1)\n'''print(1)'''",
    ],
)
def test_what_cannot_run_gives_no_calls(source: str) -> None:
    assert targets(source) == []


def test_both_branches_of_an_undecided_if_count() -> None:
    assert targets(
        "def f(x):\n    if x:\n        a()\n    elif x > 1:\n        b()\n    else:\n        c()"
    ) == ["a", "b", "c"]


def test_arguments_are_written_values() -> None:
    facts = read("import torch\nf('bf16', torch.float16, x=[1, 'a'], y=-2, z=torch.device('cpu'), **k)\n")
    call = facts.calls[0]
    assert [(item.name, item.value) for item in call.arguments] == [
        ("", "'bf16'"),
        ("", "torch.float16"),
        ("x", "[1, 'a']"),
        ("y", "-2"),
        ("z", "torch.device()"),
        ("**", "k"),
    ]


def test_strings_carry_the_role_in_which_they_stand() -> None:
    facts = read(
        """
        '''module docstring'''
        state = {"optimizer": 1}
        if name == "gpt2": pass
        state["rng"]
        parser.add_argument("--lr", help="the learning rate")
        print("tokens/s")
        speed = f"{x} tokens/s"
        """
    )
    roles = {(text.text, text.role) for text in facts.texts}
    assert ("optimizer", "key") in roles
    assert ("gpt2", "compare") in roles
    assert ("rng", "subscript") in roles
    assert ("--lr", "argument") in roles
    assert ("the learning rate", "help") in roles
    assert ("tokens/s", "message") in roles
    assert (" tokens/s", "formatted") in roles
    assert not any("docstring" in text for text, _ in roles)


def test_stubs_are_marked_and_real_bodies_are_not() -> None:
    facts = read(
        """
        def a(): ...
        def b():
            '''Promises.'''
            raise NotImplementedError("later")
        def c():
            return 1
        """
    )
    assert [(function.name, function.stub) for function in facts.functions] == [
        ("a", True),
        ("b", True),
        ("c", False),
    ]


def test_dataclass_fields_carry_their_defaults() -> None:
    facts = read(
        """
        from dataclasses import dataclass, field
        @dataclass
        class Args:
            lr: float = 3e-4
            names: list[str] = field(default_factory=list, metadata={"help": "h"})
            clip: float = field(default=1.0)
        """
    )
    fields = {item.name: (item.annotation, item.default) for item in facts.classes[0].fields}
    assert fields == {"lr": ("float", "0.0003"), "names": ("list[str]", "list"), "clip": ("float", "1.0")}
    assert facts.classes[0].decorators == ("dataclasses.dataclass",)


def test_tests_count_assertions_of_their_helpers_and_know_when_they_never_run() -> None:
    facts = read(
        """
        import pytest
        def check(x):
            assert x == 1
        def test_helper(): check(1)
        def test_nothing(): print(1)
        def test_constant(): assert True
        @pytest.mark.skip
        def test_skipped(): assert f()
        @pytest.mark.skipif(not has_gpu(), reason="no GPU")
        def test_sometimes(): assert f()
        def test_raises():
            with pytest.raises(ValueError): f()
        class TestMore:
            def test_inner(self): self.assertEqual(1, f())
        """,
        is_test=True,
    )
    assert {test.name: (test.asserts > 0, test.skipped) for test in facts.tests} == {
        "test_helper": (True, False),
        "test_nothing": (False, False),
        "test_constant": (False, False),
        "test_skipped": (True, True),
        "test_sometimes": (True, False),
        "test_raises": (True, False),
        "TestMore.test_inner": (True, False),
    }


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"x = " + b"-" * 100_000 + b"1", "nested too deeply"),
        (b"(" * 5_000 + b")" * 5_000, "too many nested parentheses"),
        (b"x = " + b" + ".join([b"1"] * 20_000), "nested too deeply"),
        (b"x\x00y", "null bytes"),
        (b"print 'x'", "Missing parentheses"),
        (b"def f(:\n", "syntax error"),
        (b"\xff\xfe\x00", ""),
    ],
)
def test_a_file_that_cannot_be_parsed_says_why(data: bytes, reason: str) -> None:
    unread = read_python(data)
    assert isinstance(unread, Unread)
    assert reason in unread.reason
    assert "<unknown>" not in unread.reason


def test_a_newer_grammar_is_named() -> None:
    for source, version in (
        ("def first[T](items: list[T]) -> T: ...", (3, 12)),
        ("type Pair = tuple[int, int]", (3, 12)),
        ("try:\n    pass\nexcept A, B:\n    pass", (3, 14)),
    ):
        try:
            ast.parse(source)
        except SyntaxError:
            unread = read_python(source.encode())
            assert isinstance(unread, Unread)
            assert unread.reason == f"needs Python >= {version[0]}.{version[1]}"


def test_a_long_elif_chain_and_a_long_file_are_read() -> None:
    chain = "if a == 0: f()\n" + "".join(f"elif a == {n}: f()\n" for n in range(1, 90))
    assert len(targets(chain)) == 90
    assert len(read("f()\n" * 100_000).calls) == 100_000


@given(st.lists(st.sampled_from(["alpha", "beta", "gamma", "delta"]), min_size=2, max_size=4, unique=True))
def test_renaming_local_variables_changes_no_target(names: list[str]) -> None:
    source = "import torch\ndef f():\n    {0} = torch.nn.Linear(1, 2)\n    {1} = {0}(3)\n    {1}.backward()\n    {0}.train()\n"
    assert targets(source.format(*names)) == targets(source.format("first", "second"))
