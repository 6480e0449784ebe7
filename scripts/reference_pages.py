"""What pages of ``docs/`` repeat of the program: the fields of all files that it writes, from their JSON Schemas, and
the files of settings.

``python -m scripts.reference_pages`` writes these pages anew; a test says when that was forgotten.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from codex_audit.reports.escaping import cell, text
from codex_audit.scanners.places import SUMMARY, WITHHELD, scanner_path
from codex_audit.stages.places import (
    ARTIFACTS,
    BASELINE,
    MANIFEST,
    MARKER,
    RECORD,
    artifact_path,
    report_path,
)
from codex_evidence import checkpoint_manifest, run_documents
from codex_evidence.schemas import schema_for, schema_names

ROOT = Path(__file__).resolve().parent.parent
_SHOWN = re.compile(r"(<!-- shown: (\S+);.*?-->\n\n```yaml\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)
"""A page of settings names the file that it shows in a comment before the block."""

_SEGMENT = f"{run_documents.SEGMENTS}/0000/"
_CHECKPOINT = f"{run_documents.CHECKPOINTS}/step-000500/"

_AUDIT = """\
Below the folder that `codex-audit run --output` names. The Markdown, HTML, SARIF and other twins of the report lie
beside the JSON one; [reports](reports.md) describes them."""

_SCAN = """\
Below the same folder, written by `codex-audit scan`. The bill of materials beside them, `sbom.cdx.json`, is CycloneDX;
its schema is published by that project."""

_RUN = """\
Below the run folder, written by `codex-train`; [training](training.md#the-run-folder) says how they belong together.
The tensors of a checkpoint are safetensors files."""

_INTRODUCTION = """\
What the programs write, field by field. Every file is canonical JSON (RFC 8785) in UTF-8; `.ndjson` files hold one such
object a line. Each has a JSON Schema (2020-12) in `schemas/`, which travels in the wheel, and whoever reads one of
these files refuses what the schema does not allow. The tables leave out patterns and limits of length and number; the
schemas have them.
"""

ROOMS: tuple[tuple[str, str, Mapping[str, str]], ...] = (
    (
        "An audit",
        _AUDIT,
        {name: artifact_path(name) for name in ARTIFACTS}
        | {"capability_matrix": report_path("<time>", "json"), "audit_run_manifest": MANIFEST}
        | {"audit_run_record": RECORD, "run_in_progress": MARKER, "gate_baseline": BASELINE},
    ),
    ("A scan", _SCAN, {"scan": SUMMARY, "scanner_report": scanner_path("<scanner>"), "withheld": WITHHELD}),
    (
        "A training run",
        _RUN,
        {
            "run_index": run_documents.INDEX,
            "run_manifest": _SEGMENT + run_documents.MANIFEST,
            "run_config": _SEGMENT + run_documents.CONFIG,
            "run_data": _SEGMENT + run_documents.DATA,
            "run_model": _SEGMENT + run_documents.MODEL,
            "run_environment": _SEGMENT + run_documents.ENVIRONMENT,
            "run_step": _SEGMENT + run_documents.STEPS,
            "run_metric": _SEGMENT + run_documents.METRICS,
            "run_system": _SEGMENT + run_documents.SYSTEM,
            "run_checkpoint": _CHECKPOINT + checkpoint_manifest.MANIFEST,
            "training_state": _CHECKPOINT + checkpoint_manifest.STATE,
        },
    ),
)
"""Title, introduction, and where the file of each schema lies."""


def pages() -> dict[str, str]:
    """Every page that repeats something, relative to the checkout, as it should be."""
    found = {"docs/artifacts.md": reference()}
    for path in sorted((ROOT / "docs").glob("*.md")):
        text_of = path.read_text(encoding="utf-8")
        if _SHOWN.search(text_of):
            found[f"docs/{path.name}"] = _SHOWN.sub(_with_file, text_of)
    return found


def _with_file(block: re.Match[str]) -> str:
    return block[1] + (ROOT / block[2]).read_text(encoding="utf-8")


def reference() -> str:
    """The page of files and schemas; the same schemas give the same text. Raises AssertionError for a schema without a
    place."""
    placed = [name for *_, places in ROOMS for name in places]
    if sorted(placed) != sorted(schema_names()):
        raise AssertionError(
            f"schemas without a place, or places without: {set(placed) ^ set(schema_names())}"
        )
    return "\n".join(_page()).rstrip("\n") + "\n"


def _page() -> Iterator[str]:
    yield "# Files and their schemas\n"
    yield "<!-- Written by `python -m scripts.reference_pages`; change the schemas, not this file. -->\n"
    yield _INTRODUCTION
    for title, introduction, places in ROOMS:
        yield f"## {title}\n\n{introduction}\n"
        yield "| file | schema | what it is |\n| --- | --- | --- |"
        for name, place in places.items():
            yield f"| `{place}` | [{name}](#{name}) | {text(schema_for(name)['title'])} |"
        yield ""
        for name, place in places.items():
            yield from _document(name, place, schema_for(name))


def _document(name: str, place: str, schema: dict[str, Any]) -> Iterator[str]:
    yield f"### {name}\n\n`{place}`: {text(schema['description'])}\n"
    yield "| field | type | what it says |\n| --- | --- | --- |"
    yield from _rows("", schema)
    yield ""
    for key, noun in schema.get("$defs", {}).items():
        if "properties" in noun:
            yield f"*{key}*: {text(noun['description'])}\n"
            yield "| field | type | what it says |\n| --- | --- | --- |"
            yield from _rows("", noun)
            yield ""
        else:
            yield f"*{key}*, {_type(noun)}: {text(noun['description'])}\n"


def _rows(before: str, noun: dict[str, Any]) -> Iterator[str]:
    """A row for each field of ``noun``; fields of objects within it follow their owner, with its name before theirs.
    Fields under names that the schema leaves open are shown as ``*`` where there is more to say than their type."""
    required = noun.get("required", ())
    fields = [(f"{before}{key}", value, key in required) for key, value in noun.get("properties", {}).items()]
    fields += [(f"{before}*", value, True) for value in _open(noun) if "description" in value]
    for key, value, always in fields:
        kind = _type(value) + ("" if always else ", may be left out")
        yield f"| `{key}` | {kind} | {text(value['description'])} |"
        inner, mark = (value["items"], "[].") if "items" in value else (value, ".")
        yield from _rows(f"{key}{mark}", inner)


def _open(noun: dict[str, Any]) -> list[dict[str, Any]]:
    """The schemas of fields whose names are open."""
    rest = noun.get("additionalProperties")
    return [*noun.get("patternProperties", {}).values(), *([rest] if isinstance(rest, dict) else [])]


def _type(noun: dict[str, Any]) -> str:
    if "$ref" in noun:
        return f"*{noun['$ref'].rpartition('/')[2]}*"
    for choice in ("anyOf", "oneOf"):
        if choice in noun:
            return " or ".join(dict.fromkeys(map(_type, noun[choice])))
    if "const" in noun:
        return cell(str(noun["const"]))
    if "enum" in noun:
        return ", ".join(cell(str(value)) for value in noun["enum"])
    kinds = noun.get("type", "any value")
    if isinstance(kinds, list):
        return " or ".join(kinds)
    if kinds == "array":
        return f"array of {_type(noun['items'])}" if "items" in noun else "array"
    if kinds == "object" and _open(noun) and "properties" not in noun:
        return f"object of {_type(_open(noun)[0])}"
    return str(kinds)


if __name__ == "__main__":
    for name, page in pages().items():
        (ROOT / name).write_text(page, encoding="utf-8")
