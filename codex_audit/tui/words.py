"""How statuses, verdicts, scores and times look: always a sign and a word, never a colour alone."""

from __future__ import annotations

from codex_audit.artifacts import Status, Verdict
from codex_audit.tui.page import Piece, Tone, cell

STATUS: dict[Status, tuple[str, Tone]] = {
    "absent": ("○", "bad"),
    "stubbed": ("◌", "bad"),
    "partial": ("◐", "fair"),
    "implemented": ("●", "good"),
    "verified": ("◉", "good"),
}
VERDICT: dict[Verdict, tuple[str, str, Tone]] = {
    "yes": ("✓", "yes", "good"),
    "no": ("✗", "no", "bad"),
    "unknown": ("?", "unknown", "fair"),
    "not_applicable": ("-", "n/a", "dim"),
}
RUN: dict[str, tuple[str, Tone]] = {
    "open": ("…", "accent"),
    "finished": ("●", "good"),
    "stopped": ("◐", "fair"),
    "failed": ("✗", "bad"),
    "damaged": ("✗", "bad"),
}
_EIGHTHS = " ▏▎▍▌▋▊▉█"


def status(value: Status) -> Piece:
    sign, tone = STATUS[value]
    return Piece(f"{sign} {value}", tone)


def verdict(value: Verdict) -> Piece:
    sign, word, tone = VERDICT[value]
    return Piece(f"{sign} {word}", tone)


def run_status(value: str) -> Piece:
    sign, tone = RUN.get(value, ("?", "fair"))
    return cell(f"{sign} {value}", tone)


def bar(value: float, width: int = 10) -> str:
    """``value`` in [0, 1] as a bar of ``width`` cells; the rest is drawn as a line, so that nothing is not blank."""
    eighths = round(max(0.0, min(1.0, value)) * width * 8)
    whole, rest = divmod(eighths, 8)
    drawn = "█" * whole + (_EIGHTHS[rest] if rest else "")
    return drawn + "╌" * (width - len(drawn))


def score(value: float, tone: Tone, width: int = 10) -> Piece:
    return Piece(f"{bar(value, width)} {value:.2f}", tone)


def interval(low: float, high: float) -> str:
    """Empty where both are the same: nothing is unknown."""
    return "" if low == high else f"{low:.2f} to {high:.2f}"


def moment(text: str) -> str:
    """An RFC 3339 time without what nobody reads."""
    return text[:19].replace("T", " ") + (" UTC" if text.endswith("Z") else "")


def size(count: float) -> str:
    """Bytes with a unit."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024 or unit == "GiB":
            return f"{count:.0f} {unit}" if unit == "B" or count >= 100 else f"{count:.1f} {unit}"
        count /= 1024
    raise AssertionError("the last unit always returns")


def seconds(value: float) -> str:
    minutes, rest = divmod(round(value), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}" if value >= 60 else f"{value:.1f} s"
