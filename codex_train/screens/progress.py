"""Who looks on while a run goes on: a live view on a terminal, lines elsewhere; at the end a summary and a curve."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from codex_evidence.errors import UsageError
from codex_train.screens.curve import Curve, make_curve, png, svg, terminal
from codex_train.screens.figures import Figures, Subject, summary_text
from codex_train.screens.folder import run_curve, steps_of, view_run
from codex_train.screens.lines import Lines, Voice, validation_line
from codex_train.screens.live import View, console_of

if TYPE_CHECKING:
    from codex_train.engine.loop import Job

Attach = Callable[[str, bytes], Path]
"""Puts a file beside the manifest of a run: ``Recorder.attach``."""

SVG, PNG = "loss.svg", "loss.png"
_HEIGHT = 16


def progress(
    job: Job, folder: Path, done: int, attach: Attach, notes: Sequence[str] = ()
) -> AbstractContextManager[Lines | View]:
    """The screen of ``job``, on stdout, from the step after ``done``. The end, also one by an error, gives the terminal
    back, sums up and attaches the curve. ``notes`` are said at the beginning."""
    config = job.config
    subject = Subject(config.name, folder, job.steps, done, config.monitoring.log_every)
    return watching(subject, attach, sys.stdout, notes)


@contextmanager
def watching(
    subject: Subject, attach: Attach, output: TextIO, notes: Sequence[str] = ()
) -> Iterator[Lines | View]:
    """As ``progress``."""
    voice, figures, console = Voice(output), Figures(subject.done), console_of(output)
    for note in notes:
        voice.say(note)
    screen = Lines(subject, voice, figures) if console is None else View(subject, figures, console)
    began = time.perf_counter()
    screen.begin()
    try:
        yield screen
    finally:
        screen.end()
        if console is not None:
            for step, metrics in figures.evaluations:
                voice.say(validation_line(step, subject.steps, metrics))
        voice.say(summary_text(figures, time.perf_counter() - began))
        _draw(subject, figures, attach, voice, on_terminal=console is not None)


def _draw(subject: Subject, figures: Figures, attach: Attach, voice: Voice, *, on_terminal: bool) -> None:
    try:
        curve = _curve(subject, figures)
        if curve is None:
            return
        if on_terminal:
            _plot(curve, voice)
        voice.say(f"curve  {attach(SVG, svg(curve))}")
        picture = png(curve)
        if picture is not None:
            attach(PNG, picture)
    except Exception as error:  # noqa: BLE001 - the weights are saved; a picture less does not make the run a failure
        voice.say(f"no curve: {type(error).__name__}: {error}")


def _curve(subject: Subject, figures: Figures) -> Curve | None:
    """The curve of the whole run: after a resume the steps before it are in the run folder, and so are those since."""
    if subject.done:
        return run_curve(subject.name, steps_of(view_run(subject.folder)))
    held = [(step, metrics.get("loss")) for step, metrics in figures.evaluations]
    return make_curve(subject.name, range(1, 1 + len(figures.losses)), figures.losses, held)


def _plot(curve: Curve, voice: Voice) -> None:
    """Draws ``curve`` with plotext, or says why not."""
    try:
        text = terminal(curve, min(shutil.get_terminal_size().columns, 100), _HEIGHT)
        text.encode(voice.output.encoding or "ascii")
    except UsageError as error:
        voice.say(str(error))
    except UnicodeEncodeError:
        voice.say(f"no curve in the terminal: its encoding, {voice.output.encoding}, lacks the characters")
    else:
        voice.write(text.rstrip("\n") + "\n")
