"""Water: the open sea, a beach, a lake. A far shore, bands of waves that swell, glints under the sun, boats."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from generation.engines.animatic import vehicles
from generation.engines.animatic.animals import COLOURS, fish
from generation.engines.animatic.canvas import Canvas, Gradient, downwards
from generation.engines.animatic.cast import Thing, add_animals, add_birds, add_ground, add_people, add_thing
from generation.engines.animatic.nature import foliage, palm, pine
from generation.engines.animatic.palette import Rgb, brighten, mix, rgb
from generation.engines.animatic.places.open_air import add_far, add_hills, paint_sky, ridge
from generation.engines.animatic.shapes import Points, box, land, oval
from generation.engines.animatic.sheets import Glints
from generation.engines.animatic.stage import Stage, swaying, together, travelling

_BOAT = Thing(vehicles.boat, 0.21, (-0.5, -0.12, 0.5, 1.05), 5.0)


def paint_sea(stage: Stage) -> None:
    """Open water up to a high horizon, with waves nearer and nearer."""
    horizon = stage.horizon
    sun = paint_sky(stage, horizon)
    add_far(stage, horizon)
    if not stage.scene.beyond:
        _headland(stage, horizon)
    stage.drawn.add("sea")
    _water(stage, horizon, stage.height, sun, waves=5)
    if not stage.wants("bird"):
        add_birds(stage, horizon, count=3, size=0.034)


def paint_beach(stage: Stage) -> None:
    """Sea above, a curved beach below, foam that comes and goes, room to stand on the sand."""
    horizon = stage.horizon * 0.92
    sun = paint_sky(stage, horizon)
    add_far(stage, horizon)
    _headland(stage, horizon)
    shore = horizon + 0.42 * (stage.height - horizon)
    _water(stage, horizon, shore + 0.08 * stage.span, sun, waves=3)
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
        line = ridge(stage, f"range {index}", horizon + 0.01 * stage.span, relief * stage.span, knots=4 + index, octaves=5, depth=depth)
        tone = (112.0, 128.0, 152.0) if index == 0 else (86.0, 118.0, 112.0)
        stage.add_layer(add_hills(stage, line, tone, depth=depth), depth)
        mirrored.append((line, stage.palette.lit(tone, depth)))
    stage.drawn |= {"lake"} | ({"mountain", "forest"} & set(stage.scene.beyond))
    _far_trees(stage, horizon)
    _water(stage, horizon, stage.height, sun, waves=1, calm=True, mirrored=mirrored)
    ground = stage.height - 0.13 * stage.span
    line = ridge(stage, "bank", ground + 0.05 * stage.span, 0.05 * stage.span, knots=3, octaves=2, depth=0.85)
    stage.add_layer(add_hills(stage, line, mix(foliage(stage.scene, stage.scene.rng("bank")), (60.0, 70.0, 60.0), 0.25), depth=0.85), 0.85)
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
    canvas.fill(land(line, horizon + 5), downwards(float(line[:, 1].min()), horizon, tone, mix(tone, stage.palette.haze, 0.6)))
    stage.add_layer(canvas, depth)


def _deep(stage: Stage) -> Rgb:
    base = rgb("#2a7fa6") if stage.scene.place != "lake" else rgb("#3d7f93")
    if stage.scene.weather in ("storm", "rain", "cloudy"):
        base = mix(base, rgb("#4f6672"), 0.6)
    if stage.scene.place == "beach" and not stage.palette.dark:
        base = mix(base, rgb("#2fb1b5"), 0.55)
    # Water has no colour of its own at the edges of the day: it wears the sky's.
    if stage.scene.place == "lake":
        base = mix(base, stage.palette.sky[1], 0.35)
    return mix(base, stage.palette.sky[1], {"dusk": 0.62, "dawn": 0.55, "golden": 0.35}.get(stage.scene.time, 0.15))


def _water(stage: Stage, horizon: float, bottom: float, sun: tuple[float, float], *, waves: int, calm: bool = False,
           mirrored: Sequence[tuple[Points, Rgb]] = ()) -> None:  # fmt: skip
    """The surface: a lit far part, what is mirrored in it, the sun's path, then bands of waves."""
    palette = stage.palette
    deep = palette.lit(_deep(stage), 0.9)
    far = mix(mix(deep, palette.sky[3], 0.62), palette.haze, 0.15)
    canvas = stage.canvas(0.18, top=horizon)
    canvas.fill(box(-stage.width, horizon, 2 * stage.width, stage.height * 1.3),
                Gradient(((horizon, far), (horizon + 0.16 * (bottom - horizon), mix(far, deep, 0.5)), (bottom, deep))))  # fmt: skip
    for line, tone in mirrored:
        below = np.stack([line[:, 0], 2 * horizon - line[:, 1]], 1)
        canvas.soft(land(below, horizon), mix(tone, deep, 0.25), 0.006 * stage.span, 0.55)
    shine = stage.scene.weather not in ("rain", "storm", "fog", "snow")
    if shine:
        _sun_path(stage, canvas, horizon, bottom, sun[0])
    _ripples(stage, canvas, horizon, bottom, far, deep)
    stage.add_layer(canvas, 0.18)
    if shine:
        _add_glints(stage, horizon, bottom, sun[0])
    for band in range(waves):
        share = (band + 1) / (waves + 0.6)
        row = horizon + (bottom - horizon) * share**1.35
        depth = 0.25 + 0.6 * share
        _wave_band(stage, row, depth, mix(mix(far, deep, 0.35 + 0.65 * share), brighten(deep, 0.72), 0.55 * share), calm, band)
        if band == waves // 2:
            _on_water(stage, row, depth)


def _sun_path(stage: Stage, canvas: Canvas, horizon: float, bottom: float, x: float) -> None:
    """The broken reflection of sun or moon, widening towards the eye."""
    chance = stage.scene.rng("sun path")
    strength = 0.75 if stage.scene.time in ("dawn", "dusk", "golden", "night") else 0.4
    for _ in range(120):
        share = float(chance.random()) ** 1.5
        y = horizon + 2 + share * 0.72 * (bottom - horizon)
        wide = stage.span * (0.010 + 0.030 * share) * float(chance.uniform(0.5, 1.5))
        at = x + stage.span * (0.020 + 0.085 * share) * float(chance.normal())
        canvas.fill(oval(at, y, wide, max(0.7, wide * 0.085)), stage.palette.sun, strength * (1 - 0.75 * share) * float(chance.uniform(0.4, 1)))


def _ripples(stage: Stage, canvas: Canvas, horizon: float, bottom: float, light: Rgb, dark: Rgb) -> None:
    chance = stage.scene.rng("ripples")
    for _ in range(90):
        share = float(chance.random()) ** 1.3
        y = horizon + 3 + share * (bottom - horizon)
        wide = stage.span * (0.008 + 0.05 * share) * float(chance.uniform(0.5, 1.4))
        tone = brighten(light, 1.12) if chance.random() < 0.55 else brighten(dark, 0.92)
        canvas.fill(oval(float(chance.uniform(0, stage.width)), y, wide, max(0.6, wide * 0.05)), tone, 0.35)


def _add_glints(stage: Stage, horizon: float, bottom: float, x: float) -> None:
    chance = stage.scene.rng("glints")
    low = horizon + 0.7 * (bottom - horizon)
    groups = [Canvas(0, horizon, stage.width, low - horizon) for _ in range(5)]
    level = 58.0 if stage.scene.time != "night" else 44.0
    for index in range(150):
        share = float(chance.random()) ** 1.4
        wide = stage.span * (0.004 + 0.014 * share) * float(chance.uniform(0.6, 1.4))
        at = x + stage.span * (0.03 + 0.16 * share) * float(chance.normal())
        groups[index % 5].fill(oval(at, horizon + 3 + share * (low - horizon) * 0.95, wide, max(0.7, wide * 0.10)), (level, level, level))
    stage.add(Glints(groups, 0.3, period_seconds=3.4))


def _wave_band(stage: Stage, row: float, depth: float, colour: Rgb, calm: bool, band: int) -> None:
    """One band of water with a crest line; it slides and swells in its own time."""
    chance = stage.scene.rng(f"wave {band}")
    rough = {"storm": 2.4, "wind": 1.6, "rain": 1.2}.get(stage.scene.weather, 1.0) * (0.32 if calm else 1.0)
    reach = stage.span * 0.045 * (0.4 + depth)
    canvas = stage.canvas(depth, top=row - 0.05 * stage.span * rough, extra=reach)
    x = np.linspace(-0.3 * stage.width, 1.3 * stage.width, 260)
    long, short = stage.span * (0.16 + 0.26 * depth), stage.span * (0.06 + 0.11 * depth)
    phase = float(chance.uniform(0, 6))
    crest = np.sin(2 * np.pi * x / long + phase) + 0.5 * np.sin(2 * np.pi * x / short + 2.1 * phase)
    line = np.stack([x, row - stage.span * 0.0075 * rough * (0.35 + depth) * crest], axis=1)
    high = float(line[:, 1].min())
    canvas.fill(land(line, stage.height * 1.4), downwards(high, row + 0.22 * stage.span, brighten(colour, 1.10), brighten(colour, 0.93)))
    thick = stage.span * 0.0022 * (0.4 + depth)
    foam = np.concatenate([line, (line + (0, thick))[::-1]])
    canvas.fill(foam, brighten(colour, 1.42), 0.55 if not calm else 0.3)
    for _ in range(10):
        wide = stage.span * 0.035 * depth * float(chance.uniform(0.5, 1.5))
        y = row + stage.span * float(chance.uniform(0.015, 0.11)) * (0.4 + depth)
        canvas.fill(oval(float(chance.uniform(0, stage.width)), y, wide, max(0.7, wide * 0.055)), brighten(colour, 1.22), 0.4)
    swell = swaying(reach * 0.9, 0.0045 * stage.span * rough * depth, 5.4 + 0.9 * band, phase)
    stage.add_layer(canvas, depth, path=swell)


def _on_water(stage: Stage, row: float, depth: float) -> None:
    """A boat where one is asked for, a leaping dolphin."""
    if stage.wants("boat"):
        bob = together(swaying(0.0, 0.006 * stage.span, 3.8), travelling(0.012 * stage.width, stage.seconds))
        add_thing(stage, "boat", _BOAT, at=(stage.width * (0.5 - 0.16 * stage.light_side), row + 0.004 * stage.span),
                  scale=stage.span * 0.26, depth=max(0.6, depth), path=bob)  # fmt: skip
    if stage.wants("fish"):
        colour = stage.colour_of("fish", COLOURS["fish"])
        stage.add_figure(lambda pen, share: fish(pen, colour, share), at=(0.62 * stage.width, row), scale=0.2 * stage.span, depth=depth,
                         reach=(-0.8, -0.02, 0.8, 0.9), cycle_seconds=1.5)  # fmt: skip


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
        canvas.fill(oval(float(chance.uniform(0, stage.width)), y, wide, wide * 0.09), brighten(dry, float(chance.choice([0.94, 1.06]))), 0.5)
    return canvas


def _foam(stage: Stage, shore: float) -> None:
    """A sheet of thin water with a white edge that runs up the beach and back."""
    depth = 0.75
    canvas = stage.canvas(depth, top=shore - 0.2 * stage.span, extra=0.03 * stage.span)
    x = np.linspace(-0.3 * stage.width, 1.3 * stage.width, 160)
    wobble = 0.010 * np.sin(9 * x / stage.width + 1) + 0.006 * np.sin(23 * x / stage.width)
    edge = shore + stage.span * (0.035 * np.sin(2.4 * x / stage.width + 0.6) * stage.light_side + wobble + 0.012)
    line = np.stack([x, edge], axis=1)
    sheet = np.concatenate([line, (line - (0, 0.10 * stage.span))[::-1]])
    pale = mix(stage.palette.lit(_deep(stage), 0.9), stage.palette.sun, 0.45)
    canvas.fill(sheet, Gradient(((shore - 0.1 * stage.span, stage.palette.lit(_deep(stage), 0.9)), (shore + 0.02 * stage.span, pale))), 0.55)
    white = mix(stage.palette.sun, (255.0, 255.0, 255.0), 0.5)
    canvas.fill(np.concatenate([line, (line - (0, 0.006 * stage.span))[::-1]]), stage.palette.lit(white, 1.0), 0.9)
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
