"""Food and drink on a table: cups, bottles, bread, bowls. One unit tall, feet on y = 0.

Painters take a pen, the thing's own colour and the share (0-1) of their cycle. Light falls from the left. Does not
know rooms.
"""

from __future__ import annotations

import math

import numpy as np

from generation.engines.animatic.palette import Rgb, mix
from generation.engines.animatic.pen import Pen
from generation.engines.animatic.shapes import box, oval, points, spline, stroke

_WHITE = (255.0, 252.0, 246.0)
_DARK = (42.0, 40.0, 50.0)


def steam(pen: Pen, x: float, y: float, tall: float, share: float) -> None:
    """Two ribbons of steam that rise and dissolve."""
    for ribbon, offset in enumerate((-0.10, 0.10)):
        heights = np.linspace(0, 1, 16)
        turn = 2 * math.pi * (share + 0.4 * ribbon)
        way = [(x + (offset + 0.09 * math.sin(5.2 * h - turn)) * tall, y + h * tall) for h in heights]
        widths = [0.055 * tall * math.sin(math.pi * (0.08 + 0.9 * h)) for h in heights]
        pen.canvas.soft(pen.place(stroke(way, widths)), pen.palette.tone(_WHITE), 0.05 * tall * pen.scale, 0.42)


def cup(pen: Pen, colour: Rgb, share: float) -> None:
    """A cup of coffee on its saucer."""
    pen.shadow(0.03, 0.02, 0.66, 0.09, 0.32)
    pen.fade(oval(0.0, 0.05, 0.58, 0.085), mix(colour, _WHITE, 0.7), mix(colour, _WHITE, 0.45))
    pen.line(oval(0.40, 0.40, 0.15, 0.17), 0.065, colour, 0.86)
    pen.round(
        spline(
            [
                (-0.40, 0.70),
                (-0.385, 0.35),
                (-0.27, 0.09),
                (0.0, 0.06),
                (0.27, 0.09),
                (0.385, 0.35),
                (0.40, 0.70),
                (0.0, 0.66),
            ],
            steps=8,
        ),
        colour,
    )
    pen.fade(oval(0.0, 0.70, 0.40, 0.085), mix(colour, _WHITE, 0.5), mix(colour, _WHITE, 0.25))
    pen.fade(oval(0.0, 0.692, 0.345, 0.064), "#7a4a2a", "#a56a3c")
    pen.poly(oval(-0.06, 0.70, 0.16, 0.024), "#e6c79c", opacity=0.8)
    steam(pen, 0.0, 0.74, 0.62, share)


def bottle(pen: Pen, colour: Rgb, share: float) -> None:
    """A bottle with a label and a glint."""
    pen.shadow(0.03, 0.01, 0.25, 0.032, 0.34)
    side = spline(
        [(0.075, 0.86), (0.075, 0.70), (0.15, 0.60), (0.193, 0.50), (0.193, 0.30), (0.193, 0.06), (0.17, 0.0)],
        closed=False,
    )
    pen.round(np.concatenate([side, (side * (-1, 1))[::-1]]), colour, dark=0.62)
    pen.round(box(-0.085, 0.84, 0.085, 0.985, 0.018), mix(colour, _DARK, 0.6))
    pen.round(box(-0.193, 0.16, 0.193, 0.44), mix(colour, _WHITE, 0.86))
    pen.box(-0.10, 0.34, 0.10, 0.365, colour, 0.9)
    pen.box(-0.065, 0.29, 0.065, 0.305, colour, 0.9)
    pen.poly(box(-0.145, 0.05, -0.115, 0.52, 0.015), _WHITE, opacity=0.35)


def glass(pen: Pen, colour: Rgb, share: float) -> None:
    """A tall drink with ice, a straw and a slice."""
    pen.shadow(0.03, 0.01, 0.30, 0.04, 0.3)
    pen.limb((0.02, 0.25), (0.20, 1.08), 0.030, 0.030, pen.palette.accent(1))
    pen.poly(points((-0.27, 0.88), (0.27, 0.88), (0.205, 0.02), (-0.205, 0.02)), _WHITE, opacity=0.35)
    pen.fade(points((-0.252, 0.72), (0.252, 0.72), (0.20, 0.05), (-0.20, 0.05)), mix(colour, _WHITE, 0.30), colour)
    for x, y in ((-0.09, 0.60), (0.09, 0.63), (0.0, 0.46)):
        pen.poly(box(x - 0.075, y - 0.075, x + 0.075, y + 0.075, 0.02), _WHITE, opacity=0.32)
    for bubble in range(5):
        rise = (share + bubble * 0.21) % 1
        pen.poly(oval(-0.12 + 0.06 * bubble, 0.1 + 0.55 * rise, 0.014, 0.014), _WHITE, opacity=0.6)
    pen.oval(0.25, 0.88, 0.125, 0.125, "#f6c945")
    pen.oval(0.25, 0.88, 0.095, 0.095, "#fbe38e")
    pen.poly(box(-0.215, 0.12, -0.185, 0.80, 0.014), _WHITE, opacity=0.45)


def bread(pen: Pen, colour: Rgb, share: float) -> None:
    """A crusty loaf."""
    pen.shadow(0.0, 0.02, 0.86, 0.08, 0.32)
    pen.fade(
        spline(
            [
                (-0.80, 0.08),
                (-0.84, 0.38),
                (-0.5, 0.66),
                (0.0, 0.74),
                (0.5, 0.66),
                (0.84, 0.38),
                (0.80, 0.08),
                (0.0, 0.0),
            ]
        ),
        "#e2a55c",
        "#a9652f",
    )
    for x in (-0.46, -0.15, 0.16, 0.47):
        pen.poly(spline([(x - 0.10, 0.30), (x - 0.03, 0.50), (x + 0.13, 0.64), (x + 0.06, 0.44)]), "#f6d9a6")


def croissant(pen: Pen, colour: Rgb, share: float) -> None:
    """A croissant of five segments."""
    pen.shadow(0.0, 0.02, 0.82, 0.08, 0.32)
    for x, y, rx, ry, light in (
        (-0.66, 0.16, 0.22, 0.15, 0.82),
        (0.66, 0.16, 0.22, 0.15, 0.78),
        (-0.40, 0.28, 0.26, 0.24, 0.95),
        (0.40, 0.28, 0.26, 0.24, 0.88),
        (0.0, 0.36, 0.30, 0.32, 1.0),
    ):
        pen.oval(x, y, rx, ry, "#d99447", light)
        pen.oval(x - rx * 0.2, y + ry * 0.35, rx * 0.55, ry * 0.45, "#efbd78", light)


def cake(pen: Pen, colour: Rgb, share: float) -> None:
    """A cake with icing and lit candles."""
    pen.shadow(0.0, 0.01, 0.68, 0.05, 0.3)
    pen.round(box(-0.55, 0.0, 0.55, 0.46, 0.04), "#f0d3ac")
    pen.round(box(-0.55, 0.20, 0.55, 0.26), colour)
    drips = [
        (-0.56, 0.50),
        (0.56, 0.50),
        (0.56, 0.40),
        (0.42, 0.31),
        (0.30, 0.40),
        (0.14, 0.30),
        (0.0, 0.39),
        (-0.16, 0.29),
        (-0.30, 0.39),
        (-0.44, 0.32),
        (-0.56, 0.40),
    ]
    pen.blob(drips, mix(colour, _WHITE, 0.55))
    for index, x in enumerate((-0.3, 0.0, 0.3)):
        pen.box(x - 0.025, 0.50, x + 0.025, 0.76, pen.palette.accent(index))
        flicker = 0.02 * math.sin(2 * math.pi * (2 * share + index / 3))
        pen.glow(x, 0.84, 0.22, (255.0, 200.0, 110.0), 0.55)
        pen.lamp(
            spline([(x - 0.03, 0.81), (x + flicker, 0.93), (x + 0.03, 0.81), (x, 0.77)], steps=6), (255.0, 214.0, 120.0)
        )


def fruit(pen: Pen, colour: Rgb, share: float) -> None:
    """Fruit in a shallow bowl."""
    pen.shadow(0.0, 0.02, 0.66, 0.06, 0.3)
    for x, y, r, tone in ((-0.34, 0.50, 0.20, "#f08a3c"), (0.34, 0.50, 0.20, "#d9433f"), (0.0, 0.56, 0.22, "#f2b632"),
                          (-0.17, 0.74, 0.19, "#d9433f"), (0.18, 0.76, 0.19, "#9cbf4a")):  # fmt: skip
        pen.round(oval(x, y, r, r * 0.96), tone)
        pen.limb((x, y + r * 0.8), (x + 0.03, y + r * 1.15), 0.022, 0.016, "#5d4630")
    pen.round(
        spline(
            [(-0.66, 0.46), (-0.5, 0.16), (-0.2, 0.03), (0.2, 0.03), (0.5, 0.16), (0.66, 0.46), (0.0, 0.42)], steps=8
        ),
        colour,
    )


def bowl(pen: Pen, colour: Rgb, share: float) -> None:
    """A steaming bowl."""
    pen.shadow(0.0, 0.02, 0.60, 0.06, 0.3)
    pen.round(
        spline(
            [(-0.62, 0.58), (-0.50, 0.24), (-0.22, 0.05), (0.22, 0.05), (0.50, 0.24), (0.62, 0.58), (0.0, 0.54)],
            steps=8,
        ),
        colour,
    )
    pen.fade(oval(0.0, 0.58, 0.62, 0.12), mix(colour, _WHITE, 0.5), mix(colour, _WHITE, 0.2))
    pen.fade(oval(0.0, 0.575, 0.54, 0.092), "#f0b35c", "#d98a3a")
    for x, y, tone in (
        (-0.22, 0.60, "#7aa653"),
        (0.14, 0.55, "#d9533f"),
        (0.26, 0.61, "#f5e2a8"),
        (-0.04, 0.60, "#7aa653"),
    ):
        pen.oval(x, y, 0.085, 0.034, tone)
    steam(pen, 0.0, 0.64, 0.55, share)


def pizza(pen: Pen, colour: Rgb, share: float) -> None:
    """A pizza on a board."""
    pen.shadow(0.0, 0.0, 1.0, 0.09, 0.3)
    pen.fade(oval(0.0, 0.16, 1.02, 0.26), "#b98654", "#8a5d36")
    pen.fade(oval(0.0, 0.22, 0.90, 0.225), "#dca35a", "#c2823e")
    pen.fade(oval(0.0, 0.235, 0.80, 0.19), "#f4c95d", "#e8a93f")
    for x, y in ((-0.42, 0.26), (-0.08, 0.33), (0.34, 0.28), (0.12, 0.17), (-0.22, 0.15), (0.52, 0.20)):
        pen.oval(x, y, 0.12, 0.034, "#c8402f")
    for x, y in ((-0.58, 0.20), (0.18, 0.27), (-0.02, 0.22), (0.42, 0.14)):
        pen.oval(x, y, 0.055, 0.020, "#5f9e4b")


def burger(pen: Pen, colour: Rgb, share: float) -> None:
    """A burger in its bun."""
    pen.shadow(0.0, 0.02, 0.62, 0.06, 0.32)
    pen.round(box(-0.54, 0.02, 0.54, 0.24, 0.10), "#d9964a")
    pen.round(box(-0.58, 0.22, 0.58, 0.40, 0.08), "#6b3d28")
    pen.poly([(-0.58, 0.42), (0.58, 0.42), (0.36, 0.28), (0.16, 0.40), (-0.14, 0.30), (-0.34, 0.40)], "#f7c548")
    pen.blob(
        [(-0.62, 0.46), (-0.3, 0.40), (0.0, 0.46), (0.3, 0.40), (0.62, 0.46), (0.5, 0.54), (-0.5, 0.54)], "#7fb24e"
    )
    pen.round(np.concatenate([oval(0.0, 0.52, 0.56, 0.42, end=0.5), [(-0.56, 0.52)]]), "#e0a052")
    for x, y in ((-0.26, 0.74), (-0.04, 0.84), (0.2, 0.76), (0.0, 0.68), (0.34, 0.64)):
        pen.oval(x, y, 0.030, 0.018, "#f8e7c4")
