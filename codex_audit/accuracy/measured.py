"""The figures that this version's probes reached on the labelled repositories, as data in the package."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from codex_audit.accuracy.figures import Counts
from codex_evidence.plain import from_plain, to_plain
from codex_evidence.strict_json import loads

MEASURED_FILE = Path(__file__).with_name("measured.json")


@dataclass(frozen=True, slots=True)
class Measured:
    """``corpus`` names the labelled repositories with their versions; ``probes`` has counts by probe, without the
    ``hard`` labels, on which two careful readers may differ."""

    corpus: tuple[str, ...]
    hard: int
    probes: dict[str, Counts]

    def of(self, probe: str) -> Counts:
        """The counts of ``probe``, all 0 when it was not measured."""
        return self.probes.get(probe, Counts())


def measured(file: Path = MEASURED_FILE) -> Measured:
    """What ``benchmarks/accuracy.py --write`` wrote. Raises CodexError for a file of another form."""
    return from_plain(Measured, loads(file.read_bytes(), source=file.name), source=file.name)


def measured_text(value: Measured) -> str:
    """``value`` as JSON with one probe a line, so that a new measurement shows as the lines that differ."""
    import json

    corpus = ",\n".join(f"    {json.dumps(name)}" for name in value.corpus)
    probes = ",\n".join(f"    {json.dumps(name)}: {_line(counts)}" for name, counts in value.probes.items())
    return f'{{\n  "corpus": [\n{corpus}\n  ],\n  "hard": {value.hard},\n  "probes": {{\n{probes}\n  }}\n}}\n'


def _line(counts: Counts) -> str:
    plain: Mapping[str, int] = to_plain(counts)
    return "{" + ", ".join(f'"{name}": {count}' for name, count in plain.items()) + "}"
