"""One frame of a film as a picture without loss: what the next shot begins with."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from PIL import Image

from generation.errors import BadMedia
from generation.media.frames import read_frames
from generation.media.poster import to_rgb


def write_still(video: Path, frame: int, path: Path) -> None:
    """Write frame number `frame` (from 0) of `video` as the PNG file `path`, full-range RGB.

    Raises: BadMedia when the film is unreadable or has no such frame.
    """
    planes = next(islice(read_frames(video), frame, None), None)
    if planes is None:
        raise BadMedia(f"{video.name}: there is no frame {frame} in it")
    # Level 1 packs three times as fast as 6 and the file lives for one shot.
    Image.fromarray(to_rgb(planes)).save(path, "PNG", compress_level=1)
