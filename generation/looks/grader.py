"""Applies a look to frames, one after the other: `Grader(look, size, seed).apply(planes, frame_index)`.

The order is the camera's: the drawing (if any), colour grade, glow, vignette, grain. Luma is worked on in float32 and
rounded once, with dither; chroma goes through a table and stays 8 bits unless the light changes it. Which frame it is
matters to the grain only, so frames may be graded in any order. Knows no files and no shots.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from generation.looks import Glow, Grade, Grain, Ink, Look, Vignette
from generation.looks.grade import LUMA_STEPS, bake
from generation.looks.grain import GrainField, visibility
from generation.looks.ink import Drawing
from generation.looks.light import Bleed, dither, falloff
from generation.media.frames import Plane, Planes
from generation.spec import Size

Floats = NDArray[np.float32]

cv2.setNumThreads(1)

#: 8x8 ordered dither over one luma step of the colour table: neighbouring pixels take the step below or above.
_BAYER = np.array([[0]])
for _ in range(3):
    _BAYER = np.block([[4 * _BAYER, 4 * _BAYER + 2], [4 * _BAYER + 3, 4 * _BAYER + 1]])
STEP_CODES = 256 // LUMA_STEPS
STEP_SHIFT = STEP_CODES.bit_length() - 1


class Grader:
    """One look at one size. Frames are limited-range BT.709 planes; what comes out keeps 16..235 and 16..240."""

    def __init__(self, look: Look, size: Size, seed: int) -> None:
        self.look, self.size = look, size
        self._half = (size.width_px // 2, size.height_px // 2)
        self._tables = None if look.grade == Grade() else bake(look.grade)
        self._curve = self._tables.curve if self._tables else np.clip(np.arange(256, dtype=np.float32), 16, 235)
        self._drawing = Drawing(look.ink, size) if look.ink != Ink() else None
        self._bleed = Bleed(look.glow, size) if look.glow != Glow() else None
        self._grain = GrainField(look.grain, size, seed) if look.grain != Grain() else None
        shown = visibility()[np.clip(np.rint(self._curve), 0, 255).astype(np.intp)] * np.float32(look.grain.levels)
        self._grain_shown = np.ascontiguousarray(shown, np.float32)
        self._light = falloff(look.vignette, size) if look.vignette != Vignette() else None
        if not look.is_neutral:
            # Kept between frames: fresh 8 MB arrays cost more in page faults than the arithmetic does.
            shape = (size.height_px, size.width_px)
            self._luma, self._wide, self._spare = (np.empty(shape, np.float32) for _ in range(3))
            self._above_black = self._curve - np.float32(16)
            self._dither = dither(size) + 16
            tile = (self._half[1] // 8 + 1, self._half[0] // 8 + 1)
            bayer = np.tile(_BAYER * STEP_CODES // 64, tile)[: self._half[1], : self._half[0]]
            self._step_dither = np.ascontiguousarray(bayer, np.uint8)
        if self._light is not None:
            self._light_half = cv2.resize(self._light, self._half, interpolation=cv2.INTER_AREA)

    def apply(self, planes: Planes, frame_index: int, into: Planes | None = None) -> Planes:
        """The frame in this look: written into the planes `into` (which may be an encoder's), or into new ones.

        `planes` is not changed: a decoder's frame may still be needed to decode the next one.
        """
        target = into if into is not None else Planes(*(np.empty(plane.shape, np.uint8) for plane in planes))
        if self.look.is_neutral:
            for mine, theirs, high in zip(target, planes, (235, 240, 240), strict=True):
                np.clip(theirs, 16, high, out=mine)
            return target
        lines: Plane | None = None
        if self._drawing:
            planes, lines = self._drawing.of(planes)
        luma, u, v = self._graded(planes)
        if self._bleed:
            u, v = self._glowing(planes, luma, u, v)
        if self._light is not None:
            luma *= self._light
        if lines is not None:
            luma *= cv2.LUT(lines, np.arange(256, dtype=np.float32) / np.float32(255))
        if self._grain:
            self._add_grain(planes.y, luma, frame_index)
        _round(luma, self._dither, target.y)
        self._finish_chroma(u, v, lines, target)
        return target

    def _graded(self, planes: Planes) -> tuple[Floats, Plane, Plane]:
        """Graded luma above black (code - 16, float) and chroma codes."""
        luma = np.asarray(cv2.LUT(planes.y, self._above_black, dst=self._luma), np.float32)
        if self._tables is None:
            return luma, planes.u, planes.v
        index = cv2.resize(planes.y, self._half, interpolation=cv2.INTER_AREA)
        index = cv2.add(index, self._step_dither)
        cells = cv2.merge([planes.v, planes.u, np.right_shift(index, STEP_SHIFT), np.zeros_like(index)])
        found = self._tables.colour.take(cells.view("<u4")[..., 0]).view(np.uint8).reshape(*index.shape, 4)
        u, v, difference, _ = cv2.split(found)
        luma += self._enlarged(np.subtract(difference, 128, dtype=np.float32))
        return luma, np.asarray(u, np.uint8), np.asarray(v, np.uint8)

    def _glowing(self, planes: Planes, luma: Floats, u: Plane, v: Plane) -> tuple[Plane, Plane]:
        """Screen the glow over the luma, in place, and lead chroma towards the light's colour."""
        assert self._bleed is not None
        halo, pull_u, pull_v = self._bleed.of(planes)
        wide = self._enlarged(halo)
        # Screened, not added: light over white stays white, and black takes all of it.
        luma *= np.subtract(1, wide, out=self._spare)
        wide *= 219
        luma += wide
        if self.look.grade.mono:
            return u, v
        pulled = [
            np.asarray(cv2.add(plane, cv2.resize(pull, self._half), dtype=cv2.CV_8U), np.uint8)
            for plane, pull in ((u, pull_u), (v, pull_v))
        ]
        return pulled[0], pulled[1]

    def _add_grain(self, y: Plane, luma: Floats, frame_index: int) -> None:
        assert self._grain is not None
        shown = cv2.LUT(cv2.resize(y, self._half, interpolation=cv2.INTER_AREA), self._grain_shown)
        weight = self._enlarged(np.asarray(shown, np.float32))
        weight *= self._grain.piece(frame_index)
        luma += weight

    def _enlarged(self, field: Floats) -> Floats:
        """A small field at full size, in a buffer that the next call overwrites."""
        full = (self.size.width_px, self.size.height_px)
        return np.asarray(cv2.resize(field, full, dst=self._wide), np.float32)

    def _finish_chroma(self, u: Plane, v: Plane, lines: Plane | None, target: Planes) -> None:
        """Colour fades with the light and under ink; a black-and-white picture has none at all."""
        if self.look.grade.mono and not (self.look.grade.shadows_amount or self.look.grade.highlights_amount):
            target.u[...] = 128
            target.v[...] = 128
            return
        keep = self._light_half if self._light is not None else None
        if lines is not None:
            paper = cv2.resize(lines, self._half, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
            keep = paper if keep is None else paper * keep
        for plane, mine in ((u, target.u), (v, target.v)):
            if keep is None:
                np.clip(plane, 16, 240, out=mine)
                continue
            colour = plane.astype(np.float32)
            colour -= 128
            colour *= keep
            # The luma dither carries +16; 112 more puts chroma back on its middle, and far from 0.
            colour += self._dither[: colour.shape[0], : colour.shape[1]]
            colour += 112
            np.clip(cv2.convertScaleAbs(colour), 16, 240, out=mine)


def _round(luma: Floats, offset: Floats, target: Plane) -> None:
    """Dither, round and keep legal levels. `cv2.add` rounds and saturates in one pass."""
    np.clip(cv2.add(luma, offset, dtype=cv2.CV_8U), 16, 235, out=target)
