"""The ground of an end card: the brand's colour with large, quiet discs that keep drifting.

Drawn anew in every frame, straight into the encoder's planes: a card that stood still for two seconds would count as a
frozen film, so the discs must sweep enough of the picture to be measured, and slowly enough not to be noticed. Knows
colours and planes; not what stands on the card.
"""

from __future__ import annotations

import math
from fractions import Fraction

import cv2
import numpy as np
from numpy.typing import NDArray

from generation.layers.colour import yuv
from generation.layers.end_card import tints
from generation.layers.motion import drift
from generation.media.frames import Plane, Planes
from generation.spec import Size

#: Discs from below upwards: centre and radius as parts of width, height and the long side; index of the tint.
_DISCS = ((0.98, 0.08, 0.44, 0), (0.04, 0.96, 0.33, 0), (1.04, 0.02, 0.25, 1))
#: Fixed-point bits of cv2's sub-pixel places.
_BITS = 5
#: A polygon of so many corners is within 0.04 px of a circle of 1000 px.
_CORNERS = 360


class Ground:
    """The ground for one size; `colours` are its own and that of the text on it."""

    def __init__(self, size: Size, colours: tuple[str, str], *, mirrored: bool = False) -> None:
        self._size, self._mirrored = size, mirrored
        self._codes = [[round(value) for value in yuv(shade)] for shade in (colours[0], *tints(*colours))]
        turns = np.arange(_CORNERS) * (2 * math.pi / _CORNERS)
        self._circle = np.stack([np.cos(turns), np.sin(turns)], axis=1)

    def draw(self, planes: Planes, frame: int, fps: Fraction, taken: float) -> None:
        """Cover the lower `taken` part (0 to 1) of a picture with the ground, `frame` frames after its start."""
        first = 2 * round((1 - taken) * self._size.height_px / 2)
        discs = [self._disc(index, frame, fps) for index in range(len(_DISCS))]
        for channel, plane in enumerate(planes):
            shrink = 2 if channel else 1
            target: Plane = plane[first // shrink :]
            if not target.size:
                continue
            target[:] = self._codes[0][channel]
            for (_, _, _, tint), (x, y, radius) in zip(_DISCS, discs, strict=True):
                corners = (self._circle * radius + (x, y - first)) / shrink - 0.5
                cv2.fillPoly(target, [_fixed(corners)], self._codes[1 + tint][channel], cv2.LINE_AA, _BITS)

    def _disc(self, index: int, frame: int, fps: Fraction) -> tuple[float, float, float]:
        """Centre and radius in pixels of a disc in a frame."""
        x, y, part, _ = _DISCS[index]
        width, height = self._size.width_px, self._size.height_px
        long = max(width, height)
        dx, dy = drift(index, frame, fps)
        across = x * width + dx * long
        return (width - across if self._mirrored else across), y * height + dy * long, part * long


def _fixed(corners: NDArray[np.float64]) -> NDArray[np.int32]:
    return np.asarray(np.rint(corners * (1 << _BITS)), np.int32)
