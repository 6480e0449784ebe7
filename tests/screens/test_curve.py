"""Curves of the loss: pictures of whatever a run may leave, the same each time."""

from __future__ import annotations

import math
import struct
import sys
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codex_evidence.errors import UsageError
from codex_train.screens.curve import POINTS, make_curve, png, svg, terminal, ticks

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "a <b> & \x1b[31m \u202e $x^2 \udcff ]]>"


def test_a_picture_is_well_formed_whatever_the_run_is_called() -> None:
    curve = make_curve(HOSTILE, [1, 2, 3], [3.0, 2.0, 1.5], [(2, 2.5)])
    assert curve is not None
    picture = svg(curve)
    root = ElementTree.fromstring(picture)  # noqa: S314 - our own
    title = root.findtext(f"{SVG}title") or ""
    assert title.startswith("a <b> & \\x1b[31m \\u202e")
    assert len(root.findall(f"{SVG}polyline")) == 2
    assert len(root.findall(f"{SVG}circle")) == 1
    assert b"\x1b" not in picture
    assert svg(curve) == picture


def test_a_png_is_a_picture_and_the_same_each_time() -> None:
    pytest.importorskip("matplotlib")
    curve = make_curve(HOSTILE, [1, 2], [3.0, 2.0], [])
    assert curve is not None
    picture = png(curve)
    assert picture is not None
    assert picture.startswith(b"\x89PNG\r\n")
    width, height = struct.unpack(">II", picture[16:24])
    assert width > height > 100
    assert png(curve) == picture


def test_the_terminal_shows_a_curve_of_the_width_asked_for() -> None:
    pytest.importorskip("plotext")
    curve = make_curve(HOSTILE, list(range(1, 50)), [1 / step for step in range(1, 50)], [(10, 0.2)])
    assert curve is not None
    text = terminal(curve, 60, 12)
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) == 60
    assert "training" in text


def test_without_plotext_the_reason_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "plotext", None)
    curve = make_curve("a", [1], [1.0], [])
    assert curve is not None
    with pytest.raises(UsageError, match="pip install plotext"):
        terminal(curve, 60, 12)


def test_without_matplotlib_there_is_no_png(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.backends.backend_agg", None)
    curve = make_curve("a", [1], [1.0], [])
    assert curve is not None
    assert png(curve) is None


@given(
    losses=st.lists(st.floats(0, 1e30) | st.just(math.nan) | st.just(math.inf), max_size=40),
    held=st.lists(st.none() | st.floats(0, 100), max_size=4),
    first=st.integers(1, 10**9),
)
def test_any_losses_give_a_picture_or_none(losses: list[float], held: list[float | None], first: int) -> None:
    steps = range(first, first + len(losses))
    curve = make_curve("a", steps, losses, [(first + place, loss) for place, loss in enumerate(held)])
    finite = any(math.isfinite(loss) for loss in losses) or any(loss is not None for loss in held)
    assert (curve is not None) == finite
    if curve is not None:
        picture = svg(curve)
        ElementTree.fromstring(picture)  # noqa: S314 - our own
        assert b"nan" not in picture.replace(b"training", b"")


@settings(max_examples=30)
@given(count=st.integers(1, 5000))
def test_a_long_run_is_drawn_with_few_points_that_keep_its_mean(count: int) -> None:
    curve = make_curve("a", range(1, count + 1), [2.0] * count, [])
    assert curve is not None
    assert len(curve.training) <= POINTS
    assert all(loss == pytest.approx(2.0) for _, loss in curve.training)
    assert 1 <= curve.training[0][0] <= curve.training[-1][0] <= count


@given(low=st.floats(-1e6, 1e6), width=st.floats(1e-3, 1e6), about=st.integers(2, 10))
def test_ticks_lie_within_and_are_not_many(low: float, width: float, about: int) -> None:
    found = ticks(low, low + width, about)
    assert len(found) <= about + 1
    assert all(low - width * 1e-3 <= one <= low + width * 1.001 for one in found)
    assert found == sorted(found)
