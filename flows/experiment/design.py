"""Which combinations of arms are made: all, or the smallest orthogonal part of them that holds the control.

A fraction is a subgroup of the product of the factors' cyclic groups, with the control as zero: every projection of a
subgroup is balanced, so that a fraction is orthogonal to strength t where each t factors still show every combination
of their arms. Resolution III is strength 2 (main effects are not mixed with each other), IV is strength 3 (nor with
pairs). Two-level fractions are the regular 2^(k-p) designs. Pure.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Iterator
from functools import lru_cache

from flows.model import Factor

#: Subgroups that are looked at; 2^6, the largest of two arms that a campaign may have, has 2,825.
_MOST = 20_000
_ROMAN = {3: "III", 4: "IV"}

Point = tuple[int, ...]


def fraction(factors: tuple[Factor, ...], resolution: int) -> tuple[Point, ...]:
    """The smallest part of all combinations that does, as numbers of arms, the control's 0; all where none is."""
    return _fraction(tuple(len(factor.arms) for factor in factors), resolution)


@lru_cache(maxsize=64)
def _fraction(levels: Point, resolution: int) -> tuple[Point, ...]:
    group, least = _Group(levels), math.lcm(*_sizes(levels, resolution - 1))
    best, stronger = frozenset(range(math.prod(levels))), True
    for subgroup in itertools.islice(group.subgroups(), _MOST):
        if len(subgroup) > len(best) or (len(subgroup) == len(best) and stronger):
            break
        if len(subgroup) % least == 0 and group.is_onto(subgroup, resolution - 1):
            # Of the same number of films, those that tell more apart.
            better = group.is_onto(subgroup, resolution)
            if len(subgroup) < len(best) or better:
                best, stronger = subgroup, better
    return tuple(group.points[number] for number in sorted(best))


def _sizes(levels: Point, strength: int) -> list[int]:
    """How many combinations each so many factors have: a fraction is a multiple of each."""
    return [math.prod(chosen) for chosen in itertools.combinations(levels, min(strength, len(levels)))]


class _Group:
    """The product of cyclic groups, its elements numbered, 0 first."""

    def __init__(self, levels: Point) -> None:
        self.levels = levels
        self.points = list(itertools.product(*(range(level) for level in levels)))
        number = {point: index for index, point in enumerate(self.points)}
        self._sum = [
            [
                number[tuple((a + b) % level for a, b, level in zip(one, other, levels, strict=True))]
                for other in self.points
            ]
            for one in self.points
        ]

    def subgroups(self) -> Iterator[frozenset[int]]:
        """Every subgroup, the smallest first: each is one before it with one element more."""
        first = frozenset((0,))
        seen = {first}
        heap: list[tuple[int, tuple[int, ...], frozenset[int]]] = [(1, (0,), first)]
        while heap:
            _, _, subgroup = heapq.heappop(heap)
            yield subgroup
            tried: set[int] = set(subgroup)
            for element in range(len(self.points)):
                if element in tried:
                    continue
                larger = self._with(subgroup, element)
                tried |= {self._sum[element][other] for other in subgroup}
                if larger not in seen:
                    seen.add(larger)
                    heapq.heappush(heap, (len(larger), tuple(sorted(larger)), larger))

    def _with(self, subgroup: frozenset[int], element: int) -> frozenset[int]:
        made, multiple = set(subgroup), element
        while multiple not in subgroup:
            made |= {self._sum[multiple][other] for other in subgroup}
            multiple = self._sum[multiple][element]
        return frozenset(made)

    def is_onto(self, subgroup: frozenset[int], strength: int) -> bool:
        """Whether each so many factors show every combination of their arms."""
        chosen = itertools.combinations(range(len(self.levels)), min(strength, len(self.levels)))
        points = [self.points[number] for number in subgroup]
        return all(shows_all(points, self.levels, places) for places in chosen)


def shows_all(points: list[Point] | tuple[Point, ...], levels: Point, places: tuple[int, ...]) -> bool:
    """Whether the points show every combination of these factors' arms."""
    seen = {tuple(point[place] for place in places) for point in points}
    return len(seen) == math.prod(levels[place] for place in places)


def aliases(factors: tuple[Factor, ...], points: tuple[Point, ...]) -> tuple[str, ...]:
    """What the fraction cannot tell apart, as sentences."""
    levels = tuple(len(factor.arms) for factor in factors)
    if len(points) == math.prod(levels):
        return (f"no part of the {len(points)} combinations tells the factors apart; all are made",)
    names = [factor.name for factor in factors]
    mixed = []
    for one, (left, right) in itertools.product(range(len(names)), itertools.combinations(range(len(names)), 2)):
        if one not in (left, right) and not shows_all(points, levels, tuple(sorted((one, left, right)))):
            mixed.append(f"the effect of {names[one]} cannot be told from {names[left]} and {names[right]} together")
    pairs = [
        f"{names[a]} with {names[b]} cannot be told from {names[c]} with {names[d]}"
        for (a, b), (c, d) in itertools.combinations(itertools.combinations(range(len(names)), 2), 2)
        if len({a, b, c, d}) == 4 and not shows_all(points, levels, tuple(sorted((a, b, c, d))))
    ]
    head = f"{len(points)} of {math.prod(levels)} combinations are made"
    if not mixed:
        return (f"{head} (resolution {_ROMAN[4]} or higher: each factor's effect stands apart from every pair)", *pairs)
    return (f"{head} (resolution {_ROMAN[3]}: true only where factors do not work on each other)", *mixed)


def names_of(factors: tuple[Factor, ...], control: dict[str, str], points: tuple[Point, ...]) -> tuple[str, ...]:
    """The variants' names of the points: 0 is the control's arm, then the others in their order."""
    arms = []
    for factor in factors:
        first = control.get(factor.name, factor.arms[0])
        arms.append((first, *(arm for arm in factor.arms if arm != first)))
    return tuple("-".join(arms[place][number] for place, number in enumerate(point)) for point in points)
