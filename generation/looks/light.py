"""What a lens does to light: falls off towards the corners, and lets highlights bleed.

Both are smooth over hundreds of pixels, which 8 bits would show as rings; the fields are float32 and the grader
dithers when it rounds. Knows nothing of colour grades or of time.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from generation.looks import Glow, Vignette
from generation.media.frames import Planes
from generation.spec import Size

Floats = NDArray[np.float32]

#: Glow is worked out on a picture this many times smaller than the luma plane.
SHRINK = 8


def falloff(vignette: Vignette, size: Size) -> Floats:
    """(height, width) float32: the part of the light that arrives; 1 in the centre, 1 - loss in the corners."""
    across = np.linspace(-1, 1, size.width_px, dtype=np.float32)[None, :] ** 2
    down = np.linspace(-1, 1, size.height_px, dtype=np.float32)[:, None] ** 2
    # An ellipse that follows the frame: a circle would darken only the top and bottom of a tall picture.
    radius = np.sqrt((across + down) / 2)
    t = np.clip((radius - vignette.start) / (1 - vignette.start), 0, 1)
    return np.asarray(1 - vignette.loss * t * t * (3 - 2 * t), np.float32)


def dither(size: Size) -> Floats:
    """(height, width) float32 in -0.5 to 0.5 without clumps; the same for every frame, so it costs no bits."""
    noise = np.random.default_rng(709).random((size.height_px, size.width_px), dtype=np.float32)
    # High-passed and ranked again by its own spread: the eye forgives fine noise, not clumps.
    fine = noise - cv2.GaussianBlur(noise, (0, 0), 1.0)
    return np.asarray(np.clip(fine * np.float32(0.29 / fine.std()), -0.5, 0.5), np.float32)


class Bleed:
    """Glow of one look at one size: `of(planes)` is what highlights add around them."""

    def __init__(self, glow: Glow, size: Size) -> None:
        self._amount = np.float32(glow.amount)
        self._small = (max(size.width_px // SHRINK, 2), max(size.height_px // SHRINK, 2))
        self._sigma = max(0.8, glow.radius_px * min(size.width_px, size.height_px) / 1080 / SHRINK / 2)
        x = (np.arange(256, dtype=np.float32) - 16) / 219
        t = np.clip((x - glow.threshold) / max(1e-3, 1 - glow.threshold), 0, 1)
        self._bright = np.asarray(t * t * (3 - 2 * t), np.float32)

    def of(self, planes: Planes) -> tuple[Floats, Floats, Floats]:
        """Small float32 fields: the part of white to screen over luma, and what its colour adds to Cb and Cr."""
        y, u, v = (cv2.resize(plane, self._small, interpolation=cv2.INTER_AREA) for plane in planes)
        bright = cv2.LUT(y, self._bright)
        halo = self._amount * cv2.GaussianBlur(bright, (0, 0), self._sigma)
        pulls = [
            self._amount * cv2.GaussianBlur(bright * (plane.astype(np.float32) - 128), (0, 0), self._sigma)
            for plane in (u, v)
        ]
        return halo, pulls[0], pulls[1]
