"""The record of what a run was trained on: ``data.json`` of a run folder, schema ``run_data``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from codex_evidence.names import encode_name, shown
from codex_train.config.nouns import DataConfig
from codex_train.data.encoder import ByteEncoder, Encoder
from codex_train.data.files import Source
from codex_train.data.pack import Packing
from codex_train.data.packed import PackedFile
from codex_train.data.sides import Rule

_RULES: dict[Rule, tuple[str, str]] = {
    "none": ("v1: all is trained on", "none"),
    "documents": ("v1: SHA-256 of the document in the lowest share", "document"),
    "blocks": ("v1: SHA-256 of the block's tokens in the lowest share", "block"),
}


def data_manifest(
    sources: tuple[Source, ...], config: DataConfig, encoder: Encoder, packing: Packing
) -> dict[str, Any]:
    """Files with size in bytes, SHA-256 and counts; counts of the whole; licence and source as the user gave them; what
    became of it: tokenizer, split, blocks and their digests. The same data give the same manifest anywhere."""
    kind = "bytes" if isinstance(encoder, ByteEncoder) else "tokenizer"
    rule, unit = _RULES[packing.rule]
    counts = zip(sources, packing.records, packing.documents, strict=True)
    return {
        "schema": "codex-train/run_data/v1",
        "licence": config.licence,
        "source": config.source,
        "format": config.format.value,
        "files": [_file(source, records, documents) for source, records, documents in counts],
        "records": sum(packing.records),
        "bad_records": packing.bad,
        "cut_records": packing.cut,
        "documents": sum(packing.documents),
        "context": config.context,
        "encoder": {"kind": kind, "size": encoder.size, "sha256": encoder.digest},
        "split": {"rule": rule, "unit": unit, "share": float(config.validation), "seed": 0},
        "train": _part(packing.train),
        "validation": _part(packing.validation) if packing.validation else None,
    }


def notes(sources: tuple[Source, ...], packing: Packing) -> Iterator[str]:
    """What a user should hear of a corpus that was read: a line for each of the first bad records, and for what else
    was left out."""
    for bad in packing.first_bad:
        yield f"left out {shown(sources[bad.source].path)}:{bad.line}: {bad.reason}"
    if packing.bad > len(packing.first_bad):
        yield f"left out {packing.bad - len(packing.first_bad)} more bad records"
    if packing.empty:
        yield f"left out {packing.empty} empty records"
    if packing.cut:
        yield f"cut {packing.cut} answers that are longer than data.context"
    if packing.train.targets and not packing.train.bytes:
        yield "no bits per byte: the tokens of this tokenizer do not add up to the bytes of the text"


def recorded_name(source: Source) -> str:
    """``source.name`` as JSON can hold it."""
    return encode_name(os.fsencode(source.name))[0]


def _file(source: Source, records: int, documents: int) -> dict[str, Any]:
    return {
        "path": recorded_name(source),
        "size": source.size,
        "sha256": source.sha256,
        "records": records,
        "documents": documents,
    }


def _part(file: PackedFile) -> dict[str, Any]:
    return {
        "samples": file.blocks,
        "documents": file.documents,
        "tokens": file.blocks * file.context,
        "targets": file.targets,
        "bytes": file.bytes,
        "sha256": file.digest,
    }
