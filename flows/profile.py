"""The draft profile: a whole campaign small and quick, so that a thousand ads are seen before any of them is paid for.

A draft goes through every stage that its film will go through. It is a third of the size, encoded quickly, has DRAFT
written on it and no invisible mark, and its footage is drawn by an engine that needs no GPU. It lies in a folder of its
own beside that of the films, and `publish` and `handoff` refuse it. Knows how a draft differs; makes nothing.
"""

from __future__ import annotations

from dataclasses import replace

from flows.model import Campaign
from flows.placements import Rendition, Safe, load_renditions, safe_box
from flows.variants import slug

FULL, DRAFT = "full", "draft"
#: Sides are divided by this: 360 pixels are legible in a contact sheet, and every side stays whole and even.
SMALLER = 3
#: Draws on any CPU.
ENGINE = "animatic"
WATERMARK = "DRAFT"


def in_profile(campaign: Campaign, *, engine_asked: bool) -> Campaign:
    """The campaign as its profile has it made. An engine that was asked for by name stays: drafts of its footage."""
    if campaign.profile != DRAFT:
        return campaign
    draft = replace(
        campaign,
        quality="preview",
        invisible_mark="none",
        # Nobody is asked to approve what is never published.
        approval="none",
        brand=replace(campaign.brand, watermark=WATERMARK),
    )
    if engine_asked or campaign.engine == ENGINE:
        return draft
    # Options and speeds are those of another engine.
    return replace(draft, engine=ENGINE, engine_options={}, speed="")


def renditions_of(profile: str) -> dict[str, Rendition]:
    """The pictures that placements share, in a profile's size."""
    renditions = load_renditions()
    return renditions if profile != DRAFT else {name: _smaller(one) for name, one in renditions.items()}


def _smaller(rendition: Rendition) -> Rendition:
    """The same picture, smaller; its safe box is the film's, rounded outwards to the draft's larger pixels."""
    width, height = rendition.width // SMALLER, rendition.height // SMALLER
    x, y, wide, high = safe_box(rendition, (width, height))
    margins = (y / height, 1 - (y + high) / height, x / width, 1 - (x + wide) / width)
    # A little less of each, for the box of a rendition is rounded inwards.
    safe = Safe(*(max(0.0, round(margin - 1e-4, 4)) for margin in margins))
    return replace(rendition, width=width, height=height, safe=safe)


def results_name(campaign: Campaign) -> str:
    """Name of the folder with the results: drafts never lie among films."""
    name = slug(campaign.name)
    return f"{name}-{DRAFT}" if campaign.profile == DRAFT else name


def draft_notice(campaign: Campaign) -> str:
    """What everybody must know who looks at drafts; "" for films."""
    if campaign.profile != DRAFT:
        return ""
    return f"These are drafts by {campaign.engine}, 360 pixels wide or high, for looking at; none will be published"
