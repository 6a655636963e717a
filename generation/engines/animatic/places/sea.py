"""Water: the open sea, a beach, a lake. A far shore, bands of waves that swell, glints under the sun, boats."""

from __future__ import annotations

import numpy as np

from generation.engines.animatic.canvas import Canvas, Gradient, downwards
from generation.engines.animatic.cast import add_birds, add_ground, add_thing
from generation.engines.animatic.nature import foliage, palm, pine
from generation.engines.animatic.palette import brighten, mix, rgb
from generation.engines.animatic.places.open_air import add_far, add_hills, paint_sky, ridge
from generation.engines.animatic.places.water import add_water, water_colour
from generation.engines.animatic.shapes import land, moved, oval
from generation.engines.animatic.stage import Stage, swaying
from generation.engines.animatic.things import GROUND
from generation.engines.animatic.walkers import add_animals, add_people


def paint_sea(stage: Stage) -> None:
    """Open water up to a high horizon, with waves nearer and nearer."""
    horizon = stage.horizon
    sun = paint_sky(stage, horizon)
    add_far(stage, horizon)
    if not stage.scene.beyond or "lighthouse" in stage.scene.things:
        _headland(stage, horizon)
    stage.drawn.add("sea")
    add_water(stage, horizon, stage.height, sun, waves=5)
    if not stage.wants("bird"):
        add_birds(stage, horizon, count=3, size=0.034)


def paint_beach(stage: Stage) -> None:
    """Sea above, a curved beach below, foam that comes and goes, room to stand on the sand."""
    horizon = stage.horizon * 0.92
    sun = paint_sky(stage, horizon)
    add_far(stage, horizon)
    _headland(stage, horizon)
    shore = horizon + 0.42 * (stage.height - horizon)
    add_water(stage, horizon, shore + 0.08 * stage.span, sun, waves=3)
    stage.drawn |= {"beach", "sea"}
    stage.add_layer(_sand(stage, shore), 0.75)
    _foam(stage, shore)
    _beach_palms(stage, shore)
    tall = 0.27 * stage.span
    ground = shore + 0.52 * (stage.height - shore)
    add_ground(stage, ground, depth=0.78, tall=tall)
    add_animals(stage, ground + 0.05 * tall, depth=0.8, tall=tall)
    add_people(stage, ground + 0.02 * stage.span, depth=0.8, tall=tall)


def paint_lake(stage: Stage) -> None:
    """Still water between wooded shores, mountains behind."""
    horizon = stage.horizon
    sun = paint_sky(stage, horizon)
    mirrored = []
    for index, relief in enumerate((0.26, 0.16)):
        depth = 0.10 + 0.10 * index
        line = ridge(
            stage,
            f"range {index}",
            horizon + 0.01 * stage.span,
            relief * stage.span,
            knots=4 + index,
            octaves=5,
            depth=depth,
        )
        tone = (112.0, 128.0, 152.0) if index == 0 else (86.0, 118.0, 112.0)
        stage.add_layer(add_hills(stage, line, tone, depth=depth), depth)
        mirrored.append((line, stage.palette.lit(tone, depth)))
    stage.drawn |= {"lake"} | ({"mountain", "forest"} & set(stage.scene.beyond))
    _far_trees(stage, horizon)
    add_water(stage, horizon, stage.height, sun, waves=1, calm=True, mirrored=mirrored)
    ground = stage.height - 0.13 * stage.span
    line = ridge(stage, "bank", ground + 0.05 * stage.span, 0.05 * stage.span, knots=3, octaves=2, depth=0.85)
    stage.add_layer(
        add_hills(
            stage, line, mix(foliage(stage.scene, stage.scene.rng("bank")), (60.0, 70.0, 60.0), 0.25), depth=0.85
        ),
        0.85,
    )
    tall = 0.27 * stage.span
    add_ground(stage, ground + 0.02 * stage.span, depth=0.86, tall=tall)
    add_animals(stage, ground + 0.04 * stage.span, depth=0.87, tall=tall)
    add_people(stage, ground + 0.035 * stage.span, depth=0.88, tall=tall, pose="stand")


def _headland(stage: Stage, horizon: float) -> None:
    """A cape on one side, dissolving in haze."""
    depth, side = 0.14, -stage.light_side
    line = ridge(stage, "headland", horizon + 2, 0.085 * stage.span, knots=5, octaves=3, depth=depth)
    across = (line[:, 0] / stage.width - 0.5) * side
    line[:, 1] = horizon + 2 - (horizon + 2 - line[:, 1]) * np.clip((across - 0.02) * 2.6, 0, 1) ** 0.8
    canvas = stage.canvas(depth, top=float(line[:, 1].min()), bottom=horizon + 6)
    tone = stage.palette.lit((104.0, 118.0, 128.0), depth)
    canvas.fill(
        land(line, horizon + 5), downwards(float(line[:, 1].min()), horizon, tone, mix(tone, stage.palette.haze, 0.6))
    )
    stage.add_layer(canvas, depth)
    if stage.wants("lighthouse"):
        x = stage.width * (0.5 + 0.30 * side)
        foot = float(np.interp(x, line[:, 0], line[:, 1])) + 0.006 * stage.span
        add_thing(stage, "lighthouse", GROUND["lighthouse"], at=(x, foot), scale=0.20 * stage.span, depth=0.5)


def _sand(stage: Stage, shore: float) -> Canvas:
    palette = stage.palette
    canvas = stage.canvas(0.75, top=shore - 0.10 * stage.span)
    x = np.linspace(-0.3 * stage.width, 1.3 * stage.width, 120)
    line = np.stack([x, shore + 0.035 * stage.span * np.sin(2.4 * x / stage.width + 0.6) * stage.light_side], axis=1)
    sand = rgb("#f0d6a6")
    high = float(line[:, 1].min())
    wet, dry = palette.lit(mix(sand, rgb("#9c8a6c"), 0.42), 0.8), palette.lit(sand, 0.95)
    canvas.fill(land(line, stage.height * 1.4), Gradient(((high, wet), (high + 0.05 * stage.span, mix(wet, dry, 0.7)),
                (high + 0.10 * stage.span, dry), (stage.height, palette.lit(brighten(sand, 0.88), 1.0)))))  # fmt: skip
    chance = stage.scene.rng("sand")
    for _ in range(60):
        y = shore + (stage.height - shore) * float(chance.uniform(0.25, 1.0))
        wide = stage.span * float(chance.uniform(0.01, 0.04))
        canvas.fill(
            oval(float(chance.uniform(0, stage.width)), y, wide, wide * 0.09),
            brighten(dry, float(chance.choice([0.94, 1.06]))),
            0.5,
        )
    return canvas


def _foam(stage: Stage, shore: float) -> None:
    """A sheet of thin water with a white edge that runs up the beach and back."""
    depth = 0.75
    canvas = stage.canvas(depth, top=shore - 0.2 * stage.span, extra=0.03 * stage.span)
    x = np.linspace(-0.3 * stage.width, 1.3 * stage.width, 160)
    wobble = 0.010 * np.sin(9 * x / stage.width + 1) + 0.006 * np.sin(23 * x / stage.width)
    edge = shore + stage.span * (0.035 * np.sin(2.4 * x / stage.width + 0.6) * stage.light_side + wobble + 0.012)
    line = np.stack([x, edge], axis=1)
    sheet = np.concatenate([line, moved(line, 0, -0.10 * stage.span)[::-1]])
    pale = mix(stage.palette.lit(water_colour(stage), 0.9), stage.palette.sun, 0.45)
    canvas.fill(
        sheet,
        Gradient(
            ((shore - 0.1 * stage.span, stage.palette.lit(water_colour(stage), 0.9)), (shore + 0.02 * stage.span, pale))
        ),
        0.55,
    )
    white = mix(stage.palette.sun, (255.0, 255.0, 255.0), 0.5)
    canvas.fill(np.concatenate([line, moved(line, 0, -0.006 * stage.span)[::-1]]), stage.palette.lit(white, 1.0), 0.9)
    stage.add_layer(canvas, depth, path=swaying(0.0, 0.014 * stage.span, 5.0))


def _beach_palms(stage: Stage, shore: float) -> None:
    """Palms at the side away from the light: always one, two where the prompt names them."""
    count = 2 if stage.wants("palm") else 1
    chance = stage.scene.rng("palms")
    for index in range(count):
        x = stage.width * (0.5 - stage.light_side * (0.40 - 0.14 * index))
        tall = stage.span * (0.60 - 0.14 * index)
        tail = stage.canvas(0.75, top=0)
        pen = stage.pen(tail, x, shore + 0.13 * stage.span, tall, depth=0.85, flip=stage.light_side < 0)
        palm(pen, chance, rgb("#4e9a63"))
        stage.add_layer(tail, 0.75)


def _far_trees(stage: Stage, horizon: float) -> None:
    chance, depth = stage.scene.rng("far trees"), 0.26
    canvas = stage.canvas(depth, top=horizon - 0.12 * stage.span, bottom=horizon + 0.02 * stage.span)
    leaf = mix(foliage(stage.scene, chance), (60.0, 92.0, 84.0), 0.5)
    for x in np.arange(-0.1, 1.1, 0.016):
        edge = 0.4 + 1.1 * abs(x - 0.5)
        tall = stage.span * 0.075 * edge * float(chance.uniform(0.6, 1.2))
        pine(stage.pen(canvas, float(x) * stage.width, horizon + 3, tall, depth=depth), chance, leaf)
    stage.wants("pine", "tree")
    stage.add_layer(canvas, depth)
