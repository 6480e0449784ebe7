"""How the process that trains on a CPU keeps its memory."""

from __future__ import annotations

import ctypes

# mallopt(3) of glibc: the numbers of the parameters, and their values in bytes.
_TRIM_THRESHOLD, _KEPT = -1, 512 << 20
_MMAP_THRESHOLD, _LARGEST = -3, 32 << 20


def keep_freed_memory() -> None:
    """Has glibc keep what one step frees for the next one.

    By default it gives most of that back to the system at the end of each step, and the next step faults the same pages
    in again. The peak stays what it is. Another C library has no such call, and nothing is done.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, _LARGEST)
        mallopt(_TRIM_THRESHOLD, _KEPT)
