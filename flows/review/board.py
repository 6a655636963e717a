"""What the review page shows: a card for each delivery, and the only files that it may fetch.

Built from results.csv and the facts beside the films, and again whenever a run has written them anew. A request's path
is looked up in a table of ours and never joined to a folder. Knows records and files; no HTTP, no decisions.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from flows.deliveries import FINISHED_STATES, DeliveryRecord
from flows.ledger import Ledger
from flows.model import BadInput
from flows.placements import load_placements
from flows.review.approvals import APPROVE, Approvals, heads
from flows.review.gallery import Gallery, main_text, open_gallery
from flows.status import RESULTS

#: Endings of what may be fetched, with their media types.
MEDIA = {".mp4": "video/mp4", ".jpg": "image/jpeg", ".vtt": "text/vtt; charset=utf-8"}


@dataclass(frozen=True, slots=True)
class Sheet:
    """The board as it was read at one moment."""

    gallery: Gallery
    cards: tuple[dict[str, object], ...]
    #: Changes when a card changes in more than its status.
    revision: str
    #: What stands behind each address below /media/.
    media: Mapping[str, Path]
    #: The deliveries that were made, by SHA-256; several may have the same bytes.
    by_sha256: Mapping[str, tuple[DeliveryRecord, ...]]
    by_path: Mapping[str, DeliveryRecord] = field(default_factory=dict)


class Board:
    """OUT/<campaign>/, read again when its results have changed."""

    def __init__(self, folder: Path, ledger: Ledger) -> None:
        self._folder, self._approvals = folder, Approvals(ledger.root)
        self._lock = threading.Lock()
        self._seen: tuple[int, int] | None = None
        self._sheet: Sheet | None = None

    def sheet(self) -> Sheet:
        """The newest board. Raises: BadInput when the results are gone or damaged and none was ever read."""
        with self._lock:
            stamp = self._stamp()
            if self._sheet is None:
                self._sheet, self._seen = self._read(), stamp
            elif stamp and stamp != self._seen:
                with suppress(BadInput):  # somebody is changing the folder by hand: what was read still holds
                    self._sheet = self._read()
                self._seen = stamp
            return self._sheet

    def _stamp(self) -> tuple[int, int] | None:
        """Size and time of results.csv; None while there is none, as when a run has just begun."""
        try:
            facts = (self._folder / RESULTS).stat()
        except OSError:
            return None
        return facts.st_size, facts.st_mtime_ns

    def _read(self) -> Sheet:
        gallery = open_gallery(self._folder)
        earlier = self._earlier()
        titles: dict[str, str] = {}
        cards = tuple(_card(gallery, record, titles, earlier) for record in gallery.records)
        media: dict[str, Path] = {}
        by_sha256: dict[str, list[DeliveryRecord]] = {}
        for record in gallery.finished():
            by_sha256.setdefault(record.sha256, []).append(record)
            media.update(_files(gallery, record))
        same = [{name: value for name, value in card.items() if name != "status"} for card in cards]
        revision = hashlib.sha256(json.dumps(same).encode()).hexdigest()[:16]
        by_path = {f"{record.creative_id}/{record.placement}": record for record in gallery.records}
        grouped = {sha256: tuple(records) for sha256, records in by_sha256.items()}
        return Sheet(gallery, cards, revision, media, grouped, by_path)

    def _earlier(self) -> dict[str, list[tuple[str, str, str]]]:
        """Who approved which bytes of a delivery, by the delivery's name."""
        found: dict[str, list[tuple[str, str, str]]] = {}
        for sha256 in self._approvals.decided():
            for event in heads(self._approvals.history(sha256).events):
                if event.kind == APPROVE:
                    found.setdefault(event.about, []).append((event.at, event.reviewer, sha256))
        return found


def _card(
    gallery: Gallery,
    record: DeliveryRecord,
    titles: dict[str, str],
    earlier: Mapping[str, list[tuple[str, str, str]]],
) -> dict[str, object]:
    """Everything about a delivery that the list needs."""
    place = load_placements().get(record.placement)
    made = record.status in FINISHED_STATES
    if record.creative_id not in titles:
        titles[record.creative_id] = main_text(gallery.facts(record))
    void = [one for one in earlier.get(gallery.about(record), ()) if one[2] != record.sha256]
    return {
        "path": f"{record.creative_id}/{record.placement}",
        "creative": record.creative_id or f"row {record.row}",
        "title": titles[record.creative_id],
        "row": record.row,
        "row_id": record.row_id,
        "locale": record.locale,
        "segment": record.segment,
        "variant": record.variant,
        "differs": record.differs_in,
        "placement": record.placement,
        "place": place.title if place else record.placement or "No placement",
        "aspect": place.width / place.height if place else 1.0,
        "made": made,
        "wanted": made and gallery.wants_person(record),
        "status": record.status,
        "sha256": record.sha256 if made else "",
        "media": {ending.removeprefix("."): address for ending, address in _addresses(gallery, record).items()},
        "seconds": record.film_seconds,
        "proof": record.proof,
        "message": f"{record.code}: {record.message}. {record.fix}" if record.code else "",
        "earlier": list(max(void)[:2]) if void else [],
    }


def _addresses(gallery: Gallery, record: DeliveryRecord) -> dict[str, str]:
    return {path.suffix: address for address, path in _files(gallery, record).items()}


def _files(gallery: Gallery, record: DeliveryRecord) -> dict[str, Path]:
    """The delivery's files by their address; only real files below the folder, whatever a link says."""
    film = gallery.film(record) if record.status in FINISHED_STATES else None
    if film is None:
        return {}
    home = gallery.folder.resolve()
    files = {ending: film.with_suffix(ending) for ending in MEDIA}
    return {
        f"{record.creative_id}/{record.placement}{ending}": path
        for ending, path in files.items()
        if path.is_file() and path.resolve().is_relative_to(home)
    }
