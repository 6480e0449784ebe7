"""The schemas are sound, say what each field means, and agree with the types that are written."""

from __future__ import annotations

import copy
import dataclasses
import json
import subprocess
import sys
import typing
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from codex_audit.reports import matrix
from codex_audit.reports.model import ReportInput
from codex_audit.reports.wording import Wording
from codex_evidence.errors import ResourceError, SchemaError
from codex_evidence.plain import to_plain
from codex_evidence.resources import schema_folder
from codex_evidence.schemas import schema_for, schema_names, validate
from codex_evidence.strict_json import loads

NAMES = schema_names()
REPORTS = {"capability_matrix"}
MAPS = {("groups",), ("inputs",), ("seconds",), ("reports",), ("documents",)}
TRAINING = {name for name in NAMES if name.startswith("run_") or name == "training_state"} - {
    "run_in_progress"
}
LINES_WITHOUT_SCHEMA = {"run_step", "run_metric"}  # a line a step has no room for it
ARTIFACTS = [name for name in NAMES if name not in REPORTS | TRAINING]


def subschemas(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema within ``schema`` with where it stands."""
    yield "", schema
    for keyword in ("properties", "patternProperties", "$defs"):
        for name, below in schema.get(keyword, {}).items():
            yield from ((f"{keyword}/{name}/{place}", found) for place, found in subschemas(below))
    if "items" in schema:
        yield from ((f"items/{place}", found) for place, found in subschemas(schema["items"]))


def resolved(schema: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    return root["$defs"][schema["$ref"].removeprefix("#/$defs/")] if "$ref" in schema else schema


def dataclass_in(hint: Any) -> Any:
    """The dataclass that ``hint`` is, or is a tuple or dict of; None without one."""
    if dataclasses.is_dataclass(hint):
        return hint
    return next(filter(None, map(dataclass_in, typing.get_args(hint))), None)


def disagreements(cls: Any, schema: dict[str, Any], root: dict[str, Any], place: str = "") -> Iterator[str]:
    """Where the fields of ``cls`` and the properties of ``schema`` differ."""
    hints = typing.get_type_hints(cls)
    if set(schema["properties"]) != set(hints) or set(schema["required"]) != set(hints):
        yield f"{place or cls.__name__}: {sorted(set(schema['properties']) ^ set(hints))}"
    for name, hint in hints.items():
        below = schema["properties"][name]
        inner = dataclass_in(hint)
        if inner is None:
            continue
        if dataclasses.is_dataclass(hint):
            values = [below]
        elif "anyOf" in below:  # it, or null
            values = [one for one in below["anyOf"] if "$ref" in one]
        else:  # a tuple of them, or a dict
            values = [below["items"]] if "items" in below else [*below["properties"].values()]
        for value in values:
            yield from disagreements(inner, resolved(value, root), root, f"{place}/{name}")


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of every value within plain ``value``."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


def at(value: Any, path: tuple[str | int, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


def refused(value: Any, name: str) -> bool:
    try:
        validate(value, name)
    except SchemaError:
        return True
    return False


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_follows_its_metaschema_and_has_a_name(name: str) -> None:
    schema = schema_for(name)
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    program = "codex-train" if name in TRAINING else "codex-audit"
    assert schema["$id"] == f"urn:{program}:schema:{name}:v1"
    if name not in LINES_WITHOUT_SCHEMA:
        assert schema["properties"]["schema"]["const"] == f"{program}/{name}/v1"


@pytest.mark.parametrize("name", NAMES)
def test_every_field_is_explained_and_no_object_is_open(name: str) -> None:
    for place, schema in subschemas(schema_for(name)):
        for field, below in schema.get("properties", {}).items():
            words = below.get("title"), below.get("description")
            assert all(words), f"{name} {place}{field} has no title or no description"
        if schema.get("type") == "object":
            assert schema.get("additionalProperties") is False, f"{name} {place} is open"


def test_every_written_type_has_its_schema(samples: dict[str, Any]) -> None:
    assert set(samples) | REPORTS | TRAINING == set(NAMES)


@pytest.mark.parametrize("name", ARTIFACTS)
def test_a_schema_has_the_fields_of_the_written_type(name: str, samples: dict[str, Any]) -> None:
    schema = schema_for(name)
    assert [*disagreements(type(samples[name]), schema, schema)] == []


@pytest.mark.parametrize("name", ARTIFACTS)
def test_a_written_artifact_follows_its_schema(name: str, samples: dict[str, Any]) -> None:
    validate(to_plain(samples[name]), name)


@pytest.mark.parametrize("name", ARTIFACTS)
def test_a_field_more_or_less_or_of_another_type_is_refused_anywhere(
    name: str, samples: dict[str, Any]
) -> None:
    plain = to_plain(samples[name])
    for path in places(plain):
        if isinstance(at(plain, path), dict):
            wider = copy.deepcopy(plain)
            at(wider, path)["not a field"] = 1
            assert refused(wider, name), f"an unknown field at {path}"
        if not path:
            continue
        other = copy.deepcopy(plain)
        at(other, path[:-1])[path[-1]] = {"Not This": [{}]}
        assert refused(other, name), f"an object at {path}"
        if isinstance(path[-1], str) and path[-2:-1] not in MAPS:
            narrower = copy.deepcopy(plain)
            del at(narrower, path[:-1])[path[-1]]
            assert refused(narrower, name), f"nothing at {path}"


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "../up", "a/../b", "..", ".", "a/.", "a//b", "a/", "./a", "", "a\x00b", "a\n/../b"],
)
def test_a_path_that_leaves_the_tree_or_has_a_twin_is_refused(path: str, samples: dict[str, Any]) -> None:
    plain = to_plain(samples["context_index"])
    plain["files"][0]["path"] = path
    with pytest.raises(SchemaError, match=r"/files/0/path breaks rule 'pattern'"):
        validate(plain, "context_index")


@pytest.mark.parametrize(
    "path", ["a", ".github/ci.yml", "..a/b..", "a...b", "a b\n", "-", "a/.b/...c", "caf%E9"]
)
def test_an_odd_but_honest_path_is_taken(path: str, samples: dict[str, Any]) -> None:
    plain = to_plain(samples["context_index"])
    plain["files"][0]["path"] = path
    validate(plain, "context_index")


@pytest.mark.parametrize(
    "digest", ["0" * 63, "0" * 65, "A" * 64, "0" * 64 + "\n", "\n", "sha256:" + "0" * 57, None]
)
def test_only_a_whole_sha256_is_a_digest(digest: object, samples: dict[str, Any]) -> None:
    index = to_plain(samples["context_index"])
    index["files"][0]["sha256"] = digest
    assert refused(index, "context_index")
    manifest = to_plain(samples["audit_run_manifest"])
    manifest["head"] = digest
    assert refused(manifest, "audit_run_manifest")


def test_the_message_names_source_pointer_and_rule(samples: dict[str, Any]) -> None:
    plain = to_plain(samples["facets"])
    plain["groups"] = {"a~b/c": []}
    with pytest.raises(SchemaError, match=r"^facets\.json: /groups breaks rule 'additionalProperties' of "):
        validate(plain, "facets", source="facets.json")
    plain = to_plain(samples["capabilities_raw"])
    plain["capabilities"][0]["probes"][0]["verdict"] = "x" * 10_000
    with pytest.raises(SchemaError, match=r"/capabilities/0/probes/0/verdict breaks rule 'enum' ") as caught:
        validate(plain, "capabilities_raw")
    assert caught.value.exit_code == 1
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("name", ["nothing", "../schemas/gaps", "", "Gaps", "gaps.schema.json"])
def test_an_unknown_schema_is_a_typed_error(name: str) -> None:
    with pytest.raises(ResourceError, match="context_index"):
        schema_for(name)


def test_writing_artifacts_does_not_load_the_validator() -> None:
    code = (
        "import sys, codex_evidence.documents; print(*(m for m in sys.modules if m.startswith('jsonschema')))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert loaded.strip() == ""


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_file_is_plain_json_in_a_stable_layout(name: str) -> None:
    text = (schema_folder() / f"{name}.schema.json").read_text(encoding="utf-8")
    assert text == json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n"


def test_the_report_for_programs_follows_its_schema(samples: dict[str, Any]) -> None:
    inputs = ReportInput(
        index=samples["context_index"],
        facets=samples["facets"],
        raw=samples["capabilities_raw"],
        scored=samples["capabilities_scored"],
        gaps=samples["gaps"],
        words={"checkpointing.save": Wording("Does it save?", "", "", "", "", "", "hours", "", ())},
        version="1.0",
    )
    report = loads(matrix.write(inputs))
    validate(report, "capability_matrix")
    report["capabilities"][0]["probes"][0].pop("ask")
    with pytest.raises(SchemaError, match=r"/capabilities/0/probes/0 breaks rule 'required'"):
        validate(report, "capability_matrix")


def test_a_check_does_not_load_the_grammar_of_iris() -> None:
    """It is there with the extra scan, and would cost every command two seconds."""
    program = """
import importlib.util, sys
from codex_evidence.errors import SchemaError
from codex_evidence.schemas import validate
assert importlib.util.find_spec("rfc3987_syntax")
try:
    validate({}, "gaps")
except SchemaError:
    print("rfc3987_syntax" in sys.modules, "lark" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"
