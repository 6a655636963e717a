"""The table of things: which painter draws each, how large it is, the box it stays in, how long its cycle takes.

A new thing is a painter (food, goods, props_outdoor, vehicles), a row here and its words in lexicon.toml.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from generation.engines.animatic import food, goods, props_outdoor, vehicles
from generation.engines.animatic.palette import Rgb
from generation.engines.animatic.pen import Pen

Painter = Callable[[Pen, Rgb, float], None]


@dataclass(frozen=True, slots=True)
class Thing:
    """How a thing is shown: its painter, its height relative to its surroundings, its box and its cycle."""

    paint: Painter
    tall: float
    reach: tuple[float, float, float, float] = (-0.7, -0.12, 0.7, 1.12)
    cycle_seconds: float = 0.0
    colour: str = ""


#: On a table or plinth; `tall` is a share of the stage's span.
TABLE: dict[str, Thing] = {
    "cup": Thing(food.cup, 0.16, (-0.8, -0.15, 0.8, 1.5), 3.2),
    "bottle": Thing(food.bottle, 0.34, (-0.4, -0.1, 0.4, 1.1)),
    "glass": Thing(food.glass, 0.27, (-0.5, -0.1, 0.55, 1.2), 2.4, "#f2a03d"),
    "bread": Thing(food.bread, 0.13, (-1.1, -0.15, 1.1, 1.0)),
    "croissant": Thing(food.croissant, 0.14, (-1.1, -0.15, 1.1, 1.0)),
    "cake": Thing(food.cake, 0.24, (-0.85, -0.1, 0.85, 1.15), 1.2, "#e88fa6"),
    "fruit": Thing(food.fruit, 0.20, (-0.9, -0.1, 0.9, 1.15)),
    "bowl": Thing(food.bowl, 0.19, (-0.9, -0.1, 0.9, 1.4), 3.2),
    "pizza": Thing(food.pizza, 0.24, (-1.3, -0.2, 1.3, 0.6)),
    "burger": Thing(food.burger, 0.21, (-0.8, -0.1, 0.8, 1.1)),
    "book": Thing(goods.book, 0.18, (-0.8, -0.1, 0.8, 0.8)),
    "laptop": Thing(goods.laptop, 0.27, (-1.1, -0.1, 1.1, 1.05), 3.0),
    "phone": Thing(goods.phone, 0.32, (-0.5, -0.1, 0.5, 1.1)),
    "headphones": Thing(goods.headphones, 0.24, (-0.6, -0.1, 0.6, 1.1)),
    "speaker": Thing(goods.speaker, 0.32, (-0.5, -0.1, 0.5, 1.1), 0.6),
    "watch": Thing(goods.watch, 0.28, (-0.4, -0.1, 0.4, 1.1), 1.6),
    "shoe": Thing(goods.shoe, 0.17, (-1.2, -0.15, 1.25, 1.1)),
    "bag": Thing(goods.bag, 0.28, (-0.6, -0.1, 0.65, 1.1)),
    "gift": Thing(goods.gift, 0.22, (-0.75, -0.1, 0.75, 1.1)),
    "candle": Thing(goods.candle, 0.19, (-0.85, -0.1, 0.85, 1.65), 1.0, "#f3e3c4"),
    "jar": Thing(goods.jar, 0.19, (-0.6, -0.1, 0.6, 1.1)),
    "vase": Thing(goods.vase, 0.27, (-0.5, -0.1, 0.5, 1.4), 3.0, "#c8795a"),
    "camera": Thing(goods.camera, 0.19, (-0.8, -0.1, 0.8, 0.95)),
    "ball": Thing(goods.ball, 0.18, (-0.7, -0.1, 0.7, 1.1)),
    "plant": Thing(goods.plant, 0.28, (-0.6, -0.1, 0.6, 1.25), 0.0, "#c9785a"),
}


#: On the ground; `tall` is a multiple of an adult's height there.
GROUND: dict[str, Thing] = {
    "house": Thing(props_outdoor.house, 1.7, (-0.85, -0.1, 0.85, 1.35), 4.0, "#c8684f"),
    "windmill": Thing(props_outdoor.windmill, 3.4, (-0.4, -0.05, 0.4, 1.1), 3.0),
    "tent": Thing(props_outdoor.tent, 0.85, (-1.1, -0.15, 1.1, 1.2), 2.0, "#e0803f"),
    "campfire": Thing(props_outdoor.campfire, 0.42, (-1.7, -0.4, 1.7, 2.1), 1.0),
    "umbrella": Thing(props_outdoor.umbrella, 1.45, (-0.65, -0.1, 0.65, 1.1)),
    "bench": Thing(props_outdoor.bench, 0.5, (-1.1, -0.15, 1.1, 1.1), 0.0, "#9a6a43"),
    "streetlamp": Thing(props_outdoor.streetlamp, 2.3, (-0.36, -0.03, 0.36, 1.28), 0.0),
    "bicycle": Thing(vehicles.bicycle, 1.0, (-0.5, -0.05, 0.5, 0.6)),
    "lighthouse": Thing(props_outdoor.lighthouse, 2.6, (-0.4, -0.1, 0.4, 1.15), 3.0, "#d1453b"),
}


VEHICLES: dict[str, Thing] = {
    "car": Thing(vehicles.car, 1.55, (-0.8, -0.06, 0.8, 0.5), 0.5),
    "bus": Thing(vehicles.bus, 1.75, (-0.75, -0.06, 0.75, 0.7), 0.5),
    "van": Thing(vehicles.van, 1.6, (-0.75, -0.06, 0.75, 0.62), 0.5, "#f0ede6"),
}


SKY: dict[str, Thing] = {
    "plane": Thing(vehicles.plane, 0.30, (-0.75, -0.3, 0.75, 0.4), 0.0),
    "hotair": Thing(vehicles.hotair, 0.34, (-0.5, -0.05, 0.5, 1.05), 1.6),
    "balloon": Thing(vehicles.balloon, 0.20, (-0.4, -0.05, 0.4, 1.05), 3.0),
    "kite": Thing(vehicles.kite, 0.19, (-0.4, -0.1, 0.4, 1.05), 2.4),
    "rocket": Thing(vehicles.rocket, 0.36, (-0.5, -0.35, 0.5, 1.05), 0.8),
    "fireworks": Thing(props_outdoor.fireworks, 0.17, (-1.1, -1.3, 1.1, 1.1), 2.2),
}
