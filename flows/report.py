"""report.html: the contact sheet of a run. One file that works offline; every delivery beside it plays.

The page is a Jinja template, a style sheet and a script in `report_page/`. The deliveries travel as JSON inside it
(`report_sheet.py`), films by their relative paths; its content security policy forbids every network request. Knows
records and files; does not know how anything was made.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from flows.deliveries import FINISHED_STATES, STATES, DeliveryRecord, in_order_of_states, verdict
from flows.files import atomic_path
from flows.report_sheet import Sheet
from flows.timeline import Timeline

if TYPE_CHECKING:
    from flows.policy.distribution import Spread

PAGE = Path(__file__).with_name("report_page")
#: Reasons listed in the page's head, the most frequent first; results.csv has all.
LISTED_FAILURES = 40
#: Where the data goes in the rendered page.
_DATA = "\0data\0"


@dataclass(frozen=True, slots=True)
class Maker:
    """Something that made a part: an engine, a voice, a model."""

    #: "Footage", "Voice", "Music", ...
    role: str
    title: str
    revision: str = ""
    licence: str = ""
    licence_url: str = ""
    commercial_use: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class ReportData:
    """Everything the sheet shows. Times and dates are the caller's: the same data gives the same bytes."""

    campaign: str
    #: In the plan's order; gone through more than once.
    records: Sequence[DeliveryRecord]
    brand: str = ""
    #: When the run began, as it should be shown.
    started: str = ""
    wall_seconds: float | None = None
    makers: tuple[Maker, ...] = ()
    #: Sentences that a reader must not miss, such as that the voice is a draft.
    notices: tuple[str, ...] = ()
    #: The words of the prompts that the engine drew, and those that it did not.
    drawn: tuple[str, ...] = ()
    not_drawn: tuple[str, ...] = ()
    #: Main text of each creative, by creative_id.
    headlines: Mapping[str, str] = field(default_factory=dict)
    #: Who is seen, planned and delivered; () where no prompt describes anybody.
    spreads: tuple[Spread, ...] = ()
    #: What each worker did when; None where nothing was made.
    timeline: Timeline | None = None
    #: Unit of the costs, such as "USD".
    currency: str = ""
    version: str = ""


def write_report(path: Path, run: ReportData) -> None:
    """Write the sheet to `path`; films, posters and captions are looked for below its folder, by the records' paths.

    A film's poster and captions are the files of the same name with `.jpg` and `.vtt`.

    Raises: NoSpace, CannotWrite.
    """
    with atomic_path(path) as part, part.open("w", encoding="utf-8", newline="") as stream:
        stream.writelines(_pieces(path.parent, run))


def _pieces(folder: Path, run: ReportData) -> Iterator[str]:
    """The page with the data of forty thousand films, without ever holding all of it."""
    sheet = Sheet(folder, run)
    head, _, tail = _page(run, linked=sheet.linked).partition(_DATA)
    yield head
    yield from sheet.pieces()
    yield tail


def _page(run: ReportData, *, linked: bool) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(PAGE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    # Our own files, kept as they are: their hashes in the policy are what allows them to run.
    style, script = (Markup((PAGE / name).read_text("utf-8")) for name in ("page.css", "page.js"))  # noqa: S704
    return environment.get_template("page.html.j2").render(
        run=run,
        style=style,
        script=script,
        policy=_policy(style, script, linked=linked),
        data=Markup(_DATA),  # noqa: S704 - our own word
        **_summary(run),
    )


def _policy(style: str, script: str, *, linked: bool) -> str:
    """Only our script and style run; films come from beside the page, and so do posters that are too many for it."""
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (script, style)]
    rules = {
        "default-src": "'none'",
        "script-src": f"'sha256-{hashes[0]}'",
        "style-src": f"'sha256-{hashes[1]}'",
        # `'self'` is a web server's folder; from a disk the page has no origin and films are `file:`.
        "img-src": "data: 'self' file:" if linked else "data:",
        "media-src": "'self' file:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


# --- the head -----------------------------------------------------------------------------------------------------


class _Head:
    """What the page's head says of all deliveries, from one walk through them."""

    def __init__(self, records: Iterable[DeliveryRecord]) -> None:
        self.counts: Counter[str] = Counter()
        self.creatives: set[str] = set()
        self.placements: set[str] = set()
        self.film_seconds = 0.0
        self.gpu_seconds: float | None = 0.0
        self.cost: float | None = 0.0
        self._failures: Counter[tuple[str, str, str, str]] = Counter()
        for record in records:
            self._note(record)

    def _note(self, record: DeliveryRecord) -> None:
        self.counts[record.status] += 1
        self.creatives.add(record.creative_id)
        self.placements.add(record.placement)
        if record.code and record.message:
            self._failures[record.code, record.step, record.message, record.fix] += 1
        if record.status in FINISHED_STATES:
            self.film_seconds += record.film_seconds or 0.0
            self.gpu_seconds = _sum(self.gpu_seconds, record.gpu_seconds)
            self.cost = _sum(self.cost, record.cost)

    @property
    def failures(self) -> list[dict[str, object]]:
        """Reasons, the most frequent first."""
        names = ("code", "step", "message", "fix")
        return [{**dict(zip(names, key, strict=True)), "count": count} for key, count in self._failures.most_common()]


def _sum(total: float | None, part: float | None) -> float | None:
    """The sum over what was made; one unknown part makes the whole unknown, never smaller."""
    return None if total is None or part is None else total + part


def _summary(run: ReportData) -> dict[str, object]:
    head = _Head(run.records)
    counts, failures = in_order_of_states(head.counts), head.failures
    return {
        "counts": counts,
        "states": STATES,
        "verdict": verdict(counts),
        "creatives": len(head.creatives - {""}),
        "placements": len(head.placements - {""}),
        "film": _clock(head.film_seconds),
        "wall": _clock(run.wall_seconds),
        "gpu": _clock(head.gpu_seconds) if head.gpu_seconds else "none" if head.gpu_seconds is not None else "unknown",
        "cost": "unknown" if head.cost is None else f"{head.cost:,.2f} {run.currency}".strip(),
        "failures": failures[:LISTED_FAILURES],
        "more_failures": max(0, len(failures) - LISTED_FAILURES),
        "has_failed": bool(failures),
    }


def _clock(seconds: float | None) -> str:
    """A length as people say it: 42 s, 3 min 5 s, 2 h 10 min."""
    if seconds is None:
        return "unknown"
    if seconds < 60:
        return f"{seconds:.0f} s" if seconds >= 10 or seconds == int(seconds) else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
