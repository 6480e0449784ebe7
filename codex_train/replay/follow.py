"""Reads along while a replay runs, and stops at the first thing that is not as recorded."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from codex_evidence.errors import CodexError
from codex_evidence.run_documents import MANIFEST, METRICS, SEGMENTS, STEPS, read_manifest
from codex_evidence.steps import StepRecord
from codex_evidence.strict_json import loads
from codex_train.replay.compare import Difference, metric_differences, step_differences
from codex_train.replay.history import Claim, Stretch, recorded_metrics, recorded_steps

_PAUSE = 0.05
SEGMENT = f"{SEGMENTS}/0000"


@dataclass(slots=True)
class _Tail:
    """The lines of a file that grows."""

    path: Path
    _offset: int = 0

    def new(self) -> list[bytes]:
        """The whole lines since the last call."""
        if not self.path.exists():
            return []
        with self.path.open("rb") as file:
            file.seek(self._offset)
            data = file.read()
        end = data.rfind(b"\n") + 1
        self._offset += end
        return data[:end].splitlines()


@dataclass(slots=True)
class Comparison:
    """``stretch`` against the run folder ``part`` that its replay fills."""

    stretch: Stretch
    part: Path
    _steps: int = field(default=0, init=False)
    _states: list[int] = field(default_factory=list, init=False)
    _evaluations: list[int] = field(default_factory=list, init=False)
    _recorded: Iterator[StepRecord] = field(init=False)
    _metrics: dict[int, dict[str, Any]] = field(init=False)
    _claims: list[Claim] = field(init=False)
    _replayed_states: dict[int, str] = field(default_factory=dict, init=False)
    _step_lines: _Tail = field(init=False)
    _metric_lines: _Tail = field(init=False)
    _beyond: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        folder = self.part / SEGMENT
        self._recorded = recorded_steps(self.stretch)
        self._metrics = recorded_metrics(self.stretch)
        self._claims = list(self.stretch.claims)
        self._step_lines, self._metric_lines = _Tail(folder / STEPS), _Tail(folder / METRICS)

    def follow(self, process: subprocess.Popen[bytes]) -> list[Difference]:
        """What differs at the first step where anything does; none when the replay gives what was recorded."""
        while True:
            ended = process.poll() is not None  # asked first: what is read after the end is all there is
            if found := self._read():
                # What came before a step that differs is written by now.
                return _first([*found, *self._read()])
            if ended or (self._complete() and not self.stretch.ends):
                return self._missing()
            time.sleep(_PAUSE)

    def counts(self, found: list[Difference]) -> tuple[int, int, int]:
        """How many steps, states and evaluations are equal, as far as the first of what was ``found``: a replay runs
        ahead of its reader, and what it did beyond that step is chance."""
        if not found:
            return self._steps, len(self._states), len(self._evaluations)
        end = found[0].step
        states, evaluations = (sum(step < end for step in each) for each in (self._states, self._evaluations))
        after = all(
            item.field.startswith(("state", "evaluation")) for item in found
        )  # the step itself is equal
        return min(self._steps, max(end - self.stretch.start - (not after), 0)), states, evaluations

    @property
    def _seen(self) -> int:
        return self.stretch.start + self._steps

    def _complete(self) -> bool:
        every = self._seen == self.stretch.last and not self._metrics and not self._claims
        return every or self._beyond

    def _read(self) -> list[Difference]:
        """What differs in what the replay wrote since the last call."""
        steps, metrics = self._step_lines.new(), self._metric_lines.new()
        found = [item for text in metrics for item in self._metric(loads(text, source=METRICS))]
        for text in steps:
            found += self._step(msgspec.json.decode(text, type=StepRecord))
        return found + self._compare_states()

    def _step(self, replayed: StepRecord) -> list[Difference]:
        if replayed.state:
            self._replayed_states[replayed.step - 1] = replayed.state
        if replayed.step > self.stretch.last:
            self._beyond = True
            return [Difference(replayed.step, "step", None, replayed.step)] if self.stretch.ends else []
        recorded = next(self._recorded)
        found = step_differences(recorded, replayed)
        if recorded.state and replayed.state and recorded.state != replayed.state:
            found.append(Difference(recorded.step - 1, "state", recorded.state, replayed.state))
        self._steps += not found
        return found

    def _metric(self, replayed: dict[str, Any]) -> list[Difference]:
        recorded = self._metrics.pop(replayed["step"], None)
        if recorded is None:
            return []  # one that the record lacks: it evaluates where a stop came first
        found = metric_differences(recorded, replayed)
        if not found:
            self._evaluations.append(replayed["step"])
        return found

    def _compare_states(self) -> list[Difference]:
        if self._claims and (self.part / SEGMENT / MANIFEST).exists():
            manifest, _ = read_manifest(self.part / SEGMENT)
            self._replayed_states |= {entry.step: entry.state_digest for entry in manifest.checkpoints}
        known = [claim for claim in self._claims if claim.step in self._replayed_states]
        self._claims = [claim for claim in self._claims if claim.step not in self._replayed_states]
        found = []
        for claim in known:
            replayed = self._replayed_states[claim.step]
            if claim.digest == replayed:
                self._states.append(claim.step)
            else:
                found.append(Difference(claim.step, "state", claim.digest, replayed))
        return found

    def _missing(self) -> list[Difference]:
        """What the record has and a replay that has ended has not, at the first such step."""
        found = [Difference(claim.step, "state", claim.digest, None) for claim in self._claims]
        found += [Difference(step, "evaluation", step, None) for step in self._metrics]
        if self._seen < self.stretch.last:
            found.append(Difference(self._seen + 1, "step", self._seen + 1, None))
        return _first(found)


def _first(found: list[Difference]) -> list[Difference]:
    first = min((item.step for item in found), default=0)
    return [item for item in found if item.step == first]


def failure_of(path: Path, log: Path) -> str:
    """Why a replay's process ended: the line that it left in ``path``, else the last one of its output."""
    try:
        return str(loads(path.read_bytes(), source=str(path))["error"])
    except FileNotFoundError:
        lines = log.read_text(encoding="utf-8", errors="backslashreplace").split("\n")
        return next((line for line in reversed(lines) if line.strip()), "it said nothing")
    except CodexError:
        return "it left no readable reason"
