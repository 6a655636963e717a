"""From a campaign's layers, brand and words to the title sheet of one master and the captions of one voice.

Pure: seconds become frames, brand facts become a brand style, word times become caption cues. The same functions serve
the real master and the preflight that asks whether every text fits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from flows.model import Brand, LayerBrief
from flows.steps import LEAD_IN_SECONDS, BrandFacts, MasterStep

if TYPE_CHECKING:
    from audio.spec import Cue, Word
    from generation.layers.spec import BrandStyle, Layer, TitleSheet


def brand_style(brand: Brand | BrandFacts) -> BrandStyle:
    """The brand as `generation` knows it."""
    from generation.layers.spec import BrandStyle

    return BrandStyle(
        name=brand.name,
        primary=brand.primary,
        accent=brand.accent,
        ink=brand.ink,
        paper=brand.paper,
        logo=brand.logo,
        fonts=brand.fonts,
        family=brand.font_family,
    )


def frame_at(seconds: float | None, frames: int, fps: Fraction) -> int:
    """Frame of a layer's time: from the start, from the end when negative, the end itself for None; kept inside."""
    if seconds is None:
        return frames
    frame = round(Fraction(seconds).limit_denominator(1000) * fps)
    return max(0, min(frames, frame if seconds >= 0 else frames + frame))


def place_layers(layers: Sequence[LayerBrief], frames: int, fps: Fraction) -> tuple[Layer, ...]:
    """The layers on the film's own frames; those without text, or that end before they start, are left out."""
    from generation.layers.spec import Layer

    placed = []
    for brief in layers:
        first, last = frame_at(brief.start_seconds, frames, fps), frame_at(brief.end_seconds, frames, fps)
        if (brief.text or brief.kind in ("logo", "end_card")) and last > first:
            placed.append(Layer(brief.kind, brief.text, first, last, dict(brief.extra)))
    return tuple(placed)


def title_sheet(step: MasterStep, cues: Sequence[Cue]) -> TitleSheet:
    """All that is drawn over the plate of a master. Captions end where the end card begins: it speaks for itself."""
    from generation.layers.spec import CaptionSpan, TitleSheet
    from generation.spec import Box, Size

    frames, fps = step.plate.frames, step.plate.fps
    layers = place_layers(step.layers, frames, fps)
    until = min((layer.start_frame for layer in layers if layer.kind == "end_card"), default=frames)
    spans = []
    for cue in cues:
        first, last = round(cue.start_seconds * fps), min(until, round(cue.end_seconds * fps))
        if last > first:
            spans.append(CaptionSpan(first, last, cue.lines))
    return TitleSheet(
        size=Size(*step.plate.size),
        safe=Box(*step.safe),
        frames=frames,
        fps=fps,
        locale=step.locale,
        brand=brand_style(step.brand),
        layers=layers,
        captions=tuple(spans),
        disclosure_label=step.disclosure_label,
        disclosure_until=None if step.disclosure_seconds is None else frame_at(step.disclosure_seconds, frames, fps),
        watermark=step.watermark,
    )


def words_from(facts: Mapping[str, object]) -> tuple[Word, ...]:
    """The words of a finished voice step, moved to where the mix puts them."""
    from audio.spec import Word

    words = facts["words"]
    assert isinstance(words, list)
    return tuple(
        Word(str(text), int(offset), start + LEAD_IN_SECONDS, end + LEAD_IN_SECONDS)
        for text, offset, start, end in words
    )
