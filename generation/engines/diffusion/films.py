"""Films as RGB pictures, for models that restyle them: at the model's rate, by the nearest earlier frame, and size."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from generation.engines.diffusion.pictures import Picture, covering
from generation.errors import BadMedia
from generation.media.frames import read_frames
from generation.media.poster import to_rgb
from generation.media.probe import probe
from generation.spec import Size


def read_pictures(path: Path, size: Size, frames: int, fps: Fraction) -> Iterator[Picture]:
    """`frames` frames of a film at `fps`, filling `size`: (height, width, 3), RGB.

    Raises: BadMedia when the film cannot be read or is too short.
    """
    video = probe(path).video
    at, index = -1, 0
    for planes in read_frames(path):
        at += 1
        while index < frames and math.floor(index * video.fps / fps) == at:
            yield covering(to_rgb(planes), size)
            index += 1
        if index == frames:
            return
    raise BadMedia(
        f"{path.name}: {at + 1} frames at {float(video.fps):g} fps are too few for {frames} at {float(fps):g}"
    )
