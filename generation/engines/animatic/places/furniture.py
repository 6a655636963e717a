"""Furniture: shelves and pictures on a wall, a sofa, a fireplace, a bed, lamps that hang from above.

Each room's function paints into the room's furniture layer. Does not know walls and windows.
"""

from __future__ import annotations

from generation.engines.animatic.canvas import Canvas, downwards
from generation.engines.animatic.cast import add_thing
from generation.engines.animatic.nature import plant
from generation.engines.animatic.palette import Rgb, brighten, mix, rgb
from generation.engines.animatic.pen import Pen
from generation.engines.animatic.shapes import box, oval
from generation.engines.animatic.stage import Stage, swaying
from generation.engines.animatic.things import GROUND


def dark_side(stage: Stage, share: float) -> float:
    """A place away from the window: `share` of the width from the dark side."""
    return stage.width * (share if stage.light_side > 0 else 1 - share)


def shelf(stage: Stage, canvas: Canvas, x: float, y: float, wide: float, name: str) -> None:
    """A board on the wall with books, jars and a small plant."""
    span, palette, chance = stage.span, stage.palette, stage.scene.rng(name)
    wood = palette.lit(rgb("#9a6f4a"), 0.8)
    canvas.soft(box(x - wide / 2, y, x + wide / 2, y + 0.035 * span), (50.0, 36.0, 40.0), 0.02 * span, 0.22)
    at = x - wide * 0.46
    while at < x + wide * 0.40:
        thick, tall = span * float(chance.uniform(0.012, 0.028)), span * float(chance.uniform(0.05, 0.105))
        if chance.random() < 0.16:
            at += span * 0.03
            continue
        tone = mix(
            palette.lit(palette.accent(int(chance.integers(5))), 0.75),
            palette.lit((236.0, 224.0, 206.0), 0.75),
            float(chance.uniform(0.1, 0.5)),
        )
        canvas.fill(box(at, y - tall, at + thick, y, 0.002 * span), tone)
        canvas.fill(box(at + thick * 0.8, y - tall, at + thick, y), brighten(tone, 0.84))
        at += thick + span * 0.002
    plant(stage.pen(canvas, x + wide * 0.40, y, 0.11 * span, depth=0.85), rgb("#5d9467"), palette.accent(0))
    canvas.fill(
        box(x - wide / 2, y, x + wide / 2, y + 0.012 * span, 0.003 * span),
        downwards(y, y + 0.012 * span, brighten(wood, 1.15), brighten(wood, 0.8)),
    )


def _frames(stage: Stage, canvas: Canvas, x: float, y: float, count: int) -> None:
    """Pictures on the wall: a small landscape in each."""
    span, palette = stage.span, stage.palette
    stage.wants("picture")
    for index in range(count):
        wide, tall = span * (0.13, 0.10)[index % 2], span * (0.17, 0.125)[index % 2]
        left, top = x + (index - (count - 1) / 2) * 0.165 * span - wide / 2, y + (0.02 * span) * (index % 2)
        canvas.soft(
            box(left, top + 0.01 * span, left + wide, top + tall + 0.015 * span), (50.0, 36.0, 40.0), 0.014 * span, 0.25
        )
        canvas.fill(box(left, top, left + wide, top + tall), palette.lit(rgb("#3b3437"), 0.8))
        inner = (left + 0.008 * span, top + 0.008 * span, left + wide - 0.008 * span, top + tall - 0.008 * span)
        canvas.fill(box(*inner), palette.lit(rgb("#f6efe2"), 0.9))
        middle, low = (inner[0] + inner[2]) / 2, inner[3] - 0.014 * span
        canvas.fill(
            oval(middle + 0.012 * span, top + tall * 0.40, wide * 0.16, wide * 0.16),
            palette.lit(palette.accent(index), 0.9),
        )
        canvas.fill(
            oval(middle, low, wide * 0.34, tall * 0.24, start=0.5, end=1.0),
            palette.lit(palette.accent(index + 3), 0.85),
        )


def living_room(stage: Stage, canvas: Canvas, floor: float) -> None:
    """A sofa, pictures above it, a plant, a fireplace where asked for."""
    span = stage.span
    x, foot = dark_side(stage, 0.30), floor + 0.05 * span
    _frames(stage, canvas, x, floor - 0.56 * span, 2)
    pen = stage.pen(canvas, x, foot, span, depth=0.85)
    if stage.wants("fireplace"):
        _fireplace(stage, canvas, pen)
    else:
        colour = stage.colour_of("sofa", mix(stage.palette.accent(2), (120.0, 124.0, 130.0), 0.25))
        stage.wants("sofa", "chair")
        _sofa(pen, colour)
    if stage.wants("shelf", "book"):
        shelf(stage, canvas, dark_side(stage, 0.28), floor - 0.62 * span, 0.36 * span, "shelf")
    plant(
        stage.pen(canvas, dark_side(stage, 0.60), floor + 0.03 * span, 0.34 * span, depth=0.85),
        rgb("#55906a"),
        rgb("#d8c7b0"),
    )
    stage.wants("plant")


def _sofa(pen: Pen, colour: Rgb) -> None:
    pen.shadow(0.0, 0.0, 0.34, 0.02, 0.32)
    for x in (-0.26, 0.26):
        pen.box(x - 0.012, 0.0, x + 0.012, 0.05, "#5b4030")
    pen.poly(box(-0.30, 0.12, 0.30, 0.34, 0.05), colour, 0.92)
    for side in (-1, 1):
        pen.fade(box(0.01 * side, 0.15, 0.285 * side, 0.325, 0.035), mix(colour, (255.0, 255.0, 255.0), 0.12), colour)
        pen.fade(box(0.005 * side, 0.10, 0.285 * side, 0.175, 0.025), mix(colour, (255.0, 255.0, 255.0), 0.2), colour)
        pen.fade(
            box(0.27 * side, 0.045, 0.345 * side, 0.235, 0.035),
            mix(colour, (255.0, 255.0, 255.0), 0.10),
            mix(colour, (30.0, 20.0, 30.0), 0.15),
        )
    pen.poly(box(-0.33, 0.045, 0.33, 0.105, 0.02), colour, 0.82)
    pen.poly(box(-0.225, 0.165, -0.115, 0.275, 0.03), pen.palette.accent(1))
    pen.poly(box(0.12, 0.165, 0.215, 0.262, 0.03), pen.palette.accent(4), 0.95)


def _fireplace(stage: Stage, canvas: Canvas, pen: Pen) -> None:
    stone = (226.0, 214.0, 200.0)
    pen.box(-0.24, 0.0, 0.24, 0.42, stone, 0.95)
    pen.box(-0.28, 0.42, 0.28, 0.455, stone, 1.12)
    pen.box(-0.15, 0.0, 0.15, 0.28, (38.0, 28.0, 30.0), radius=0.02)
    pen.glow(0.0, 0.10, 0.46, (255.0, 150.0, 60.0), 0.45)
    add_thing(
        stage,
        "campfire",
        GROUND["campfire"],
        at=(pen.x, pen.y - 0.015 * stage.span),
        scale=0.17 * stage.span,
        depth=0.35,
    )


def bedroom(stage: Stage, canvas: Canvas, floor: float) -> None:
    """A bed with a headboard, pillows and a bedside lamp."""
    span = stage.span
    _frames(stage, canvas, dark_side(stage, 0.30), floor - 0.66 * span, 2)
    pen = stage.pen(canvas, dark_side(stage, 0.32), floor + 0.08 * span, span, depth=0.88)
    linen, cloth = (248.0, 243.0, 236.0), mix(stage.palette.accent(2), (230.0, 224.0, 220.0), 0.3)
    pen.shadow(0.0, 0.0, 0.46, 0.03, 0.3)
    pen.fade(
        box(-0.36, 0.05, 0.36, 0.42, 0.05), mix(cloth, (90.0, 70.0, 70.0), 0.25), mix(cloth, (90.0, 70.0, 70.0), 0.45)
    )
    for x in (-0.18, 0.17):
        pen.fade(box(x - 0.13, 0.21, x + 0.13, 0.33, 0.05), linen, mix(linen, (180.0, 170.0, 176.0), 0.4))
    pen.fade(box(-0.40, 0.03, 0.40, 0.23, 0.05), linen, mix(linen, (190.0, 180.0, 182.0), 0.35))
    pen.fade(box(-0.41, 0.02, 0.41, 0.15, 0.045), cloth, mix(cloth, (40.0, 30.0, 44.0), 0.2))
    lamp = stage.pen(canvas, dark_side(stage, 0.68), floor + 0.05 * span, span, depth=0.88)
    lamp.box(-0.08, 0.0, 0.08, 0.17, "#a77b55")
    lamp.limb((0.0, 0.17), (0.0, 0.28), 0.012, 0.012, "#6b5240")
    lamp.glow(0.0, 0.31, 0.26, (255.0, 206.0, 136.0), 0.55)
    lamp.lamp([(-0.065, 0.27), (0.065, 0.27), (0.042, 0.37), (-0.042, 0.37)], (255.0, 232.0, 186.0))
    stage.wants("lamp")


def add_pendants(stage: Stage) -> None:
    """Two or three lamps on cords that swing a hair's breadth."""
    span, palette, chance = stage.span, stage.palette, stage.scene.rng("pendants")
    count = 3 if stage.width > stage.height else 2
    tone = palette.accent(int(chance.integers(5)))
    stage.wants("lamp")
    for index in range(count):
        canvas = stage.canvas(0.5, bottom=0.42 * stage.height, extra=0.01 * span)
        x = stage.width * (0.5 + (index - (count - 1) / 2) * (0.22 if count == 3 else 0.34))
        y = stage.height * (0.105 + 0.022 * (index % 2))
        pen = stage.pen(canvas, x, y, span, depth=0.95)
        pen.line([(0.0, 0.07), (0.0, 2.0)], 0.0035, "#3a3436")
        pen.glow(0.0, 0.0, 0.20 if palette.lamps else 0.14, (255.0, 214.0, 150.0), 0.60 if palette.lamps else 0.30)
        pen.lamp(oval(0.0, 0.006, 0.018, 0.018), (255.0, 240.0, 206.0))
        pen.round(
            [(-0.062, 0.008), (0.062, 0.008), (0.046, 0.042), (0.016, 0.072), (-0.016, 0.072), (-0.046, 0.042)], tone
        )
        stage.add_layer(canvas, 0.5, path=swaying(0.0025 * span, 0.0, 5.0, float(index)))
