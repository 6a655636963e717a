"""Creatives to steps with keys: what a run would do, before it does it.

Pure: the same campaign gives the same steps. Identical shots, voices, mixes and masters get identical keys and are made
once, however many creatives use them. Knows placements, lengths, sizes and policies; makes nothing and reads no ledger.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from flows.disclosure import Disclosure, disclose
from flows.footage_plan import FootagePlanner, Reel
from flows.ledger import digest
from flows.model import Brand, Campaign, Creative, ShotBrief
from flows.placements import Placement, load_placements, load_renditions, safe_box, watermark_for
from flows.steps import (
    LEAD_IN_SECONDS,
    TAIL_SECONDS,
    BedStep,
    BrandFacts,
    DeliveryStep,
    MasterStep,
    MixStep,
    PlateStep,
    StemPart,
    Step,
    TrackStep,
    VoiceStep,
)

if TYPE_CHECKING:
    from audio.voices.contract import Voice
    from flows.template_file import Length
    from generation.engines.contract import Engine

FPS = Fraction(30000, 1001)
#: How the shots of a film are joined (generation/cut.py).
TRANSITION = "dissolve"
#: AAC pads up to 21 ms at the end; a file must stay within its slot all the same.
AUDIO_PADDING_SECONDS = 0.025
#: Longest caption line by aspect: 42 columns on a wide picture, half of it on an upright one.
CAPTION_CHARACTERS = {"9:16": 24, "4:5": 28, "1:1": 28, "16:9": 42}


@dataclass(frozen=True, slots=True)
class Film:
    """One master of a creative and the placements that it serves."""

    rendition: str
    size: tuple[int, int]
    frames: int
    master: MasterStep
    deliveries: tuple[DeliveryStep, ...]
    disclosures: tuple[Disclosure, ...]


@dataclass(frozen=True, slots=True)
class CreativePlan:
    """A creative and all of its films."""

    creative: Creative
    films: tuple[Film, ...]

    def steps(self) -> Iterator[Step]:
        """Every step behind this creative, each before those that build on it; shared ones may come twice."""
        for film in self.films:
            for shot in film.master.plate.footage:
                yield from shot.encoded
                yield shot
            yield from film.master.plate.conformed
            yield film.master.plate
            if film.master.voice:
                yield film.master.voice
            yield film.master
            for delivery in film.deliveries:
                if delivery.track:
                    yield from (step for step in (delivery.track.mix.bed, delivery.track.mix) if step)
                    yield delivery.track
                yield delivery


class _Group(NamedTuple):
    """What decides the picture of a film: placements with equal groups share one master."""

    rendition: str
    frames: int
    watermark: str
    label: str


class Planner:
    """Turns creatives of one campaign into steps. Holds what is the same for all of them."""

    def __init__(
        self,
        campaign: Campaign,
        length: Length,
        engine: Engine,
        voice: Voice,
        sha256_of: Callable[[Path], str],
    ) -> None:
        self.campaign = campaign
        self.sha256_of = sha256_of
        self._range = (length.min, length.max)
        self._placements = load_placements()
        self._renditions = load_renditions()
        self._engine = engine
        self._voice = voice
        self._brand = brand_facts(campaign.brand, sha256_of)
        self._brand_key = digest(self._brand.identity())
        self._safe = {name: safe_box(rendition) for name, rendition in self._renditions.items()}
        self._frames = lru_cache(maxsize=None)(self._frames_of)
        self._shots = FootagePlanner(engine, campaign.engine_options, FPS, TRANSITION, sha256_of, campaign.conform)
        #: What had to be chosen, as sentences for the plan.
        self.notes = self._shots.notes
        self._plate = lru_cache(maxsize=4096)(self._plate_of)
        self._reel = lru_cache(maxsize=4096)(self._shots.reel)
        self._disclose = lru_cache(maxsize=65536)(self._disclosure_of)

    def plan(self, creative: Creative) -> CreativePlan:
        """All films of a creative: one for each aspect, length and set of marks, shared by the placements."""
        groups: dict[_Group, list[tuple[Placement, Disclosure]]] = {}
        for name in creative.placements:
            placement = self._placements[name]
            disclosure = self._disclose(creative.locale, name, creative.synthetic_person)
            group = _Group(placement.rendition, self._frames(name), self._watermark(placement), disclosure.label)
            groups.setdefault(group, []).append((placement, disclosure))
        shortest = min(group.frames for group in groups)
        voice = self._voice_step(creative, shortest)
        layers_key = digest(creative.layers)
        films = [self._film(creative, voice, layers_key, group, members) for group, members in groups.items()]
        return CreativePlan(creative, tuple(films))

    def _film(
        self,
        creative: Creative,
        voice: VoiceStep | None,
        layers_key: str,
        group: _Group,
        members: list[tuple[Placement, Disclosure]],
    ) -> Film:
        rendition = self._renditions[group.rendition]
        size = (rendition.width, rendition.height)
        plate, stems = self._plate(creative.shots, creative.look, size, group.frames)
        master = MasterStep(
            plate=plate,
            voice=voice,
            layers=creative.layers,
            locale=creative.locale,
            brand=self._brand,
            safe=self._safe[rendition.id],
            caption_characters=CAPTION_CHARACTERS[rendition.aspect],
            disclosure_label=group.label,
            watermark=group.watermark,
            quality=self.campaign.quality,
        ).keyed(layers_key, self._brand_key)
        mix = self._mix(creative, voice, group.frames, stems)
        tracks: dict[tuple[float, float, int], TrackStep] = {}
        deliveries = tuple(self._delivery(placement, master, mix, tracks) for placement, _ in members)
        return Film(rendition.id, size, group.frames, master, deliveries, tuple(rule for _, rule in members))

    def _delivery(
        self,
        placement: Placement,
        master: MasterStep,
        mix: MixStep | None,
        tracks: dict[tuple[float, float, int], TrackStep],
    ) -> DeliveryStep:
        target = (placement.loudness_lufs, placement.true_peak_dbtp, placement.audio_kbps)
        if mix and target not in tracks:
            tracks[target] = TrackStep(mix, *target).keyed()
        track = tracks.get(target)
        return DeliveryStep(master, track, placement.id, placement.limits(), self.campaign.brand.name).keyed()

    def _frames_of(self, placement: str) -> int:
        return frames_for(self._placements[placement], self.campaign.seconds, self._range)

    def _plate_of(
        self, shots: tuple[ShotBrief, ...], look: str, size: tuple[int, int], frames: int
    ) -> tuple[PlateStep, tuple[StemPart, ...]]:
        style = self._style_words(look) if self._engine.reads_style_words else (("", ""), "")
        reel: Reel = self._reel(shots, size, frames, *style)
        plate = PlateStep(
            reel.footage, size, FPS, frames, look, reel.transition, self.campaign.seed, reel.conformed
        ).keyed()
        return plate, reel.stems

    @staticmethod
    @lru_cache(maxsize=64)
    def _style_words(look: str) -> tuple[tuple[str, str], str]:
        """What a look adds to prompt and negative prompt, and to the prompt of a shot that names its camera move."""
        from generation.looks import style_words

        return style_words(look), style_words(look, with_camera=False)[0]

    def _voice_step(self, creative: Creative, shortest_frames: int) -> VoiceStep | None:
        """One voice for all lengths: it is fitted to the shortest film that it accompanies."""
        if not creative.voiceover or self._voice.id == "none":
            return None
        available = float(shortest_frames / FPS) - LEAD_IN_SECONDS - TAIL_SECONDS
        return VoiceStep(
            voice=self._voice.id,
            voice_revision=self._voice.revision,
            options=dict(self.campaign.voice_options),
            text=creative.voiceover,
            locale=creative.locale,
            available_seconds=round(available, 3),
        ).keyed()

    def _mix(
        self, creative: Creative, voice: VoiceStep | None, frames: int, stems: tuple[StemPart, ...]
    ) -> MixStep | None:
        seconds = round(frames * FPS.denominator / FPS.numerator, 6)
        bed = None
        if creative.music != "none":
            bed = BedStep(creative.music, seconds, self.campaign.seed).keyed()
        return MixStep(voice, bed, seconds, stems).keyed() if voice or bed or stems else None

    def _watermark(self, placement: Placement) -> str:
        shown = watermark_for(placement, preview=self.campaign.quality == "preview")
        return self.campaign.brand.watermark if shown else ""

    def _disclosure_of(self, locale: str, placement: str, synthetic_person: bool | None) -> Disclosure:
        return disclose(
            locale=locale,
            placement=self._placements[placement],
            synthetic_person=synthetic_person,
            digital_source_type=self._engine.digital_source_type,
            synthetic_voice=self._voice.id != "none",
            override=self.campaign.disclosure,
            reason=self.campaign.disclosure_reason,
        )


def brand_facts(brand: Brand, sha256_of: Callable[[Path], str]) -> BrandFacts:
    """The brand with its files identified by their bytes."""
    return BrandFacts(
        name=brand.name,
        primary=brand.primary,
        accent=brand.accent,
        ink=brand.ink,
        paper=brand.paper,
        logo=brand.logo,
        logo_sha256=sha256_of(brand.logo) if brand.logo else "",
        fonts=brand.fonts,
        fonts_sha256=tuple(sha256_of(font) for font in brand.fonts),
        font_family=brand.font_family,
    )


def frames_for(placement: Placement, wanted_seconds: float, length_range: tuple[float, float]) -> int:
    """Frames of the film for a placement: the wanted length, moved into the placement's and the template's limits.

    Raises: ValueError when the two ranges do not meet; preflight reports it before anything is planned.
    """
    shortest = math.ceil(max(length_range[0], placement.min_seconds) * FPS)
    # A template that ends where the placement begins ("6-10 s", "10 s at least") meets it: its last frame may be begun.
    longest = min(
        math.ceil(length_range[1] * FPS),
        math.floor((placement.max_seconds - AUDIO_PADDING_SECONDS) * FPS),
    )
    if shortest > longest:
        raise ValueError(f"{placement.id} takes {placement.min_seconds:g}-{placement.max_seconds:g} s")
    return max(shortest, min(longest, math.floor(wanted_seconds * FPS + Fraction(1, 2))))
