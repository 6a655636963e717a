"""Effects with their intervals as a picture: an SVG with one line for each arm, and for each factor's arm.

The thick bar is the interval of this look, corrected for the number of arms; the thin one holds at all looks together,
and is what the verdict goes by. Pure; no script, no font that is not there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from flows.experiment.inference import Interval
from flows.experiment.reading import Reading

WIDTH, LINE, HEAD, FOOT = 940, 34, 40, 46
#: Where the axis begins and ends.
LEFT, RIGHT = 250, 730
BETTER, WORSE, OPEN, INK, PALE = "#2e7d4f", "#b83a4b", "#3b6ea5", "#1c2430", "#8a94a3"


@dataclass(frozen=True, slots=True)
class Mark:
    """One line of the picture; ratios, 1 is no difference."""

    name: str
    ratio: float
    inner: Interval
    outer: Interval | None
    colour: str


def draw(reading: Reading) -> str:
    """The picture of a reading; "" where there is nothing to compare."""
    marks, factors = arm_marks(reading), factor_marks(reading)
    if not marks:
        return ""
    span = _span([*marks, *factors])
    unit = {"inverse": "events for the same money"}.get(reading.metric.shown, reading.metric.title)
    parts, top = [_title(f"{unit}, against {reading.control.variant}", 22)], HEAD
    for mark in marks:
        parts.append(_line(mark, top, span))
        top += LINE
    if factors:
        top += 30
        kind = "odds" if reading.metric.kind == "proportion" else "rates"
        parts.append(_title(f"each factor by itself ({kind}, over all arms of the others)", top - 12))
        for mark in factors:
            parts.append(_line(mark, top, span))
            top += LINE
    return _frame(parts, top, span)


def arm_marks(reading: Reading) -> list[Mark]:
    """A mark for each arm against the control."""
    alpha = reading.campaign.experiment.alpha
    return [
        Mark(one.variant, one.ratio, one.ratio_interval, one.lasting_interval, _colour(one.ratio, one.p_holm <= alpha))
        for one in reading.comparisons
        if math.isfinite(one.ratio)
    ]


def factor_marks(reading: Reading) -> list[Mark]:
    """A mark for each arm of a factor; these are for one look."""
    return [Mark(f"{one.factor}: {one.arm}", one.ratio, one.interval, None, OPEN) for one in reading.effects]


def _colour(ratio: float, decided: bool) -> str:
    return OPEN if not decided else BETTER if ratio > 1 else WORSE


def _span(marks: Sequence[Mark]) -> float:
    """How far the axis goes on both sides, as the logarithm of a ratio: all thick bars, and what fits of the thin."""
    inner = [abs(math.log(end)) for mark in marks for end in mark.inner if 0 < end < math.inf]
    outer = [abs(math.log(end)) for mark in marks if mark.outer for end in mark.outer if 0 < end < math.inf]
    widest = max([*inner, 0.02])
    return min(max([*outer, widest]), 2.5 * widest) * 1.05


def _x(ratio: float, span: float) -> float:
    value = math.log(ratio) if ratio > 0 else -math.inf
    place = (min(max(value, -span), span) + span) / (2 * span)
    return LEFT + place * (RIGHT - LEFT)


def _line(mark: Mark, top: int, span: float) -> str:
    middle = top + LINE / 2
    bars = []
    for interval, width, opacity in ((mark.outer, 2, 0.6), (mark.inner, 7, 0.45)):
        if interval:
            start, end = _x(interval[0], span), _x(interval[1], span)
            place = f'x1="{start:.1f}" x2="{end:.1f}" y1="{middle}" y2="{middle}"'
            bars.append(f'<line {place} stroke="{mark.colour}" stroke-width="{width}" opacity="{opacity}"/>')
    low, high = mark.outer or mark.inner
    says = f"{_percent(mark.ratio)} ({_percent(low)} to {_percent(high)})"
    return (
        f"<g><title>{escape(mark.name)}: {says}</title>"
        f'<text x="{LEFT - 14}" y="{middle + 4:.1f}" text-anchor="end">{escape(_short(mark.name))}</text>'
        f'{"".join(bars)}<circle cx="{_x(mark.ratio, span):.1f}" cy="{middle}" r="5" fill="{mark.colour}"/>'
        f'<text x="{RIGHT + 14}" y="{middle + 4:.1f}" class="says">{says}</text></g>'
    )


def _short(name: str, most: int = 32) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"


def _percent(ratio: float) -> str:
    if not math.isfinite(ratio):
        return "any"
    change = ratio - 1
    return f"{change:+.1%}" if abs(change) < 0.0995 else f"{change:+.0%}"


def _title(text: str, y: int) -> str:
    return f'<text x="{LEFT}" y="{y}" class="head">{escape(text)}</text>'


def _frame(parts: Sequence[str], bottom: int, span: float) -> str:
    height, axis = bottom + FOOT, bottom + 6
    ticks = []
    for change in _ticks(span):
        x = _x(1 + change, span)
        label = "same" if change == 0 else f"{change:+.0%}" if abs(change) >= 0.01 else f"{change:+.1%}"
        dash = "" if change == 0 else ' stroke-dasharray="2 4"'
        ticks.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{HEAD - 8}" y2="{axis}" stroke="{PALE}"{dash}/>'
            f'<text x="{x:.1f}" y="{axis + 18}" text-anchor="middle" class="says">{label}</text>'
        )
    style = (
        f"text{{font:14px system-ui,sans-serif;fill:{INK}}}.head{{font-weight:600;font-size:13px}}"
        f".says{{font-size:12px;fill:{INK}}}"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"'
        f' aria-label="Effects with intervals"><style>{style}</style>'
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>{"".join(ticks)}{"".join(parts)}</svg>\n'
    )


def _ticks(span: float) -> list[float]:
    """Round changes that fit on both sides, about five."""
    most = math.exp(span) - 1
    step = next((step for step in (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5) if most / step <= 3), 10.0)
    sides = [step * number for number in range(1, 4) if step * number <= most]
    return [*(-side for side in reversed(sides) if side < 1 and -math.log(1 - side) <= span), 0.0, *sides]
