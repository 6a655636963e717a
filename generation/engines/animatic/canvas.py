"""A layer being painted: premultiplied RGBA, anti-aliased, with dithered gradients. Used once per shot, not per frame.

Coordinates are stage pixels (the frame at rest is 0..width, 0..height; a canvas may reach beyond it). Knows nothing
of scenes. The arithmetic stays in 8 bits because OpenCV's is an order of magnitude faster there than float.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from generation.engines.animatic.palette import Rgb
from generation.engines.animatic.shapes import Points, oval

Pixels = NDArray[np.uint8]


def u8(made: object) -> Pixels:
    """What OpenCV gave, typed: 8-bit in is 8-bit out."""
    return cast(Pixels, made)


_SHIFT = 4  # polygons are given to OpenCV in sixteenths of a pixel
#: Premultiplied RGBA to premultiplied Y, U, V, A: BT.709, limited range. Linear, so it may follow the blending.
_TO_YUVA = np.array(
    [
        [0.2126 * 219 / 255, 0.7152 * 219 / 255, 0.0722 * 219 / 255, 16 / 255],
        [-0.114572 * 224 / 255, -0.385428 * 224 / 255, 0.5 * 224 / 255, 128 / 255],
        [0.5 * 224 / 255, -0.454153 * 224 / 255, -0.045847 * 224 / 255, 128 / 255],
        [0, 0, 0, 1],
    ],
    np.float32,
)


@dataclass(frozen=True, slots=True)
class Gradient:
    """Colours along y (or x): `stops` are (coordinate in stage pixels, colour), in ascending order."""

    stops: tuple[tuple[float, Rgb], ...]
    along_x: bool = False


Paint = Rgb | Gradient


def downwards(top: float, bottom: float, *colours: Rgb) -> Gradient:
    """A gradient from `top` to `bottom` through evenly spaced colours."""
    places = np.linspace(top, bottom, len(colours))
    return Gradient(tuple((float(place), colour) for place, colour in zip(places, colours, strict=True)))


@cache
def _dither() -> NDArray[np.float32]:
    """Triangular noise of one level either way: breaks the bands that 8-bit gradients show after the encoder."""
    chance = np.random.default_rng(709)
    return (chance.random((256, 256), np.float32) + chance.random((256, 256), np.float32) - 1.0) * 0.9


class Canvas:
    """A painting surface over the stage rectangle (left, top, width, height), drawn `fine` times finer than needed."""

    def __init__(self, left: float, top: float, width: float, height: float, *, fine: int = 1) -> None:
        self.left, self.top = int(np.floor(left)), int(np.floor(top))
        self.width, self.height = max(2, int(np.ceil(width))), max(2, int(np.ceil(height)))
        self.fine = fine
        self.pixels: Pixels = np.zeros((self.height * fine, self.width * fine, 4), np.uint8)

    def _to_pixels(self, outline: Points) -> Points:
        return (outline - (self.left, self.top)) * self.fine

    def fill(self, outlines: Points | Sequence[Points], paint: Paint, opacity: float = 1.0) -> None:
        """Fill the union of closed outlines."""
        shapes = [self._to_pixels(shape) for shape in ([outlines] if isinstance(outlines, np.ndarray) else outlines)]
        if self.fine > 1 and opacity >= 1 and not isinstance(paint, Gradient):
            # The whole canvas is supersampled: OpenCV's own anti-aliasing on top of it is enough.
            for shape in shapes:
                cv2.fillPoly(self.pixels, [_fixed(shape)], (*paint, 255.0), cv2.LINE_AA, _SHIFT)
            return
        if (found := self._bounds(shapes)) is None:
            return
        x0, y0, x1, y1 = found
        sub = 4 if (x1 - x0) * (y1 - y0) < 90_000 and self.fine == 1 else 2
        mask = np.zeros(((y1 - y0) * sub, (x1 - x0) * sub), np.uint8)
        for shape in shapes:
            cv2.fillPoly(mask, [_fixed((shape - (x0, y0)) * sub)], 255, cv2.LINE_8, _SHIFT)
        small = u8(cv2.resize(mask, (x1 - x0, y1 - y0), interpolation=cv2.INTER_AREA))
        self._blend(small, (x0, y0, x1, y1), paint, opacity)

    def soft(self, outlines: Points | Sequence[Points], paint: Paint, blur_px: float, opacity: float = 1.0) -> None:
        """Fill with edges blurred over about `blur_px`: shadows, glows, beams, bokeh."""
        shapes = [self._to_pixels(shape) for shape in ([outlines] if isinstance(outlines, np.ndarray) else outlines)]
        blur = blur_px * self.fine
        if (found := self._bounds(shapes, reach=2 * blur)) is None:
            return
        x0, y0, x1, y1 = found
        shrink = max(1.0, blur / 4)
        small = np.zeros((max(2, int((y1 - y0) / shrink)), max(2, int((x1 - x0) / shrink))), np.uint8)
        scale = np.array([small.shape[1] / (x1 - x0), small.shape[0] / (y1 - y0)])
        for shape in shapes:
            cv2.fillPoly(small, [_fixed((shape - (x0, y0)) * scale)], 255, cv2.LINE_AA, _SHIFT)
        sigma = max(0.6, blur * float(scale.mean()) * 0.55)
        blurred = cv2.GaussianBlur(small, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
        how = cv2.INTER_CUBIC if shrink > 1.5 else cv2.INTER_LINEAR
        mask = u8(cv2.resize(blurred, (x1 - x0, y1 - y0), interpolation=how))
        self._blend(mask, (x0, y0, x1, y1), paint, opacity)

    def glow(self, x: float, y: float, radius: float, paint: Paint, opacity: float = 1.0, *, flat: float = 1.0) -> None:
        """A round light that falls off smoothly to nothing at `radius`; `flat` below 1 squeezes it upright."""
        outline = self._to_pixels(oval(x, y, radius, radius * flat))
        if (found := self._bounds([outline])) is None:
            return
        x0, y0, x1, y1 = found
        step = max(1, int(radius * self.fine / 160))
        ys = (np.arange(y0, y1 + step, step, dtype=np.float32) / self.fine + self.top - y) / (radius * flat)
        xs = (np.arange(x0, x1 + step, step, dtype=np.float32) / self.fine + self.left - x) / radius
        fall = np.clip(1 - np.sqrt(ys[:, None] ** 2 + xs[None, :] ** 2), 0, 1)
        fall = fall * fall * (3 - 2 * fall)
        whole = cv2.resize(fall, None, fx=step, fy=step, interpolation=cv2.INTER_LINEAR)[: y1 - y0, : x1 - x0]
        tile = _tiled(whole.shape, x0, y0)
        mask = np.clip(whole * (255 * opacity) + tile * (whole > 0), 0, 255).astype(np.uint8)
        self._blend(mask, (x0, y0, x1, y1), paint, 1.0)

    def wash(self, paint: Paint, opacity: float = 1.0) -> None:
        """Cover the whole canvas."""
        height, width = self.pixels.shape[:2]
        self._blend(np.full((height, width), 255, np.uint8), (0, 0, width, height), paint, opacity)

    def tint(self, paint: Paint, opacity: float) -> None:
        """Colour what has been painted so far, and nothing beside it: shading and haze inside a layer."""
        height, width = self.pixels.shape[:2]
        alpha = np.ascontiguousarray(self.pixels[:, :, 3])
        keep = self.pixels[:, :, 3].copy()
        self._blend(alpha, (0, 0, width, height), paint, opacity)
        self.pixels[:, :, 3] = keep

    def erase(self, outline: Points) -> None:
        """Cut a hole."""
        inverse = np.full(self.pixels.shape[:2], 255, np.uint8)
        cv2.fillPoly(inverse, [_fixed(self._to_pixels(outline))], 0, cv2.LINE_AA, _SHIFT)
        cv2.multiply(self.pixels, cv2.merge([inverse] * 4), dst=self.pixels, scale=1 / 255)

    def paste(self, other: Pixels, x: int, y: int) -> None:
        """Lay premultiplied RGBA pixels over this canvas with their corner at stage pixel (x, y); `fine` must be 1."""
        x0, y0 = max(0, x - self.left), max(0, y - self.top)
        x1, y1 = min(self.width, x - self.left + other.shape[1]), min(self.height, y - self.top + other.shape[0])
        if x1 <= x0 or y1 <= y0:
            return
        piece = np.ascontiguousarray(
            other[y0 + self.top - y : y1 + self.top - y, x0 + self.left - x : x1 + self.left - x]
        )
        target = self.pixels[y0:y1, x0:x1]
        inverse = cv2.bitwise_not(cv2.merge([piece[:, :, 3]] * 4))
        cv2.multiply(target, inverse, dst=target, scale=1 / 255)
        cv2.add(target, piece, dst=target)

    def rgba(self) -> Pixels:
        """The finished picture at its final resolution, premultiplied RGBA, shape (height, width, 4)."""
        if self.fine == 1:
            return self.pixels
        return u8(cv2.resize(self.pixels, (self.width, self.height), interpolation=cv2.INTER_AREA))

    def _bounds(self, shapes: Sequence[Points], reach: float = 1.0) -> tuple[int, int, int, int] | None:
        height, width = self.pixels.shape[:2]
        lows = np.min([shape.min(axis=0) for shape in shapes], axis=0) - reach
        highs = np.max([shape.max(axis=0) for shape in shapes], axis=0) + reach
        x0, y0 = max(0, int(lows[0])), max(0, int(lows[1]))
        x1, y1 = min(width, int(np.ceil(highs[0])) + 1), min(height, int(np.ceil(highs[1])) + 1)
        return None if x1 <= x0 or y1 <= y0 else (x0, y0, x1, y1)

    def _blend(self, mask: Pixels, where: tuple[int, int, int, int], paint: Paint, opacity: float) -> None:
        x0, y0, x1, y1 = where
        if opacity < 1:
            mask = u8(cv2.convertScaleAbs(mask, alpha=opacity))
        target = self.pixels[y0:y1, x0:x1]
        four = cv2.merge([mask] * 4)
        colour = cv2.multiply(self._coloured(where, paint), four, scale=1 / 255)
        cv2.multiply(target, cv2.bitwise_not(four), dst=target, scale=1 / 255)
        cv2.add(target, colour, dst=target)

    def _coloured(self, where: tuple[int, int, int, int], paint: Paint) -> Pixels:
        """Opaque RGBA pixels of the paint over a pixel rectangle."""
        x0, y0, x1, y1 = where
        if not isinstance(paint, Gradient):
            made = np.empty((y1 - y0, x1 - x0, 4), np.uint8)
            made[:] = (*(round(min(255.0, max(0.0, part))) for part in paint), 255)
            return made
        places = [place for place, _ in paint.stops]
        start, origin = (x0, self.left) if paint.along_x else (y0, self.top)
        line = np.arange(start, x1 if paint.along_x else y1, dtype=np.float64) / self.fine + origin
        tile = _tiled((y1 - y0, x1 - x0), x0, y0)
        channels = []
        for part in range(3):
            level = np.interp(line, places, [colour[part] for _, colour in paint.stops]).astype(np.float32)
            field = tile + (level[None, :] if paint.along_x else level[:, None])
            channels.append(u8(cv2.convertScaleAbs(np.maximum(field, 0.0))))
        channels.append(np.full((y1 - y0, x1 - x0), 255, np.uint8))
        return u8(cv2.merge(channels))


def _tiled(shape: tuple[int, ...], x: int, y: int) -> NDArray[np.float32]:
    """The dither noise over a rectangle whose corner is at canvas pixel (x, y)."""
    noise = np.roll(_dither(), (-(y % 256), -(x % 256)), (0, 1))
    rows, columns = -(-shape[0] // 256), -(-shape[1] // 256)
    return np.tile(noise, (rows, columns))[: shape[0], : shape[1]]


def _fixed(outline: Points) -> NDArray[np.int32]:
    """Points as OpenCV's fixed-point integers; far-away points are held within what its arithmetic can take."""
    return np.rint(np.clip(outline, -16000, 16000) * (1 << _SHIFT)).astype(np.int32)


def to_yuva(pixels: Pixels) -> Pixels:
    """Premultiplied RGBA (height, width, 4) as premultiplied Y, U, V, A in the same shape."""
    return u8(cv2.transform(pixels, _TO_YUVA))
