"""Creatives to steps with keys: what a run would do, before it does it.

Pure: the same campaign gives the same steps. Identical shots, voices, mixes and masters get identical keys and are made
once, however many creatives use them. Knows placements, sizes and policies (lengths are in `lengths.py`, the shots'
footage in `footage_plan.py`); makes nothing and reads no ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from flows.disclosure import Disclosure, disclose
from flows.disclosure_share import Share, share_of
from flows.film_plan import CreativePlan, Film
from flows.footage_plan import FootagePlanner, Reel
from flows.ledger import digest
from flows.lengths import FPS, frames_for
from flows.marking import Marking
from flows.model import Brand, Campaign, Creative, ShotBrief
from flows.placements import Placement, load_placements, safe_box, watermark_for
from flows.policy.content import content_identity
from flows.policy.judge import Policy, review_reasons
from flows.profile import DRAFT, renditions_of
from flows.steps import (
    LEAD_IN_SECONDS,
    TAIL_SECONDS,
    Asset,
    BedStep,
    BrandFacts,
    ContentStep,
    DeliveryStep,
    DraftStep,
    MasterStep,
    MixStep,
    PackageStep,
    PlateStep,
    Source,
    StemPart,
    SurvivalStep,
    TrackStep,
    VoiceStep,
)

if TYPE_CHECKING:
    from audio.voices.contract import Voice
    from flows.template_file import Length
    from generation.engines.contract import Engine

#: How the shots of a film are joined (generation/cut.py).
TRANSITION = "dissolve"
#: Longest caption line by aspect: 42 columns on a wide picture, half of it on an upright one.
CAPTION_CHARACTERS = {"9:16": 24, "4:5": 28, "1:1": 28, "16:9": 42}


class _Group(NamedTuple):
    """What decides the picture of a film: placements with equal groups share one master."""

    rendition: str
    frames: int
    watermark: str
    label: str
    #: Seconds from the start that show the label; None is the whole film.
    label_seconds: float | None


class Planner:
    """Turns creatives of one campaign into steps. Holds what is the same for all of them."""

    def __init__(
        self,
        campaign: Campaign,
        length: Length,
        engine: Engine,
        voice: Voice,
        sha256_of: Callable[[Path], str],
        *,
        prove: bool = False,
        policy: Policy | None = None,
    ) -> None:
        self.campaign = campaign
        #: How this machine marks films; whoever has its settings sets it before anything is planned.
        self.marking = Marking()
        self._prove, self._policy = prove, policy or Policy()
        self.sha256_of = sha256_of
        self._range = (length.min, length.max)
        self._placements = load_placements()
        #: The pictures that are made, in the size that the campaign's profile has them made in.
        self.renditions = renditions_of(campaign.profile)
        self._engine = engine
        self._voice = voice
        self._brand = brand_facts(campaign.brand, sha256_of)
        self._brand_key = digest(self._brand.identity())
        self._mark = "" if campaign.invisible_mark == "none" else campaign.invisible_mark
        self._mark_revision = _revision_of_mark(self._mark)
        self._models = ((engine.id, engine.revision), *((model, "") for model in engine.models))
        self._safe = {name: safe_box(rendition) for name, rendition in self.renditions.items()}
        self._frames = lru_cache(maxsize=None)(self._frames_of)
        self._shots = FootagePlanner(engine, campaign.engine_options, FPS, TRANSITION, sha256_of, campaign.conform)
        #: What had to be chosen, as sentences for the plan.
        self.notes = self._shots.notes
        self._plate = lru_cache(maxsize=4096)(self._plate_of)
        self._reel = lru_cache(maxsize=4096)(self._shots.reel)
        self._disclose = lru_cache(maxsize=65536)(self._disclosure_of)
        self._sources_known: dict[str, tuple[Source, ...]] = {}
        self._content_identity: dict[str, object] | None = None

    def plan(self, creative: Creative) -> CreativePlan:
        """All films of a creative: one for each aspect, length and set of marks, shared by the placements."""
        groups: dict[_Group, list[tuple[Placement, Disclosure]]] = {}
        share = share_of(creative.shots, self._engine.digital_source_type)
        for name in creative.placements:
            placement = self._placements[name]
            disclosure = self._disclose(creative.locale, name, creative.synthetic_person, share)
            group = _Group(
                placement.rendition,
                self._frames(name),
                self._watermark(placement),
                disclosure.label,
                disclosure.label_until_seconds,
            )
            groups.setdefault(group, []).append((placement, disclosure))
        shortest = min(group.frames for group in groups)
        voice = self._voice_step(creative, shortest)
        layers_key = digest(creative.layers)
        drafted = self._may_need_person(creative)
        films = [self._film(creative, voice, layers_key, group, members, drafted) for group, members in groups.items()]
        return CreativePlan(creative, tuple(films))

    def _film(
        self,
        creative: Creative,
        voice: VoiceStep | None,
        layers_key: str,
        group: _Group,
        members: list[tuple[Placement, Disclosure]],
        drafted: bool,
    ) -> Film:
        rendition = self.renditions[group.rendition]
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
            disclosure_seconds=group.label_seconds,
            watermark=group.watermark,
            quality=self.campaign.quality,
            content=self._content(plate),
            invisible_mark=self._mark,
            mark_revision=self._mark_revision,
            mark_secret=self.marking.mark_secret if self._mark else None,
        ).keyed(layers_key, self._brand_key)
        mix = self._mix(creative, voice, group.frames, stems)
        tracks: dict[tuple[float, float, int], TrackStep] = {}
        deliveries = tuple(self._delivery(place, rule, master, mix, tracks) for place, rule in members)
        disclosures = tuple(rule for _, rule in members)
        further = tuple(self._further(deliveries, drafted))
        draft = self.campaign.profile == DRAFT
        return Film(rendition.id, size, group.frames, master, deliveries, disclosures, further, draft)

    def _may_need_person(self, creative: Creative) -> bool:
        """Whether somebody must approve its films, or may have to: what is seen in them is not known yet."""
        if self.campaign.profile == DRAFT:
            return False
        looked_at = self.campaign.content_checks.faces is not None and creative.synthetic_person is False
        return self.campaign.approval == "required" or looked_at or bool(self.reviews(creative))

    def reviews(self, creative: Creative) -> tuple[str, ...]:
        """Why the policy wants a person to look at a creative; () where it does not."""
        return review_reasons(self._policy.judge(creative))

    def _further(self, deliveries: tuple[DeliveryStep, ...], drafted: bool) -> Iterator[DraftStep | SurvivalStep]:
        for delivery in deliveries:
            if drafted:
                yield DraftStep(delivery).keyed()
            if self._prove and self._mark:
                yield SurvivalStep(delivery).keyed()

    def _delivery(
        self,
        placement: Placement,
        disclosure: Disclosure,
        master: MasterStep,
        mix: MixStep | None,
        tracks: dict[tuple[float, float, int], TrackStep],
    ) -> DeliveryStep:
        target = (placement.loudness_lufs, placement.true_peak_dbtp, placement.audio_kbps)
        if mix and target not in tracks:
            tracks[target] = TrackStep(mix, *target).keyed()
        track = tracks.get(target)
        package = PackageStep(master, track, placement.id, placement.limits(), self.campaign.brand.name).keyed()
        return DeliveryStep(
            package=package,
            signing=self.marking.signing,
            source_type=disclosure.digital_source_type,
            models=self._models,
            ai_training=self.campaign.ai_training,
            sources=self._sources(master.plate) if self.marking.signing else (),
        ).keyed()

    def _content(self, plate: PlateStep) -> ContentStep | None:
        checks = self.campaign.content_checks
        if checks.nsfw is None and checks.faces is None:
            return None
        if self._content_identity is None:
            self._content_identity = content_identity(checks)
        return ContentStep(plate, checks, self._content_identity).keyed()

    def _sources(self, plate: PlateStep) -> tuple[Source, ...]:
        """The user's own files behind a film, for its signed statement."""
        if plate.key not in self._sources_known:
            self._sources_known[plate.key] = tuple(self._sources_of(plate))
        return self._sources_known[plate.key]

    def _sources_of(self, plate: PlateStep) -> Iterable[Source]:
        drawn = "inputTo" if "trained" in self._engine.digital_source_type.casefold() else "componentOf"
        found: dict[str, Source] = {}
        for shot in plate.footage:
            for asset in (shot.picture, shot.last_picture, shot.clip, *shot.references):
                if asset:
                    found.setdefault(asset.sha256, Source(asset, drawn))
        if self._brand.logo:
            logo = Asset(self._brand.logo, self._brand.logo_sha256)
            found.setdefault(logo.sha256, Source(logo, "componentOf"))
        return found.values()

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

    def _disclosure_of(self, locale: str, placement: str, synthetic_person: bool | None, share: Share) -> Disclosure:
        return disclose(
            locale=locale,
            placement=self._placements[placement],
            synthetic_person=synthetic_person,
            digital_source_type=self._engine.digital_source_type,
            share=share,
            synthetic_voice=self._voice.id != "none",
            override=self.campaign.disclosure,
            reason=self.campaign.disclosure_reason,
        )


def _revision_of_mark(name: str) -> str:
    if not name:
        return ""
    from generation.marks.invisible import get_mark

    return get_mark(name).revision


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
