"""Every verdict says which rule fired and what would change it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from codex_audit.artifacts import ProbeAnswer
from codex_audit.capabilities.ask import MOST_EVIDENCE, ask
from codex_audit.capabilities.catalogue import CATALOGUE, probes
from codex_audit.capabilities.model import Probe
from codex_audit.query.found import Found
from codex_audit.query.tree import Tree
from tests.query.trees import tree_of

CLIPS = "import torch.nn.utils as u\n\ndef step(model):\n    u.clip_grad_norm_(model.parameters(), 1.0)\n\nstep(None)\n"
HAS_CODE = {"pkg/__init__.py": "", "pkg/run.py": "def main():\n    print(1)\n\nmain()\n"}


def probe(name: str) -> Probe:
    return next(one for one in probes() if one.id == name)


def asked(name: str, files: Mapping[str, str]) -> ProbeAnswer:
    answer, _ = ask(tree_of({"pkg/__init__.py": "", **files}), probe(name))
    return answer


@pytest.mark.parametrize(
    ("name", "files", "rule"),
    [
        ("training.clipping", {"pkg/a.py": CLIPS}, "clips gradients with torch.nn.utils.clip_grad*"),
        ("docs.license", {"LICENSE": "MIT\n"}, "the licence (/license)"),
        ("ci.lint", {"pyproject.toml": "[tool.ruff]\nline-length = 99\n"}, "sets tool.ruff.line-length"),
    ],
)
def test_a_yes_names_the_rule_that_fired(name: str, files: dict[str, str], rule: str) -> None:
    answer = asked(name, files)
    assert (answer.verdict, answer.rule) == ("yes", rule)


def test_an_alias_fires_the_same_rule() -> None:
    plain = "from torch.nn.utils import clip_grad_norm_ as c\n\nc([], 1.0)\n"
    assert (
        asked("training.clipping", {"pkg/a.py": plain}).rule
        == asked("training.clipping", {"pkg/a.py": CLIPS}).rule
    )


def test_a_yes_counts_all_the_places_that_would_have_to_go() -> None:
    one = asked("training.clipping", {"pkg/a.py": CLIPS})
    assert one.counter[0] == "no, were this place gone, stubs, unreachable, vendored or test code"
    many = asked("training.clipping", {f"pkg/a{n}.py": CLIPS for n in range(9)})
    assert many.counter[0].startswith("no, were all 9 places gone")
    assert len(many.evidence) == MOST_EVIDENCE


def test_a_yes_names_what_would_not_count_and_what_came_near() -> None:
    dead = "import torch\n\nif False:\n    torch.nn.utils.clip_grad_norm_([], 1.0)\n"
    counter = asked(
        "training.clipping", {"pkg/a.py": CLIPS, "tests/test_a.py": CLIPS, "pkg/dead.py": dead}
    ).counter
    assert f"these do not count: {probe('training.clipping').excludes}" in counter
    assert any(line.startswith("near: tests/test_a.py:4, test code") for line in counter)


def test_a_no_names_what_would_count_and_the_nearest_miss() -> None:
    answer = asked("training.clipping", {**HAS_CODE, "tests/test_a.py": CLIPS})
    assert answer.verdict == "no"
    assert answer.rule.startswith("none of the ")
    assert answer.counter[0] == f"yes, at the first place that counts: {probe('training.clipping').counts}"
    assert any(line.startswith("near: tests/test_a.py:4, test code") for line in answer.counter)


def test_an_absence_that_holds_or_does_not_says_what_would_change_it() -> None:
    holds = asked("security.safe-load", HAS_CODE)
    assert "none may be there" in holds.rule
    assert holds.counter[0].startswith("no, at the first place")
    fails = asked("security.safe-load", {"pkg/a.py": "import pickle\n\npickle.load(open('x', 'rb'))\n"})
    assert fails.rule == "something was found that must not be there"
    assert fails.counter[0] == "yes, were this place gone"
    assert fails.counter[-1].startswith("near: pkg/a.py:3")


def test_what_cannot_be_known_says_what_it_waits_for() -> None:
    broken = asked("training.clipping", {"pkg/a.py": "def step(:\n    clip_grad_norm_(1)\n"})
    assert (broken.verdict, broken.counter[0]) == ("unknown", "yes or no, once that file can be read")

    def fail(tree: Tree) -> Found:
        raise ZeroDivisionError

    tree = tree_of(HAS_CODE)
    failed, _ = ask(tree, replace(probe("training.clipping"), check=fail))
    disabled, _ = ask(tree, probe("training.clipping"), "not ours")
    assert (failed.rule, disabled.rule) == ("the probe failed", "the settings disable the probe")
    assert failed.counter
    assert disabled.counter


def test_every_probe_says_its_rule_and_what_would_change_its_answer_on_any_tree() -> None:
    for files in (
        {},
        HAS_CODE,
        {**HAS_CODE, "pkg/a.py": CLIPS, "LICENSE": "MIT\n", "tests/test_a.py": CLIPS},
    ):
        tree = tree_of(files)
        for capability in CATALOGUE:
            for one in capability.probes:
                answer, _ = ask(tree, one)
                assert answer.rule
                assert answer.counter[0].startswith(("yes", "no"))


def test_a_no_of_which_a_part_holds_names_the_part_that_is_missing() -> None:
    readme = "# Tool\n\n```\npython train.py\n```\n"
    answer = asked("docs.readme", {**HAS_CODE, "README.md": readme})
    assert answer.verdict == "no"
    assert (
        answer.reason
        == "only a part was found (says how to run); not found: an install command in the README"
    )
    assert answer.rule == "only a part of what it takes was found"


def test_a_part_that_is_missing_in_one_way_does_not_matter_where_another_way_holds() -> None:
    readme = "# Tool\n\n```\npip install tool\npython train.py\n```\n"
    answer = asked("docs.readme", {**HAS_CODE, "README.md": readme})
    assert answer.verdict == "yes"
    assert "only a part" not in answer.reason
