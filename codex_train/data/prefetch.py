"""Batches prepared ahead of the loop, by threads: numpy lets go of the interpreter while it copies."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from codex_train.data.blocks import Batch, Blocks

Item = TypeVar("Item")
Request = tuple[NDArray[np.int64], int]
"""The ids of a batch and their epoch."""


def ahead(blocks: Blocks, requests: Iterable[Request], workers: int) -> Iterator[Batch]:
    """The batch of each request, in the order of ``requests`` however many ``workers`` there are; 0 prepares each when
    it is asked for. ``requests`` is read in the caller's thread, up to two a worker early. What a worker raises is
    raised here. Closing the iterator ends the threads."""
    if workers == 0:
        yield from (blocks.take(ids, epoch) for ids, epoch in requests)
        return
    pool = ThreadPoolExecutor(workers, thread_name_prefix="batches")
    try:
        waiting: deque[Future[Batch]] = deque()
        for ids, epoch in requests:
            waiting.append(pool.submit(blocks.take, ids, epoch))
            if len(waiting) > 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def in_groups(items: Iterator[Item], size: int) -> Iterator[Item]:
    """The same items, made ``size`` at a time: what makes them is slow after a training step has driven it out of the
    processor's cache, and that is paid once a group."""
    while group := list(islice(items, size)):
        yield from group
