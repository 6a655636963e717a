"""The row's picture in the scene: read safely, placed around the centre with its shadow, or filling the frame.

A cut-out (a picture with transparent surroundings) stands on the scene's surface; a photograph is shown as a framed
print in front of the scene, or fills the frame when its shape is close to the frame's. Knows no prompts.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from generation.engines.animatic.canvas import Canvas, Gradient, Pixels, u8
from generation.engines.animatic.shapes import box, moved, oval
from generation.engines.animatic.sheets import Sheet
from generation.engines.animatic.stage import Stage, swaying
from generation.errors import BadMedia, BadShot

#: More is refused before it is decoded: a 100-megapixel picture takes 400 MB and buys nothing at 1080 lines.
MOST_PIXELS = 40_000_000
_FORMATS = ("PNG", "JPEG", "WEBP")


def check_picture(path: Path) -> None:
    """Refuse what is not a PNG, JPEG or WebP picture of a reasonable size, without decoding it.

    Raises: BadMedia when it is no such picture, BadShot when it is too large or too small.
    """
    with _opened(path) as picture:
        width, height = picture.size
    if width * height > MOST_PIXELS:
        raise BadShot(
            f"{path.name}: {width}x{height} is more than {MOST_PIXELS // 1_000_000} megapixels; make it smaller"
        )
    if min(width, height) < 32:
        raise BadShot(f"{path.name}: {width}x{height} is too small; at least 32 pixels a side")


def _opened(path: Path) -> Image.Image:
    try:
        return Image.open(path, formats=_FORMATS)
    except FileNotFoundError as error:
        raise BadMedia(f"{path.name}: there is no such picture file") from error
    except Image.DecompressionBombError as error:
        raise BadShot(f"{path.name}: more than {MOST_PIXELS // 1_000_000} megapixels; make it smaller") from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise BadMedia(f"{path.name}: not a PNG, JPEG or WebP picture") from error


def read_picture(path: Path) -> Pixels:
    """The picture upright (EXIF), straight RGBA uint8, shape (height, width, 4). Raises: BadMedia, BadShot."""
    check_picture(path)
    try:
        with _opened(path) as picture:
            upright = ImageOps.exif_transpose(picture)
            return np.asarray(upright.convert("RGBA"))
    except (OSError, ValueError, SyntaxError, MemoryError) as error:  # of memory: a part that says it has 4 GB
        raise BadMedia(f"{path.name}: the picture breaks off or is damaged") from error


def premultiplied(pixels: Pixels) -> Pixels:
    """Straight RGBA as premultiplied RGBA."""
    alpha = np.ascontiguousarray(pixels[:, :, 3])
    full = cv2.merge([alpha, alpha, alpha, np.full_like(alpha, 255)])
    return u8(cv2.multiply(np.ascontiguousarray(pixels), full, scale=1 / 255))


def trimmed(pixels: Pixels) -> Pixels:
    """Without fully transparent margins."""
    solid = pixels[:, :, 3] > 8
    rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
    return pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] if len(rows) else pixels


def is_cutout(pixels: Pixels) -> bool:
    """Whether a good part of the picture's border is transparent."""
    alpha = pixels[:, :, 3]
    border = np.concatenate([alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]])
    return bool((border < 128).mean() > 0.25)


def add_hero(stage: Stage, path: Path) -> str:
    """Put the picture on the stage; returns how: "cut-out", "full picture" or "print"."""
    pixels = read_picture(path)
    if is_cutout(pixels):
        _stand(stage, premultiplied(trimmed(pixels)))
        return "cut-out"
    shape = pixels.shape[1] / pixels.shape[0]
    if 0.72 < shape / (stage.width / stage.height) < 1.39:
        _cover(stage, premultiplied(pixels))
        return "full picture"
    _hang(stage, premultiplied(pixels))
    return "print"


def _scaled(pixels: Pixels, width: float, height: float) -> Pixels:
    size = (max(2, round(width)), max(2, round(height)))
    smaller = size[0] < pixels.shape[1]
    return u8(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_CUBIC))


def surface(stage: Stage) -> tuple[float, float]:
    """Where a thing of the row stands: the stage row of its foot and the depth."""
    tall = stage.height > 1.3 * stage.width
    rows = {"studio": 0.70 * stage.height + 0.07 * stage.span}
    indoors = stage.height - (0.30 if tall else 0.165) * stage.span
    row = rows.get(stage.scene.place, indoors if stage.scene.indoors else stage.height * (0.735 if tall else 0.80))
    return row, 0.66


def _stand(stage: Stage, pixels: Pixels) -> None:
    """A cut-out upright on the scene's surface (or on a plinth outdoors), with a contact shadow."""
    foot, depth = surface(stage)
    height, width = pixels.shape[:2]
    # Above it stays room for a headline.
    room = min(0.43 * stage.height, foot - 0.31 * stage.height)
    scale = min(room / height, 0.62 * stage.width / width, 0.66 * stage.span / width)
    wide, tall = width * scale, height * scale
    if not stage.scene.indoors:
        _plinth(stage, foot, wide, depth - 0.01)
    x, margin = stage.width / 2, 0.08 * stage.span
    canvas = Canvas(x - wide / 2 - margin, foot - tall - margin, wide + 2 * margin, tall + 2 * margin)
    shade = stage.palette.lit((34.0, 28.0, 40.0), 1.0)
    canvas.soft(
        oval(x - stage.light_side * 0.06 * wide, foot, 0.46 * wide, 0.045 * wide + 0.004 * stage.span),
        shade,
        0.05 * wide,
        0.42,
    )
    canvas.soft(
        oval(x, foot - 0.002 * stage.span, 0.38 * wide, 0.016 * wide + 0.002 * stage.span),
        shade,
        0.012 * stage.span,
        0.5,
    )
    canvas.paste(_scaled(pixels, wide, tall), round(x - wide / 2), round(foot - tall))
    stage.add(Sheet([canvas], depth, path=swaying(0.0, 0.0, 10.0)))


def _plinth(stage: Stage, foot: float, wide: float, depth: float) -> None:
    """A light round plinth so that a product never floats over a landscape."""
    half = max(0.62 * wide, 0.16 * stage.span)
    canvas = stage.canvas(depth, top=foot - half)
    x, flat, tall = stage.width / 2, half * 0.17, 0.09 * stage.span
    tone = stage.palette.lit((244.0, 239.0, 231.0), 1.0)
    dark = stage.palette.lit((150.0, 144.0, 146.0), 1.0)
    canvas.soft(oval(x, foot + tall, half * 1.2, flat * 1.3), (30.0, 28.0, 40.0), flat, 0.35)
    body = np.concatenate([oval(x, foot + tall, half, flat, end=0.5), [(x - half, foot), (x + half, foot)]])
    ends = (tone, dark) if stage.light_side < 0 else (dark, tone)
    canvas.fill(body, Gradient(((x - half, ends[0]), (x + half, ends[1])), along_x=True))
    canvas.fill(oval(x, foot, half, flat), tone)
    stage.add_layer(canvas, depth)


def _cover(stage: Stage, pixels: Pixels) -> None:
    """The picture fills the frame and the camera moves over it; the scene behind is not seen."""
    depth = 0.9
    canvas = stage.canvas(depth)
    height, width = pixels.shape[:2]
    scale = max(canvas.width / width, canvas.height / height)
    made = _scaled(pixels, width * scale + 1, height * scale + 1)
    left = canvas.left - (made.shape[1] - canvas.width) // 2
    top = canvas.top - (made.shape[0] - canvas.height) // 2
    canvas.wash((255.0, 255.0, 255.0))
    canvas.paste(made, left, top)
    stage.add_layer(canvas, depth)


def _hang(stage: Stage, pixels: Pixels) -> None:
    """A photograph of another shape as a print with a white border and a soft shadow."""
    height, width = pixels.shape[:2]
    scale = min(0.84 * stage.width / width, 0.52 * stage.height / height)
    wide, tall = width * scale, height * scale
    x, y = stage.width / 2, stage.height * 0.54
    edge, margin, depth = 0.012 * stage.span, 0.09 * stage.span, 0.7
    canvas = Canvas(x - wide / 2 - margin, y - tall / 2 - margin, wide + 2 * margin, tall + 2 * margin)
    frame = box(x - wide / 2 - edge, y - tall / 2 - edge, x + wide / 2 + edge, y + tall / 2 + edge, 0.006 * stage.span)
    canvas.soft(moved(frame, 0, 0.016 * stage.span), (16.0, 14.0, 26.0), 0.045 * stage.span, 0.42)
    canvas.fill(frame, (252.0, 250.0, 246.0))
    canvas.paste(_scaled(pixels, wide, tall), round(x - wide / 2), round(y - tall / 2))
    stage.add(Sheet([canvas], depth))
