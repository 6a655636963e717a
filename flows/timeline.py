"""What each worker did when, as a picture for the report: an SVG of one bar for each step that was made.

Long runs have more steps than a picture has pixels: neighbours of one kind on one worker are then drawn as one bar.
Pure; colours and words only, no script.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape

from flows.jobs import Spent

WIDTH, LANE, GAP, MARGIN = 1000, 16, 4, 4
#: More bars than this are joined.
MOST_BARS = 3000
COLOURS = {
    "prompt": "#7c6f64",
    "footage": "#2f6f8f",
    "conform": "#4f9da6",
    "plate": "#6c8f3c",
    "voice": "#b3672b",
    "bed": "#c98f4a",
    "mix": "#d9a860",
    "track": "#e0bf85",
    "master": "#7d4f9e",
    "package": "#a583bd",
    "delivery": "#b83a4b",
    "draft": "#888888",
    "survival": "#555555",
}


@dataclass(frozen=True, slots=True)
class Bar:
    """Work of one kind on one worker, in seconds from the run's begin."""

    lane: int
    kind: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Timeline:
    """The picture and what it says in words."""

    svg: str
    sentence: str
    #: Kind, its colour, its share of all busy time, largest first.
    legend: tuple[tuple[str, str, str], ...]


class Timesheet:
    """Who worked on what and when, in a bounded number of bars: a run of a hundred thousand steps is still one picture.

    `started` is when the run began (Unix seconds).
    """

    def __init__(self, started: float) -> None:
        self._started = started
        self._bars: list[Bar] = []
        self._lanes: dict[str, int] = {}
        self._busy: defaultdict[str, float] = defaultdict(float)
        self._steps = 0
        self._most = 4 * MOST_BARS

    def add(self, spent: Spent) -> None:
        """A step; one that was only found took no time."""
        if not spent.worker:
            return
        self._steps += 1
        self._busy[spent.kind] += spent.seconds
        end = spent.ended - self._started
        lane = self._lanes.setdefault(spent.worker, len(self._lanes))
        self._bars.append(Bar(lane, spent.kind, end - spent.seconds, end))
        if len(self._bars) >= self._most:
            self._bars = _joined(self._bars)
            # On many machines, or with a clock that was set back, they stay many: then they are joined less often.
            self._most = max(self._most, 2 * len(self._bars))

    def draw(self) -> Timeline | None:
        """The picture; None where nothing was made."""
        if not self._bars:
            return None
        place = {self._lanes[worker]: number for number, worker in enumerate(sorted(self._lanes))}
        bars = [replace(bar, lane=place[bar.lane]) for bar in self._bars]
        whole, lanes = max(bar.end for bar in bars), len(place)
        busy = sum(self._busy.values())
        share = busy / (whole * lanes) if whole > 0 else 0.0
        workers = f"{lanes} {'worker' if lanes == 1 else 'workers'}"
        sentence = f"{self._steps} steps on {workers} in {whole:.0f} s; workers were busy {share:.0%} of that time."
        legend = tuple(
            (kind, COLOURS.get(kind, "#999999"), f"{seconds / busy:.0%}")
            for kind, seconds in sorted(self._busy.items(), key=lambda item: -item[1])
            if busy > 0
        )
        return Timeline(_svg(_joined(bars), lanes, whole), sentence, legend)


def _joined(bars: Sequence[Bar]) -> list[Bar]:
    """Bars in the order of time; where there are too many, neighbours of one kind become one."""
    ordered = sorted(bars, key=lambda bar: (bar.lane, bar.start))
    if len(ordered) <= MOST_BARS:
        return ordered
    pixel = max(bar.end for bar in bars) / WIDTH
    joined: list[Bar] = []
    for bar in ordered:
        last = joined[-1] if joined else None
        if last and (last.lane, last.kind) == (bar.lane, bar.kind) and bar.start - last.end < pixel:
            joined[-1] = Bar(bar.lane, bar.kind, last.start, max(last.end, bar.end))
        elif not last or last.lane != bar.lane or bar.end - last.end >= pixel:
            joined.append(bar)
    return joined


def _svg(bars: Sequence[Bar], lanes: int, whole: float) -> str:
    height = 2 * MARGIN + lanes * (LANE + GAP)
    scale = (WIDTH - 2 * MARGIN) / whole if whole > 0 else 0.0
    rectangles = [_rectangle(bar, scale) for bar in bars]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="Timeline">'
    return head + "".join(rectangles) + "</svg>"


def _rectangle(bar: Bar, scale: float) -> str:
    start = max(0.0, bar.start)
    left, width = MARGIN + start * scale, max(0.6, (bar.end - start) * scale)
    place = f'x="{left:.1f}" y="{MARGIN + bar.lane * (LANE + GAP)}" width="{width:.1f}" height="{LANE}"'
    title = f"<title>{escape(bar.kind)}, {bar.end - bar.start:.1f} s</title>"
    return f'<rect {place} fill="{COLOURS.get(bar.kind, "#999999")}">{title}</rect>'
