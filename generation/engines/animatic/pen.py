"""A pen for things: local coordinates with the ground at 0 and y upwards, colours that pass through the scene's light.

A thing is written once, about one unit tall, and drawn at any place, size and depth. Does not know what it draws.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from generation.engines.animatic.canvas import Canvas, Gradient
from generation.engines.animatic.palette import Palette, Rgb, brighten, rgb
from generation.engines.animatic.shapes import Points, box, limb, oval, spline, stroke

Colour = Rgb | str


class Pen:
    """Draws on `canvas` with its origin at stage pixel (x, y), `scale` pixels to the unit, in the light of a depth."""

    def __init__(
        self,
        canvas: Canvas,
        palette: Palette,
        x: float,
        y: float,
        scale: float,
        *,
        depth: float = 1.0,
        flip: bool = False,
    ) -> None:
        self.canvas, self.palette = canvas, palette
        self.x, self.y, self.scale, self.depth, self.flip = x, y, scale, depth, flip

    def place(self, outline: ArrayLike) -> Points:
        """Local points as stage pixels."""
        local = np.asarray(outline, np.float64)
        side = -self.scale if self.flip else self.scale
        return np.stack([self.x + local[:, 0] * side, self.y - local[:, 1] * self.scale], axis=1)

    def ink(self, colour: Colour, light: float = 1.0) -> Rgb:
        """A colour as the scene's light shows it; `light` below 1 is the shaded side."""
        own = rgb(colour) if isinstance(colour, str) else colour
        return self.palette.lit(brighten(own, light) if light != 1.0 else own, self.depth)

    def poly(self, outline: ArrayLike, colour: Colour, light: float = 1.0, *, opacity: float = 1.0) -> None:
        """Fill an outline."""
        self.canvas.fill(self.place(outline), self.ink(colour, light), opacity)

    def fade(self, outline: ArrayLike, top: Colour, bottom: Colour, *, opacity: float = 1.0) -> None:
        """Fill an outline with a gradient from its highest to its lowest point."""
        placed = self.place(outline)
        low, high = float(placed[:, 1].min()), float(placed[:, 1].max())
        self.canvas.fill(placed, Gradient(((low, self.ink(top)), (high, self.ink(bottom)))), opacity)

    def round(self, outline: ArrayLike, colour: Colour, *, dark: float = 0.74, light: float = 1.16) -> None:
        """Fill an outline as something round, lit from the left."""
        placed = self.place(outline)
        low, high = float(placed[:, 0].min()), float(placed[:, 0].max())
        own, bright, shade = self.ink(colour), self.ink(colour, light), self.ink(colour, dark)
        stops = ((low, own), (low + 0.28 * (high - low), bright), (high, shade))
        self.canvas.fill(placed, Gradient(stops, along_x=True))

    def oval(self, x: float, y: float, rx: float, ry: float, colour: Colour, light: float = 1.0) -> None:
        """Fill an ellipse."""
        self.poly(oval(x, y, rx, ry), colour, light)

    def box(
        self, x0: float, y0: float, x1: float, y1: float, colour: Colour, light: float = 1.0, *, radius: float = 0.0
    ) -> None:
        """Fill a rectangle."""
        self.poly(box(x0, y0, x1, y1, radius), colour, light)

    def limb(
        self,
        a: tuple[float, float],
        b: tuple[float, float],
        wide: float,
        narrow: float,
        colour: Colour,
        light: float = 1.0,
    ) -> None:
        """Fill a tapered stroke with round ends."""
        self.poly(limb(a, b, wide, narrow), colour, light)

    def line(self, way: ArrayLike, width: float, colour: Colour, light: float = 1.0) -> None:
        """Draw a line of constant width."""
        self.poly(stroke(way, width), colour, light)

    def blob(self, knots: ArrayLike, colour: Colour, light: float = 1.0) -> None:
        """Fill a smooth closed curve through knots."""
        self.poly(spline(knots), colour, light)

    def shadow(self, x: float, y: float, rx: float, ry: float, opacity: float = 0.28) -> None:
        """A soft contact shadow on the ground."""
        outline = self.place(oval(x, y, rx, ry))
        dark = brighten(self.palette.lit((40.0, 40.0, 58.0), self.depth), 0.55)
        self.canvas.soft(outline, dark, max(1.0, ry * self.scale * 0.8), opacity)

    def glow(self, x: float, y: float, radius: float, colour: Colour, opacity: float = 0.6) -> None:
        """A light of its own: not darkened by the hour."""
        centre = self.place([(x, y)])[0]
        own = rgb(colour) if isinstance(colour, str) else colour
        self.canvas.glow(centre[0], centre[1], radius * self.scale, own, opacity)

    def lamp(self, outline: ArrayLike, colour: Colour) -> None:
        """Fill an outline that shines by itself."""
        own = rgb(colour) if isinstance(colour, str) else colour
        self.canvas.fill(self.place(outline), self.palette.tone(own))
