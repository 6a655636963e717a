"""Open land: mountains, desert, fields. Ridges in haze, one behind the other, and a foreground to stand on."""

from __future__ import annotations

import numpy as np

from generation.engines.animatic.canvas import Canvas, Gradient
from generation.engines.animatic.cast import add_ground, add_vehicles
from generation.engines.animatic.nature import cactus, foliage, grass, pine, tree
from generation.engines.animatic.palette import Rgb, brighten, mix, rgb
from generation.engines.animatic.places.open_air import add_far, add_foreground_grass, add_hills, paint_sky, ridge
from generation.engines.animatic.shapes import Points, noise_line, spline
from generation.engines.animatic.stage import Stage, spread
from generation.engines.animatic.walkers import add_animals, add_people


def paint_mountain(stage: Stage) -> None:
    """Four ridges with snow on the farthest, pines on the nearest."""
    horizon = stage.horizon
    stage.drawn.add("mountain")
    paint_sky(stage, horizon * 0.98)
    snow = stage.scene.weather == "snow"
    tones = ((134.0, 146.0, 178.0), (104.0, 124.0, 150.0), (84.0, 116.0, 118.0), (66.0, 98.0, 84.0))
    for index, (relief, knots) in enumerate(((0.36, 3), (0.25, 4), (0.14, 5), (0.10, 4))):
        depth = 0.08 + 0.16 * index
        base = horizon + stage.span * (0.03 + 0.075 * index)
        line = ridge(
            stage,
            f"ridge {index}",
            base,
            relief * stage.span,
            knots=knots,
            octaves=6 if index < 2 else 3,
            depth=depth,
            fall=0.5 if index < 2 else 0.42,
        )
        tone = mix(tones[index], (226.0, 234.0, 244.0), 0.45 if snow and index > 1 else 0.0)
        canvas = add_hills(stage, line, tone, depth=depth)
        if index < 2:
            _snow_caps(stage, canvas, line, base, relief * stage.span, depth)
        if index >= 2:
            _pines_along(stage, canvas, line, depth, tall=0.05 + 0.03 * (index - 2), name=f"pines {index}", snow=snow)
        stage.add_layer(canvas, depth)
    _meadow(stage, horizon)


def _snow_caps(stage: Stage, canvas: Canvas, line: Points, base: float, relief: float, depth: float) -> None:
    """Snow above a ragged line on the peaks, lit on one side."""
    chance = stage.scene.rng(f"snow caps {depth}")
    limit = base - relief * 0.58
    ragged = limit + relief * 0.11 * noise_line(chance, len(line), knots=46)
    lower = np.minimum(np.maximum(line[:, 1], ragged), np.maximum(line[:, 1], limit + relief * 0.1))
    snow = np.concatenate([line, np.stack([line[:, 0], np.maximum(lower, line[:, 1])], 1)[::-1]])
    bright = stage.palette.lit((250.0, 250.0, 252.0), min(1.0, depth + 0.45))
    canvas.fill(snow, bright, 0.9)


def _pines_along(
    stage: Stage, canvas: Canvas, line: Points, depth: float, *, tall: float, name: str, snow: bool
) -> None:
    chance = stage.scene.rng(name)
    leaf = mix(foliage(stage.scene, chance), (52.0, 92.0, 80.0), 0.55)
    low = float(line[:, 1].min()) - tall * 1.4 * stage.span
    taller = stage.canvas(depth, top=low, bottom=float(line[:, 1].max()) + 4)
    for x in np.arange(-0.08, 1.08, 0.022):
        at = (float(x) + float(chance.uniform(-0.008, 0.008))) * stage.width
        y = float(np.interp(at, line[:, 0], line[:, 1]))
        if chance.random() < 0.34 + 0.9 * abs(x - 0.5):
            pine(
                stage.pen(
                    taller,
                    at,
                    y + 0.008 * stage.span,
                    stage.span * tall * float(chance.uniform(0.55, 1.2)),
                    depth=depth,
                ),
                chance,
                leaf,
                snow=snow,
            )
    stage.wants("pine", "tree")
    stage.drawn |= {"forest"} & set(stage.scene.beyond)
    stage.add_layer(taller, depth)


def _meadow(stage: Stage, horizon: float) -> None:
    ground = max(horizon + 0.30 * stage.span, stage.height - 0.20 * stage.span)
    line = ridge(stage, "meadow", ground + 0.04 * stage.span, 0.05 * stage.span, knots=2, octaves=2, depth=0.8)
    canvas = add_hills(stage, line, brighten(grass(stage.scene), 0.92), depth=0.8)
    stage.add_layer(canvas, 0.8)
    tall = 0.25 * stage.span
    foot = ground + 0.07 * stage.span
    add_ground(stage, foot, depth=0.82, tall=tall)
    add_animals(stage, foot + 0.02 * stage.span, depth=0.83, tall=tall)
    add_people(stage, foot + 0.02 * stage.span, depth=0.84, tall=tall)
    add_foreground_grass(
        stage,
        brighten(grass(stage.scene), 0.8),
        base=stage.height - 0.02 * stage.span,
        flowers=stage.wants("flower", "spring"),
    )


def paint_desert(stage: Stage) -> None:
    """Dunes with a lit and a shaded side, mesas on the horizon."""
    horizon = stage.horizon
    stage.drawn.add("desert")
    paint_sky(stage, horizon)
    _mesas(stage, horizon)
    sand = rgb("#e3a867")
    for index in range(4):
        depth = 0.22 + 0.2 * index
        base = horizon + (stage.height - horizon) * (0.14 + 0.26 * index)
        line = ridge(
            stage,
            f"dune {index}",
            base,
            stage.span * (0.055 + 0.03 * index),
            knots=2 + (index == 0),
            octaves=1,
            depth=depth,
        )
        canvas = add_hills(stage, line, brighten(sand, 1.0 - 0.05 * index), depth=depth)
        _shaded_side(stage, canvas, line, sand, depth, index)
        if index in (1, 2):
            _cacti(stage, line, depth, index)
        stage.add_layer(canvas, depth)
        if index == 2:
            tall, foot = 0.24 * stage.span, base + 0.03 * stage.span
            add_ground(stage, foot, depth=depth, tall=tall)
            add_vehicles(stage, foot + 0.02 * stage.span, depth=depth, tall=tall)
            add_animals(stage, foot, depth=depth, tall=tall)
            add_people(stage, foot, depth=depth, tall=tall)


def _mesas(stage: Stage, horizon: float) -> None:
    depth = 0.10
    canvas = stage.canvas(depth, top=horizon - 0.2 * stage.span, bottom=horizon + 8)
    tone = stage.palette.lit(rgb("#b96f4e"), depth + 0.1)
    for x, wide, tall in ((0.14, 0.17, 0.13), (0.27, 0.07, 0.09), (0.83, 0.22, 0.11), (0.95, 0.10, 0.16)):
        left, right, top = (x - wide / 2) * stage.width, (x + wide / 2) * stage.width, horizon - tall * stage.span
        slope = 0.03 * stage.span
        outline = np.array(
            [
                (left - slope, horizon + 6),
                (left, top + 0.4 * slope),
                (left + slope * 0.4, top),
                (right - slope * 0.3, top + 2),
                (right, top + 0.5 * slope),
                (right + slope, horizon + 6),
            ]
        )
        canvas.fill(outline, Gradient(((top, tone), (horizon, mix(tone, stage.palette.haze, 0.6)))))
    stage.add_layer(canvas, depth)


def _shaded_side(stage: Stage, canvas: Canvas, line: Points, sand: Rgb, depth: float, index: int) -> None:
    """A smooth shadow that falls from each crest away from the light."""
    peak = int(np.argmin(line[40:180, 1])) + 40
    crest = line[peak]
    side = -stage.light_side
    reach = stage.span * (0.34 + 0.1 * index)
    part = line[peak:] if side > 0 else line[: peak + 1][::-1]
    part = part[np.abs(part[:, 0] - crest[0]) < reach]
    back = spline(
        [
            (part[-1, 0], part[-1, 1]),
            (crest[0] + side * reach * 0.62, crest[1] + reach * 0.26),
            (crest[0] + side * reach * 0.22, crest[1] + reach * 0.20),
            (crest[0], crest[1]),
        ],
        closed=False,
    )
    shade = stage.palette.lit(mix(sand, rgb("#7d4a55"), 0.52), depth)
    high = float(part[:, 1].min())
    canvas.fill(
        np.concatenate([part, back]),
        Gradient(((high, shade), (high + reach * 0.34, stage.palette.lit(brighten(sand, 0.94), depth)))),
        0.85,
    )


def _cacti(stage: Stage, line: Points, depth: float, index: int) -> None:
    chance = stage.scene.rng(f"cacti {index}")
    asked = stage.wants("cactus")
    canvas = stage.canvas(depth)
    for share in spread(chance, 3 if asked else 1, 0.08, 0.92):
        if 0.36 < share < 0.64:
            share = 0.22 if share < 0.5 else 0.80
        x = share * stage.width
        y = float(np.interp(x, line[:, 0], line[:, 1])) + 0.02 * stage.span
        cactus(stage.pen(canvas, x, y, stage.span * (0.13 + 0.07 * index), depth=depth), chance, rgb("#4f8a63"))
    stage.add_layer(canvas, depth)


def paint_field(stage: Stage) -> None:
    """Rolling hills, rows of crop, trees in groups, a way that leads to the horizon."""
    horizon = stage.horizon
    stage.drawn.add("field")
    paint_sky(stage, horizon)
    add_far(stage, horizon)
    green = grass(stage.scene)
    tall = 0.25 * stage.span
    for index in range(4):
        depth = 0.18 + 0.2 * index
        base = horizon + (stage.height - horizon) * (0.08 + 0.235 * index)
        line = ridge(
            stage,
            f"hill {index}",
            base,
            stage.span * (0.05 + 0.012 * index),
            knots=2 + (index < 2),
            octaves=1,
            depth=depth,
        )
        tone = mix(
            green, rgb("#d8c65f") if index % 2 else rgb("#5f9f5c"), 0.22 if stage.scene.weather != "snow" else 0.0
        )
        canvas = add_hills(stage, line, brighten(tone, 1.0 - 0.045 * index), depth=depth)
        _rows(stage, canvas, line, tone, depth, index)
        stage.add_layer(canvas, depth)
        if index < 3:
            _tree_group(stage, line, depth, index)
        if index == 2:
            foot = base + 0.015 * stage.span
            add_ground(stage, foot, depth=depth, tall=tall * 0.82)
            add_vehicles(stage, foot + 0.03 * stage.span, depth=depth, tall=tall * 0.7)
    foot = stage.height - 0.125 * stage.span
    add_animals(stage, foot - 0.02 * stage.span, depth=0.86, tall=tall)
    add_people(stage, foot, depth=0.88, tall=tall)
    add_foreground_grass(
        stage, green, base=stage.height - 0.025 * stage.span, flowers=stage.wants("flower", "spring", "summer")
    )


def _rows(stage: Stage, canvas: Canvas, line: Points, tone: Rgb, depth: float, index: int) -> None:
    """Rows of crop that run together in the distance, on every second hill."""
    if index % 2 == 0 or stage.scene.weather == "snow":
        return
    vanish = stage.width * (0.5 + 0.3 * stage.light_side)
    dark = stage.palette.lit(brighten(tone, 0.80), depth)
    below = []
    for row in np.linspace(-1.8, 2.8, 34):
        foot = vanish + (row - 0.5) * stage.width * 1.5
        head = vanish + (row - 0.5) * stage.width * 0.85
        high = float(np.interp(head, line[:, 0], line[:, 1])) + 0.004 * stage.span
        low = high + 0.30 * stage.span
        wide = 0.006 * stage.span
        below.append(
            np.array(
                [
                    (head - wide * 0.3, high),
                    (head + wide * 0.3, high),
                    (foot + wide * 1.4, low),
                    (foot - wide * 1.4, low),
                ]
            )
        )
    canvas.fill(
        below, Gradient(((float(line[:, 1].min()), dark), (float(line[:, 1].max()) + 0.28 * stage.span, dark))), 0.30
    )


def _tree_group(stage: Stage, line: Points, depth: float, index: int) -> None:
    chance = stage.scene.rng(f"trees {index}")
    many = 5 if stage.wants("tree", "pine") else 3
    canvas = stage.canvas(
        depth, top=float(line[:, 1].min()) - 0.3 * stage.span, bottom=float(line[:, 1].max()) + 0.04 * stage.span
    )
    side = 0.24 if (index + (stage.light_side > 0)) % 2 else 0.78
    for _ in range(many):
        x = stage.width * (side + float(chance.normal(0, 0.11)))
        if abs(x / stage.width - 0.5) < 0.12 and index == 2:
            continue
        y = float(np.interp(x, line[:, 0], line[:, 1])) + 0.012 * stage.span
        pen = stage.pen(
            canvas, x, y, stage.span * (0.075 + 0.05 * index) * float(chance.uniform(0.8, 1.2)), depth=depth
        )
        leaf = foliage(stage.scene, chance)
        if stage.scene.weather == "snow" or "pine" in stage.scene.things:
            pine(pen, chance, mix(leaf, (60.0, 100.0, 86.0), 0.4), snow=stage.scene.weather == "snow")
        else:
            tree(pen, chance, leaf)
    stage.add_layer(canvas, depth)
