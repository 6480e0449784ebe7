from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from codex_evidence.errors import UsageError
from codex_train.config.nouns import LoraConfig
from codex_train.models.generate import generate
from codex_train.models.lora import add_lora
from tests.models.tiny import made, stirred

MODEL = made("gpt2", resid_pdrop=0.5, attn_pdrop=0.5)
stirred(MODEL)


def slow(ids: list[int], count: int) -> list[int]:
    """Greedy search that reads everything again for each token."""
    made_ids: list[int] = []
    MODEL.eval()
    with torch.no_grad():
        for _ in range(count):
            logits = MODEL(input_ids=torch.tensor([[*ids, *made_ids]]), use_cache=False).logits[0, -1]
            made_ids.append(int(logits.argmax()))
    return made_ids


@settings(max_examples=10)
@given(ids=st.lists(st.integers(1, 255), min_size=1, max_size=12), count=st.integers(1, 12))
def test_the_cache_changes_no_token(ids: list[int], count: int) -> None:
    assert generate(MODEL, ids, limit=count) == slow(ids, count)


def test_modes_and_streams_are_left_as_they_were() -> None:
    MODEL.train()
    MODEL.transformer.h[0].eval()
    before = [module.training for module in MODEL.modules()], torch.get_rng_state()
    generate(MODEL, [1, 2], limit=5, temperature=1.0, seed=3)
    assert [module.training for module in MODEL.modules()] == before[0]
    assert torch.equal(torch.get_rng_state(), before[1])


def test_draws_depend_on_the_seed_alone() -> None:
    first = generate(MODEL, [1, 2, 3], limit=20, temperature=2.0, seed=1)
    torch.rand(7)
    assert generate(MODEL, [1, 2, 3], limit=20, temperature=2.0, seed=1) == first
    assert generate(MODEL, [1, 2, 3], limit=20, temperature=2.0, seed=2) != first


def test_among_one_the_draw_is_the_likeliest() -> None:
    greedy = generate(MODEL, [5], limit=10)
    assert generate(MODEL, [5], limit=10, temperature=3.0, top_k=1) == greedy
    assert generate(MODEL, [5], limit=10, temperature=1e-300) == greedy


def test_it_stops_at_the_end_token_and_leaves_it_out() -> None:
    whole = generate(MODEL, [5], limit=10)
    end = whole[3]
    assert generate(MODEL, [5], limit=10, end=end) == whole[: whole.index(end)]


def test_it_never_leaves_the_model_s_positions() -> None:
    assert len(generate(MODEL, [1] * 30, limit=50)) == 2
    assert generate(MODEL, [9, 9, *([1] * 31)], limit=1) == generate(MODEL, [1] * 31, limit=1)


def test_an_empty_prompt_begins_after_the_end_of_a_document() -> None:
    assert generate(MODEL, [], limit=4, end=0) == generate(MODEL, [0], limit=4, end=0)
    with pytest.raises(UsageError, match="empty"):
        generate(MODEL, [], limit=4)


def test_an_adapted_model_generates() -> None:
    model = add_lora(made(), LoraConfig(rank=2), 0)
    assert len(generate(model, [1], limit=5)) == 5


@pytest.mark.parametrize(
    "wrong", [{"limit": 0}, {"limit": 1, "temperature": -1.0}, {"limit": 1, "top_k": -1}]
)
def test_wrong_settings_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(UsageError):
        generate(MODEL, [1], **wrong)
