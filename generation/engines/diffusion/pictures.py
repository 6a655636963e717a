"""Pictures that a film starts from: the row's photograph or cut-out, brought to the film's size.

A cut-out on transparency stands on a quiet studio ground with a soft shadow, because a model animates exactly what the
first frame shows; a photograph fills the frame, cropped where little is lost and over its own blur elsewhere. Exact
frames (the last one of the shot before) are only resized. Knows no model.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from generation.errors import BadMedia
from generation.spec import Size

Picture = NDArray[np.uint8]
#: The largest picture that is opened: 64 megapixels are 192 MB of RGB.
LIMIT_PIXELS = 64_000_000
#: Of the long side to the short one. A longer strip, enlarged until it covers a film, takes gigabytes.
LIMIT_ASPECT = 30
#: Decoders that are asked; by default Pillow would try PostScript and sixty others on any file.
_FORMATS = ("PNG", "JPEG", "WEBP")
#: How much of the frame's height and width a cut-out may take, and where its middle stands.
_HEIGHT_PART, _WIDTH_PART, _MIDDLE = 0.58, 0.72, 0.54
#: A photograph is cropped when no more than this part of it is lost.
_CROP_LOSS = 0.30
#: The ground: light above, a little darker towards the floor; warm enough not to look like a missing picture.
_GROUND_TOP, _GROUND_FLOOR = (236.0, 233.0, 229.0), (205.0, 200.0, 194.0)


def check_picture(path: Path) -> None:
    """Whether a picture can be opened, from its header and data; writes nothing.

    Raises: BadMedia with the file's name.
    """
    _opened(path).close()


def first_frame(path: Path, size: Size) -> Picture:
    """The row's picture as the first frame of a film: (height, width, 3), RGB.

    Raises: BadMedia when it cannot be opened.
    """
    with _opened(path) as image:
        if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
            return _on_ground(np.asarray(image.convert("RGBA"), np.uint8), size)
        return _filling(np.asarray(image.convert("RGB"), np.uint8), size)


def exact_frame(path: Path, size: Size) -> Picture:
    """A frame of a film as it is, at the film's size; other sizes of the same shape are resized, others are cropped."""
    with _opened(path) as image:
        picture = np.asarray(image.convert("RGB"), np.uint8)
    height, width = picture.shape[:2]
    if (width, height) == (size.width_px, size.height_px):
        return picture
    return covering(picture, size)


def reference(path: Path) -> Picture:
    """A picture of what shall be recognised, on white, as reference conditioning expects it."""
    with _opened(path) as image:
        rgba = np.asarray(image.convert("RGBA"), np.float32)
    alpha = rgba[:, :, 3:] / 255
    return np.asarray(np.rint(rgba[:, :, :3] * alpha + 255 * (1 - alpha)), np.uint8)


def _opened(path: Path) -> Image.Image:
    try:
        with Image.open(path, formats=_FORMATS) as image:
            if image.width * image.height > LIMIT_PIXELS:
                raise BadMedia(
                    f"{path.name}: {image.width}x{image.height} px is too large; 64 megapixels are the limit"
                )
            if max(image.size) > LIMIT_ASPECT * min(image.size):
                raise BadMedia(
                    f"{path.name}: {image.width}x{image.height} px is a strip; crop it to what shall be seen"
                )
            # A copy even where nothing is turned: it outlives the file.
            turned: Image.Image = ImageOps.exif_transpose(image)
            turned.load()
    except (OSError, ValueError, SyntaxError, MemoryError, Image.DecompressionBombError) as error:
        # Of memory: a part of the file that says it has 4 GB.
        raise BadMedia(f"{path.name}: not a readable picture ({error})") from error
    return turned


def _filling(picture: Picture, size: Size) -> Picture:
    """A photograph over the whole frame."""
    height, width = picture.shape[:2]
    ratio = (width / height) / (size.width_px / size.height_px)
    if 1 - min(ratio, 1 / ratio) <= _CROP_LOSS:
        return covering(picture, size)
    scale = min(size.width_px / width, size.height_px / height)
    inner = cv2.resize(picture, (round(width * scale), round(height * scale)), interpolation=_method(scale))
    soft = cv2.GaussianBlur(covering(picture, size), (0, 0), max(size.width_px, size.height_px) / 24)
    frame = np.asarray(np.rint(soft * 0.8), np.uint8)
    top, left = (size.height_px - inner.shape[0]) // 2, (size.width_px - inner.shape[1]) // 2
    frame[top : top + inner.shape[0], left : left + inner.shape[1]] = inner
    return frame


def covering(picture: Picture, size: Size) -> Picture:
    """The picture over the whole frame, what is too wide or too high cropped away equally on both sides."""
    height, width = picture.shape[:2]
    scale = max(size.width_px / width, size.height_px / height)
    wide = (max(size.width_px, round(width * scale)), max(size.height_px, round(height * scale)))
    larger = np.asarray(cv2.resize(picture, wide, interpolation=_method(scale)), np.uint8)
    top, left = (wide[1] - size.height_px) // 2, (wide[0] - size.width_px) // 2
    return np.ascontiguousarray(larger[top : top + size.height_px, left : left + size.width_px])


def _on_ground(rgba: Picture, size: Size) -> Picture:
    """A cut-out on the studio ground, its shadow under it."""
    rows, columns = np.nonzero(rgba[:, :, 3] > 8)
    if rows.size == 0:
        raise BadMedia("the picture is wholly transparent")
    cut = rgba[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1].astype(np.float32)
    scale = min(_HEIGHT_PART * size.height_px / cut.shape[0], _WIDTH_PART * size.width_px / cut.shape[1])
    wide = (max(1, round(cut.shape[1] * scale)), max(1, round(cut.shape[0] * scale)))
    # Premultiplied: otherwise the colour behind transparent pixels bleeds into the edge.
    cut[:, :, :3] *= cut[:, :, 3:] / 255
    cut = np.asarray(cv2.resize(cut, wide, interpolation=_method(scale)), np.float32).reshape(wide[1], wide[0], 4)
    top, left = round(_MIDDLE * size.height_px - wide[1] / 2), (size.width_px - wide[0]) // 2
    frame = _ground(size)
    frame *= 1 - _shadow(size, left + wide[0] / 2, top + wide[1], wide[0])[:, :, None]
    place = frame[top : top + wide[1], left : left + wide[0]]
    place *= 1 - np.clip(cut[:, :, 3:] / 255, 0, 1)
    place += cut[:, :, :3]
    return np.asarray(np.clip(np.rint(frame), 0, 255), np.uint8)


def _ground(size: Size) -> NDArray[np.float32]:
    down = np.linspace(0, 1, size.height_px, dtype=np.float32)[:, None, None] ** 1.5
    column = np.array(_GROUND_TOP) * (1 - down) + np.array(_GROUND_FLOOR) * down
    return np.repeat(column.astype(np.float32), size.width_px, axis=1)


def _shadow(size: Size, x: float, foot: float, width: float) -> NDArray[np.float32]:
    """(height, width): how much light the product takes from the ground, a flat ellipse under its foot."""
    across = (np.arange(size.width_px, dtype=np.float32) - x) / (0.55 * width)
    down = (np.arange(size.height_px, dtype=np.float32) - foot) / (0.07 * width)
    return np.asarray(0.42 * np.exp(-(across[None, :] ** 2) - down[:, None] ** 2), np.float32)


def _method(scale: float) -> int:
    return cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
