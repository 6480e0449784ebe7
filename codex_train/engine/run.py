"""The run path: a configuration goes in, a run folder comes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from torch import nn

from codex_evidence.errors import CodexError
from codex_evidence.run_documents import SYSTEM
from codex_train.config.check import check_steps
from codex_train.config.digest import config_plain
from codex_train.config.load import override_config
from codex_train.config.nouns import Config, ModelConfig
from codex_train.engine import processes
from codex_train.engine.assembly import Assembly, assembled, restored
from codex_train.engine.loop import train
from codex_train.engine.plan import Order
from codex_train.engine.processes import World
from codex_train.engine.recorded import BASE, RecordedRun, require_new
from codex_train.engine.resuming import Now, Resume, accepted, found_checkpoint, notes, parent, resumed
from codex_train.engine.settings import device_of, device_type, seed_steps, settle
from codex_train.engine.setup import lay_ground, make_model
from codex_train.engine.stopping import Stop, listening
from codex_train.engine.watch import Screen
from codex_train.models.source import model_document
from codex_train.monitoring.system import SystemMonitor
from codex_train.recorder.environment import Environment, record_environment
from codex_train.recorder.recorder import Parent, Recorder

INTERRUPTED = 4


@dataclass(frozen=True, slots=True)
class Outcome:
    """``status`` is finished or stopped; ``reason`` is empty for a run that went to its last step."""

    status: str
    reason: str
    folder: Path
    exit_code: int
    notes: tuple[str, ...] = ()
    """Lines for the user, on where the run began and what went wrong beside it."""


@dataclass(frozen=True, slots=True)
class Given:
    """What a caller brings in place of what the configuration describes: a model that returns ``.logits``, an order of
    samples, and who looks on."""

    model: nn.Module | None = None
    order: Order | None = None
    screen: Screen | None = None


@dataclass(frozen=True, slots=True)
class _Request:
    config: Config
    base: Path
    folder: Path | None
    resume: Resume | None = None
    show: bool = False
    given: Given = field(default_factory=Given)


def run_training(
    config: Config, base: Path, folder: Path | None = None, *, show: bool = False, given: Given | None = None
) -> Outcome:
    """Trains what ``config`` describes (paths in it count from ``base``) and leaves the run folder ``folder``, which
    must be new; default a folder under `runs` named after run and time. ``show`` draws progress. Raises CodexError."""
    return _run(_Request(config, base, folder, show=show, given=given or Given()))


def resume_training(
    run: Path,
    checkpoint: str = "latest",
    *,
    accept: Sequence[str] = (),
    overrides: Sequence[str] = (),
    show: bool = False,
    given: Given | None = None,
) -> Outcome:
    """Goes on with the run folder ``run`` from ``checkpoint`` (`latest`, a step or a path), to the bits that it would
    have had. Everything is verified first. ``accept`` names fields that may differ from those that made the checkpoint.

    Raises CodexError: ResumeRefusedError for what differs, CheckpointError for what is damaged.
    """
    resume = resumed(run, checkpoint, accept)
    recorded = resume.recorded
    config = override_config(recorded.config, overrides, recorded.base) if overrides else recorded.config
    return _run(_Request(config, recorded.base, run, resume, show, given or Given()))


def continue_training(
    config: Config, base: Path, folder: Path, recorded: RecordedRun, checkpoint: Path, accept: Sequence[str]
) -> Outcome:
    """Goes on from ``checkpoint`` of the run ``recorded`` in the new folder ``folder``, as a replay does. ``accept``
    names fields that may differ. Raises CodexError."""
    return _run(_Request(config, base, folder, Resume(recorded, checkpoint, tuple(accept))))


def _run(request: _Request) -> Outcome:
    kind = device_type(request.config.run)
    settle(request.config.run, kind)
    world = processes.join(request.config.run, kind)
    with listening(many=world.size > 1) as stop, processes.joined(world):
        return _trained(request, world, kind, stop)


def _trained(request: _Request, world: World, kind: str, stop: Stop) -> Outcome:
    config, device = request.config, device_of(kind, world.local)
    folder = Path(world.told(str(request.folder or _stamped(config.name))))
    if request.resume is None:
        require_new(folder)
    ground = lay_ground(config, request.base, world)
    checkpoint = found_checkpoint(request.resume, world)
    now = _now(request, ground.data.manifest, world)
    accepted(request.resume, now)  # before a model of another kind is made
    model = request.given.model or make_model(config, request.base, ground.encoder)
    environment = record_environment(
        world_size=world.size, code=request.base, settings={BASE: str(request.base.resolve())}
    )
    ancestor = parent(request.resume, checkpoint, now, environment)
    assembly = assembled(config, ground, model, request.given.order, world, device, checkpoint, folder)
    check_steps(config, assembly.job.steps)
    stop.waits = True  # from here on there is a run folder, which is left with a checkpoint
    recorder = _recorder(folder, config, now, environment, ancestor)
    monitor = _monitor(config, recorder)
    told = (*notes(request.resume, checkpoint, world), *(recorder.notes if recorder else ()))
    done = checkpoint.manifest.step if checkpoint else 0
    try:
        # What looks on ends before the recorder closes: the manifest lists what it wrote.
        said = (*told, *ground.notes)
        with monitor, _screen(request, assembly, recorder, folder, done, said) as screen:
            # After everything is loaded: some libraries draw a random number while they are imported.
            seed_steps(config.run.seed, world.rank)
            restored(assembly, checkpoint)
            reason = _steps(assembly, recorder, screen, done, stop)
        status = _closed(recorder, assembly, reason)
    except CodexError as error:
        _failed(recorder, str(error))
        raise
    finally:
        if recorder is not None:
            recorder.abandon()
    code = INTERRUPTED if status == "stopped" else 0
    unsaid = () if request.show else told
    return Outcome(status, reason, folder, code, (*unsaid, monitor.fault) if monitor.fault else unsaid)


def _now(request: _Request, data: Mapping[str, Any], world: World) -> Now:
    """What the run is made of; a model that the caller brings is made from no file that this program knows."""
    described = request.config.model if request.given.model is None else ModelConfig()
    return Now(config_plain(request.config), data, model_document(described, request.base), world)


def _steps(
    assembly: Assembly, recorder: Recorder | None, screen: Screen | None, done: int, stop: Stop
) -> str:
    """Trains to the last step, evaluates and saves there; returns why it ended before, empty if it did not. A run that
    had lost its patience takes no step more: it ends where it had ended."""
    watch = assembly.watch(recorder, screen, done)
    if lost := assembly.keeper.patience.reason:
        watch.finish(done)
        return lost
    reason = train(assembly.job, done, watch, stop)
    if not reason:
        last = assembly.job.steps
        watch.finish(last)
    return reason


def _recorder(
    folder: Path, config: Config, now: Now, environment: Environment, ancestor: Parent | None
) -> Recorder | None:
    if not now.world.leads:
        return None
    return Recorder.open(
        folder,
        name=config.name,
        config=now.config,
        data=now.data,
        model=now.model,
        parent=ancestor,
        world_size=now.world.size,
        environment=environment,
    )


def _closed(recorder: Recorder | None, assembly: Assembly, reason: str) -> Literal["stopped", "finished"]:
    """Closes a run that ended for ``reason``; returns its status."""
    # A stop that comes after the last step is none.
    status: Literal["stopped", "finished"] = "stopped" if reason.startswith("stopped") else "finished"
    if recorder is not None:
        recorder.close(
            status,
            reason,
            final_state_digest=assembly.keeper.digest,
            verify_packages=assembly.job.config.run.verify_packages,
        )
    return status


def _failed(recorder: Recorder | None, reason: str) -> None:
    """Closes a run that failed. Where even that cannot be written it stays open, as that of a killed process."""
    if recorder is None:
        return
    try:
        recorder.close("failed", reason)
    except CodexError:
        recorder.abandon()  # the first error is the one to report


def _screen(
    request: _Request,
    assembly: Assembly,
    recorder: Recorder | None,
    folder: Path,
    done: int,
    notes: Sequence[str],
) -> AbstractContextManager[Screen | None]:
    """Who looks on, from its beginning to its end."""
    if request.given.screen is not None or not request.show or recorder is None:
        return nullcontext(request.given.screen)
    from codex_train.screens.progress import progress

    return progress(assembly.job, folder, done, recorder.attach, notes)


def _monitor(config: Config, recorder: Recorder | None) -> SystemMonitor:
    """Samples the machine into the segment's folder; in a process that does not write, never."""
    if recorder is None:
        return SystemMonitor(Path(SYSTEM), 0)
    return SystemMonitor(recorder.folder / SYSTEM, config.monitoring.interval)


def _stamped(name: str) -> Path:
    return Path("runs") / f"{name}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
