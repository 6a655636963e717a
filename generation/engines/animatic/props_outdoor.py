"""Things that stand outdoors: houses, lighthouses, tents, benches, lamps, umbrellas. One unit tall, feet on y = 0.

Painters take a pen, the thing's own colour and the share (0-1) of their cycle. Does not know places.
"""

from __future__ import annotations

import math

from generation.engines.animatic.palette import Rgb, mix
from generation.engines.animatic.pen import Pen
from generation.engines.animatic.shapes import box, limb, oval, spline

_WOOD = "#9a6a43"
_WHITE = (255.0, 252.0, 246.0)


def _pane(pen: Pen, x0: float, y0: float, x1: float, y1: float) -> None:
    pen.box(x0 - 0.012, y0 - 0.012, x1 + 0.012, y1 + 0.012, "#f7f1e6")
    if pen.palette.lamps:
        pen.lamp(box(x0, y0, x1, y1), (255.0, 214.0, 138.0))
        pen.glow((x0 + x1) / 2, (y0 + y1) / 2, (x1 - x0) * 1.9, (255.0, 190.0, 100.0), 0.35)
    else:
        pen.fade(box(x0, y0, x1, y1), "#bcd8e4", "#7fa6bd")
    pen.box((x0 + x1) / 2 - 0.006, y0, (x0 + x1) / 2 + 0.006, y1, "#f7f1e6")


def house(pen: Pen, colour: Rgb, share: float) -> None:
    """A gabled house with a lit side, a shaded side and a chimney."""
    wall = mix(colour, _WHITE, 0.35)
    pen.shadow(0.0, 0.0, 0.72, 0.03, 0.3)
    pen.box(0.22, 0.62, 0.32, 0.98, "#8d6a5c")
    pen.box(-0.56, 0.0, 0.56, 0.50, wall, 0.97)
    pen.poly([(-0.56, 0.0), (-0.06, 0.0), (-0.06, 0.50), (-0.31, 0.80), (-0.56, 0.50)], wall, 1.08)
    pen.poly([(-0.31, 0.84), (0.36, 0.84), (0.64, 0.46), (-0.02, 0.46)], colour, 0.74)
    pen.poly([(-0.64, 0.46), (-0.57, 0.46), (-0.31, 0.77), (-0.05, 0.46), (0.02, 0.46), (-0.31, 0.86)], colour, 0.60)
    _pane(pen, -0.43, 0.22, -0.31, 0.40)
    _pane(pen, 0.08, 0.18, 0.22, 0.36)
    _pane(pen, 0.32, 0.18, 0.46, 0.36)
    pen.box(-0.24, 0.0, -0.11, 0.30, _WOOD, 0.8, radius=0.01)
    for puff in range(3):
        age = (share + puff / 3) % 1
        pen.poly(
            oval(0.27 + 0.10 * age, 1.0 + 0.22 * age, 0.03 + 0.05 * age, 0.03 + 0.04 * age),
            _WHITE,
            opacity=0.45 * (1 - age),
        )


def _tower_half(y: float) -> float:
    """Half the width of the lighthouse at a height."""
    return 0.115 - 0.055 * (y - 0.08) / 0.66


def _hem(x: float, sway: float) -> float:
    """Height of an umbrella's hem at an x."""
    return 0.62 + 0.03 * (1 - (x / 0.52) ** 2) + sway * x


def lighthouse(pen: Pen, colour: Rgb, share: float) -> None:
    """A striped lighthouse on a rock; its lamp shines by night."""
    pen.blob([(-0.30, -0.03), (-0.22, 0.09), (-0.02, 0.12), (0.20, 0.08), (0.32, -0.03), (0.0, -0.06)], "#6f6a70")
    for band in range(5):
        low, high = 0.08 + 0.132 * band, 0.08 + 0.132 * (band + 1)
        wide, narrow = _tower_half(low), _tower_half(high)
        outline = [(-wide, low), (wide, low), (narrow, high), (-narrow, high)]
        pen.round(outline, _WHITE if band % 2 == 0 else colour)
    pen.box(-0.085, 0.735, 0.085, 0.765, "#39404e")
    pen.lamp(box(-0.048, 0.765, 0.048, 0.865), (255.0, 232.0, 170.0))
    pen.box(-0.008, 0.765, 0.008, 0.865, "#39404e")
    pen.poly([(-0.065, 0.865), (0.065, 0.865), (0.0, 0.95)], colour, 0.9)
    strength = 0.45 + 0.35 * math.sin(2 * math.pi * share)
    pen.glow(0.0, 0.815, 0.30, (255.0, 226.0, 160.0), strength * (1.0 if pen.palette.lamps else 0.25))


def windmill(pen: Pen, colour: Rgb, share: float) -> None:
    """A wind turbine with turning blades."""
    pen.round([(-0.022, 0.0), (0.022, 0.0), (0.012, 0.72), (-0.012, 0.72)], _WHITE)
    for blade in range(3):
        angle = 2 * math.pi * (share / 3 + blade / 3) + 0.4
        ux, uy = math.cos(angle), math.sin(angle)
        tip, mid = (0.30 * ux, 0.72 + 0.30 * uy), (0.09 * ux - 0.022 * uy, 0.72 + 0.09 * uy + 0.022 * ux)
        pen.poly([(0.0, 0.72), mid, tip, (0.07 * ux + 0.006 * uy, 0.72 + 0.07 * uy - 0.006 * ux)], _WHITE, 0.97)
    pen.oval(0.0, 0.72, 0.024, 0.024, colour)


def tent(pen: Pen, colour: Rgb, share: float) -> None:
    """A ridge tent, lit from inside by night."""
    pen.shadow(0.0, 0.0, 0.95, 0.05, 0.32)
    pen.poly([(-0.85, 0.0), (-0.20, 1.0), (0.45, 0.88), (0.95, 0.0)], colour, 0.80)
    pen.poly([(-0.85, 0.0), (-0.20, 1.0), (0.30, 0.0)], colour)
    opening = [(-0.46, 0.0), (-0.22, 0.80), (0.02, 0.0)]
    if pen.palette.lamps:
        pen.lamp(opening, (255.0, 206.0, 128.0))
        pen.glow(-0.22, 0.25, 0.8, (255.0, 190.0, 110.0), 0.35 + 0.03 * math.sin(2 * math.pi * share))
    else:
        pen.poly(opening, colour, 0.45)
    pen.poly([(0.02, 0.0), (-0.22, 0.80), (0.14, 0.0)], colour, 1.12)


def campfire(pen: Pen, colour: Rgb, share: float) -> None:
    """Burning logs with tongues of flame and their light."""
    flicker = math.sin(2 * math.pi * share * 3) * 0.5 + math.sin(2 * math.pi * share * 2 + 1) * 0.5
    pen.glow(0.0, 0.45, 1.6, (255.0, 150.0, 60.0), 0.42 + 0.06 * flicker)
    pen.limb((-0.45, 0.06), (0.40, 0.20), 0.13, 0.11, "#6b432c")
    pen.limb((0.45, 0.06), (-0.40, 0.20), 0.13, 0.11, "#7c5034")
    for width, high, tone in (
        (0.34, 1.0, (244.0, 96.0, 46.0)),
        (0.24, 0.74, (255.0, 158.0, 52.0)),
        (0.13, 0.46, (255.0, 226.0, 130.0)),
    ):
        tip = 0.10 * flicker
        pen.lamp(
            spline(
                [
                    (-width, 0.22),
                    (-width * 0.75, 0.42),
                    (-width * 0.25 + tip * 0.5, 0.55 * high + 0.12),
                    (tip, high),
                    (width * 0.35 + tip * 0.4, 0.52 * high),
                    (width * 0.9, 0.34),
                    (width * 0.8, 0.18),
                    (0.0, 0.10),
                ],
                steps=8,
            ),
            tone,
        )


def umbrella(pen: Pen, colour: Rgb, share: float) -> None:
    """A beach umbrella of six gores."""
    pen.shadow(0.10, 0.0, 0.42, 0.035, 0.26)
    pen.limb((0.0, 0.0), (0.03, 0.96), 0.022, 0.022, "#f2e6d2")
    sway = 0.01 * math.sin(2 * math.pi * share)
    edges = [-0.52 + 1.04 * gore / 6 for gore in range(7)]
    for gore in range(6):
        left, right = edges[gore], edges[gore + 1]
        top = (0.03 + sway, 1.0)
        outline = spline([top, (left * 0.62 + 0.012, 0.89 - 0.22 * abs(left * 0.62) ** 1.5), (left, _hem(left, sway)),
                          ((left + right) / 2, _hem((left + right) / 2, sway) + 0.018), (right, _hem(right, sway)),
                          (right * 0.62 + 0.012, 0.89 - 0.22 * abs(right * 0.62) ** 1.5)], steps=5)  # fmt: skip
        pen.poly(outline, colour if gore % 2 == 0 else _WHITE, 1.05 - 0.05 * gore)


def bench(pen: Pen, colour: Rgb, share: float) -> None:
    """A park bench."""
    pen.shadow(0.0, 0.0, 1.0, 0.06, 0.3)
    for x in (-0.75, 0.75):
        pen.limb((x, 0.0), (x, 0.44), 0.06, 0.06, "#3c424d")
        pen.limb((x, 0.44), (x * 0.97, 1.0), 0.06, 0.05, "#3c424d")
    for y in (0.44, 0.52):
        pen.box(-0.95, y - 0.035, 0.95, y + 0.035, colour, 0.95 if y < 0.5 else 1.06, radius=0.02)
    for y in (0.72, 0.90):
        pen.box(-0.93, y - 0.055, 0.93, y + 0.055, colour, radius=0.03)


def streetlamp(pen: Pen, colour: Rgb, share: float) -> None:
    """A street lamp with a lantern."""
    pen.shadow(0.0, 0.0, 0.06, 0.008, 0.3)
    pen.limb((0.0, 0.0), (0.0, 0.86), 0.022, 0.014, "#39414f")
    pen.box(-0.026, 0.0, 0.026, 0.07, "#39414f", radius=0.008)
    if pen.palette.lamps:
        pen.glow(0.0, 0.91, 0.34, (255.0, 208.0, 130.0), 0.6 + 0.02 * math.sin(2 * math.pi * share))
        pen.lamp([(-0.032, 0.865), (0.032, 0.865), (0.045, 0.95), (-0.045, 0.95)], (255.0, 236.0, 186.0))
    else:
        pen.poly([(-0.032, 0.865), (0.032, 0.865), (0.045, 0.95), (-0.045, 0.95)], "#f2ead6")
    pen.poly([(-0.055, 0.95), (0.055, 0.95), (0.0, 1.0)], "#39414f")


def fireworks(pen: Pen, colour: Rgb, share: float) -> None:
    """One rocket's burst, from its flash to its last sparks; the unit is its radius."""
    age = share
    if age > 0.92:
        return
    reach = 1 - (1 - age) ** 3
    fade = (1 - age / 0.92) ** 1.2
    pen.glow(0.0, 0.0, 0.95, colour, 0.30 * fade)
    for ring, spokes in ((1.0, 22), (0.66, 15), (0.34, 9)):
        far, drop = reach * ring * 0.92, 0.22 * age * age
        tail = max(0.0, far - 0.16 * (1 - age))
        sparks = []
        for spoke in range(spokes):
            angle = 2 * math.pi * (spoke + 0.5 * (ring < 1)) / spokes
            cos, sin = math.cos(angle), math.sin(angle)
            start, end = (tail * cos, tail * sin - drop * 0.8), (far * cos, far * sin - drop)
            sparks += [pen.place(limb(start, end, 0.006, 0.020)), pen.place(oval(*end, 0.018, 0.018))]
        tone = mix(colour, (255.0, 250.0, 230.0), 0.5 * (1 - age) + (0.3 if ring < 0.5 else 0.0))
        pen.canvas.fill(sparks, tone, fade)
