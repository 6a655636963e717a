"""Things in a scene and where they stand or fly: on the ground, on the road, in the sky, on a table.

A place calls these with its own ground line; what the prompt names and the place has room for is drawn and recorded,
anything else stays undrawn and is reported so. `things` is the table of what there is.
"""

from __future__ import annotations

from collections.abc import Sequence

from generation.engines.animatic import animals
from generation.engines.animatic.palette import Rgb, mix, rgb
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
