"""Facts survive the way into a cache and back; anything else is refused."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codex_audit.facts.model import FileFacts
from codex_audit.facts.packed import NotFactsError, pack, unpack
from codex_audit.facts.read import read_file
from tests.commands.cli import TRAIN

FILES = {
    "pkg/train.py": TRAIN.encode(),
    "pkg/broken.py": b"def broken(:\n",
    "pkg/empty.py": b"",
    "pkg/latin.py": b"# -*- coding: latin-1 -*-\nNAME = '\xe9'\n",
    "tests/test_train.py": b"import pytest\n\ndef test_it():\n    assert 1 == 1\n",
    "pyproject.toml": b'[project]\nname = "x"\ndependencies = ["torch>=2"]\n',
    "requirements.txt": b"torch==2.6.0\n-r other.txt\n",
    "config.yaml": b"lr: 1e-3\nlist: [1, 2]\n",
    "settings.json": b'{"lr": 0.1, "deep": {"x": null}}',
    ".github/workflows/ci.yml": b"on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - run: pytest\n",
    "Dockerfile": b"FROM python:3.11\nRUN pip install .\n",
    "README.md": b"# Title\n\n```python\nimport pkg\n```\n",
    "demo.ipynb": b'{"cells": [{"cell_type": "code", "source": ["x = 1"], "outputs": []}], "nbformat": 4}',
}


def facts_of(path: str) -> FileFacts:
    facets = frozenset({"test"} if path.startswith("tests/") else {"package"})
    return read_file(path, FILES[path], facets, path.removesuffix(".py").replace("/", "."))


@pytest.mark.parametrize("path", FILES)
def test_facts_of_every_kind_come_back_equal(path: str) -> None:
    facts = facts_of(path)
    again = unpack(pack(facts))
    assert again == facts
    assert type(again.facets) is frozenset


SURROGATES = {
    "pkg/half.py": b"import x\nx.run('half \\ud800', **{'\\udc80': '\\udc80'})\nNAME: str = '\\ud800'\n",
    "settings.json": b'{"half": "\\ud800"}',
    "config.yaml": b'half: "\\ud800"\n',
    "demo.ipynb": b'{"cells": [{"cell_type": "code", "source": ["x = 1  # \\ud800"], "outputs": []}], "nbformat": 4}',
}


@pytest.mark.parametrize("path", SURROGATES)
def test_half_a_surrogate_pair_is_escaped_and_stays_so(path: str) -> None:
    facts = read_file(path, SURROGATES[path], frozenset({"package"}), "half")
    again = unpack(pack(facts))
    assert again == unpack(pack(again))
    assert again.path == facts.path
    if again.python is not None and path.endswith(".py"):
        assert "half \\ud800" in {text.text for text in again.python.texts}


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=200))
def test_bytes_that_are_no_facts_are_refused(data: bytes) -> None:
    with pytest.raises(NotFactsError):
        unpack(data)


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_facts_with_a_flipped_byte_are_other_facts_or_refused_and_never_a_crash(
    place: int, mask: int
) -> None:
    data = bytearray(pack(facts_of("pkg/train.py")))
    data[place % len(data)] ^= mask
    try:
        facts = unpack(bytes(data))
    except NotFactsError:
        return
    assert isinstance(facts, FileFacts)


@pytest.mark.parametrize(
    "value", [None, [], {}, {"path": "x"}, {"path": 3, "facets": [], "module": ""}, "text"]
)
def test_a_value_of_another_shape_is_refused(value: object) -> None:
    with pytest.raises(NotFactsError):
        unpack(msgspec.msgpack.encode(value))
