"""Looking at a model without leaving a trace: the training goes on as if nobody had looked."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn


@contextmanager
def undisturbed(model: nn.Module) -> Iterator[None]:
    """``model`` in evaluation mode and without gradients inside; afterwards, also after an error, the mode of every
    module and every global stream of random numbers are what they were.

    Drawing inside is therefore harmless, but it repeats what the training draws next.
    """
    modes = [(module, module.training) for module in model.modules()]
    with _streams_kept(model), torch.no_grad():
        try:
            for module, _ in modes:
                module.training = False
            yield
        finally:
            # Flags instead of train(): that one sets a whole branch at once, and frozen parts differ from their parent.
            for module, training in modes:
                module.training = training


@contextmanager
def _streams_kept(model: nn.Module) -> Iterator[None]:
    tensors = (*model.parameters(), *model.buffers())
    devices = sorted({tensor.device.index for tensor in tensors if tensor.device.type == "cuda"})
    # Their types name a legacy form too, which neither returns here.
    plain, numeric = random.getstate(), np.random.get_state(legacy=False)
    try:
        with torch.random.fork_rng(devices=devices):
            yield
    finally:
        random.setstate(plain)
        np.random.set_state(numeric)
