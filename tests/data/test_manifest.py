"""The data manifest and its Croissant export."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from codex_evidence.canonical import canonical_bytes
from codex_evidence.errors import UsageError
from codex_evidence.schemas import validate
from codex_train.config.nouns import Format
from codex_train.data.croissant import croissant
from tests.data.corpora import INSTRUCTIONS, JSONL, lines, pairs, prepared, settings, write


def corpus(base: Path) -> None:
    (base / "sub").mkdir(parents=True)
    write(base, a__txt="some text " * 20, p__jsonl=pairs(*((f"q{n}", f"a{n}") for n in range(30))))
    write(base / "sub", **{"b c__txt": "another text " * 20})


def test_a_manifest_tells_files_counts_and_origin_and_follows_its_schema(tmp_path: Path) -> None:
    corpus(tmp_path / "one")
    manifest = prepared(
        tmp_path / "one", "**/*.txt", validation=0.3, licence="CC0-1.0", source="https://example.org"
    ).manifest
    validate(json.loads(canonical_bytes(manifest)), "run_data")
    first, second = manifest["files"]
    assert first == {
        "path": "a.txt",
        "size": 200,
        "sha256": hashlib.sha256(b"some text " * 20).hexdigest(),
        "records": 1,
        "documents": 1,
    }
    assert second["path"] == "sub/b c.txt"
    assert (manifest["licence"], manifest["source"]) == ("CC0-1.0", "https://example.org")
    train, held = manifest["train"], manifest["validation"]
    assert train["samples"] + held["samples"] == (200 + 1 + 260) // 8
    assert train["targets"] == train["samples"] * 7


def test_a_manifest_says_nothing_of_the_machine(tmp_path: Path) -> None:
    corpus(tmp_path / "one")
    corpus(tmp_path / "two")
    one, two = (prepared(tmp_path / name, "**/*.txt", "p.jsonl").manifest for name in ("one", "two"))
    assert canonical_bytes(one) == canonical_bytes(two)
    assert str(tmp_path) not in json.dumps(one)


@pytest.mark.parametrize("kind", [Format.text, JSONL, INSTRUCTIONS])
def test_a_croissant_document_names_files_from_its_folder(tmp_path: Path, kind: Format) -> None:
    corpus(tmp_path)
    write(tmp_path, d__jsonl=lines({"text": "one document of this file"}))
    file = {Format.text: "**/*.txt", JSONL: "d.jsonl", INSTRUCTIONS: "p.jsonl"}[kind]
    config = settings(file, format=kind, licence="MIT", source="https://example.org")
    sources = prepared(tmp_path, file, format=kind).sources
    document = croissant(config, sources, "name", tmp_path)
    assert [one["contentUrl"] for one in document["distribution"]] == {
        Format.text: ["a.txt", "sub/b c.txt"],
        JSONL: ["d.jsonl"],
        INSTRUCTIONS: ["p.jsonl"],
    }[kind]
    assert [one["sha256"] for one in document["distribution"]] == [source.sha256 for source in sources]
    known = {one["@id"] for one in document["distribution"]}
    fields = [field for records in document["recordSet"] for field in records["field"]]
    assert {field["source"]["fileObject"]["@id"] for field in fields} == known
    assert (document["license"], document["url"]) == ("MIT", "https://example.org")


def test_a_croissant_document_leads_nobody_out_of_its_folder(tmp_path: Path) -> None:
    corpus(tmp_path)
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "way").symlink_to(tmp_path / "sub")
    for name in ("a.txt", "inside/../a.txt", "inside/way/b c.txt"):
        sources = prepared(tmp_path, name).sources
        with pytest.raises(UsageError, match=r"is not below .*/inside"):
            croissant(settings(name), sources, "name", tmp_path / "inside")
