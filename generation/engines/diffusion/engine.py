"""The port's side of the presets: facts, what is refused before a GPU is touched, and the hand-over to a session.

This module imports nothing heavy, so that a plan can read the facts of every preset without torch.
"""

from __future__ import annotations

import copy
import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from generation.engines.contract import Engine
from generation.engines.diffusion.hardware import (
    INSTALL,
    LIBRARIES,
    Gpu,
    fitting,
    gpus,
    largest,
    least_gib,
    missing_libraries,
)
from generation.engines.diffusion.options import NEUTRAL, DiffusionOptions
from generation.engines.diffusion.presets import Checkpoint, Preset
from generation.engines.diffusion.verify import safetensors_fault
from generation.engines.diffusion.weights import adapters, checkpoints, download_gib, identity, lacking
from generation.errors import BadMedia, BadShot
from generation.spec import Footage, Progress, Shot, Size

if TYPE_CHECKING:
    from generation.engines.diffusion.session import Session

#: Raised by hand whenever the code of this folder makes other pixels of the same preset, shot and options.
CODE_REVISION = 1
#: How far a picture's area may be from the native ones. 480p is 0.43 of 720p and looks right; half as many pixels again
#: as a model was trained at, and subjects begin to appear twice.
LEAST_AREA, MOST_AREA = 0.4, 1.5


class Diffusion(Engine):
    """Footage from one preset's text-to-video model."""

    digital_source_type = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
    libraries = LIBRARIES
    shots_per_job = 8
    encodes_prompts = True
    neutral_options = NEUTRAL
    Options = DiffusionOptions

    def __init__(self, preset: Preset) -> None:
        self.preset = preset
        self.id, self.title = preset.name, preset.title
        self.licence, self.licence_url = preset.licence, preset.licence_url
        self.commercial_use, self.revenue_cap_usd = preset.commercial_use, preset.revenue_cap_usd
        if not (preset.checkpoint.hub_id or preset.checkpoint.folder):
            self.notice = "The footage is noise of a model with random weights: a dry run, not for publishing"
        if preset.opt_in:
            self.conditions = f"Know that {preset.opt_in}, then set `engine_options: {{accept: true}}`"
        self.excluded_territories = preset.excluded_territories
        self.needs_gpu, self.needs = preset.needs_gpu, _needs(preset)
        self.makes_audio, self.ways = preset.makes_audio, preset.ways
        self.native_sizes, self.size_multiple_px = preset.sizes, preset.size_multiple_px
        self.memory_gib = preset.memory_gib
        self.min_seconds = float(preset.min_frames / preset.fps)
        self.max_seconds = float(preset.max_frames / preset.fps)
        self.negative_prompt = preset.negative_prompt
        self.models = _models(preset)
        self.revision = _revision(preset)
        self._session: Session | None = None

    def for_options(self, options: Mapping[str, object]) -> Diffusion:
        """See `Engine`: the negative words of the options are the engine's."""
        made = copy.copy(self)
        chosen = self._options(options)
        made.negative_prompt = _joined(self.preset.negative_prompt, chosen.negative)
        if chosen.accept and self.preset.opt_in and not self.revenue_cap_usd and self.commercial_use == "conditional":
            made.commercial_use = "yes"  # what was to be read has been read, by whoever answers for it
        return made

    def missing(self, cards: Sequence[Gpu] | None = None) -> tuple[str, ...]:
        """See `Engine`. `cards` are another machine's GPUs; None asks for those of this one."""
        lacks = []
        if absent := missing_libraries():
            lacks.append(f"{self.id} runs on {', '.join(absent)}, not installed here; install them: {INSTALL}")
        if self.needs_gpu and (lack := _lacking_gpu(self.preset, gpus() if cards is None else cards)):
            lacks.append(lack)
        return (*lacks, *lacking(self.preset))

    def native_fps(self, wanted: Fraction) -> Fraction:
        """See `Engine`."""
        return self.preset.fps

    def native_size(self, wanted: Size) -> Size:
        """See `Engine`: the nearest shape, and of several that size whose area is nearest."""
        return min(self.preset.sizes, key=lambda size: (_shape_distance(size, wanted), _area_distance(size, wanted)))

    def native_frames(self, seconds: float, fps: Fraction) -> int:
        """See `Engine`."""
        step, offset = self.preset.frames_step, self.preset.frames_offset
        least = max(super().native_frames(seconds, fps), self.preset.min_frames)
        return step * math.ceil((least - offset) / step) + offset

    def refuse(self, shot: Shot) -> None:
        """See `Engine`; diffusers would round sizes and lengths without a word, so nothing is rounded here."""
        super().refuse(shot)
        options = self._options(shot.options)
        self._refuse_size(shot.size)
        self._refuse_time(shot)
        self._refuse_options(options)
        _refuse_files(shot, self.id)

    def _refuse_size(self, size: Size) -> None:
        areas = [one.width_px * one.height_px for one in self.preset.sizes]
        if not LEAST_AREA * min(areas) <= size.width_px * size.height_px <= MOST_AREA * max(areas):
            native = ", ".join(map(str, self.preset.sizes))
            raise BadShot(
                f"{self.id}: {size} is too far from what the model was trained at ({native}); "
                f"nearest is {self.native_size(size)}"
            )

    def _refuse_time(self, shot: Shot) -> None:
        preset = self.preset
        if shot.fps != preset.fps:
            raise BadShot(f"{self.id}: it makes {preset.fps} frames a second, not {shot.fps}; nearest is {preset.fps}")
        past = (shot.frames - preset.frames_offset) % preset.frames_step
        if past:
            below = shot.frames - past
            near = [n for n in (below, below + preset.frames_step) if preset.min_frames <= n <= preset.max_frames]
            rule = f"{preset.frames_step} n" + (f" + {preset.frames_offset}" if preset.frames_offset else "")
            raise BadShot(f"{self.id}: {shot.frames} frames are not {rule}; nearest: {' and '.join(map(str, near))}")

    def _refuse_options(self, options: DiffusionOptions) -> None:
        schedule = self.preset.schedule
        if self.preset.opt_in and not options.accept:
            raise BadShot(f"{self.id}: {self.preset.opt_in}; to use it, set `engine_options: {{accept: true}}`")
        if schedule.sigmas and options.steps not in (None, schedule.steps):
            raise BadShot(
                f"{self.id}: the model was distilled for exactly {schedule.steps} steps, not {options.steps}; "
                "leave `steps` out"
            )

    def encode(self, texts: Sequence[str], paths: Sequence[Path]) -> Iterator[Progress]:
        """See `Engine`."""
        yield from self._opened().encode(texts, paths)

    def render(self, shots: Sequence[Shot], paths: Sequence[Path]) -> Iterator[Progress | Footage]:
        """See `Engine`."""
        for shot in shots:
            self.refuse(shot)
        yield from self._opened().render([self._completed(shot) for shot in shots], paths)

    def _completed(self, shot: Shot) -> Shot:
        """With options as the model gives them, and with the negative words that a plan adds before it encodes them."""
        options = self._options(shot.options)
        own, negative = _joined(self.preset.negative_prompt, options.negative), shot.negative_prompt
        return replace(
            shot,
            options=options.model_dump(),
            negative_prompt=negative if negative.startswith(own) else _joined(own, negative),
        )

    def _options(self, options: Mapping[str, object]) -> DiffusionOptions:
        validated = self.validated(options)
        assert isinstance(validated, DiffusionOptions)
        return validated

    def _opened(self) -> Session:
        """The session, which loads models when they are needed and keeps them."""
        from generation.engines.diffusion.session import Session

        self._session = self._session or Session(self.preset)
        return self._session


def _joined(text: str, words: str) -> str:
    return f"{text}, {words}" if text and words else text or words


def _shape_distance(size: Size, wanted: Size) -> float:
    # Rounded: 16:9 and 9:16 are as far from a square, whatever the last bit of a logarithm says.
    return round(abs(math.log(size.aspect / wanted.aspect)), 9)


def _area_distance(size: Size, wanted: Size) -> float:
    return abs(math.log(size.width_px * size.height_px / (wanted.width_px * wanted.height_px)))


def _needs(preset: Preset) -> str:
    if not preset.needs_gpu:
        return f"{' and '.join(LIBRARIES[:2])}: {INSTALL}"
    full = preset.memory_gib.get("bf16", 0.0)
    memory = f"{least_gib(preset):g} GiB" + (f" ({full:g} GiB for full speed)" if full > least_gib(preset) else "")
    gib = download_gib(preset)
    return f"a GPU with {memory}" + (f", {gib:.0f} GiB of weights: spotmill models pull {preset.name}" if gib else "")


def _lacking_gpu(preset: Preset, cards: Sequence[Gpu]) -> str:
    """What is wrong with the GPUs for a preset; "" when it fits one of them."""
    card = largest(cards)
    if card is None:
        return f"{preset.name} needs a GPU with {least_gib(preset):g} GiB, and no GPU was found"
    if fitting(preset, card.memory_gib):
        return ""
    return (
        f"{preset.name} needs a GPU with {least_gib(preset):g} GiB, and the largest one here, {card.name}, "
        f"has {card.memory_gib:.1f} GiB"
    )


def _models(preset: Preset) -> tuple[str, ...]:
    """Every repository, folder and LoRA behind a preset, with what it holds."""

    def named(one: Checkpoint) -> str:
        where = one.hub_id or Path(one.folder).name or f"spotmill/{preset.name}"
        return f"{where}@{identity(one, preset.name)[:12]}"

    loras = dict.fromkeys(f"{one.hub_id}@{one.revision[:12] or 'not pinned'}" for one in adapters(preset))
    return (*map(named, checkpoints(preset)), *loras)


def _revision(preset: Preset) -> str:
    """A digest of everything in a preset that decides a pixel; its words, limits and prices do not."""
    deciding = {
        "code": CODE_REVISION,
        "weights": [identity(one, preset.name) for one in checkpoints(preset)],
        "adapters": [asdict(one) for one in preset.adapters],
        "schedule": asdict(preset.schedule),
        "speeds": {level: asdict(speed) for level, speed in preset.speeds.items()},
        **{key: getattr(preset, key) for key in ("family", "fps", "guidance", "guidance_2", "call", "attention")},
    }
    text = json.dumps(deciding, sort_keys=True, default=str)
    return f"{preset.name}-{CODE_REVISION}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def _refuse_files(shot: Shot, engine: str) -> None:
    """Every file that a shot names has to be there and to be what it should be."""
    pictures = [path for path in (shot.image, shot.first_frame, shot.last_frame, *shot.references) if path is not None]
    if pictures:
        from generation.engines.diffusion.pictures import check_picture

        for picture in pictures:
            check_picture(picture)
    if shot.video is not None and not shot.video.is_file():
        raise BadMedia(f"{shot.video.name}: there is no such film")
    if shot.video is not None and not 0 < shot.strength <= 1:
        raise BadShot(f"{engine}: strength {shot.strength:g} is outside 0-1; 1 takes only the film's length")
    for lora in shot.loras:
        if fault := safetensors_fault(lora.path):
            raise BadMedia(f"the LoRA {lora.path.name} cannot be used: {fault}")
