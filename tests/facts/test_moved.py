"""Two readings of a module are the same where only lines moved, or something silent was put in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_audit.facts.model import PythonFacts
from codex_audit.facts.python.moved import Moved, moved
from codex_audit.facts.python.reader import read_python

SOURCE = '''\
"""A module."""
import torch


class Net(torch.nn.Module):
    size: int = 3

    @torch.no_grad()
    def forward(self, x):
        y = torch.relu(
            x,
        )
        if y is None:
            raise ValueError("no y")
        return y


@torch.jit.script
def run(lr=0.1):
    net = Net()
    optimizer = torch.optim.AdamW(net.parameters(), lr=lr)
    for step in range(10):
        optimizer.step()
    torch.save(net.state_dict(), "net.pt")
    return {
        "loss": 1,
        "net": net,
    }
'''
MUTE = ("touched", "range")
LINES = SOURCE.splitlines()


def facts(source: str) -> PythonFacts:
    read = read_python(source.encode())
    assert isinstance(read, PythonFacts)
    return read


def change(source: str) -> Moved | None:
    return between(SOURCE, source)


def between(old: str, new: str) -> Moved | None:
    return moved(facts(old), facts(new), lambda fact: fact.target in MUTE)


def inserted(line: int, text: str) -> str:
    return "\n".join([*LINES[:line], text, *LINES[line:]]) + "\n"


# Not inside a statement of several lines: that is asked anew.
@given(
    st.sampled_from([*range(1, 10), *range(12, 25), 28]), st.sampled_from(["", "# a word", "        # deep"])
)
def test_a_blank_line_or_a_comment_moves_what_is_below_and_no_more(line: int, text: str) -> None:
    found = change(inserted(line, text))
    assert found is not None
    for call in facts(SOURCE).calls:
        assert found.line(call.line) == call.line + (call.line > line)


@pytest.mark.parametrize("line", [10, 13, 14, 15, 20, 22, 23, 24])
def test_a_silent_statement_is_found_wherever_it_stands(line: int) -> None:
    indent = " " * (len(LINES[line - 1]) - len(LINES[line - 1].lstrip()))
    found = change(inserted(line - 1, f"{indent}touched = 1"))
    assert found is not None
    assert found.line(line) == line + 1
    back = between(inserted(line - 1, f"{indent}touched = 1"), SOURCE)
    assert back is not None
    assert back.line(line + 1) == line


@pytest.mark.parametrize(("old", "new"), [("range(10)", "range(11)"), ("range(10)", "range(None)")])
def test_another_number_where_nobody_listens_moves_nothing(old: str, new: str) -> None:
    found = change(SOURCE.replace(old, new))
    assert found is not None
    assert found.line(20) == 20


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    net = Net()\n", "    net = Net()\n    other = 1\n"),
        ("    net = Net()\n", "    net = Net()\n    print(net)\n"),
        ("    net = Net()\n", "    net = Net()\n    touched = torch.load(net)\n"),
        ("        optimizer.step()\n", "        pass\n"),
        ("lr=lr", "lr=1e-3"),
        ('"net.pt"', '"other.pt"'),
        ("range(10)", "range(net)"),
        ("range(10)", "range(10, 2)"),
        ("range(10)", "range(stop=10)"),
        ("def run(lr=0.1)", "def run(lr=0.2)"),
        ("    size: int = 3\n", ""),
        ("@torch.jit.script\n", ""),
        ("import torch\n", "import torch, os\n"),
        (
            "        optimizer.step()\n",
            "        optimizer.step()\n        touched = 1\n        torch.seed()\n",
        ),
    ],
)
def test_anything_that_says_more_is_another_module(old: str, new: str) -> None:
    assert old in SOURCE
    assert change(SOURCE.replace(old, new)) is None


def test_an_empty_module_is_itself() -> None:
    assert between("", "# nothing\n") is not None
    assert between("", "other = 1\n") is None


@pytest.mark.parametrize(
    ("line", "distance", "follows"),
    [(20, (19, 21), False), (20, (20, 22), True), (20, (18, 19), True), (21, (20, 21), False)],
)
def test_a_statement_between_two_places_whose_distance_matters_is_asked_anew(
    line: int, distance: tuple[int, int], follows: bool
) -> None:
    """Both where it comes and where it goes, however far comments have moved it."""
    indent = " " * (len(LINES[line - 1]) - len(LINES[line - 1].lstrip()))
    for comments in (0, 3):
        new = inserted(line - 1, f"{indent}# so\n" * comments + f"{indent}touched = 1")
        found = moved(facts(SOURCE), facts(new), lambda fact: fact.target in MUTE, [distance])
        assert (found is not None) is follows
        if not comments:
            first, second = (place + (place >= line) for place in distance)
            back = moved(facts(new), facts(SOURCE), lambda fact: fact.target in MUTE, [(first, second)])
            assert (back is not None) is follows


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    net = Net()\n", "    net = Net(); touched = 1\n"),
        ("    net = Net()\n", "    touched = 1; net = Net()\n"),
        ("        y = torch.relu(\n", "        pass; y = torch.relu(\n"),
    ],
)
def test_statements_that_come_to_share_a_line_are_asked_anew(old: str, new: str) -> None:
    assert old in SOURCE
    assert change(SOURCE.replace(old, new)) is None
    assert between(SOURCE.replace(old, new), SOURCE) is None


def test_statements_that_are_joined_on_one_line_are_asked_anew() -> None:
    one, two = "    a()\n    b()\n", "    a(); b()\n"
    assert between(f"def f():\n{one}", f"def f():\n{two}") is None
    assert between(f"def f():\n{two}", f"def f():\n{one}") is None
