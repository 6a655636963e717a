"""Film grain: one large field of shaped noise made from a seed, and a different piece of it for every frame.

Grain is not white noise: crystals have a size (two of them here, fine and clumped), and grain shows in the middle
tones and hardly in black or white. Knows nothing of colour; works in luma levels.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from generation.looks import Grain
from generation.spec import Size

Floats = NDArray[np.float32]

#: The field is larger than a frame by this much each way: 128 * 128 places * 4 mirrorings before a piece returns.
MARGIN_PX = 128


class GrainField:
    """`piece(frame_index)` is the grain of that frame: (height, width) float32, standard deviation 1, mean 0."""

    def __init__(self, grain: Grain, size: Size, seed: int) -> None:
        self._seed = seed % 2**64
        self._height, self._width = size.height_px, size.width_px
        rng = np.random.default_rng((self._seed, 0x6772))
        noise = rng.standard_normal((size.height_px + MARGIN_PX, size.width_px + MARGIN_PX), dtype=np.float32)
        scale = min(size.width_px, size.height_px) / 1080
        fine = max(0.35, 0.58 * grain.size_px * scale)
        clump = max(0.7, 1.4 * grain.size_px * scale)
        self._field = _blurred(noise, fine)
        self._field += 0.3 * _blurred(noise, clump)
        self._field = np.clip(_normalised(self._field), -3, 3)

    def piece(self, frame_index: int) -> Floats:
        """A view on the field; the same for the same index."""
        rng = np.random.default_rng((self._seed, frame_index))
        top, left, mirror = (int(n) for n in rng.integers(0, (MARGIN_PX, MARGIN_PX, 4)))
        piece = self._field[top : top + self._height, left : left + self._width]
        # Only whole-array flips: cv2 takes views with a negative stride as copies.
        return np.asarray(cv2.flip(piece, mirror - 2), np.float32) if mirror else piece


def _blurred(noise: Floats, sigma: float) -> Floats:
    """Noise of that size, mean 0 and standard deviation 1."""
    return _normalised(np.asarray(cv2.GaussianBlur(noise, (0, 0), sigma), np.float32))


def _normalised(noise: Floats) -> Floats:
    return np.asarray((noise - noise.mean()) / noise.std(), np.float32)


def visibility() -> Floats:
    """(256,) luma code -> how much of the grain shows: 1 in mid-grey, a third in deep shadow, none in clean white."""
    x = np.clip((np.arange(256, dtype=np.float32) - 16) / 219, 0, 1)
    bell = np.clip(4 * x * (1 - x), 0, 1) ** 0.8
    return np.asarray(np.maximum(bell, 0.3 * (1 - x) ** 4), np.float32)
