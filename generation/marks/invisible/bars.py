"""Finds even borders around a picture: the bars of one that was fitted into another shape. Knows no mark."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from generation.media.frames import Plane
from generation.spec import Box

#: A row or column belongs to a bar when all its pixels, in every frame, lie within so many levels.
_LEVELS = 8
#: A picture takes at least this part of each side; less is a film that is dark as a whole.
_LEAST = 0.2


def inner_box(frames: Sequence[Plane]) -> Box | None:
    """The picture inside the bars; None where there are none."""
    stack = np.stack(frames)
    height, width = stack.shape[1:]
    top, bottom = _span(np.ptp(stack, axis=(0, 2)) > _LEVELS)
    left, right = _span(np.ptp(stack, axis=(0, 1)) > _LEVELS)
    whole = (left, top, right, bottom) == (0, 0, width, height)
    if whole or right - left < _LEAST * width or bottom - top < _LEAST * height:
        return None
    return Box(left, top, right - left, bottom - top)


def _span(alive: NDArray[np.bool_]) -> tuple[int, int]:
    if not alive.any():
        return 0, 0
    first, last = int(np.argmax(alive)), len(alive) - int(np.argmax(alive[::-1]))
    return first, last
