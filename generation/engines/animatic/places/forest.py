"""A forest: pale trunks far away, dark ones near, beams of light between them, a path of light on the ground."""

from __future__ import annotations

import numpy as np

from generation.engines.animatic.canvas import Canvas, Gradient, downwards
from generation.engines.animatic.cast import add_birds, add_ground
from generation.engines.animatic.nature import foliage, grass, pine, tree
from generation.engines.animatic.palette import Rgb, brighten, mix, rgb
from generation.engines.animatic.places.open_air import add_foreground_grass, add_hills, paint_sky, ridge
from generation.engines.animatic.shapes import Points, spline
from generation.engines.animatic.stage import Stage, swaying
from generation.engines.animatic.walkers import add_animals, add_people


def paint_forest(stage: Stage) -> None:
    """Five rows of trees from haze to silhouette, open in the middle."""
    horizon = stage.horizon * 1.04
    stage.drawn.add("forest")
    sun = paint_sky(stage, horizon, clouds=stage.scene.weather in ("cloudy", "rain", "storm"), sun_height=0.30)
    conifers = stage.wants("pine") or stage.scene.weather == "snow" or bool(stage.scene.rng("kind").random() < 0.5)
    for index in range(3):
        depth = 0.34 + 0.14 * index
        base = horizon + (stage.height - horizon) * (0.06 + 0.16 * index)
        line = ridge(stage, f"floor {index}", base, 0.04 * stage.span, knots=3, octaves=2, depth=depth)
        _row_of_trees(stage, line, depth, index, conifers)
        stage.add_layer(add_hills(stage, line, _floor(stage, index), depth=depth), depth)
    if stage.scene.weather not in ("rain", "storm", "snow", "fog") and not stage.palette.dark:
        _beams(stage, sun)
    _clearing(stage, horizon)
    _near_trunk(stage)
    add_foreground_grass(stage, mix(_floor(stage, 3), rgb("#20402f"), 0.35), base=stage.height - 0.02 * stage.span,
                         flowers=stage.wants("flower"))  # fmt: skip


def _floor(stage: Stage, index: int) -> Rgb:
    base = mix(grass(stage.scene), rgb("#3f6b4c"), 0.62 if stage.scene.weather != "snow" else 0.06)
    return brighten(base, 1.0 - 0.07 * index)


def _leaf(stage: Stage, chance: np.random.Generator, conifers: bool) -> Rgb:
    own = foliage(stage.scene, chance)
    return mix(own, rgb("#3f7a64"), 0.55 if conifers and stage.scene.season != "autumn" else 0.1)


def _row_of_trees(stage: Stage, line: Points, depth: float, index: int, conifers: bool) -> None:
    chance = stage.scene.rng(f"row {index}")
    tall = stage.span * (0.30 + 0.13 * index)
    canvas = stage.canvas(
        depth, top=float(line[:, 1].min()) - 1.3 * tall, bottom=float(line[:, 1].max()) + 0.05 * stage.span
    )
    for x in np.arange(-0.06, 1.08, 0.055 + 0.024 * index):
        at = float(x) + float(chance.uniform(-0.02, 0.02))
        if abs(at - 0.5) < 0.10 + 0.045 * index:
            continue
        y = float(np.interp(at * stage.width, line[:, 0], line[:, 1])) + 0.02 * stage.span
        pen = stage.pen(canvas, at * stage.width, y, tall * float(chance.uniform(0.72, 1.15)), depth=depth)
        if conifers:
            pine(pen, chance, _leaf(stage, chance, True), snow=stage.scene.weather == "snow")
        else:
            tree(pen, chance, _leaf(stage, chance, False))
    stage.wants("tree")
    stage.add_layer(canvas, depth)


def _beams(stage: Stage, sun: tuple[float, float]) -> None:
    """Soft shafts of light through the crowns."""
    chance = stage.scene.rng("beams")
    canvas = stage.canvas(0.5, extra=0.02 * stage.width)
    for _ in range(3):
        angle = float(chance.uniform(-0.55, 0.55)) - 0.35 * stage.light_side
        long = stage.height * 0.95
        wide = stage.span * float(chance.uniform(0.02, 0.055))
        foot = (sun[0] + np.sin(angle) * long, sun[1] + np.cos(angle) * long)
        outline = np.array(
            [
                (sun[0] - wide * 0.2, sun[1]),
                (sun[0] + wide * 0.2, sun[1]),
                (foot[0] + wide, foot[1]),
                (foot[0] - wide, foot[1]),
            ]
        )
        paint = Gradient(((sun[1], stage.palette.sun), (foot[1], stage.palette.sun)))
        canvas.soft(outline, paint, wide * 0.9, 0.15)
    stage.add_layer(canvas, 0.5, path=swaying(0.012 * stage.width, 0.0, 9.0))


def _clearing(stage: Stage, horizon: float) -> None:
    base = stage.height - 0.24 * stage.span
    line = ridge(stage, "clearing", base + 0.03 * stage.span, 0.04 * stage.span, knots=2, octaves=2, depth=0.72)
    canvas = add_hills(stage, line, _floor(stage, 2), depth=0.72)
    middle, low = stage.width / 2, stage.height * 1.05
    path = spline(
        [
            (middle - 0.06 * stage.span, base + 0.01 * stage.span),
            (middle - 0.02 * stage.span, base + 0.10 * stage.span),
            (middle - 0.30 * stage.span, low),
            (middle + 0.30 * stage.span, low),
            (middle + 0.12 * stage.span, base + 0.10 * stage.span),
            (middle + 0.05 * stage.span, base + 0.01 * stage.span),
        ]
    )
    earth = rgb("#d9b98a") if stage.scene.weather != "snow" else rgb("#dfe8f0")
    canvas.fill(
        path,
        downwards(base, stage.height, stage.palette.lit(earth, 0.6), stage.palette.lit(brighten(earth, 0.84), 0.9)),
        0.8,
    )
    stage.add_layer(canvas, 0.72)
    tall, foot = 0.27 * stage.span, stage.height - 0.13 * stage.span
    add_ground(stage, base + 0.06 * stage.span, depth=0.74, tall=tall)
    add_animals(stage, foot - 0.03 * stage.span, depth=0.78, tall=tall)
    add_people(stage, foot, depth=0.8, tall=tall)
    if stage.wants("bird"):
        add_birds(stage, horizon, count=4)


def _near_trunk(stage: Stage) -> None:
    """A dark trunk and overhanging leaves frame the picture."""
    depth = 0.95
    chance = stage.scene.rng("near trunks")
    canvas = stage.canvas(depth)
    dark = stage.palette.lit(mix(rgb("#4a3430"), rgb("#27392f"), 0.4), depth)
    light, wide = brighten(dark, 1.14), 0.052 * stage.span
    middle = stage.width * (0.5 - 0.47 * stage.light_side)
    left, right, low = middle - wide, middle + wide, stage.height
    trunk = spline(
        [
            (left, -60),
            (left + wide * 0.25, low * 0.4),
            (left, low * 0.86),
            (left - wide * 0.7, low + 80),
            (right + wide * 0.7, low + 80),
            (right, low * 0.86),
            (right - wide * 0.25, low * 0.4),
            (right, -60),
        ]
    )
    stops = ((left, light), (right, dark)) if stage.light_side < 0 else ((left, dark), (right, light))
    canvas.fill(trunk, Gradient(stops, along_x=True))
    _overhang(stage, canvas, chance, depth)
    stage.add_layer(canvas, depth, path=swaying(0.0, 0.002 * stage.span, 6.0))


def _overhang(stage: Stage, canvas: Canvas, chance: np.random.Generator, depth: float) -> None:
    """Leaves that hang into the upper corners; snow leaves the twigs bare."""
    if stage.scene.weather == "snow":
        return
    own = _leaf(stage, chance, False)
    for layer, light in ((0, 0.50), (1, 0.62), (2, 0.78)):
        leaves: list[Points] = []
        for _ in range(80):
            side = -1 if chance.random() < (0.5 + 0.22 * stage.light_side) else 1
            across = float(chance.random()) ** 1.5 * 0.40
            x = stage.width * (0.5 + side * (0.54 - across))
            y = stage.span * (0.16 * (1 - across / 0.40) * float(chance.random()) - 0.012 * layer) - 0.01 * stage.span
            size, angle = (
                stage.span * float(chance.uniform(0.016, 0.030)),
                float(chance.uniform(0.2, 1.4)) * -side + np.pi / 2,
            )
            tip, wing = (
                np.array([np.cos(angle), np.sin(angle)]) * size,
                np.array([-np.sin(angle), np.cos(angle)]) * size * 0.32,
            )
            root = np.array([x, y])
            leaves.append(spline([root - tip, root + wing, root + tip, root - wing], steps=5))
        canvas.fill(leaves, stage.palette.lit(brighten(own, light), depth))
