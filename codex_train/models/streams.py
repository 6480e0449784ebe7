"""Random draws that belong to one purpose and leave every other stream as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def own_stream(seed: int, device: torch.device | None = None) -> Iterator[None]:
    """Inside, the generators of the CPU and of ``device`` stand where ``torch.manual_seed(seed)`` puts them; afterwards
    they stand where they stood before. No other device is touched."""
    gpu = device if device is not None and device.type == "cuda" else None
    state = torch.get_rng_state()
    gpu_state = None if gpu is None else torch.cuda.get_rng_state(gpu)
    try:
        # Not torch.manual_seed: that seeds every GPU as well, also those that nobody forked.
        torch.default_generator.manual_seed(seed)
        if gpu is not None:
            with torch.cuda.device(gpu):
                torch.cuda.manual_seed(seed)
        yield
    finally:
        torch.set_rng_state(state)
        if gpu is not None and gpu_state is not None:
            torch.cuda.set_rng_state(gpu_state, gpu)
