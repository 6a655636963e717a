"""Plants, clouds and the sun: what grows and drifts in a scene, one unit tall, drawn with a pen.

Each painter takes the pen, a random stream and its own colour where it has one. Does not know places.
"""

from __future__ import annotations

import math

import numpy as np

from generation.engines.animatic.canvas import Canvas, Gradient
from generation.engines.animatic.palette import Palette, Rgb, brighten, mix, rgb
from generation.engines.animatic.pen import Pen
from generation.engines.animatic.scene import Scene
from generation.engines.animatic.shapes import Points, box, oval, spline, stroke

_BARK = "#6d4c3a"


def foliage(scene: Scene, chance: np.random.Generator) -> Rgb:
    """A leaf colour of the season."""
    choices = {
        "autumn": ("#d9822b", "#c8553d", "#e0a33a", "#b5662d"),
        "spring": ("#8cc16a", "#a5cf7c", "#f0b7c8", "#79b567"),
        "winter": ("#7f9aa3", "#93a9ad", "#6f8c94"),
    }
    season = "winter" if scene.weather == "snow" else scene.season
    return rgb(str(chance.choice(choices.get(season, ("#5d9c59", "#4b8b5a", "#74ad5e", "#3f7d58")))))


def grass(scene: Scene) -> Rgb:
    """The colour of open ground."""
    if scene.weather == "snow":
        return rgb("#eef3f8")
    return rgb({"autumn": "#c9a653", "spring": "#8fc46a"}.get(scene.season, "#83b65c"))


def tree(pen: Pen, chance: np.random.Generator, colour: Rgb) -> None:
    """A broad-leaved tree: a trunk that forks and a crown of lit and shaded rounds."""
    pen.shadow(0.03, 0.0, 0.34, 0.028, 0.26)
    pen.poly([(-0.042, 0.0), (0.042, 0.0), (0.026, 0.52), (-0.026, 0.52)], _BARK)
    pen.limb((0.0, 0.30), (0.15, 0.50), 0.035, 0.018, _BARK, 0.9)
    pen.limb((0.0, 0.34), (-0.14, 0.52), 0.032, 0.016, _BARK, 1.05)
    rounds = [(0.0, 0.62, 0.27), (-0.19, 0.58, 0.18), (0.20, 0.58, 0.18), (-0.10, 0.79, 0.19), (0.11, 0.79, 0.18)]
    jitter = [(x + chance.uniform(-0.03, 0.03), y + chance.uniform(-0.03, 0.03), r) for x, y, r in rounds]
    for x, y, r in jitter:
        pen.oval(x, y, r, r * 0.95, colour, 0.80)
    for x, y, r in jitter:
        pen.oval(x - 0.032, y + 0.034, r * 0.80, r * 0.75, colour)
    for x, y, r in jitter[3:] + jitter[1:2]:
        pen.oval(x - 0.05, y + 0.06, r * 0.50, r * 0.44, colour, 1.13)


def pine(pen: Pen, chance: np.random.Generator, colour: Rgb, *, snow: bool = False) -> None:
    """A conifer: tiers that overlap, one side in shade."""
    pen.poly([(-0.03, 0.0), (0.03, 0.0), (0.02, 0.2), (-0.02, 0.2)], _BARK, 0.8)
    tiers = 5
    for tier in range(tiers):
        low, wide = 0.10 + 0.155 * tier, 0.27 * (1 - tier / (tiers + 0.4))
        high = low + 0.34 - 0.02 * tier
        droop = 0.03 + 0.012 * float(chance.random())
        left, right = (-wide, low - droop), (wide, low - droop)
        pen.poly(
            [
                left,
                (-wide * 0.45, low + 0.012),
                (0.0, low - droop * 0.8),
                (wide * 0.45, low + 0.012),
                right,
                (0.0, high),
            ],
            colour,
        )
        pen.poly([(0.0, low - droop * 0.8), (wide * 0.45, low + 0.012), right, (0.0, high)], colour, 0.83)
        if snow:
            pen.poly(
                [(-wide * 0.62, low + 0.065), (0.0, high), (wide * 0.35, low + 0.13), (0.0, low + 0.10)], "#f4f8fc"
            )


def palm(pen: Pen, chance: np.random.Generator, colour: Rgb) -> None:
    """A palm with a curved trunk and eight fronds."""
    lean = float(chance.uniform(0.06, 0.16))
    trunk = spline([(0.0, 0.0), (0.01, 0.28), (lean * 0.5, 0.56), (lean, 0.78)], closed=False)
    pen.poly(stroke(trunk, list(np.linspace(0.058, 0.032, len(trunk)))), "#8b6a4c")
    fronds = [(0.22, 0.13, 0.03), (0.34, 0.11, -0.02), (0.38, 0.06, -0.12), (0.30, 0.00, -0.24), (0.10, -0.02, -0.26)]
    sides = [(side * reach, rise, drop) for side in (-1, 1) for reach, rise, drop in fronds]
    for index, (reach, rise, drop) in enumerate(sides):
        reach *= float(chance.uniform(0.9, 1.1))
        way = spline([(lean, 0.78), (lean + reach * 0.5, 0.79 + rise), (lean + reach, 0.78 + drop)], closed=False)
        widths = [0.075 * math.sin(math.pi * (0.06 + 0.94 * share)) for share in np.linspace(0, 1, len(way))]
        pen.poly(stroke(way, widths), colour, 0.78 if index % 2 else 1.0)


def cactus(pen: Pen, chance: np.random.Generator, colour: Rgb) -> None:
    """A saguaro with two arms."""
    pen.shadow(0.02, 0.0, 0.16, 0.02)
    high = float(chance.uniform(0.5, 0.62))
    for way in (
        [(0.02, 0.30), (0.21, 0.31), (0.22, high + 0.08)],
        [(-0.02, 0.42), (-0.19, 0.43), (-0.20, high + 0.18)],
    ):
        pen.poly(stroke(spline(way, closed=False), 0.085), colour, 0.86)
        pen.oval(way[-1][0], way[-1][1], 0.0425, 0.0425, colour, 0.86)
    pen.round(np.concatenate([oval(0, 0.9, 0.075, 0.09, end=0.5), [(-0.075, 0.0), (0.075, 0.0)]]), colour)
    for x in (-0.03, 0.015):
        pen.limb((x, 0.05), (x, 0.9), 0.008, 0.008, colour, 0.80)


def flower(pen: Pen, chance: np.random.Generator, colour: Rgb) -> None:
    """A flower on a stem with two leaves."""
    lean = float(chance.uniform(-0.08, 0.08))
    way = spline([(0.0, 0.0), (lean * 0.2, 0.4), (lean, 0.8)], closed=False)
    pen.line(way, 0.028, "#5b8f4f")
    for side in (-1, 1):
        pen.poly(spline([(0.0, 0.16), (0.11 * side, 0.30), (0.18 * side, 0.48), (0.04 * side, 0.32)]), "#5b8f4f", 0.95)
    for petal in range(6):
        angle = math.pi * petal / 3 + lean
        pen.oval(
            lean + 0.10 * math.cos(angle),
            0.84 + 0.10 * math.sin(angle),
            0.078,
            0.078,
            colour,
            0.94 + 0.10 * (petal % 2),
        )
    pen.oval(lean, 0.84, 0.062, 0.062, "#f6c945")


def grass_tuft(outlines: list[Points], x: float, y: float, tall: float, chance: np.random.Generator) -> None:
    """Append the blades of a tuft rooted at stage pixel (x, y) to `outlines`."""
    for _ in range(5):
        lean, height = float(chance.uniform(-0.5, 0.5)) * tall, tall * float(chance.uniform(0.6, 1.0))
        root = x + float(chance.uniform(-0.25, 0.25)) * tall
        half = 0.05 * tall
        outlines.append(
            spline(
                [
                    (root - half, y),
                    (root + lean * 0.4 - half * 0.6, y - height * 0.6),
                    (root + lean, y - height),
                    (root + lean * 0.4 + half * 0.6, y - height * 0.55),
                    (root + half, y),
                ],
                steps=3,
            )
        )


def plant(pen: Pen, colour: Rgb, pot: Rgb) -> None:
    """A potted plant with broad leaves."""
    pen.shadow(0.0, 0.01, 0.26, 0.028, 0.3)
    for index, (x, y, width) in enumerate(
        (
            (-0.34, 0.72, 0.13),
            (0.34, 0.76, 0.13),
            (-0.20, 0.92, 0.13),
            (0.21, 0.97, 0.13),
            (0.0, 1.04, 0.13),
            (-0.36, 0.50, 0.11),
            (0.37, 0.52, 0.11),
        )
    ):
        root = (x * 0.12, 0.30)
        mid = (x * 0.55, 0.30 + (y - 0.30) * 0.62)
        pen.line(spline([root, mid, (x, y)], closed=False), 0.016, colour, 0.7)
        side = (-(y - mid[1]), x - mid[0])
        length = math.hypot(*side)
        nx, ny = side[0] / length * width * 0.62, side[1] / length * width * 0.62
        leaf = spline(
            [
                mid,
                ((mid[0] + x) / 2 + nx, (mid[1] + y) / 2 + ny),
                (x, y),
                ((mid[0] + x) / 2 - nx, (mid[1] + y) / 2 - ny),
            ]
        )
        pen.poly(leaf, colour, 0.84 if index % 2 else 1.06)
    pen.round([(-0.17, 0.32), (0.17, 0.32), (0.125, 0.0), (-0.125, 0.0)], pot)
    pen.box(-0.185, 0.29, 0.185, 0.35, pot, 1.1, radius=0.02)


def cloud_outlines(chance: np.random.Generator, x: float, y: float, width: float) -> list[Points]:
    """The rounds of a flat-bottomed cloud whose base line is centred on stage pixel (x, y)."""
    rounds = []
    count = 7
    for index in range(count):
        share = (index + 0.5) / count
        bulge = math.sin(math.pi * share) ** 0.8
        radius = width * (0.045 + 0.115 * bulge * float(chance.uniform(0.75, 1.1)))
        rounds.append(oval(x + width * (share - 0.5) * 0.84, y - radius * 0.72, radius, radius))
    rounds.append(box(x - width * 0.47, y - width * 0.075, x + width * 0.47, y, width * 0.0375))
    return rounds


def paint_cloud(canvas: Canvas, palette: Palette, chance: np.random.Generator, x: float, y: float, width: float, *,
                density: float = 0.9, dull: bool = False) -> None:  # fmt: skip
    """A cloud lit from above that dissolves towards its base."""
    low = mix(palette.sky[2], palette.haze, 0.5)
    top = mix(palette.sun, low, 0.30 if not palette.dark else 0.80)
    if dull:
        top, low = mix(top, palette.sky[1], 0.45), mix(low, palette.sky[0], 0.35)
    outlines = cloud_outlines(chance, x, y, width)
    high = min(float(outline[:, 1].min()) for outline in outlines)
    canvas.fill(outlines, Gradient(((high, top), (y, mix(low, top, 0.15)))), density)


def paint_sun(canvas: Canvas, palette: Palette, x: float, y: float, radius: float) -> None:
    """The sun, or the moon by night, with its light in the air around it."""
    canvas.glow(x, y, radius * 7.5, palette.sun, 0.30 if not palette.dark else 0.16)
    canvas.glow(x, y, radius * 2.9, palette.sun, 0.45 if not palette.dark else 0.26)
    canvas.fill(oval(x, y, radius, radius), palette.sun)
    if palette.dark:
        for dx, dy, size in ((-0.3, -0.2, 0.2), (0.25, 0.3, 0.26), (0.3, -0.35, 0.12)):
            canvas.fill(
                oval(x + dx * radius, y + dy * radius, size * radius, size * radius), brighten(palette.sun, 0.9)
            )
