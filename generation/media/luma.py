"""Frames of a film with their moments, mostly brightness alone: for what looks at many films and few of their frames.

Opens what cameras and platforms write (`clip.py` has the rules); `key_frames` decodes nothing in between, otherwise
frames that no other builds on are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from generation.errors import BadMedia
from generation.media.clip import opened_film
from generation.media.frames import Plane, Planes, limited_709


def luma_frames(path: Path, *, key_frames: bool = False) -> Iterator[tuple[float, Plane]]:
    """Seconds from the film's start, and a frame (height, width), BT.709 limited range; valid until the next.

    Raises: BadMedia when the film cannot be read, or none of it can be decoded.
    """
    return ((seconds, planes.y) for seconds, planes in _frames(path, key_frames))


def colour_frames(path: Path, *, key_frames: bool = False, most: int) -> Iterator[tuple[float, Planes]]:
    """The first `most` frames with their colour, each the caller's own. Raises: BadMedia."""
    for seconds, planes in islice(_frames(path, key_frames), most):
        yield seconds, Planes(*(plane.copy() for plane in planes))


def _frames(path: Path, key_frames: bool) -> Iterator[tuple[float, Planes]]:
    seen = False
    with opened_film(path) as film:
        stream = film.streams.video[0]
        stream.codec_context.skip_frame = "NONKEY" if key_frames else "NONREF"
        start = float((stream.start_time or 0) * stream.time_base) if stream.time_base else 0.0
        for frame in film.decode(stream):
            if frame.time is not None:
                seen = True
                yield frame.time - start, limited_709(frame)
    if not seen:
        raise BadMedia(f"{path.name}: no picture of it can be decoded")
