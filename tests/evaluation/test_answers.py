"""Scores of answers: by the published rules, in every script, and with a clear word where a library is missing."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest
import sacrebleu
from hypothesis import given, settings
from hypothesis import strategies as st

from codex_evidence.errors import UsageError
from codex_train.evaluation.answers import METRICS, Score, exact_match, normalised, score, token_f1
from tests.evaluation.worlds import random_states

SAID = ["The cat sat on the mat.", "Paris", "four and twenty", ""]
WANTED = ["a cat sat on a mat", "Paris, France", "twenty-four", "nothing"]


def named(found: tuple[Score, ...]) -> dict[str, Score]:
    return {one.name: one for one in found}


@pytest.mark.parametrize(
    ("said", "wanted", "exact", "f1"),
    [
        ("The Eiffel Tower.", "eiffel tower", 1.0, 1.0),
        ("the cat", "a cat", 1.0, 1.0),
        ("an  answer\n", "answer", 1.0, 1.0),
        ("cat cat cat", "cat", 0.0, 0.5),
        ("one two", "two three", 0.0, 0.5),
        ("yes", "no", 0.0, 0.0),
        ("", "no", 0.0, 0.0),
        ("", "", 1.0, 1.0),
        ("The.", "a", 1.0, 1.0),
        ("theatre", "atre", 0.0, 0.0),
    ],
)
def test_exact_match_and_f1_follow_squad(said: str, wanted: str, exact: float, f1: float) -> None:
    assert exact_match(said, wanted) == exact
    assert token_f1(said, wanted) == f1


@settings(max_examples=60)
@given(said=st.text(max_size=40), wanted=st.text(max_size=40))
def test_f1_is_symmetric_between_0_and_1_and_1_for_a_match(said: str, wanted: str) -> None:
    value = token_f1(said, wanted)
    assert 0 <= value <= 1
    assert value == token_f1(wanted, said)
    if exact_match(said, wanted):
        assert value == 1
    assert exact_match(said, said) == 1


@given(text=st.text(alphabet="aA tThHeE.,!n\n", max_size=40))
def test_what_is_normalised_stays_as_it_is(text: str) -> None:
    once = normalised(text)
    assert "  " not in once
    assert once == once.strip()
    assert not {"a", "an", "the"} & set(once.split())


def test_bleu_and_chrf_are_sacrebleus_own_with_their_signatures() -> None:
    found = named(score(SAID, WANTED, ["bleu", "chrf"]))
    assert found["bleu"].value == sacrebleu.corpus_bleu(SAID, [WANTED]).score
    assert found["chrf"].value == sacrebleu.corpus_chrf(SAID, [WANTED]).score
    assert "tok:13a" in found["bleu"].signature
    assert "version:" in found["chrf"].signature


def test_rouge_is_the_mean_of_f_measures_by_hand() -> None:
    found = named(score(["the cat sat", "a b c d"], ["the cat", "a c b d"], ["rouge"]))
    assert set(found) == {"rouge1", "rouge2", "rougeL"}
    assert found["rouge1"].value == pytest.approx(100 * (0.8 + 1.0) / 2)
    assert found["rouge2"].value == pytest.approx(100 * (2 / 3 + 0.0) / 2)
    assert found["rougeL"].value == pytest.approx(100 * (0.8 + 0.75) / 2)


@settings(max_examples=40)
@given(
    said=st.text(st.characters(max_codepoint=127), max_size=60),
    wanted=st.text(st.characters(max_codepoint=127), max_size=60),
)
def test_rouge_of_ascii_text_is_that_of_the_librarys_own_words(said: str, wanted: str) -> None:
    scorer = import_module("rouge_score.rouge_scorer").RougeScorer

    theirs = scorer(["rouge1", "rouge2", "rougeL"]).score(wanted, said)
    for one in score([said], [wanted], ["rouge"]):
        assert one.value == pytest.approx(100 * theirs[one.name].fmeasure)


@pytest.mark.parametrize("text", ["кошка сидит на окне", "η γάτα κάθεται εδώ", "القطة تجلس على السجادة"])
def test_other_scripts_count_as_words(text: str) -> None:
    found = named(score([text], [text], METRICS))
    assert {name: one.value for name, one in found.items()} == pytest.approx(dict.fromkeys(found, 100.0))


def test_every_metric_has_an_interval_around_it_that_repeats() -> None:
    before = random_states()
    found = score(SAID, WANTED, METRICS, resamples=60, seed=4)
    assert random_states() == before
    assert [one.name for one in found] == ["exact", "f1", "bleu", "rouge1", "rouge2", "rougeL", "chrf"]
    for one in found:
        assert one.interval is not None
        assert 0 <= one.interval.low <= one.interval.high <= 100
        assert one.interval.point == one.value
    assert found == score(SAID, WANTED, METRICS, resamples=60, seed=4)
    assert (
        named(found)["f1"].interval != named(score(SAID, WANTED, ["f1"], resamples=60, seed=5))["f1"].interval
    )


@pytest.mark.parametrize(
    ("said", "wanted", "metrics", "words"),
    [
        (["a"], ["a"], ["blue"], "no metric called 'blue'; there are exact, f1, bleu, rouge, chrf"),
        ([], [], ["f1"], "cannot score 0 answers against 0"),
        (["a", "b"], ["a"], ["f1"], "cannot score 2 answers against 1"),
    ],
)
def test_what_cannot_be_scored_is_an_error(
    said: list[str], wanted: list[str], metrics: list[str], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        score(said, wanted, metrics)


@pytest.mark.parametrize(
    ("metric", "module"), [("rouge", "rouge_score"), ("bleu", "sacrebleu"), ("chrf", "sacrebleu")]
)
def test_a_missing_library_is_named_with_the_extra_that_brings_it(metric: str, module: str) -> None:
    code = (
        f"import sys\nsys.modules[{module!r}] = None\nfrom codex_train.evaluation.answers import score\n"
        f"from codex_evidence.errors import UsageError\nscore(['a'], ['a'], ['exact', 'f1'])\n"
        f"try:\n    score(['a'], ['a'], [{metric!r}])\nexcept UsageError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'codex-audit[eval]'" in done.stdout
    assert module.replace("_", "-") in done.stdout


def test_the_module_loads_no_scoring_library_and_no_torch() -> None:
    code = (
        "import sys, codex_train.evaluation.answers\n"
        "print({'sacrebleu', 'rouge_score', 'nltk', 'torch'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
