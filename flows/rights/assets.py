"""What a creative is made of: its files, its music, its voice, its engine, each with where it was named.

Which of them a model is given is decided here too, because rights ask for it. Knows no entry and no licence.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from flows.assets import asset_file
from flows.model import Campaign, Creative, ShotBrief
from flows.rows import lookup

if TYPE_CHECKING:
    from flows.template import Template
    from generation.engines.contract import Engine


@dataclass(frozen=True, slots=True)
class Asset:
    """One thing that somebody may hold rights in."""

    #: picture, clip, lora, logo, font, model (files); music, voice, engine (names).
    kind: str
    name: str
    path: Path | None = None
    #: A trained model is given it.
    given: bool = False


def assets_of_shots(shots: tuple[ShotBrief, ...], given: bool, begins_with_pictures: bool = True) -> Iterator[Asset]:
    """Files that the shots name; `given` says whether the engine is a trained model, and the last whether it looks at
    the row's own picture: an engine that does not leaves it out.
    """
    for shot in shots:
        if shot.picture:
            yield Asset("picture", shot.picture.name, shot.picture, given and begins_with_pictures)
        for path in filter(None, (shot.last_picture, *shot.references)):
            yield Asset("picture", path.name, path, given)
        if shot.clip:
            yield Asset("clip", shot.clip.name, shot.clip, given)
        for lora in shot.loras:
            yield Asset("lora", lora.path.name, lora.path)


def assets_of_campaign(campaign: Campaign) -> Iterator[tuple[str, Asset]]:
    """Files that every creative of a campaign is made with, each with the file and key that names it."""
    brand = campaign.brand
    if brand.logo:
        yield "brand.yaml:logo", Asset("logo", brand.logo.name, brand.logo)
    for font in brand.fonts:
        yield "brand.yaml:fonts", Asset("font", font.name, font)
    for model in (campaign.conform.interpolation_model, campaign.conform.upscale_model):
        if model:
            yield "campaign.yaml:conform", Asset("model", model.name, model)


def given_to_model(engine: Engine) -> bool:
    """Whether what a shot starts from is shown to a trained model."""
    return "trained" in engine.digital_source_type.casefold()


def column_of(template: Template, campaign: Campaign, creative: Creative, asset: Asset) -> str | None:
    """The column of the row that names a file; None where the row does not."""
    for part in template.spec.shots:
        for _, name, _ in part.files:
            text = lookup(creative.row.variables, name, creative.locale)
            if text and asset_file(campaign.folder, text) == asset.path:
                return name
    return "lora" if any(lora.path == asset.path for lora in creative.row.loras) else None
