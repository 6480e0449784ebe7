"""``codex-train data``, called as the command line calls it."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import pytest

from codex_evidence.errors import CodexError, UsageError
from codex_train.commands import data
from tests.data.corpora import PACKAGE_ROOT, write


def call(*arguments: object) -> int:
    parser = argparse.ArgumentParser()
    data.add_parser(parser.add_subparsers())
    parsed = parser.parse_args(["data", *map(str, arguments)])
    return int(parsed.command(parsed))


@pytest.fixture
def config(tmp_path: Path) -> Path:
    write(tmp_path, a__txt="some text " * 100)
    write(
        tmp_path,
        config__yaml="data: {files: [a.txt], context: 16, cache: cache, licence: CC0-1.0, validation: 0.2}\n",
    )
    return tmp_path / "config.yaml"


def test_it_says_what_is_in_a_corpus(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(config) == 0
    first, split, train, held = capsys.readouterr().out.splitlines()
    assert first == "corpus      1 files, 1,000 bytes, 1 documents"
    assert "SHA-256 of the block" in split
    assert train.startswith("train ") and held.startswith("validation ")


def test_it_prints_the_manifest_as_json(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(config, "data.validation=0", "--format", "json") == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["train"]["samples"] == 62 and printed["validation"] is None and printed["notes"] == []


def test_it_writes_croissant_beside_the_corpus(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = config.parent / "croissant.json"
    assert call(config, "--croissant", path) == 0
    document = json.loads(path.read_bytes())
    assert document["distribution"][0]["contentUrl"] == "a.txt"
    assert document["license"] == "CC0-1.0"
    assert str(path) in capsys.readouterr().out
    (config.parent / "elsewhere").mkdir()
    with pytest.raises(UsageError, match="is not below"):
        call(config, "--croissant", config.parent / "elsewhere" / "croissant.json")
    with pytest.raises(CodexError, match="cannot write"):
        (config.parent / "taken").mkdir()
        call(config, "--croissant", config.parent / "taken")


def test_its_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; import codex_train.commands.data\n"
        "heavy = {'torch', 'numpy', 'omegaconf', 'tokenizers', 'transformers'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=PACKAGE_ROOT, timeout=60)
