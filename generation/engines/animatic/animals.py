"""Animals as simple, moving shapes: one parametric four-legged body, birds, butterflies, a fish, a sitting cat.

Painters take a pen, the animal's colour and the share (0-1) of its cycle; feet stand on y = 0, facing right. Does not
know where they live.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from generation.engines.animatic.palette import Rgb, mix
from generation.engines.animatic.pen import Pen
from generation.engines.animatic.shapes import spline


@dataclass(frozen=True, slots=True)
class Build:
    """Proportions of a four-legged animal, in units of its length."""

    legs: float
    body: float
    neck: tuple[float, float]
    head: float
    muzzle: float
    tail: tuple[float, float]
    ears: str
    thick: float = 0.07


BUILDS = {
    "dog": Build(0.36, 0.26, (0.16, 0.17), 0.105, 0.11, (-0.20, 0.22), "floppy"),
    "horse": Build(0.52, 0.30, (0.26, 0.36), 0.085, 0.21, (-0.12, -0.30), "up", 0.075),
    "cow": Build(0.34, 0.40, (0.17, 0.12), 0.115, 0.14, (-0.06, -0.26), "horns", 0.085),
    "sheep": Build(0.24, 0.44, (0.12, 0.14), 0.09, 0.10, (-0.05, 0.02), "floppy", 0.06),
    "deer": Build(0.50, 0.24, (0.19, 0.32), 0.075, 0.13, (-0.07, 0.07), "antlers", 0.05),
}
COLOURS = {"dog": "#c98d52", "horse": "#7d4a2d", "cow": "#f3ece2", "sheep": "#f7f1e6", "deer": "#a9683c",
           "cat": "#d98a45", "bird": "#f7f7f4", "butterfly": "#f2a03d", "fish": "#6fa7c7"}  # fmt: skip


def walking(species: str, colour: Rgb, pen: Pen, share: float) -> None:
    """An animal of a species, walking."""
    build, turn = BUILDS[species], 2 * math.pi * share
    dark = mix(colour, (34.0, 26.0, 34.0), 0.30)
    pen.shadow(0.0, 0.004, 0.46, 0.022, 0.30)
    level = build.legs + 0.006 * math.cos(2 * turn)
    for x, phase, tone in ((-0.27, 0.5, dark), (0.25, 0.0, dark), (-0.31, 0.0, colour), (0.29, 0.5, colour)):
        _leg(pen, x, level, build, turn + 2 * math.pi * phase, tone if species != "sheep" else (66.0, 58.0, 58.0))
    top, low = level + build.body * 0.86, level - build.body * 0.14
    tail = (-0.40 + build.tail[0], top - 0.05 + build.tail[1] + 0.02 * math.sin(2 * turn))
    pen.limb((-0.37, top - 0.06), tail, 0.07, 0.03, dark if species != "sheep" else colour)
    _body(pen, colour, species, top, low)
    _neck_and_head(pen, colour, dark, build, species, top, turn)


def _leg(pen: Pen, x: float, level: float, build: Build, turn: float, colour: Rgb) -> None:
    swing = 0.26 * math.sin(turn)
    bend = 0.35 * max(0.0, math.cos(turn))
    upper, lower = level * 0.52, level * 0.48
    knee = (x + upper * math.sin(swing), level - upper * math.cos(swing) + 0.02)
    foot = (knee[0] + lower * math.sin(swing - bend), knee[1] - lower * math.cos(swing - bend))
    pen.limb((x, level + 0.03), knee, build.thick * 1.5, build.thick, colour)
    pen.limb(knee, foot, build.thick, build.thick * 0.72, colour)


def _body(pen: Pen, colour: Rgb, species: str, top: float, low: float) -> None:
    if species == "sheep":
        for x, y, r in (
            (-0.30, 0.5, 0.17),
            (-0.12, 0.66, 0.19),
            (0.10, 0.66, 0.19),
            (0.27, 0.52, 0.17),
            (-0.1, 0.32, 0.19),
            (0.12, 0.32, 0.19),
        ):
            pen.oval(x, low + (top - low) * y, r, r * 0.95, colour, 0.97)
        return
    waist = (top - low) * (0.20 if species in ("dog", "deer") else 0.02)
    pen.round(
        spline(
            [
                (-0.40, top - 0.08),
                (-0.30, top),
                (0.0, top - 0.02),
                (0.28, top + 0.01),
                (0.39, top - 0.09),
                (0.36, low + 0.04),
                (0.15, low),
                (-0.12, low + waist),
                (-0.32, low + 0.03),
            ],
            steps=8,
        ),
        colour,
    )
    if species == "cow":
        for x, y, rx, ry in ((-0.2, 0.62, 0.13, 0.10), (0.14, 0.72, 0.10, 0.08), (0.02, 0.30, 0.08, 0.06)):
            pen.oval(x, low + (top - low) * y, rx, ry, "#4a3a36")


def _neck_and_head(pen: Pen, colour: Rgb, dark: Rgb, build: Build, species: str, top: float, turn: float) -> None:
    nod = 0.012 * math.sin(2 * turn)
    x, y = 0.31 + build.neck[0], top - 0.05 + build.neck[1] + nod
    own = colour if species != "sheep" else (66.0, 58.0, 58.0)
    pen.limb((0.29, top - 0.08), (x - 0.01, y), build.head * 2.3, build.head * 1.5, colour)
    pen.limb((x, y), (x + build.muzzle, y - build.muzzle * 0.42), build.head * 1.7, build.head * 0.95, own)
    pen.oval(x + build.muzzle * 1.1, y - build.muzzle * 0.40, build.head * 0.2, build.head * 0.18, "#2a2226")
    if build.ears == "floppy":
        pen.limb((x - 0.03, y + 0.045), (x - 0.065, y - 0.06), 0.07, 0.05, dark)
    elif build.ears == "up":
        pen.poly([(x - 0.05, y + 0.04), (x - 0.02, y + 0.14), (x + 0.02, y + 0.05)], own)
        pen.limb((x - 0.06, y + 0.07), (0.24, top - 0.02), 0.06, 0.08, dark)
    elif build.ears == "horns":
        for side in (-0.05, 0.02):
            pen.limb((x + side, y + 0.06), (x + side + 0.02, y + 0.14), 0.034, 0.014, "#e8dcc0")
    else:
        for side in (-0.04, 0.02):
            stem = spline(
                [(x + side, y + 0.04), (x + side * 2.2 - 0.03, y + 0.16), (x + side * 2.2, y + 0.27)], closed=False
            )
            pen.line(stem, 0.018, "#8a6a48")
            pen.limb((x + side * 2.2 - 0.025, y + 0.17), (x + side * 2.2 + 0.05, y + 0.22), 0.014, 0.008, "#8a6a48")


def cat(pen: Pen, colour: Rgb, share: float) -> None:
    """A sitting cat whose tail moves; 1 tall."""
    sway = 0.10 * math.sin(2 * math.pi * share)
    dark = mix(colour, (40.0, 24.0, 26.0), 0.25)
    pen.shadow(0.0, 0.01, 0.42, 0.035, 0.3)
    tail = spline([(-0.22, 0.06), (-0.42, 0.08), (-0.52, 0.25 + sway), (-0.44 + sway, 0.42 + sway)], closed=False)
    pen.line(tail, 0.085, dark)
    pen.round(
        spline(
            [
                (-0.30, 0.0),
                (-0.32, 0.20),
                (-0.19, 0.45),
                (-0.07, 0.62),
                (0.12, 0.62),
                (0.20, 0.40),
                (0.22, 0.15),
                (0.24, 0.0),
            ],
            steps=8,
        ),
        colour,
    )
    pen.limb((0.10, 0.35), (0.13, 0.04), 0.12, 0.09, colour, 1.08)
    for side in (-1, 1):
        pen.poly(
            [(0.03 + side * 0.16, 0.80), (0.03 + side * 0.15, 1.0), (0.03 + side * 0.02, 0.90)],
            dark if side < 0 else colour,
        )
    pen.oval(0.03, 0.76, 0.185, 0.155, colour, 1.03)
    for x in (-0.02, 0.115):
        pen.oval(x, 0.775, 0.018, 0.026, "#2d2a26")
    pen.poly([(0.03, 0.735), (0.07, 0.735), (0.05, 0.715)], "#c96a6a")


def bird(pen: Pen, colour: Rgb, share: float) -> None:
    """A gull in flight, one unit from wing tip to wing tip."""
    beat = math.sin(2 * math.pi * share)
    for side in (-1, 1):
        elbow = (0.22 * side, 0.10 + 0.10 * beat)
        tip = (0.50 * side, 0.02 + 0.22 * beat - 0.05 * math.cos(2 * math.pi * share))
        upper = [(0.0, 0.04), (elbow[0] * 0.6, elbow[1] * 0.7 + 0.05), elbow, tip]
        lower = [tip, (elbow[0], elbow[1] - 0.07), (0.0, -0.02)]
        pen.poly([*spline(upper, closed=False), *spline(lower, closed=False)], colour, 1.0 if side < 0 else 0.9)
    pen.limb((-0.11, -0.01), (0.10, 0.03), 0.05, 0.07, colour)


def butterfly(colour: Rgb, pen: Pen, share: float) -> None:
    """A butterfly opening and closing its wings."""
    wide = 0.35 + 0.65 * abs(math.cos(math.pi * share))
    for side in (-1, 1):
        pen.oval(0.22 * side * wide, 0.62, 0.22 * wide, 0.26, colour)
        pen.oval(0.16 * side * wide, 0.28, 0.15 * wide, 0.18, colour, 0.82)
        pen.oval(0.24 * side * wide, 0.66, 0.09 * wide, 0.10, mix(colour, (255.0, 250.0, 235.0), 0.6))
    pen.limb((0.0, 0.18), (0.0, 0.78), 0.05, 0.04, "#3a2a2a")


def fish(pen: Pen, colour: Rgb, share: float) -> None:
    """A dolphin's leap, seen as it arches over the water at y = 0."""
    turn = math.radians(-38 + 76 * share)
    body = spline(
        [(-0.42, -0.02), (-0.15, 0.10), (0.15, 0.12), (0.36, 0.03), (0.50, -0.03), (0.34, -0.06), (0.0, -0.08)], steps=8
    )
    cos, sin = math.cos(-turn), math.sin(-turn)
    lift = 0.45 * math.sin(math.pi * share)
    bent = [(x * cos - y * sin, x * sin + y * cos + lift - 0.06) for x, y in body]
    pen.fade(bent, mix(colour, (20.0, 30.0, 60.0), 0.3), mix(colour, (255.0, 255.0, 255.0), 0.5))
    for part in (
        [(-0.05, 0.10), (-0.10, 0.22), (0.10, 0.11)],
        [(-0.38, 0.0), (-0.56, 0.10), (-0.50, -0.02), (-0.56, -0.12)],
    ):
        pen.poly(
            [(x * cos - y * sin, x * sin + y * cos + lift - 0.06) for x, y in part],
            mix(colour, (20.0, 30.0, 60.0), 0.35),
        )
