"""A reading for people: tables of words for the terminal and the page, and the page itself.

The page is one file that opens offline: nothing is asked of a network, and there is no script. Decides nothing.
"""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from flows.experiment.analysis import Arm, Comparison
from flows.experiment.inference import Interval
from flows.experiment.looks import write_record
from flows.experiment.picture import draw
from flows.experiment.reading import Reading
from flows.experiment.verdict import NOTHING_SAID, STOP
from flows.files import write_whole

PAGE = Path(__file__).with_name("page")
SVG, HTML = "experiment.svg", "experiment.html"


@dataclass(frozen=True, slots=True)
class Words:
    """A table."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def as_rows(self) -> list[dict[str, str]]:
        """For the terminal's table."""
        return [dict(zip(self.head, row, strict=True)) for row in self.rows]


def arm_words(reading: Reading) -> Words:
    """Each arm: counts, rate, effect against the control, p values."""
    metric = reading.metric
    head = ("variant", metric.out_of, metric.events, metric.title, "difference", "ratio", "p now", "p at all looks")
    by_name = {one.variant: one for one in reading.comparisons}
    return Words(head, tuple(_arm(reading, arm, by_name.get(arm.variant)) for arm in reading.arms))


def _arm(reading: Reading, arm: Arm, one: Comparison | None) -> tuple[str, ...]:
    metric, sample = reading.metric, arm.sample
    rate = metric.show(sample.rate)
    if arm.interval and metric.shown == "percent":
        rate += f" ({arm.interval[0]:.3%} to {arm.interval[1]:.3%})"
    counts = (arm.variant, _count(sample.out_of), _count(sample.events), rate if sample.out_of > 0 else "no data")
    if one is None:
        return (*counts, *(("control", "", "", "") if arm is reading.control else ("", "", "", "")))
    difference = ""
    if metric.shown == "percent":
        low, high = one.difference_interval
        difference = f"{one.difference:+.3%} ({low:+.3%} to {high:+.3%})"
    return (*counts, difference, _change(one.ratio, one.ratio_interval), _p(one.p_once_holm), _p(one.p_holm))


def factor_words(reading: Reading) -> Words:
    """Each factor's arms by themselves."""
    name = "odds ratio" if reading.metric.kind == "proportion" else "rate ratio"
    rows = [
        (one.factor, one.arm, f"{one.ratio:.3f} ({one.interval[0]:.3f} to {one.interval[1]:.3f})", _p(one.p_holm))
        for one in reading.effects
    ]
    return Words(("factor", "arm", name, "p now"), tuple(rows))


def _count(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"


def _change(ratio: float, interval: Interval) -> str:
    if not math.isfinite(ratio):
        return "unknown"
    high = f"{interval[1] - 1:+.1%}" if math.isfinite(interval[1]) else "any"
    return f"{ratio - 1:+.1%} ({interval[0] - 1:+.1%} to {high})"


def _p(value: float) -> str:
    return "<0.0001" if value < 0.0001 else f"{value:.4f}"


def render_page(reading: Reading) -> str:
    """The page's HTML."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(loader=FileSystemLoader(PAGE), autoescape=True, undefined=StrictUndefined)
    style, picture = (PAGE / "page.css").read_text("utf-8"), draw(reading)
    kind = {STOP: "stop", NOTHING_SAID: "none"}.get(reading.verdict.action, "")
    return environment.get_template("page.html.j2").render(
        reading=reading,
        style=Markup(style),  # noqa: S704 - our own file
        policy=_policy(style, picture),
        picture=Markup(picture),  # noqa: S704 - every text in it is escaped
        arms=arm_words(reading),
        factors=factor_words(reading),
        kind=kind,
        days=reading.export.days,
    )


def _policy(style: str, picture: str) -> str:
    """Only our two style sheets hold: the page's and the picture's."""
    inside = picture.partition("<style>")[2].partition("</style>")[0]
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (style, inside)]
    rules = {"default-src": "'none'", "style-src": " ".join(f"'sha256-{one}'" for one in hashes)}
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def write_reading(folder: Path, reading: Reading, further: Mapping[str, object]) -> tuple[Path, ...]:
    """Write experiment.json, .html and .svg beside the results; returns what was written. Raises: CannotWrite."""
    written = [folder / HTML]
    write_record(folder, reading.record, {**reading.as_json(), **further})
    write_whole(folder / HTML, render_page(reading))
    picture = draw(reading)
    if picture:
        write_whole(folder / SVG, picture)
        written.append(folder / SVG)
    return tuple(written)
