"""Takes exposure pumping out of a clip: one factor for luma and one offset for each colour plane, for every frame.

A whole frame moves together, so nothing smears and no detail is lost. An 8-bit plane times a factor is a table of 256
entries: a tenth of the time of a trip through float tensors. What is steady already passes untouched.
"""

from __future__ import annotations

import cv2
import numpy as np

from generation.conform.exposure import pumping
from generation.conform.measures import flicker_of
from generation.conform.survey import Survey
from generation.media.frames import Plane, Planes

cv2.setNumThreads(1)

#: Below this flicker, in levels, the figure is the survey's own error; a clip is corrected by what lies above it.
FLOOR_LEVELS = 0.15
_CODES = np.arange(256, dtype=np.float64)


class Deflicker:
    """The corrections of one clip: `apply(planes, index)` puts frame `index` right. `strength` 0 touches nothing."""

    def __init__(self, seen: Survey, fps: float, strength: float) -> None:
        found = pumping(seen, fps)
        sure = max(0.0, 1 - (FLOOR_LEVELS / max(flicker_of(found.levels), 1e-9)) ** 2)
        strength *= sure
        self._factors = [1 + (factor - 1) * strength for factor in found.factors]
        self._colours = [(blue * strength, red * strength) for blue, red in found.colours]
        self.touches = strength > 0

    def apply(self, planes: Planes, index: int) -> Planes:
        """The frame as its course wants it; black stays black and white stays within range."""
        if not self.touches:
            return planes
        luma = (_CODES - 16) * self._factors[index] + 16
        blue, red = self._colours[index]
        return Planes(
            _through(planes.y, luma, 235), _through(planes.u, _CODES + blue, 240), _through(planes.v, _CODES + red, 240)
        )


def _through(plane: Plane, wanted: np.ndarray[tuple[int], np.dtype[np.float64]], top: int) -> Plane:
    table = np.rint(wanted).clip(16, top).astype(np.uint8)
    return np.asarray(cv2.LUT(plane, table), np.uint8)
