"""A shop front, straight on: a window with goods, a door, an awning, plants, the pavement before it.

The board above the window stays blank: names are written by the title layers, never drawn into a picture.
"""

from __future__ import annotations

import numpy as np

from generation.engines.animatic.canvas import Canvas, downwards
from generation.engines.animatic.cast import add_ground, add_thing
from generation.engines.animatic.nature import plant
from generation.engines.animatic.palette import Rgb, brighten, mix, rgb
from generation.engines.animatic.places.city import awning
from generation.engines.animatic.shapes import box, oval
from generation.engines.animatic.stage import Stage, swaying
from generation.engines.animatic.things import TABLE
from generation.engines.animatic.walkers import add_animals, add_people


def paint_shop(stage: Stage) -> None:
    """One shop front, straight on: window with goods, door, awning, plants, the street before it."""
    stage.fit(0.86)
    ground = stage.height - 0.24 * stage.span
    stage.drawn |= {"shop", stage.scene.time}
    stage.wants("clear")
    wide = _front(stage)
    canvas = stage.canvas(0.34)
    _shop_wall(stage, canvas, ground)
    _shop_window(stage, canvas, ground, wide)
    stage.add_layer(canvas, 0.34)
    _shop_goods(stage, ground, wide)
    _shop_awning(stage, ground, wide)
    _pavement(stage, ground)
    tall = 0.36 * stage.span
    add_ground(stage, ground + 0.03 * stage.span, depth=0.62, tall=tall * 0.8)
    add_animals(stage, stage.height - 0.09 * stage.span, depth=0.84, tall=tall)
    add_people(stage, stage.height - 0.075 * stage.span, depth=0.82, tall=tall)


def _front(stage: Stage) -> float:
    """Width of the shop front in pixels."""
    return min(stage.width * 1.06, 1.25 * stage.span if stage.width > stage.height else 0.96 * stage.span)


def _shop_wall(stage: Stage, canvas: Canvas, ground: float) -> None:
    chance, palette, span = stage.scene.rng("wall"), stage.palette, stage.span
    own = (
        stage.palette.accents[0]
        if stage.scene.colours
        else rgb(str(chance.choice(["#3f5d63", "#8c4a3f", "#2f4858", "#6b7d5e", "#b5654a", "#46506e"])))
    )
    wall = palette.lit(mix(own, (245.0, 240.0, 232.0), 0.12), 0.9)
    upper = palette.lit(mix(own, rgb("#f1e4d3"), 0.80), 0.9)
    split = ground - 0.86 * span
    canvas.wash(downwards(0, stage.height, brighten(upper, 1.03), brighten(upper, 0.93)))
    courses = [
        box(-stage.width, y, 2 * stage.width, y + 0.002 * span)
        for y in np.arange(split - 2.0 * span, split, 0.032 * span)
    ]
    canvas.fill(courses, brighten(upper, 0.88), 0.5)
    for x in (0.2, 0.5, 0.8):
        left, top = x * stage.width - 0.075 * span, split - 0.40 * span
        canvas.fill(
            box(left - 0.012 * span, top - 0.012 * span, left + 0.162 * span, top + 0.262 * span), brighten(upper, 1.2)
        )
        glass = (
            (255.0, 214.0, 140.0)
            if palette.lamps and x != 0.5
            else mix(palette.lit(rgb("#7f9db0"), 0.9), palette.sky[2], 0.4)
        )
        canvas.fill(
            box(left, top, left + 0.15 * span, top + 0.25 * span),
            downwards(top, top + 0.25 * span, brighten(glass, 1.1), brighten(glass, 0.86)),
        )
        canvas.fill(box(left + 0.071 * span, top, left + 0.079 * span, top + 0.25 * span), brighten(upper, 1.2))
    canvas.fill(
        box(-stage.width, split, 2 * stage.width, stage.height * 1.3),
        downwards(split, ground, brighten(wall, 1.08), brighten(wall, 0.88)),
    )
    canvas.fill(box(-stage.width, split - 0.012 * span, 2 * stage.width, split + 0.016 * span), brighten(wall, 0.78))


def _shop_window(stage: Stage, canvas: Canvas, ground: float, wide: float) -> None:
    palette, span, middle = stage.palette, stage.span, stage.width / 2
    left, right, top, low = middle - 0.46 * wide, middle + 0.16 * wide, ground - 0.60 * span, ground - 0.13 * span
    frame = palette.lit(rgb("#2d3138"), 0.9)
    warm = palette.tone((255.0, 226.0, 172.0)) if palette.lamps else palette.lit(rgb("#f3e6d2"), 1.0)
    for x0, y0, x1, y1 in ((left, top, right, low), (middle + 0.22 * wide, top, middle + 0.44 * wide, ground)):
        canvas.fill(
            box(x0 - 0.014 * span, y0 - 0.014 * span, x1 + 0.014 * span, y1 + 0.014 * span, 0.008 * span), frame
        )
        canvas.fill(box(x0, y0, x1, y1), downwards(y0, y1, warm, brighten(mix(warm, (150.0, 110.0, 80.0), 0.25), 0.92)))
        canvas.glow((x0 + x1) / 2, y0 + 0.3 * (y1 - y0), (x1 - x0) * 0.6, (255.0, 246.0, 224.0), 0.6)
    shelf = brighten(mix(warm, (130.0, 92.0, 64.0), 0.5), 0.9)
    canvas.fill([box(left, y, right, y + 0.010 * span) for y in (top + 0.20 * span, low - 0.012 * span)], shelf)
    _little_goods(stage, canvas, left, right, top + 0.20 * span)
    glare = np.array(
        [
            (left + 0.06 * wide, top),
            (left + 0.16 * wide, top),
            (left + 0.02 * wide, low),
            (left, low),
            (left, top + 0.10 * span),
        ]
    )
    canvas.fill(glare, (255.0, 255.0, 255.0), 0.16)
    canvas.fill(
        oval(middle + 0.245 * wide, ground - 0.27 * span, 0.008 * span, 0.026 * span), palette.lit(rgb("#d9b46a"), 1.0)
    )


def _little_goods(stage: Stage, canvas: Canvas, left: float, right: float, shelf: float) -> None:
    """Jars, loaves and boxes on the upper shelf, as quiet shapes."""
    chance = stage.scene.rng("goods")
    x = left + 0.02 * stage.span
    while x < right - 0.05 * stage.span:
        wide, tall = stage.span * float(chance.uniform(0.026, 0.052)), stage.span * float(chance.uniform(0.035, 0.085))
        tone = mix(stage.palette.lit(stage.palette.accent(int(chance.integers(5))), 0.9), (250.0, 226.0, 186.0), 0.35)
        canvas.fill(
            box(x, shelf - tall, x + wide, shelf, wide * float(chance.choice([0.1, 0.3, 0.5]))),
            downwards(shelf - tall, shelf, brighten(tone, 1.1), brighten(tone, 0.85)),
        )
        x += wide + stage.span * float(chance.uniform(0.008, 0.03))


def _shop_goods(stage: Stage, ground: float, wide: float) -> None:
    """What the prompt names, in the window."""
    named = [name for name in stage.scene.things if name in TABLE and name != stage.pictured][:3] or [
        "bread",
        "vase",
        "jar",
    ][: 0 if stage.hero else 3]
    places = (-0.15, -0.34, 0.05)
    for index, name in enumerate(named):
        stage.wants(name)
        at = (stage.width / 2 + places[index] * wide, ground - 0.142 * stage.span)
        size = min(0.20 * stage.span, TABLE[name].tall * stage.span * 0.72)
        add_thing(stage, name, TABLE[name], at=at, scale=size, depth=0.36, index=index)


def _shop_awning(stage: Stage, ground: float, wide: float) -> None:
    palette, span, middle = stage.palette, stage.span, stage.width / 2
    canvas = stage.canvas(0.44, top=ground - 0.9 * span, extra=0.01 * span)
    colour: Rgb = palette.accent(0 if not stage.scene.colours else min(1, len(stage.scene.colours) - 1))
    where = (middle - 0.52 * wide, ground - 0.76 * span, middle + 0.52 * wide, ground - 0.55 * span)
    canvas.soft(
        box(where[0] + 0.02 * span, where[3] - 0.02 * span, where[2], where[3] + 0.035 * span),
        (30.0, 24.0, 40.0),
        0.03 * span,
        0.32,
    )
    awning(canvas, palette.lit(colour, 1.0), palette.lit((252.0, 247.0, 238.0), 1.0), where, stripes=13)
    for x in (-0.30, 0.30):
        if palette.lamps:
            canvas.glow(middle + x * wide, where[1] - 0.03 * span, 0.16 * span, (255.0, 206.0, 130.0), 0.6)
        canvas.fill(
            box(
                middle + x * wide - 0.022 * span,
                where[1] - 0.055 * span,
                middle + x * wide + 0.022 * span,
                where[1] - 0.02 * span,
                0.012 * span,
            ),
            palette.lit(rgb("#2d3138"), 1.0),
        )
    stage.add_layer(canvas, 0.44, path=swaying(0.0, 0.0012 * span, 4.0))


def _pavement(stage: Stage, ground: float) -> None:
    palette, span = stage.palette, stage.span
    canvas = stage.canvas(0.6, top=ground - 0.34 * span)
    stone = palette.lit(rgb("#cdc4b8") if stage.scene.weather != "snow" else rgb("#e8eef4"), 0.95)
    canvas.fill(
        box(-stage.width, ground, 2 * stage.width, stage.height * 1.3),
        downwards(ground, stage.height, brighten(stone, 0.93), brighten(stone, 1.04)),
    )
    joints = [
        np.array(
            [
                (stage.width * (0.5 + c * 0.5), ground),
                (stage.width * (0.5 + c), stage.height * 1.2),
                (stage.width * (0.5 + c) + 0.003 * span, stage.height * 1.2),
            ]
        )
        for c in np.linspace(-1.6, 1.6, 15)
    ]
    joints += [
        box(-stage.width, ground + d * span, 2 * stage.width, ground + (d + 0.0018) * span) for d in (0.05, 0.125, 0.22)
    ]
    canvas.fill(joints, brighten(stone, 0.84), 0.6)
    canvas.soft(
        box(-stage.width, ground - 0.004 * span, 2 * stage.width, ground + 0.02 * span),
        (40.0, 34.0, 48.0),
        0.02 * span,
        0.30,
    )
    leaf = rgb("#5d9467")
    for side in (-0.53, 0.53):
        x = stage.width / 2 + side * min(stage.width * 0.86, 1.02 * _front(stage))
        plant(stage.pen(canvas, x, ground + 0.035 * span, 0.26 * span, depth=0.9), leaf, rgb("#c9785a"))
    stage.wants("plant")
    stage.add_layer(canvas, 0.6)
