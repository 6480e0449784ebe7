"""The data manifest as Croissant 1.0 (JSON-LD, https://docs.mlcommons.org/croissant/docs/croissant-spec.html), which
data set catalogues and ``mlcroissant`` read."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from codex_evidence.errors import UsageError
from codex_evidence.names import encode_name, shown
from codex_train.config.nouns import DataConfig, Format
from codex_train.data.files import Source

_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}


def croissant(config: DataConfig, sources: Sequence[Source], name: str, folder: Path) -> dict[str, Any]:
    """The Croissant document of ``sources`` for a file in ``folder``, from which it names them: a reader must not be
    led out of the folder it was given. A record set for each file. Raises UsageError for a file outside of ``folder``
    and for data sets on disk, which are folders."""
    if config.format is Format.dataset:
        raise UsageError("no Croissant export of data.format=dataset; datasets can write its own (to_json)")
    document = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": name,
        "description": f"The corpus of {name}: {len(sources)} files that a language model is trained on.",
        "distribution": [_file(source, number, config, folder) for number, source in enumerate(sources)],
        "recordSet": [_records(number, config) for number in range(len(sources))],
    }
    return document | _given({"license": config.licence, "url": config.source})


def _given(texts: dict[str, str]) -> dict[str, str]:
    return {key: text for key, text in texts.items() if text}


def _file(source: Source, number: int, config: DataConfig, folder: Path) -> dict[str, Any]:
    home, parent = (Path(os.path.realpath(one)) for one in (folder, source.path.parent))
    if not parent.is_relative_to(home):
        raise UsageError(
            f"{shown(source.path)} is not below {shown(home)}, where the Croissant file shall lie; "
            "write it into a folder that holds the corpus"
        )
    below = encode_name(os.fsencode((parent / source.path.name).relative_to(home)))[0]
    return {
        "@type": "cr:FileObject",
        "@id": f"file-{number}",
        "name": below,
        "contentUrl": below,  # as it is: mlcroissant takes a local one for a path and decodes nothing
        "contentSize": f"{source.size} B",
        "encodingFormat": "text/plain" if config.format is Format.text else "application/jsonlines",
        "sha256": source.sha256,
    }


def _records(number: int, config: DataConfig) -> dict[str, Any]:
    record_set = f"records-{number}"
    if config.format is Format.text:
        fields = [_field(record_set, "text", number, {"fileProperty": "content"})]
    else:
        pair = config.format is Format.instructions
        keys = (config.prompt_key, config.answer_key) if pair else (config.text_key,)
        fields = [_field(record_set, key, number, {"column": key}) for key in keys]
    return {"@type": "cr:RecordSet", "@id": record_set, "name": record_set, "field": fields}


def _field(record_set: str, name: str, number: int, extract: dict[str, str]) -> dict[str, Any]:
    return {
        "@type": "cr:Field",
        "@id": f"{record_set}/{name}",
        "name": name,
        "dataType": "sc:Text",
        "source": {"fileObject": {"@id": f"file-{number}"}, "extract": extract},
    }
