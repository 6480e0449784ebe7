from __future__ import annotations

import pytest

from tests.listing.repositories import lone_git

__all__ = ["lone_git"]


@pytest.fixture(autouse=True)
def _alone(lone_git: None) -> None:
    """Every test of this room runs without the settings of the machine."""
