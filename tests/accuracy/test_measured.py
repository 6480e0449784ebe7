"""The measured figures that travel in the package."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from codex_audit.accuracy.figures import Counts
from codex_audit.accuracy.measured import MEASURED_FILE, Measured, measured, measured_text
from codex_audit.capabilities.catalogue import probes
from codex_evidence.errors import CodexError

LABELS = Path(__file__).parents[2] / "benchmarks" / "corpus" / "labels"


def test_what_is_written_is_read_back_and_committed_in_that_form(tmp_path: Path) -> None:
    value = Measured(("a 1.0", "b 2.0"), 1, {"config.file": Counts(1, 2, 3, 4)})
    file = tmp_path / "measured.json"
    file.write_text(measured_text(value))
    assert measured(file) == value
    assert measured_text(measured()) == MEASURED_FILE.read_text()


def test_every_probe_was_measured_on_every_label_that_is_not_hard() -> None:
    documents = [json.loads(file.read_text()) for file in sorted(LABELS.glob("*.json"))]
    found = measured()
    assert len(found.corpus) == len(documents)
    assert found.hard == sum(label["hard"] for one in documents for label in one["labels"].values())
    for probe in probes():
        labels = [one["labels"][probe.id] for one in documents]
        easy = [label["v"] for label in labels if not label["hard"]]
        counts = found.of(probe.id)
        assert (counts.tp + counts.fn, counts.tn + counts.fp) == (easy.count("yes"), easy.count("no")), (
            probe.id
        )


def test_a_probe_without_labels_has_no_counts() -> None:
    assert measured().of("config.no-such").labels == 0


def test_figures_of_another_form_are_refused(tmp_path: Path) -> None:
    (tmp_path / "measured.json").write_text(
        '{"corpus": [], "hard": 0, "probes": {"config.file": {"tp": "1"}}}'
    )
    with pytest.raises(CodexError):
        measured(tmp_path / "measured.json")
