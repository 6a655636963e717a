"""Frames of a film as brightness alone, spread over its length: for what looks at many films and at few of their frames.

Opens what cameras and platforms write (`clip.py` has the rules); with `key_frames` decodes nothing in between.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from generation.errors import BadMedia
from generation.media.clip import opened_film
from generation.media.frames import limited_709

Plane = NDArray[np.uint8]


def luma_frames(path: Path, most: int, *, key_frames: bool = False) -> list[Plane]:
    """At most `most` frames, evenly spread, each (height, width), BT.709 limited range.

    Raises: BadMedia when the film cannot be read.
    """
    with opened_film(path) as film:
        stream = film.streams.video[0]
        if key_frames:
            stream.codec_context.skip_frame = "NONKEY"
        known = stream.frames or _count(path)
        step = max(1, known // most) if not key_frames else 1
        found = [
            limited_709(frame).y.copy() for number, frame in enumerate(film.decode(stream)) if number % step == step // 2
        ]
    if not found:
        raise BadMedia(f"{path.name}: no picture of it can be decoded")
    chosen = np.unique(np.linspace(0, len(found) - 1, min(most, len(found))).round().astype(int))
    return [found[number] for number in chosen]


def _count(path: Path) -> int:
    """Packets of pictures, for containers whose index does not say."""
    with opened_film(path) as film:
        return sum(1 for packet in film.demux(film.streams.video[0]) if packet.size)
