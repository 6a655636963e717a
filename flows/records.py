"""From what the production gives back to lines of results.csv and the JSON beside each delivery. Pure."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flows.costs import Cost
from flows.deliveries import DeliveryRecord, with_utm
from flows.disclosure import Disclosure
from flows.jobs import Failure
from flows.ledger import Ledger
from flows.model import Creative
from flows.placements import Placement
from flows.produce import Delivered
from flows.rows import RefusedRow
from flows.steps import ConformStep, FootageStep, PlateStep


def done_record(
    creative: Creative, placement: Placement, item: Delivered, cost: Cost, landing_url: str
) -> DeliveryRecord:
    """The line of a finished delivery."""
    assert item.finished
    disclosure = disclosure_of(item)
    utm = {"utm_source": placement.platform, "utm_medium": "paid_social", **creative.utm}
    return DeliveryRecord(
        **_identity(creative, placement.id),
        status="done",
        attempts=item.attempts,
        seconds=cost.seconds,
        gpu_seconds=cost.gpu_seconds,
        cost=cost.usd,
        film_seconds=round(float(item.film.frames / item.film.master.plate.fps), 3),
        sha256=str(item.finished.facts["sha256"]),
        path=f"{creative.creative_id}/{placement.id}.mp4",
        utm=urlencode(utm),
        url_with_utm=with_utm(creative.row.landing_url or landing_url, utm),
        disclosure=disclosure.value,
        disclosure_label=disclosure.label,
        disclosure_fields=dict(disclosure.platform_fields),
        marks=("visible watermark",) if item.film.master.watermark else (),
    )


def failed_record(creative: Creative, placement: str, failure: Failure, attempts: int) -> DeliveryRecord:
    """The line of a delivery that could not be made."""
    return DeliveryRecord(
        **_identity(creative, placement),
        status="refused" if failure.code == "refused" else "failed",
        code=failure.code,
        step=failure.step,
        attempts=max(attempts, failure.attempts),
        message=failure.message,
        fix=failure.fix,
    )


def refused_record(row: RefusedRow) -> DeliveryRecord:
    """The line of a row that was left out because its data is wrong."""
    first = row.problems[0]
    more = f" (and {len(row.problems) - 1} more)" if len(row.problems) > 1 else ""
    return DeliveryRecord(
        row=row.number,
        row_id=row.row_id,
        cells=row.cells,
        creative_id="",
        placement="",
        status="invalid",
        code=first.code,
        step="check",
        message=first.sentence() + more,
        fix=first.fix,
    )


def disclosure_of(item: Delivered) -> Disclosure:
    """The disclosure of a delivery."""
    names = [step.placement for step in item.film.deliveries]
    return item.film.disclosures[names.index(item.step.placement)]


def _identity(creative: Creative, placement: str) -> dict[str, Any]:
    return {
        "row": creative.row.number,
        "row_id": creative.row.row_id,
        "cells": creative.row.cells,
        "creative_id": creative.creative_id,
        "placement": placement,
        "locale": creative.locale,
        "segment": creative.segment,
        "variant": creative.variant,
        "control_id": creative.control_id,
        "differs_in": creative.differs_in,
    }


def facts_of(creative: Creative, item: Delivered, record: DeliveryRecord, ledger: Ledger) -> dict[str, object]:
    """The JSON beside a delivery: what it shows and says, how it was made, what was measured, what is declared."""
    assert item.finished
    master, track = item.step.master, item.step.track
    voice = ledger.find("voice", master.voice.key) if master.voice else None
    return {
        "creative_id": creative.creative_id,
        "row_id": creative.row.row_id,
        "row": creative.row.number,
        "locale": creative.locale,
        "segment": creative.segment,
        "variant": creative.variant,
        "arms": dict(creative.arms),
        "control_id": creative.control_id,
        "differs_in": creative.differs_in,
        "placement": record.placement,
        "sha256": record.sha256,
        "url_with_utm": record.url_with_utm,
        "engine": {"id": master.plate.footage[0].engine, "revision": master.plate.footage[0].engine_revision},
        "shots": _shots(master.plate, ledger),
        "look": creative.look,
        "voice": {
            "id": master.voice.voice if master.voice else "none",
            "text": creative.voiceover,
            "speed": voice.facts["speed"] if voice else None,
        },
        "music": creative.music,
        "layers": [{"kind": layer.kind, "text": layer.text, **dict(layer.extra)} for layer in creative.layers],
        "disclosure": disclosure_of(item).as_json(),
        "marks": {
            "visible_watermark": master.watermark or None,
            "disclosure_label": master.disclosure_label or None,
            "invisible": "not made: this version has no invisible mark",
            "c2pa": "not made: this version does not sign",
        },
        "measured": item.finished.facts["measures"],
        "steps": {
            "footage": [shot.key for shot in master.plate.footage],
            **({"conform": [shot.key for shot in master.plate.conformed]} if master.plate.conformed else {}),
            "plate": master.plate.key,
            "voice": master.voice.key if master.voice else None,
            "track": track.key if track else None,
            "master": master.key,
            "delivery": item.step.key,
        },
    }


def _shots(plate: PlateStep, ledger: Ledger) -> list[dict[str, object]]:
    """What was asked for and what became of it, shot by shot."""
    shots: list[dict[str, object]] = [
        {"prompt": shot.prompt, "seed": shot.seed, "frames": shot.frames, "notes": _notes(shot, ledger)}
        for shot in plate.footage
    ]
    for facts, step in zip(shots, plate.conformed, strict=False):
        facts["conformed"] = _notes(step, ledger)
    return shots


def _notes(step: FootageStep | ConformStep, ledger: Ledger) -> object:
    made = ledger.find(step.kind, step.key)
    return made.facts.get("notes", {}) if made else {}
