"""One pass over a clip, on small pictures: how each frame differs from the one before it, and where it is cut.

A frame is compared with the one before after that one was moved along the flow between them, so that a pan, a passing
car or a person who enters is not taken for a change of light: of all pixels the median decides. 7 ms a frame at
832x480, beside 4 for decoding. Judges nothing; `exposure.py` and `measures.py` do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from generation.errors import BadMedia
from generation.media.frames import Plane, Planes, read_frames
from generation.spec import Size

cv2.setNumThreads(1)

Floats = NDArray[np.float32]

#: Short side of the pictures that are compared: flow at a quarter of 480 is true to an eighth of a pixel of the film.
SMALL_PX = 120
#: Added to luma above black before a ratio is taken: the noise of a dark frame is not a change of exposure.
DARK_LEVELS = 4.0
#: Pixels near black and white say nothing about exposure: they are clipped. Fewer than a tenth left: the mean decides.
LEGIBLE, LEGIBLE_SHARE = (24, 230), 0.1
#: Stillness as `media/scan.py` measures it, with its number and reason: mean difference, of 1, at an eighth of the size
#: from the first picture of a stretch; a still picture jumps by up to 0.0019 where a key frame encodes it anew.
STILL, STILL_SHRINK = 0.003, 8
#: A cut: after motion and light are accounted for, this many levels remain, and three times what the neighbours show.
CUT_LEVELS, CUT_RATIO = 12.0, 3.0
#: Beyond this a difference is something uncovered, not flicker.
LOCAL_LEVELS = 16.0


@dataclass(frozen=True, slots=True)
class Survey:
    """What one pass over a clip showed; every tuple has an entry for each frame, the first frame's being neutral."""

    size: Size
    #: Mean luma above black, in 8-bit levels.
    levels: tuple[float, ...]
    #: Change of exposure from the frame before, as the logarithm of a ratio, and of the two colour planes, in levels.
    exposure_steps: tuple[float, ...]
    colour_steps: tuple[tuple[float, float], ...]
    #: What still differs from the frame before once motion and light are accounted for, in levels: all of it, and with
    #: what is uncovered bounded.
    unlike: tuple[float, ...]
    local: tuple[float, ...]
    #: The frame is the first of its stretch, within the noise.
    held: tuple[bool, ...]

    @property
    def frames(self) -> int:
        """How many frames there are."""
        return len(self.levels)

    @property
    def cuts(self) -> frozenset[int]:
        """Frames that begin another picture."""
        return frozenset(index for index in range(1, self.frames) if self._is_cut(index))

    def _is_cut(self, index: int) -> bool:
        around = [self.unlike[other] for other in (index - 1, index + 1) if 0 < other < self.frames]
        return self.unlike[index] > max(CUT_LEVELS, CUT_RATIO * max(around, default=0.0))


@dataclass(frozen=True, slots=True)
class _Step:
    exposure: float = 0.0
    colour: tuple[float, float] = (0.0, 0.0)
    unlike: float = 0.0
    local: float = 0.0


def survey(path: Path) -> Survey:
    """Decode all of a clip and compare its neighbours.

    Raises: BadMedia when it cannot be decoded to its end or has no frame.
    """
    compare, still = _Comparison(), _Stillness()
    levels: list[float] = []
    steps: list[_Step] = []
    held: list[bool] = []
    size = Size(0, 0)
    for planes in read_frames(path):
        size = Size(planes.y.shape[1], planes.y.shape[0])
        levels.append(max(0.0, float(planes.y.mean()) - 16))
        steps.append(compare.next(planes))
        held.append(still.next(planes))
    if not levels:
        raise BadMedia(f"{path.name}: a film without frames")
    return Survey(
        size=size,
        levels=tuple(levels),
        exposure_steps=tuple(step.exposure for step in steps),
        colour_steps=tuple(step.colour for step in steps),
        unlike=tuple(step.unlike for step in steps),
        local=tuple(step.local for step in steps),
        held=tuple(held),
    )


class _Comparison:
    """Each frame against the one before, moved along the flow."""

    def __init__(self) -> None:
        self._finder: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
        self._before: Floats | None = None
        self._grid: Floats | None = None

    def next(self, planes: Planes) -> _Step:
        now, before = _small(planes), self._before
        self._before = now
        if before is None or self._grid is None:
            rows, columns = np.mgrid[: now.shape[0], : now.shape[1]].astype(np.float32)
            self._grid = np.dstack([columns, rows])
            return _Step()
        flow = self._finder.calc(_codes(now), _codes(before), None)
        places = self._grid + flow
        x, y = np.ascontiguousarray(places[..., 0]), np.ascontiguousarray(places[..., 1])
        moved = cv2.remap(before, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return _step(now, np.asarray(moved, np.float32), _within(places))


def _codes(small: Floats) -> Plane:
    return np.ascontiguousarray(np.rint(small[..., 0]).astype(np.uint8))


def _small(planes: Planes) -> Floats:
    """Luma and both colour planes at one small size, (height, width, 3).

    In floats: rounded to codes, a change of less than half a level would leave every median at none.
    """
    height, width = planes.y.shape
    shrink = max(1, min(height, width) // SMALL_PX)
    size = (width // shrink, height // shrink)
    floats = (plane.astype(np.float32) for plane in planes)
    return np.dstack([cv2.resize(plane, size, interpolation=cv2.INTER_AREA) for plane in floats])


def _within(places: Floats) -> NDArray[np.bool_]:
    height, width = places.shape[:2]
    x, y = places[..., 0], places[..., 1]
    inside: NDArray[np.bool_] = (x >= 0) & (y >= 0) & (x <= width - 1) & (y <= height - 1)
    return inside


def _step(now: Floats, moved: Floats, inside: NDArray[np.bool_]) -> _Step:
    legible = inside & (now[..., 0] > LEGIBLE[0]) & (now[..., 0] < LEGIBLE[1])
    legible &= (moved[..., 0] > LEGIBLE[0]) & (moved[..., 0] < LEGIBLE[1])
    new, old = (np.maximum(frame[..., 0] - 16, 0) + DARK_LEVELS for frame in (now, moved))
    if legible.mean() >= LEGIBLE_SHARE:
        exposure = math.log(float(np.median(new[legible] / old[legible])))
        blue, red = (float(np.median((now - moved)[..., plane][legible])) for plane in (1, 2))
    else:
        exposure, blue, red = math.log(float(new.mean() / old.mean())), 0.0, 0.0
    left = np.abs(new - old * math.exp(exposure))[inside] if inside.any() else np.zeros(1, np.float32)
    return _Step(exposure, (blue, red), float(left.mean()), float(np.minimum(left, LOCAL_LEVELS).mean()))


class _Stillness:
    """Says of each frame whether it is still the first one of its stretch."""

    def __init__(self) -> None:
        self._first: list[Floats] = []

    def next(self, planes: Planes) -> bool:
        now = [_eighth(plane) for plane in planes]
        if self._first:
            off = sum(float(np.abs(a - b).sum()) for a, b in zip(now, self._first, strict=True))
            if off <= STILL * 255 * sum(plane.size for plane in now):
                return True
        self._first = now
        return False


def _eighth(plane: Plane) -> Floats:
    height, width = plane.shape
    size = (max(1, width // STILL_SHRINK), max(1, height // STILL_SHRINK))
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.float32)
