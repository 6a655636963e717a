"""A photo studio for things: a seamless sweep of colour, arches and steps, a plinth in soft light."""

from __future__ import annotations

import numpy as np

from generation.engines.animatic.canvas import Canvas, Gradient, downwards
from generation.engines.animatic.cast import add_table
from generation.engines.animatic.nature import plant
from generation.engines.animatic.palette import Rgb, brighten, mix, rgb
from generation.engines.animatic.shapes import Points, oval, stroke
from generation.engines.animatic.stage import Stage, swaying
from generation.engines.animatic.things import TABLE
from generation.engines.animatic.walkers import add_animals, add_people

_SWEEPS = ("#f0c9b5", "#cfe0d6", "#f3dba8", "#d6cdea", "#bcd6e6", "#eab7a4", "#e9e1d5")


def paint_studio(stage: Stage) -> None:
    """The sweep, an arch or a disc behind, a plinth in the middle, what the prompt names on it."""
    stage.fit(0.95)
    chance = stage.scene.rng("studio")
    stage.drawn |= {"studio"} | ({stage.scene.time} if stage.scene.reading.concepts("time") else set())
    own = rgb(str(chance.choice(_SWEEPS)))
    if stage.scene.colours:
        own = mix(own, stage.palette.accents[0], 0.78)
    floor = stage.height * 0.70
    _sweep(stage, own, floor)
    _arch(stage, own, floor, int(chance.integers(3)))
    top = _plinth(stage, own, floor)
    if stage.scene.people:
        add_people(stage, floor + 0.16 * stage.span, depth=0.5, tall=0.46 * stage.span, pose="stand")
        add_animals(stage, floor + 0.18 * stage.span, depth=0.55, tall=0.4 * stage.span)
    _leaves(stage)
    named = [name for name in stage.scene.things if name in TABLE]
    add_table(stage, top if named else floor, depth=0.56)


def _sweep(stage: Stage, own: Rgb, floor: float) -> None:
    palette = stage.palette
    wall, ground = palette.lit(own, 1.0), palette.lit(brighten(own, 0.90), 1.0)
    canvas = stage.canvas(0.08)
    canvas.wash(
        Gradient(
            (
                (0.0, brighten(wall, 0.90)),
                (floor - 0.2 * stage.span, brighten(wall, 1.06)),
                (floor, brighten(ground, 1.02)),
                (floor + 0.10 * stage.span, brighten(ground, 1.10)),
                (stage.height, brighten(ground, 0.88)),
            )
        )
    )
    canvas.glow(
        stage.width * (0.5 + 0.22 * stage.light_side),
        floor - 0.55 * stage.span,
        0.95 * stage.span,
        brighten(wall, 1.5),
        0.55,
    )
    for blade in range(4):  # the shadow of a blind, very soft
        y = floor - (0.86 - 0.13 * blade) * stage.span
        shift = -stage.light_side * 0.5 * stage.span
        strip = np.array(
            [
                (stage.width / 2 + shift - 0.5 * stage.span, y),
                (stage.width / 2 + shift + 0.5 * stage.span, y - 0.20 * stage.span),
                (stage.width / 2 + shift + 0.5 * stage.span, y - 0.145 * stage.span),
                (stage.width / 2 + shift - 0.5 * stage.span, y + 0.055 * stage.span),
            ]
        )
        canvas.soft(strip, brighten(wall, 1.45), 0.03 * stage.span, 0.28)
    stage.add_layer(canvas, 0.08)


def _arch_outline(x: float, foot: float, half: float, tall: float) -> Points:
    turn = oval(x, foot - tall + half, half, half, start=0.5, end=1.0)
    outline: Points = np.concatenate([[(x - half, foot)], turn, [(x + half, foot)]])
    return outline


def _arch(stage: Stage, own: Rgb, floor: float, kind: int) -> None:
    """What stands behind the plinth: an arch, a disc, or two arches; framed in neon where the prompt is futuristic."""
    palette, span = stage.palette, stage.span
    canvas = stage.canvas(0.26)
    second = len(stage.scene.colours) > 1
    tone = palette.lit(mix(brighten(own, 0.86), palette.accent(int(second)), 0.62 if second else 0.34), 1.0)
    if kind == 1:
        rims = [_disc(canvas, tone, (stage.width / 2, floor - 0.36 * span), 0.27 * span, span)]
    else:
        pairs = ((0.0, 0.25, 0.74),) if kind == 0 else ((-0.17, 0.19, 0.62), (0.16, 0.22, 0.80))
        rims = []
        for index, (dx, half, tall) in enumerate(pairs):
            foot = (stage.width / 2 + dx * span, floor + 0.015 * span)
            rims.append(_one_arch(stage, canvas, brighten(tone, 1.0 - 0.10 * index), foot, half * span, tall * span))
    if "future" in stage.scene.moods:
        for index, rim in enumerate(rims):
            _neon(canvas, rim, ((90.0, 235.0, 255.0), (255.0, 90.0, 205.0))[index % 2], span)
    stage.add_layer(canvas, 0.26)


def _disc(canvas: Canvas, tone: Rgb, centre: tuple[float, float], radius: float, span: float) -> Points:
    x, y = centre
    canvas.soft(oval(x + 0.02 * span, y + 0.03 * span, radius, radius), brighten(tone, 0.4), 0.05 * span, 0.25)
    paint = downwards(y - radius, y + radius, brighten(tone, 1.16), brighten(tone, 0.92))
    canvas.fill(oval(x, y, radius, radius), paint)
    return oval(x, y, radius * 1.06, radius * 1.06)


def _one_arch(
    stage: Stage, canvas: Canvas, shade: Rgb, foot: tuple[float, float], half: float, tall: float
) -> Points:  # fmt: skip
    x, y = foot
    shadow = _arch_outline(x - stage.light_side * 0.035 * stage.span, y, half, tall)
    canvas.soft(shadow, brighten(shade, 0.4), 0.04 * stage.span, 0.24)
    ends = (1.14, 0.9) if stage.light_side < 0 else (0.9, 1.14)
    across = Gradient(((x - half, brighten(shade, ends[0])), (x + half, brighten(shade, ends[1]))), along_x=True)
    canvas.fill(_arch_outline(x, y, half, tall), across)
    inner = _arch_outline(x, y, half * 0.80, tall - half * 0.2)
    canvas.fill(inner, downwards(y - tall, y, brighten(shade, 0.84), brighten(shade, 0.98)))
    return _arch_outline(x, y, half * 0.80, tall - half * 0.2)[1:-1]


def _neon(canvas: Canvas, way: Points, colour: Rgb, span: float) -> None:
    """A tube of light along a line, with its glow on what is behind."""
    for wide, blur, opacity in ((0.030, 0.060, 0.40), (0.012, 0.016, 0.75)):
        canvas.soft(stroke(way, wide * span), colour, blur * span, opacity)
    canvas.fill(stroke(way, 0.0065 * span), mix(colour, (255.0, 255.0, 255.0), 0.72))


def _cylinder(stage: Stage, canvas: Canvas, x: float, foot: float, half: float, tall: float, tone: Rgb) -> float:
    """A plinth; returns the stage row of the middle of its top."""
    flat, left = half * 0.20, stage.light_side < 0
    canvas.soft(
        oval(x - stage.light_side * half * 0.35, foot + flat * 0.3, half * 1.25, flat * 1.3),
        brighten(tone, 0.35),
        flat * 0.9,
        0.38,
    )
    body: Points = np.concatenate(
        [oval(x, foot, half, flat, end=0.5), [(x - half, foot - tall), (x + half, foot - tall)]]
    )
    canvas.fill(
        body,
        Gradient(
            (
                (x - half, brighten(tone, 1.10 if left else 0.74)),
                (x - 0.2 * half if left else x + 0.2 * half, brighten(tone, 1.04)),
                (x + half, brighten(tone, 0.74 if left else 1.10)),
            ),
            along_x=True,
        ),
    )
    canvas.fill(
        oval(x, foot - tall, half, flat),
        downwards(foot - tall - flat, foot - tall + flat, brighten(tone, 1.16), brighten(tone, 1.28)),
    )
    return foot - tall


def _plinth(stage: Stage, own: Rgb, floor: float) -> float:
    span, depth, x = stage.span, 0.5, stage.width / 2
    canvas = stage.canvas(depth, top=floor - 0.2 * span)
    tone = stage.palette.lit(mix(brighten(own, 1.22), (250.0, 246.0, 240.0), 0.35), 1.0)
    low = _cylinder(stage, canvas, x, floor + 0.165 * span, 0.34 * span, 0.055 * span, brighten(tone, 0.93))
    top = _cylinder(stage, canvas, x, low + 0.012 * span, 0.25 * span, 0.065 * span, tone)
    side = -stage.light_side
    ball_x, ball_y, r = x + side * 0.33 * span, floor + 0.165 * span, 0.045 * span
    canvas.soft(oval(ball_x, ball_y + r * 0.95, r * 1.2, r * 0.3), brighten(tone, 0.35), r * 0.4, 0.4)
    accent = stage.palette.lit(stage.palette.accent(1), 1.0)
    canvas.fill(
        oval(ball_x, ball_y, r, r),
        Gradient(((ball_x - r, brighten(accent, 1.18)), (ball_x + r, brighten(accent, 0.76))), along_x=True),
    )
    stage.add_layer(canvas, depth)
    return top + 0.012 * span


def _leaves(stage: Stage) -> None:
    """A plant's leaves at the edge, near and out of the way."""
    depth = 0.9
    canvas = stage.canvas(depth, extra=0.02 * stage.span)
    x = stage.width * (0.5 - 0.5 * stage.light_side) + 0.02 * stage.span * stage.light_side
    tone = stage.colour_of("plant", rgb("#5a8f6d"))
    plant(stage.pen(canvas, x, stage.height + 0.16 * stage.span, 0.46 * stage.span, depth=depth), tone, rgb("#c9785a"))
    stage.wants("plant")
    stage.add_layer(canvas, depth, path=swaying(0.004 * stage.span, 0.003 * stage.span, 5.0))
