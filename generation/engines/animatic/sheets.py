"""What a frame is put together from: still layers, moving figures, light. One `draw` per frame each, on YUV planes.

Pictures were painted once (see `canvas`) and are kept as premultiplied Y, U, V, A in one array, because one warp of
four channels costs what one of a single channel does (3.6 ms for 1080x1920). Only boxes that change are touched.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Protocol

import cv2
import numpy as np

from generation.engines.animatic.camera import Affine, Camera
from generation.engines.animatic.canvas import Canvas, Pixels, to_yuva, u8
from generation.media.frames import Planes

cv2.setNumThreads(1)  # one worker process per core is how batches scale; threads inside would only fight

#: The white of limited range: players clip what is above.
WHITE_LUMA = 235

#: A layer is cut into boxes around its paint, along a grid of this many pixels.
_GRID = 96

#: Seconds -> (x, y) in stage pixels.
Path = Callable[[float], tuple[float, float]]


class Moment:
    """One frame's point in time, and the camera's view of any depth at it."""

    def __init__(self, camera: Camera, frame: int, seconds: float) -> None:
        self.camera, self.frame, self.seconds = camera, frame, seconds

    def view(self, depth: float) -> Affine:
        """Stage to frame for a layer."""
        return self.camera.at(self.frame, depth, seconds=self.seconds)


class Element(Protocol):
    """Anything that stands in the depth order of a stage."""

    def solid_from(self, moment: Moment) -> int:
        """First frame row from which it hides everything behind it, down to the bottom edge."""

    def draw(self, planes: Planes, moment: Moment, until: int) -> None:
        """Draw onto the planes, rows 0 until `until` (what lies below is hidden by something nearer)."""


def _still(_: float) -> tuple[float, float]:
    return (0.0, 0.0)


class Sheet:
    """A painted layer, or a figure with several phases, at one depth, that may move along a path."""

    def __init__(
        self,
        canvases: Sequence[Canvas],
        depth: float,
        *,
        path: Path = _still,
        phases_per_second: float = 0.0,
        phase: float = 0.0,
        backdrop: bool = False,
    ) -> None:
        self.depth, self._path = depth, path
        self._rate, self._phase = phases_per_second, phase
        self._left, self._top = canvases[0].left, canvases[0].top
        self._phases = [to_yuva(canvas.rgba()) for canvas in canvases]
        self._crop(backdrop)

    def _crop(self, backdrop: bool) -> None:
        """Keep the painted box, and find the rows from which a backdrop hides all behind it."""
        alpha = np.max([phase[:, :, 3] for phase in self._phases], axis=0)
        rows, columns = np.flatnonzero(alpha.max(axis=1)), np.flatnonzero(alpha.max(axis=0))
        if not len(rows):
            rows, columns = np.array([0, 1]), np.array([0, 1])
        y0, y1, x0, x1 = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
        self._left, self._top = self._left + int(x0), self._top + int(y0)
        self._phases = [np.ascontiguousarray(phase[y0:y1, x0:x1]) for phase in self._phases]
        self._solid_row = int(y1 - y0)
        if backdrop:
            see_through = np.flatnonzero(self._phases[0][:, :, 3].min(axis=1) < 255)
            self._solid_row = int(see_through[-1]) + 1 if len(see_through) else 0
        self._backdrop = backdrop and self._solid_row < y1 - y0
        self._patches: tuple[tuple[int, int, int, int], ...] = ((0, 0, int(x1 - x0), int(y1 - y0)),)
        if len(self._phases) == 1:
            self._patches = _painted_patches(alpha[y0:y1, x0:x1], self._solid_row)

    def _placed(self, moment: Moment) -> tuple[Affine, float, float]:
        """The view, and where the picture's first column and row fall in the frame."""
        view = moment.view(self.depth)
        dx, dy = self._path(moment.seconds)
        return view, view.scale * (self._left + dx) + view.dx, view.scale * (self._top + dy) + view.dy

    def solid_from(self, moment: Moment) -> int:
        """See `Element`."""
        if not self._backdrop:
            return 1 << 30
        view, _, top = self._placed(moment)
        return max(0, math.ceil(top + view.scale * self._solid_row) + 1)

    def draw(self, planes: Planes, moment: Moment, until: int) -> None:
        """See `Element`."""
        view, left, top = self._placed(moment)
        pixels = self._phases[int(moment.seconds * self._rate + self._phase + 1e-6) % len(self._phases)]
        height, width = planes.y.shape
        bottom = min(height, until + until % 2)
        solid = min(bottom, _even_below(self.solid_from(moment))) if self._backdrop else bottom
        matrix = np.array([[view.scale, 0, left], [0, view.scale, top]], np.float64)
        for px0, py0, px1, py1 in self._patches:
            x0, x1 = _even(left + view.scale * px0, left + view.scale * px1, width)
            # Patches meet at a row that is the same for both, so that none is drawn twice or left out.
            y0 = max(0, _even_below(top + view.scale * py0 - (1 if py0 == 0 else 0)))
            y1 = min(solid, _even_below(top + view.scale * py1 + (4 if py1 >= self._solid_row else 0)))
            if x1 > x0 and y1 > y0:
                _over(planes, pixels, matrix, (x0, y0, x1, y1))
        if bottom > solid:
            _replace(planes, pixels, matrix, (0, max(0, solid), width, bottom))


def _even_below(row: float) -> int:
    return math.floor(row / 2) * 2


def _painted_patches(alpha: Pixels, solid_row: int) -> tuple[tuple[int, int, int, int], ...]:
    """Boxes (left, top, right, bottom) that hold all paint and never overlap: two trees cost two trees, not a frame.

    Only rows above `solid_row`; the seam to the solid part is a box of its own, over the whole width.
    """
    patches: list[tuple[int, int, int, int]] = []
    seam = max(0, solid_row - 2) if solid_row < alpha.shape[0] else solid_row
    for top in range(0, seam, _GRID):
        bottom = min(seam, top + _GRID)
        # A few rows more than its own: boxes meet at whole even rows of the frame, not at whole rows of the picture.
        for left, right in _runs(alpha[max(0, top - 4) : bottom + 4].max(axis=0) > 0):
            above = next((at for at, box in enumerate(patches) if (box[0], box[2], box[3]) == (left, right, top)), None)
            if above is None:
                patches.append((left, top, right, bottom))
            else:
                patches[above] = (left, patches[above][1], right, bottom)
    return (*patches, (0, seam, alpha.shape[1], solid_row + 2)) if seam < solid_row else tuple(patches)


def _runs(painted: np.ndarray) -> list[tuple[int, int]]:
    """Stretches of painted columns, widened to the grid; single empty cells between two are not worth a cut."""
    cells = [bool(painted[at : at + _GRID].any()) for at in range(0, len(painted), _GRID)]
    runs: list[tuple[int, int]] = []
    for index in (index for index, cell in enumerate(cells) if cell):
        left, right = index * _GRID, min(len(painted), (index + 1) * _GRID)
        if runs and left - runs[-1][1] <= _GRID:
            runs[-1] = (runs[-1][0], right)
        else:
            runs.append((left, right))
    return runs


def _even(low: float, high: float, limit: int) -> tuple[int, int]:
    """The whole even span around a range, inside 0..limit: chroma has half the pixels."""
    return max(0, math.floor(low / 2) * 2), min(limit, math.ceil((high + 1) / 2) * 2)


def _warp(pixels: Pixels, matrix: np.ndarray, where: tuple[int, int, int, int], border: int) -> Sequence[Pixels]:
    x0, y0, x1, y1 = where
    shifted = matrix - ((0, 0, x0), (0, 0, y0))
    warped = cv2.warpAffine(pixels, shifted, (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR, borderMode=border)
    return [u8(channel) for channel in cv2.split(warped)]


def _half(plane: Pixels) -> Pixels:
    return u8(cv2.resize(plane, (plane.shape[1] // 2, plane.shape[0] // 2), interpolation=cv2.INTER_AREA))


def _over(planes: Planes, pixels: Pixels, matrix: np.ndarray, where: tuple[int, int, int, int]) -> None:
    """Blend premultiplied pixels over the planes."""
    x0, y0, x1, y1 = where
    y, u, v, alpha = _warp(pixels, matrix, where, cv2.BORDER_CONSTANT)
    _blend(planes.y[y0:y1, x0:x1], y, alpha)
    half_alpha = _half(alpha)
    for plane, part in ((planes.u, u), (planes.v, v)):
        _blend(plane[y0 // 2 : y1 // 2, x0 // 2 : x1 // 2], _half(part), half_alpha)


def _blend(target: Pixels, part: Pixels, alpha: Pixels) -> None:
    cv2.multiply(target, cv2.bitwise_not(alpha), dst=target, scale=1 / 255)
    cv2.add(target, part, dst=target)


def _replace(planes: Planes, pixels: Pixels, matrix: np.ndarray, where: tuple[int, int, int, int]) -> None:
    x0, y0, x1, y1 = where
    y, u, v, _ = _warp(pixels, matrix, where, cv2.BORDER_REPLICATE)
    planes.y[y0:y1, x0:x1] = y
    planes.u[y0 // 2 : y1 // 2, x0 // 2 : x1 // 2] = _half(u)
    planes.v[y0 // 2 : y1 // 2, x0 // 2 : x1 // 2] = _half(v)


def _add_light(target: Pixels, light: Pixels) -> None:
    """Add to the luma, at most to the white of limited range."""
    cv2.add(target, light, dst=target)
    np.minimum(target, WHITE_LUMA, out=target)


class Veil:
    """Rain, snow or dust: a tile of light that falls over the picture, added to the luma alone."""

    def __init__(self, tile: Pixels, size: tuple[int, int], speed: tuple[float, float], *, depth: float) -> None:
        """`tile` (rows, columns) repeats; `size` is the frame's (width, height); `speed` is in pixels per second."""
        self._rows, self._columns = tile.shape
        repeat = (-(-(size[1] + 2) // self._rows) + 1, -(-(size[0] + 2) // self._columns) + 1)
        self._tile = np.tile(tile, repeat)
        self._speed, self._depth = speed, depth

    def solid_from(self, moment: Moment) -> int:
        """It hides nothing."""
        return 1 << 30

    def draw(self, planes: Planes, moment: Moment, until: int) -> None:
        """See `Element`."""
        view = moment.view(self._depth)
        x = -(self._speed[0] * moment.seconds + view.dx) % self._columns
        y = -(self._speed[1] * moment.seconds + view.dy) % self._rows
        height, width = min(until, planes.y.shape[0]), planes.y.shape[1]
        column, row = int(x), int(y)
        crop = self._tile[row : row + height + 1, column : column + width + 1]
        # A shift alone is two blends of neighbours: a quarter of what a warp costs.
        across = cv2.addWeighted(crop[:, :-1], 1 - (x - column), crop[:, 1:], x - column, 0)
        light = cv2.addWeighted(across[:-1], 1 - (y - row), across[1:], y - row, 0)
        _add_light(planes.y[:height], u8(light))


class Glints:
    """Groups of small lights that come and go in turn: sun on water, lamps that shimmer, stars."""

    def __init__(self, groups: Sequence[Canvas], depth: float, *, period_seconds: float) -> None:
        self._depth, self._period = depth, period_seconds
        self._origin = (groups[0].left, groups[0].top)
        self._groups = [np.ascontiguousarray(to_yuva(group.rgba())[:, :, 0]) for group in groups]

    def solid_from(self, moment: Moment) -> int:
        """It hides nothing."""
        return 1 << 30

    def draw(self, planes: Planes, moment: Moment, until: int) -> None:
        """See `Element`."""
        view = moment.view(self._depth)
        rows, columns = self._groups[0].shape
        left, top = (view.scale * o + d for o, d in zip(self._origin, (view.dx, view.dy), strict=True))
        x0, x1 = _even(left, left + view.scale * columns, planes.y.shape[1])
        y0, y1 = _even(top, top + view.scale * rows, min(until, planes.y.shape[0]) // 2 * 2)
        if x1 <= x0 or y1 <= y0:
            return
        light = np.zeros((rows, columns), np.uint8)
        for index, group in enumerate(self._groups):
            wave = math.sin(2 * math.pi * (moment.seconds / self._period + index / len(self._groups)))
            cv2.addWeighted(light, 1.0, group, max(0.0, wave) ** 1.5, 0, dst=light)
        matrix = np.array([[view.scale, 0, left - x0], [0, view.scale, top - y0]], np.float64)
        target = planes.y[y0:y1, x0:x1]
        _add_light(target, u8(cv2.warpAffine(light, matrix, (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR)))
