"""Reading what nests deeply, with an answer that follows from the file and not from who asks.

Python counts the frames of the caller against its limit too, and a forked worker stands deeper than its parent: a
file that is nearly too deep would be read by the one and refused by the other.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")

# Somewhat more than Python's own limit, so that whatever is read on a caller's stack is read on the fresh one too.
LIMIT = 1100
# What a main thread has on most systems, twice: the parser's own recursion fits, wherever threads get less.
_STACK_BYTES = 16 << 20


def by_the_file(read: Callable[[], Found]) -> Found:
    """``read()``. Raises RecursionError or MemoryError only where a stack of its own does not help either.

    Few files come near the limit, so the stack of the caller is tried first.
    """
    try:
        return read()
    except (MemoryError, RecursionError):
        pass  # the failure holds the frames of a whole stack; the second attempt begins without them
    return _on_a_fresh_stack(read)


def _on_a_fresh_stack(read: Callable[[], Found]) -> Found:
    import threading  # few runs need it

    found: list[Found] = []
    failures: list[BaseException] = []

    def attempt() -> None:
        try:
            found.append(read())
        except BaseException as failure:  # noqa: BLE001 - it is raised again by the caller
            failures.append(failure)

    limit, size = sys.getrecursionlimit(), threading.stack_size(_STACK_BYTES)
    sys.setrecursionlimit(max(limit, LIMIT))
    try:
        thread = threading.Thread(target=attempt, daemon=True)
        thread.start()
        thread.join()
    finally:
        sys.setrecursionlimit(limit)
        threading.stack_size(size)
    if failures:
        raise failures[0]
    return found[0]
