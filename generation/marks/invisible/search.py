"""Finds the pattern in a residue: at which scale, stretch, turn and place, mirrored or not, and how surely.

The waves' values are computed for a supposed geometry by two products of matrices: a picture scaled along an axis is
another set of waves. The finders' phases give the place, and their agreement is the score: for a fixed picture and a
key by chance the probability of a score above t is at most exp(-t^2 / 2) for each place that is tried, because the
score is a sum of independent cosines of even phases, divided by its own deviation (Hoeffding's lemma). Knows no
payload.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from generation.marks.invisible.pattern import REACH, SHORT_SIDE_PX, TILE_PX, Complex, Floats, Waves, waves_along

#: Places along a tile's side that are tried at first, and how finely around the best of them.
CELLS = 32
FINER = 9
#: The best of a tile's cells by chance reaches 3.8; settling adds one or two to what is beside the truth.
_WORTH_SETTLING = 4.4
#: Products of fewer multiplications of real numbers, or a quarter of them of complex ones, OpenBLAS leaves on one
#: thread. Thousands of them on two threads of a busy machine wait for each other: a minute instead of five seconds.
_ALONE = 130_000


@dataclass(frozen=True, slots=True)
class Geometry:
    """How the film's picture lies to the one that was marked: its scale along both axes, its turn, its mirror image.

    A scale is that of the picture after both were brought to one short side.
    """

    scale_x: float = 1.0
    scale_y: float = 1.0
    turn_degrees: float = 0.0
    mirrored: bool = False

    def words(self) -> str:
        """What was done to the picture, for people; "" for nothing."""
        said = ["mirrored"] if self.mirrored else []
        if abs(self.turn_degrees) >= 0.75:
            said.append(f"rotated {self.turn_degrees:+.1f}°")
        if abs(self.scale_x / self.scale_y - 1) > 0.025:
            said.append(f"stretched {self.scale_x:.2f} × {self.scale_y:.2f}")
        elif abs(self.scale_x - 1) > 0.02:
            said.append(f"scaled or cropped by {self.scale_x:.2f}")
        return ", ".join(said)


@dataclass(frozen=True, slots=True)
class Sighting:
    """The pattern as it seems to lie; `values` are the waves' values there, in the waves' order."""

    score: float
    geometry: Geometry
    values: Complex


class Finder:
    """Looks for one key's pattern in one residue, (height, width), of a film of `film_size` (width, height)."""

    def __init__(self, picture: Floats, film_size: tuple[int, int], waves: Waves) -> None:
        self._waves = waves
        self._picture: Floats = np.asarray(picture - picture.mean(), np.float32)
        height, width = picture.shape
        # Tiles to a pixel of the residue, along x and y, at scale 1; residues are whole pixels, so both may differ.
        tile = TILE_PX * min(film_size) / SHORT_SIDE_PX
        self._tiles = (film_size[0] / width / tile, film_size[1] / height / tile)
        cycles = waves.cycles[: waves.finders]
        self._cells = {
            mirrored: ((cycles[:, 1] + REACH), ((-cycles[:, 0] if mirrored else cycles[:, 0]) + REACH))
            for mirrored in (False, True)
        }
        self._at = cycles[:, 1] % CELLS, cycles[:, 0] % CELLS
        self._rings = _rings(waves)

    def best(self, turns: Iterable[float], pairs: NDArray[np.float64], count: int) -> list[Sighting]:
        """The likeliest geometries of all turns with all `pairs` (n, 2) of scales, mirrored or not, settled."""
        found: list[tuple[float, Geometry]] = []
        for turn in turns:
            for (x, y), (plain, mirrored) in self._scores(turn, pairs):
                found += [(plain, Geometry(x, y, turn)), (mirrored, Geometry(x, y, turn, mirrored=True))]
        found = sorted((one for one in found if one[0] >= _WORTH_SETTLING), key=lambda one: -one[0])
        chosen: list[Geometry] = []
        for _, one in found:
            if not any(_near(one, other) for other in chosen):
                chosen.append(one)
            if len(chosen) == count:
                break
        return [self.settled(one) for one in chosen]

    def _scores(
        self, turn: float, pairs: NDArray[np.float64]
    ) -> Iterator[tuple[tuple[float, float], tuple[float, float]]]:
        """The scores, plain and mirrored, of all pairs of scales at one turn."""
        picture = self._turned(turn)
        for scale_y in np.unique(pairs[:, 1]):
            rows = _rows(_along(picture.shape[0], self._tiles[1] / scale_y), picture)
            widths = pairs[pairs[:, 1] == scale_y, 0]
            products = [rows @ _along(picture.shape[1], self._tiles[0] / scale) for scale in widths]
            grids = np.stack(products).astype(np.complex64)
            plain, mirrored = (self._peaks(grids[:, y, x]) for y, x in (self._cells[False], self._cells[True]))
            for scale_x, one, other in zip(widths, plain, mirrored, strict=True):
                yield (float(scale_x), float(scale_y)), (float(one), float(other))

    def _peaks(self, values: Complex) -> NDArray[np.float32]:
        agreed = self._agreed(values)
        grids = np.zeros((len(values), CELLS, CELLS), np.complex64)
        grids[:, self._at[0], self._at[1]] = agreed
        sums = np.fft.ifft2(grids).real * CELLS * CELLS
        return np.asarray(sums.reshape(len(values), -1).max(1) / _deviation(agreed), np.float32)

    def _agreed(self, values: Complex) -> Complex:
        """The finders' values, evened, against their phases; (..., finders)."""
        count = self._waves.finders
        even = evened(values[..., :count], self._rings[:, :count])
        return np.asarray(even * np.conj(self._waves.phases[:count]), np.complex64)

    def look(self, geometry: Geometry, *, place: tuple[float, float] | None = None) -> Sighting:
        """The best place for the pattern in this geometry, or the score at one place, in parts of a tile."""
        values = self._values(geometry)
        agreed = self._agreed(values)
        x, y = self._place(agreed) if place is None else (np.array([place[0]]), np.array([place[1]]))
        cycles = self._waves.cycles
        count = self._waves.finders
        sums = (np.exp(2j * np.pi * (np.outer(x, cycles[:count, 0]) + np.outer(y, cycles[:count, 1]))) @ agreed).real
        at = int(np.argmax(sums))
        seen = evened(values, self._rings) * np.exp(2j * np.pi * (x[at] * cycles[:, 0] + y[at] * cycles[:, 1]))
        return Sighting(float(sums[at] / _deviation(agreed)), geometry, seen.astype(np.complex64))

    def _place(self, agreed: Complex) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Places around the likeliest of all cells."""
        grid = np.zeros((CELLS, CELLS), np.complex64)
        grid[self._at] = agreed
        y, x = divmod(int(np.argmax(np.fft.ifft2(grid).real)), CELLS)
        steps = np.linspace(-0.75, 0.75, FINER)
        across, down = np.meshgrid((x + steps) / CELLS, (y + steps) / CELLS)
        return across.ravel(), down.ravel()

    def settled(self, geometry: Geometry) -> Sighting:
        """The geometry moved, step by smaller step, to where the finders agree best."""
        best = self.look(geometry)
        for step in (0.008, 0.004, 0.002):
            turn = step * 60
            sizes = ((step, step, 0), (-step, -step, 0), (step, -step, 0), (-step, step, 0))
            moves = (*sizes, (0, 0, turn), (0, 0, -turn))
            for _ in range(4):
                better = max((self.look(_moved(best.geometry, *move)) for move in moves), key=lambda one: one.score)
                if better.score <= best.score:
                    break
                best = better
        return best

    def _values(self, geometry: Geometry) -> Complex:
        """The waves' values, as if the picture's middle were the pattern's."""
        picture = self._turned(geometry.turn_degrees)
        height, width = picture.shape
        rows = _rows(_along(height, self._tiles[1] / geometry.scale_y), picture)
        grid = _grid(rows, _along(width, self._tiles[0] / geometry.scale_x))
        cycles = self._waves.cycles
        across = -cycles[:, 0] if geometry.mirrored else cycles[:, 0]
        return np.asarray(grid[cycles[:, 1] + REACH, across + REACH], np.complex64)

    def _turned(self, degrees: float) -> Floats:
        if not degrees:
            return self._picture
        height, width = self._picture.shape
        # Pixels of a residue may be oblong by half a per cent: less than a turn is known to.
        matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
        turned = cv2.warpAffine(self._picture, matrix, (width, height), flags=cv2.INTER_LINEAR)
        return np.asarray(turned, np.float32)


def _rows(waves: Complex, picture: Floats) -> Complex:
    """`waves.T @ picture`, by small products of real numbers on one thread."""
    real = waves.view(np.float32)
    made = np.empty((real.shape[1], picture.shape[1]), np.float32)
    step = max(1, _ALONE // real.size)
    for x in range(0, picture.shape[1], step):
        made[:, x : x + step] = real.T @ picture[:, x : x + step]
    return np.asarray(made[0::2] + 1j * made[1::2], np.complex64)


def _grid(rows: Complex, waves: Complex) -> Complex:
    """`rows @ waves`, by small products on one thread."""
    made = np.empty((len(rows), waves.shape[1]), np.complex64)
    step = max(1, _ALONE // 4 // waves.size)
    for y in range(0, len(rows), step):
        made[y : y + step] = rows[y : y + step] @ waves
    return made


def evened(values: Complex, rings: NDArray[np.float32]) -> Complex:
    """The values weighed by how much to believe them.

    The mark's waves are about equally loud; a ring of waves that is louder as a whole, or one wave much louder than its
    ring, is the film's own.
    """
    size = np.abs(values)
    typical = (size @ rings.T / np.maximum(rings.sum(1), 1)) @ rings + 1e-9
    even: Complex = (2 * values * typical / (size**2 + typical**2)).astype(np.complex64)
    return even


def _rings(waves: Waves) -> NDArray[np.float32]:
    """(rings, waves): 1 where a wave belongs to a ring, waves of about one length."""
    cycles = np.hypot(waves.cycles[:, 0], waves.cycles[:, 1])
    ring = ((cycles - 4) // 2.2).astype(int).clip(0, 4)
    return np.asarray(ring[None, :] == np.arange(5)[:, None], np.float32)


def _deviation(agreed: Complex) -> NDArray[np.float32]:
    """Of the sum, were the phases arbitrary."""
    return np.asarray(np.sqrt((np.abs(agreed) ** 2).sum(-1) / 2) + 1e-9, np.float32)


_kept: dict[tuple[int, float], Complex] = {}


def _along(length: int, tiles_a_pixel: float) -> Complex:
    """`waves_along`, remembered."""
    known = (length, round(tiles_a_pixel, 9))
    if known not in _kept:
        if len(_kept) > 400:
            _kept.clear()
        _kept[known] = waves_along(length, tiles_a_pixel)
    return _kept[known]


def _near(one: Geometry, other: Geometry) -> bool:
    if one.mirrored != other.mirrored:
        return False
    apart = abs(one.scale_x / other.scale_x - 1) + abs(one.scale_y / other.scale_y - 1)
    return apart < 0.03 and abs(one.turn_degrees - other.turn_degrees) < 1.3


def _moved(geometry: Geometry, x: float, y: float, turn: float) -> Geometry:
    return replace(
        geometry, scale_x=geometry.scale_x * (1 + x), scale_y=geometry.scale_y * (1 + y),
        turn_degrees=geometry.turn_degrees + turn,
    )  # fmt: skip
