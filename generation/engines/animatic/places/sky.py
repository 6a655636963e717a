"""Above the ground: a sea of clouds, and space with stars, a planet and a far nebula."""

from __future__ import annotations

import numpy as np

from generation.engines.animatic.canvas import Canvas, Gradient
from generation.engines.animatic.cast import add_birds, add_sky
from generation.engines.animatic.palette import brighten, mix, rgb
from generation.engines.animatic.places.open_air import add_clouds, paint_sky
from generation.engines.animatic.shapes import Points, moved, oval
from generation.engines.animatic.sheets import Glints
from generation.engines.animatic.stage import Stage, travelling


def paint_sky_scene(stage: Stage) -> None:
    """Clouds in four depths, the nearest fill the lower edge."""
    stage.drawn.add("sky")
    horizon = stage.height * 0.86
    paint_sky(stage, horizon, clouds=False)
    add_clouds(stage, horizon, count=4)
    for index in range(4):
        _cloud_bank(stage, index)
    if not stage.wants("bird") and not set(stage.scene.things) & {"plane", "hotair", "rocket", "kite"}:
        add_birds(stage, stage.height * 0.62, count=5)


def _cloud_bank(stage: Stage, index: int) -> None:
    """A bank of clouds over the whole width, solid below."""
    chance, depth = stage.scene.rng(f"bank {index}"), 0.22 + 0.22 * index
    base = stage.height * (0.76 + 0.075 * index)
    reach = 0.012 * stage.width * stage.seconds * depth
    canvas = stage.canvas(depth, top=base - 0.3 * stage.span, extra=reach)
    palette = stage.palette
    top = (
        mix(palette.sun, palette.sky[2], 0.34 - 0.07 * index)
        if not palette.dark
        else mix(palette.sky[2], palette.sky[3], 0.4 + 0.12 * index)
    )
    low = mix(mix(palette.sky[1], palette.haze, 0.45), top, 0.25 + 0.1 * index)
    outlines: list[Points] = []
    size = stage.span * (0.045 + 0.022 * index)
    for x in np.arange(-0.25 * stage.width, 1.25 * stage.width, size * 0.95):
        radius = size * float(chance.uniform(0.7, 1.5))
        outlines.append(oval(float(x), base + size * float(chance.uniform(-0.45, 0.5)), radius, radius * 0.82))
    outlines.append(
        np.array(
            [
                (-stage.width, base + size * 0.4),
                (2 * stage.width, base + size * 0.4),
                (2 * stage.width, stage.height * 1.4),
                (-stage.width, stage.height * 1.4),
            ]
        )
    )
    canvas.fill(outlines, Gradient(((base - 1.6 * size, top), (base + 2.2 * size, low))))
    for outline in outlines[:-1:3]:
        centre = outline.mean(axis=0)
        radius = float(np.ptp(outline[:, 0])) / 2
        canvas.glow(
            centre[0] + stage.light_side * radius * 0.3,
            centre[1] - radius * 0.25,
            radius * 0.9,
            brighten(top, 1.15),
            0.5,
        )
    stage.add_layer(canvas, depth, path=travelling(0.012 * stage.width * depth * stage.light_side, stage.seconds))


def paint_space(stage: Stage) -> None:
    """Deep sky, a nebula in the palette's colours, a planet with its ring, stars that twinkle."""
    stage.drawn |= {"space"} | ({"night"} & set(stage.scene.reading.concepts("time")))
    stage.wants("star", "moon")
    chance, palette, span = stage.scene.rng("space"), stage.palette, stage.span
    canvas = stage.canvas(0.0)
    deep = mix(rgb("#070a1e"), palette.accents[0], 0.14 if not stage.scene.colours else 0.34)
    canvas.wash(
        Gradient(
            ((0.0, brighten(deep, 0.8)), (stage.height * 0.6, mix(deep, palette.accent(1), 0.16)), (stage.height, deep))
        )
    )
    for index in range(7):
        x, y = stage.width * float(chance.uniform(0.0, 1.0)), stage.height * float(chance.uniform(0.25, 0.9))
        canvas.glow(x, y, span * float(chance.uniform(0.25, 0.5)), mix(palette.accent(index % 4), deep, 0.35), 0.26)
    for _ in range(240):
        x, y = stage.width * float(chance.random()), stage.height * float(chance.random())
        size = span * float(chance.uniform(0.0004, 0.0013))
        canvas.fill(oval(x, y, size, size), (255.0, 250.0, 240.0), float(chance.uniform(0.3, 0.95)))
    stage.add_layer(canvas, 0.0)
    _stars(stage)
    _planet(stage)
    add_sky(stage, stage.height * 0.72, depth=0.6)


def _stars(stage: Stage) -> None:
    chance = stage.scene.rng("bright stars")
    groups = [Canvas(0, 0, stage.width, stage.height) for _ in range(3)]
    for index in range(30):
        x, y = stage.width * float(chance.random()), stage.height * float(chance.random())
        size = stage.span * float(chance.uniform(0.0010, 0.0022))
        groups[index % 3].glow(x, y, size * 5, (210.0, 215.0, 255.0), 0.45)
        groups[index % 3].fill(oval(x, y, size, size), (255.0, 255.0, 255.0))
    stage.add(Glints(groups, 0.05, period_seconds=4.0))


def _planet(stage: Stage) -> None:
    """A lit sphere with bands and a ring that passes before and behind it."""
    palette, span, depth, side = stage.palette, stage.span, 0.34, stage.light_side
    x, y, r = stage.width * (0.5 - 0.27 * side), stage.height * 0.76, 0.22 * span
    own = palette.accent(0)
    canvas = stage.canvas(depth)
    ring = mix(palette.accent(1), (255.0, 240.0, 220.0), 0.5)
    canvas.glow(x, y, r * 1.7, own, 0.35)
    _ring(canvas, x, y, r, ring, 0.5, 1.0)
    lit, dark = brighten(own, 1.25), brighten(own, 0.30)
    canvas.fill(
        oval(x, y, r, r),
        Gradient(
            ((x - r, lit if side < 0 else dark), (x + 0.15 * r * side, own), (x + r, dark if side < 0 else lit)),
            along_x=True,
        ),
    )
    for dy, thick, tone in ((-0.45, 0.10, 1.2), (-0.12, 0.16, 0.86), (0.26, 0.09, 1.15), (0.52, 0.12, 0.84)):
        half = r * float(np.sqrt(1 - dy * dy)) * 0.985
        canvas.fill(oval(x, y + dy * r, half, thick * r * 0.6), brighten(own, tone), 0.28)
    canvas.soft(oval(x - side * r * 0.42, y + 0.1 * r, r * 0.72, r * 0.95), brighten(own, 0.16), r * 0.3, 0.30)
    _ring(canvas, x, y, r, ring, 0.0, 0.5)
    stage.add_layer(canvas, depth)


def _ring(
    canvas: Canvas, x: float, y: float, r: float, colour: tuple[float, float, float], start: float, end: float
) -> None:
    for inner, outer, opacity in ((1.34, 1.50, 0.8), (1.56, 1.86, 0.5)):
        far, near = (
            oval(0, 0, outer * r, outer * r * 0.24, start=start, end=end),
            oval(0, 0, inner * r, inner * r * 0.24, start=start, end=end),
        )
        band = np.concatenate([far, near[::-1]])
        tilt = np.deg2rad(-16)
        turn = np.array([[np.cos(tilt), np.sin(tilt)], [-np.sin(tilt), np.cos(tilt)]])
        canvas.fill(moved(band @ turn, x, y), colour, opacity)
