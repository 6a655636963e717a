"""A colour grade worked out once: from the numbers of a `Grade` to tables that grade YUV planes exactly.

The grade is thought in R'G'B' (lift, gamma and gain, contrast, saturation, hue bands, split toning). Evaluating it
per pixel would cost 100 ms a frame, so it is baked: a curve for the luma of greys, and a table over (luma, Cb, Cr)
at chroma resolution for the new chroma and for what colour adds to or takes from luma. Knows no frames and no time.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from generation.looks import Grade, HueBand

Floats = NDArray[np.floating[Any]]

#: BT.709 luma weights.
LUMA = np.array((0.2126, 0.7152, 0.0722), np.float32)
#: Luma steps of the colour table. The index is dithered, which interpolates between steps; 64 take 16 MB and keep
LUMA_STEPS = 64
#: Chroma is evaluated on a grid of this many points and interpolated to all 256 codes.
CHROMA_POINTS = 33


class Tables(NamedTuple):
    """A baked grade."""

    #: (256,) luma code -> graded luma code of a grey, not rounded.
    curve: Floats
    #: (LUMA_STEPS * 65536,) `step << 16 | u << 8 | v` -> bytes Cb, Cr, luma difference + 128, unused.
    colour: NDArray[np.uint32]


def graded(rgb: Floats, grade: Grade) -> Floats:
    """Grade display R'G'B' colours, shape (..., 3), 0 to 1; the result is inside the gamut."""
    colour = np.clip(_into_gamut(rgb), 0, 1)
    colour = _exposed(colour, grade)
    colour = np.asarray(grade.gain, np.float32) * (colour + np.asarray(grade.lift, np.float32) * (1 - colour))
    colour = np.clip(colour, 0, 1) ** (1 / np.asarray(grade.gamma, np.float32))
    colour = grade.black + (grade.white - grade.black) * _contrast(colour, grade.contrast, grade.pivot)
    if grade.mono:
        weights = np.asarray(grade.mono, np.float32)
        colour = np.repeat((colour @ (weights / weights.sum()))[..., None], 3, axis=-1)
    else:
        colour = _saturated(colour, grade)
        for band in grade.hues:
            colour = _hue_shifted(colour, band)
    return _into_gamut(_toned(colour, grade)).astype(np.float32)


def _exposed(colour: Floats, grade: Grade) -> Floats:
    """Exposure and white balance belong to light: they multiply linear values."""
    balance = np.array(
        (1 + 0.25 * grade.temperature, 1 - 0.2 * grade.tint, 1 - 0.35 * grade.temperature), np.float32
    )  # fmt: skip
    gain = np.float32(2.0**grade.exposure_stops) * balance / (balance @ LUMA)
    return np.clip(np.asarray(colour**2.2 * gain, np.float32), 0, None) ** np.float32(1 / 2.2)


def _contrast(colour: Floats, contrast: float, pivot: float) -> Floats:
    """An S through (0, 0), (pivot, pivot) and (1, 1) with slope `contrast` in the pivot and no corner anywhere."""
    below = pivot * (np.minimum(colour, pivot) / pivot) ** contrast
    above = 1 - (1 - pivot) * ((1 - np.clip(colour, pivot, 1)) / (1 - pivot)) ** contrast
    return np.where(colour < pivot, below, above)


def _saturated(colour: Floats, grade: Grade) -> Floats:
    luma: Floats = (colour @ LUMA)[..., None]
    spread = colour.max(axis=-1, keepdims=True) - colour.min(axis=-1, keepdims=True)
    return np.asarray(luma + (colour - luma) * (grade.saturation + grade.vibrance * (1 - np.clip(spread, 0, 1)) ** 2))


def _hue_shifted(colour: Floats, band: HueBand) -> Floats:
    y, cb, cr = _ycc(colour)
    size = np.hypot(cb, cr)
    apart = np.abs((np.degrees(np.arctan2(cr, cb)) - band.hue_degrees + 180) % 360 - 180)
    # A cosine window: no edge where a hue enters or leaves the band.
    weight = np.where(apart < band.width_degrees, 0.5 + 0.5 * np.cos(np.pi * apart / band.width_degrees), 0)
    angle = np.arctan2(cr, cb) + np.radians(band.shift_degrees) * weight
    size_new = size * (1 + (band.saturation - 1) * weight)
    y = y + band.luma * weight * np.minimum(size * 2, 1)
    return _rgb(y, size_new * np.cos(angle), size_new * np.sin(angle))


def _toned(colour: Floats, grade: Grade) -> Floats:
    luma = (colour @ LUMA)[..., None]
    dark = (1 - _smooth(0.0, 0.6, luma)) * (0.4 + 0.6 * _smooth(-0.05, 0.15, luma))
    # Whites keep their colour: a tinted white reads as a fault of the screen, not as a style.
    light = _smooth(0.4, 0.8, luma) * (1 - 0.85 * _smooth(0.82, 0.98, luma))
    shadows = _tint(grade.shadows) * grade.shadows_amount * dark
    return np.asarray(colour + shadows + _tint(grade.highlights) * grade.highlights_amount * light, np.float32)


def _tint(colour: str) -> Floats:
    """The colour of `#rrggbb` without its luma."""
    rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)], np.float32) / 255
    return np.asarray(rgb - rgb @ LUMA)


def _smooth(low: float, high: float, x: Floats) -> Floats:
    t = np.clip((x - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def _into_gamut(colour: Floats) -> Floats:
    """Pull colours outside 0 to 1 towards their own grey: hue and luma survive, clipping channels would bend both."""
    luma = np.clip(colour @ LUMA, 0, 1)[..., None]
    away = colour - (colour @ LUMA)[..., None]
    room = np.where(away > 0, 1 - luma, luma) / np.maximum(np.abs(away), 1e-6)
    return np.asarray(luma + away * np.minimum(room.min(axis=-1, keepdims=True), 1), np.float32)


def _ycc(rgb: Floats) -> tuple[Floats, Floats, Floats]:
    y = rgb @ LUMA
    return y, (rgb[..., 2] - y) / np.float32(1.8556), (rgb[..., 0] - y) / np.float32(1.5748)


def _rgb(y: Floats, cb: Floats, cr: Floats) -> Floats:
    red, blue = y + np.float32(1.5748) * cr, y + np.float32(1.8556) * cb
    green = (y - LUMA[0] * red - LUMA[2] * blue) / LUMA[1]
    return np.stack((red, green, blue), axis=-1).astype(np.float32)


def graded_codes(y: Floats, u: Floats, v: Floats, grade: Grade) -> tuple[Floats, Floats, Floats]:
    """Grade limited-range BT.709 code values, not rounded."""
    luma, cb, cr = _ycc(graded(_rgb((y - 16) / 219, (u - 128) / 224, (v - 128) / 224), grade))
    return 16 + 219 * luma, 128 + 224 * cb, 128 + 224 * cr


@lru_cache(maxsize=4)
def bake(grade: Grade) -> Tables:
    """Tables for `grade`; about 60 ms, kept for the next film of the same look."""
    codes = np.arange(256, dtype=np.float32)
    grey = np.full_like(codes, 128)
    curve, _, _ = graded_codes(np.clip(codes, 16, 235), grey, grey, grade)
    step = np.float32(256 / LUMA_STEPS)
    points = np.linspace(0, 256, CHROMA_POINTS, dtype=np.float32)
    luma = np.clip((np.arange(LUMA_STEPS, dtype=np.float32)) * step, 16, 235)
    shape = (LUMA_STEPS, CHROMA_POINTS, CHROMA_POINTS)
    y, u, v = (np.broadcast_to(a, shape) for a in (luma[:, None, None], points[:, None], points))
    base, _, _ = graded_codes(luma, np.full_like(luma, 128), np.full_like(luma, 128), grade)
    y_new, u_new, v_new = graded_codes(y, u, v, grade)
    cells = (u_new, v_new, y_new - base[:, None, None] + 128)
    colour = np.zeros((LUMA_STEPS, 256, 256, 4), np.uint8)
    for channel, (cell, low, high) in enumerate(zip(cells, (16, 16, 1), (240, 240, 255), strict=True)):
        for index in range(LUMA_STEPS):
            colour[index, :, :, channel] = np.clip(np.rint(_all_codes(cell[index])), low, high)
    return Tables(curve, colour.view("<u4").reshape(-1))


def _all_codes(cell: Floats) -> Floats:
    """(CHROMA_POINTS, CHROMA_POINTS) values at codes 0, 4, ... 256 interpolated to (256, 256)."""
    scale = np.float32((CHROMA_POINTS - 1) / 256)
    move = np.array([[scale, 0, 0], [0, scale, 0]], np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(np.ascontiguousarray(cell, np.float32), move, (256, 256), flags=flags))
