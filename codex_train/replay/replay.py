"""A recorded run is run again, and the answer is one of three: identical, differs at a step, not comparable."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from codex_evidence.checkpoint_folders import checkpoint_name
from codex_evidence.errors import RunError, WriteError
from codex_evidence.files import read_bytes
from codex_evidence.names import shown
from codex_evidence.run_documents import (
    CHECKPOINTS,
    DATA,
    ENVIRONMENT,
    MAX_DOCUMENT,
    MODEL,
    model_digests,
)
from codex_evidence.runs import verify_run
from codex_evidence.strict_json import loads
from codex_train.config.digest import config_plain
from codex_train.config.nouns import CheckpointConfig, Config
from codex_train.replay.child import Request, write_request
from codex_train.replay.compare import Difference, document_differences, tensor_differences
from codex_train.replay.follow import SEGMENT, Comparison, failure_of
from codex_train.replay.history import Stretch, read_history
from codex_train.replay.process import child_environment, running

Verdict = Literal["identical", "differs", "not comparable"]
_PAUSE = 0.05
_LONGEST = 80


@dataclass(frozen=True, slots=True)
class Answer:
    """``step`` is where run and replay part, None where they do not, and ``differences`` are those at that step;
    ``tensors`` are the names of those in its checkpoints that differ, none when one of the two was not kept. Not
    comparable: ``differences`` are of the environment class, the model or the data; ``reason`` says it in a line.
    ``steps``, ``states`` and ``evaluations`` count what was found equal. ``notes`` differ and are outside of the
    class."""

    verdict: Verdict
    reason: str
    step: int | None = None
    differences: tuple[Difference, ...] = ()
    tensors: tuple[str, ...] = ()
    steps: int = 0
    states: int = 0
    evaluations: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Part:
    """The scratch files of one stretch."""

    stretch: Stretch
    run: Path
    request: Path
    failure: Path
    log: Path


def replay_run(
    run: Path, scratch: Path, *, as_is: bool = False, told: Callable[[str], None] = lambda _: None
) -> Answer:
    """Runs the run folder ``run`` again in the folder ``scratch``, from step 0 to the last that counts, with the
    recorded environment or, ``as_is``, with this one. ``told`` hears lines as they come to be known.

    Raises RunError for a folder that is not what it says, and CodexError for one that cannot be replayed anywhere.
    """
    require_whole(run)
    history = read_history(run)
    if not any(stretch.pieces for stretch in history):
        return Answer("not comparable", "the run recorded no step")
    return replay_stretches(history, scratch, as_is=as_is, told=told)


def require_whole(run: Path) -> None:
    """Raises RunError, with the first finding, unless the run folder is what it says."""
    findings = verify_run(run)
    if findings:
        more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        raise RunError(
            f"{shown(run)} is not what it says, so there is nothing to replay: {findings[0].file}: "
            f"{findings[0].reason}{more}; see `codex-audit verify`"
        )


def replay_stretches(
    stretches: Sequence[Stretch],
    scratch: Path,
    *,
    as_is: bool = False,
    told: Callable[[str], None] = lambda _: None,
) -> Answer:
    """Replays ``stretches``, of which each goes on where the one before ended unless it brings a checkpoint."""
    total = Answer("identical", "")
    before: _Part | None = None
    for number, stretch in enumerate(stretches):
        following = stretches[number + 1] if number + 1 < len(stretches) else None
        part = _prepare(scratch, number, stretch, following, before, as_is=as_is)
        found = _replayed(part, as_is=as_is, told=told)
        total = replace(
            found,
            steps=total.steps + found.steps,
            states=total.states + found.states,
            evaluations=total.evaluations + found.evaluations,
            notes=tuple(dict.fromkeys((*total.notes, *found.notes))),
        )
        if found.verdict != "identical":
            return total
        before = part
    counts = f"{total.steps} steps, {total.states} states and {total.evaluations} evaluations"
    return replace(total, reason=f"{counts} are the same to the bit")


def _prepare(
    scratch: Path,
    number: int,
    stretch: Stretch,
    following: Stretch | None,
    before: _Part | None,
    *,
    as_is: bool,
) -> _Part:
    name = f"part-{number:04d}"
    part = _Part(
        stretch,
        scratch / name,
        scratch / f"{name}.json",
        scratch / f"{name}.failure",
        scratch / f"{name}.log",
    )
    origin, checkpoint = Path(), stretch.checkpoint
    if checkpoint is not None:
        origin = checkpoint.parent.parent
    elif before is not None and stretch.start:
        origin, checkpoint = before.run, before.run / CHECKPOINTS / checkpoint_name(stretch.start)
    try:
        scratch.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteError(f"cannot make the folder {shown(scratch)}: {error.strerror}") from error
    request = Request(
        config=config_plain(_config(stretch, following, scratch.resolve() / "cache")),
        base=str(stretch.base),
        folder=str(part.run.resolve()),
        failure=str(part.failure.resolve()),
        modes=None if as_is else stretch.environment["class"],
        run=str(origin.resolve()) if checkpoint else "",
        checkpoint=str(checkpoint.resolve()) if checkpoint else "",
    )
    write_request(part.request.resolve(), request)
    return part


def _config(stretch: Stretch, following: Stretch | None, cache: Path) -> Config:
    """The recorded configuration, but for what changes no bit: corpora are packed anew, from the files themselves, and
    checkpoints are made where the run had some, and where the next stretch begins."""
    config, every = stretch.config, stretch.config.checkpoint.every
    wanted = {claim.step for claim in stretch.claims if claim.checkpoint or not every or claim.step % every}
    if following is not None:
        wanted.add(following.start)
    pinned = sorted({*wanted, *config.checkpoint.pinned} - {0})
    return replace(
        config,
        data=replace(config.data, cache=str(cache)),
        checkpoint=CheckpointConfig(every=every, keep_last=1, keep_best=0, pinned=pinned),
        monitoring=replace(config.monitoring, interval=0.0),
        run=replace(config.run, verify_packages=False),
    )


def _replayed(part: _Part, *, as_is: bool, told: Callable[[str], None]) -> Answer:
    stretch = part.stretch
    if not stretch.pieces:
        return Answer("identical", "")
    variables = child_environment(stretch.environment, as_is=as_is)
    with running(part.request.resolve(), stretch.world_size, variables, part.log.resolve()) as process:
        if not _began(part, process):
            reason = failure_of(part.failure, part.log)
            return Answer("not comparable", f"the run cannot be started here: {reason}")
        now = _document(part, ENVIRONMENT)
        notes = tuple(_notes(stretch.environment["detail"], now["detail"]))
        differing = _class_differences(stretch.environment["class"], now["class"])
        told(_machine(differing, as_is=as_is))
        for note in notes:
            told(f"note: {note}")
        if not differing:
            model, data = model_digests(_document(part, MODEL)), _document(part, DATA)
            differing = _differences(stretch, "model", model_digests(stretch.model), model)
            differing += _differences(stretch, "data", stretch.data, data)
        if differing:
            return Answer("not comparable", _line(differing), None, tuple(differing), notes=notes)
        told(f"replaying steps {stretch.start + 1} to {stretch.last}")
        comparison = Comparison(stretch, part.run)
        return replace(_answer(part, comparison, comparison.follow(process)), notes=notes)


def _answer(part: _Part, comparison: Comparison, found: list[Difference]) -> Answer:
    counts = comparison.counts(found)
    if not found:
        return Answer("identical", "", None, (), (), *counts)
    step, reason = found[0].step, _line(found)
    tensors: tuple[str, ...] = ()
    if found[0].replayed is None and (part.failure.exists() or found[0].field == "step"):
        reason = f"{reason}; the replay ended: {failure_of(part.failure, part.log)}"
    if any(item.field == "state" and item.replayed for item in found):
        tensors = _tensors(part, step)
        if tensors:
            reason += f"; {len(tensors)} tensors differ, first {tensors[0]}"
    return Answer("differs", reason, step, tuple(found), tensors, *counts)


def _tensors(part: _Part, step: int) -> tuple[str, ...]:
    own = part.run / CHECKPOINTS / checkpoint_name(step)
    there = [claim.checkpoint for claim in part.stretch.claims if claim.step == step and claim.checkpoint]
    return tensor_differences(there[0], own) if there and own.is_dir() else ()


def _began(part: _Part, process: subprocess.Popen[bytes]) -> bool:
    """Waits until the replay has recorded what it stands on; False when its process ended before."""
    while not (part.run / SEGMENT / ENVIRONMENT).exists():
        if process.poll() is not None:
            return (part.run / SEGMENT / ENVIRONMENT).exists()
        time.sleep(_PAUSE)
    return True


def _differences(stretch: Stretch, part: str, recorded: Any, now: Any) -> list[Difference]:
    found = document_differences(recorded, now)
    return [Difference(stretch.start, f"{part}.{place}" if place else part, a, b) for place, a, b in found]


def _class_differences(recorded: Any, now: Any) -> list[Difference]:
    return [Difference(0, place, old, new) for place, old, new in document_differences(recorded, now)]


def _notes(recorded: Any, now: Any) -> list[str]:
    """What is outside of the class and may explain other bits: packages and the user's code."""
    old, new = ({one["name"]: one["version"] for one in each["packages"]} for each in (recorded, now))
    notes = [
        f"package {name} was {old[name]} and is {new[name]}"
        for name in sorted({*old} & {*new})
        if old[name] != new[name]
    ]
    trees = [each["code"]["tree"] if each["code"] else "" for each in (recorded, now)]
    if trees[0] != trees[1]:
        notes.append("the code around the data is in another state than recorded")
    return notes


def _machine(differing: Sequence[Difference], *, as_is: bool) -> str:
    how = "as it is" if as_is else "with the recorded settings"
    if not differing:
        return f"this machine, {how}, is in the run's environment class"
    return f"this machine, {how}, is not in the run's environment class: {_line(differing)}"


def _line(differing: Sequence[Difference]) -> str:
    """The first difference in words, and the names of the others."""
    first, others = differing[0], [item.field for item in differing[1:]]
    more = f" (and {', '.join(others[:6])}{', ...' if len(others) > 6 else ''})" if others else ""
    return f"{first.field} was {_shown(first.recorded)} and is {_shown(first.replayed)}{more}"


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def _document(part: _Part, name: str) -> Any:
    data = read_bytes(part.run / SEGMENT / name, max_bytes=MAX_DOCUMENT)
    return loads(data, max_bytes=MAX_DOCUMENT, source=name)
