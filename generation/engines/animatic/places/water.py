"""The surface of water: its colour under this sky, the path of the sun, glints, swelling bands of waves, boats."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from generation.engines.animatic import vehicles
from generation.engines.animatic.animals import COLOURS, fish
from generation.engines.animatic.canvas import Canvas, Gradient, downwards
from generation.engines.animatic.cast import add_thing
from generation.engines.animatic.palette import Rgb, brighten, mix, rgb
from generation.engines.animatic.shapes import Points, box, land, moved, oval
from generation.engines.animatic.sheets import Glints
from generation.engines.animatic.stage import Stage, swaying, together, travelling
from generation.engines.animatic.things import Thing

_BOAT = Thing(vehicles.boat, 0.21, (-0.5, -0.12, 0.5, 1.05), 5.0)


def water_colour(stage: Stage) -> Rgb:
    """The colour of deep water before the light falls on it."""
    base = rgb("#2a7fa6") if stage.scene.place != "lake" else rgb("#3d7f93")
    if stage.scene.weather in ("storm", "rain", "cloudy"):
        base = mix(base, rgb("#4f6672"), 0.6)
    if stage.scene.place == "beach" and not stage.palette.dark:
        base = mix(base, rgb("#2fb1b5"), 0.55)
    # Water has no colour of its own at the edges of the day: it wears the sky's.
    if stage.scene.place == "lake":
        base = mix(base, stage.palette.sky[1], 0.35)
    return mix(base, stage.palette.sky[1], {"dusk": 0.62, "dawn": 0.55, "golden": 0.35}.get(stage.scene.time, 0.15))


def add_water(stage: Stage, horizon: float, bottom: float, sun: tuple[float, float], *, waves: int, calm: bool = False,
    mirrored: Sequence[tuple[Points, Rgb]] = ()) -> None:  # fmt: skip
    """The surface: a lit far part, what is mirrored in it, the sun's path, then bands of waves."""
    palette = stage.palette
    deep = palette.lit(water_colour(stage), 0.9)
    far = mix(mix(deep, palette.sky[3], 0.62), palette.haze, 0.15)
    canvas = stage.canvas(0.18, top=horizon)
    canvas.fill(
        box(-stage.width, horizon, 2 * stage.width, stage.height * 1.3),
        Gradient(((horizon, far), (horizon + 0.16 * (bottom - horizon), mix(far, deep, 0.5)), (bottom, deep))),
    )
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
        _wave_band(
            stage, row, depth, mix(mix(far, deep, 0.35 + 0.65 * share), brighten(deep, 0.72), 0.55 * share), calm, band
        )
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
        canvas.fill(
            oval(at, y, wide, max(0.7, wide * 0.085)),
            stage.palette.sun,
            strength * (1 - 0.75 * share) * float(chance.uniform(0.4, 1)),
        )


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
        groups[index % 5].fill(
            oval(at, horizon + 3 + share * (low - horizon) * 0.95, wide, max(0.7, wide * 0.10)), (level, level, level)
        )
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
    canvas.fill(
        land(line, stage.height * 1.4),
        downwards(high, row + 0.22 * stage.span, brighten(colour, 1.10), brighten(colour, 0.93)),
    )
    thick = stage.span * 0.0022 * (0.4 + depth)
    foam = np.concatenate([line, moved(line, 0, thick)[::-1]])
    canvas.fill(foam, brighten(colour, 1.42), 0.55 if not calm else 0.3)
    for _ in range(10):
        wide = stage.span * 0.035 * depth * float(chance.uniform(0.5, 1.5))
        y = row + stage.span * float(chance.uniform(0.015, 0.11)) * (0.4 + depth)
        canvas.fill(
            oval(float(chance.uniform(0, stage.width)), y, wide, max(0.7, wide * 0.055)), brighten(colour, 1.22), 0.4
        )
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
        stage.add_figure(
            lambda pen, share: fish(pen, colour, share),
            at=(0.62 * stage.width, row),
            scale=0.2 * stage.span,
            depth=depth,
            reach=(-0.8, -0.02, 0.8, 0.9),
            cycle_seconds=1.5,
        )
