"""The records of a run as the contact sheet's script reads them: a JSON text in pieces, of any length.

Rows, creatives, placements and captions stand in it once, films point to them by number. What a film does not say is
left out and stands in `blank`. Up to a thousand posters are embedded as thumbnails; of more, the page shows the files
beside the films, as it scrolls. Nothing is held but one line of text for each row and creative.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import quote

from flows.deliveries import FINISHED_STATES, DeliveryRecord
from flows.placements import Placement, load_placements
from flows.posters import Posters
from flows.problems import shown
from flows.redaction import Redactor
from flows.vtt import read_vtt

if TYPE_CHECKING:
    from flows.report import ReportData

#: A cell of the input is shown up to here; results.csv has all of it.
SHOWN_CELL_CHARACTERS = 300
#: From so many films on the page is of no use as a single file, and their posters stay files.
MOST_EMBEDDED = 1000
#: What a film is unless it says otherwise.
BLANK: dict[str, object] = {
    "finished": False, "playable": False, "address": False, "path": "", "poster": -1, "cover": "", "cues": -1,
    "seconds": None, "disclosure": "", "label": "", "fields_declared": {}, "marks": [], "proof": "", "approval": "",
    "attempts": 0, "work": None, "gpu": None, "cost": None, "code": "", "fault": "", "step": "", "message": "",
    "fix": "",
    "sha256": "", "utm": "", "url": "",
}  # fmt: skip


class Sheet:
    """The data of one page, for films below `folder`."""

    def __init__(self, folder: Path, run: ReportData) -> None:
        self._folder, self._run = folder, run
        self._redacted = Redactor()
        self._places = load_placements()
        #: Whether posters are files that the page asks for.
        self.linked = len(run.records) > MOST_EMBEDDED
        covers = () if self.linked else (self._film_file(record) for record in run.records)
        self._posters = Posters([file.with_suffix(".jpg") for file in covers if file])
        self._numbers: dict[str, dict[object, int]] = {"rows": {}, "creatives": {}, "placements": {}, "cues": {}}
        self._lines: dict[str, list[str]] = {name: [] for name in self._numbers}

    def pieces(self) -> Iterator[str]:
        """The JSON text, made inert for a <script>."""
        yield '{"films":['
        for number, record in enumerate(self._run.records):
            film = self._film(record, self._film_file(record))
            said = {name: value for name, value in film.items() if name not in BLANK or value != BLANK[name]}
            yield f"{',' if number else ''}{_inert(said)}"
        yield "]"
        for name, lines in self._lines.items():
            yield f',"{name}":[{",".join(lines)}]'
        posters = [f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}" for jpeg in self._posters.jpegs]
        for name, value in {"posters": posters, "blank": BLANK, "currency": self._run.currency}.items():
            yield f',"{name}":{_inert(value)}'
        yield "}"

    def _film_file(self, record: DeliveryRecord) -> Path | None:
        """The film on this disk, when the record's path leads to one below the folder."""
        path = PurePosixPath(record.path)
        if not record.path or record.status not in FINISHED_STATES or path.is_absolute() or ".." in path.parts:
            return None
        file = self._folder / path
        return file if file.is_file() else None

    def _film(self, record: DeliveryRecord, file: Path | None) -> Mapping[str, object]:
        place = record.placement
        return {
            "creative": self._creative(record),
            "placement": self._number("placements", place, lambda: self._place(place)),
            "state": record.status,
            "finished": record.status in FINISHED_STATES,
            "playable": file is not None,
            "address": record.path.startswith(("https://", "http://", "s3://")),
            "path": quote(record.path) if file else record.path,
            **self._poster(record, file),
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
            "fault": record.fault,
            "step": record.step,
            "message": record.message,
            "fix": record.fix,
            "sha256": record.sha256,
            "utm": record.utm,
            "url": record.url_with_utm,
        }

    def _poster(self, record: DeliveryRecord, file: Path | None) -> dict[str, object]:
        if file is None:
            return {}
        poster = file.with_suffix(".jpg")
        if not self.linked:
            return {"poster": self._posters.number(poster)}
        return {"cover": quote(PurePosixPath(record.path).with_suffix(".jpg").as_posix())} if poster.is_file() else {}

    def _creative(self, record: DeliveryRecord) -> int:
        return self._number("creatives", record.creative_id or f"row {record.row}", lambda: self._about(record))

    def _about(self, record: DeliveryRecord) -> dict[str, object]:
        return {
            "row": self._number("rows", record.row, lambda: self._row(record)),
            "id": record.creative_id,
            "headline": self._run.headlines.get(record.creative_id, ""),
            "locale": record.locale,
            "segment": record.segment,
            "variant": record.variant,
            "differs": record.differs_in,
            "control": record.control_id,
        }

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
        cues = [list(cue) for cue in read_vtt(file.with_suffix(".vtt"))] if file else []
        if not cues:
            return -1
        text = _inert(cues)
        return self._number("cues", sha256(text.encode("utf-8", "surrogatepass")).digest(), lambda: cues)

    def _number(self, table: str, key: object, make: Callable[[], object]) -> int:
        """The place of a value in a table, written there the first time it is met."""
        numbers, lines = self._numbers[table], self._lines[table]
        if key not in numbers:
            line = _inert(make())
            numbers[key] = len(lines)
            lines.append(line)
        return numbers[key]


def _inert(value: object) -> str:
    """JSON that can stand inside a <script>: no `</script>`, no `<!--`, no line end that only JavaScript knows."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
