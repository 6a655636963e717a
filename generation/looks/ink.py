"""A drawing made of a frame: flat tones and ink lines.

Everything is a smooth function of the frame itself, without memory of the frame before: tones meet in soft steps and
a line's darkness follows its contrast, so that nothing switches on or off from one frame to the next. Small detail is
dissolved at half resolution (edge-preserving); steps and lines are hardened at full resolution, so they stay crisp.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from generation.looks import Ink
from generation.media.frames import Plane, Planes
from generation.spec import Size

#: Code value of "no ink" in the response of the line filter, and how it is scaled to 8 bits.
NO_LINE, LINE_GAIN = 128, 6.0


class Drawing:
    """Redraws frames of one size."""

    def __init__(self, ink: Ink, size: Size) -> None:
        self._full = (size.width_px, size.height_px)
        self._sigma = max(0.6, ink.line_px * min(size.width_px, size.height_px) / 1080 / 2)
        self._steps = staircase(ink.tones, ink.hardness)
        self._ink = _ink_curve(ink.lines)

    def of(self, planes: Planes) -> tuple[Planes, Plane]:
        """The frame in flat tones, and its lines: (height, width) uint8, 255 is paper and 0 is ink."""
        half = (planes.u.shape[1], planes.u.shape[0])
        picture = cv2.merge([cv2.resize(planes.y, half, interpolation=cv2.INTER_AREA), planes.u, planes.v])
        for _ in range(2):
            picture = cv2.bilateralFilter(picture, 5, 26, 3)
        soft, u, v = (np.asarray(plane, np.uint8) for plane in cv2.split(cv2.medianBlur(picture, 5)))
        tones = cv2.LUT(cv2.resize(soft, self._full, interpolation=cv2.INTER_CUBIC), self._steps)
        # One pixel of softness stands for the antialiasing that a curve over whole pixels takes away.
        return Planes(np.asarray(cv2.GaussianBlur(tones, (3, 3), 0), np.uint8), u, v), self._lines(soft)

    def _lines(self, soft: Plane) -> Plane:
        """Dark side of every edge, by a difference of Gaussians on the dissolved picture."""
        values = soft.astype(np.float32)
        near, far = (cv2.GaussianBlur(values, (0, 0), sigma) for sigma in (self._sigma, 1.6 * self._sigma))
        # Enlarged before it is cut to 8 bits: hardened at half resolution, a slanting line would be a staircase.
        response = cv2.addWeighted(near, LINE_GAIN, far, -LINE_GAIN, NO_LINE)
        wide = cv2.resize(response, self._full, interpolation=cv2.INTER_CUBIC)
        lines = cv2.LUT(cv2.convertScaleAbs(np.maximum(wide, 0)), self._ink)
        return np.asarray(cv2.GaussianBlur(lines, (3, 3), 0), np.uint8)


def staircase(tones: int, hardness: float) -> NDArray[np.uint8]:
    """(256,) luma code -> code: `tones` flat steps between black and white that meet in tanh slopes."""
    x = np.clip((np.arange(256) - 16) / 219, 0, 1) * (tones - 1)
    within = x - np.floor(x) - 0.5
    stepped = np.floor(x) + 0.5 + np.tanh(within * 2 * hardness) / (2 * np.tanh(hardness))
    return np.asarray(np.rint(16 + 219 * stepped / (tones - 1)), np.uint8)


def _ink_curve(lines: float) -> NDArray[np.uint8]:
    """(256,) line response -> 255 (paper) to 255 * (1 - lines) (ink)."""
    x = (np.arange(256, dtype=np.float32) - NO_LINE) / LINE_GAIN
    depth = np.clip((-x - 1.2) / 3.5, 0, 1)
    depth = depth * depth * (3 - 2 * depth)
    return np.asarray(np.rint(255 * (1 - lines * depth)), np.uint8)
