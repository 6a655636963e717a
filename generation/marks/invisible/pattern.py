"""What the mark looks like: a sum of some hundred faint waves whose signs carry the payload, on tiles without a seam.

A tile has 360 px of a picture whose short side has 720; its waves are 30 to 90 px long: coarse enough for encoders to
keep and cheap for them, too faint and too coarse for the eye. Three in ten, the finders, has phases that only
the key decides: by them the pattern is found again, wherever it may be. The key also decides which wave carries which
sign and in which phase; key bytes come from SHAKE-256, so no library's generator decides a film. Knows no film.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from generation.marks.invisible.code import LENGTH, encode

#: Side of a tile, in pixels of a picture with this short side.
TILE_PX, SHORT_SIDE_PX = 360, 720
#: Waves have so many cycles in a tile.
LEAST_CYCLES, MOST_CYCLES = 4.0, 12.0
#: Part of the waves by which the pattern is found.
_FINDERS = 0.3
REACH = int(MOST_CYCLES)

#: The pattern's sign turns after so many seconds, and in the first of them it is drawn everywhere: 60 and 18 frames.
TURN_SECONDS, MARKED_SECONDS = 2.002, 0.6006

Floats = NDArray[np.float32]
Complex = NDArray[np.complex64]


@dataclass(frozen=True, slots=True)
class Waves:
    """The waves of a key, finders first."""

    #: (waves, 2): cycles in a tile along x and y.
    cycles: NDArray[np.int64]
    #: (waves,): phase factors of magnitude 1. A finder is drawn so; a sign is drawn along them.
    phases: Complex
    finders: int
    #: (2 x other waves,): which sign of the word is drawn as cosine and as sine of the waves that are no finders.
    carried: NDArray[np.int64]


@lru_cache(maxsize=8)
def waves_of(key: bytes) -> Waves:
    """The waves in the order, and with the phases, that the key decides."""
    reach = range(-REACH, REACH + 1)
    half = [(x, y) for y in reach for x in reach if y > 0 or (y == 0 and x > 0)]
    used = np.array([one for one in half if LEAST_CYCLES <= np.hypot(*one) <= MOST_CYCLES], np.int64)
    count = len(used)
    order, phase, signs = (_numbers(key, purpose, 2 * count) for purpose in (b"order", b"phase", b"signs"))
    finders = round(_FINDERS * count)
    phases = np.exp(2j * np.pi * (phase[:count] / 2.0**64)).astype(np.complex64)
    carried = np.argsort(signs[: 2 * (count - finders)], kind="stable") % LENGTH
    return Waves(used[np.argsort(order[:count], kind="stable")], phases, finders, carried)


def _numbers(key: bytes, purpose: bytes, count: int) -> NDArray[np.uint64]:
    """Numbers that only key and purpose decide, on every machine."""
    lengths = len(key).to_bytes(4, "big")
    digest = hashlib.shake_256(b"spotmill invisible mark 1 " + purpose + lengths + key).digest(8 * count)
    return np.frombuffer(digest, ">u8").astype(np.uint64)


def spectrum(payload: bytes, key: bytes) -> Complex:
    """Every wave's value, each of magnitude 1, in the order of `waves_of`."""
    waves = waves_of(key)
    signs = encode(payload)[waves.carried].reshape(-1, 2)
    values = waves.phases.copy()
    values[waves.finders :] *= (signs[:, 0] + 1j * signs[:, 1]) / np.sqrt(2)
    return values


def soft_signs(waves: Waves, values: Complex) -> Floats:
    """`LENGTH` soft values from the waves' values: what carries the same sign is added up."""
    seen = values[waves.finders :] * np.conj(waves.phases[waves.finders :])
    both = np.stack([seen.real, seen.imag], 1).ravel()
    return np.bincount(waves.carried, both, LENGTH).astype(np.float32)


def plane(payload: bytes, key: bytes, width_px: int, height_px: int) -> Floats:
    """The pattern over a picture of that size, (height, width), with a root mean square of 1."""
    cycles, values = waves_of(key).cycles, spectrum(payload, key)
    grid = np.zeros((2 * REACH + 1, 2 * REACH + 1), np.complex64)
    grid[cycles[:, 1] + REACH, cycles[:, 0] + REACH] = values
    a_pixel = SHORT_SIDE_PX / min(width_px, height_px) / TILE_PX
    along_x, along_y = (np.conj(waves_along(side, a_pixel)) for side in (width_px, height_px))
    rows = along_y @ grid
    # The real part of a product of complex numbers, by two products of real ones.
    drawn = rows.real.copy() @ along_x.T.real.copy() - rows.imag.copy() @ along_x.T.imag.copy()
    return np.asarray(drawn * np.float32(np.sqrt(2 / len(cycles))), np.float32)


def waves_along(length: int, tiles_a_pixel: float) -> Complex:
    """(length, 2 x REACH + 1): conjugate waves of -REACH to REACH cycles a tile along a side, from its middle."""
    at = (np.arange(length) + 0.5 - length / 2) * tiles_a_pixel
    return np.exp(-2j * np.pi * np.outer(at, np.arange(-REACH, REACH + 1))).astype(np.complex64)
