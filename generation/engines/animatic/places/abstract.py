"""The honest abstract for what cannot be drawn: soft light, paper-cut waves or discs, in the prompt's palette.

Its form, colours and rhythm come from the prompt's own hash, so every prompt has its own.
"""

from __future__ import annotations

import numpy as np

from generation.engines.animatic.canvas import Canvas, Gradient, downwards
from generation.engines.animatic.cast import add_sky, add_table
from generation.engines.animatic.palette import Rgb, brighten, hue_turned, luma, mix
from generation.engines.animatic.shapes import Points, land, moved, oval
from generation.engines.animatic.sheets import Sheet
from generation.engines.animatic.stage import Stage, swaying, together, travelling
from generation.engines.animatic.things import TABLE
from generation.engines.animatic.walkers import add_people


def paint_abstract(stage: Stage) -> None:
    """One of three forms over a soft gradient."""
    chance = stage.scene.rng("abstract")
    stage.drawn |= {"abstract"} & set(stage.scene.reading.concepts("place"))
    if stage.scene.reading.concepts("time"):
        stage.drawn.add(stage.scene.time)
    colours = _colours(stage, chance)
    _ground(stage, colours, chance)
    form = int(chance.integers(3))
    (_waves, _discs, _ribbons)[form](stage, colours, chance)
    add_sky(stage, stage.height * 0.6)
    add_people(stage, stage.height - 0.10 * stage.span, depth=0.8, tall=0.34 * stage.span, pose="stand")
    if any(name in TABLE for name in stage.scene.things):
        add_table(stage, stage.height * 0.74, depth=0.8)


def _colours(stage: Stage, chance: np.random.Generator) -> list[Rgb]:
    """Five neighbours on the colour wheel and one guest, in the hour's light."""
    base = (
        stage.palette.accents[0]
        if stage.scene.colours
        else hue_turned(stage.palette.accent(int(chance.integers(4))), float(chance.uniform(0, 360)))
    )
    if not stage.scene.colours and luma(base) < 70:
        base = brighten(base, 1.35)
    step = float(chance.uniform(14, 26)) * (1 if chance.random() < 0.5 else -1)
    if stage.scene.colours:
        step *= 0.45
    family = [hue_turned(base, step * k) for k in range(-1, 3)]
    guest = stage.palette.accents[1] if len(stage.scene.colours) > 1 else hue_turned(base, 6 * step)
    return [stage.palette.lit(colour, 1.0) for colour in (*family, guest)]


def _ground(stage: Stage, colours: list[Rgb], chance: np.random.Generator) -> None:
    canvas = stage.canvas(0.0)
    light = mix(colours[0], (255.0, 250.0, 244.0), 0.62 if not stage.palette.dark else 0.06)
    if stage.palette.dark:
        light = brighten(light, 0.5)
    canvas.wash(downwards(0, stage.height, light, mix(light, colours[1], 0.5)))
    canvas.glow(
        stage.width * float(chance.uniform(0.1, 0.9)),
        stage.height * 0.15,
        0.6 * stage.span,
        mix(colours[3], light, 0.3),
        0.5,
    )
    stage.add_layer(canvas, 0.0)
    for index in range(2):  # soft lights that wander
        reach = 0.07 * stage.span
        radius = stage.span * float(chance.uniform(0.26, 0.42))
        x, y = stage.width * float(chance.uniform(0.05, 0.95)), stage.height * float(chance.uniform(0.08, 0.6))
        glow = Canvas(x - radius, y - radius, 2 * radius, 2 * radius)
        glow.glow(x, y, radius, mix(colours[(index + 1) % 5], (255.0, 255.0, 255.0), 0.15), 0.62)
        stage.add(
            Sheet(
                [glow],
                0.15,
                path=swaying(reach, reach * 0.7, float(chance.uniform(9, 15)), float(chance.uniform(0, 6))),
            )
        )


def _waves(stage: Stage, colours: list[Rgb], chance: np.random.Generator) -> None:
    """Layers of cut paper, each with its own slow swell and a soft shadow on the one behind."""
    count = 5
    for index in range(count):
        depth = 0.25 + 0.15 * index
        row = stage.height * (0.50 + 0.115 * index)
        reach = 0.05 * stage.span
        canvas = stage.canvas(depth, top=row - 0.26 * stage.span, extra=reach)
        x = np.linspace(-0.4 * stage.width, 1.4 * stage.width, 240)
        long = stage.span * float(chance.uniform(0.55, 0.95))
        crest = np.sin(2 * np.pi * x / long + float(chance.uniform(0, 6))) + 0.35 * np.sin(
            4.4 * np.pi * x / long + float(chance.uniform(0, 6))
        )
        line = np.stack([x, row - stage.span * 0.075 * crest], axis=1)
        tone = mix(colours[index % 4], colours[4], 0.12 * index)
        canvas.soft(
            land(moved(line, 0, -0.012 * stage.span), stage.height * 1.4), brighten(tone, 0.35), 0.03 * stage.span, 0.22
        )
        top = float(line[:, 1].min())
        canvas.fill(
            land(line, stage.height * 1.4),
            Gradient(((top, brighten(tone, 1.22)), (row + 0.3 * stage.span, brighten(tone, 0.86)))),
        )
        stage.add_layer(
            canvas, depth, path=swaying(reach * 0.9, 0.012 * stage.span, float(chance.uniform(8, 13)), float(index))
        )


def _discs(stage: Stage, colours: list[Rgb], chance: np.random.Generator) -> None:
    """Large discs and rings that pass each other."""
    for index in range(6):
        depth = 0.2 + 0.13 * index
        radius = stage.span * float(chance.uniform(0.10, 0.27))
        x = stage.width * float(chance.uniform(0.0, 1.0))
        y = stage.height * float(chance.uniform(0.42, 0.95))
        tone = colours[index % 5]
        reach = radius + 0.06 * stage.span
        canvas = Canvas(x - reach, y - reach, 2 * reach, 2 * reach)
        canvas.soft(
            oval(x + 0.01 * stage.span, y + 0.018 * stage.span, radius, radius),
            brighten(tone, 0.35),
            0.03 * stage.span,
            0.24,
        )
        canvas.fill(
            oval(x, y, radius, radius),
            Gradient(((y - radius, brighten(tone, 1.25)), (y + radius, brighten(tone, 0.85)))),
        )
        if index % 2:
            canvas.fill(
                oval(x, y, radius * 0.62, radius * 0.62),
                Gradient(((y - radius, brighten(tone, 0.84)), (y + radius, brighten(tone, 1.2)))),
            )
        drift = travelling(stage.span * float(chance.uniform(-0.02, 0.02)), stage.seconds)
        stage.add(
            Sheet(
                [canvas],
                depth,
                path=together(
                    drift, swaying(0.02 * stage.span, 0.03 * stage.span, float(chance.uniform(6, 11)), float(index))
                ),
            )
        )


def _ribbons(stage: Stage, colours: list[Rgb], chance: np.random.Generator) -> None:
    """Broad ribbons across the frame, folded by light."""
    for index in range(4):
        depth = 0.25 + 0.18 * index
        reach = 0.05 * stage.span
        canvas = stage.canvas(depth, extra=reach)
        x = np.linspace(-0.4 * stage.width, 1.4 * stage.width, 200)
        slope = float(chance.uniform(-0.35, 0.35))
        row = stage.height * (0.46 + 0.15 * index) + slope * (x - stage.width / 2)
        bend = (
            stage.span
            * 0.09
            * np.sin(2 * np.pi * x / (stage.span * float(chance.uniform(0.7, 1.2))) + float(chance.uniform(0, 6)))
        )
        thick = stage.span * (0.10 + 0.05 * np.sin(2 * np.pi * x / (stage.span * 0.9) + float(chance.uniform(0, 6))))
        upper, lower = np.stack([x, row + bend - thick], 1), np.stack([x, row + bend + thick], 1)
        band: Points = np.concatenate([upper, lower[::-1]])
        tone = colours[index % 5]
        canvas.soft(moved(band, 0, 0.02 * stage.span), brighten(tone, 0.35), 0.04 * stage.span, 0.22)
        stops = [
            (float(place), brighten(tone, 1.0 + 0.24 * float(np.sin(5 * k + index))))
            for k, place in enumerate(np.linspace(0, stage.width, 6))
        ]
        canvas.fill(band, Gradient(tuple(stops), along_x=True))
        stage.add_layer(
            canvas, depth, path=swaying(reach * 0.9, 0.02 * stage.span, float(chance.uniform(8, 12)), float(index))
        )
