"""What stands along the wall of each room: sofa, shelves, counter, desk, bed, racks; lamps that hang from above.

One function per room paints into the room's furniture layer. Does not know walls and windows.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from generation.engines.animatic.canvas import Canvas, downwards
from generation.engines.animatic.nature import plant
from generation.engines.animatic.palette import Rgb, brighten, mix, rgb
from generation.engines.animatic.pen import Pen
from generation.engines.animatic.shapes import box, oval
from generation.engines.animatic.stage import Stage, swaying


def _side(stage: Stage, share: float) -> float:
    """A place away from the window: `share` of the width from the dark side."""
    return stage.width * (share if stage.light_side > 0 else 1 - share)


def _shelf(stage: Stage, canvas: Canvas, x: float, y: float, wide: float, name: str) -> None:
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
        tone = mix(palette.lit(palette.accent(int(chance.integers(5))), 0.75), palette.lit((236.0, 224.0, 206.0), 0.75), float(chance.uniform(0.1, 0.5)))
        canvas.fill(box(at, y - tall, at + thick, y, 0.002 * span), tone)
        canvas.fill(box(at + thick * 0.8, y - tall, at + thick, y), brighten(tone, 0.84))
        at += thick + span * 0.002
    plant(stage.pen(canvas, x + wide * 0.40, y, 0.11 * span, depth=0.85), rgb("#5d9467"), palette.accent(0))
    canvas.fill(box(x - wide / 2, y, x + wide / 2, y + 0.012 * span, 0.003 * span), downwards(y, y + 0.012 * span, brighten(wood, 1.15), brighten(wood, 0.8)))


def _frames(stage: Stage, canvas: Canvas, x: float, y: float, count: int) -> None:
    """Pictures on the wall: a small landscape in each."""
    span, palette = stage.span, stage.palette
    stage.wants("picture")
    for index in range(count):
        wide, tall = span * (0.13, 0.10)[index % 2], span * (0.17, 0.125)[index % 2]
        left, top = x + (index - (count - 1) / 2) * 0.165 * span - wide / 2, y + (0.02 * span) * (index % 2)
        canvas.soft(box(left, top + 0.01 * span, left + wide, top + tall + 0.015 * span), (50.0, 36.0, 40.0), 0.014 * span, 0.25)
        canvas.fill(box(left, top, left + wide, top + tall), palette.lit(rgb("#3b3437"), 0.8))
        inner = (left + 0.008 * span, top + 0.008 * span, left + wide - 0.008 * span, top + tall - 0.008 * span)
        canvas.fill(box(*inner), palette.lit(rgb("#f6efe2"), 0.9))
        middle, low = (inner[0] + inner[2]) / 2, inner[3] - 0.014 * span
        canvas.fill(oval(middle + 0.012 * span, top + tall * 0.40, wide * 0.16, wide * 0.16), palette.lit(palette.accent(index), 0.9))
        canvas.fill(oval(middle, low, wide * 0.34, tall * 0.24, start=0.5, end=1.0), palette.lit(palette.accent(index + 3), 0.85))


def living_room(stage: Stage, canvas: Canvas, floor: float) -> None:
    """A sofa, pictures above it, a plant, a fireplace where asked for."""
    span = stage.span
    x, foot = _side(stage, 0.30), floor + 0.05 * span
    _frames(stage, canvas, x, floor - 0.56 * span, 2)
    pen = stage.pen(canvas, x, foot, span, depth=0.85)
    if stage.wants("fireplace"):
        _fireplace(stage, canvas, pen)
    else:
        colour = stage.colour_of("sofa", mix(stage.palette.accent(2), (120.0, 124.0, 130.0), 0.25))
        stage.wants("sofa", "chair")
        _sofa(pen, colour)
    if stage.wants("shelf", "book"):
        _shelf(stage, canvas, _side(stage, 0.28), floor - 0.62 * span, 0.36 * span, "shelf")
    plant(stage.pen(canvas, _side(stage, 0.60), floor + 0.03 * span, 0.34 * span, depth=0.85), rgb("#55906a"), rgb("#d8c7b0"))
    stage.wants("plant")


def _sofa(pen: Pen, colour: Rgb) -> None:
    pen.shadow(0.0, 0.0, 0.34, 0.02, 0.32)
    for x in (-0.26, 0.26):
        pen.box(x - 0.012, 0.0, x + 0.012, 0.05, "#5b4030")
    pen.poly(box(-0.30, 0.12, 0.30, 0.34, 0.05), colour, 0.92)
    for side in (-1, 1):
        pen.fade(box(0.01 * side, 0.15, 0.285 * side, 0.325, 0.035), mix(colour, (255.0, 255.0, 255.0), 0.12), colour)
        pen.fade(box(0.005 * side, 0.10, 0.285 * side, 0.175, 0.025), mix(colour, (255.0, 255.0, 255.0), 0.2), colour)
        pen.fade(box(0.27 * side, 0.045, 0.345 * side, 0.235, 0.035), mix(colour, (255.0, 255.0, 255.0), 0.10), mix(colour, (30.0, 20.0, 30.0), 0.15))
    pen.poly(box(-0.33, 0.045, 0.33, 0.105, 0.02), colour, 0.82)
    pen.poly(box(-0.225, 0.165, -0.115, 0.275, 0.03), pen.palette.accent(1))
    pen.poly(box(0.12, 0.165, 0.215, 0.262, 0.03), pen.palette.accent(4), 0.95)


def _fireplace(stage: Stage, canvas: Canvas, pen: Pen) -> None:
    stone = (226.0, 214.0, 200.0)
    pen.box(-0.24, 0.0, 0.24, 0.42, stone, 0.95)
    pen.box(-0.28, 0.42, 0.28, 0.455, stone, 1.12)
    pen.box(-0.15, 0.0, 0.15, 0.28, (38.0, 28.0, 30.0), radius=0.02)
    pen.glow(0.0, 0.10, 0.46, (255.0, 150.0, 60.0), 0.45)
    from generation.engines.animatic.cast import GROUND, add_thing

    add_thing(stage, "campfire", GROUND["campfire"], at=(pen.x, pen.y - 0.015 * stage.span), scale=0.17 * stage.span, depth=0.35)


def kitchen(stage: Stage, canvas: Canvas, floor: float) -> None:
    """Cupboards and a worktop along the wall, a shelf with jars, a pan on the hob."""
    span, palette = stage.span, stage.palette
    front = palette.lit(mix(stage.palette.accent(3), (226.0, 228.0, 222.0), 0.55), 0.9)
    top, low = floor - 0.16 * span, floor + 0.10 * span
    canvas.fill(box(-stage.width, top, 2 * stage.width, low), downwards(top, low, front, brighten(front, 0.86)))
    for x in np.arange(-0.2 * stage.width, 1.2 * stage.width, 0.19 * span):
        canvas.fill(box(x + 0.008 * span, top + 0.025 * span, x + 0.182 * span, low - 0.01 * span, 0.006 * span), brighten(front, 1.08))
        canvas.fill(box(x + 0.07 * span, top + 0.04 * span, x + 0.12 * span, top + 0.046 * span, 0.003 * span), palette.lit(rgb("#b08d57"), 0.9))
    slab = palette.lit(rgb("#efe7da"), 0.95)
    canvas.fill(box(-stage.width, top - 0.018 * span, 2 * stage.width, top + 0.006 * span), downwards(top - 0.018 * span, top, brighten(slab, 1.06), brighten(slab, 0.85)))
    _shelf(stage, canvas, _side(stage, 0.26), floor - 0.56 * span, 0.42 * span, "kitchen shelf")
    pen = stage.pen(canvas, _side(stage, 0.22), top - 0.018 * span, 0.13 * span, depth=0.85)
    pen.round(box(-0.5, 0.05, 0.5, 0.62, 0.12), stage.palette.accent(0))
    pen.box(-0.54, 0.60, 0.54, 0.68, stage.palette.accent(0), 0.85, radius=0.03)
    pen.oval(0.0, 0.74, 0.09, 0.07, "#3a3236")
    plant(stage.pen(canvas, _side(stage, 0.45), top - 0.016 * span, 0.15 * span, depth=0.85), rgb("#6ba06a"), rgb("#c9785a"))
    stage.wants("plant", "shelf")


def cafe(stage: Stage, canvas: Canvas, floor: float) -> None:
    """A bar with an espresso machine, shelves of cups, a blank menu board."""
    span, palette = stage.span, stage.palette
    x = _side(stage, 0.28)
    board = palette.lit(rgb("#2f3a38"), 0.85)
    canvas.fill(box(x - 0.19 * span, floor - 0.80 * span, x + 0.19 * span, floor - 0.57 * span, 0.008 * span), palette.lit(rgb("#8a6542"), 0.85))
    canvas.fill(box(x - 0.178 * span, floor - 0.788 * span, x + 0.178 * span, floor - 0.582 * span), board)
    for row, wide in enumerate((0.20, 0.26, 0.15)):
        canvas.fill(box(x - 0.15 * span, floor - (0.755 - 0.055 * row) * span, x + (wide - 0.15) * span, floor - (0.745 - 0.055 * row) * span, 0.004 * span), brighten(board, 1.45), 0.7)
    _shelf(stage, canvas, x, floor - 0.42 * span, 0.40 * span, "cafe shelf")
    top = floor - 0.17 * span
    wood = palette.lit(rgb("#6e4a36"), 0.9)
    canvas.fill(box(-stage.width, top, 2 * stage.width, floor + 0.12 * span), downwards(top, floor + 0.1 * span, brighten(wood, 1.05), brighten(wood, 0.75)))
    canvas.fill([box(p, top, p + 0.005 * span, floor + 0.12 * span) for p in np.arange(-0.2 * stage.width, 1.2 * stage.width, 0.07 * span)], brighten(wood, 0.78), 0.6)
    canvas.fill(box(-stage.width, top - 0.02 * span, 2 * stage.width, top + 0.006 * span), brighten(wood, 1.4))
    _machine(stage, stage.pen(canvas, _side(stage, 0.24), top - 0.02 * span, 0.20 * span, depth=0.85))
    stage.wants("shelf")


def _machine(stage: Stage, pen: Pen) -> None:
    steel = (206.0, 210.0, 214.0)
    pen.round(box(-0.62, 0.06, 0.62, 0.86, 0.07), steel)
    pen.box(-0.50, 0.10, 0.50, 0.40, (48.0, 46.0, 52.0), radius=0.03)
    pen.box(-0.56, 0.66, 0.56, 0.78, stage.palette.accent(0), radius=0.03)
    for x in (-0.26, 0.26):
        pen.box(x - 0.08, 0.36, x + 0.08, 0.46, (70.0, 66.0, 70.0), radius=0.02)
        pen.box(x - 0.09, 0.10, x + 0.09, 0.24, (246.0, 240.0, 230.0), radius=0.03)
    for x in (-0.42, -0.20, 0.02, 0.24):
        pen.box(x, 0.87, x + 0.17, 0.98, (248.0, 243.0, 234.0), radius=0.03)


def office(stage: Stage, canvas: Canvas, floor: float) -> None:
    """Shelves and a tall plant."""
    span = stage.span
    x = _side(stage, 0.28)
    for row, name in enumerate(("upper", "lower")):
        _shelf(stage, canvas, x, floor - (0.66 - 0.22 * row) * span, 0.42 * span, f"office {name}")
    plant(stage.pen(canvas, _side(stage, 0.08), floor + 0.05 * span, 0.42 * span, depth=0.88), rgb("#4f8f6b"), rgb("#ece6dc"))
    stage.wants("plant", "shelf", "book")


def bedroom(stage: Stage, canvas: Canvas, floor: float) -> None:
    """A bed with a headboard, pillows and a bedside lamp."""
    span = stage.span
    _frames(stage, canvas, _side(stage, 0.30), floor - 0.66 * span, 2)
    pen = stage.pen(canvas, _side(stage, 0.32), floor + 0.08 * span, span, depth=0.88)
    linen, cloth = (248.0, 243.0, 236.0), mix(stage.palette.accent(2), (230.0, 224.0, 220.0), 0.3)
    pen.shadow(0.0, 0.0, 0.46, 0.03, 0.3)
    pen.fade(box(-0.36, 0.05, 0.36, 0.42, 0.05), mix(cloth, (90.0, 70.0, 70.0), 0.25), mix(cloth, (90.0, 70.0, 70.0), 0.45))
    for x in (-0.18, 0.17):
        pen.fade(box(x - 0.13, 0.21, x + 0.13, 0.33, 0.05), linen, mix(linen, (180.0, 170.0, 176.0), 0.4))
    pen.fade(box(-0.40, 0.03, 0.40, 0.23, 0.05), linen, mix(linen, (190.0, 180.0, 182.0), 0.35))
    pen.fade(box(-0.41, 0.02, 0.41, 0.15, 0.045), cloth, mix(cloth, (40.0, 30.0, 44.0), 0.2))
    lamp = stage.pen(canvas, _side(stage, 0.68), floor + 0.05 * span, span, depth=0.88)
    lamp.box(-0.08, 0.0, 0.08, 0.17, "#a77b55")
    lamp.limb((0.0, 0.17), (0.0, 0.28), 0.012, 0.012, "#6b5240")
    lamp.glow(0.0, 0.31, 0.26, (255.0, 206.0, 136.0), 0.55)
    lamp.lamp([(-0.065, 0.27), (0.065, 0.27), (0.042, 0.37), (-0.042, 0.37)], (255.0, 232.0, 186.0))
    stage.wants("lamp")


def gym(stage: Stage, canvas: Canvas, floor: float) -> None:
    """A rack of dumb-bells, a mirror and a ball."""
    span, palette = stage.span, stage.palette
    x = _side(stage, 0.30)
    glass = mix(palette.sky[3], palette.lit(rgb("#c9d6dd"), 0.8), 0.6)
    canvas.fill(box(x - 0.24 * span, floor - 0.72 * span, x + 0.24 * span, floor - 0.10 * span, 0.01 * span), downwards(floor - 0.72 * span, floor, brighten(glass, 1.1), brighten(glass, 0.9)))
    canvas.fill(np.array([(x - 0.1 * span, floor - 0.72 * span), (x + 0.02 * span, floor - 0.72 * span), (x - 0.14 * span, floor - 0.10 * span), (x - 0.22 * span, floor - 0.10 * span)]), (255.0, 255.0, 255.0), 0.22)
    pen = stage.pen(canvas, x, floor + 0.03 * span, span, depth=0.85)
    pen.shadow(0.0, 0.0, 0.26, 0.014, 0.3)
    for y in (0.10, 0.20):
        pen.box(-0.24, y - 0.012, 0.24, y, "#3b414c")
        for index, at in enumerate((-0.18, -0.06, 0.06, 0.18)):
            size = 0.030 + 0.005 * (index % 2)
            pen.limb((at - 0.03, y + 0.026), (at + 0.03, y + 0.026), 0.014, 0.014, "#9aa2ad")
            for end in (-0.034, 0.034):
                pen.box(at + end - 0.014, y + 0.026 - size, at + end + 0.014, y + 0.026 + size, palette.accent(index), radius=0.01)
    for foot in (-0.235, 0.235):
        pen.limb((foot, 0.0), (foot, 0.22), 0.016, 0.016, "#3b414c")
    ball = stage.pen(canvas, _side(stage, 0.72), floor + 0.05 * span, 0.20 * span, depth=0.85)
    ball.shadow(0.0, 0.02, 0.5, 0.06, 0.3)
    ball.round(oval(0.0, 0.5, 0.5, 0.5), palette.accent(1))


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
        pen.round([(-0.062, 0.008), (0.062, 0.008), (0.046, 0.042), (0.016, 0.072), (-0.016, 0.072), (-0.046, 0.042)], tone)
        stage.add_layer(canvas, 0.5, path=swaying(0.0025 * span, 0.0, 5.0, float(index)))


FURNITURE: dict[str, Callable[[Stage, Canvas, float], None]] = {
    "room": living_room, "kitchen": kitchen, "cafe": cafe, "office": office, "bedroom": bedroom, "gym": gym,
}  # fmt: skip
