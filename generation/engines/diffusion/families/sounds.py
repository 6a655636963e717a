"""What families share that make sound: a film's and a sound's latents together, and a sound as long as its film."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from generation.spec import Shot

_EDGE_SECONDS = 0.005


class Latents(NamedTuple):
    """A film of (1, channels, frames, height, width) and its sound, whose first axis is 1 too."""

    film: Any
    sound: Any


def as_long(heard: NDArray[np.float32], shot: Shot, rate_hz: int) -> NDArray[np.float32]:
    """(samples, channels), cut or ended by silence; the last 5 ms before it are faded, so that nothing clicks.

    Models make whole latents of sound, which end up to 50 ms before or behind the film.
    """
    count = round(shot.frames / shot.fps * rate_hz)
    out = np.zeros((count, heard.shape[1]), np.float32)
    kept = min(count, len(heard))
    out[:kept] = heard[:kept]
    edge = min(kept, round(_EDGE_SECONDS * rate_hz))
    out[kept - edge : kept] *= np.linspace(1.0, 0.0, edge, dtype=np.float32)[:, None]
    return out
