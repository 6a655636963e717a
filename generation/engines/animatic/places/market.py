"""A market: striped stalls in two depths, crates of produce, lights on a string, a lane in the middle."""

from __future__ import annotations

import numpy as np

from generation.engines.animatic.canvas import Canvas, Gradient, downwards
from generation.engines.animatic.cast import add_ground, add_table
from generation.engines.animatic.palette import brighten, mix, rgb
from generation.engines.animatic.places.city import awning
from generation.engines.animatic.places.open_air import add_far, paint_sky
from generation.engines.animatic.places.skyline import paint_skyline
from generation.engines.animatic.shapes import Points, box, oval, spline, stroke
from generation.engines.animatic.sheets import Glints
from generation.engines.animatic.stage import Stage
from generation.engines.animatic.walkers import add_animals, add_people

_FRUIT = ("#e2542f", "#f2a03d", "#f6c945", "#86b049", "#c23b4e", "#7a4b8c", "#5d9c59")


def paint_market(stage: Stage) -> None:
    """Stalls left and right in two depths, crates of produce, lights on a string, a lane in the middle."""
    horizon = stage.horizon * 0.96
    stage.drawn.add("market")
    paint_sky(stage, horizon)
    add_far(stage, horizon)
    if not stage.scene.beyond:
        stage.add_layer(
            paint_skyline(stage, horizon + 0.06 * stage.span, depth=0.14, tall=0.24, windows=stage.palette.lamps), 0.14
        )
    _paving(stage, horizon + 0.05 * stage.span)
    for index, (depth, size, base) in enumerate(((0.36, 0.30, 0.13), (0.62, 0.46, 0.30))):
        foot = horizon + stage.span * base
        canvas = stage.canvas(depth, top=foot - 1.2 * size * stage.span)
        for side in (-1, 1):
            centre = stage.width / 2 + side * stage.span * (0.20 + 0.25 * index) * min(
                1.25, max(0.85, stage.width / stage.span)
            )
            _stall(stage, canvas, (centre, foot), size * stage.span, depth, index * 2 + (side > 0))
        stage.add_layer(canvas, depth)
    add_string_lights(stage, horizon * 0.52, horizon * 0.66)
    tall = 0.27 * stage.span
    foot = stage.height - 0.12 * stage.span
    add_ground(stage, foot - 0.1 * stage.span, depth=0.66, tall=tall)
    _crates(stage, stage.height - 0.02 * stage.span)
    add_animals(stage, foot + 0.02 * stage.span, depth=0.8, tall=tall)
    add_people(stage, foot, depth=0.78, tall=tall)
    add_table(stage, stage.height - 0.10 * stage.span, depth=0.92, middle=not stage.scene.people, but=("fruit",))


def _paving(stage: Stage, top: float) -> None:
    canvas = stage.canvas(0.3, top=top)
    stone = stage.palette.lit(rgb("#d8cbb8"), 0.7)
    canvas.fill(
        box(-stage.width, top, 2 * stage.width, stage.height * 1.3),
        Gradient(
            (
                (top, mix(stone, stage.palette.haze, 0.5)),
                (top + 0.2 * stage.span, stone),
                (stage.height, brighten(stone, 0.82)),
            )
        ),
    )
    joints: list[Points] = [
        box(-stage.width, y, 2 * stage.width, y + 0.0018 * stage.span)
        for y in top + (stage.height - top) * np.linspace(0.08, 1.1, 9) ** 1.7
    ]
    joints.extend(
        np.array(
            [
                (stage.width * (0.5 + column * 0.22), top),
                (stage.width * (0.5 + column), stage.height * 1.2),
                (stage.width * (0.5 + column) + 0.003 * stage.span, stage.height * 1.2),
            ]
        )
        for column in np.linspace(-2.4, 2.4, 19)
    )
    canvas.fill(joints, brighten(stone, 0.78), 0.45)
    stage.add_layer(canvas, 0.3)


def _stall(stage: Stage, canvas: Canvas, at: tuple[float, float], size: float, depth: float, index: int) -> None:
    """One stall: posts, a striped roof, crates on a counter."""
    palette, chance = stage.palette, stage.scene.rng(f"stall {index}")
    x, foot = at
    half = 0.52 * size
    wood, shade = palette.lit(rgb("#8a5f3e"), depth + 0.2), palette.lit(rgb("#4d3a34"), depth + 0.1)
    canvas.soft(oval(x, foot, half * 1.15, 0.05 * size), brighten(shade, 0.6), 0.05 * size, 0.35)
    canvas.fill(
        box(x - half * 0.94, foot - 0.86 * size, x + half * 0.94, foot - 0.30 * size),
        downwards(foot - 0.86 * size, foot - 0.3 * size, shade, brighten(shade, 1.12)),
    )
    if palette.lamps:
        canvas.glow(x, foot - 0.62 * size, half * 1.1, (255.0, 196.0, 110.0), 0.55)
    for side in (-0.95, 0.95):
        canvas.fill(box(x + side * half - 0.012 * size, foot - 0.9 * size, x + side * half + 0.012 * size, foot), wood)
    counter = foot - 0.34 * size
    canvas.fill(
        box(x - half, counter, x + half, foot - 0.02 * size), downwards(counter, foot, wood, brighten(wood, 0.78))
    )
    canvas.fill(
        [
            box(x - half + half * 2 * k / 6, counter, x - half + half * 2 * k / 6 + 0.006 * size, foot - 0.02 * size)
            for k in range(1, 6)
        ],
        brighten(wood, 0.75),
        0.7,
    )
    for crate in range(4):
        left = x - half * 0.94 + half * 0.48 * crate
        _heap(stage, canvas, chance, (left, counter - 0.01 * size, left + half * 0.44), size, depth, crate)
    colour = palette.accent(index) if not stage.scene.colours else palette.accent(index % 2)
    awning(canvas, palette.lit(colour, depth + 0.25), palette.lit((252.0, 247.0, 236.0), depth + 0.25),
           (x - half * 1.14, foot - 1.04 * size, x + half * 1.14, foot - 0.74 * size), stripes=9)  # fmt: skip


def _heap(
    stage: Stage,
    canvas: Canvas,
    chance: np.random.Generator,
    where: tuple[float, float, float],
    size: float,
    depth: float,
    index: int,
) -> None:
    """A heap of one kind of fruit in a low crate."""
    left, base, right = where
    tone = stage.palette.lit(rgb(str(chance.choice(_FRUIT))), depth + 0.3)
    radius = (right - left) * 0.11
    for row, count in enumerate((4, 3, 2)):
        for place in range(count):
            x = (left + right) / 2 + (place - (count - 1) / 2) * radius * 2.0
            y = base - radius * (1.2 + 1.5 * row)
            canvas.fill(oval(x, y, radius, radius), brighten(tone, 0.86 + 0.10 * row))
            canvas.fill(
                oval(x - radius * 0.25, y - radius * 0.3, radius * 0.45, radius * 0.4), brighten(tone, 1.18), 0.8
            )
    stage.drawn |= {"fruit"} & set(stage.scene.things)
    wood = stage.palette.lit(rgb("#b98a58"), depth + 0.25)
    canvas.fill(
        box(left, base - 0.075 * size * (1 - 0.1 * (index % 2)), right, base + 0.005 * size),
        downwards(base - 0.08 * size, base, brighten(wood, 1.1), brighten(wood, 0.85)),
    )


def _crates(stage: Stage, base: float) -> None:
    """Large crates in both lower corners, near and a little dark."""
    depth = 0.97
    canvas = stage.canvas(depth, top=base - 0.4 * stage.span)
    chance = stage.scene.rng("crates")
    for x, wide in ((-0.04, 0.26), (0.84, 0.26)):
        left = x * stage.width
        _heap(
            stage,
            canvas,
            chance,
            (left, base - 0.04 * stage.span, left + wide * stage.span),
            0.9 * stage.span,
            depth,
            0,
        )
        canvas.fill(
            box(left, base - 0.05 * stage.span, left + wide * stage.span, stage.height * 1.3),
            stage.palette.lit(rgb("#8a6240"), depth),
        )
    stage.add_layer(canvas, depth)


def add_string_lights(stage: Stage, top: float, sag: float) -> None:
    """Bulbs on a cable that hangs between the upper corners; they shimmer when lamps are lit."""
    if not (stage.wants("stringlights") or stage.palette.lamps):
        return
    depth, span = 0.55, stage.span
    canvas = stage.canvas(depth, top=0, bottom=sag + 0.1 * span)
    glints = [Canvas(0, 0, stage.width, sag + 0.1 * span) for _ in range(3)]
    for wire in range(2):
        way = spline(
            [
                (-0.1 * stage.width, top * (0.86 + 0.2 * wire)),
                (stage.width * (0.42 + 0.16 * wire), sag),
                (1.1 * stage.width, top * (1.0 - 0.1 * wire)),
            ],
            closed=False,
            steps=24,
        )
        canvas.fill(stroke(way, 0.0022 * span), stage.palette.lit(rgb("#4a4452"), 0.8))
        for index, (x, y) in enumerate(way[1::3]):
            bulb = 0.0062 * span
            if stage.palette.lamps:
                canvas.glow(float(x), float(y) + bulb, bulb * 7, (255.0, 200.0, 120.0), 0.5)
            canvas.fill(oval(float(x), float(y) + bulb, bulb, bulb * 1.2), (255.0, 236.0, 190.0))
            glints[index % 3].glow(float(x), float(y) + bulb, bulb * 5, (70.0, 70.0, 70.0), 0.8)
    stage.add_layer(canvas, depth)
    stage.add(Glints(glints, depth, period_seconds=3.6))
