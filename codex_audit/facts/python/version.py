"""Which grammar reads Python here. It is an input of every audit, and so in a room that loads nothing else."""

from __future__ import annotations

import sys


def grammar() -> str:
    """The version of the grammar that reads code here, as ``3.11``."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"
