"""A shot's picture as the server wants it: exactly the film's size, opaque, as the bytes of a PNG file.

Servers refuse a reference of another size, or stretch it. How a picture is placed is the same as for models that run
here, so that a campaign may change from one to the other.
"""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from generation.engines.diffusion.pictures import exact_frame, first_frame
from generation.spec import Shot, Size


def png_of(path: Path, size: Size, *, exact: bool) -> bytes:
    """The picture at `size`; an exact one (the last frame of the shot before) is only resized.

    Raises: BadMedia with the file's name.
    """
    out = io.BytesIO()
    Image.fromarray(exact_frame(path, size) if exact else first_frame(path, size)).save(out, "PNG", compress_level=1)
    return out.getvalue()


def picture_of(shot: Shot, size: Size) -> bytes | None:
    """The picture that the server is sent for a shot: it takes one, and the frame to begin with comes first."""
    if shot.first_frame is not None:
        return png_of(shot.first_frame, size, exact=True)
    return png_of(shot.image, size, exact=False) if shot.image is not None else None
