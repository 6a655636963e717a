"""Colours: contrast as WCAG 2 defines it, mixing, and the code values of BT.709 limited range.

Colours are `#rrggbb` texts at the edge and triples of 0 to 1 inside. Knows no brand and no layer.
"""

from __future__ import annotations

import re
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

RGB = tuple[float, float, float]
BLACK, WHITE = "#000000", "#ffffff"

#: WCAG 2 AA for text of any size.
LEGIBLE = 4.5
#: From here on a colour is worth deepening to carry light text.
_NEARLY = 3.3

_HEX = re.compile(r"#[0-9a-fA-F]{6}\Z")
_RED, _GREEN, _BLUE = 0.2126, 0.7152, 0.0722


@lru_cache(maxsize=512)
def rgb(colour: str) -> RGB:
    """`#rrggbb` as red, green and blue of 0 to 1 (sRGB, not linear). Raises: ValueError."""
    if not _HEX.match(colour):
        raise ValueError(f"{colour!r} is not a colour like #1a2b3c")
    return int(colour[1:3], 16) / 255, int(colour[3:5], 16) / 255, int(colour[5:7], 16) / 255


def mix(first: str, second: str, part: float) -> str:
    """`part` of the second colour in the first, as sRGB values: what drawing with opacity gives."""
    pairs = zip(rgb(first), rgb(second), strict=True)
    return "#" + "".join(f"{round(255 * (a + (b - a) * part)):02x}" for a, b in pairs)


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2: 0 for black, 1 for white."""
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in rgb(colour))
    return _RED * red + _GREEN * green + _BLUE * blue


def contrast(first: str, second: str) -> float:
    """Contrast ratio of WCAG 2: 1 to 21."""
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


def readable_on(background: str, *wanted: str, ratio: float = LEGIBLE) -> str:
    """The first wanted colour with enough contrast on the background, else black or white, whichever has more.

    One of those two always reaches 4.58.
    """
    for colour in wanted:
        if contrast(colour, background) >= ratio:
            return colour
    return max(BLACK, WHITE, key=lambda colour: contrast(colour, background))


def filled(colour: str, paper: str, ink: str) -> tuple[str, str]:
    """A plate in a brand colour and the text on it.

    Ink where it reads. White on a strong red or blue is what a designer would set, though it often misses 4.5 by a
    little: then the plate is deepened by the few per cent that are wanting.
    """
    if contrast(paper, colour) >= _NEARLY and contrast(paper, colour) >= 0.75 * contrast(ink, colour):
        for part in range(24):
            deeper = mix(colour, BLACK, part / 100)
            if contrast(paper, deeper) >= LEGIBLE:
                return deeper, paper
    return colour, readable_on(colour, ink, paper)


@lru_cache(maxsize=512)
def yuv(colour: str) -> tuple[float, float, float]:
    """Y, U, V code values of BT.709 limited range: 16 to 235 and 16 to 240."""
    red, green, blue = rgb(colour)
    y = _RED * red + _GREEN * green + _BLUE * blue
    return 16 + 219 * y, 128 + 224 * (blue - y) / 1.8556, 128 + 224 * (red - y) / 1.5748


def luminances(y: NDArray[np.uint8], u: NDArray[np.uint8], v: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Relative luminance of pixels given as code values; all arrays of one shape."""
    grey = (y.astype(np.float32) - 16) / 219
    for_red, for_blue = (v.astype(np.float32) - 128) / 224 * 1.5748, (u.astype(np.float32) - 128) / 224 * 1.8556
    red, blue = grey + for_red, grey + for_blue
    green = (grey - _RED * red - _BLUE * blue) / _GREEN
    channels = np.clip(np.stack([red, green, blue]), 0, 1)
    low = channels <= 0.04045
    linear = np.where(low, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return np.asarray(_RED * linear[0] + _GREEN * linear[1] + _BLUE * linear[2], np.float32)


def grey_of(light: float) -> float:
    """The sRGB grey (0 to 1) that has this relative luminance."""
    return light * 12.92 if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055
