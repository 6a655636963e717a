"""Who is described how: values of attributes spread over units by quota, the same for every run of a campaign.

Each unit has a value of its own that only its name and the seed decide; where these come out uneven, as few units as
needed are moved. So quotas are met to within one, the order of rows does not matter, and a row more or less changes a
row or two, not all of them. Each attribute is spread on its own. Pure; knows no prompt.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from flows.variants import content_hash


@dataclass(frozen=True, slots=True)
class Unit:
    """What gets one description: a row, or a row in one locale or for one segment. Its variants share it."""

    name: str
    #: Attributes that the row states itself; they count in the quotas.
    stated: Mapping[str, str] = field(default_factory=dict, hash=False)


Allotment = dict[str, dict[str, str]]


def allot(units: Sequence[Unit], attributes: Mapping[str, Mapping[str, float]], seed: int) -> Allotment:
    """Values for each unit by its name. `attributes` maps each attribute's values to their weights."""
    made: Allotment = {unit.name: {} for unit in units}
    for attribute, weights in attributes.items():
        for name, value in _spread(units, attribute, weights, seed).items():
            made[name][attribute] = value
    return made


def quotas(count: int, weights: Mapping[str, float], tie: str = "") -> dict[str, int]:
    """How many of `count` each value gets: by largest remainder, ties by a hash."""
    total = sum(weights.values())
    exact = {value: count * weight / total for value, weight in weights.items()}
    given = {value: math.floor(share + 1e-9) for value, share in exact.items()}
    order = sorted(exact, key=lambda value: (given[value] - round(exact[value], 9), content_hash(tie, value)))
    for value in order[: count - sum(given.values())]:
        given[value] += 1
    return given


def _spread(units: Sequence[Unit], attribute: str, weights: Mapping[str, float], seed: int) -> dict[str, str]:
    stated = {unit.name: unit.stated[attribute] for unit in units if attribute in unit.stated}
    free = [unit.name for unit in units if attribute not in unit.stated]
    wanted = _left(quotas(len(units), weights, f"{seed} {attribute}"), stated.values(), len(free))
    draws = {name: _draw(seed, attribute, name) for name in free}
    values = {name: _value(draw[0], weights) for name, draw in draws.items()}
    members: dict[str, list[str]] = {value: [] for value in weights}
    for name, value in values.items():
        members[value].append(name)
    moved: list[str] = []
    for value, names in members.items():
        surplus = len(names) - wanted[value]
        if surplus > 0:
            moved += sorted(names, key=lambda name: (draws[name][1], name))[:surplus]
    room = {value: wanted[value] - len(names) for value, names in members.items() if wanted[value] > len(names)}
    places = [value for value, count in sorted(room.items()) for _ in range(count)]
    moved.sort(key=lambda name: (draws[name][1], name))
    return {**stated, **values, **dict(zip(moved, places, strict=True))}


def _left(wanted: dict[str, int], stated: Iterable[str], free: int) -> dict[str, int]:
    """What of the quotas is left for units that state nothing; it adds up to their number."""
    left = dict(wanted)
    for value in stated:
        if value in left:
            left[value] -= 1
    left = {value: max(0, count) for value, count in left.items()}
    order = sorted(left)
    while (over := sum(left.values()) - free) != 0:
        value = max(order, key=lambda name: left[name]) if over > 0 else min(order, key=lambda name: left[name])
        left[value] -= 1 if over > 0 else -1
    return left


def _draw(seed: int, attribute: str, name: str) -> tuple[float, int]:
    """Where the unit stands between 0 and 1, and how soon it is moved."""
    digits = content_hash("person", str(seed), attribute, name)
    return int(digits[:13], 16) / 16**13, int(digits[16:32], 16)


def _value(draw: float, weights: Mapping[str, float]) -> str:
    total, reached = sum(weights.values()), 0.0
    for value, weight in weights.items():
        reached += weight / total
        if draw < reached:
            return value
    return list(weights)[-1]
