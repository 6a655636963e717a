"""How light a plate is, where and when: measured once, before anything is decided about the words on it.

The picture is divided into cells; of every third frame each cell keeps the luminance of its darkest and lightest pixels
(the outer fiftieths left aside). Many masters share a plate, so the answer is kept for the last few plates. Knows files
and luminance; not what is going to be written.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from generation.layers.colour import luminances
from generation.media.frames import Planes, read_frames
from generation.spec import Box, Size

#: Every third frame: whoever reads the ranges looks at six frames to either side.
EVERY = 3
#: Cells across and down.
_CELLS = 24
#: Samples of luma per cell and direction, at most.
_SAMPLES = 8
_OUTER = 0.02


@dataclass(frozen=True, slots=True)
class Light:
    """Ranges of relative luminance: `darkest` and `lightest` are (measured frames, cells down, cells across)."""

    size: Size
    frames: int
    darkest: NDArray[np.float32]
    lightest: NDArray[np.float32]

    def range(self, box: Box) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Darkest and lightest luminance under a box, for every frame of the plate."""
        rows = self._cells(box.y, box.bottom, self.size.height_px)
        columns = self._cells(box.x, box.right, self.size.width_px)
        low = self.darkest[:, rows, columns].min(axis=(1, 2))
        high = self.lightest[:, rows, columns].max(axis=(1, 2))
        return np.repeat(low, EVERY)[: self.frames], np.repeat(high, EVERY)[: self.frames]

    @staticmethod
    def _cells(first: int, end: int, length: int) -> slice:
        low = min(_CELLS - 1, max(0, first * _CELLS // length))
        return slice(low, min(_CELLS, max(low + 1, -(-end * _CELLS // length))))


def measure_light(plate: Path) -> Light:
    """The light of a plate; the file is decoded once per process. Raises: BadMedia."""
    facts = plate.stat()
    return _measured(plate, facts.st_size, facts.st_mtime_ns)


@lru_cache(maxsize=8)
def _measured(plate: Path, _bytes: int, _changed: int) -> Light:
    lows, highs, frames, size = [], [], 0, Size(0, 0)
    for planes in read_frames(plate):
        if frames % EVERY == 0:
            low, high = _ranges(planes)
            lows.append(low)
            highs.append(high)
            size = Size(planes.y.shape[1], planes.y.shape[0])
        frames += 1
    shape = (0, _CELLS, _CELLS)
    empty = np.zeros(shape, np.float32)
    return Light(size, frames, np.stack(lows) if lows else empty, np.stack(highs) if highs else empty)


def _ranges(planes: Planes) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Luminance range of every cell of one frame."""
    height, width = planes.u.shape
    rows = _samples(height)
    columns = _samples(width)
    u, v = planes.u[np.ix_(rows, columns)], planes.v[np.ix_(rows, columns)]
    light = luminances(planes.y[np.ix_(2 * rows, 2 * columns)], u, v)
    per_row, per_column = len(rows) // _CELLS, len(columns) // _CELLS
    cells = light.reshape(_CELLS, per_row, _CELLS, per_column).swapaxes(1, 2).reshape(_CELLS, _CELLS, -1)
    last = cells.shape[2] - 1
    low, high = round(_OUTER * last), round((1 - _OUTER) * last)
    ordered = np.partition(cells, (low, high), axis=2)
    return ordered[..., low], ordered[..., high]


def _samples(length: int) -> NDArray[np.intp]:
    """Evenly spread sample places of a chroma plane, the same number in each cell."""
    count = _CELLS * min(_SAMPLES, max(1, length // _CELLS))
    return (np.arange(count) * length // count).astype(np.intp)
