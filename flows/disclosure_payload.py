"""`disclosure.<platform>.json` beside a creative's files: what to tell the platform about AI, file by file.

For whoever uploads, by a script or by hand: the fields of the platform's interface, the value, the label on the
picture, the rules with their sources, an override with its reason, and what of hidden marks the file carries. Explicit
always: a platform without a field gets `"fields": {}` and a note that says how to declare there. Uploads nothing and
claims no compliance.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from flows.disclosure import Disclosure
from flows.disclosure_table import Field
from flows.files import write_json
from flows.placements import Placement

#: The names of the files; a platform takes the star's place.
NAMES = "disclosure.*.json"
DISCLAIMER = "What was read in the named sources on the named days. No legal advice, and no claim of compliance."
#: The rule whose latent disclosure is set against what a file carries.
LATENT_RULE = "california_sb_942"

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Carried:
    """What of hidden marks a delivered file carries, as it was measured; "" and False where it does not."""

    #: Issuer of the signature, and the models that its statement names.
    signer: str = ""
    models: tuple[str, ...] = ()
    time_stamped: bool = False
    #: Payload of the invisible mark.
    mark_id: str = ""

    def as_json(self) -> Json:
        """The facts that a latent disclosure is asked for, and what carries each."""
        signed = bool(self.signer)

        def fact(carried: bool, value: object, by: str) -> Json:
            return {"carried": carried, "value": value if carried else None, "by": by if carried else None}

        statement = "content credentials"
        return {
            "provider": fact(signed, self.signer, f"{statement}: name of the signer"),
            "system_and_version": fact(signed and bool(self.models), list(self.models), f"{statement}: models"),
            "time": fact(self.time_stamped, True, f"{statement}: time stamp of an authority"),
            "unique_id": fact(bool(self.mark_id), self.mark_id, "invisible mark"),
        }


@dataclass(frozen=True, slots=True)
class Declared:
    """One delivered file and what is declared of it."""

    placement: Placement
    #: Name beside the payload.
    file: str
    sha256: str
    disclosure: Disclosure
    carried: Carried


def payloads(declared: Iterable[Declared], *, campaign: str, creative_id: str, locale: str) -> dict[str, Json]:
    """The payload of every platform that one creative goes to, by the platform's name, as JSON values."""
    by_platform: dict[str, list[Declared]] = {}
    for item in declared:
        by_platform.setdefault(item.placement.platform, []).append(item)
    head = {"schema": 1, "campaign": campaign, "creative_id": creative_id, "locale": locale}
    return {
        name: {
            **head,
            "platform": name,
            "disclaimer": DISCLAIMER,
            "placements": {i.placement.id: _of(i) for i in items},
        }
        for name, items in by_platform.items()
    }


def _of(item: Declared) -> Json:
    """What is declared of one file."""
    disclosure = item.disclosure
    fields = dict(disclosure.platform_fields)
    rules = disclosure.rule_records()
    attested: dict[str, Field] = {name: fields[name] for rule in rules if rule.attests for name in rule.on}
    by_hand = [rule.by_hand for rule in rules if rule.by_hand]
    entry: Json = {
        "file": item.file,
        "sha256": item.sha256,
        "value": disclosure.value,
        "fields": fields,
        "attestation": attested,
        "label": disclosure.on_picture.as_json() if disclosure.on_picture else None,
        "reason": disclosure.reason,
        "digital_source_type": disclosure.digital_source_type,
        "ai_share": disclosure.share.as_json(),
        "synthetic_person": disclosure.synthetic_person,
        "synthetic_voice": disclosure.synthetic_voice,
        "territory": disclosure.territory or None,
        "override": {"value": disclosure.value, "reason": disclosure.override_reason}
        if disclosure.overridden
        else None,
        "latent": item.carried.as_json() | {"asked_by": [LATENT_RULE] if LATENT_RULE in disclosure.rules else []},
        "rules": [rule.as_json() for rule in rules],
    }
    if not fields:
        entry["note"] = " ".join(f"{sentence}." for sentence in by_hand)
    return entry


def write_payloads(home: Path, made: Mapping[str, Json]) -> bool:
    """Write a creative's payloads into its folder; whether any had to be written.

    What an earlier run said of a placement stays as long as its film is there; a payload of no film is removed.
    """
    written = left = False
    there = {path.name.split(".")[1] for path in home.glob(NAMES)}
    for platform in sorted({*made, *there}):
        path = home / NAMES.replace("*", platform)
        placements = {**_earlier(path), **_placements(made.get(platform))}
        kept = {name: entry for name, entry in sorted(placements.items()) if (home / str(entry.get("file"))).is_file()}
        if not kept:
            path.unlink(missing_ok=True)
            continue
        payload = {**(made.get(platform) or _read(path)), "placements": kept}
        written, left = write_json(path, payload) or written, True
    if not left:
        with suppress(OSError):  # anything else is still there, or nothing ever was
            home.rmdir()
    return written


def _earlier(path: Path) -> dict[str, Json]:
    return _placements(_read(path))


def _read(path: Path) -> Json:
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):  # not there, or not whole: nothing of it can be kept
        return {}
    return content if isinstance(content, dict) else {}


def _placements(payload: Mapping[str, object] | None) -> dict[str, Json]:
    found = (payload or {}).get("placements")
    return (
        {str(name): entry for name, entry in found.items() if isinstance(entry, dict)}
        if isinstance(found, dict)
        else {}
    )
