"""Verdicts follow what code does: its layout, its local names, its order and its files may change."""

from __future__ import annotations

import ast
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.hostile.answers import changed, proofs, verdicts
from tests.hostile.layout import FORMATS, Lines, open_lines, undocumented, with_lines
from tests.hostile.moving import reordered, split_in_two
from tests.hostile.programs import PROGRAMS, proofs_of, verdicts_of
from tests.hostile.renaming import identifiers, renamed_locals
from tests.query.trees import tree_of

MODULES = {
    (name, path): text
    for name, sources in PROGRAMS.items()
    for path, text in sources.items()
    if "def " in text
}
HALVES = {
    key: halves
    for key, text in MODULES.items()
    if (halves := split_in_two(text, key[1].replace(".py", "_part").replace("/", "."))) is not None
}
# What rules look for, as local names that mean nothing.
PROMISES = (
    "accuracy best_val_loss save_total_limit resume_from_checkpoint tokenizer gradient_accumulation_steps max_grad_norm "
    "lora_config wandb_run seed_everything perplexity sha256 val_loader deterministic throughput profiler _helper "
    "checkpoint_callback state_dict_path trainer_state bf16 scheduler"
).split()
LINES = [
    "",
    "    ",
    "# TODO: save the optimizer",
    "# torch.save(model.state_dict(), 'best.pt')",
    "#" + "-" * 60,
]

thorough = settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow])
modules = st.sampled_from(sorted(MODULES))


def with_module(name: str, path: str, text: str) -> dict[str, str]:
    return {**PROGRAMS[name], path: text}


def check_places(name: str, path: str, text: str, moved: Lines) -> None:
    """The same verdicts, proved by the same statements at their new lines."""
    there = {
        probe: {
            (file, moved.get(line, line) if file == path else line, symbol) for file, line, symbol in found
        }
        for probe, found in proofs_of(name).items()
    }
    assert proofs(tree_of(with_module(name, path, text))) == there


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", PROGRAMS)
def test_another_format_changes_no_verdict(name: str, form: str) -> None:
    rewritten = {path: FORMATS[form](text) for path, text in PROGRAMS[name].items()}
    assert rewritten != PROGRAMS[name]
    for path, text in rewritten.items():
        assert ast.dump(ast.parse(text)) == ast.dump(ast.parse(PROGRAMS[name][path])), path
    assert changed(verdicts_of(name), verdicts(tree_of(rewritten))) == {}


@thorough
@given(modules, st.data())
def test_comments_and_empty_lines_only_move_the_evidence(
    module: tuple[str, str], data: st.DataObject
) -> None:
    text = MODULES[module]
    places = data.draw(st.lists(st.sampled_from(open_lines(text)), min_size=1, max_size=30))
    added = {line: data.draw(st.lists(st.sampled_from(LINES), min_size=1, max_size=20)) for line in places}
    rewritten, moved = with_lines(text, added)
    assert ast.dump(ast.parse(rewritten)) == ast.dump(ast.parse(text))
    check_places(*module, rewritten, moved)


@pytest.mark.parametrize("gap", [1, 40, 300])
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_gap_in_front_of_each_line_changes_no_verdict(name: str, gap: int) -> None:
    rewritten = {
        path: with_lines(text, dict.fromkeys(open_lines(text), [""] * gap))[0]
        for path, text in PROGRAMS[name].items()
    }
    assert changed(verdicts_of(name), verdicts(tree_of(rewritten))) == {}


@pytest.mark.parametrize("name", PROGRAMS)
def test_docstrings_that_promise_everything_only_move_the_evidence(name: str) -> None:
    for path, text in PROGRAMS[name].items():
        lines = undocumented(text)
        added = {line: [f'{before}"""{" ".join(PROMISES)}"""'] for line, before in lines.items()}
        rewritten, moved = with_lines(text, added)
        ast.parse(rewritten)
        check_places(name, path, rewritten, moved)


@thorough
@given(modules, st.permutations(PROMISES))
def test_local_names_mean_nothing(module: tuple[str, str], names: list[str]) -> None:
    text = MODULES[module]
    free = [name for name in names if name not in identifiers(text)]
    fresh: dict[str, str] = {}

    def rename(name: str) -> str:
        return fresh.setdefault(
            name, free[len(fresh)] if len(fresh) < len(free) else f"variable_{len(fresh)}"
        )

    rewritten = renamed_locals(text, rename)
    check_places(*module, rewritten, {})
    back = {other: name for name, other in fresh.items()}
    assert renamed_locals(rewritten, lambda name: back[name]) == text


@thorough
@given(modules, st.randoms(use_true_random=False))
def test_the_order_of_functions_means_nothing(module: tuple[str, str], random: Random) -> None:
    rewritten, moved = reordered(MODULES[module], lambda numbers: random.sample(numbers, len(numbers)))
    assert sorted(rewritten.split("\n")) == sorted(MODULES[module].split("\n"))
    check_places(*module, rewritten, moved)


@pytest.mark.parametrize(("name", "path"), sorted(HALVES))
def test_a_module_in_two_that_imports_its_other_half_again(name: str, path: str) -> None:
    left, part = HALVES[name, path]
    rewritten = {**with_module(name, path, left), path.replace(".py", "_part.py"): part}
    assert changed(verdicts_of(name), verdicts(tree_of(rewritten))) == {}
