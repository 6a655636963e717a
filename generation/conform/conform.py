"""A clip at a model's rate becomes a clip at the delivery's: steadier and larger where asked, and measured.

Output frame i shows the moment i * footage.fps / fps of the source, exact; a moment that a source frame has is that
frame, untouched, and one after the last frame does not exist. Two passes: `survey` looks at all of the clip (light and
cuts need to know what comes), then frames stream through corrections, interpolation and enlarging with two source
frames in memory. torch and onnxruntime load only where they are used.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from generation.conform.deflicker import Deflicker
from generation.conform.measures import measure, measures_of
from generation.conform.settings import ConformSettings as ConformSettings
from generation.conform.survey import Survey, survey
from generation.cut import SAME_RATE
from generation.errors import BadMedia, BadShot, NotAvailable
from generation.media.frames import Planes, VideoWriter, read_frames
from generation.spec import Footage, Size

if TYPE_CHECKING:
    from generation.conform.learned import Upscaler

cv2.setNumThreads(1)

#: Makes the frame at a moment (0 to 1) between two.
Between = Callable[[Planes, Planes], Callable[[float], Planes]]


@dataclass(frozen=True, slots=True)
class _Method:
    """How frames in between are made, and what the notes say of it."""

    between: Between
    notes: dict[str, str]


def frames_needed(frames: int, source_fps: Fraction, fps: Fraction) -> int:
    """How many source frames at `source_fps` it takes for `frames` at `fps`: the last moment has one on either side."""
    return math.ceil((frames - 1) * source_fps / fps) + 1


def conform(footage: Footage, path: Path, *, fps: Fraction, frames: int, settings: ConformSettings) -> Footage:
    """Write `footage` into the MP4 file `path`: exactly `frames` frames at `fps`, as the settings ask.

    The notes are the footage's own and `conform`: JSON values that say what was done, by what, and what was measured
    before and after. On the CPU the same footage gives the same bytes.

    Raises: BadMedia (too little footage, a clip that is not what it says, a file that is no such model), BadShot,
    NotAvailable (a library or a device that is not there), OutOfMemory, ToolFailed.
    """
    _refuse(footage, fps, frames)
    method = _method(footage.fps, fps, settings)
    upscaler = _upscaler(settings)
    seen = survey(footage.path)
    _check(footage, seen)
    deflicker = Deflicker(seen, float(footage.fps), settings.deflicker)
    size = footage.size
    if (fps, frames) == (footage.fps, footage.frames) and not deflicker.touches and upscaler is None:
        shutil.copyfile(footage.path, path)  # nothing to do: another encode would only cost quality
    else:
        if upscaler is not None:
            size = Size(size.width_px * upscaler.scale, size.height_px * upscaler.scale)
        with (
            VideoWriter(path, size, fps) as writer,
            closing(_steadied(footage, deflicker)) as source,
            closing(_at_rate(source, seen, footage.fps, fps, frames, method.between)) as made,
        ):
            for planes in made:
                writer.write(upscaler.enlarged(planes) if upscaler is not None else planes)
    notes = {
        "interpolation": method.notes,
        "upscale": upscaler.notes() | {"scale": upscaler.scale} if upscaler else "none: the plate's resampler",
        "deflicker": settings.deflicker if deflicker.touches else 0.0,
        "before": measures_of(seen, footage.fps).notes(),
        "after": measure(path, fps).notes(),
    }
    return replace(footage, path=path, size=size, frames=frames, fps=fps, notes={**footage.notes, "conform": notes})


def _refuse(footage: Footage, fps: Fraction, frames: int) -> None:
    if frames < 1 or fps <= 0:
        raise BadShot(f"conform: {frames} frames at {fps} are no film; both have to be above 0")
    needed = frames_needed(frames, footage.fps, fps)
    if footage.frames < needed:
        raise BadMedia(
            f"{footage.path.name}: too little footage: {frames} frames at {fps} need {needed} at {footage.fps}, "
            f"{footage.frames} are there"
        )


def _check(footage: Footage, seen: Survey) -> None:
    if (seen.size, seen.frames) != (footage.size, footage.frames):
        raise BadMedia(
            f"{footage.path.name}: said to be {footage.frames} frames of {footage.size}, "
            f"is {seen.frames} of {seen.size}"
        )


def _method(source_fps: Fraction, fps: Fraction, settings: ConformSettings) -> _Method:
    ratio = source_fps / fps
    if ratio.denominator == 1:
        return _Method(_nearest, {"method": "none: every frame falls on one of the source's"})
    if abs(ratio - 1) < SAME_RATE:
        # 30 to 29.97: a thousandth of a frame is not worth softening every frame for; one in a thousand is left out.
        return _Method(_nearest, {"method": f"nearest: the eye cannot tell {source_fps} from {fps}"})
    if settings.interpolation == "nearest":
        return _Method(_nearest, {"method": "nearest"})
    if settings.interpolation == "blend":
        return _Method(_blended, {"method": "blend"})
    if settings.interpolation_model is not None:
        from generation.conform.learned import Interpolator

        model = Interpolator(settings.interpolation_model, settings.device)
        return _Method(model.between, {"method": "learned", **model.notes()})
    return _by_motion(settings)


def _by_motion(settings: ConformSettings) -> _Method:
    try:
        from generation.conform.motion import device_of, follow
    except ImportError as error:
        raise NotAvailable(
            "conform: interpolation 'motion' needs torch, which is not installed: `pip install torch`, or choose "
            "'blend' or 'nearest'"
        ) from error
    device = device_of(settings.device)
    notes = {"method": "motion", "source": "Spotmill, on OpenCV's DIS flow", "licence": "Apache-2.0", "device": device}
    return _Method(lambda first, second: follow(first, second, device), notes)


def _upscaler(settings: ConformSettings) -> Upscaler | None:
    if settings.upscale_model is None:
        return None
    from generation.conform.learned import Upscaler as Learned

    return Learned(settings.upscale_model, settings.device)


def _nearest(first: Planes, second: Planes) -> Callable[[float], Planes]:
    return lambda t: first if t <= 0.5 else second


def _blended(first: Planes, second: Planes) -> Callable[[float], Planes]:
    def at(t: float) -> Planes:
        pairs = zip(first, second, strict=True)
        return Planes(*(np.asarray(cv2.addWeighted(a, 1 - t, b, t, 0), np.uint8) for a, b in pairs))

    return at


def _steadied(footage: Footage, deflicker: Deflicker) -> Generator[Planes, None, None]:
    for index, planes in enumerate(read_frames(footage.path)):
        # A copy: the decoder's own memory is gone with the next frame, and two are needed at once.
        yield deflicker.apply(Planes(*(plane.copy() for plane in planes)), index)


def _at_rate(
    source: Iterator[Planes], seen: Survey, source_fps: Fraction, fps: Fraction, frames: int, between: Between
) -> Generator[Planes, None, None]:
    """`frames` frames at `fps`; a pair's motion is found once, however many moments lie between its frames."""
    first, second = next(source), next(source, None)
    at, made = 0, None
    for index in range(frames):
        position = index * source_fps / fps
        while at < math.floor(position):
            assert second is not None
            first, second, made = second, next(source, None), None
            at += 1
        part = position - at
        if not part:
            yield first
            continue
        assert second is not None
        if made is None:
            # Across a cut there is nothing between two frames: the nearer one stands.
            made = (_nearest if at + 1 in seen.cuts else between)(first, second)
        yield made(float(part))
