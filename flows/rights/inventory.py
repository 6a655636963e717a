"""Everything a campaign is made of, with licence, holder and expiry: for the manifest and for signed statements.

What rights.yaml says comes first; what Spotmill brings itself (beds, voices, fonts, engines) has facts of its own; for
anything else the row says that nothing is stated. Judges nothing (`gate.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, metadata
from typing import TYPE_CHECKING

from flows.rights.assets import Asset
from flows.rights.rights_file import Entry, Rights

if TYPE_CHECKING:
    from flows.order import Prepared

OURS, WRITTEN, NOWHERE = "built in", "rights.yaml", "not stated"
#: What the beds are: `audio/instruments.py` computes every sound; no recording of anybody's is in them.
BED_LICENCE = "computed by Spotmill from a seed; no recordings of others"

Row = dict[str, object]


def inventory(prepared: Prepared) -> list[Row]:
    """One row for each asset that the selected rows use, by kind and name, as JSON values."""
    gate, rows = prepared.rights, {row.number for row in prepared.rows}
    used = [(asset, len(numbers & rows)) for asset, numbers in gate.used.items() if numbers & rows]
    found = [_row(asset, count, gate.rights, prepared) for asset, count in used]
    found += _fonts(prepared.campaign.brand.font_family, len(rows))
    return sorted(found, key=lambda row: (str(row["kind"]), str(row["asset"])))


def _row(asset: Asset, count: int, rights: Rights, prepared: Prepared) -> Row:
    entry = rights.of_file(asset.path) if asset.path else rights.of_name(asset.kind, asset.name)
    own = _own(asset, prepared)
    row: Row = {
        "asset": rights.shown(asset.path) if asset.path else asset.name,
        "kind": asset.kind,
        "sha256": prepared.planner.sha256_of(asset.path) if asset.path else None,
        **_empty(),
        "given_to_model": asset.given,
        "rows": count,
    }
    if own:
        row |= {**own, "stated_in": OURS}
    if entry:
        row |= _stated(entry) | {"stated_in": WRITTEN}
    return row


def _empty() -> Row:
    names = (
        "licence",
        "holder",
        "proof",
        "territories",
        "placements",
        "valid_from",
        "expires",
        "ai_use",
        "attribution",
    )
    return dict.fromkeys(names) | {"stated_in": NOWHERE}


def _stated(entry: Entry) -> Row:
    """An entry as JSON values; None where it says nothing."""
    return {
        "licence": entry.licence,
        "holder": entry.holder or None,
        "proof": entry.proof or None,
        "territories": sorted(entry.territories) or None,
        "placements": sorted(entry.placements) or None,
        "valid_from": entry.valid_from.isoformat() if entry.valid_from else None,
        "expires": entry.expires.isoformat() if entry.expires else None,
        "ai_use": entry.ai_use,
        "attribution": entry.attribution or None,
    }


def _own(asset: Asset, prepared: Prepared) -> Mapping[str, object]:
    """The facts of what Spotmill or an installed package brings."""
    if asset.kind == "engine":
        engine = prepared.engine
        return {
            "licence": engine.licence,
            "proof": engine.licence_url or None,
            "holder": ", ".join(engine.models) or None,
        }
    if asset.kind == "voice":
        return {"licence": prepared.voice.licence, "attribution": prepared.voice.attribution or None}
    return {"licence": BED_LICENCE} if asset.kind == "music" else {}


def _fonts(family: str, count: int) -> Iterator[Row]:
    """The packaged families: the brand's first, the others as they serve for letters it lacks."""
    from generation.layers.fonts import FAMILIES

    for name in dict.fromkeys((family, *FAMILIES)):
        if name in FAMILIES:
            _, distribution, _ = FAMILIES[name]
            facts = {"asset": name, "kind": "font", "sha256": None, **_empty(), "given_to_model": False, "rows": count}
            yield facts | {"licence": _licence_of(distribution), "proof": distribution, "stated_in": OURS}


def _licence_of(distribution: str) -> str | None:
    try:
        facts = metadata(distribution)
    except PackageNotFoundError:
        return None
    return next((facts[name] for name in ("License-Expression", "License") if name in facts), None)


def attributions(rows: Iterable[Mapping[str, object]]) -> list[str]:
    """The lines that licences ask to be shown or kept with the ads, each once."""
    return list(dict.fromkeys(str(row["attribution"]) for row in rows if row["attribution"]))
