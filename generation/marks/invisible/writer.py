"""Draws the pattern into frames: faintly where the picture is calm, more where it is busy, and only while it is cheap.

Whole levels are added and subtracted, two passes over the luma of a frame. The pattern's sign turns with every group
of pictures: there the encoder draws anew anyway, and whoever reads the mark takes one group from the next, so that all
that stands still drops out. How strong it may be at each place is measured anew with each group, too. After the first
frames of a group it stays only where the picture has stood still: there it costs nothing, while on what moves every
further frame has to be told of it (half of the bytes that the mark added to a soft moving picture).
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import cv2
import numpy as np

from generation.marks.invisible.pattern import MARKED_SECONDS, TURN_SECONDS, Floats, plane
from generation.media.frames import Plane, Planes
from generation.spec import Size

cv2.setNumThreads(1)

#: Raised by hand whenever the same payload would be drawn or read otherwise.
ID, REVISION = "spread", "1"

#: Root mean square of the pattern in levels at strength 1: on calm places, more for each level of activity, at most.
CALM, FOR_ACTIVITY, MOST = 0.26, 1.15, 1.5
#: Peaks of the pattern are cut at so many deviations: rare ones are seen first.
_PEAK = 2.5
#: What calm places may bear more in a film with busy ones (x264 spends so many bytes there that these do not count),
#: and the activity of the busiest twentieth at which this begins and is reached.
CALM_BESIDE_BUSY, BUSY_FROM, BUSY_TO = 0.55, 1.0, 2.5
#: Activity is what is finer than a quarter of the size shows; it is kept at an eighth.
_SHRINK = 8
#: By how many levels a place may change from the head of a group and still be still.
_STILL_LEVELS = 0.75


class SpreadWriter:
    """Marks the frames of one film, in order."""

    def __init__(self, size: Size, fps: Fraction, payload: bytes, key: bytes, strength: float) -> None:
        self._pattern = plane(payload, key, size.width_px, size.height_px).clip(-_PEAK, _PEAK)
        self._strength = strength
        # At 30000/1001 a turn is a group of the encoder's; at other rates it is as long.
        self._turn_frames = max(2, round(TURN_SECONDS * fps))
        self._marked_frames = max(1, round(MARKED_SECONDS * fps))
        self._frame = 0
        self._more = self._less = np.zeros((size.height_px, size.width_px), np.uint8)
        self._first = np.zeros((1, 1), np.float32)
        self._silent = False

    @property
    def facts(self) -> Mapping[str, object]:
        """JSON values for the report."""
        return {"id": ID, "revision": REVISION, "strength": self._strength}

    def apply(self, planes: Planes) -> None:
        """Draw the pattern into a frame, in place."""
        if planes.y.shape != self._more.shape:
            raise ValueError(f"a frame of {planes.y.shape} in a film of {self._more.shape}")
        into = self._frame % self._turn_frames
        if into == 0:
            self._begin(planes.y)
        elif into == self._marked_frames:
            self._keep_still(planes.y)
        self._frame += 1
        if self._silent:
            return
        cv2.add(planes.y, self._more, dst=planes.y)
        cv2.subtract(planes.y, self._less, dst=planes.y)

    def _begin(self, luma: Plane) -> None:
        sign = -1 if self._frame // self._turn_frames % 2 else 1
        levels = allowed(luma, self._strength)
        # A product into bytes rounds, and stops at 0: one holds what is added, the other what is subtracted.
        self._more, self._less = (
            np.asarray(cv2.multiply(self._pattern, levels, scale=one, dtype=cv2.CV_8U), np.uint8)
            for one in (sign, -sign)
        )
        self._first, self._silent = _small(luma), False

    def _keep_still(self, luma: Plane) -> None:
        moved = (np.abs(_small(luma) - self._first) > _STILL_LEVELS).astype(np.uint8)
        around = cv2.dilate(moved, np.ones((3, 3), np.uint8))
        self._silent = bool(np.all(around))
        if np.any(around) and not self._silent:
            height, width = luma.shape
            whole = cv2.resize(1 - np.asarray(around, np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
            still = np.asarray(whole, np.uint8)
            self._more, self._less = self._more * still, self._less * still


def allowed(luma: Plane, strength: float) -> Floats:
    """How strong the pattern may be at each place of a picture, (height, width)."""
    height, width = luma.shape
    small = (max(1, width // _SHRINK), max(1, height // _SHRINK))
    fine = cv2.resize(luma, (small[0] * 4, small[1] * 4), interpolation=cv2.INTER_AREA).astype(np.float32)
    detail = np.abs(fine - cv2.blur(fine, (5, 5)))
    # The calmest place around decides: a pattern that reaches beyond an edge is seen on the calm side of it.
    busy = cv2.erode(cv2.resize(detail, small, interpolation=cv2.INTER_AREA), np.ones((3, 3)))
    busy = cv2.GaussianBlur(busy, (0, 0), 2.0)
    among_busy = np.clip((np.percentile(busy, 95) - BUSY_FROM) / (BUSY_TO - BUSY_FROM), 0, 1)
    calm = np.float32(CALM + (CALM_BESIDE_BUSY - CALM) * among_busy)
    levels = np.float32(strength) * np.clip(calm + np.float32(FOR_ACTIVITY) * busy, 0, MOST)
    return np.asarray(cv2.resize(levels, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def _small(luma: Plane) -> Floats:
    height, width = luma.shape
    small = (max(1, width // _SHRINK), max(1, height // _SHRINK))
    return np.asarray(cv2.resize(luma, small, interpolation=cv2.INTER_AREA), np.float32)
