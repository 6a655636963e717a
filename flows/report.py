"""report.html: the contact sheet of a run. One file that works offline; every delivery beside it plays.

The page is a Jinja template, a style sheet and a script in `report_page/`. The deliveries travel as JSON inside it,
posters as small JPEGs, films by their relative paths; its content security policy forbids every network request.
Knows records and files; does not know how anything was made.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import quote

from flows.deliveries import FINISHED_STATES, STATES, DeliveryRecord, count_states, verdict
from flows.files import write_whole
from flows.placements import Placement, load_placements
from flows.posters import Posters
from flows.problems import shown
from flows.redaction import Redactor
from flows.timeline import Timeline
from flows.vtt import Cue, read_vtt

if TYPE_CHECKING:
    from markupsafe import Markup

    from flows.policy.distribution import Spread

PAGE = Path(__file__).with_name("report_page")
#: Reasons listed in the page's head, the most frequent first; results.csv has all.
LISTED_FAILURES = 40
#: A cell of the input is shown up to here; results.csv has all of it.
SHOWN_CELL_CHARACTERS = 300


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
    #: In the plan's order.
    records: tuple[DeliveryRecord, ...]
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
    write_whole(path, render_report(path.parent, run))


def render_report(folder: Path, run: ReportData) -> str:
    """The page's HTML for films below `folder`."""
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
        policy=_policy(style, script),
        data=_json(_Sheet(folder, run).as_json()),
        **_summary(run),
    )


def _policy(style: str, script: str) -> str:
    """Only our script and style run; pictures come from the page, films from beside it; nothing else is asked for."""
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (script, style)]
    rules = {
        "default-src": "'none'",
        "script-src": f"'sha256-{hashes[0]}'",
        "style-src": f"'sha256-{hashes[1]}'",
        "img-src": "data:",
        # `'self'` is a web server's folder; from a disk the page has no origin and films are `file:`.
        "media-src": "'self' file:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def _json(value: object) -> Markup:
    """JSON that can stand inside a <script>: no `</script>`, no `<!--`, no line end that only JavaScript knows."""
    from markupsafe import Markup

    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704 - made inert above


# --- the head -----------------------------------------------------------------------------------------------------


def _summary(run: ReportData) -> dict[str, object]:
    records = run.records
    counts = count_states(records)
    failures = _failures(records)
    gpu, cost = (_total(records, name) for name in ("gpu_seconds", "cost"))
    return {
        "counts": counts,
        "states": STATES,
        "verdict": verdict(counts),
        "creatives": len({record.creative_id for record in records if record.creative_id}),
        "placements": len({record.placement for record in records if record.placement}),
        "film": _clock(sum(record.film_seconds or 0 for record in records if record.status in FINISHED_STATES)),
        "wall": _clock(run.wall_seconds),
        "gpu": _clock(gpu) if gpu else "none" if gpu is not None else "unknown",
        "cost": "unknown" if cost is None else f"{cost:,.2f} {run.currency}".strip(),
        "failures": failures[:LISTED_FAILURES],
        "more_failures": max(0, len(failures) - LISTED_FAILURES),
        "has_failed": bool(failures),
    }


def _total(records: Iterable[DeliveryRecord], name: str) -> float | None:
    """The sum over what was made; one unknown part makes the whole unknown, never smaller."""
    parts = [getattr(record, name) for record in records if record.status in FINISHED_STATES]
    return None if None in parts else sum(parts)


def _failures(records: Iterable[DeliveryRecord]) -> list[dict[str, object]]:
    found = Counter(
        (record.code, record.step, record.message, record.fix) for record in records if record.code and record.message
    )
    names = ("code", "step", "message", "fix")
    return [{**dict(zip(names, key, strict=True)), "count": count} for key, count in found.most_common()]


def _clock(seconds: float | None) -> str:
    """A length as people say it: 42 s, 3 min 5 s, 2 h 10 min."""
    if seconds is None:
        return "unknown"
    if seconds < 60:
        return f"{seconds:.0f} s" if seconds >= 10 or seconds == int(seconds) else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


# --- the films ----------------------------------------------------------------------------------------------------


class _Sheet:
    """The records as the page's script wants them: rows, creatives, posters and captions once, films by number."""

    def __init__(self, folder: Path, run: ReportData) -> None:
        self._folder, self._run = folder, run
        self._redacted = Redactor()
        self._places = load_placements()
        films = [self._film_file(record) for record in run.records]
        self._posters = Posters([file.with_suffix(".jpg") for file in films if file])
        self._files = films
        self._tables: dict[str, dict[object, int]] = {"rows": {}, "creatives": {}, "placements": {}, "cues": {}}
        self._values: dict[str, list[object]] = {name: [] for name in self._tables}

    def as_json(self) -> dict[str, object]:
        """Everything the script reads."""
        pairs = zip(self._run.records, self._files, strict=True)
        films = [self._film(record, file) for record, file in pairs]
        posters = [f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}" for jpeg in self._posters.jpegs]
        return {**self._values, "films": films, "posters": posters, "currency": self._run.currency}

    def _film_file(self, record: DeliveryRecord) -> Path | None:
        """The film on this disk, when the record's path leads to one below the folder."""
        path = PurePosixPath(record.path)
        if not record.path or record.status not in FINISHED_STATES or path.is_absolute() or ".." in path.parts:
            return None
        file = self._folder / path
        return file if file.is_file() else None

    def _film(self, record: DeliveryRecord, file: Path | None) -> dict[str, object]:
        finished = record.status in FINISHED_STATES
        address = record.path.startswith(("https://", "http://", "s3://"))
        return {
            "creative": self._creative(record),
            "placement": self._number("placements", record.placement, self._place(record.placement)),
            "state": record.status,
            "finished": finished,
            "playable": file is not None,
            "address": address,
            "path": quote(record.path) if file else record.path,
            "poster": self._posters.number(file.with_suffix(".jpg")) if file else -1,
            "cues": self._cues(file),
            "seconds": record.film_seconds,
            "disclosure": record.disclosure,
            "label": record.disclosure_label,
            "fields_declared": dict(record.disclosure_fields),
            "marks": list(record.marks),
            "proof": record.proof,
            "approval": record.approval,
            "attempts": record.attempts,
            "work": record.seconds,
            "gpu": record.gpu_seconds,
            "cost": record.cost,
            "code": record.code,
            "step": record.step,
            "message": record.message,
            "fix": record.fix,
            "sha256": record.sha256,
            "utm": record.utm,
            "url": record.url_with_utm,
        }

    def _creative(self, record: DeliveryRecord) -> int:
        row = self._number("rows", record.row, self._row(record))
        key = record.creative_id or f"row {record.row}"
        creative = {
            "row": row,
            "id": record.creative_id,
            "headline": self._run.headlines.get(record.creative_id, ""),
            "locale": record.locale,
            "segment": record.segment,
            "variant": record.variant,
            "differs": record.differs_in,
            "control": record.control_id,
        }
        return self._number("creatives", key, creative)

    def _row(self, record: DeliveryRecord) -> dict[str, object]:
        # A contact sheet is passed around: an address that opens something loses the part that does.
        cells = {
            name: self._redacted(cell)[:SHOWN_CELL_CHARACTERS] for name, cell in record.cells.items() if cell.strip()
        }
        return {"number": record.row, "id": shown(record.row_id), "cells": cells}

    def _place(self, name: str) -> dict[str, object]:
        place: Placement | None = self._places.get(name)
        if place:
            return {"id": name, "title": place.title, "width": place.width, "height": place.height}
        return {"id": name, "title": name or "No placement", "width": 1, "height": 1}

    def _cues(self, file: Path | None) -> int:
        cues: tuple[Cue, ...] = read_vtt(file.with_suffix(".vtt")) if file else ()
        return self._number("cues", cues, [list(cue) for cue in cues]) if cues else -1

    def _number(self, table: str, key: object, value: object) -> int:
        """The place of a value in a table, written there the first time it is met."""
        numbers = self._tables[table]
        if key not in numbers:
            numbers[key] = len(numbers)
            self._values[table].append(value)
        return numbers[key]
