"""What is left of a film when its pictures are taken out: the place where a mark is looked for.

Each frame is scaled to a short side of 180, freed of everything coarser than the mark's waves, and levelled, so that a
busy place does not drown a calm one. Frames are added up by their moment within four seconds, because the mark's sign
turns every two: the difference of both halves holds the mark twice and nothing that stands still. Knows nothing of the
mark but its band and its turns.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from generation.marks.invisible.pattern import TURN_SECONDS
from generation.media.frames import Plane

cv2.setNumThreads(1)

SHORT_SIDE_PX = 180
#: Parts of the four seconds in which frames are added up.
MOMENTS = 40
#: Of those the ones that are marked everywhere, at the head of each half.
_MARKED = 6
#: Local mean and local spread are taken over so many pixels.
_AROUND = 25
#: Below this level (of 255) nothing is amplified; above so many deviations nothing counts more.
_FLOOR, _MOST = 0.25, 2.0

Floats = NDArray[np.float32]


class Residue:
    """The residues of one film's frames, by moment."""

    def __init__(self, frames: Sequence[tuple[float, Plane]]) -> None:
        height, width = frames[0][1].shape
        scale = SHORT_SIDE_PX / min(height, width)
        self.size = (max(8, round(width * scale)), max(8, round(height * scale)))
        self.film_size = (width, height)
        self._sums = np.zeros((MOMENTS, self.size[1], self.size[0]), np.float32)
        self._counts = np.zeros(MOMENTS, np.int64)
        for seconds, frame in frames:
            moment = int(seconds / TURN_SECONDS / 2 * MOMENTS + 0.01) % MOMENTS
            self._sums[moment] += levelled(self._small(frame))
            self._counts[moment] += 1

    def _small(self, frame: Plane) -> Floats:
        shrinks = self.size[0] < frame.shape[1]
        return cv2.resize(frame, self.size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC).astype(
            np.float32
        )

    def turned_at(self, moment: int) -> Floats:
        """The mark's plane, supposing that a group with plus begins at that moment."""
        since = (np.arange(MOMENTS) - moment) % MOMENTS
        chosen = [since < _MARKED, (since - MOMENTS // 2) % MOMENTS < _MARKED]
        counts = [int(self._counts[one].sum()) for one in chosen]
        # A short film holds one group, or hardly more: what is not marked of it stands in for the other one.
        for half, other in ((0, 1), (1, 0)):
            if counts[half] < counts[other] / 2:
                chosen[half] = ~chosen[other]
        halves = [self._mean(one) for one in chosen]
        if halves[0] is None or halves[1] is None:
            one = halves[0] if halves[0] is not None else halves[1]
            return one if one is not None else np.zeros(self.size[::-1], np.float32)
        return levelled(halves[0] - halves[1], floor=0.02)

    def _mean(self, chosen: NDArray[np.bool_]) -> Floats | None:
        count = self._counts[chosen].sum()
        return np.asarray(self._sums[chosen].sum(0) / count, np.float32) if count else None


def levelled(picture: Floats, floor: float = _FLOOR) -> Floats:
    """What is finer than its surroundings, as loud everywhere."""
    band = cv2.GaussianBlur(picture - cv2.blur(picture, (_AROUND, _AROUND)), (0, 0), 1.0)
    # A moving sum of floats may end a little below 0.
    level = np.sqrt(np.maximum(cv2.blur(band * band, (_AROUND, _AROUND)), 0))
    return np.asarray(np.clip(band / (level + np.float32(floor)), -_MOST, _MOST), np.float32)
