"""Shots as a template asks for them to footage as an engine can make it: sizes, frame counts, parts, prompts, joins.

Pure, and the only place that weighs what an engine can do against what a shot wants. An engine renders at a rate of its
own, no longer than it can, and from what its `ways` name; a film of six seconds from a model that makes five becomes
two shots, the second beginning where the first ends. What is asked of an engine that it does not take and nobody may
leave out is left in the step: `check` has the engine refuse it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from importlib.util import find_spec
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

from flows.model import ConformBrief, ShotBrief
from flows.steps import Asset, ConformStep, FootageStep, LoraAsset, PromptStep, StemPart

if TYPE_CHECKING:
    from generation.engines.contract import Engine

#: How the digital source type of what a model made ends.
MODEL_FOOTAGE = "/trainedAlgorithmicMedia"
#: A shot in more parts than this is no longer a shot.
MOST_PARTS = 60


@dataclass(frozen=True, slots=True)
class Reel:
    """The footage of one film, and how it is joined."""

    footage: tuple[FootageStep, ...]
    #: The shots at the delivery rate; () where the plate takes the footage as it is.
    conformed: tuple[ConformStep, ...]
    #: For all joins, or one for each.
    transition: str | tuple[str, ...]
    #: Own sound of the shots; () for silent engines.
    stems: tuple[StemPart, ...]


@dataclass(frozen=True, slots=True)
class _Part:
    """One request to the engine: a shot, or a piece of one that is longer than the engine can make."""

    shot: ShotBrief
    #: At the delivery rate.
    frames: int
    #: Begins where the part before ends; and another part begins where this one ends.
    continues: bool
    continued: bool = False
    #: Of its shot.
    last: bool = True


class FootagePlanner:
    """Turns the shots of a film into footage of one engine. Holds what is the same for all films."""

    def __init__(
        self,
        engine: Engine,
        options: Mapping[str, object],
        fps: Fraction,
        transition: str,
        sha256_of: Callable[[Path], str],
        conform: ConformBrief | None = None,
    ) -> None:
        self._engine, self._fps, self._transition = engine, fps, transition
        self._sha256_of = sha256_of
        self._neutral = {name: value for name, value in options.items() if name in engine.neutral_options}
        self._options = {name: value for name, value in options.items() if name not in engine.neutral_options}
        self._native_fps = engine.native_fps(fps)
        self._conform = conform or ConformBrief()
        self._interpolation = self._conform.interpolation
        if self._interpolation == "auto":
            self._interpolation = "motion" if has_torch() else "blend"
        # What a model made is measured and steadied, whatever its rate.
        self.conforms = needs_conform(self._native_fps, fps) or engine.digital_source_type.endswith(MODEL_FOOTAGE)

    @property
    def notes(self) -> tuple[str, ...]:
        """What had to be chosen, as sentences for the plan."""
        if not needs_conform(self._native_fps, self._fps) or self._conform.interpolation != "auto" or has_torch():
            return ()
        rates = f"{float(self._native_fps):g} to {float(self._fps):.2f} frames a second"
        return (
            f"{self._engine.id}: footage goes from {rates} by mixing neighbouring frames, because motion-compensated "
            "interpolation needs torch, which is not installed: make diffusion",
        )

    def reel(
        self,
        shots: Sequence[ShotBrief],
        size: tuple[int, int],
        frames: int,
        style: tuple[str, str],
        directed: str | None = None,
    ) -> Reel:
        """The footage of a film of `frames` frames of `size`; `style` is prompt and negative words of the look.

        `directed` is the prompt words for shots that name a camera move of their own; None is the same words.
        """
        from generation.cut import shot_frames

        lengths = shot_frames(frames, [shot.share for shot in shots], self._joins(shots))
        parts = self._parts(shots, lengths)
        footage: list[FootageStep] = []
        for number, part in enumerate(parts):
            words = style if directed is None or not part.shot.camera else (directed, style[1])
            step = self._step(part, size, words)
            if part.continues:
                # What goes on from a frame shows the picture's subject already, and a model begins with one frame only.
                before, frame = footage[-1], self._frame_after(parts[number - 1])
                step = replace(step, picture=None, before=before, before_frame=min(frame, before.frames - 1))
            footage.append(step.keyed())
        conformed = self._conformed(footage, parts)
        joins = tuple("cut" if part.continues else self._transition for part in parts[1:])
        transition = joins if "cut" in joins else self._transition
        return Reel(tuple(footage), conformed, transition, self._stems(footage, conformed, frames, transition))

    def _joins(self, shots: Sequence[ShotBrief]) -> list[str]:
        """How shots are joined: a dissolve to one that goes on would show the same moment twice, so there it is cut."""
        goes_on = [shot.continues and "first_frame" in self._engine.ways for shot in shots[1:]]
        return ["cut" if one else self._transition for one in goes_on]

    # -- parts -----------------------------------------------------------------------------------------------------

    def _parts(self, shots: Sequence[ShotBrief], lengths: Sequence[int]) -> list[_Part]:
        joins = "first_frame" in self._engine.ways
        parts: list[_Part] = []
        followed = [*(shot.continues for shot in shots[1:]), False]
        for shot, frames, goes_on in zip(shots, lengths, followed, strict=True):
            number = self._number_of_parts(shot, frames, goes_on) if joins else 1
            edges = [frames * index // number for index in range(number + 1)]
            for index in range(number):
                continues = bool(parts) and joins and (index > 0 or shot.continues)
                if continues:
                    parts[-1] = replace(parts[-1], continued=True)
                parts.append(_Part(shot, edges[index + 1] - edges[index], continues, last=index + 1 == number))
        return parts

    def _number_of_parts(self, shot: ShotBrief, frames: int, goes_on: bool) -> int:
        """Into how many equal parts a shot is cut so that the engine can make each; 1 where none would do."""
        if shot.clip:  # a clip to restyle has the length it has
            return 1
        for number in range(1, min(MOST_PARTS, frames) + 1):
            longest = math.ceil(frames / number)
            native = self._native_frames(longest + (number > 1 or goes_on))
            if float(native / self._native_fps) <= self._engine.max_seconds:
                return number
        return 1

    def _native_frames(self, frames: int) -> int:
        """How many frames the engine has to render so that the last of them is not before frame `frames` - 1."""
        least = math.ceil((frames - 1) * self._native_fps / self._fps) + 1
        return self._engine.native_frames(float(least / self._native_fps), self._native_fps)

    # -- steps -----------------------------------------------------------------------------------------------------

    def _step(self, part: _Part, size: tuple[int, int], style: tuple[str, str]) -> FootageStep:
        """The request for one part, without what it goes on from and without its key."""
        from generation.spec import Size

        shot, engine = part.shot, self._engine
        native = engine.native_size(Size(*size))
        prompt = joined(shot.prompt, style[0])
        negative = joined(joined(engine.negative_prompt, shot.negative_prompt), style[1])
        picture, references = self._pictures(shot)
        return FootageStep(
            engine=engine.id,
            engine_revision=engine.revision,
            options=self._options,
            prompt=prompt,
            negative_prompt=negative,
            size=(native.width_px, native.height_px),
            # One more where another part goes on from here: its first frame is the one after our last.
            frames=self._native_frames(part.frames + part.continued),
            fps=self._native_fps,
            seed=shot.seed,
            picture=picture,
            last_picture=self._asset(shot.last_picture) if shot.last_picture and part.last else None,
            clip=self._asset(shot.clip) if shot.clip else None,
            strength=shot.strength if shot.clip else 0.0,
            references=references,
            loras=tuple(LoraAsset(lora.path, self._sha256_of(lora.path), lora.weight) for lora in shot.loras),
            neutral_options=self._neutral,
            encoded=self._encoded(prompt, negative),
        )

    def _frame_after(self, part: _Part) -> int:
        """Which of a part's frames is due when the next one begins: the first that is not shown of it."""
        return round(part.frames * self._native_fps / self._fps)

    def _pictures(self, shot: ShotBrief) -> tuple[Asset | None, tuple[Asset, ...]]:
        """The row's picture as the engine can take it: to begin with, to recognise, or not at all."""
        references = tuple(self._asset(path) for path in shot.references)
        if shot.picture is None:
            return None, references
        if "image" in self._engine.ways:
            return self._asset(shot.picture), references
        if "references" in self._engine.ways:
            return None, (self._asset(shot.picture), *references)
        return None, references

    def _asset(self, path: Path) -> Asset:
        return Asset(path, self._sha256_of(path))

    def _encoded(self, prompt: str, negative: str) -> tuple[PromptStep, ...]:
        """Both texts as steps; an empty negative prompt is a text like others."""
        if not self._engine.encodes_prompts:
            return ()
        engine = self._engine
        return tuple(PromptStep(engine.id, engine.revision, text).keyed() for text in (prompt, negative))

    def _conformed(self, footage: Sequence[FootageStep], parts: Sequence[_Part]) -> tuple[ConformStep, ...]:
        if not self.conforms:
            return ()
        pairs = zip(footage, parts, strict=True)
        wanted = self._conform
        return tuple(
            ConformStep(
                step,
                self._fps,
                part.frames,
                self._interpolation,
                wanted.deflicker,
                self._asset(wanted.interpolation_model) if wanted.interpolation_model else None,
                self._asset(wanted.upscale_model) if wanted.upscale_model else None,
            ).keyed()
            for step, part in pairs
        )

    def _stems(
        self,
        footage: Sequence[FootageStep],
        conformed: Sequence[ConformStep],
        frames: int,
        transition: str | tuple[str, ...],
    ) -> tuple[StemPart, ...]:
        """When each shot's own sound is heard: as the plate cuts the shots."""
        if not self._engine.makes_audio:
            return ()
        from generation.cut import covers, lengths, overlaps
        from generation.errors import BadMedia

        clips = conformed or footage
        try:
            shown = lengths([covers(clip.frames, clip.fps, self._fps) for clip in clips], frames, transition)
        except BadMedia:
            return ()  # shots too short for their joins: the plate fails by that and says so
        shared = overlaps(transition, len(clips))
        starts = accumulate((length - overlap for length, overlap in zip(shown, shared, strict=False)), initial=0)
        return tuple(
            StemPart(shot, round(float(start / self._fps), 6), round(float(length / self._fps), 6))
            for shot, start, length in zip(footage, starts, shown, strict=True)
        )


def needs_conform(native_fps: Fraction, fps: Fraction) -> bool:
    """Whether the eye sees that the rates differ: 30 and 29.97 are the same to it."""
    from generation.cut import SAME_RATE

    return abs(fps / native_fps - 1) >= SAME_RATE


def has_torch() -> bool:
    """Whether torch is installed, which motion-compensated interpolation runs on; it is not loaded to find out."""
    return find_spec("torch") is not None


def joined(text: str, words: str) -> str:
    """A prompt with the words of a style behind it."""
    return f"{text.rstrip(' .,')}, {words}" if text and words else text or words
