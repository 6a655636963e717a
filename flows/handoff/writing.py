"""A hand-off's files: films and covers first, then the sheets that speak of them, then the list of all.

What goes out has been checked by then (`handover.py`). Films are hard links into the results where they can be: a run
replaces its films and never changes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from flows.deliveries import DeliveryRecord
from flows.files import CannotWrite, guard
from flows.handoff.ads import Ad
from flows.handoff.covers import BadPoster, cover
from flows.handoff.folder import HandoffFolder
from flows.handoff.sheets import bulk_file, csv_bytes, disclosure_file, json_file, readme
from flows.publish import Refusal

TABLE = "handoff.csv"
_COLUMNS = (
    "row",
    "row_id",
    "creative_id",
    "placement",
    "status",
    "handed_to",
    "name",
    "sha256",
    "code",
    "reason",
    "fix",
)
#: Part of an ad -> its folder.
_FOLDERS = {"film": "films", "thumbnail": "thumbnails", "captions": "captions"}


@dataclass(frozen=True, slots=True)
class Line:
    """One delivery of results.csv, and what became of it here."""

    record: DeliveryRecord
    ads: tuple[Ad, ...]
    refusal: Refusal | None


def write(campaign: str, lines: Sequence[Line], to: Path, cut: Mapping[str, Sequence[str]]) -> tuple[int, int]:
    """Write the folder. Returns how many files were written, and how many were there.

    Raises: BadInput when something else lies there; NoSpace, CannotWrite.
    """
    target = HandoffFolder(to, campaign)
    ads = [ad for line in lines for ad in line.ads]
    by_platform: dict[str, list[Ad]] = {}
    for ad in ads:
        by_platform.setdefault(ad.platform.id, []).append(ad)
    tables = {TABLE: _summary(lines)}
    for name, theirs in sorted(by_platform.items()):
        tables |= {f"{name}/{file}": content for file, content in _tables(theirs, cut.get(name, ())).items()}
    media = {f"{ad.platform.id}/{part}" for ad in ads for part in _media(ad)}
    target.begin({*tables, *media})
    for ad in ads:
        _place(target, ad)
    for name, content in tables.items():
        target.write(name, content)
    target.end()
    return target.written, target.present


def _media(ad: Ad) -> dict[str, Path]:
    """Name below the platform's folder -> where it comes from."""
    parts = {"film": ad.film, "thumbnail": ad.poster, "captions": ad.captions}
    return {f"{_FOLDERS[part]}/{ad.field(part)}": path for part, path in parts.items() if path}


def _place(target: HandoffFolder, ad: Ad) -> None:
    for name, path in _media(ad).items():
        place = f"{ad.platform.id}/{name}"
        if path is ad.film:
            target.bring(path, place, link=not ad.in_ledger)
        elif path is ad.poster:
            target.write(place, _cover(ad, path))
        else:
            target.write(place, path.read_bytes())


def _cover(ad: Ad, poster: Path) -> bytes:
    try:
        return cover(poster, ad.placement.thumbnail)
    except BadPoster as error:
        raise CannotWrite(f"{ad.record.creative_id}: {error}. Run the campaign again") from error


def _tables(ads: Sequence[Ad], cut: Sequence[str]) -> dict[str, bytes]:
    """The tables of one platform's folder by name."""
    platform = ads[0].platform
    return {
        platform.sheet: bulk_file(platform, ads),
        "ads.json": json_file(platform, ads),
        "disclosure.csv": disclosure_file(ads),
        "README.txt": readme(platform, ads, cut),
    }


def _summary(lines: Iterable[Line]) -> bytes:
    """handoff.csv: a line for every delivery of results.csv, in its order."""
    table = [list(_COLUMNS)]
    for line in lines:
        record, refusal = line.record, line.refusal
        code, reason, fix = (refusal.code, refusal.message, refusal.fix) if refusal else ("", "", "")
        if not line.ads and not refusal:
            code, reason = "other_platform", "no platform of this hand-off takes this placement"
        names = "; ".join(dict.fromkeys(ad.name for ad in line.ads))
        platforms = "; ".join(ad.platform.id for ad in line.ads)
        key = [str(record.row), record.row_id, record.creative_id, record.placement, record.status]
        table.append([*key, platforms, names, record.sha256, code, reason, fix])
    return csv_bytes([[guard(cell) for cell in line] for line in table], bom=True)
