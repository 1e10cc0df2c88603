"""Geometry of the loop's three small charts: categories, residual and score over the minibatches.

Only numbers are worked out here; `report.html` draws them as inline SVG. Units are those of the view box.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .report_data import LoopPoint

WIDTH, HEIGHT = 340, 176
_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 46, 12, 26


@dataclass(frozen=True, slots=True)
class Tick:
    """A grid line: where it is and what stands beside it."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Line:
    """One trial's line.

    Attributes:
        points: "x,y x,y ..." as SVG's `polyline` wants it.
        end: (x, y) of its last point.
        label: the last value, worded.
        trial: its number, from 1.
        chosen: whether this trial made the taxonomy that was kept.
    """

    points: str
    end: tuple[float, float]
    label: str
    trial: int
    chosen: bool


@dataclass(frozen=True, slots=True)
class Panel:
    """One small chart."""

    title: str
    caption: str
    lines: tuple[Line, ...]
    ticks: tuple[Tick, ...]
    epochs: tuple[float, ...]
    last_batch: int
    left: float = _LEFT
    right: float = WIDTH - _RIGHT
    bottom: float = HEIGHT - _BOTTOM
    top: float = _TOP


def loop_panels(points: Sequence[LoopPoint], chosen_trial: int | None) -> tuple[Panel, ...]:
    """One panel for each measure that has any value; the chosen trial's line is the last, on top.

    Args:
        points: in the order of the run.
        chosen_trial: the trial that was kept; None when there was nothing to choose.
    """
    trials: dict[int, list[LoopPoint]] = {}
    for point in points:
        trials.setdefault(point.trial, []).append(point)
    chosen = chosen_trial if chosen_trial in trials else next(iter(trials), None)
    order = sorted(trials, key=lambda trial: (trial == chosen, trial))
    measures: list[tuple[str, str, Callable[[LoopPoint], float | None], Callable[[float], str]]] = [
        ("Categories", "how many", lambda p: float(p.categories), lambda v: f"{v:.0f}"),
        ("Residual", "texts that fit none", lambda p: p.residual, lambda v: f"{v:.0%}"),
        ("Score", "on held-out texts", lambda p: p.score, lambda v: f"{v:.2f}"),
    ]
    panels = []
    for title, caption, value, word in measures:
        series = {t: [(i, v) for i, p in enumerate(trials[t]) if (v := value(p)) is not None] for t in order}
        values = [v for drawn in series.values() for _, v in drawn if math.isfinite(v)]
        if not values:
            continue
        low, high = (min(values), max(values)) if title == "Score" else (0.0, max(values))
        ticks = nice_ticks(low, high, whole=title == "Categories")
        span = max(len(trials[t]) for t in order)
        low, high = min(low, ticks[0]), max(high, ticks[-1])
        lines = [
            _line([(_x(i, span), _y(v, low, high)) for i, v in drawn], word(drawn[-1][1]), t, t == chosen)
            for t, drawn in ((t, [d for d in series[t] if math.isfinite(d[1])]) for t in order)
            if drawn
        ]
        main = trials[order[-1]]
        turns = tuple(_x(i - 0.5, span) for i in range(1, len(main)) if main[i].epoch != main[i - 1].epoch)
        marks = tuple(Tick(_y(tick, low, high), word(tick)) for tick in ticks)
        panels.append(Panel(title, caption, tuple(lines), marks, turns, span))
    return tuple(panels)


def nice_ticks(low: float, high: float, *, whole: bool = False) -> list[float]:
    """2 to 6 round values that cover [low, high] from below; whole numbers where asked."""
    span = high - low if high > low else abs(high) or 1.0
    raw = span / 3
    magnitude = 10.0 ** math.floor(math.log10(raw))
    step = next(m * magnitude for m in (1, 2, 5, 10) if m * magnitude >= raw)
    if whole:
        step = max(1.0, round(step))
    first = math.floor(low / step + 1e-9)
    last = max(first + 1, math.ceil(high / step - 1e-9))
    return [round(n * step, 10) for n in range(first, last + 1)]


def _line(places: list[tuple[float, float]], label: str, trial: int, chosen: bool) -> Line:
    return Line(" ".join(f"{x:.1f},{y:.1f}" for x, y in places), places[-1], label, trial + 1, chosen)


def _x(index: float, span: int) -> float:
    room = WIDTH - _LEFT - _RIGHT
    return round(_LEFT + (room * index / (span - 1) if span > 1 else room / 2), 1)


def _y(value: float, low: float, high: float) -> float:
    return round(HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * (value - low) / (high - low), 1)
