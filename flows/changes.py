"""Why a delivery would be made again: which of its inputs differ from those of the film that lies in the output folder.

The inputs of each delivery stand in the JSON beside its film, as short values under names that people know. Compares
them with those of a plan; decides nothing (the ledger's keys do).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from flows.ledger import digest
from flows.revision import revision_of
from flows.steps import DeliveryStep, MasterStep, PlateStep

#: Kinds of step whose code may have changed; footage states its engine's revision instead.
_CODED = ("plate", "voice", "mix", "track", "master", "package", "delivery")


def inputs_of(step: DeliveryStep) -> dict[str, str]:
    """What a delivery is made from: name -> a short value, equal where the input is."""
    master, track = step.master, step.track
    found = {**_pictures(master.plate), **_words(master), **_marks(step)}
    if track:
        found["loudness"] = _short([track.integrated_lufs, track.true_peak_dbtp, track.kbps])
        found["music"] = track.mix.bed.mood if track.mix.bed else "none"
    found["limits of the placement"] = _short(step.package.limits)
    found |= {f"Spotmill's code for {kind}": revision_of(kind) for kind in _CODED}
    return found


def _pictures(plate: PlateStep) -> dict[str, str]:
    found = {"size": "x".join(map(str, plate.size)), "length": str(plate.frames), "look": plate.look}
    for number, shot in enumerate(plate.footage, start=1):
        name = f" of shot {number}" if len(plate.footage) > 1 else ""
        files = [shot.picture, shot.last_picture, shot.clip, *shot.references]
        found |= {
            f"prompt{name}": _short([shot.prompt, shot.negative_prompt]),
            f"seed{name}": str(shot.seed),
            f"engine{name}": _short([shot.engine, shot.engine_revision, shot.options]),
            f"pictures{name}": _short([file.sha256 if file else None for file in files]),
            f"LoRAs{name}": _short([[lora.sha256, lora.weight] for lora in shot.loras]),
        }
    found["conform"] = _short([[step.interpolation, step.deflicker] for step in plate.conformed])
    return found


def _words(master: MasterStep) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, layer in enumerate(master.layers, start=1):
        found[f"{layer.kind} (layer {number})"] = _short(layer)
    if master.voice:
        voice = master.voice
        found["voiceover"] = _short([voice.text, voice.locale])
        found["voice"] = _short([voice.voice, voice.voice_revision, voice.options])
    found["brand"] = _short(master.brand.identity())
    found["safe area"] = _short([master.safe, master.caption_characters])
    return found


def _marks(step: DeliveryStep) -> dict[str, str]:
    master = step.master
    return {
        "disclosure label": master.disclosure_label,
        "watermark": master.watermark,
        "quality": master.quality,
        "invisible mark": _short([master.invisible_mark, master.mark_revision, bool(master.mark_secret)]),
        "certificate": _short(step.signing.identity()) if step.signing else "",
        "signed statement": _short([step.source_type, step.models, step.ai_training]),
    }


def _short(value: object) -> str:
    return digest(value)[:12]


@dataclass(slots=True)
class Changes:
    """What of a plan is there, what is new, and what has changed, with the reasons."""

    folder: Path
    cached: int = 0
    new: int = 0
    changed: int = 0
    #: Inputs that differ -> how many deliveries they make anew.
    reasons: Counter[str] = field(default_factory=Counter)

    def note(self, creative_id: str, step: DeliveryStep, *, cached: bool) -> None:
        """Count one delivery of the plan."""
        if cached:
            self.cached += 1
            return
        before = _inputs_before(self.folder / creative_id / f"{step.placement}.json")
        if before is None:
            self.new += 1
            return
        self.changed += 1
        self.reasons[", ".join(differing(before, inputs_of(step))) or "nothing: its step is gone from the ledger"] += 1


def differing(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Names of inputs that were added, taken away or altered."""
    names = dict.fromkeys((*now, *before))
    return [name for name in names if before.get(name) != now.get(name)]


def _inputs_before(path: Path) -> Mapping[str, str] | None:
    """The inputs of the film that lies there; None where none does, or one of an older kind."""
    try:
        inputs = json.loads(path.read_text("utf-8"))["inputs"]
    except (OSError, ValueError, KeyError):
        return None
    return inputs if isinstance(inputs, dict) else None
