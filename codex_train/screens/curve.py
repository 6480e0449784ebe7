"""The curve of a run's loss: as SVG, as PNG where matplotlib is there, and in the terminal where plotext is."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from xml.sax.saxutils import escape

from codex_evidence.errors import UsageError
from codex_train.screens.text import printable

POINTS = 600
"""The most points of a drawn curve; more steps than that are drawn as the means of stretches."""
_WIDTH, _HEIGHT = 720.0, 400.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 64.0, 16.0, 36.0, 44.0


@dataclass(frozen=True, slots=True)
class Curve:
    """``training`` and ``validation`` are (step, loss) in order of step, losses in nats a target."""

    title: str
    training: tuple[tuple[float, float], ...]
    validation: tuple[tuple[float, float], ...]

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """First and last step, lowest and highest loss, never an empty range."""
        steps, losses = zip(*(self.training + self.validation), strict=True)
        low, high = min(losses), max(losses)
        if high - low <= 1e-9 * max(1.0, abs(high)):  # as good as equal: no scale can tell them apart
            high = low + max(1.0, abs(low))
        return min(steps), max(*steps, min(steps) + 1), low, high


def make_curve(
    title: str, steps: Sequence[int], losses: Sequence[float], validation: Sequence[tuple[int, float | None]]
) -> Curve | None:
    """The curve of ``losses`` at ``steps``, with at most POINTS points; None when there is nothing finite to draw."""
    points = [(float(step), loss) for step, loss in zip(steps, losses, strict=True) if math.isfinite(loss)]
    stretch = -(-len(points) // POINTS) or 1
    thin = tuple(_mean(points[first : first + stretch]) for first in range(0, len(points), stretch))
    held = tuple((float(step), loss) for step, loss in validation if loss is not None and math.isfinite(loss))
    return Curve(printable(title), thin, held) if thin or held else None


def _mean(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return sum(step for step, _ in points) / len(points), sum(loss for _, loss in points) / len(points)


def ticks(low: float, high: float, about: int) -> list[float]:
    """Round numbers from ``low`` to ``high`` (which is higher), a few more or less than ``about``."""
    width = (high - low) / about
    power = 10.0 ** math.floor(math.log10(width))
    width = power * next(factor for factor in (1, 2, 5, 10) if factor * power >= width * 0.999)
    first, last = math.ceil(low / width - 1e-9), math.floor(high / width + 1e-9)
    return [round(number * width, 12) for number in range(first, last + 1)]


def svg(curve: Curve) -> bytes:
    """The curve as an SVG 1.1 picture; the same bytes for the same curve."""
    left, right, low, high = curve.bounds

    def x(step: float) -> str:
        return f"{_LEFT + (step - left) / (right - left) * (_WIDTH - _LEFT - _RIGHT):.1f}"

    def y(loss: float) -> str:
        return f"{_TOP + (high - loss) / (high - low) * (_HEIGHT - _TOP - _BOTTOM):.1f}"

    def line(points: tuple[tuple[float, float], ...], colour: str) -> str:
        path = " ".join(f"{x(step)},{y(loss)}" for step, loss in points)
        return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>'

    def words(across: str, down: str, anchor: str, text: str) -> str:
        return f'<text x="{across}" y="{down}" text-anchor="{anchor}">{text}</text>'

    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH:.0f} {_HEIGHT:.0f}" role="img" '
        'font-family="sans-serif" font-size="12" fill="#333">'
    )
    title, base, edge = escape(curve.title), f"{_HEIGHT - _BOTTOM:.1f}", f"{_WIDTH - _RIGHT:.1f}"
    parts = [
        head,
        f'<title>{title}</title><rect width="100%" height="100%" fill="#fff"/>',
        words(f"{_LEFT:.1f}", "22", "start", title),
    ]
    for loss in ticks(low, high, 6):
        parts.append(f'<path d="M{_LEFT:.1f} {y(loss)}H{edge}" stroke="#ddd"/>')
        parts.append(words(f"{_LEFT - 8:.1f}", f"{float(y(loss)) + 4:.1f}", "end", f"{loss:g}"))
    for step in ticks(left, right, 8):
        parts.append(words(x(step), f"{_HEIGHT - _BOTTOM + 18:.1f}", "middle", f"{step:,g}"))
    parts.append(f'<path d="M{_LEFT:.1f} {_TOP:.1f}V{base}H{edge}" fill="none" stroke="#333"/>')
    parts.append(words(f"{_WIDTH / 2:.1f}", f"{_HEIGHT - 8:.1f}", "middle", "step; loss in nats a token"))
    if curve.training:
        parts += [line(curve.training, "#1f77b4"), words(edge, "16", "end", "training (blue)")]
    if curve.validation:
        parts += [line(curve.validation, "#d62728"), words(edge, "30", "end", "held out (red)")]
        parts += [
            f'<circle cx="{x(at)}" cy="{y(loss)}" r="3" fill="#d62728"/>' for at, loss in curve.validation
        ]
    return ("\n".join([*parts, "</svg>"]) + "\n").encode()


def png(curve: Curve) -> bytes | None:
    """The curve as a PNG picture; None without matplotlib."""
    try:
        # Not pyplot: that looks for a window system and keeps what it drew.
        canvas = import_module("matplotlib.backends.backend_agg")
        figures = import_module("matplotlib.figure")
    except ImportError:
        return None
    figure = figures.Figure(figsize=(_WIDTH / 100, _HEIGHT / 100), dpi=150, layout="constrained")
    axes = figure.subplots()
    if curve.training:
        axes.plot(*zip(*curve.training, strict=True), linewidth=1.2, label="training")
    if curve.validation:
        axes.plot(
            *zip(*curve.validation, strict=True), color="#d62728", marker="o", markersize=3, label="held out"
        )
    # A dollar sign would begin a formula.
    axes.set(title=curve.title.replace("$", r"\$"), xlabel="step", ylabel="loss (nats a token)")
    axes.legend()
    target = io.BytesIO()
    canvas.FigureCanvasAgg(figure).print_png(target, metadata={"Software": None})
    return target.getvalue()


def terminal(curve: Curve, width: int, height: int) -> str:
    """The curve in characters, ``width`` by ``height``, without colours. Raises UsageError without plotext 6."""
    try:
        plotext = import_module("plotext")
    except ImportError as error:
        raise UsageError("no curve in the terminal: plotext is not installed; pip install plotext") from error
    if int(plotext.__version__.split(".")[0]) < 6:
        raise UsageError("no curve in the terminal: plotext is older than 6; pip install -U plotext")
    figure = plotext.figure
    figure.clear()
    figure.plot_size(width, height)
    figure.title(curve.title)
    for points, label, marker in (
        (curve.training, "training", "braille"),
        (curve.validation, "held out", "o"),
    ):
        if points:
            signal = figure.signal(*map(list, zip(*points, strict=True)), marker=marker)
            figure.draw(signal.lines(marker == "braille").label(label))
    text = plotext.uncolorize(str(figure.build()))
    figure.clear()
    return str(text)
