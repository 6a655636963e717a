"""What a campaign may set for a server, and the numbers that follow from it: size, length and frames to ask for.

Pure: no network, no pictures. The shot says what must come out; this says what the server is asked for, which may be
more (a longer film is trimmed, a larger one scaled down).
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Annotated

from pydantic import Field, StringConstraints

from generation.engines.contract import EngineOptions
from generation.errors import BadShot
from generation.spec import Shot, Size

#: Sizes that every server of this API knows.
NATIVE_SIZES = (Size(720, 1280), Size(1280, 720))
#: Most open models that are served so make 24 frames a second; Wan 2.1 and 2.2 A14B make 16 (option `fps`).
NATIVE_FPS = Fraction(24)
#: 30 and 30000/1001 are the same film: frames are taken one for one below this difference.
SAME_RATE = Fraction(1, 200)

_Size = Annotated[str, StringConstraints(pattern=r"^[1-9]\d{1,3}x[1-9]\d{1,3}$")]
_Field = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][\w.\[\]-]{0,79}$")]


class VideosOptions(EngineOptions):
    """What a campaign may set; the defaults suit SGLang-Diffusion and vLLM-Omni with a Wan or LTX model."""

    model: str = Field("", max_length=200, description="the model's name at the server; empty is the server's own")
    licence: str = Field(
        "", max_length=300, description="the served model's licence, as you state it; shown in reports"
    )
    sizes: tuple[_Size, ...] = Field(
        (), description="sizes that the server accepts, such as 832x480; empty asks for the size that is wanted"
    )
    fps: int | None = Field(None, ge=4, le=120, description="the model's own frame rate; empty is 24 in a campaign")
    seconds: str = Field(
        "any",
        pattern=r"^(any|[1-9]\d*(\s*,\s*[1-9]\d*)*)$",
        description="lengths that the server accepts: any, or whole seconds such as 4,8,12",
    )
    frames_step: int = Field(
        4, ge=1, le=64, description="frames are asked for as a multiple of this plus one (Wan 4, LTX 8; 1 is any)"
    )
    steps: int | None = Field(None, ge=1, le=1000, description="denoising steps; empty is the server's own")
    guidance: float | None = Field(None, ge=0, le=100, description="guidance scale; empty is the server's own")
    send_seed: bool = Field(True, description="send the shot's seed; off for servers that refuse the field")
    send_frames: bool = Field(True, description="send fps and num_frames; off for servers that refuse the fields")
    send_negative: bool = Field(True, description="send the negative prompt; off for servers that refuse the field")
    extra: dict[_Field, str | bool | int | float] = Field(
        default_factory=dict, description="further form fields of your server, such as guidance_scale_2"
    )
    keep_sound: bool = Field(False, description="keep the sound of the server's film as a WAV file beside the footage")
    concurrency: int = Field(2, ge=1, le=16, description="jobs at the server at the same time")
    deadline_seconds: float = Field(1800.0, gt=0, le=86_400, description="a job that takes longer is given up")

    @property
    def asked_sizes(self) -> tuple[Size, ...]:
        """`sizes` as records."""
        return tuple(Size(*(int(side) for side in text.split("x"))) for text in self.sizes)

    @property
    def asked_seconds(self) -> tuple[int, ...]:
        """`seconds` as numbers, shortest first; () is any."""
        return tuple(sorted(int(number) for number in re.findall(r"\d+", self.seconds)))


def nearest_size(wanted: Size, sizes: Sequence[Size]) -> Size:
    """The size whose shape is nearest, so that least is cropped; of those the one whose area is nearest."""

    def distance(size: Size) -> tuple[float, float]:
        area = size.width_px * size.height_px / (wanted.width_px * wanted.height_px)
        return round(abs(math.log(float(size.aspect / wanted.aspect))), 2), abs(math.log(area))

    return min(sizes, key=distance)


def size_to_ask(shot: Shot, options: VideosOptions) -> Size:
    """The size that the server is asked for."""
    return nearest_size(shot.size, options.asked_sizes) if options.sizes else shot.size


def fps_to_ask(shot: Shot, options: VideosOptions) -> int:
    """The rate that the server is asked for: servers take whole numbers."""
    return options.fps or max(1, round(shot.fps))


def frames_to_ask(shot: Shot, options: VideosOptions) -> int:
    """Enough frames to cover the shot at the rate asked for, by the model's rule."""
    asked = Fraction(fps_to_ask(shot, options))
    needed = shot.frames if same_rate(asked, shot.fps) else math.ceil((shot.frames - 1) * asked / shot.fps) + 1
    return math.ceil((needed - 1) / options.frames_step) * options.frames_step + 1


def seconds_to_ask(shot: Shot, options: VideosOptions) -> int:
    """The shortest length that covers the shot.

    Raises: BadShot when the server makes none that long.
    """
    # 4.004 s are 120 frames at 30000/1001: 4 s of a server's 30 frames a second hold them.
    needed = max(1, math.ceil(shot.frames / max(1, round(shot.fps)) - 1e-6))
    if not options.asked_seconds:
        return needed
    for seconds in options.asked_seconds:
        if seconds >= needed:
            return seconds
    raise BadShot(
        f"videos-api: a shot of {shot.seconds:.2f} s is longer than the server's longest"
        f" ({options.asked_seconds[-1]} s by the option seconds={options.seconds!r})"
    )


def same_rate(one: Fraction, other: Fraction) -> bool:
    """Whether frames of one rate can be taken one for one at the other."""
    return abs(one - other) <= SAME_RATE * other
