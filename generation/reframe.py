"""How a picture of one size goes into another: pure geometry, no pixels.

Fill and crop around a point of interest; where that would throw away too much, keep what may be kept and surround it
with a blurred copy of itself. Never black bars (DV360 and Snapchat refuse them), never a box outside the source.
Decided once per shot, not per frame, or the camera would tremble. Pixels are `plate.py`'s affair.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from generation.errors import BadMedia
from generation.spec import Box, Size

#: Part of the picture that a crop may lose. 9:16 to 1:1 and 16:9 to 1:1 lose 44 % and are cropped; 16:9 to 9:16 would
#: lose 68 %, which is another picture: it is padded.
MAX_LOSS = 0.45
#: An exact aspect may cost this much more of either side than the best even box; beyond it, squares bend a little.
EXACT_COST = 0.03


@dataclass(frozen=True, slots=True)
class Reframe:
    """The box `crop` of the source is scaled into the box `place` of the target. All four sides of both are even."""

    source: Size
    target: Size
    #: `whole`: all of the source; `crop`: filled and cropped; `pad`: cropped within the limit, the rest is blurred.
    mode: str
    crop: Box
    place: Box

    @property
    def lost(self) -> float:
        """Part of the source's area that is not shown, 0 to 1."""
        return 1 - self.crop.width * self.crop.height / (self.source.width_px * self.source.height_px)

    @property
    def padded(self) -> float:
        """Part of the target's area that is blurred filling, 0 to 1."""
        return 1 - self.place.width * self.place.height / (self.target.width_px * self.target.height_px)

    @property
    def stretch(self) -> Fraction:
        """Horizontal over vertical scale; exactly 1 wherever an even box of that aspect exists nearby."""
        return Fraction(self.place.width * self.crop.height, self.place.height * self.crop.width)

    @property
    def untouched(self) -> bool:
        """Whether source pixels are target pixels."""
        return self.mode == "whole" and self.source == self.target


def plan_reframe(
    source: Size, target: Size, *, focus: tuple[float, float] = (0.5, 0.5), max_loss: float = MAX_LOSS
) -> Reframe:
    """How `source` goes into `target`, keeping the point `focus` (x, y in 0 to 1) as near the middle as it can be.

    Raises: ValueError for an odd target or a focus outside the picture, BadMedia for a source too small to cut from.
    """
    if target.width_px % 2 or target.height_px % 2 or min(target.width_px, target.height_px) < 2:
        raise ValueError(f"{target}: both sides must be even")
    if not all(0 <= part <= 1 for part in focus) or not 0 <= max_loss < 1:
        raise ValueError(f"focus {focus} and max_loss {max_loss} are parts of the picture, 0 to 1")
    if min(source.width_px, source.height_px) < 16:
        raise BadMedia(f"a picture of {source} is too small to be reframed to {target}; both sides need 16 px")
    whole = Box(0, 0, target.width_px, target.height_px)
    if _loss_of_filling(source, target) <= max_loss:
        width, height = _filling(source, target.aspect)
        crop = _around(source, width, height, focus)
        mode = "whole" if (width, height) == (source.width_px, source.height_px) else "crop"
        return Reframe(source, target, mode, crop, whole)
    return _padded(source, target, focus, max_loss)


def filling_crop(source: Size, target: Size, focus: tuple[float, float] = (0.5, 0.5)) -> Box:
    """The box of the source that fills the target, whatever it loses: what the blurred filling is made of."""
    return _around(source, *_filling(source, target.aspect), focus)


def _loss_of_filling(source: Size, target: Size) -> float:
    ratio = source.aspect / target.aspect
    return float(1 - min(ratio, 1 / ratio))


def _filling(source: Size, aspect: Fraction) -> tuple[int, int]:
    """The largest even box of exactly `aspect`; where that costs too much, the largest even box near it."""
    wide = min(Fraction(source.width_px), source.height_px * aspect)
    best = _even(wide), _even(wide / aspect)
    # Both sides are even when the multiple is: a reduced fraction never has two even terms.
    multiple = _even(wide / aspect.numerator)
    exact = aspect.numerator * multiple, aspect.denominator * multiple
    return exact if exact[0] >= (1 - EXACT_COST) * best[0] else best


def _padded(source: Size, target: Size, focus: tuple[float, float], max_loss: float) -> Reframe:
    """Crop what may be lost, so that the picture stays large, and centre it."""
    keep = Fraction(1 - max_loss).limit_denominator(1000)
    if source.aspect > target.aspect:
        width, height = min(_even(source.width_px * keep) + 2, _even(source.width_px)), _even(source.height_px)
        placed = target.width_px, min(target.height_px, _nearest_even(Fraction(target.width_px * height, width)))
    else:
        width, height = _even(source.width_px), min(_even(source.height_px * keep) + 2, _even(source.height_px))
        placed = min(target.width_px, _nearest_even(Fraction(target.height_px * width, height))), target.height_px
    place = Box(_even((target.width_px - placed[0]) / 2), _even((target.height_px - placed[1]) / 2), *placed)
    return Reframe(source, target, "pad", _around(source, width, height, focus), place)


def _around(source: Size, width: int, height: int, focus: tuple[float, float]) -> Box:
    x = min(max(focus[0] * source.width_px - width / 2, 0), source.width_px - width)
    y = min(max(focus[1] * source.height_px - height / 2, 0), source.height_px - height)
    return Box(_even(x), _even(y), width, height)


def _even(value: float | Fraction) -> int:
    """The even number at or below."""
    return math.floor(value / 2) * 2


def _nearest_even(value: Fraction) -> int:
    return max(2, round(value / 2) * 2)
