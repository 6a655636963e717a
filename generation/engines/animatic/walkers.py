"""People and animals on the ground of a scene: who walks where, how fast, which way, and who keeps whom company.

Knows ground lines and paces; `people` and `animals` know how bodies look and move.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from generation.engines.animatic import animals, vehicles
from generation.engines.animatic.pen import Pen
from generation.engines.animatic.people import CYCLES, STRIDES, Figure, draw_person, dress
from generation.engines.animatic.stage import Stage, spread, swaying, together, travelling


def add_people(stage: Stage, ground: float, *, depth: float, tall: float, pose: str = "", most: int = 6) -> None:
    """Put the people the prompt asks for on the ground line (stage pixels); `tall` is an adult's height in pixels."""
    kinds = stage.scene.people[:most]
    if not kinds:
        return
    scene = stage.scene
    pose = scene.pose or pose or "walk"
    if "bicycle" in scene.things and scene.pose in ("", "ride"):
        pose = "ride"
    stage.drawn |= {word.concept for word in scene.reading.words if word.kind == "person"} | (
        {scene.pose} & set(CYCLES)
    )
    stage.drawn |= {"bicycle"} & set(scene.things) if pose == "ride" else set()
    way = _heading(stage)
    for index, (kind, x) in enumerate(zip(kinds, _places_of_people(stage, len(kinds), tall), strict=True)):
        own = -way if len(kinds) > 3 and index % 3 == 1 else way
        at = (x, ground - 0.014 * tall * (index % 2))
        _add_person(stage, _person(stage, kind, index), pose, at, tall, depth, own, index)


def _heading(stage: Stage) -> int:
    """Which way people and their dogs go."""
    return -1 if stage.scene.rng("heading").random() < 0.5 else 1


def _places_of_people(stage: Stage, count: int, tall: float) -> Sequence[float]:
    chance = stage.scene.rng("group")
    middle = stage.width * float(chance.uniform(0.42, 0.58))
    half = min(0.46 * stage.width, 0.27 * tall * count)
    return [middle] if count == 1 else spread(chance, count, middle - half, middle + half)


def _pace(stage: Stage, pose: str, tall: float) -> tuple[float, float]:
    """Pixels per second and seconds per cycle: slow enough to stay in view, steps slowed so that feet hardly slide."""
    cycle = CYCLES[pose]
    if pose not in STRIDES:
        return 0.0, cycle
    natural = STRIDES[pose] * tall / cycle
    speed = min(natural, 0.60 * stage.width / max(2.0, stage.seconds))
    return speed, min(cycle * 1.45, max(cycle, cycle * natural / speed * 0.85))


def _person(stage: Stage, kind: str, index: int) -> Figure:
    """A person by the scene's seed and its place in the group; "any" is a woman or a man."""
    chance = stage.scene.rng(f"person {index}")
    if kind == "any":
        kind = str(chance.choice(["woman", "man"]))
    return dress(chance, kind, stage.colour_of(kind, stage.palette.accent(index + int(chance.integers(3)))))


def _add_person(
    stage: Stage, who: Figure, pose: str, at: tuple[float, float], tall: float, depth: float, way: int, index: int
) -> None:
    chance = stage.scene.rng(f"step {index}")
    height = tall * (0.66 if who.kind == "child" else float(chance.uniform(0.96, 1.04)))
    if stage.wants("bag"):
        who = replace(who, carries="bag")
    speed, cycle = _pace(stage, pose, tall)

    def paint(pen: Pen, share: float) -> None:
        pen.shadow(0.0, 0.004, 0.17 if pose != "ride" else 0.42, 0.018, 0.30)
        if pose == "ride":
            vehicles.draw_cyclist(pen, who, share)
        else:
            draw_person(pen, who, pose, share)

    wide = 0.62 if pose in ("ride", "dance", "wave") else 0.42
    stage.add_figure(
        paint, at=at, scale=height, depth=depth, flip=way < 0, cycle_seconds=cycle, phase=float(chance.random()),
        reach=(-wide, -0.06, wide, 1.14), path=travelling(way * speed, stage.seconds),
    )  # fmt: skip


def add_animals(stage: Stage, ground: float, *, depth: float, tall: float) -> None:
    """Four-legged animals and cats on the ground, butterflies above it; a dog keeps its people company."""
    sizes = {"dog": 0.44, "horse": 1.05, "cow": 0.95, "sheep": 0.62, "deer": 0.78}
    named = [name for name in sizes if stage.wants(name)]
    for slot, name in enumerate(named):
        chance = stage.scene.rng(f"animal {name}")
        count = 3 if name in ("cow", "sheep") else 1
        for index, x in enumerate(spread(chance, count, 0.12 * stage.width, 0.88 * stage.width)):
            way = 1 if chance.random() < 0.5 else -1
            back = 0.5 * (count > 1) * (index % 2)  # a herd is staggered: every second animal farther and smaller
            scale = tall * sizes[name] * float(chance.uniform(0.92, 1.05)) * (0.86 - 0.24 * back if count > 1 else 1.0)
            speed = min(0.16 * scale, 0.3 * stage.width / max(2.0, stage.seconds))
            at = (x + 0.16 * stage.width * (count == 1), ground + 0.03 * tall * (slot % 2) - 0.30 * tall * back)
            if name == "dog" and stage.scene.people:
                way, (speed, _) = _heading(stage), _pace(stage, stage.scene.pose or "walk", tall)
                others = _places_of_people(stage, len(stage.scene.people), tall)
                at = ((max(others) if way > 0 else min(others)) + way * 0.48 * tall, ground)
            _add_animal(stage, name, at, scale, depth, way, speed)
    if stage.wants("cat"):
        colour = stage.colour_of("cat", animals.COLOURS["cat"])
        stage.add_figure(
            lambda pen, share: animals.cat(pen, colour, share),
            at=(0.72 * stage.width, ground + 0.02 * tall),
            scale=tall * 0.42,
            depth=depth,
            reach=(-0.75, -0.1, 0.5, 1.1),
            cycle_seconds=3.2,
        )
    add_butterflies(stage, ground)


def _add_animal(
    stage: Stage, name: str, at: tuple[float, float], scale: float, depth: float, way: int, speed: float
) -> None:
    stage.add_figure(
        partial(animals.walking, name, stage.colour_of(name, animals.COLOURS[name])),
        at=at,
        scale=scale,
        depth=depth,
        flip=way < 0,
        reach=(-0.75, -0.08, 0.9, 1.3),
        # Short legs take quicker steps to keep up.
        cycle_seconds=1.5 if speed < 0.3 * scale else 0.8,
        phase=float(stage.scene.rng(f"gait {name} {at[0]:.0f}").random()),
        path=travelling(way * speed, stage.seconds),
    )


def add_butterflies(stage: Stage, ground: float) -> None:
    """A few butterflies over the grass, where they are asked for."""
    if not stage.wants("butterfly"):
        return
    chance = stage.scene.rng("butterflies")
    for index, x in enumerate(spread(chance, 4, 0.12 * stage.width, 0.88 * stage.width)):
        own = animals.COLOURS["butterfly"] if index % 2 else stage.palette.accent(index)
        colour = stage.colour_of("butterfly", own)
        stage.add_figure(
            partial(animals.butterfly, colour),
            at=(x, ground - stage.span * float(chance.uniform(0.06, 0.26))),
            scale=stage.span * float(chance.uniform(0.028, 0.048)),
            depth=0.9,
            reach=(-0.6, 0.0, 0.6, 1.0),
            cycle_seconds=0.5,
            phase=float(chance.random()),
            path=together(
                swaying(0.05 * stage.span, 0.03 * stage.span, 3.4, float(index)),
                swaying(0.0, 0.012 * stage.span, 0.9, float(index)),
            ),
        )
