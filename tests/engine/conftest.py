from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.engine import runs


@pytest.fixture(scope="session")
def bench(own_cache: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[runs.Bench]:
    with runs.opened(tmp_path_factory.mktemp("base")) as bench:
        yield bench
