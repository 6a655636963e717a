"""Films as RGB pictures, for models that restyle them: at the model's rate and size."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from generation.engines.diffusion.pictures import Picture, covering
from generation.media.clip import clip_pictures
from generation.spec import Size


def read_pictures(path: Path, size: Size, frames: int, fps: Fraction) -> Iterator[Picture]:
    """`frames` frames of a film at `fps`, filling `size`: (height, width, 3), RGB.

    Raises: BadMedia when the film cannot be read or is too short.
    """
    for picture in clip_pictures(path, frames, fps):
        yield covering(picture, size)
