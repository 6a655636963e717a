"""The steps of a creative as values: what each needs, and its key. Nothing is made here.

A step is a pure function of what its record holds: the key is a hash of the record, of the keys of the steps it builds
on, and of the revision of the code that does the work (`revision.py`) or of the engine or voice. So the key of a
delivery is known before any footage exists, and a changed price changes exactly the keys that depend on it.

    prompt ── footage ┬─ conform ─ plate ─┤ content
      voice ─┬────────│───────────────────┴─ master ─┐
             └────────┴─ mix ── track ───────────────┴─ package ── delivery ┬─ draft
      bed ───────────────┘                                                  └─ survival

Content is looked at only where the campaign names models for it. A prompt is a step only where the engine encodes texts
apart, conform only where it renders at a rate of its own, and footage enters a mix only where it has a sound of its
own. A draft is made where a person must approve the delivery, and survival is measured where the run asks for it.
"""

from flows.steps.deliveries import DeliveryStep, DraftStep, Signing, Source, SurvivalStep
from flows.steps.films import MARK_DIGITS, BrandFacts, ContentStep, MasterStep, PackageStep
from flows.steps.footage import ConformStep, FootageStep, LoraAsset, PlateStep, PromptStep
from flows.steps.keys import Asset, Secret
from flows.steps.sound import LEAD_IN_SECONDS, TAIL_SECONDS, BedStep, MixStep, StemPart, TrackStep, VoiceStep

__all__ = [
    "LEAD_IN_SECONDS",
    "MARK_DIGITS",
    "TAIL_SECONDS",
    "Asset",
    "BedStep",
    "BrandFacts",
    "ConformStep",
    "ContentStep",
    "DeliveryStep",
    "DraftStep",
    "FootageStep",
    "LoraAsset",
    "MasterStep",
    "MixStep",
    "PackageStep",
    "PlateStep",
    "PromptStep",
    "Secret",
    "Signing",
    "Source",
    "StemPart",
    "Step",
    "SurvivalStep",
    "TrackStep",
    "VoiceStep",
]

Step = (
    PromptStep
    | FootageStep
    | ConformStep
    | PlateStep
    | VoiceStep
    | BedStep
    | MixStep
    | TrackStep
    | ContentStep
    | MasterStep
    | PackageStep
    | DeliveryStep
    | DraftStep
    | SurvivalStep
)
