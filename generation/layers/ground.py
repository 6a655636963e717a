"""The ground of an end card: the brand's colour with large, quiet shapes that keep drifting.

Drawn once, larger than the picture, and resampled at a new place in every frame: a card that stood still for more than
two seconds would count as a frozen film. Knows colours and planes; not what stands on the card.
"""

from __future__ import annotations

from fractions import Fraction

import cv2
import numpy as np

from generation.layers.colour import yuv
from generation.layers.end_card import tints
from generation.layers.motion import drift
from generation.media.frames import Plane, Planes
from generation.spec import Size

#: Room around the picture for the drift, as a part of each side.
_MARGIN = 0.12
#: Circles: centre and radius as parts of width, height and the long side; index of the tint.
_CIRCLES = ((0.96, 0.10, 0.42, 0), (0.06, 0.98, 0.30, 0), (1.02, 0.04, 0.23, 1))


class Ground:
    """The ground for one size; `colours` are its own and that of the text on it."""

    def __init__(self, size: Size, colours: tuple[str, str], unit: float, *, mirrored: bool = False) -> None:
        self._size, self._unit = size, unit
        self._margins = tuple(2 * round(_MARGIN * side / 2) for side in (size.width_px, size.height_px))
        shades = (colours[0], *tints(*colours))
        codes = [yuv(shade) for shade in shades]
        self._planes = tuple(
            self._drawn([code[channel] for code in codes], 2 if channel else 1, mirrored) for channel in range(3)
        )

    def _drawn(self, values: list[float], shrink: int, mirrored: bool) -> Plane:
        """One plane: base colour, then the circles in their tints."""
        width, height = self._size.width_px // shrink, self._size.height_px // shrink
        across, down = (margin // shrink for margin in self._margins)
        plane = np.full((height + 2 * down, width + 2 * across), round(values[0]), np.uint8)
        for x, y, radius, tint in _CIRCLES:
            x = 1 - x if mirrored else x
            centre = (round(16 * (across + x * width)), round(16 * (down + y * height)))
            reach = round(16 * radius * max(width, height))
            cv2.circle(plane, centre, reach, round(values[1 + tint]), -1, cv2.LINE_AA, 4)
        return plane

    def draw(self, planes: Planes, frame: int, fps: Fraction, taken: float) -> None:
        """Cover the lower `taken` part (0 to 1) of a picture with the ground, `frame` frames after its start."""
        x, y, scale = drift(frame, fps)
        first = 2 * round((1 - taken) * self._size.height_px / 2)
        for channel, target in enumerate(planes):
            shrink = 2 if channel else 1
            source = self._planes[channel]
            height, width = target.shape
            row = first // shrink
            if row >= height:
                continue
            middle_x, middle_y = (source.shape[1] - 1) / 2, (source.shape[0] - 1) / 2
            dx = (width - 1) / 2 + x * self._unit / shrink - scale * middle_x
            dy = (height - 1) / 2 + y * self._unit / shrink - scale * middle_y - row
            matrix = np.array([[scale, 0, dx], [0, scale, dy]], np.float64)
            cv2.warpAffine(
                source,
                matrix,
                (width, height - row),
                dst=target[row:],
                flags=cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_REPLICATE,
            )
