"""Things that travel: car, bus, van, bicycle, boat, plane, balloons, rocket. Each about one unit, facing right.

Painters take a pen, the thing's own colour and the share (0-1) of their cycle. Wheels stand on y = 0, hulls on the
water line. Does not know roads or skies.
"""

from __future__ import annotations

import math

import numpy as np

from generation.engines.animatic.palette import Rgb, mix
from generation.engines.animatic.pen import Pen
from generation.engines.animatic.people import Figure, Joint, draw_head, draw_leg
from generation.engines.animatic.shapes import Points, box, oval, points, spline, stroke

_GLASS = "#a9cbd9"
_TYRE = "#23262d"
_METAL = "#c9ced6"


def _window(pen: Pen, outline: Points) -> None:
    if pen.palette.lamps:
        pen.fade(outline, "#5b6b8c", "#2e3a55")
    else:
        pen.fade(outline, "#d9ecf4", _GLASS)


def _wheel(pen: Pen, x: float, radius: float, share: float) -> None:
    pen.oval(x, radius, radius, radius, _TYRE)
    pen.oval(x, radius, radius * 0.58, radius * 0.58, _METAL)
    pen.oval(x, radius, radius * 0.20, radius * 0.20, _TYRE)
    for spoke in range(5):
        angle = 2 * math.pi * (spoke / 5 - share)
        tip = (x + radius * 0.52 * math.cos(angle), radius + radius * 0.52 * math.sin(angle))
        pen.limb((x, radius), tip, radius * 0.10, radius * 0.10, "#7d848f")


def car(pen: Pen, colour: Rgb, share: float) -> None:
    """A compact car, 1.05 long."""
    pen.shadow(0, 0.01, 0.56, 0.03, 0.36)
    body = spline([(-0.52, 0.12), (-0.535, 0.20), (-0.49, 0.262), (-0.36, 0.29), (-0.22, 0.405), (-0.02, 0.432),
                   (0.15, 0.405), (0.275, 0.295), (0.43, 0.262), (0.52, 0.212), (0.53, 0.12), (0.48, 0.085),
                   (0.0, 0.08), (-0.48, 0.085)], steps=8)  # fmt: skip
    pen.fade(body, mix(colour, (255.0, 255.0, 255.0), 0.14), mix(colour, (20.0, 16.0, 34.0), 0.22))
    _window(pen, spline([(-0.315, 0.292), (-0.205, 0.380), (-0.055, 0.402), (-0.05, 0.292)], steps=6))
    _window(pen, spline([(-0.015, 0.292), (-0.015, 0.402), (0.125, 0.378), (0.222, 0.292)], steps=6))
    pen.line([(-0.50, 0.205), (0.50, 0.205)], 0.008, colour, 0.72)
    pen.box(0.475, 0.19, 0.525, 0.228, "#fff4d0", radius=0.012)
    pen.box(-0.532, 0.20, -0.50, 0.236, "#d8463c", radius=0.01)
    if pen.palette.lamps:
        pen.glow(0.56, 0.205, 0.20, (255.0, 236.0, 190.0), 0.5)
        pen.glow(-0.54, 0.215, 0.10, (255.0, 80.0, 60.0), 0.6)
    for x in (-0.31, 0.315):
        pen.poly(oval(x, 0.105, 0.128, 0.128, end=0.5), colour, 0.55)
        _wheel(pen, x, 0.098, share)


def bus(pen: Pen, colour: Rgb, share: float) -> None:
    """A small rounded bus, 1.3 long."""
    pen.shadow(0, 0.01, 0.66, 0.03, 0.36)
    pen.fade(box(-0.64, 0.09, 0.64, 0.62, 0.11), mix(colour, (255.0, 255.0, 255.0), 0.18), colour)
    pen.box(-0.64, 0.09, 0.64, 0.24, mix(colour, (255.0, 255.0, 255.0), 0.72), radius=0.04)
    for x in (-0.56, -0.31, -0.06, 0.19):
        _window(pen, box(x, 0.335, x + 0.215, 0.53, 0.03))
    _window(pen, box(0.44, 0.315, 0.615, 0.54, 0.04))
    pen.box(0.60, 0.16, 0.645, 0.205, "#fff4d0", radius=0.02)
    for x in (-0.38, 0.38):
        _wheel(pen, x, 0.105, share)


def van(pen: Pen, colour: Rgb, share: float) -> None:
    """A delivery van, 1.2 long."""
    pen.shadow(0, 0.01, 0.62, 0.03, 0.36)
    body = spline(
        [
            (-0.60, 0.10),
            (-0.61, 0.5),
            (-0.575, 0.545),
            (0.18, 0.55),
            (0.30, 0.50),
            (0.42, 0.335),
            (0.57, 0.27),
            (0.60, 0.20),
            (0.59, 0.10),
            (0.0, 0.085),
        ],
        steps=8,
    )
    pen.fade(body, mix(colour, (255.0, 255.0, 255.0), 0.30), colour)
    pen.poly(box(-0.52, 0.27, 0.08, 0.45, 0.02), mix(colour, (255.0, 255.0, 255.0), 0.55))
    _window(pen, spline([(0.17, 0.335), (0.18, 0.49), (0.27, 0.465), (0.365, 0.335)], steps=6))
    pen.box(0.545, 0.185, 0.6, 0.225, "#fff4d0", radius=0.015)
    for x in (-0.35, 0.36):
        _wheel(pen, x, 0.105, share)


def _bicycle_frame(pen: Pen, colour: Rgb, share: float) -> None:
    for x in (-0.27, 0.27):
        pen.line(oval(x, 0.17, 0.155, 0.155), 0.020, _TYRE)
        for spoke in range(4):
            angle = math.pi * (spoke / 4 - 2 * share)
            dx, dy = 0.15 * math.cos(angle), 0.15 * math.sin(angle)
            pen.limb((x - dx, 0.17 - dy), (x + dx, 0.17 + dy), 0.005, 0.005, _METAL)
    crank, saddle, head = (-0.02, 0.17), (-0.115, 0.40), (0.19, 0.42)
    for a, b in ((crank, saddle), (crank, (0.185, 0.36)), ((-0.105, 0.37), (0.185, 0.40)), ((-0.27, 0.17), crank),
                 ((-0.27, 0.17), (-0.105, 0.37)), ((0.27, 0.17), head)):  # fmt: skip
        pen.limb(a, b, 0.020, 0.020, colour)
    pen.limb(head, (0.20, 0.475), 0.018, 0.018, _TYRE)
    pen.limb((0.16, 0.48), (0.23, 0.47), 0.022, 0.022, _TYRE)
    pen.limb((-0.165, 0.425), (-0.065, 0.42), 0.034, 0.022, _TYRE)


def bicycle(pen: Pen, colour: Rgb, share: float) -> None:
    """A parked bicycle."""
    pen.shadow(0, 0.005, 0.42, 0.018, 0.28)
    _bicycle_frame(pen, colour, 0.0)


def draw_cyclist(pen: Pen, who: Figure, share: float) -> None:
    """A person riding a bicycle; height 1 as for a standing person."""
    turn = -2 * math.pi * share
    hip: Joint = (-0.115, 0.475)
    for side in (1, 0):
        pedal = (-0.02 + 0.075 * math.cos(turn + math.pi * side), 0.185 + 0.075 * math.sin(turn + math.pi * side))
        draw_leg(pen, who, (hip, _knee(hip, pedal), pedal, 0.0), 0.82 if side else 1.0)
        if side:
            _bicycle_frame(pen, pen.palette.accent(0), share)
    shoulder = (0.06, 0.765)
    pen.limb(hip, shoulder, 0.115 * who.build, 0.135 * who.build, who.top)
    draw_head(pen, who, (shoulder[0] + 0.02, shoulder[1] + 0.035), 0.25)
    pen.limb((shoulder[0], shoulder[1] - 0.02), (0.10, 0.60), 0.055, 0.045, who.top, 0.88)
    pen.limb((0.10, 0.60), (0.20, 0.50), 0.042, 0.032, who.top, 0.88)
    pen.oval(0.205, 0.495, 0.021, 0.021, who.skin)


def _knee(hip: Joint, foot: Joint) -> Joint:
    """Where the knee of a bent leg is, in front of the line from hip to foot."""
    dx, dy = foot[0] - hip[0], foot[1] - hip[1]
    length = min(0.459, math.hypot(dx, dy))
    along = length / 2
    out = math.sqrt(max(0.0, 0.232**2 - along**2))
    ux, uy = dx / math.hypot(dx, dy), dy / math.hypot(dx, dy)
    return (hip[0] + ux * along - uy * out, hip[1] + uy * along + ux * out)


def boat(pen: Pen, colour: Rgb, share: float) -> None:
    """A sailing boat, 1 tall, on its water line."""
    tip = 0.012 * math.sin(2 * math.pi * share)
    pen.fade(
        spline(
            [(-0.02, 0.13), (-0.025 + tip, 0.55), (-0.03 + tip, 0.98), (-0.20, 0.55), (-0.34, 0.145), (-0.15, 0.12)],
            steps=6,
        ),
        "#fffaf0",
        "#e9dcc9",
    )
    pen.fade(
        spline([(0.02, 0.14), (0.02 + tip, 0.5), (0.0 + tip, 0.90), (0.17, 0.45), (0.30, 0.15), (0.15, 0.12)], steps=6),
        colour,
        mix(colour, (30.0, 24.0, 50.0), 0.22),
    )
    pen.limb((0.0, 0.06), (-0.01 + tip, 1.0), 0.016, 0.010, "#6b4a35")
    hull = points((-0.36, 0.10), (0.36, 0.115), (0.27, 0.0), (0.20, -0.035), (-0.22, -0.035), (-0.28, 0.0))
    pen.fade(hull, "#f6f0e6", mix(colour, (240.0, 236.0, 228.0), 0.35))
    pen.poly([(-0.36, 0.10), (0.36, 0.115), (0.345, 0.09), (-0.345, 0.075)], colour)


def plane(pen: Pen, colour: Rgb, share: float) -> None:
    """An airliner, 1.2 long."""
    rise = 0.0
    pen.poly([(-0.05, rise), (-0.30, -0.20), (-0.22, -0.20), (0.16, 0.0)], "#d5dbe4", 0.9)
    pen.poly([(-0.50, 0.05), (-0.62, 0.27), (-0.52, 0.27), (-0.36, 0.08)], colour)
    pen.fade(
        spline(
            [
                (0.58, 0.01),
                (0.50, 0.075),
                (0.30, 0.10),
                (-0.35, 0.085),
                (-0.60, 0.07),
                (-0.58, 0.035),
                (-0.25, -0.035),
                (0.35, -0.045),
                (0.52, -0.03),
            ],
            steps=8,
        ),
        "#ffffff",
        "#cfd8e4",
    )
    for window in range(9):
        pen.oval(-0.25 + window * 0.075, 0.045, 0.014, 0.016, "#5f7f9c")
    pen.poly([(-0.02, 0.0), (-0.28, -0.17), (-0.18, -0.17), (0.20, 0.0)], "#e9edf3")


def hotair(pen: Pen, colour: Rgb, share: float) -> None:
    """A hot-air balloon, 1 tall, basket at y = 0."""
    glow = 0.03 * math.sin(4 * math.pi * share)
    outline = spline(
        [
            (0.0, 1.0),
            (0.26, 0.93),
            (0.38, 0.70),
            (0.30, 0.45),
            (0.085, 0.20),
            (-0.085, 0.20),
            (-0.30, 0.45),
            (-0.38, 0.70),
            (-0.26, 0.93),
        ],
        steps=10,
    )
    pen.round(outline, mix(colour, (255.0, 230.0, 190.0), glow + 0.03))
    second = pen.palette.accent(1)
    for inner, outer, light in ((0.12, 0.30, 1.0),):
        for side in (-1, 1):
            pen.poly(_gore(side * inner, side * outer), second, light)
    pen.poly(_gore(-0.035, 0.035), (255.0, 244.0, 226.0))
    for x in (-0.07, 0.07):
        pen.limb((x, 0.21), (x * 0.75, 0.09), 0.006, 0.006, "#5b4636")
    pen.box(-0.058, 0.0, 0.058, 0.09, "#8a5f3c", radius=0.014)
    pen.box(-0.064, 0.078, 0.064, 0.096, "#a97a4f", radius=0.008)


def _gore(inner: float, outer: float) -> Points:
    """A stripe of a balloon's envelope between two widths at its waist."""
    heights = (1.0, 0.93, 0.70, 0.45, 0.20)
    waist = (0.0, 0.68, 1.0, 0.79, 0.22)
    left = [(inner * share, y) for share, y in zip(waist, heights, strict=True)]
    right = [(outer * share, y) for share, y in zip(waist, heights, strict=True)]
    made: Points = np.concatenate([spline(left, closed=False), spline(right[::-1], closed=False)])
    return made


def balloon(pen: Pen, colour: Rgb, share: float) -> None:
    """A party balloon with its string."""
    sway = 0.03 * math.sin(2 * math.pi * share)
    pen.line(spline([(0.0, 0.42), (sway, 0.28), (-sway, 0.14), (0.02, 0.0)], closed=False), 0.010, "#efe7dc")
    pen.round(spline([(0.0, 1.0), (0.23, 0.90), (0.27, 0.70), (0.14, 0.50), (0.0, 0.43), (-0.14, 0.50), (-0.27, 0.70),
                      (-0.23, 0.90)], steps=8), colour)  # fmt: skip
    pen.poly([(-0.03, 0.41), (0.03, 0.41), (0.0, 0.44)], colour, 0.8)
    pen.poly(oval(-0.11, 0.82, 0.045, 0.075), (255.0, 255.0, 255.0), opacity=0.5)


def kite(pen: Pen, colour: Rgb, share: float) -> None:
    """A kite with a tail."""
    sway = 0.05 * math.sin(2 * math.pi * share)
    pen.line(
        spline([(0.0, 0.45), (-0.1 + sway, 0.3), (0.05 - sway, 0.15), (-0.05 + sway, 0.0)], closed=False),
        0.012,
        "#fff3e0",
    )
    pen.poly([(0.0, 1.0), (0.26, 0.75), (0.0, 0.42)], colour)
    pen.poly([(0.0, 1.0), (-0.26, 0.75), (0.0, 0.42)], colour, 0.8)
    pen.poly([(0.0, 0.75), (0.26, 0.75), (0.0, 0.42)], pen.palette.accent(2))


def rocket(pen: Pen, colour: Rgb, share: float) -> None:
    """A rocket, 1 tall, with a living flame."""
    flame = 0.16 + 0.05 * math.sin(6 * math.pi * share)
    pen.glow(0.0, 0.06, 0.34, (255.0, 170.0, 80.0), 0.7)
    pen.lamp(spline([(-0.07, 0.2), (0.0, 0.22), (0.07, 0.2), (0.04, 0.08), (0.0, 0.2 - flame), (-0.04, 0.08)], steps=6),
             (255.0, 176.0, 66.0))  # fmt: skip
    for side in (-1, 1):
        pen.poly([(0.10 * side, 0.44), (0.24 * side, 0.24), (0.22 * side, 0.17), (0.09 * side, 0.24)], colour, 0.86)
    pen.round(spline([(0.0, 1.0), (0.10, 0.82), (0.145, 0.58), (0.12, 0.32), (0.08, 0.2), (-0.08, 0.2), (-0.12, 0.32),
                      (-0.145, 0.58), (-0.10, 0.82)], steps=8), "#f2f0ec")  # fmt: skip
    pen.poly(spline([(0.0, 1.0), (0.09, 0.84), (0.0, 0.80), (-0.09, 0.84)], steps=6), colour)
    pen.oval(0.0, 0.62, 0.062, 0.062, colour, 0.8)
    pen.oval(0.0, 0.62, 0.043, 0.043, "#9fd3ea")


def wake(pen: Pen, width: float) -> None:
    """A light line of water under a hull."""
    way = [(-width, 0.0), (-width / 2, -0.012), (0.0, -0.004), (width / 2, -0.012), (width, 0.0)]
    pen.poly(stroke(spline(way, closed=False), 0.012), (255.0, 255.0, 255.0), opacity=0.5)
