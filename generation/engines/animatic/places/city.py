"""The city: a skyline in three depths over a waterfront or roofs, and a street with houses, trees and traffic."""

from __future__ import annotations

import numpy as np

from generation.engines.animatic.canvas import Canvas, Gradient, downwards
from generation.engines.animatic.cast import add_ground, add_vehicles
from generation.engines.animatic.nature import foliage, tree
from generation.engines.animatic.palette import Rgb, brighten, mix, rgb
from generation.engines.animatic.pen import Pen
from generation.engines.animatic.places.open_air import add_far, paint_sky
from generation.engines.animatic.places.skyline import paint_skyline
from generation.engines.animatic.props_outdoor import streetlamp
from generation.engines.animatic.shapes import Points, box, oval
from generation.engines.animatic.stage import Stage
from generation.engines.animatic.walkers import add_animals, add_people


def paint_city(stage: Stage) -> None:
    """A skyline seen across an avenue."""
    horizon = stage.horizon
    stage.drawn.add("city")
    paint_sky(stage, horizon)
    add_far(stage, horizon)
    for depth, tall, drop in ((0.12, 0.42, 0.03), (0.30, 0.34, 0.09)):
        stage.add_layer(paint_skyline(stage, horizon + drop * stage.span, depth=depth, tall=tall), depth)
    ground = stage.height - 0.20 * stage.span
    _park_edge(stage, min(ground - 0.04 * stage.span, horizon + 0.16 * stage.span))
    _avenue(stage, ground)


def paint_street(stage: Stage) -> None:
    """A row of houses with shops below, a pavement, a road."""
    horizon = stage.horizon * 0.94
    stage.drawn |= {"street", "city"}
    paint_sky(stage, horizon)
    stage.add_layer(paint_skyline(stage, horizon + 0.05 * stage.span, depth=0.14, tall=0.34), 0.14)
    ground = stage.height - 0.22 * stage.span
    _house_row(stage, ground)
    _avenue(stage, ground)


def _park_edge(stage: Stage, base: float) -> None:
    """Crowns of trees between the towers and the avenue."""
    depth, chance = 0.45, stage.scene.rng("park")
    canvas = stage.canvas(depth, top=base - 0.16 * stage.span)
    for x in np.arange(-0.06, 1.08, 0.075):
        pen = stage.pen(canvas, (float(x) + float(chance.uniform(-0.02, 0.02))) * stage.width, base + 0.02 * stage.span,
                        stage.span * float(chance.uniform(0.09, 0.14)), depth=depth)  # fmt: skip
        tree(pen, chance, foliage(stage.scene, chance))
    stage.wants("tree")
    lawn = stage.palette.lit(mix(foliage(stage.scene, chance), rgb("#6f8f63"), 0.5), depth)
    canvas.fill(
        box(-stage.width, base, 2 * stage.width, stage.height * 1.3),
        downwards(base, base + 0.2 * stage.span, lawn, brighten(lawn, 0.86)),
    )
    stage.add_layer(canvas, depth)


def _avenue(stage: Stage, ground: float) -> None:
    """Pavement, kerb and road; people walk before the traffic, lamps and trees stand between."""
    palette, span = stage.palette, stage.span
    canvas = stage.canvas(0.72, top=ground - 0.02 * span)
    stone = palette.lit(rgb("#cfc8bf") if stage.scene.weather != "snow" else rgb("#e9eef4"), 0.85)
    kerb, low = ground + 0.055 * span, stage.height * 1.3
    canvas.fill(box(-stage.width, ground, 2 * stage.width, low), downwards(ground, kerb, stone, brighten(stone, 0.92)))
    road = palette.lit(rgb("#5a5f6b"), 0.9)
    canvas.fill(
        box(-stage.width, kerb, 2 * stage.width, low),
        downwards(kerb, stage.height, brighten(road, 1.06), brighten(road, 0.84)),
    )
    canvas.fill(box(-stage.width, kerb, 2 * stage.width, kerb + 0.008 * span), brighten(stone, 1.15))
    lane = kerb + 0.46 * (stage.height - kerb)
    dashes = [
        box(x, lane, x + 0.10 * span, lane + 0.008 * span)
        for x in np.arange(-stage.width * 0.2, stage.width * 1.2, 0.19 * span)
    ]
    canvas.fill(dashes, palette.lit(rgb("#f1ead8"), 0.9), 0.75)
    if stage.scene.weather in ("rain", "storm") or palette.dark:
        _reflections(stage, canvas, kerb)
    stage.add_layer(canvas, 0.72)
    _street_trees(stage, ground + 0.03 * span)
    tall = 0.25 * span
    add_ground(stage, ground + 0.035 * span, depth=0.73, tall=tall)
    add_vehicles(stage, kerb + 0.055 * span, depth=0.76, tall=tall * 0.86, also=() if stage.hero else ("car",))
    add_animals(stage, stage.height - 0.085 * span, depth=0.84, tall=tall * 1.08)
    add_people(stage, stage.height - 0.065 * span, depth=0.85, tall=tall * 1.12)


def _reflections(stage: Stage, canvas: Canvas, kerb: float) -> None:
    """Lights lie stretched on wet asphalt."""
    chance = stage.scene.rng("reflections")
    for _ in range(16):
        x, wide = float(chance.uniform(0, stage.width)), stage.span * float(chance.uniform(0.008, 0.02))
        tone = mix(stage.palette.tone(stage.palette.accent(int(chance.integers(4)))), (255.0, 214.0, 150.0), 0.5)
        canvas.soft(
            box(x - wide, kerb, x + wide, kerb + 0.22 * stage.span),
            Gradient(((kerb, tone), (stage.height, tone))),
            wide * 1.6,
            0.20,
        )


def _street_trees(stage: Stage, foot: float) -> None:
    chance, depth = stage.scene.rng("street trees"), 0.70
    canvas = stage.canvas(depth, top=foot - 0.66 * stage.span)
    for index, x in enumerate((0.08, 0.92)):
        at = stage.width * (x + float(chance.uniform(-0.03, 0.03)))
        tree(stage.pen(canvas, at, foot, stage.span * 0.40, depth=depth), chance, foliage(stage.scene, chance))
        lamp = stage.width * (0.27 if index == 0 else 0.73)
        streetlamp(stage.pen(canvas, lamp, foot, stage.span * 0.44, depth=depth), rgb("#39414f"), 0.0)
    stage.wants("tree", "streetlamp")
    stage.add_layer(canvas, depth)


_WALLS = ("#e7b89a", "#d98c74", "#f0d5a8", "#b9c4b0", "#c8b6c9", "#a9bcc9", "#e6d9c4")


def _house_row(stage: Stage, ground: float) -> None:
    """Facades of four storeys in friendly plaster, shops on the ground floor."""
    chance, palette, span, depth = stage.scene.rng("houses"), stage.palette, stage.span, 0.42
    canvas = stage.canvas(depth)
    x = -0.16 * stage.width
    while x < 1.14 * stage.width:
        wide = span * float(chance.uniform(0.20, 0.28))
        middle = abs((x + wide / 2) / stage.width - 0.5)
        high = min(span * (0.40 + 0.26 * middle), ground - 0.26 * stage.height) + span * float(
            chance.uniform(0.0, 0.10)
        )
        wall = rgb(str(chance.choice(_WALLS)))
        _facade(stage, canvas, chance, wall, (x, ground - high, x + wide, ground), depth)
        x += wide
    canvas.fill(box(-stage.width, ground - 1, 2 * stage.width, stage.height * 1.3), palette.lit(rgb("#8d8a88"), depth))
    stage.add_layer(canvas, depth)


def _facade(
    stage: Stage,
    canvas: Canvas,
    chance: np.random.Generator,
    wall: Rgb,
    where: tuple[float, float, float, float],
    depth: float,
) -> None:
    x0, top, x1, ground = where
    palette, wide = stage.palette, x1 - x0
    tone = palette.lit(wall, depth + 0.2)
    canvas.fill(box(x0, top, x1, ground), downwards(top, ground, brighten(tone, 1.05), brighten(tone, 0.9)))
    canvas.fill(box(x1 - wide * 0.03, top, x1, ground), brighten(tone, 0.8))
    canvas.fill(box(x0 - wide * 0.02, top - wide * 0.05, x1 + wide * 0.02, top + wide * 0.025), brighten(tone, 0.76))
    shop = ground - 0.44 * wide
    columns, rows = 3, max(1, int((shop - top) / (wide * 0.40)))
    for row in range(rows):
        for column in range(columns):
            left = x0 + wide * (0.11 + 0.29 * column)
            y = top + wide * (0.14 + 0.40 * row)
            _window(stage, canvas, chance, (left, y, left + wide * 0.19, y + wide * 0.27), tone)
    _shop_floor(stage, canvas, chance, (x0, shop, x1, ground))


def _window(
    stage: Stage, canvas: Canvas, chance: np.random.Generator, where: tuple[float, float, float, float], tone: Rgb
) -> None:
    x0, y0, x1, y1 = where
    frame = (x1 - x0) * 0.10
    canvas.fill(box(x0 - frame, y0 - frame, x1 + frame, y1 + frame), brighten(tone, 1.30))
    lit = stage.palette.lamps and chance.random() < 0.6
    if lit:
        canvas.fill(box(x0, y0, x1, y1), downwards(y0, y1, (255.0, 222.0, 150.0), (245.0, 178.0, 96.0)))
    else:
        glass = mix(stage.palette.lit(rgb("#6f8ea3"), 0.8), stage.palette.sky[2], 0.35)
        canvas.fill(box(x0, y0, x1, y1), downwards(y0, y1, brighten(glass, 1.12), glass))
    canvas.fill(box((x0 + x1) / 2 - frame * 0.3, y0, (x0 + x1) / 2 + frame * 0.3, y1), brighten(tone, 1.30))
    canvas.fill(box(x0 - frame * 1.4, y1 + frame, x1 + frame * 1.4, y1 + frame * 2.2), brighten(tone, 0.82))


def _shop_floor(
    stage: Stage, canvas: Canvas, chance: np.random.Generator, where: tuple[float, float, float, float]
) -> None:
    x0, top, x1, ground = where
    wide = x1 - x0
    glow = (255.0, 226.0, 170.0) if stage.palette.lamps else stage.palette.lit(rgb("#dfe8e6"), 0.7)
    dark = stage.palette.lit(rgb("#4b4a55"), 0.7)
    canvas.fill(box(x0 + wide * 0.06, top + wide * 0.10, x1 - wide * 0.06, ground), dark)
    canvas.fill(
        box(x0 + wide * 0.10, top + wide * 0.15, x0 + wide * 0.60, ground - wide * 0.06),
        downwards(top, ground, glow, brighten(glow, 0.8)),
    )
    canvas.fill(box(x0 + wide * 0.66, top + wide * 0.15, x0 + wide * 0.88, ground), brighten(glow, 0.86))
    awning(
        canvas,
        stage.palette.lit(stage.palette.accent(int(chance.integers(5))), 0.7),
        stage.palette.lit((250.0, 246.0, 238.0), 0.7),
        (x0 + wide * 0.04, top + wide * 0.04, x1 - wide * 0.04, top + wide * 0.20),
    )


def awning(
    canvas: Canvas, colour: Rgb, other: Rgb, where: tuple[float, float, float, float], *, stripes: int = 8
) -> None:
    """A striped awning with a scalloped hem between two corners (stage pixels)."""
    x0, y0, x1, y1 = where
    step, inset = (x1 - x0) / stripes, (x1 - x0) * 0.03
    hem = y1 - (y1 - y0) * 0.22
    for stripe in range(stripes):
        left, right = x0 + step * stripe, x0 + step * (stripe + 1)
        top_left, top_right = (
            left + inset * (1 - 2 * stripe / stripes),
            right + inset * (1 - 2 * (stripe + 1) / stripes),
        )
        tone = colour if stripe % 2 == 0 else other
        outline: Points = np.concatenate(
            [
                [(top_left, y0), (top_right, y0), (right, hem)],
                oval((left + right) / 2, hem, step / 2, y1 - hem, end=0.5),
            ]
        )
        canvas.fill(outline, downwards(y0, y1, brighten(tone, 1.06), brighten(tone, 0.84)))


def signboard(pen: Pen, wide: float, colour: Rgb) -> None:
    """A blank board over a shop: names are written by the title layers, never drawn into the picture."""
    pen.box(-wide / 2, 0.0, wide / 2, 0.16, colour, radius=0.02)
    pen.box(-wide / 2 + 0.02, 0.02, wide / 2 - 0.02, 0.14, colour, 1.12, radius=0.015)
