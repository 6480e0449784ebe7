"""How often the probes agree with a careful reader, on the labelled repositories.

    python -m benchmarks.accuracy [--trees DIR] [--labels DIR] [--wrong] [--write] [--min-accuracy 0.96]

Anything but yes counts as no. Labels marked hard are left out of every figure and counted at the end. Of the right
yes verdicts, *evidence* is the share that cites a file which the label cites too, and *near* the share that cites it
within 20 lines. Exit 1 below --min-accuracy.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.trees import LABELS, fetch, tree_of
from codex_audit.accuracy.figures import Counts, Share, balanced_accuracy, counted, precision, recall
from codex_audit.accuracy.measured import MEASURED_FILE, Measured, measured_text

NEAR_LINES = 20

Place = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Label:
    """What the reader says of one probe."""

    yes: bool
    hard: bool
    places: tuple[Place, ...]
    note: str


@dataclass(frozen=True, slots=True)
class Repository:
    """One label file."""

    name: str
    version: str
    labels: Mapping[str, Label]


@dataclass(frozen=True, slots=True)
class Answer:
    """What an audit says of one probe: its own verdict, whatever the tree's settings overrule."""

    verdict: str
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """One answer beside its label."""

    repository: str
    probe: str
    label: Label
    answer: Answer

    @property
    def capability(self) -> str:
        return self.probe.partition(".")[0]

    @property
    def counts(self) -> Counts:
        return counted(self.answer.verdict == "yes", self.label.yes)

    def cites(self, within: int | None) -> bool:
        """Whether a place of the answer is in a file that the label cites, at most ``within`` lines away."""
        return any(
            path == cited and (within is None or abs(line - at) <= within)
            for path, line in self.answer.places
            for cited, at in self.label.places
        )


@dataclass(slots=True)
class Tally:
    """What a group of answers adds up to."""

    counts: Counts = field(default_factory=Counts)
    citable: int = 0
    cited: int = 0
    near: int = 0

    def add(self, one: Judged) -> None:
        self.counts = self.counts + one.counts
        if one.counts.tp and one.label.places:
            self.citable += 1
            self.cited += one.cites(None)
            self.near += one.cites(NEAR_LINES)

    def line(self, name: str) -> str:
        """One row of the table."""
        counts = self.counts
        return (
            f"{name:20} n {counts.labels:4}  accuracy {_ratio(counts.right, counts.labels)}"
            f"  precision {_share(precision(counts))}  recall {_share(recall(counts))}"
            f"  evidence {_ratio(self.cited, self.citable)}  near {_ratio(self.near, self.citable)}"
        )


def read_labels(file: Path) -> Repository:
    """The labels in ``file``."""
    document = json.loads(file.read_text(encoding="utf-8"))
    labels = {
        probe: Label(item["v"] == "yes", item["hard"], tuple(map(_place, item["e"])), item["note"])
        for probe, item in document["labels"].items()
    }
    return Repository(file.stem, document["revision"], labels)


def audit(tree: Path) -> dict[str, Answer]:
    """The answers of ``codex-audit run`` by probe. Raises CalledProcessError when it fails."""
    with tempfile.TemporaryDirectory() as output:
        command = [
            sys.executable,
            "-m",
            "codex_audit",
            "run",
            str(tree),
            "--output",
            output,
            "--stage",
            "S3",
            "--no-cache",
        ]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        raw = json.loads((Path(output) / "audit_artifacts" / "capabilities_raw.json").read_bytes())
    return {
        probe["id"]: Answer(
            probe["verdict"], tuple((item["path"], item["line"]) for item in probe["evidence"])
        )
        for capability in raw["capabilities"]
        for probe in capability["probes"]
    }


def judge(repository: Repository, answers: Mapping[str, Answer]) -> Iterator[Judged]:
    """Every label beside the answer. Raises KeyError for a probe that the audit does not answer."""
    for probe, label in repository.labels.items():
        yield Judged(repository.name, probe, label, answers[probe])


def measure(repositories: Iterable[Repository], judged: Iterable[Judged]) -> Measured:
    """Counts by probe, in the order of the labels, which is that of the catalogue."""
    probes: dict[str, Counts] = {}
    hard = 0
    for one in judged:
        hard += one.label.hard
        probes[one.probe] = probes.get(one.probe, Counts()) + (Counts() if one.label.hard else one.counts)
    return Measured(tuple(f"{one.name} {one.version}" for one in repositories), hard, probes)


def report(judged: list[Judged]) -> Iterator[str]:
    """The table, by repository, in all and by capability."""
    easy = [one for one in judged if not one.label.hard]
    for name in dict.fromkeys(one.repository for one in easy):
        yield _tally(one for one in easy if one.repository == name).line(name)
    yield _tally(easy).line("all")
    balanced = []
    for name in dict.fromkeys(one.capability for one in easy):
        tally = _tally(one for one in easy if one.capability == name)
        figure = balanced_accuracy(tally.counts)
        balanced.append(figure or 0.0)
        wrong = tally.counts.labels - tally.counts.right
        yield f"{tally.line('  ' + name)}  balanced {balanced[-1]:.3f}  wrong {wrong}"
    hard = [one for one in judged if one.label.hard]
    agreed = sum(one.counts.right for one in hard)
    yield f"mean balanced accuracy {sum(balanced) / len(balanced):.3f}; hard labels agreed {agreed} of {len(hard)}"
    other = [
        f"{one.repository} {one.probe} {one.answer.verdict}"
        for one in easy
        if one.answer.verdict not in ("yes", "no")
    ]
    yield f"neither yes nor no: {', '.join(other) or 'none'}"


def wrong_lines(judged: Iterable[Judged]) -> Iterator[str]:
    """Every answer that differs from its label, with the places of both."""
    for one in judged:
        if not one.counts.right:
            said = " ".join(f"{path}:{line}" for path, line in one.answer.places[:2])
            cited = " ".join(f"{path}:{line}" for path, line in one.label.places)
            mark = "hard" if one.label.hard else "wrong"
            yield (
                f"{mark} {one.repository} {one.probe}: said {one.answer.verdict} {said};"
                f" label {'yes' if one.label.yes else 'no'} {cited} {one.label.note}".rstrip()
            )


def _tally(judged: Iterable[Judged]) -> Tally:
    tally = Tally()
    for one in judged:
        tally.add(one)
    return tally


def _ratio(part: int, whole: int) -> str:
    return f"{part / whole:.3f}" if whole else "  -  "


def _share(share: Share | None) -> str:
    return f"{share.value:.3f}" if share else "  -  "


def _place(text: str) -> Place:
    path, _, line = text.rpartition(":")
    first = line.partition("-")[0]
    return (path, int(first)) if path and first.isdigit() else (text, 1)


@contextmanager
def _trees(given: Path | None) -> Iterator[Path]:
    if given is not None:
        yield given
        return
    with tempfile.TemporaryDirectory() as folder:
        fetch(Path(folder))
        yield Path(folder)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--trees", type=Path, metavar="DIR", help="unpacked trees (default: fetched with pip)"
    )
    parser.add_argument("--labels", type=Path, default=LABELS, metavar="DIR", help="labels of other trees")
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME", help="only these repositories")
    parser.add_argument("--wrong", action="store_true", help="list every answer that differs from its label")
    parser.add_argument("--write", action="store_true", help=f"write the counts to {MEASURED_FILE.name}")
    parser.add_argument("--min-accuracy", type=float, default=0.0, metavar="SHARE")
    arguments = parser.parse_args()
    if arguments.write and (arguments.only or arguments.labels != LABELS):
        parser.error("--write needs all the labelled repositories, so neither --only nor --labels")
    return arguments


def main() -> int:
    """Audit, compare, print; 1 below the limit."""
    arguments = _arguments()
    repositories = [read_labels(file) for file in sorted(arguments.labels.glob("*.json"))]
    wanted = [one for one in repositories if not arguments.only or one.name in arguments.only]
    judged: list[Judged] = []
    with _trees(arguments.trees) as trees:
        for repository in wanted:
            tree = tree_of(trees, repository.name, repository.version)
            judged += judge(repository, audit(tree))
            print(f"audited {tree.name}", file=sys.stderr)
    lines = [*report(judged), *(wrong_lines(judged) if arguments.wrong else ())]
    print("\n".join(lines))
    if arguments.write:
        MEASURED_FILE.write_text(measured_text(measure(wanted, judged)), encoding="utf-8")
    total = sum((one.counts for one in judged if not one.label.hard), Counts())
    return 1 if total.right < arguments.min_accuracy * total.labels else 0


if __name__ == "__main__":
    raise SystemExit(main())
