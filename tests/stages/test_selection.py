"""Which files of a very large tree are read closely: enough of each thing that is looked for, whatever the order."""

from __future__ import annotations

import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from codex_audit.stages.selection import PER_CAPABILITY, PER_ENTRY, Candidate, select
from codex_audit.stages.vocabulary import Vocabulary

WORDS = [f"word{number}" for number in range(12)]
ENTRIES = [frozenset({word}) for word in WORDS] + [frozenset(WORDS[:2]), frozenset(WORDS[3:6])]
VOCABULARY = Vocabulary({"one": tuple(ENTRIES[:8]), "two": tuple(ENTRIES[6:])})

candidates = st.lists(
    st.builds(
        Candidate,
        path=st.from_regex(r"[a-d]/[a-z]{1,3}\.py", fullmatch=True),
        pool=st.sampled_from(["", "test", "example"]),
        blocks=st.integers(0, 120),
        words=st.frozensets(st.sampled_from(WORDS), max_size=5),
    ),
    max_size=40,
    unique_by=lambda item: item.path,
)


@given(candidates, st.randoms(use_true_random=False))
def test_the_order_of_the_files_does_not_matter(files: list[Candidate], chance: random.Random) -> None:
    shuffled = files.copy()
    chance.shuffle(shuffled)
    assert select(shuffled, VOCABULARY) == select(files, VOCABULARY)


@given(candidates)
def test_everything_looked_for_is_read_in_each_pool_or_as_often_as_it_stands_there(
    files: list[Candidate],
) -> None:
    chosen = select(files, VOCABULARY)
    for pool in {item.pool for item in files}:
        here = [item for item in files if item.pool == pool]
        for entry in ENTRIES:
            holding = [item.path for item in here if entry <= item.words]
            assert len(chosen.intersection(holding)) >= min(PER_ENTRY, len(holding))


@given(candidates)
def test_no_file_is_chosen_that_holds_nothing_looked_for(files: list[Candidate]) -> None:
    chosen = select(files, VOCABULARY)
    assert chosen <= {item.path for item in files if item.words}


@given(candidates, candidates)
def test_tests_change_nothing_for_the_code(files: list[Candidate], others: list[Candidate]) -> None:
    code = [Candidate(f"code/{item.path}", "", item.blocks, item.words) for item in files]
    tests = [Candidate(f"tests/{item.path}", "test", item.blocks, item.words) for item in others]
    both = select([*tests, *code], VOCABULARY)
    assert {path for path in both if path.startswith("code/")} == select(code, VOCABULARY)


def test_of_a_thousand_alike_few_are_chosen_and_the_small_ones_first() -> None:
    alike = [
        Candidate(f"{number:04}.py", "", 10_000 + number * 1000, frozenset(WORDS)) for number in range(1000)
    ]
    chosen = select(alike, VOCABULARY)
    assert len(chosen) <= PER_CAPABILITY + PER_ENTRY
    assert chosen == {f"{number:04}.py" for number in range(len(chosen))}


def test_a_rare_word_outweighs_many_common_ones() -> None:
    common = frozenset(WORDS[:11])
    files = [Candidate(f"{number}.py", "", 10_000, common) for number in range(200)]
    files += [Candidate(f"rare_{number}.py", "", 400_000, frozenset({WORDS[11]})) for number in range(3)]
    chosen = select(files, VOCABULARY)
    assert Counter(path.startswith("rare") for path in chosen)[True] >= PER_ENTRY


def test_nothing_to_choose_from_is_fine() -> None:
    assert select([], VOCABULARY) == frozenset()
    assert select([Candidate("a.py", "", 0, frozenset(WORDS))], Vocabulary({})) == frozenset()
