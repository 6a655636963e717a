"""Marks become sprites: small pictures with opacity, in the planes that the encoder takes.

A sprite holds premultiplied BT.709 limited-range Y, U, V and how much of the footage it keeps; blending is then one
multiplication and one addition of bytes per pixel, exact because YUV is linear in RGB. Everything is drawn once per
master, in float32 and only as large as it is. Knows marks and colours; not kinds, places in time or video files.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from generation.layers import logo, text
from generation.layers.colour import BLACK, WHITE, luminance, yuv
from generation.layers.placed import Mark, Picture, Plate, Rect, Stroke, Words
from generation.layers.shaping import shape
from generation.media.frames import Plane

cv2.setNumThreads(1)

Floats = NDArray[np.float32]
#: A code value, or one for each pixel.
Ink = float | Floats

_SHADOW_OPACITY = 0.30
_HALO_OPACITY = 0.42


@dataclass(frozen=True, slots=True)
class Sprite:
    """A drawn thing at even coordinates of the master. `keep` planes are 255 minus the opacity."""

    x: int
    y: int
    planes: tuple[Plane, Plane, Plane]
    keep: Plane
    keep_chroma: Plane

    @property
    def width(self) -> int:
        """Columns of luma, even."""
        return int(self.keep.shape[1])

    @property
    def height(self) -> int:
        """Rows of luma, even."""
        return int(self.keep.shape[0])


def sprite(marks: Sequence[Mark], fade: float = 1.0) -> Sprite:
    """Draw marks, the first one lowest, into a sprite that is just large enough; `fade` scales its opacity."""
    rects = [_extent(mark) for mark in marks]
    left = math.floor(min(rect.x for rect in rects) / 2) * 2 - 2
    top = math.floor(min(rect.y for rect in rects) / 2) * 2 - 2
    right = math.ceil(max(rect.right for rect in rects) / 2) * 2 + 2
    bottom = math.ceil(max(rect.bottom for rect in rects) / 2) * 2 + 2
    canvas = Canvas(left, top, right - left, bottom - top)
    for mark in marks:
        canvas.add(mark)
    return canvas.sprite(fade)


def _extent(mark: Mark) -> Rect:
    """Everything that a mark touches."""
    if isinstance(mark, Words):
        line = shape(mark.text, mark.typeface)
        reach = 3 * mark.halo * mark.size_px
        top = mark.baseline - line.top_em * mark.size_px - reach
        bottom = mark.baseline - line.bottom_em * mark.size_px + reach
        return Rect(mark.x - reach, top, (line.right_em - line.left_em) * mark.size_px + 2 * reach, bottom - top)
    if isinstance(mark, Plate):
        reach, area = 1.6 * mark.shadow_px, mark.area
        return Rect(area.x - reach, area.y - reach, area.width + 2 * reach, area.height + 2 * reach)
    if isinstance(mark, Stroke):
        xs, ys = zip(*mark.points, strict=True)
        reach = mark.thickness / 2 + 1
        return Rect(min(xs) - reach, min(ys) - reach, max(xs) - min(xs) + 2 * reach, max(ys) - min(ys) + 2 * reach)
    return mark.area


class Canvas:
    """Premultiplied float planes of a region of the master, drawn over in turn."""

    def __init__(self, x: int, y: int, width: int, height: int) -> None:
        self.x, self.y = x, y
        self._alpha: Floats = np.zeros((height, width), np.float32)
        self._yuv = [np.zeros((height, width), np.float32) for _ in range(3)]

    def add(self, mark: Mark) -> None:
        """Draw one mark over what is there."""
        if isinstance(mark, Words):
            self._words(mark)
        elif isinstance(mark, Plate):
            self._plate(mark)
        elif isinstance(mark, Stroke):
            self._stroke(mark)
        else:
            self._picture(mark)

    def _over(self, row: int, column: int, coverage: Floats, colour: tuple[Ink, Ink, Ink]) -> None:
        """Lay a colour (numbers or planes) with a coverage of 0 to 1 over the canvas; clipped at its edges."""
        height, width = self._alpha.shape
        top, left = max(0, row), max(0, column)
        bottom, right = min(height, row + coverage.shape[0]), min(width, column + coverage.shape[1])
        if bottom <= top or right <= left:
            return
        inside = (slice(top - row, bottom - row), slice(left - column, right - column))
        part, target = coverage[inside], (slice(top, bottom), slice(left, right))
        keep = 1 - part
        for plane, value in zip(self._yuv, colour, strict=True):
            ink = value[inside] if isinstance(value, np.ndarray) else value
            plane[target] = plane[target] * keep + part * ink
        self._alpha[target] = self._alpha[target] * keep + part

    def _words(self, words: Words) -> None:
        line = shape(words.text, words.typeface)
        pen = words.x - line.left_em * words.size_px
        mask = text.draw(line, words.size_px, pen - math.floor(pen))
        row, column = round(words.baseline) - mask.top - self.y, math.floor(pen) + mask.left - self.x
        coverage = mask.coverage.astype(np.float32) * np.float32(words.opacity / 255)
        if words.halo:
            sigma = words.halo * words.size_px
            pad = math.ceil(3 * sigma)
            wide = cv2.copyMakeBorder(mask.coverage, pad, pad, pad, pad, cv2.BORDER_CONSTANT, value=0)
            soft = cv2.GaussianBlur(wide, (0, 0), sigma).astype(np.float32) * np.float32(_HALO_OPACITY / 255)
            self._over(row - pad, column - pad, soft, yuv(BLACK if luminance(words.colour) > 0.3 else WHITE))
        self._over(row, column, coverage, yuv(words.colour))

    def _plate(self, plate: Plate) -> None:
        reach = math.ceil(1.6 * plate.shadow_px) + 2
        x, y = math.floor(plate.area.x) - reach, math.floor(plate.area.y) - reach
        shape_px = (math.ceil(plate.area.height) + 2 * reach + 1, math.ceil(plate.area.width) + 2 * reach + 1)
        if plate.shadow_px:
            # The light stands above: the shadow falls down by a third of its reach.
            away = _distance(shape_px, x, y - plate.shadow_px / 3, plate.area, plate.radius)
            t = np.clip(0.5 - away / (2 * plate.shadow_px), 0, 1)
            self._over(y - self.y, x - self.x, np.float32(_SHADOW_OPACITY) * t * t * (3 - 2 * t), yuv(BLACK))
        coverage = np.clip(0.5 - _distance(shape_px, x, y, plate.area, plate.radius), 0, 1)
        self._over(y - self.y, x - self.x, coverage * np.float32(plate.opacity), yuv(plate.colour))

    def _stroke(self, stroke: Stroke) -> None:
        height, width = self._alpha.shape
        line = np.zeros((height, width), np.uint8)
        points = [[round((x - self.x) * 16 - 8), round((y - self.y) * 16 - 8)] for x, y in stroke.points]
        half = stroke.thickness / 2
        if len(points) == 2 and points[0][1] == points[1][1]:  # level: exact, at sub-pixel height
            (x0, y0), (x1, _) = stroke.points
            area = Rect(min(x0, x1) - half, y0 - half, abs(x1 - x0) + 2 * half, 2 * half)
            self._plate(Plate(area, half, stroke.colour, stroke.opacity))
            return
        thickness = max(1, round(stroke.thickness))
        cv2.polylines(line, [np.array(points, np.int32)], False, 255, thickness, cv2.LINE_AA, 4)
        self._over(0, 0, line.astype(np.float32) * np.float32(stroke.opacity / 255), yuv(stroke.colour))

    def _picture(self, picture: Picture) -> None:
        area = picture.area
        image = logo.scaled(picture.path, round(area.width), round(area.height))
        self._over(round(area.y) - self.y, round(area.x) - self.x, image.alpha, image.yuv)

    def sprite(self, fade: float) -> Sprite:
        """The canvas as bytes; chroma at half size."""
        half = (self._alpha.shape[1] // 2, self._alpha.shape[0] // 2)
        y, u, v = self._yuv
        small_u, small_v, small_alpha = (
            cv2.resize(plane, half, interpolation=cv2.INTER_AREA) for plane in (u, v, self._alpha)
        )
        planes = (_bytes(y * fade), _bytes(small_u * fade), _bytes(small_v * fade))
        keep, keep_chroma = 255 * (1 - self._alpha * fade), 255 * (1 - small_alpha * fade)
        return Sprite(self.x, self.y, planes, _bytes(keep), _bytes(keep_chroma))


def _bytes(plane: Floats) -> Plane:
    return np.asarray(np.rint(np.clip(plane, 0, 255)), np.uint8)


def _distance(shape_px: tuple[int, int], x: float, y: float, area: Rect, radius: float) -> Floats:
    """Distance in pixels of each pixel's centre from a rounded rectangle, negative inside; exact antialiasing."""
    radius = min(radius, area.width / 2, area.height / 2)
    across = np.arange(shape_px[1], dtype=np.float32) + np.float32(x + 0.5 - area.x - area.width / 2)
    down = np.arange(shape_px[0], dtype=np.float32) + np.float32(y + 0.5 - area.y - area.height / 2)
    dx = np.abs(across)[None, :] - np.float32(area.width / 2 - radius)
    dy = np.abs(down)[:, None] - np.float32(area.height / 2 - radius)
    outside = np.hypot(np.maximum(dx, 0), np.maximum(dy, 0))
    return np.asarray(outside + np.minimum(np.maximum(dx, dy), 0) - np.float32(radius), np.float32)
