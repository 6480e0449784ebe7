"""Held-out loss: by the training's rule, the same however it is cut into batches, and without a trace."""

from __future__ import annotations

import math
import random
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from codex_evidence.errors import UsageError
from codex_train.config.nouns import Precision
from codex_train.data.blocks import Blocks
from codex_train.engine.objective import summed_loss
from codex_train.engine.precision import autocast
from codex_train.evaluation.loss import LossMetrics, evaluate
from codex_train.evaluation.neutral import undisturbed
from tests.evaluation.worlds import answer_blocks, frozen_state, gpt2, llama, random_states, text_blocks

CPU = torch.device("cpu")


def by_hand(model: nn.Module, blocks: Blocks) -> tuple[float, int, int]:
    """Nats, targets and right guesses, token by token in float64 log-softmax."""
    model.eval()
    nats, targets, right = 0.0, 0, 0
    for number in range(len(blocks)):
        batch = blocks.take(np.array([number]), 0)
        with torch.no_grad():
            logits = model(input_ids=batch.input_ids).logits[0].double()
        for place in range(1, blocks.context):
            label = int(batch.labels[0, place])
            if label != -100:
                nats -= float(functional.log_softmax(logits[place - 1], dim=-1)[label])
                right += int(logits[place - 1].argmax()) == label
                targets += 1
    return nats, targets, right


@pytest.mark.parametrize("blocks", [text_blocks(), answer_blocks()], ids=["text", "answers"])
@pytest.mark.parametrize("make", [gpt2, llama])
def test_the_figures_are_those_of_a_count_by_hand(make: Any, blocks: Blocks) -> None:
    model = make()
    found = evaluate(model, blocks, batch=4, device=CPU)
    nats, targets, right = by_hand(model, blocks)
    assert (found.samples, found.targets) == (len(blocks), targets)
    assert found.targets == blocks.targets(np.arange(len(blocks)))
    assert found.loss == pytest.approx(nats / targets, rel=1e-6)
    assert found.perplexity == math.exp(found.loss)
    assert found.token_accuracy == right / targets
    size = int(blocks.lengths.sum())
    assert found.bits_per_byte == pytest.approx(nats / math.log(2) / size, rel=1e-6)


def test_the_loss_is_that_of_the_models_own_class_and_of_the_training() -> None:
    model, blocks = llama(), text_blocks(4)
    model.train(False)
    batch = blocks.take(np.arange(4), 0)
    with torch.no_grad():
        made = model(input_ids=batch.input_ids, labels=batch.labels)
        trained = summed_loss(made.logits, batch.labels) / blocks.targets(np.arange(4))
    found = evaluate(model, blocks, batch=4, device=CPU)
    assert found.loss == pytest.approx(made.loss.item(), rel=1e-6)
    assert found.loss == pytest.approx(trained.item(), rel=1e-6)


@settings(max_examples=15)
@given(batch=st.integers(1, 9), most=st.integers(1, 9))
def test_neither_the_batch_nor_the_samples_after_it_matter_to_a_sample(batch: int, most: int) -> None:
    model, blocks = gpt2(), text_blocks()
    whole = evaluate(model, blocks, batch=len(blocks), device=CPU)
    some = evaluate(model, blocks, batch=batch, max_samples=most, device=CPU)
    count = min(most, len(blocks))
    assert some.samples == count
    np.testing.assert_allclose(some.per_sample.sums, whole.per_sample.sums[:count], rtol=1e-5)
    np.testing.assert_array_equal(some.per_sample.counts, whole.per_sample.counts[:count])
    assert some.per_sample.mean == pytest.approx(some.loss)


class Awkward(nn.Module):
    """A model that draws in every pass, counts its passes in training alone, and has a part that stays in training."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = gpt2()
        self.norm = nn.BatchNorm1d(256)
        self.frozen = nn.Sequential(nn.Dropout(0.5), nn.Linear(2, 2))
        self.frozen[0].eval()

    def forward(self, input_ids: Tensor) -> Any:
        logits = self.inner(input_ids=input_ids).logits
        random.gauss(0, 1)
        np.random.standard_normal()
        noisy = functional.dropout(logits, 0.1, training=True)
        return SimpleNamespace(logits=self.norm(noisy.transpose(1, 2)).transpose(1, 2))


@pytest.mark.parametrize("make", [gpt2, llama, Awkward])
def test_nothing_shows_that_it_happened(make: Any) -> None:
    model = make()
    model.train()
    if isinstance(model, Awkward):
        model.frozen[0].eval()
    random.gauss(0, 1)  # the second of the pair is waiting
    np.random.standard_normal()
    state, streams = frozen_state(model), random_states()
    modes = {name: module.training for name, module in model.named_modules()}
    gradients = torch.is_grad_enabled()
    evaluate(model, text_blocks(), batch=2, device=CPU)
    assert frozen_state(model) == state
    assert random_states() == streams
    assert {name: module.training for name, module in model.named_modules()} == modes
    assert torch.is_grad_enabled() is gradients
    assert all(parameter.grad is None for parameter in model.parameters())


def test_an_error_in_between_leaves_no_trace_either() -> None:
    model = Awkward().train()
    model.frozen[0].eval()
    streams, modes = random_states(), [module.training for module in model.modules()]
    with pytest.raises(KeyError), undisturbed(model):
        assert not any(module.training for module in model.modules())
        torch.rand(3), random.gauss(0, 1), np.random.standard_normal()
        raise KeyError
    assert random_states() == streams
    assert [module.training for module in model.modules()] == modes
    assert torch.is_grad_enabled()


@pytest.mark.parametrize("precision", [Precision.float32, Precision.bfloat16])
def test_a_training_that_is_watched_ends_in_the_same_weights(precision: Precision) -> None:
    def trained(every: int) -> dict[str, bytes]:
        torch.manual_seed(5)
        model, blocks, context = gpt2().train(), text_blocks(12), autocast(precision, CPU)
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
        for step in range(6):
            batch = blocks.take(np.arange(2) + 2 * step, 0)
            with context:
                loss = summed_loss(model(input_ids=batch.input_ids).logits, batch.labels) / 30
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            optimizer.zero_grad()
            if every and step % every == 0:
                evaluate(model, text_blocks(3, seed=9), batch=2, device=CPU, autocast=context)
        return frozen_state(model)

    assert trained(0) == trained(1) == trained(4)


def test_autocast_is_used_and_the_loss_stays_close() -> None:
    model, blocks = llama(), text_blocks()
    exact = evaluate(model, blocks, batch=3, device=CPU)
    rough = evaluate(model, blocks, batch=3, device=CPU, autocast=autocast(Precision.bfloat16, CPU))
    assert rough.loss != exact.loss
    assert rough.loss == pytest.approx(exact.loss, rel=1e-2)


def scaled(factor: float) -> Any:
    model = llama()
    with torch.no_grad():
        model.lm_head.weight.mul_(factor)
    return model


def test_a_loss_beyond_a_double_or_none_at_all_is_null_in_json() -> None:
    huge = evaluate(scaled(1e6), text_blocks(), batch=4, device=CPU)
    assert huge.perplexity == math.inf
    assert huge.figures()["perplexity"] is None
    assert huge.figures()["loss"] == huge.loss
    broken = evaluate(scaled(math.nan), text_blocks(), batch=4, device=CPU)
    assert math.isnan(broken.loss)
    assert broken.figures()["loss"] is None
    assert broken.figures()["samples"] == 7


def test_bytes_that_are_not_known_give_no_bits_per_byte() -> None:
    blocks = text_blocks()
    unknown = Blocks(blocks.tokens, np.zeros(len(blocks), dtype=np.int32), blocks.digest)
    assert evaluate(llama(), unknown, batch=4, device=CPU).bits_per_byte is None


@pytest.mark.parametrize(
    ("blocks", "batch", "words"),
    [
        (text_blocks(0), 4, "cannot evaluate 0 samples"),
        (text_blocks(3), 0, "0 at once"),
        (text_blocks(3, context=1), 4, "none of the 3 samples has a target"),
    ],
)
def test_nothing_to_measure_is_an_error_that_says_so(blocks: Blocks, batch: int, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        evaluate(llama(), blocks, batch=batch, device=CPU)


def test_metrics_of_the_same_samples_can_be_compared_later() -> None:
    found = evaluate(llama(), answer_blocks(), batch=4, device=CPU)
    assert isinstance(found, LossMetrics)
    assert found.per_sample.counts.tolist() == [1, 2, 3, 4, 1, 2]
    assert found.per_sample.sums.dtype == np.float64
