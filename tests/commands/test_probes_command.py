"""``codex-audit probes``: the questions, for people, programs and the documentation."""

from __future__ import annotations

import json

from codex_audit.accuracy.measured import measured
from codex_audit.capabilities.catalogue import CATALOGUE, probes
from codex_audit.reports.probe_reference import probe_reference
from tests.commands.cli import command


def test_the_list_has_every_probe_with_how_often_it_was_right() -> None:
    lines = command("probes").stdout.splitlines()
    for probe in probes():
        counts = measured().of(probe.id)
        (line,) = (one for one in lines if one.split()[:1] == [probe.id])
        assert f"{counts.right} of {counts.labels}" in line
        assert line.endswith(probe.ask)


def test_markdown_is_the_whole_reference() -> None:
    assert command("probes", "--format", "markdown").stdout == probe_reference(CATALOGUE, measured())


def test_a_program_gets_words_and_counts() -> None:
    document = json.loads(command("probes", "--format", "json").stdout)
    items = [probe for capability in document["capabilities"] for probe in capability["probes"]]
    assert [item["id"] for item in items] == [probe.id for probe in probes()]
    known = measured()
    assert document["corpus"] == list(known.corpus)
    for item in items:
        assert item["measured"]["tp"] == known.of(item["id"]).tp
