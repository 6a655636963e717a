"""Figures about any clip, from one pass over it: how much it flickers and how much of it stands still.

Knows no limits: what is too much is for whoever reads the figures.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from generation.conform.exposure import pumping
from generation.conform.survey import Survey, survey

#: From its first frame to its last, as in `media/scan.py`: shorter ones are held frames of an animation.
FROZEN_FROM_SECONDS = Fraction(1, 2)


@dataclass(frozen=True, slots=True)
class Measures:
    """What one clip shows."""

    #: Root mean square of how far the light of a frame lies from its smooth course, in 8-bit levels of mean luma: what
    #: pumps two or more times a second, without fades, flashes, cuts and motion. From 0.5 on it can be seen.
    flicker: float
    #: Mean difference of pixels from the frame before, moved along the flow and at its exposure, in levels: texture
    #: that boils. It depends on rate and grain: compare clips of one rate.
    flicker_local: float
    #: Part of the frames that stand in stretches of half a second and more, and the longest of these.
    frozen_share: float
    frozen_longest_seconds: float

    def notes(self) -> dict[str, float]:
        """JSON values, rounded to what the figures are good for."""
        return {
            "flicker": round(self.flicker, 3),
            "flicker_local": round(self.flicker_local, 3),
            "frozen_share": round(self.frozen_share, 4),
            "frozen_longest_seconds": round(self.frozen_longest_seconds, 3),
        }


def measure(path: Path, fps: Fraction) -> Measures:
    """The figures of a clip at `fps`. It is decoded once.

    Raises: BadMedia when it cannot be decoded to its end.
    """
    return measures_of(survey(path), fps)


def measures_of(seen: Survey, fps: Fraction) -> Measures:
    """The figures of a clip that has been surveyed."""
    cuts = seen.cuts
    local = [value for index, value in enumerate(seen.local) if index and index not in cuts]
    stretches = [length for length in _stretches(seen.held) if (length - 1) / fps >= FROZEN_FROM_SECONDS]
    return Measures(
        flicker=flicker_of(pumping(seen, float(fps)).levels),
        flicker_local=sum(local) / len(local) if local else 0.0,
        frozen_share=sum(stretches) / seen.frames,
        frozen_longest_seconds=float(max(stretches, default=0) / fps),
    )


def flicker_of(levels: tuple[float, ...]) -> float:
    """Root mean square of pumping."""
    return math.sqrt(sum(level * level for level in levels) / len(levels))


def _stretches(held: tuple[bool, ...]) -> list[int]:
    """Lengths in frames of all stretches; a frame unlike the one before begins one."""
    lengths: list[int] = []
    for still in held:
        if still and lengths:
            lengths[-1] += 1
        else:
            lengths.append(1)
    return lengths
