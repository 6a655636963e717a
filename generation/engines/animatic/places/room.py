"""Rooms: living room, kitchen, café, office, bedroom, gym. A wall in window light, furniture, a table in front.

All rooms share one light: a window that throws its soft shape on the wall. What stands along the wall depends on the
room; what the prompt names stands on the table.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from generation.engines.animatic.canvas import Canvas, Gradient, downwards
from generation.engines.animatic.cast import add_table
from generation.engines.animatic.palette import Rgb, brighten, mix, rgb
from generation.engines.animatic.places.furniture import add_pendants, bedroom, living_room
from generation.engines.animatic.places.skyline import paint_skyline
from generation.engines.animatic.places.workrooms import cafe, gym, kitchen, office
from generation.engines.animatic.shapes import box, oval
from generation.engines.animatic.stage import Stage, swaying
from generation.engines.animatic.things import TABLE
from generation.engines.animatic.walkers import add_animals, add_people

_WALLS = {
    "room": ("#e9d9c3", "#d9c7b4", "#cdd3c4", "#e3cfc0"),
    "kitchen": ("#e6e2d6", "#dfe3dc", "#f0e2cd"),
    "cafe": ("#b98a66", "#7f8f80", "#c9a583"),
    "office": ("#dfe3e8", "#e7e1d8", "#cfd8dc"),
    "bedroom": ("#d9cdd3", "#cfd4dc", "#e4d6c9"),
    "gym": ("#c7ccd4", "#b9c2cc", "#d5cfc8"),
}
FURNITURE: dict[str, Callable[[Stage, Canvas, float], None]] = {
    "room": living_room, "kitchen": kitchen, "cafe": cafe, "office": office, "bedroom": bedroom, "gym": gym,
}  # fmt: skip
_FLOORS = {"gym": "#6d7480", "office": "#b9a78f", "kitchen": "#c9b293"}


def paint_room(stage: Stage) -> None:
    """One of the rooms, by the scene's place."""
    stage.fit(0.92)
    place = stage.scene.place
    stage.drawn |= {place, stage.scene.time}
    stage.wants("clear")
    floor = stage.height * (0.735 if stage.height >= stage.width else 0.76)
    wall = _wall_colour(stage)
    canvas = stage.canvas(0.14)
    _wall(stage, canvas, wall, floor)
    _window(stage, canvas, floor, wall)
    _light_on_wall(stage, canvas, floor)
    stage.add_layer(canvas, 0.14)
    canvas = stage.canvas(0.34)
    FURNITURE[place](stage, canvas, floor)
    stage.add_layer(canvas, 0.34)
    _dust(stage)
    tall = 0.46 * stage.span
    with_table = (
        place in ("kitchen", "cafe", "office") or stage.hero or any(name in TABLE for name in stage.scene.things)
    )
    with_table = with_table or "table" in stage.scene.things
    if not with_table:
        _rug(stage, floor)
    add_people(stage, floor + 0.13 * stage.span, depth=0.46, tall=tall, pose="dance" if place == "gym" else "stand")
    add_animals(stage, floor + (0.13 if with_table else 0.20) * stage.span, depth=0.5, tall=tall)
    if place in ("room", "kitchen", "cafe") or stage.wants("lamp"):
        add_pendants(stage)
    if with_table:
        _table(stage)


def _wall_colour(stage: Stage) -> Rgb:
    chance = stage.scene.rng("room wall")
    own = rgb(str(chance.choice(_WALLS[stage.scene.place])))
    if stage.scene.colours:
        own = mix(own, stage.palette.accents[0], 0.62)
    elif chance.random() < 0.5:
        own = mix(own, stage.palette.accent(int(chance.integers(4))), 0.22)
    return own


def _wall(stage: Stage, canvas: Canvas, wall: Rgb, floor: float) -> None:
    palette, side = stage.palette, stage.light_side
    bright, dim = palette.lit(brighten(wall, 1.10), 1.0), palette.lit(brighten(wall, 0.80), 1.0)
    stops = ((0.0, dim), (stage.width, bright)) if side > 0 else ((0.0, bright), (stage.width, dim))
    canvas.wash(Gradient(stops, along_x=True))
    canvas.wash(downwards(0, stage.height, brighten(dim, 0.9), bright), 0.35)
    if stage.scene.place == "kitchen":
        _tiles(stage, canvas, palette.lit(brighten(wall, 1.16), 1.0), floor)
    wood = palette.lit(rgb(_FLOORS.get(stage.scene.place, "#b58a63")), 1.0)
    canvas.fill(
        box(-stage.width, floor, 2 * stage.width, stage.height * 1.3),
        downwards(floor, stage.height, brighten(wood, 0.82), brighten(wood, 1.06)),
    )
    boards = [
        np.array(
            [
                (stage.width * (0.5 + c * 0.55), floor),
                (stage.width * (0.5 + c), stage.height * 1.3),
                (stage.width * (0.5 + c) + 0.004 * stage.span, stage.height * 1.3),
            ]
        )
        for c in np.linspace(-2, 2, 17)
    ]
    canvas.fill(boards, brighten(wood, 0.78), 0.45)
    skirting = palette.lit(brighten(wall, 1.22), 1.0)
    canvas.fill(
        box(-stage.width, floor - 0.022 * stage.span, 2 * stage.width, floor),
        downwards(floor - 0.022 * stage.span, floor, skirting, brighten(skirting, 0.85)),
    )
    canvas.soft(
        box(-stage.width, floor, 2 * stage.width, floor + 0.012 * stage.span),
        (40.0, 30.0, 36.0),
        0.02 * stage.span,
        0.25,
    )


def _tiles(stage: Stage, canvas: Canvas, colour: Rgb, floor: float) -> None:
    high, step = 0.052 * stage.span, 0.104 * stage.span
    top = floor - 0.50 * stage.span
    tiles = [
        box(x + 2, y + 2, x + step - 2, y + high - 2, 0.004 * stage.span)
        for row, y in enumerate(np.arange(top, floor - 0.1 * stage.span, high))
        for x in np.arange(-0.2 * stage.width - (row % 2) * step / 2, 1.2 * stage.width, step)
    ]
    canvas.fill(tiles, colour, 0.6)


def _window(stage: Stage, canvas: Canvas, floor: float, wall: Rgb) -> None:
    """A window on the side of the light, with the hour's sky behind it."""
    palette, span = stage.palette, stage.span
    stage.wants("window")
    wide, tall = 0.34 * span, 0.50 * span
    middle = stage.width * (0.5 + 0.33 * stage.light_side) + (0.03 * span * stage.light_side)
    x0, x1, y1 = middle - wide / 2, middle + wide / 2, floor - 0.24 * span
    y0 = y1 - tall
    frame = palette.lit(brighten(mix(wall, (255.0, 252.0, 246.0), 0.7), 1.05), 1.0)
    canvas.glow(middle, (y0 + y1) / 2, 0.62 * span, palette.sun, 0.34 if not palette.dark else 0.10)
    canvas.fill(box(x0 - 0.022 * span, y0 - 0.022 * span, x1 + 0.022 * span, y1 + 0.022 * span, 0.008 * span), frame)
    canvas.fill(box(x0, y0, x1, y1), downwards(y0, y1, palette.sky[1], palette.sky[2], palette.sky[3]))
    _view(stage, canvas, (x0, y0, x1, y1))
    bar = 0.008 * span
    canvas.fill(
        [box(middle - bar, y0, middle + bar, y1), box(x0, y0 + 0.36 * tall - bar, x1, y0 + 0.36 * tall + bar)], frame
    )
    canvas.fill(
        box(x0 - 0.04 * span, y1 + 0.015 * span, x1 + 0.04 * span, y1 + 0.04 * span, 0.006 * span),
        brighten(frame, 0.93),
    )
    _curtains(stage, canvas, (x0, y0, x1, y1), wall)


def _view(stage: Stage, canvas: Canvas, where: tuple[float, float, float, float]) -> None:
    """What is seen through the glass: a skyline where the prompt names a city, else soft hills."""
    x0, _, x1, y1 = where
    chance, palette = stage.scene.rng("view"), stage.palette
    if "city" in stage.scene.beyond:
        stage.drawn.add("city")
        scaled = paint_skyline(stage, y1, depth=0.1, tall=0.2, name="view").pixels
        left, top = int(x0), int(y1 - 0.20 * stage.span)
        piece = scaled[scaled.shape[0] - int(stage.height - y1 + 0.3 * stage.span) :, : int(x1 - x0)]
        canvas.paste(np.ascontiguousarray(piece[: int(0.2 * stage.span)]), left, top)
        return
    for index in range(2):
        base = y1 - (0.09 - 0.045 * index) * stage.span
        knots = [
            (x0 + share * (x1 - x0), base + 0.02 * stage.span * float(chance.uniform(-1, 1)))
            for share in np.linspace(0, 1, 6)
        ]
        outline = np.array([*knots, (x1, y1), (x0, y1)])
        canvas.fill(outline, palette.lit(rgb("#7fa06e"), 0.2 + 0.25 * index))
    if stage.scene.weather == "snow":
        canvas.fill(box(x0, y1 - 0.025 * stage.span, x1, y1), (244.0, 248.0, 252.0), 0.9)
    stage.drawn |= {stage.scene.weather} & {"snow", "cloudy", "fog"}


def _curtains(stage: Stage, canvas: Canvas, where: tuple[float, float, float, float], wall: Rgb) -> None:
    if stage.scene.place in ("office", "gym", "kitchen"):
        return
    x0, y0, x1, y1 = where
    span = stage.span
    cloth = stage.palette.lit(mix(wall, (255.0, 250.0, 242.0), 0.5), 1.0)
    canvas.fill(
        box(x0 - 0.11 * span, y0 - 0.052 * span, x1 + 0.11 * span, y0 - 0.042 * span),
        stage.palette.lit(rgb("#8a6a4a"), 1.0),
    )
    for left, right in ((x0 - 0.10 * span, x0 + 0.035 * span), (x1 - 0.035 * span, x1 + 0.10 * span)):
        fold = (right - left) / 6
        for index in range(6):
            tone = brighten(cloth, 0.90 if index % 2 else 1.06)
            canvas.fill(
                box(left + fold * index, y0 - 0.044 * span, left + fold * (index + 1) + 1, y1 + 0.16 * span),
                downwards(y0, y1 + 0.16 * span, tone, brighten(tone, 0.93)),
                0.96,
            )


def _light_on_wall(stage: Stage, canvas: Canvas, floor: float) -> None:
    """The window's slanting light, soft at its edges."""
    if stage.palette.dark or stage.scene.weather in ("rain", "storm"):
        return
    span, side = stage.span, stage.light_side
    x, y = stage.width * (0.5 - 0.10 * side), floor - 0.66 * span
    for column in range(2):
        for row in range(2):
            left, top = x - side * column * 0.155 * span, y + row * 0.215 * span
            pane = np.array(
                [
                    (left, top),
                    (left - side * 0.135 * span, top + 0.055 * span),
                    (left - side * 0.135 * span, top + 0.25 * span),
                    (left, top + 0.195 * span),
                ]
            )
            canvas.soft(pane, mix(stage.palette.sun, (255.0, 240.0, 210.0), 0.4), 0.018 * span, 0.34)


def _dust(stage: Stage) -> None:
    """A few motes of light that hang in the air."""
    chance = stage.scene.rng("dust")
    if stage.scene.place == "gym":
        return
    for _ in range(3):
        canvas = stage.canvas(0.5, extra=0.05 * stage.span)
        for _ in range(7):
            x, y = float(chance.uniform(0, stage.width)), stage.height * float(chance.uniform(0.25, 0.75))
            canvas.glow(x, y, stage.span * float(chance.uniform(0.003, 0.008)), stage.palette.sun, 0.45)
        stage.add_layer(
            canvas,
            0.5,
            path=swaying(
                0.02 * stage.span, 0.03 * stage.span, float(chance.uniform(9, 14)), float(chance.uniform(0, 6))
            ),
        )


def _rug(stage: Stage, floor: float) -> None:
    """A round rug where there is no table."""
    depth, span = 0.42, stage.span
    canvas = stage.canvas(depth, top=floor)
    tone = stage.palette.lit(mix(stage.palette.accent(1), (236.0, 226.0, 212.0), 0.45), 1.0)
    x, y = stage.width / 2, floor + 0.19 * span
    for size, light in ((1.0, 0.92), (0.86, 1.08), (0.74, 0.98)):
        canvas.fill(oval(x, y, 0.46 * span * size, 0.085 * span * size), brighten(tone, light))
    stage.add_layer(canvas, depth)


def _table(stage: Stage) -> None:
    """The table in front, in wood or stone, with what the prompt names on it."""
    stage.wants("table")
    span, palette, chance = stage.span, stage.palette, stage.scene.rng("table")
    # Upright formats keep their lower third for texts: the table rises towards the middle.
    top = stage.height - (0.39 if stage.height > 1.3 * stage.width else 0.255) * span
    depth = 0.62
    canvas = stage.canvas(depth, top=top - 0.01 * span)
    stone = "marble" in stage.scene.reading.unknown() or (
        stage.scene.place in ("kitchen", "office") and chance.random() < 0.4
    )
    wood = palette.lit(rgb("#e8e3dc") if stone else rgb(str(chance.choice(["#b07a4c", "#9a6540", "#c49466"]))), 1.0)
    edge = top + 0.155 * span
    canvas.fill(
        box(-stage.width, top, 2 * stage.width, edge), downwards(top, edge, brighten(wood, 1.16), brighten(wood, 0.98))
    )
    canvas.fill(
        box(-stage.width, edge, 2 * stage.width, stage.height * 1.3),
        downwards(edge, stage.height, brighten(wood, 0.80), brighten(wood, 0.58)),
    )
    canvas.fill(box(-stage.width, edge, 2 * stage.width, edge + 0.006 * span), brighten(wood, 1.22))
    if not stone:
        for _ in range(26):
            x, y = float(chance.uniform(-0.1, 1.1)) * stage.width, top + (edge - top) * float(chance.random()) ** 0.8
            canvas.fill(
                oval(x, y, stage.span * float(chance.uniform(0.05, 0.2)), 0.0016 * span), brighten(wood, 0.84), 0.35
            )
    lit_x = stage.width * (0.5 + 0.30 * stage.light_side)
    canvas.glow(lit_x, (top + edge) / 2, 0.55 * span, palette.sun, 0.26 if not palette.dark else 0.10, flat=0.16)
    stage.add_layer(canvas, depth)
    add_table(stage, top + 0.085 * span, depth=depth + 0.04)
