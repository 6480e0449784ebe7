"""S7: what the chain holds, in which order, and that the head depends on all of it."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from codex_audit.artifacts import ContextIndex, FileEntry
from codex_audit.stages.inputs import INPUTS, Input, audit_inputs
from codex_audit.stages.manifest import make_manifest
from codex_audit.workflow.settings import defaults
from codex_evidence.chain import first_broken
from codex_evidence.digests import sha256_hex
from codex_evidence.plain import to_plain
from codex_evidence.schemas import validate

WORKFLOW = defaults()
INDEX = ContextIndex(
    schema="codex-audit/context_index/v1",
    view="walk",
    notes=(),
    excluded=(),
    files=(
        FileEntry("a.py", "utf-8", "file", "100644", 3, "1" * 64, binary=False),
        FileEntry("b", "utf-8", "symlink", "120000", 9, "2" * 64, binary=False),
    ),
    tree_sha256="3" * 64,
)


def test_the_manifest_follows_its_schema_and_its_chain_is_whole() -> None:
    manifest = make_manifest(audit_inputs(WORKFLOW, INDEX), {"facets": b"{}"}, {"json": b"[]"})
    validate(to_plain(manifest), "audit_run_manifest")
    assert first_broken(manifest.chain) is None
    assert manifest.head == manifest.chain[-1].link
    roles = [link.role for link in manifest.chain]
    assert roles == [*(f"input:{name}" for name in INPUTS), "artifact:facets", "report:json"]


def test_the_inputs_in_clear_are_those_in_the_chain() -> None:
    inputs = audit_inputs(WORKFLOW, INDEX)
    manifest = make_manifest(inputs, {}, {})
    assert manifest.inputs.keys() == {"tool-version", "grammar", "workflow", "scan"}
    for name, text in manifest.inputs.items():
        assert inputs[name].sha256 == sha256_hex(text.encode())


def test_the_tree_stands_in_the_chain_with_its_digest_and_the_bytes_of_its_files() -> None:
    assert audit_inputs(WORKFLOW, INDEX)["tree"] == Input("3" * 64, 3)


def test_every_setting_is_part_of_the_head() -> None:
    plain = make_manifest(audit_inputs(WORKFLOW, INDEX), {}, {}).head
    changed = (
        replace(WORKFLOW, threshold=0.71),
        replace(WORKFLOW, exclude=("x",)),
        replace(WORKFLOW, disable={"a.b": "c"}),
        replace(WORKFLOW, formats=("json",)),
        replace(WORKFLOW, weights={**WORKFLOW.weights, "tests": 0.3}),
    )
    heads = {make_manifest(audit_inputs(workflow, INDEX), {}, {}).head for workflow in changed}
    assert len(heads) == len(changed)
    assert plain not in heads


names = st.dictionaries(st.text("abcdef", min_size=1), st.binary(max_size=8), min_size=1, max_size=4)


@given(artifacts=names, reports=names, data=st.data())
def test_any_other_bytes_give_another_head(
    artifacts: dict[str, bytes], reports: dict[str, bytes], data: st.DataObject
) -> None:
    head = make_manifest({}, artifacts, reports).head
    name = data.draw(st.sampled_from(sorted(artifacts)))
    other = {**artifacts, name: artifacts[name] + b"x"}
    assert make_manifest({}, other, reports).head != head
    assert make_manifest({}, artifacts, dict(list(reports.items())[:-1])).head != head
