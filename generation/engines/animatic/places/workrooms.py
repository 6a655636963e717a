"""What stands along the wall where people work: kitchen, café, office, gym; one function per room."""

from __future__ import annotations

import numpy as np

from generation.engines.animatic.canvas import Canvas, downwards
from generation.engines.animatic.nature import plant
from generation.engines.animatic.palette import brighten, mix, rgb
from generation.engines.animatic.pen import Pen
from generation.engines.animatic.places.furniture import dark_side, shelf
from generation.engines.animatic.shapes import box, oval
from generation.engines.animatic.stage import Stage


def kitchen(stage: Stage, canvas: Canvas, floor: float) -> None:
    """Cupboards and a worktop along the wall, a shelf with jars, a pan on the hob."""
    span, palette = stage.span, stage.palette
    front = palette.lit(mix(stage.palette.accent(3), (226.0, 228.0, 222.0), 0.55), 0.9)
    top, low = floor - 0.16 * span, floor + 0.10 * span
    canvas.fill(box(-stage.width, top, 2 * stage.width, low), downwards(top, low, front, brighten(front, 0.86)))
    for x in np.arange(-0.2 * stage.width, 1.2 * stage.width, 0.19 * span):
        canvas.fill(
            box(x + 0.008 * span, top + 0.025 * span, x + 0.182 * span, low - 0.01 * span, 0.006 * span),
            brighten(front, 1.08),
        )
        canvas.fill(
            box(x + 0.07 * span, top + 0.04 * span, x + 0.12 * span, top + 0.046 * span, 0.003 * span),
            palette.lit(rgb("#b08d57"), 0.9),
        )
    slab = palette.lit(rgb("#efe7da"), 0.95)
    canvas.fill(
        box(-stage.width, top - 0.018 * span, 2 * stage.width, top + 0.006 * span),
        downwards(top - 0.018 * span, top, brighten(slab, 1.06), brighten(slab, 0.85)),
    )
    shelf(stage, canvas, dark_side(stage, 0.26), floor - 0.56 * span, 0.42 * span, "kitchen shelf")
    pen = stage.pen(canvas, dark_side(stage, 0.22), top - 0.018 * span, 0.13 * span, depth=0.85)
    pen.round(box(-0.5, 0.05, 0.5, 0.62, 0.12), stage.palette.accent(0))
    pen.box(-0.54, 0.60, 0.54, 0.68, stage.palette.accent(0), 0.85, radius=0.03)
    pen.oval(0.0, 0.74, 0.09, 0.07, "#3a3236")
    plant(
        stage.pen(canvas, dark_side(stage, 0.45), top - 0.016 * span, 0.15 * span, depth=0.85),
        rgb("#6ba06a"),
        rgb("#c9785a"),
    )
    stage.wants("plant", "shelf")


def cafe(stage: Stage, canvas: Canvas, floor: float) -> None:
    """A bar with an espresso machine, shelves of cups, a blank menu board."""
    span, palette = stage.span, stage.palette
    x = dark_side(stage, 0.28)
    board = palette.lit(rgb("#2f3a38"), 0.85)
    canvas.fill(
        box(x - 0.19 * span, floor - 0.80 * span, x + 0.19 * span, floor - 0.57 * span, 0.008 * span),
        palette.lit(rgb("#8a6542"), 0.85),
    )
    canvas.fill(box(x - 0.178 * span, floor - 0.788 * span, x + 0.178 * span, floor - 0.582 * span), board)
    for row, wide in enumerate((0.20, 0.26, 0.15)):
        canvas.fill(
            box(
                x - 0.15 * span,
                floor - (0.755 - 0.055 * row) * span,
                x + (wide - 0.15) * span,
                floor - (0.745 - 0.055 * row) * span,
                0.004 * span,
            ),
            brighten(board, 1.45),
            0.7,
        )
    shelf(stage, canvas, x, floor - 0.42 * span, 0.40 * span, "cafe shelf")
    top = floor - 0.17 * span
    wood = palette.lit(rgb("#6e4a36"), 0.9)
    canvas.fill(
        box(-stage.width, top, 2 * stage.width, floor + 0.12 * span),
        downwards(top, floor + 0.1 * span, brighten(wood, 1.05), brighten(wood, 0.75)),
    )
    canvas.fill(
        [
            box(p, top, p + 0.005 * span, floor + 0.12 * span)
            for p in np.arange(-0.2 * stage.width, 1.2 * stage.width, 0.07 * span)
        ],
        brighten(wood, 0.78),
        0.6,
    )
    canvas.fill(box(-stage.width, top - 0.02 * span, 2 * stage.width, top + 0.006 * span), brighten(wood, 1.4))
    _machine(stage, stage.pen(canvas, dark_side(stage, 0.24), top - 0.02 * span, 0.20 * span, depth=0.85))
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
    x = dark_side(stage, 0.28)
    for row, name in enumerate(("upper", "lower")):
        shelf(stage, canvas, x, floor - (0.66 - 0.22 * row) * span, 0.42 * span, f"office {name}")
    plant(
        stage.pen(canvas, dark_side(stage, 0.08), floor + 0.05 * span, 0.42 * span, depth=0.88),
        rgb("#4f8f6b"),
        rgb("#ece6dc"),
    )
    stage.wants("plant", "shelf", "book")


def gym(stage: Stage, canvas: Canvas, floor: float) -> None:
    """A rack of dumb-bells, a mirror and a ball."""
    span, palette = stage.span, stage.palette
    x = dark_side(stage, 0.30)
    glass = mix(palette.sky[3], palette.lit(rgb("#c9d6dd"), 0.8), 0.6)
    canvas.fill(
        box(x - 0.24 * span, floor - 0.72 * span, x + 0.24 * span, floor - 0.10 * span, 0.01 * span),
        downwards(floor - 0.72 * span, floor, brighten(glass, 1.1), brighten(glass, 0.9)),
    )
    canvas.fill(
        np.array(
            [
                (x - 0.1 * span, floor - 0.72 * span),
                (x + 0.02 * span, floor - 0.72 * span),
                (x - 0.14 * span, floor - 0.10 * span),
                (x - 0.22 * span, floor - 0.10 * span),
            ]
        ),
        (255.0, 255.0, 255.0),
        0.22,
    )
    pen = stage.pen(canvas, x, floor + 0.03 * span, span, depth=0.85)
    pen.shadow(0.0, 0.0, 0.26, 0.014, 0.3)
    for y in (0.10, 0.20):
        pen.box(-0.24, y - 0.012, 0.24, y, "#3b414c")
        for index, at in enumerate((-0.18, -0.06, 0.06, 0.18)):
            size = 0.030 + 0.005 * (index % 2)
            pen.limb((at - 0.03, y + 0.026), (at + 0.03, y + 0.026), 0.014, 0.014, "#9aa2ad")
            for end in (-0.034, 0.034):
                pen.box(
                    at + end - 0.014,
                    y + 0.026 - size,
                    at + end + 0.014,
                    y + 0.026 + size,
                    palette.accent(index),
                    radius=0.01,
                )
    for foot in (-0.235, 0.235):
        pen.limb((foot, 0.0), (foot, 0.22), 0.016, 0.016, "#3b414c")
    ball = stage.pen(canvas, dark_side(stage, 0.72), floor + 0.05 * span, 0.20 * span, depth=0.85)
    ball.shadow(0.0, 0.02, 0.5, 0.06, 0.3)
    ball.round(oval(0.0, 0.5, 0.5, 0.5), palette.accent(1))
