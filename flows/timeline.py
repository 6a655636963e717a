"""What each worker did when, as a picture for the report: an SVG of one bar for each step that was made.

Long runs have more steps than a picture has pixels: neighbours of one kind on one worker are then drawn as one bar.
Pure; colours and words only, no script.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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


def draw_timeline(made: Sequence[Spent], started: float) -> Timeline | None:
    """The timeline of a run that began at `started` (Unix seconds); None where nothing was made."""
    known = [spent for spent in made if spent.worker]
    if not known:
        return None
    workers = sorted({spent.worker for spent in known})
    bars = [
        Bar(workers.index(spent.worker), spent.kind, spent.ended - spent.seconds - started, spent.ended - started)
        for spent in known
    ]
    whole = max(bar.end for bar in bars)
    busy = sum(bar.end - bar.start for bar in bars)
    share = busy / (whole * len(workers)) if whole > 0 else 0.0
    count = f"{len(workers)} {'worker' if len(workers) == 1 else 'workers'}"
    sentence = f"{len(bars)} steps on {count} in {whole:.0f} s; workers were busy {share:.0%} of that time."
    return Timeline(_svg(_joined(bars), len(workers), whole), sentence, _legend(bars, busy))


def _legend(bars: Sequence[Bar], busy: float) -> tuple[tuple[str, str, str], ...]:
    by_kind: dict[str, float] = {}
    for bar in bars:
        by_kind[bar.kind] = by_kind.get(bar.kind, 0.0) + bar.end - bar.start
    order = sorted(by_kind.items(), key=lambda item: -item[1])
    return tuple((kind, COLOURS.get(kind, "#999999"), f"{seconds / busy:.0%}") for kind, seconds in order if busy > 0)


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
