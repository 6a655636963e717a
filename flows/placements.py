"""Where an ad runs: the placements that Spotmill knows, their safe boxes and what is drawn on them by policy.

The facts are in `placements.toml`, each with its source and the day it was checked; a new placement is one table there.
Does not know what is drawn nor how it is encoded.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cache
from pathlib import Path

from flows.model import BadInput, Problem
from flows.placement_table import DELIVERY_FPS, Catalogue, Placement, Rendition, Safe, Watermark, read_catalogue
from flows.problems import did_you_mean

__all__ = [
    "DELIVERY_FPS",
    "Placement",
    "Rendition",
    "Safe",
    "Watermark",
    "get_placement",
    "load_placements",
    "load_renditions",
    "safe_box",
    "watermark_for",
]

FILE = Path(__file__).with_name("placements.toml")

#: A box in pixels: x, y, width, height.
Box = tuple[int, int, int, int]


def load_placements(file: Path = FILE) -> dict[str, Placement]:
    """Every placement by id, in the file's order.

    Raises: BadInput naming every table that is wrong.
    """
    return dict(catalogue(file).placements)


def load_renditions(file: Path = FILE) -> dict[str, Rendition]:
    """Every rendition by id.

    Raises: BadInput naming every table that is wrong.
    """
    return dict(catalogue(file).renditions)


def get_placement(name: str) -> Placement:
    """The placement of that id.

    Raises: BadInput with the nearest name for an unknown one.
    """
    known = catalogue().placements
    if name in known:
        return known[name]
    hint = did_you_mean(name, known) or "`spotmill placements` lists them"
    raise BadInput((Problem("placements", None, None, "unknown_placement", name[:60], "no such placement", hint),))


def watermark_for(placement: Placement, *, preview: bool = False) -> Watermark:
    """The watermark policy of a delivery, or of its preview."""
    return catalogue().preview if preview else placement.watermark


def safe_box(place: Placement | Rendition, size: tuple[int, int] | None = None) -> Box:
    """The box of whole pixels that text and logos stay in: x, y, width, height, rounded inwards.

    For a draft of another `size` it is this box scaled and rounded outwards: what fits into the film fits into it.
    """
    safe = place.safe
    # repr() gives the decimal as it stands in the file: 0.65 * 1920 in floats is 1248.0000000000002.
    top, bottom, left, right = (Fraction(repr(part)) for part in (safe.top, safe.bottom, safe.left, safe.right))
    x, y = math.ceil(left * place.width), math.ceil(top * place.height)
    end_x, end_y = math.floor((1 - right) * place.width), math.floor((1 - bottom) * place.height)
    if size and size != (place.width, place.height):
        across, down = Fraction(size[0], place.width), Fraction(size[1], place.height)
        x, y = math.floor(x * across), math.floor(y * down)
        end_x, end_y = math.ceil(end_x * across), math.ceil(end_y * down)
    return x, y, end_x - x, end_y - y


@cache
def catalogue(file: Path = FILE) -> Catalogue:
    """Everything in a placements file, read once."""
    return read_catalogue(file)
