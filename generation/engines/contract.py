"""The port for footage: what an engine states about itself, and the one method it has.

An engine is facts as attributes, a typed options model that refuses unknown keys, and `render`. One class may serve
several names (the presets of `diffusion`): then the facts are its instances'.
A new engine is one file here and one row in `generation/engines/__init__.py` (or an entry point in the group
`spotmill.engines`); it is tested by adding its name to `tests/generation/test_engine_contract.py`.
"""

from __future__ import annotations

import difflib
import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from generation.errors import BadShot
from generation.spec import Footage, Progress, Shot, Size


class EngineOptions(BaseModel):
    """Base of every engine's options: unknown keys are an error, values do not change after validation."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _complaint(fault: ErrorDetails, known: tuple[str, ...]) -> str:
    """One pydantic fault as a sentence, with the nearest known name for an unknown one."""
    name = ".".join(str(part) for part in fault["loc"])
    if fault["type"] != "extra_forbidden":
        return f"option {name}={fault['input']!r}: {fault['msg']}"
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"options: {', '.join(known) or 'none'}"
    return f"there is no option {name!r}; {hint}"


class Engine(ABC):
    """Makes footage from shots. One instance may render many batches; it loads what is costly once."""

    id: str
    title: str
    #: Changes whenever the same shot would give other pixels; part of every footage key.
    revision: str
    licence: str
    licence_url: str = ""
    #: yes, no, or conditional (then `revenue_cap_usd` or the licence's text say when).
    commercial_use: str = "yes"
    #: What a user does about a conditional use where no revenue decides it; "" is reading the licence and writing
    #: `annual_revenue_usd`.
    conditions: str = ""
    #: ISO 3166 codes of territories where the output may not be used.
    excluded_territories: frozenset[str] = frozenset()
    #: Above this yearly revenue the licence asks for an agreement; 0 is no cap.
    revenue_cap_usd: int = 0
    needs_gpu: bool = False
    #: What has to be installed or fetched, as a sentence; empty when nothing is.
    needs: str = ""
    #: What a reader of the report must not miss about its footage, as a sentence; "" is nothing.
    notice: str = ""
    #: Which models are behind it, for manifest and report: "Wan-AI/Wan2.1-T2V-1.3B-Diffusers@0fad780".
    models: tuple[str, ...] = ()
    #: Distributions whose versions decide its pixels, for the manifest: "torch", "diffusers".
    libraries: tuple[str, ...] = ()
    makes_audio: bool = False
    #: IPTC digital source type of what it makes (http://cv.iptc.org/newscodes/digitalsourcetype/...).
    digital_source_type: str
    #: True: draws a composition of its own for every aspect. False: a few native sizes, reframed afterwards.
    composes_any_aspect: bool = False
    #: True: a look's prompt words are added to what is asked. False: it draws things, not styles; the grade follows.
    reads_style_words: bool = True
    #: What its model shall not show in any shot: the first words of every negative prompt.
    negative_prompt: str = ""
    #: What a shot may start from besides its prompt: image, first_frame, last_frame, video, references, loras.
    ways: frozenset[str] = frozenset({"image"})
    #: Sizes that it was made for; () is any.
    native_sizes: tuple[Size, ...] = ()
    #: GPU memory in GiB that it needs, by precision, the fullest first; empty where that is not its affair.
    memory_gib: Mapping[str, float] = MappingProxyType({})
    #: Sizes must be multiples of this.
    size_multiple_px: int = 2
    min_seconds: float = 0.5
    max_seconds: float = 60.0
    #: Shots of one size, length and set of LoRAs that are worth handing over together: a model is loaded once and the
    #: next shot is denoised while the last one is encoded.
    shots_per_job: int = 1
    #: True: prompts are encoded in a step of their own (`encode`), so that the text encoder need not stay in memory.
    encodes_prompts: bool = False
    #: Options that change no pixel: they stay out of the footage's key.
    neutral_options: frozenset[str] = frozenset()
    Options: type[EngineOptions] = EngineOptions

    def for_options(self, options: Mapping[str, object]) -> Engine:
        """This engine with the facts that a campaign's options decide (sizes, rate, licence); itself where none do."""
        return self

    def missing(self) -> tuple[str, ...]:
        """What this machine lacks to run the engine, each a sentence with the way out; () when all is there."""
        return ()

    def encode(self, texts: Sequence[str], paths: Sequence[Path]) -> Iterator[Progress]:
        """Encode `texts[i]` into the safetensors file `paths[i]`; a film from it equals one from the text itself.

        Only engines with `encodes_prompts` have it. Raises: NotAvailable, OutOfMemory.
        """
        raise NotImplementedError(f"{self.id} encodes no prompts apart")

    def native_fps(self, wanted: Fraction) -> Fraction:
        """The rate this engine renders at when `wanted` is delivered (a model has one rate of its own)."""
        return wanted

    def native_size(self, wanted: Size) -> Size:
        """The size this engine renders at when `wanted` is delivered."""
        return wanted

    def native_frames(self, seconds: float, fps: Fraction) -> int:
        """The least number of frames this engine can render that covers `seconds` at `fps`."""
        # Rounded first: 6.006 s at 30000/1001 is 180 frames, not 181 by a float's last bit.
        return max(1, math.ceil(round(seconds * float(fps), 6)))

    def validated(self, options: Mapping[str, object]) -> EngineOptions:
        """The options as this engine's own model; `BadShot` names each key that is unknown or out of range."""
        try:
            return self.Options.model_validate(dict(options))
        except ValidationError as error:
            known = tuple(self.Options.model_fields)
            raise BadShot(f"{self.id}: " + "; ".join(_complaint(fault, known) for fault in error.errors())) from error

    def refuse(self, shot: Shot) -> None:
        """Raise `BadShot` with the nearest valid value if the shot cannot be rendered exactly as asked."""
        multiple = self.size_multiple_px
        for name, value in (("width", shot.size.width_px), ("height", shot.size.height_px)):
            if value < 2 * multiple or value % multiple:
                nearest = max(2 * multiple, round(value / multiple) * multiple)
                raise BadShot(f"{self.id}: {name} {value} px is not a multiple of {multiple}; nearest is {nearest}")
        if not self.min_seconds <= shot.seconds <= self.max_seconds:
            raise BadShot(
                f"{self.id}: a shot of {shot.seconds:.2f} s is outside {self.min_seconds:g}-{self.max_seconds:g} s"
            )
        for way in ("image", "first_frame", "last_frame", "video", "references", "loras"):
            if getattr(shot, way) and way not in self.ways:
                known = ", ".join(sorted(self.ways)) or "the prompt only"
                raise BadShot(f"{self.id}: cannot work from {way} (it takes: {known})")

    @abstractmethod
    def render(self, shots: Sequence[Shot], paths: Sequence[Path]) -> Iterator[Progress | Footage]:
        """Render `shots[i]` into the MP4 file `paths[i]` and yield progress, then one `Footage` per shot, in order.

        The file is H.264 yuv420p BT.709 limited range, exactly `shot.frames` frames at `shot.fps`, without sound: an
        engine with `makes_audio` writes that into `path` with the suffix .wav. The same shot gives the same pixels
        whatever else is in the batch. The folder exists; the caller moves the finished file. Closing the generator
        stops the work and leaves no child process.

        Raises: BadShot, Refused, Transient, OutOfMemory, NotAvailable (see `generation.errors`).
        """
