"""The reference of the probes: complete, honest about its figures, and the one that is committed."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt

from codex_audit.accuracy.figures import Counts
from codex_audit.accuracy.measured import Measured, measured
from codex_audit.capabilities.catalogue import CATALOGUE, probes
from codex_audit.reports.probe_reference import probe_reference

COMMITTED = Path(__file__).parents[2] / "docs" / "probes.md"
REFERENCE = probe_reference(CATALOGUE, measured())


def section(reference: str, probe: str) -> str:
    return reference.partition(f"### `{probe}`\n")[2].partition("\n### ")[0]


def row(reference: str, probe: str) -> list[str]:
    (line,) = (one for one in reference.splitlines() if one.startswith(f"| [`{probe}`]"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_committed_reference_is_what_the_command_prints() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == REFERENCE, (
        "write it anew: codex-audit probes --format markdown > docs/probes.md"
    )


def test_every_probe_has_its_words_and_its_references() -> None:
    plain = REFERENCE.replace("\\", "")
    for probe in probes():
        text = section(plain, probe.id)
        for words in (probe.ask, probe.motivation, probe.risk, probe.remedy.text, probe.rollback):
            assert words in text, (probe.id, words)
        assert all(f"<{reference}>" in text for reference in probe.references)


def test_counts_and_intervals_stand_beside_each_figure() -> None:
    known = Measured(("a 1", "b 2"), 3, {"training.loop": Counts(7, 1, 0, 2)})
    reference = probe_reference(CATALOGUE, known)
    assert row(reference, "training.loop")[1:] == ["7", "1", "0", "2", "88 (53 to 98)", "100 (65 to 100)"]
    assert "**Precision:** 7 of 8, 88% (95% interval 53% to 98%)" in section(reference, "training.loop")
    assert "source distributions of a 1, b 2." in reference
    assert "9 of 10 answers agree" in reference


def test_each_capability_has_its_balanced_accuracy() -> None:
    known = Measured(("a 1",), 0, {"training.loop": Counts(tp=1, fn=1), "training.clipping": Counts(tn=8)})
    lines = probe_reference(CATALOGUE, known).splitlines()
    assert "| [Training engine](#training-engine) | 10 | 9 | 75.0 |" in lines
    assert any("(#modeling) | 0 | 0 | not measurable |" in line for line in lines)


def test_what_the_labels_cannot_tell_is_not_measurable() -> None:
    figures = {
        "training.loop": Counts(tp=8),
        "training.clipping": Counts(tn=8),
        "training.schedule": Counts(fn=2, tn=6),
    }
    reference = probe_reference(CATALOGUE, Measured(("a 1",), 0, figures))
    assert row(reference, "training.loop")[5:] == ["not measurable", "100 (68 to 100)"]
    assert row(reference, "training.clipping")[5:] == ["not measurable", "not measurable"]
    assert row(reference, "training.schedule")[5:] == ["not measurable", "0 (0 to 66)"]
    assert "not measurable, as no label is no" in section(reference, "training.loop")
    assert "not measurable, as it never said yes" in section(reference, "training.schedule")


def test_links_within_the_page_lead_to_headings() -> None:
    tokens = MarkdownIt("commonmark").enable("table").parse(REFERENCE)
    headings = {
        after.content.strip("`").replace(".", "").replace(" ", "-").lower()
        for token, after in pairwise(tokens)
        if token.type == "heading_open"
    }
    links = {
        str(child.attrs["href"]).removeprefix("#")
        for token in tokens
        for child in token.children or ()
        if child.type == "link_open" and str(child.attrs["href"]).startswith("#")
    }
    assert len(links) == len(probes()) + len(CATALOGUE)
    assert links <= headings
