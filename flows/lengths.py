"""How long a film is: what the campaign wants, moved into what placement and template allow. Pure; whole frames."""

from __future__ import annotations

import math
from fractions import Fraction

from flows.placements import DELIVERY_FPS, Placement

FPS = DELIVERY_FPS
#: AAC pads up to 21 ms at the end; a file must stay within its slot all the same.
AUDIO_PADDING_SECONDS = 0.025


def frames_for(placement: Placement, wanted_seconds: float, length_range: tuple[float, float]) -> int:
    """Frames of the film for a placement: the wanted length, moved into the placement's and the template's limits.

    Raises: ValueError when the two ranges do not meet; preflight reports it before anything is planned.
    """
    shortest = math.ceil(max(length_range[0], placement.min_seconds) * FPS)
    # A template that ends where the placement begins ("6-10 s", "10 s at least") meets it: its last frame may be begun.
    longest = min(
        math.ceil(length_range[1] * FPS),
        math.floor((placement.max_seconds - AUDIO_PADDING_SECONDS) * FPS),
    )
    if shortest > longest:
        raise ValueError(f"{placement.id} takes {placement.min_seconds:g}-{placement.max_seconds:g} s")
    return max(shortest, min(longest, math.floor(wanted_seconds * FPS + Fraction(1, 2))))
