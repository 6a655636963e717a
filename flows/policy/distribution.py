"""How the people of a campaign came out: planned and delivered by group, and whether failures favour somebody.

Counts deliveries. Two signs of a skew: a chi-square test of "delivered or not" against the groups, and the four-fifths
rule, which also speaks where there are too few for a test. Pure; what people are there is in the creatives.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

#: Below this chance that failures fell as unevenly by luck alone, they are called uneven.
SIGNIFICANT = 0.05
#: A group's rate of delivery against the best group's (29 CFR 1607.4 D): below it, one is treated worse.
FOUR_FIFTHS = 0.8


@dataclass(frozen=True, slots=True)
class Group:
    """One value of an attribute."""

    value: str
    planned: int
    delivered: int
    #: How many would have been delivered if failures fell evenly.
    expected: float


@dataclass(frozen=True, slots=True)
class Spread:
    """One attribute over all deliveries that show somebody."""

    attribute: str
    groups: tuple[Group, ...]
    #: Chance of failures as uneven as these by luck; None where nothing failed or nothing came through.
    p: float | None
    #: That failures favour a group, as a sentence; "" where they do not.
    warning: str

    def as_json(self) -> dict[str, object]:
        """For the manifest."""
        groups = {
            group.value: {
                "planned": group.planned,
                "delivered": group.delivered,
                "expected": round(group.expected, 2),
            }
            for group in self.groups
        }
        return {"groups": groups, "p": None if self.p is None else round(self.p, 6), "warning": self.warning}


def distribution(deliveries: Iterable[tuple[Mapping[str, str], bool]]) -> tuple[Spread, ...]:
    """Attributes with their groups; each delivery is its people and whether it was delivered."""
    planned: dict[str, Counter[str]] = {}
    delivered: dict[str, Counter[str]] = {}
    for people, done in deliveries:
        for attribute, value in people.items():
            planned.setdefault(attribute, Counter())[value] += 1
            delivered.setdefault(attribute, Counter())[value] += done
    return tuple(_spread(attribute, counts, delivered[attribute]) for attribute, counts in planned.items())


def representation(spreads: Iterable[Spread]) -> dict[str, object]:
    """All attributes, for the manifest; {} where nobody was described."""
    return {spread.attribute: spread.as_json() for spread in spreads}


def _spread(attribute: str, planned: Counter[str], delivered: Counter[str]) -> Spread:
    share = delivered.total() / planned.total()
    groups = tuple(Group(value, count, delivered[value], count * share) for value, count in sorted(planned.items()))
    p = _chance(groups, share)
    return Spread(attribute, groups, p, _warning(attribute, groups, p))


def _chance(groups: tuple[Group, ...], share: float) -> float | None:
    """Of a chi-square at least this large on a table of groups against delivered and not delivered."""
    if not 0 < share < 1 or len(groups) < 2:
        return None
    statistic = sum(
        (group.delivered - group.expected) ** 2 / group.expected
        + (group.delivered - group.expected) ** 2 / (group.planned - group.expected)
        for group in groups
    )
    return chi_square_tail(statistic, len(groups) - 1)


def chi_square_tail(statistic: float, freedom: int) -> float:
    """Chance that a chi-square variable of whole degrees of freedom is at least so large; exact, by its finite sums."""
    half = statistic / 2
    if freedom % 2 == 0:
        term = total = math.exp(-half)
        for index in range(1, freedom // 2):
            term *= half / index
            total += term
        return min(1.0, total)
    total = math.erfc(math.sqrt(half))
    term = math.exp(-half) * math.sqrt(half) / math.gamma(1.5)
    for index in range(1, (freedom + 1) // 2):
        total += term
        term *= half / (index + 0.5)
    return min(1.0, total)


def _warning(attribute: str, groups: tuple[Group, ...], p: float | None) -> str:
    if p is None:
        return ""
    rates = {group.value: group.delivered / group.planned for group in groups}
    best, worst = max(rates, key=lambda value: rates[value]), min(rates, key=lambda value: rates[value])
    if p >= SIGNIFICANT and rates[worst] >= FOUR_FIFTHS * rates[best]:
        return ""
    name, chance = attribute.replace("_", " "), "< 0.001" if p < 0.001 else f"= {p:.2g}"
    return (
        f"Failures fall unevenly by {name}: {rates[worst]:.0%} of the deliveries with {worst!r} came through,"
        f" {rates[best]:.0%} with {best!r} (p {chance}); run the failed rows again before the campaign goes out"
    )
