"""From what the production gives back to lines of results.csv and the JSON beside each delivery. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from flows.changes import inputs_of
from flows.costs import Cost
from flows.deliveries import DeliveryRecord, with_utm
from flows.disclosure import Disclosure
from flows.disclosure_payload import Carried, Declared
from flows.faults import BUDGET, CLASSES, DATA, REFUSAL
from flows.jobs import Failure
from flows.ledger import Finished, Ledger
from flows.model import Creative
from flows.placements import Placement, get_placement
from flows.policy.content import content_facts
from flows.policy.gate import refused_by_policy
from flows.produce import Delivered
from flows.profile import DRAFT, FULL
from flows.rows import RefusedRow
from flows.steps import ConformStep, DraftStep, FootageStep, PlateStep, SurvivalStep

#: State of a delivery by what a person has said of it; "" is where nobody is asked.
BY_APPROVAL = {"": "done", "waiting": "needs_review", "approved": "approved", "rejected": "rejected"}


#: State of a delivery that was not made, where its class has one of its own.
BY_FAULT = {REFUSAL: "refused", BUDGET: "budget_stopped"}


def done_record(
    creative: Creative,
    placement: Placement,
    item: Delivered,
    cost: Cost,
    landing_url: str,
    approval: str = "",
    reasons: tuple[str, ...] = (),
) -> DeliveryRecord:
    """The line of a finished delivery. `approval` is one of `BY_APPROVAL`; `reasons` say why a person is asked."""
    assert item.finished
    master = item.film.master
    disclosure = disclosure_of(item)
    utm = {"utm_source": placement.platform, "utm_medium": "paid_social", **creative.utm}
    return DeliveryRecord(
        **_identity(creative, placement.id),
        status="draft" if item.film.draft else BY_APPROVAL[approval],
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
        marks=_marks(item),
        mark_id=master.mark_id,
        proof=str(item.finished.facts["proof"]["verdict"]),  # type: ignore[index]  # a JSON object
        approval=approval,
        message="; ".join(reasons),
    )


def _marks(item: Delivered) -> tuple[str, ...]:
    """What the film carries, in words."""
    master, step = item.film.master, item.step
    present = {
        "visible watermark": master.watermark,
        "disclosure label": master.disclosure_label,
        "invisible mark": master.invisible_mark,
        "content credentials": step.signing,
    }
    return tuple(name for name, there in present.items() if there)


def failed_record(creative: Creative, placement: str, failure: Failure, attempts: int) -> DeliveryRecord:
    """The line of a delivery that could not be made."""
    return DeliveryRecord(
        **_identity(creative, placement),
        status=BY_FAULT.get(failure.fault, "failed"),
        code=failure.code,
        fault=failure.fault,
        step=failure.step,
        attempts=max(attempts, failure.attempts),
        message=failure.message,
        fix=failure.fix,
    )


def refused_record(row: RefusedRow) -> DeliveryRecord:
    """The line of a row that was left out because its data is wrong, or because the policy refuses it."""
    refused = refused_by_policy(row.problems)
    first = refused or row.problems[0]
    fault = REFUSAL if refused else DATA
    more = f" (and {len(row.problems) - 1} more)" if len(row.problems) > 1 else ""
    return DeliveryRecord(
        row=row.number,
        row_id=row.row_id,
        cells=row.cells,
        creative_id="",
        placement="",
        status="refused" if refused else "invalid",
        code=first.code,
        fault=fault,
        step="check",
        attempts=1,
        message=first.sentence() + more,
        fix=first.fix or CLASSES[fault].fix,
    )


def content_of(item: Delivered, ledger: Ledger) -> Mapping[str, Any] | None:
    """What models have seen in the footage; None where none looked."""
    step = item.film.master.content
    found = ledger.look(step.kind, step.key) if step else None
    facts: Mapping[str, Any] | None = found.facts["content"] if found else None  # type: ignore[assignment]  # JSON
    return facts


def declared_of(item: Delivered) -> Declared:
    """What is declared of a finished delivery, for the payload of its platform."""
    assert item.finished
    placement, step = get_placement(item.step.placement), item.step
    signature = item.finished.facts.get("signature")
    signed: Mapping[str, object] = signature if isinstance(signature, Mapping) else {}
    carried = Carried(
        signer=str(signed.get("issuer", "")),
        models=tuple(" ".join(filter(None, model)) for model in step.models),
        time_stamped=bool(signed.get("time_stamped")),
        mark_id=step.master.mark_id,
    )
    sha256 = str(item.finished.facts["sha256"])
    return Declared(placement, f"{placement.id}.mp4", sha256, disclosure_of(item), carried)


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


def facts_of(
    creative: Creative, item: Delivered, record: DeliveryRecord, ledger: Ledger, package: Finished
) -> dict[str, object]:
    """The JSON beside a delivery: what it shows and says, how it was made, what was measured, what is declared."""
    assert item.finished
    master, track = item.step.master, item.step.track
    voice = ledger.look("voice", master.voice.key) if master.voice else None
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
        "profile": DRAFT if item.film.draft else FULL,
        "sha256": record.sha256,
        "url_with_utm": record.url_with_utm,
        "engine": {"id": master.plate.footage[0].engine, "revision": master.plate.footage[0].engine_revision},
        "shots": _shots(master.plate, ledger),
        "people": dict(creative.people),
        "look": creative.look,
        "voice": {
            "id": master.voice.voice if master.voice else "none",
            "text": creative.voiceover,
            "speed": voice.facts["speed"] if voice else None,
        },
        "music": creative.music,
        "layers": [{"kind": layer.kind, "text": layer.text, **dict(layer.extra)} for layer in creative.layers],
        "content": content_facts(content_of(item, ledger)),
        "disclosure": disclosure_of(item).as_json(),
        "marks": {
            "visible_watermark": master.watermark or None,
            "disclosure_label": master.disclosure_label or None,
            "invisible": {"kind": master.invisible_mark, "id": master.mark_id} if master.invisible_mark else None,
            "content_credentials": item.finished.facts.get("signature"),
        },
        "proof": item.finished.facts["proof"],
        "survival": _survival(item, ledger),
        "measured": package.facts["measures"],
        "inputs": inputs_of(item.step),
        "steps": {
            "footage": [shot.key for shot in master.plate.footage],
            **({"conform": [shot.key for shot in master.plate.conformed]} if master.plate.conformed else {}),
            "plate": master.plate.key,
            "voice": master.voice.key if master.voice else None,
            "track": track.key if track else None,
            "master": master.key,
            "package": item.step.package.key,
            "delivery": item.step.key,
            **{step.kind: step.key for step in item.film.further if _is_draft(step, record.placement)},
        },
    }


def _is_draft(step: DraftStep | SurvivalStep, placement: str) -> bool:
    """Whether this is what is shown in place of the delivery until somebody has approved it."""
    return isinstance(step, DraftStep) and step.placement == placement


def _survival(item: Delivered, ledger: Ledger) -> object:
    """What an encode like those of platforms leaves of the mark; None where it was not measured."""
    for step in item.film.further:
        if isinstance(step, SurvivalStep) and step.placement == item.step.placement:
            found = ledger.look(step.kind, step.key)
            return found.facts["survival"] if found else None
    return None


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
    made = ledger.look(step.kind, step.key)
    return made.facts.get("notes", {}) if made else {}
