"""Goods on a table or a plinth: books, devices, bags, candles, plants. One unit tall, feet on y = 0.

Painters take a pen, the thing's own colour and the share (0-1) of their cycle. Light falls from the left. Does not
know rooms.
"""

from __future__ import annotations

import math

from generation.engines.animatic.nature import plant as _potted
from generation.engines.animatic.palette import Rgb, mix
from generation.engines.animatic.pen import Pen
from generation.engines.animatic.shapes import box, oval, points, spline

_WHITE = (255.0, 252.0, 246.0)
_DARK = (42.0, 40.0, 50.0)


def book(pen: Pen, colour: Rgb, share: float) -> None:
    """A stack of three books."""
    pen.shadow(0.0, 0.01, 0.62, 0.05, 0.3)
    tones = (colour, pen.palette.accent(1), pen.palette.accent(3))
    for index, (x, width) in enumerate(((0.0, 0.56), (-0.04, 0.50), (0.03, 0.46))):
        low = 0.22 * index
        pen.box(x - width, low, x + width, low + 0.20, tones[index], radius=0.02)
        pen.box(x - width + 0.07, low + 0.035, x + width, low + 0.165, "#f6efe0")
        pen.box(x - width, low, x - width + 0.09, low + 0.20, tones[index], 0.85, radius=0.02)


def laptop(pen: Pen, colour: Rgb, share: float) -> None:
    """An open laptop whose screen shows a chart that grows."""
    pen.shadow(0.0, 0.01, 0.92, 0.05, 0.3)
    pen.box(-0.62, 0.07, 0.62, 0.94, "#3a404c", radius=0.04)
    screen = box(-0.57, 0.12, 0.57, 0.89, 0.015)
    pen.lamp(screen, mix((238.0, 244.0, 250.0), colour, 0.12))
    pen.lamp(box(-0.50, 0.74, -0.10, 0.80, 0.02), colour)
    for bar in range(6):
        tall = 0.10 + 0.40 * abs(math.sin(1.1 + bar * 0.9)) * (0.86 + 0.14 * math.sin(2 * math.pi * (share + bar / 6)))
        pen.lamp(
            box(-0.48 + bar * 0.165, 0.18, -0.38 + bar * 0.165, 0.18 + tall, 0.012),
            colour if bar % 2 else pen.palette.accent(1),
        )
    pen.fade(points((-0.70, 0.075), (0.70, 0.075), (0.88, 0.0), (-0.88, 0.0)), "#d9dde3", "#aeb5c0")


def phone(pen: Pen, colour: Rgb, share: float) -> None:
    """A phone standing upright with a lit screen."""
    pen.shadow(0.02, 0.01, 0.34, 0.04, 0.32)
    pen.box(-0.255, 0.0, 0.255, 1.0, "#23262e", radius=0.07)
    pen.lamp(box(-0.23, 0.025, 0.23, 0.975, 0.05), mix(colour, _WHITE, 0.35))
    pen.lamp(oval(0.0, 0.62, 0.12, 0.12), mix(colour, _WHITE, 0.75))
    for line in range(3):
        pen.lamp(box(-0.15, 0.34 - 0.09 * line, 0.15 - 0.05 * line, 0.38 - 0.09 * line, 0.02), mix(colour, _WHITE, 0.8))
    pen.poly([(-0.05 + 0.02 * share, 0.97), (0.10, 0.97), (-0.12, 0.03), (-0.22, 0.03)], _WHITE, opacity=0.10)


def headphones(pen: Pen, colour: Rgb, share: float) -> None:
    """Headphones standing on their cups."""
    pen.shadow(0.0, 0.01, 0.46, 0.04, 0.3)
    pen.line(oval(0.0, 0.46, 0.37, 0.46, end=0.5), 0.085, mix(colour, _DARK, 0.35))
    for side in (-1, 1):
        pen.round(box(0.37 * side - 0.11, 0.02, 0.37 * side + 0.11, 0.50, 0.10), colour)
        pen.box(0.27 * side - 0.035, 0.06, 0.27 * side + 0.035, 0.46, _DARK, radius=0.03)


def speaker(pen: Pen, colour: Rgb, share: float) -> None:
    """A loudspeaker whose membranes beat."""
    beat = 0.012 * math.sin(4 * math.pi * share)
    pen.shadow(0.03, 0.01, 0.36, 0.04, 0.32)
    pen.round(box(-0.30, 0.0, 0.30, 1.0, 0.05), mix(colour, _DARK, 0.25))
    for y, r in ((0.30, 0.20), (0.72, 0.12)):
        pen.oval(0.0, y, r + 0.035, r + 0.035, _DARK)
        pen.oval(0.0, y, r + beat, r + beat, "#4c515c")
        pen.oval(0.0, y, (r + beat) * 0.42, (r + beat) * 0.42, "#777e8a")


def watch(pen: Pen, colour: Rgb, share: float) -> None:
    """A wrist watch, its hand moving."""
    pen.shadow(0.0, 0.01, 0.26, 0.03, 0.3)
    pen.round(box(-0.13, 0.0, 0.13, 1.0, 0.05), colour)
    pen.round(oval(0.0, 0.5, 0.29, 0.29), "#cfd4db")
    pen.oval(0.0, 0.5, 0.24, 0.24, "#fbf8f2")
    for hour in range(12):
        angle = math.pi * hour / 6
        pen.oval(0.20 * math.cos(angle), 0.5 + 0.20 * math.sin(angle), 0.013, 0.013, _DARK)
    for length, angle in ((0.11, 2.1), (0.16, 0.6), (0.18, math.pi / 2 - 2 * math.pi * share)):
        pen.limb((0.0, 0.5), (length * math.cos(angle), 0.5 + length * math.sin(angle)), 0.022, 0.012, _DARK)


def shoe(pen: Pen, colour: Rgb, share: float) -> None:
    """A running shoe."""
    pen.shadow(0.0, 0.01, 0.98, 0.06, 0.34)
    upper = spline(
        [
            (-0.86, 0.20),
            (-0.88, 0.66),
            (-0.74, 0.96),
            (-0.46, 0.98),
            (-0.34, 0.80),
            (0.04, 0.62),
            (0.40, 0.46),
            (0.80, 0.40),
            (0.94, 0.20),
            (0.0, 0.14),
        ],
        steps=8,
    )
    pen.fade(upper, mix(colour, _WHITE, 0.16), mix(colour, _DARK, 0.10))
    pen.poly(spline([(-0.70, 0.28), (-0.30, 0.36), (0.10, 0.58), (0.0, 0.42), (-0.30, 0.24)]), _WHITE)
    pen.fade(
        spline(
            [(-0.92, 0.20), (-0.90, 0.02), (0.0, 0.0), (0.90, 0.02), (1.0, 0.16), (0.90, 0.24), (0.0, 0.19)], steps=8
        ),
        "#ffffff",
        "#dcd9d2",
    )
    for lace in range(4):
        pen.limb(
            (-0.26 + 0.15 * lace, 0.75 - 0.085 * lace),
            (-0.12 + 0.15 * lace, 0.86 - 0.10 * lace),
            0.042,
            0.042,
            "#fbf9f4",
        )


def bag(pen: Pen, colour: Rgb, share: float) -> None:
    """A shopping bag."""
    pen.shadow(0.04, 0.01, 0.46, 0.045, 0.3)
    pen.line(spline([(-0.16, 0.70), (-0.14, 0.94), (0.14, 0.94), (0.16, 0.70)], closed=False), 0.032, colour, 0.7)
    pen.fade(points((-0.36, 0.74), (0.36, 0.74), (0.40, 0.0), (-0.40, 0.0)), mix(colour, _WHITE, 0.14), colour)
    pen.poly([(0.36, 0.74), (0.20, 0.70), (0.24, 0.0), (0.40, 0.0)], colour, 0.82)
    pen.oval(-0.07, 0.36, 0.12, 0.12, mix(colour, _WHITE, 0.7))


def gift(pen: Pen, colour: Rgb, share: float) -> None:
    """A wrapped gift with a bow."""
    ribbon = pen.palette.accent(2)
    pen.shadow(0.03, 0.01, 0.58, 0.05, 0.32)
    pen.round(box(-0.46, 0.0, 0.46, 0.58, 0.02), colour)
    pen.round(box(-0.51, 0.54, 0.51, 0.72, 0.02), colour, light=1.24)
    pen.box(-0.075, 0.0, 0.075, 0.72, ribbon)
    for side in (-1, 1):
        pen.poly(
            spline([(0.0, 0.72), (0.16 * side, 0.96), (0.36 * side, 0.94), (0.30 * side, 0.76)]),
            ribbon,
            0.92 if side > 0 else 1.05,
        )
    pen.oval(0.0, 0.75, 0.075, 0.065, ribbon, 0.84)


def candle(pen: Pen, colour: Rgb, share: float) -> None:
    """A candle with its light."""
    flicker = 0.02 * math.sin(2 * math.pi * 2 * share)
    pen.shadow(0.0, 0.01, 0.24, 0.03, 0.3)
    pen.glow(0.0, 0.86, 0.75, (255.0, 190.0, 100.0), 0.45 + flicker)
    pen.round(box(-0.16, 0.0, 0.16, 0.66, 0.03), mix(colour, _WHITE, 0.5))
    pen.limb((0.0, 0.66), (0.0, 0.73), 0.02, 0.02, _DARK)
    pen.lamp(spline([(-0.05, 0.77), (flicker, 0.97), (0.05, 0.77), (0.0, 0.71)], steps=6), (255.0, 216.0, 126.0))


def jar(pen: Pen, colour: Rgb, share: float) -> None:
    """A jar with a lid and a label."""
    pen.shadow(0.03, 0.01, 0.46, 0.05, 0.32)
    pen.round(box(-0.42, 0.0, 0.42, 0.70, 0.12), mix(colour, _WHITE, 0.22))
    pen.round(box(-0.40, 0.68, 0.40, 0.94, 0.05), mix(colour, _DARK, 0.5))
    pen.round(box(-0.42, 0.18, 0.42, 0.52), mix(colour, _WHITE, 0.82))
    pen.box(-0.20, 0.36, 0.20, 0.395, colour, 0.9)
    pen.box(-0.13, 0.29, 0.13, 0.315, colour, 0.9)


def vase(pen: Pen, colour: Rgb, share: float) -> None:
    """A vase with three dry stems."""
    for x, y in ((-0.22, 1.02), (0.02, 1.14), (0.24, 0.98)):
        sway = 0.012 * math.sin(2 * math.pi * share + x * 5)
        pen.line(spline([(0.0, 0.60), (x * 0.5, 0.82), (x + sway, y)], closed=False), 0.014, "#a98f62")
        pen.poly(
            spline(
                [(x * 0.85 + sway, y - 0.12), (x - 0.045 + sway, y), (x * 1.08 + sway, y + 0.13), (x + 0.045 + sway, y)]
            ),
            "#e3c992",
        )
    pen.shadow(0.03, 0.01, 0.32, 0.035, 0.32)
    pen.round(
        spline(
            [
                (-0.09, 0.64),
                (-0.10, 0.54),
                (-0.27, 0.36),
                (-0.25, 0.12),
                (-0.14, 0.0),
                (0.14, 0.0),
                (0.25, 0.12),
                (0.27, 0.36),
                (0.10, 0.54),
                (0.09, 0.64),
            ],
            steps=8,
        ),
        colour,
    )


def camera(pen: Pen, colour: Rgb, share: float) -> None:
    """A photo camera."""
    pen.shadow(0.0, 0.01, 0.66, 0.05, 0.32)
    pen.box(-0.20, 0.62, 0.20, 0.80, "#4a4f5a", radius=0.04)
    pen.round(box(-0.62, 0.0, 0.62, 0.68, 0.08), "#343943")
    pen.box(-0.62, 0.20, 0.62, 0.46, colour)
    for r, tone in ((0.29, "#22252c"), (0.23, "#59606d"), (0.17, "#1c2330"), (0.09, "#3b5e83")):
        pen.oval(0.0, 0.33, r, r, tone)
    pen.poly(oval(-0.05, 0.39, 0.04, 0.04), _WHITE, opacity=0.7)


def ball(pen: Pen, colour: Rgb, share: float) -> None:
    """A ball."""
    pen.shadow(0.05, 0.02, 0.44, 0.06, 0.34)
    pen.round(oval(0.0, 0.5, 0.5, 0.5), colour)
    turn = 0.2 * math.sin(2 * math.pi * share)
    for knots in (
        [(-0.48, 0.58), (-0.1, 0.42 + turn * 0.1), (0.48, 0.55)],
        [(-0.16, 0.97), (0.05, 0.5), (-0.12, 0.03)],
    ):
        pen.line(spline(knots, closed=False), 0.03, mix(colour, _DARK, 0.5))


def plant(pen: Pen, colour: Rgb, share: float) -> None:
    """A potted plant."""
    _potted(pen, (86.0, 140.0, 98.0), colour)
