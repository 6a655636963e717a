"""Who and what appears, and where it stands: people, animals, vehicles and things on ground, water, sky or table.

A place calls these with its own ground line; what the prompt names and the place has room for is drawn and recorded,
anything else stays undrawn and is reported so. The tables say how large each thing is and how it is painted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from generation.engines.animatic import animals, vehicles
from generation.engines.animatic.palette import Rgb, mix, rgb
from generation.engines.animatic.pen import Pen
from generation.engines.animatic.people import CYCLES, STRIDES, Figure, draw_person, dress
from generation.engines.animatic.stage import Stage, rising, spread, swaying, together, travelling
from generation.engines.animatic.things import GROUND, SKY, TABLE, VEHICLES, Thing

_COUNTS = {"hotair": 3, "balloon": 5, "fireworks": 4, "cup": 1}


def colour_for(stage: Stage, name: str, thing: Thing, index: int = 0) -> Rgb:
    """The colour of a thing: what the prompt says, else its own, else an accent by seed."""
    # The prompt's first colour paints the scene: things take the next one, or they would vanish in it.
    first = 1 if stage.scene.colours else int(stage.scene.rng(name).integers(2))
    return stage.colour_of(name, rgb(thing.colour) if thing.colour else stage.palette.accent(index + first))


def add_thing(
    stage: Stage, name: str, thing: Thing, *, at: tuple[float, float], scale: float, depth: float, index: int = 0,
    **how: object,
) -> None:  # fmt: skip
    """Draw one thing with its foot at stage pixel `at`."""
    colour = colour_for(stage, name, thing, index)
    stage.add_figure(
        lambda pen, share: thing.paint(pen, colour, share), at=at, scale=scale, depth=depth, reach=thing.reach,
        cycle_seconds=thing.cycle_seconds, **how,  # type: ignore[arg-type]
    )  # fmt: skip


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


def add_ground(stage: Stage, ground: float, *, depth: float, tall: float) -> None:
    """Houses, tents, benches, lamps: what stands, left and right of the middle."""
    chance = stage.scene.rng("ground things")
    named = [name for name in GROUND if name in stage.scene.things and name not in stage.drawn]
    places = (0.20, 0.80, 0.36, 0.66)
    for index, name in enumerate(named[:4]):
        stage.wants(name)
        x = stage.width * (places[index] + float(chance.uniform(-0.03, 0.03)))
        add_thing(stage, name, GROUND[name], at=(x, ground), scale=tall * GROUND[name].tall, depth=depth, index=index,
                  flip=x > stage.width / 2)  # fmt: skip


def add_vehicles(stage: Stage, ground: float, *, depth: float, tall: float, also: tuple[str, ...] = ()) -> None:
    """Cars, buses and vans that drive through; `also` drives without having been asked for."""
    chance = stage.scene.rng("traffic")
    named = [name for name in VEHICLES if stage.wants(name)]
    named = named or [name for name in also if name not in stage.scene.reading.banned]
    for index, name in enumerate(named[:3]):
        way = 1 if chance.random() < 0.5 else -1
        speed = way * (0.55 if len(named) == 1 and not also else 0.8) * stage.width / max(2.5, stage.seconds)
        add_thing(
            stage,
            name,
            VEHICLES[name],
            at=(stage.width * (0.5 + 0.28 * (index - (len(named) - 1) / 2)), ground),
            scale=tall * VEHICLES[name].tall,
            depth=depth,
            index=index,
            flip=way < 0,
            path=travelling(speed, stage.seconds),
        )


def add_sky(stage: Stage, low: float, *, depth: float = 0.22) -> None:
    """What flies, above stage row `low`, each kind at a height of its own; birds come in a small flock."""
    named = [name for name in SKY if stage.wants(name)]
    for slot, name in enumerate(named):
        chance = stage.scene.rng(f"sky {name}")
        count = _COUNTS.get(name, 1)
        sides = (0.08, 0.92) if len(named) == 1 or count > 1 else ((0.62, 0.94), (0.06, 0.38))[slot % 2]
        for index, x in enumerate(spread(chance, count, sides[0] * stage.width, sides[1] * stage.width)):
            first = index == count // 2
            height = (0.72, 0.46, 0.60)[slot % 3] if first else float(chance.uniform(0.42, 0.95))
            size = stage.span * SKY[name].tall * (1.0 if first else float(chance.uniform(0.42, 0.72)))
            _add_flying(stage, name, (x, low * height), size, depth + 0.1 * first, index)
    if stage.wants("bird"):
        add_birds(stage, low, count=7)


def _add_flying(stage: Stage, name: str, at: tuple[float, float], size: float, depth: float, index: int) -> None:
    drift = {"plane": 0.05, "kite": 0.01, "rocket": 0.0, "fireworks": 0.0}.get(name, 0.012) * stage.width
    rise = -0.03 * stage.height if name in ("rocket", "balloon") else 0.0
    add_thing(
        stage,
        name,
        SKY[name],
        at=at,
        scale=size,
        depth=depth,
        index=index,
        phase=float(stage.scene.rng(f"{name} {index}").random()),
        seen_at=max(depth, 0.62),
        path=together(
            travelling(drift, stage.seconds),
            swaying(0.004 * stage.span, 0.008 * stage.span, 5.0 + index, index),
            rising(rise, stage.seconds),
        ),
    )


def add_birds(stage: Stage, low: float, *, count: int, size: float = 0.05) -> None:
    """A loose flock that crosses slowly."""
    chance = stage.scene.rng("birds")
    colour = stage.colour_of("bird", mix(rgb("#f7f7f4"), stage.palette.sky[0], 0.25 if not stage.palette.dark else 0.1))
    centre = (stage.width * float(chance.uniform(0.35, 0.65)), low * float(chance.uniform(0.55, 0.72)))
    for index in range(count):
        at = (
            centre[0] + stage.span * float(chance.normal(0, 0.15)),
            centre[1] + stage.span * float(chance.normal(0, 0.055)),
        )
        stage.add_figure(
            lambda pen, share: animals.bird(pen, colour, share),
            at=at,
            scale=stage.span * size * float(chance.uniform(0.6, 1.2)),
            depth=0.3,
            reach=(-0.6, -0.4, 0.6, 0.5),
            cycle_seconds=float(chance.uniform(0.9, 1.3)),
            phase=float(chance.random()),
            path=together(travelling(0.022 * stage.span, stage.seconds), swaying(0.0, 0.008 * stage.span, 4.0, index)),
        )


def add_table(stage: Stage, ground: float, *, depth: float, middle: bool = True, but: tuple[str, ...] = ()) -> None:
    """Things on a table line: the first named stands in the middle unless the row's picture does."""
    named = [name for name in stage.scene.things if name in TABLE and name not in (*but, stage.pictured)][:4]
    if stage.wants("steam") and not {"cup", "bowl"} & set(named):
        named = ["cup", *named][:4]  # steam has to rise from something
    alone, beside = len(named) == 1, stage.hero or not middle
    for index, name in enumerate(named):
        stage.wants(name)
        share = 0.72 if beside else (1.18 if alone else (1.0 if index == 0 else 0.86))
        scale = stage.span * TABLE[name].tall * share
        at = (_table_place(stage, named, index, beside), ground + (0.012 if index == 0 else -0.008) * stage.span)
        add_thing(stage, name, TABLE[name], at=at, scale=scale, depth=depth, index=index)


def _table_place(stage: Stage, named: Sequence[str], index: int, beside: bool) -> float:
    """Where the things of a table stand: one in the middle, the others left and right clear of it."""
    if beside:
        return stage.width * (0.16, 0.85, 0.03, 0.97)[index]
    if index == 0:
        return stage.width * 0.5
    own = 0.80 * TABLE[named[index]].tall * TABLE[named[index]].reach[2]
    first = 0.80 * TABLE[named[0]].tall * TABLE[named[0]].reach[2]
    away = stage.span * (first + own) * (1 if index < 3 else 1.5)
    side = -1 if index % 2 else 1
    return min(0.94 * stage.width, max(0.06 * stage.width, stage.width * 0.5 + side * away))
