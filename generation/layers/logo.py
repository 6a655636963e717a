"""The brand's logo: read, checked, trimmed to its ink, scaled, and how light it is.

Every fault of the file is a sentence for the user. Knows one picture file; not where it goes.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from generation.errors import BadMedia
from generation.layers.colour import luminances

#: A logo larger than this is a mistake (or an attack): 40 megapixels take 160 MB when opened.
LARGEST_PIXELS = 40_000_000
#: Opaque enough to hide what is below.
_SOLID = 200
#: A circle fills 0.785 of its box, the boldest lettering rarely half of it.
_BADGE_COVER, _BADGE_EDGE = 0.7, 0.9
_FORMATS = ("PNG", "WEBP", "JPEG")


@dataclass(frozen=True, slots=True)
class Scaled:
    """A picture in its final size: float32 `alpha` of 0 to 1 and Y, U, V code values, all (height, width)."""

    alpha: NDArray[np.float32]
    yuv: tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]


@lru_cache(maxsize=8)
def read(path: Path) -> NDArray[np.uint8]:
    """(height, width, 4) RGBA without empty margins. Raises: BadMedia."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=_FORMATS) as image:
                if image.width * image.height > LARGEST_PIXELS:
                    raise BadMedia(f"{path.name}: a logo of {image.width}x{image.height} px. Save it below 4000x4000")
                pixels = np.array(ImageOps.exif_transpose(image).convert("RGBA"))
    except FileNotFoundError as error:
        raise BadMedia(f"{path}: there is no such logo file. Correct `logo` in brand.yaml") from error
    except (UnidentifiedImageError, Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise BadMedia(f"{path.name}: not a picture that can be a logo ({error}). Save it as PNG or WebP") from error
    except (OSError, SyntaxError, ValueError, MemoryError) as error:  # of memory: a part that says it has 4 GB
        raise BadMedia(f"{path.name}: the logo is damaged or not a picture ({error}). Save it again as PNG") from error
    return _trimmed(pixels, path)


def _trimmed(pixels: NDArray[np.uint8], path: Path) -> NDArray[np.uint8]:
    """Cut to the ink, so that the logo and not its margin is aligned."""
    rows, columns = (np.flatnonzero((pixels[..., 3] > 8).any(axis=axis)) for axis in (1, 0))
    if not rows.size:
        raise BadMedia(f"{path.name}: the logo is wholly transparent. Save it with its colours")
    return pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def size_within(path: Path, width: float, height: float) -> tuple[int, int]:
    """Width and height in whole pixels of the logo, as large as the place allows. Raises: BadMedia."""
    tall, wide = read(path).shape[:2]
    scale = min(width / wide, height / tall)
    return max(1, int(wide * scale)), max(1, int(tall * scale))


@lru_cache(maxsize=64)
def brings_ground(path: Path) -> bool:
    """Whether the logo is a badge, a seal or a photograph with a ground of its own, which wants no other under it.

    So it is when most of its box is opaque, or its edges are. Raises: BadMedia.
    """
    solid = read(path)[..., 3] > _SOLID
    edges = np.concatenate([solid[0], solid[-1], solid[:, 0], solid[:, -1]])
    return bool(solid.mean() >= _BADGE_COVER or edges.mean() >= _BADGE_EDGE)


@lru_cache(maxsize=16)
def scaled(path: Path, width: int, height: int) -> Scaled:
    """The logo in a size, filtered with its colours premultiplied: no dark or light fringe at its edges."""
    pixels = read(path).astype(np.float32)
    alpha = pixels[..., 3:] / 255
    shrinks = width < pixels.shape[1]
    filtered = cv2.resize(
        np.concatenate([pixels[..., :3] * alpha / 255, alpha], axis=2),
        (width, height),
        interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC,
    )
    cover = np.clip(filtered[..., 3], 0, 1)
    colour = np.clip(filtered[..., :3] / np.maximum(cover, 1e-3)[..., None], 0, 1)
    red, green, blue = (colour[..., index] for index in range(3))
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    planes = (16 + 219 * y, 128 + 224 * (blue - y) / 1.8556, 128 + 224 * (red - y) / 1.5748)
    return Scaled(cover, tuple(np.asarray(plane, np.float32) for plane in planes))  # type: ignore[arg-type]


@lru_cache(maxsize=64)
def visible_part(path: Path, background: float, ratio: float, *, lighter: bool = True, darker: bool = True) -> float:
    """Part (0 to 1) of the logo's ink that has this contrast ratio against a background of that luminance.

    Over footage, only ink on one side of the background's limit counts: on the other side it may meet its own tone.
    """
    small = scaled(path, *size_within(path, 160, 160))
    ink = small.alpha > min(0.5, float(small.alpha.max()) / 2)
    light = luminances(*(np.rint(plane[ink]).astype(np.uint8) for plane in small.yuv))
    above = (light + 0.05) / (background + 0.05)
    return float(((lighter & (above >= ratio)) | (darker & (1 / above >= ratio))).mean())
