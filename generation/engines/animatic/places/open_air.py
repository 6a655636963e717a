"""What all outdoor places share: the sky with its sun and clouds, ridges, far silhouettes, foreground grass.

Layers are painted into canvases of a depth and added in order. Knows no particular place.
"""

from __future__ import annotations

import numpy as np

from generation.engines.animatic.canvas import Canvas, Gradient, downwards
from generation.engines.animatic.cast import add_sky
from generation.engines.animatic.nature import grass_tuft, paint_cloud, paint_sun
from generation.engines.animatic.palette import Rgb, brighten, mix
from generation.engines.animatic.places.skyline import paint_skyline
from generation.engines.animatic.shapes import Points, box, land, noise_line, oval
from generation.engines.animatic.sheets import Glints
from generation.engines.animatic.stage import Stage, travelling


def paint_sky(
    stage: Stage, horizon: float, *, clouds: bool = True, sun_height: float | None = None
) -> tuple[float, float]:
    """Sky, stars, sun or moon and drifting clouds; returns where the sun stands, in stage pixels."""
    scene, palette = stage.scene, stage.palette
    canvas = stage.canvas(0.0)
    top, _, third, fourth = palette.sky
    stops = ((0.0, top), (0.42 * horizon, palette.sky[1]), (0.78 * horizon, third), (horizon, fourth))
    canvas.wash(Gradient((*stops, (stage.height, fourth))))
    stage.drawn |= {scene.time, "sky"}
    sun = _sun_place(stage, horizon, sun_height)
    hidden = scene.weather in ("rain", "storm", "cloudy", "snow", "fog")
    if palette.dark and not hidden:
        _stars(stage, canvas, horizon)
    if not hidden:
        paint_sun(canvas, palette, *sun, stage.span * (0.052 if not palette.dark else 0.038))
        stage.wants("clear", "moon" if palette.dark else "clear")
    else:
        canvas.glow(*sun, stage.span * 0.5, palette.sun, 0.22)
    if stage.wants("rainbow"):
        _rainbow(stage, canvas, horizon)
    stage.add_layer(canvas, 0.0)
    if palette.dark and not hidden:
        _twinkle(stage, horizon)
    if clouds:
        add_clouds(stage, horizon, dull=hidden)
    add_sky(stage, horizon)
    return sun


def _sun_place(stage: Stage, horizon: float, height: float | None) -> tuple[float, float]:
    low = {"dawn": 0.10, "dusk": 0.07, "golden": 0.18, "morning": 0.36, "day": 0.52, "night": 0.55}[stage.scene.time]
    share = low if height is None else height
    x = stage.width * (0.5 + 0.24 * stage.light_side * (1.0 if share > 0.2 else 0.62))
    return x, horizon - max(0.02, share) * horizon


def _stars(stage: Stage, canvas: Canvas, horizon: float) -> None:
    chance = stage.scene.rng("stars")
    stage.wants("star")
    for _ in range(150):
        x, y = float(chance.uniform(0, stage.width)), horizon * float(chance.random() ** 1.3) * 0.92
        size = stage.span * float(chance.uniform(0.0005, 0.0014))
        canvas.fill(
            oval(x, y, size, size), stage.palette.sun, float(chance.uniform(0.3, 0.9)) * (1 - 0.7 * y / horizon)
        )


def _twinkle(stage: Stage, horizon: float) -> None:
    chance = stage.scene.rng("twinkle")
    groups = [Canvas(0, 0, stage.width, horizon * 0.7) for _ in range(3)]
    for index in range(24):
        x, y = float(chance.uniform(0, stage.width)), float(chance.uniform(0.02, 0.62)) * horizon
        size = stage.span * float(chance.uniform(0.0010, 0.0022))
        groups[index % 3].glow(x, y, size * 4, (200.0, 210.0, 255.0), 0.5)
        groups[index % 3].fill(oval(x, y, size, size), (255.0, 255.0, 255.0))
    stage.add(Glints(groups, 0.0, period_seconds=4.2))


def _rainbow(stage: Stage, canvas: Canvas, horizon: float) -> None:
    bands: tuple[Rgb, ...] = (
        (214, 69, 65),
        (240, 145, 60),
        (248, 208, 84),
        (104, 180, 98),
        (72, 140, 205),
        (120, 92, 180),
    )
    radius, width = 0.62 * stage.span, 0.014 * stage.span
    centre = (stage.width * (0.5 - 0.2 * stage.light_side), horizon + 0.10 * stage.span)
    angle = np.linspace(np.pi, 2 * np.pi, 90)
    ring = np.stack([np.cos(angle), np.sin(angle)], 1)
    for index, colour in enumerate(bands):
        outer, inner = radius - index * width, radius - (index + 1) * width
        canvas.soft(np.concatenate([ring * outer + centre, (ring * inner + centre)[::-1]]), colour, width * 0.8, 0.42)


def add_clouds(
    stage: Stage, horizon: float, *, dull: bool = False, count: int | None = None, spread: float = 1.0
) -> None:
    """Clouds in two depths, small ones near the horizon, drifting with the wind."""
    scene = stage.scene
    chance = scene.rng("clouds")
    overcast = scene.weather in ("cloudy", "rain", "storm")
    stage.wants("cloudy", "wind")
    count = count if count is not None else (7 if overcast else 3 + int(chance.integers(2)))
    wind = 0.010 * stage.width * (2.4 if scene.weather in ("wind", "storm") else 1.0) * stage.light_side
    for depth, share, size, many in (
        (0.04, (0.70, 0.86), 0.20, count),
        (0.12, (0.22, 0.56), 0.42, max(2, count // 2 + overcast)),
    ):
        reach = abs(wind) * stage.seconds
        canvas = stage.canvas(depth, bottom=horizon, extra=reach)
        for index in range(many):
            x = stage.width * ((index + float(chance.uniform(0.1, 0.9))) / many * 1.16 - 0.08)
            y = horizon * float(chance.uniform(*share)) * spread
            wide = stage.span * size * float(chance.uniform(0.6, 1.25)) * (1.5 if overcast else 1.0)
            paint_cloud(
                canvas, stage.palette, chance, x, y, wide, density=0.55 if stage.palette.dark else 0.82, dull=dull
            )
        stage.add_layer(canvas, depth, path=travelling(wind * (0.5 + 4 * depth), stage.seconds))


def ridge(
    stage: Stage, name: str, base: float, height: float, *, knots: int, octaves: int, depth: float, fall: float = 0.5
) -> Points:
    """A line of hills over the whole layer: (N, 2) stage pixels, `height` pixels of relief above `base`."""
    mx, _ = stage.camera.margin_px(depth)
    count = 220
    line = noise_line(stage.scene.rng(name), count, knots=knots, octaves=octaves, fall=fall)
    line = (line - line.min()) / max(1e-6, float(line.max() - line.min()))
    return np.stack([np.linspace(-mx - 4, stage.width + mx + 4, count), base - height * line], axis=1)


def add_hills(
    stage: Stage, line: Points, colour: Rgb, *, depth: float, foot: Rgb | None = None, lit: float = 1.10
) -> Canvas:  # fmt: skip
    """Paint the land under a line, light on its crest, haze at its foot; the caller adds more, then the layer."""
    top = float(line[:, 1].min())
    canvas = stage.canvas(depth, top=top)
    crest, body = stage.palette.lit(brighten(colour, lit), depth), stage.palette.lit(colour, depth)
    far = foot if foot is not None else mix(body, stage.palette.haze, 0.42 * (1 - depth) + 0.06)
    reach = max(0.16 * stage.span, stage.height - top)
    canvas.fill(
        land(line, stage.height + 0.2 * stage.span),
        Gradient(((top, crest), (top + 0.22 * reach, body), (top + 0.75 * reach, far))),
    )
    return canvas


def add_far(stage: Stage, horizon: float) -> None:
    """The second place of a prompt as a silhouette on the horizon: mountains, a skyline, trees."""
    far_to_near = ("mountain", "city", "desert", "forest", "field", "sea", "beach", "lake")
    for beyond in sorted(stage.scene.beyond, key=far_to_near.index):
        _add_far(stage, horizon, beyond)


def _add_far(stage: Stage, horizon: float, beyond: str) -> None:
    if beyond in ("sea", "beach", "lake"):
        _far_water(stage, horizon)
        stage.drawn.add(beyond)
    elif beyond in ("mountain", "desert", "field", "forest"):
        relief = {"mountain": 0.17, "desert": 0.05, "field": 0.045, "forest": 0.06}.get(beyond, 0.06)
        for index in range(2):
            depth = 0.10 + 0.08 * index
            line = ridge(stage, f"far {index}", horizon + 0.01 * stage.span, stage.span * relief * (1 - 0.4 * index),
                         knots=4 + 2 * index, octaves=5 if beyond == "mountain" else 2, depth=depth)  # fmt: skip
            own = (126.0, 134.0, 166.0) if beyond == "mountain" else (116.0, 142.0, 120.0)
            stage.add_layer(add_hills(stage, line, own, depth=depth), depth)
        stage.drawn.add(beyond)
    elif beyond == "city":
        stage.add_layer(paint_skyline(stage, horizon + 0.01 * stage.span, depth=0.16, tall=0.26), 0.16)
        stage.drawn.add("city")


def _far_water(stage: Stage, horizon: float) -> None:
    """A band of sea behind the land."""
    palette, depth = stage.palette, 0.08
    top = horizon - 0.05 * stage.span
    canvas = stage.canvas(depth, top=top)
    deep = palette.lit((52.0, 136.0, 172.0), 0.55)
    canvas.fill(box(-stage.width, top, 2 * stage.width, stage.height * 1.3),
                Gradient(((top, mix(palette.sky[3], deep, 0.45)), (horizon + 0.03 * stage.span, deep))))  # fmt: skip
    chance = stage.scene.rng("far water")
    for _ in range(40):
        y, wide = top + 0.055 * stage.span * float(chance.random()), stage.span * float(chance.uniform(0.01, 0.04))
        canvas.fill(oval(float(chance.uniform(0, stage.width)), y, wide, wide * 0.035), palette.sun, 0.4)
    stage.add_layer(canvas, depth)


def add_foreground_grass(stage: Stage, colour: Rgb, *, base: float, depth: float = 1.0, flowers: bool = False) -> None:
    """A dark fringe of grass along the lower edge, with flowers when the prompt or the season asks for them."""
    chance = stage.scene.rng("grass")
    tall = 0.055 * stage.span
    canvas = stage.canvas(depth, top=base - 3.2 * tall, extra=0.01 * stage.width)
    outlines: list[Points] = []
    for x in np.arange(-0.1 * stage.width, 1.1 * stage.width, tall * 0.42):
        grass_tuft(outlines, float(x), base + 0.4 * tall, tall * float(chance.uniform(0.55, 1.25)), chance)
    dark = stage.palette.lit(brighten(colour, 0.62), depth)
    canvas.fill(outlines, downwards(base - tall, base + tall, stage.palette.lit(brighten(colour, 0.82), depth), dark))
    canvas.fill(box(-stage.width, base + 0.2 * tall, 2 * stage.width, stage.height * 1.4), dark)
    if flowers:
        _flower_heads(stage, canvas, base, tall, depth)
    stage.add_layer(canvas, depth)


def _flower_heads(stage: Stage, canvas: Canvas, base: float, tall: float, depth: float) -> None:
    from generation.engines.animatic.nature import flower

    chance = stage.scene.rng("flowers")
    asked = stage.colour_of("flower", stage.palette.accent(0))
    for _ in range(26):
        x = float(chance.uniform(-0.05, 1.05)) * stage.width
        size = tall * float(chance.uniform(1.2, 2.2))
        colour = asked if chance.random() < 0.6 else stage.palette.accent(int(chance.integers(4)))
        flower(stage.pen(canvas, x, base + tall * float(chance.uniform(0.1, 0.7)), size, depth=depth), chance, colour)
