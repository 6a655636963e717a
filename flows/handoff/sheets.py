"""The tables of a hand-off: what a bulk tool imports, what a person reads, what a script takes.

The bulk file is written letter by letter, without the apostrophe that guards other tables of ours: the platform would
show it. `limits.py` refuses texts that a spreadsheet would run. Bytes depend on the ads alone.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence

from flows.files import guard
from flows.handoff.ads import Ad
from flows.handoff.limits import opened_in_a_spreadsheet
from flows.handoff.platforms import Platform

_CONFIDENCE = {
    "official": "confirmed by the platform's own page",
    "secondary": "not confirmed by the platform's own page; seen in files of others",
    "unclear": "not confirmed",
}


def bulk_file(platform: Platform, ads: Iterable[Ad]) -> bytes:
    """The sheet that the platform's bulk tool reads."""
    lines = [[_cell(ad, value) for value in platform.columns.values()] for ad in ads]
    return csv_bytes([list(platform.columns), *lines], bom=platform.bom)


def _cell(ad: Ad, value: str) -> str:
    return value[1:] if value.startswith("=") else ad.field(value) if value else ""


def disclosure_file(ads: Iterable[Ad]) -> bytes:
    """What to declare of each film: one line for each field of the platform's interface."""
    lines = [["ad", "film", "declared", "field", "value", "sha256"]]
    for ad in ads:
        fields = [(name, _as_text(value)) for name, value in sorted(ad.disclosure.items())]
        for name, value in fields or [("", "")]:
            lines.append([ad.name, ad.field("film"), ad.record.disclosure, name, value, ad.record.sha256])
    return csv_bytes([[guard(cell) for cell in line] for line in lines], bom=True)


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def json_file(platform: Platform, ads: Iterable[Ad]) -> bytes:
    """The same ads for scripts: nothing is cut to the columns of a sheet."""
    content = {"schema": 1, "platform": platform.id, "title": platform.title, "ads": [_as_json(ad) for ad in ads]}
    return (json.dumps(content, ensure_ascii=False, indent=2) + "\n").encode("utf-8")


def _as_json(ad: Ad) -> dict[str, object]:
    record = ad.record
    return {
        "name": ad.name,
        "creative_id": record.creative_id,
        "row": record.row,
        "placement": record.placement,
        "locale": record.locale,
        "segment": record.segment,
        "variant": record.variant,
        "control_id": record.control_id,
        "differs_in": record.differs_in,
        "texts": dict(ad.texts),
        "call_to_action": {"word": ad.call, "platform": ad.field("call_to_action")},
        "link": ad.link,
        "utm": record.utm,
        "film": f"films/{ad.field('film')}",
        "thumbnail": f"thumbnails/{ad.field('thumbnail')}" if ad.poster else None,
        "captions": f"captions/{ad.field('captions')}" if ad.captions else None,
        "sha256": record.sha256,
        "disclosure": {"value": record.disclosure, "label": record.disclosure_label, "fields": dict(ad.disclosure)},
    }


def readme(platform: Platform, ads: Sequence[Ad], cut: Sequence[str]) -> bytes:
    """How the folder is used, and what of it is not certain."""
    origin = platform.origin
    source = f" Source: {origin.source}" if origin.source else ""
    lines = [f"{platform.title}: {len(ads)} ads.", ""]
    lines += [f"{number}. {step}" for number, step in enumerate(platform.steps, start=1)]
    lines += ["", f"Columns of {platform.sheet}: {_CONFIDENCE[origin.confidence]}, checked {origin.checked}.{source}"]
    lines += [f"{platform.note}."]
    taken = {
        f"{name} from {source.replace('_', ' ', 1)}" if source.startswith("film") else f"{name} from {source}"
        for ad in ads
        for name, source in ad.sources.items()
        if name in ad.texts
    }
    lines += [f"Texts: {', '.join(sorted(taken))}."] if taken else []
    empty = [header for header, value in platform.columns.items() if not value]
    if empty:
        lines += [f"Left empty, for what only the account knows: {', '.join(empty)}."]
    if any(opened_in_a_spreadsheet(ad) for ad in ads):
        lines += ["Some texts begin with a sign. Import the sheet as it is: a spreadsheet program would change them."]
    if not any(ad.disclosure for ad in ads):
        lines += ["The platform has no field for AI that we know of; disclosure.csv says what each film is."]
    lines += [f"Cut on the screen: {sentence}." for sentence in cut]
    return ("\n".join(lines) + "\n").encode("utf-8")


def csv_bytes(lines: Iterable[Sequence[str]], *, bom: bool) -> bytes:
    """A CSV file as bytes."""
    stream = io.StringIO(newline="")
    csv.writer(stream, lineterminator="\r\n").writerows(lines)
    return stream.getvalue().encode("utf-8-sig" if bom else "utf-8")
