"""Which source frames make which frame of a plate: rates, lengths and joins, exact and without pixels.

Times are `Fraction` throughout. A source frame lasts until the next one is due and not a moment longer: what would
need more is too little footage, and is said so, never a frozen tail. Knows no files.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, pairwise

from generation.errors import BadMedia

TRANSITIONS = ("cut", "dissolve")
#: A quarter of a second at 29.97: long enough to be a dissolve, short enough not to cost the shot.
DISSOLVE_FRAMES = 8
#: Rates nearer than this are the same to the eye (30 and 29.97): one frame in a thousand is dropped instead of blurred.
SAME_RATE = Fraction(1, 100)


@dataclass(frozen=True, slots=True)
class Sample:
    """One frame at the target's rate: source frame `first`, and `weight`/256 of the one after it mixed in."""

    first: int
    weight: int = 0


def overlap_frames(transition: str) -> int:
    """How many frames two neighbouring shots share.

    Raises: ValueError for an unknown transition.
    """
    if transition not in TRANSITIONS:
        raise ValueError(f"there is no transition {transition!r}; there are {', '.join(TRANSITIONS)}")
    return DISSOLVE_FRAMES if transition == "dissolve" else 0


def overlaps(transition: str | Sequence[str], shots: int) -> tuple[int, ...]:
    """How many frames the neighbours share at each join of so many shots: one transition for all, or one for each.

    Raises: ValueError for an unknown transition, or when there is not one for each join.
    """
    joins = [transition] * (shots - 1) if isinstance(transition, str) else list(transition)
    if len(joins) != shots - 1:
        raise ValueError(f"{shots} shots have {shots - 1} joins, and {len(joins)} transitions were given")
    if isinstance(transition, str):
        overlap_frames(transition)  # a film of one shot has no join to find the wrong name at
    return tuple(overlap_frames(join) for join in joins)


def shot_frames(frames: int, shares: Sequence[Fraction], transition: str | Sequence[str] = "cut") -> tuple[int, ...]:
    """How many frames (at the plate's rate) each shot has to cover so that the plate has exactly `frames`.

    `shares` are parts of the film's length in any unit. A dissolve needs more footage than the film is long.
    """
    return _divided(frames + sum(overlaps(transition, len(shares))), shares)


def _divided(total: int, shares: Sequence[Fraction] | Sequence[int]) -> tuple[int, ...]:
    """`total` in whole parts proportional to `shares`; no part is rounded by more than one frame."""
    edges = [Fraction(0), *accumulate(Fraction(share) for share in shares)]
    return tuple(math.floor(total * b / edges[-1]) - math.floor(total * a / edges[-1]) for a, b in pairwise(edges))


def covers(source_frames: int, source_fps: Fraction, fps: Fraction) -> int:
    """How many frames at `fps` begin while the source is still running."""
    return math.ceil(source_frames * fps / source_fps)


def lengths(available: Sequence[int], frames: int, transition: str | Sequence[str] = "cut") -> tuple[int, ...]:
    """How long each shot stays, when `available` frames of each are at hand; all give up a surplus in proportion.

    Raises: BadMedia when there is too little footage, or a shot too short for its joins.
    """
    shared = overlaps(transition, len(available))
    total = frames + sum(shared)
    if sum(available) < total:
        joins = f" ({sum(shared)} of them shared by neighbours)" if total > frames else ""
        raise BadMedia(
            f"too little footage: {total} frames are needed{joins}, "
            f"{sum(available)} are there ({' + '.join(map(str, available))})"
        )
    parts = _divided(total, available)
    for number, (part, least) in enumerate(zip(parts, map(sum, pairwise((0, *shared, 0))), strict=True), start=1):
        if part <= least:
            raise BadMedia(f"shot {number} is {part} frames long; with its dissolves it needs at least {least + 1}")
    return parts


def rate_method(source_fps: Fraction, fps: Fraction) -> str:
    """`same`, `nearest` (multiples, and rates the eye cannot tell apart) or `blended`."""
    ratio = fps / source_fps
    if ratio == 1:
        return "same"
    multiple = ratio.denominator == 1 or ratio.numerator == 1
    return "nearest" if multiple or abs(ratio - 1) < SAME_RATE else "blended"


def sample(index: int, source_frames: int, source_fps: Fraction, fps: Fraction) -> Sample:
    """Where frame `index` at `fps` comes from in a source of `source_frames` at `source_fps`."""
    position = index * source_fps / fps
    last = source_frames - 1
    if rate_method(source_fps, fps) != "blended":
        # A multiple repeats or skips whole frames; the floor is exact and never reaches beyond the source.
        return Sample(min(math.floor(position), last))
    first = math.floor(position)
    weight = round((position - first) * 256)
    if weight == 256:
        first, weight = first + 1, 0
    return Sample(min(first, last), weight if first < last else 0)
