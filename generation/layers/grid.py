"""The page: how a safe box is divided, and one unit of length for everything in it.

All zones together fill the safe box at most, whatever stands on the sheet, so two kinds cannot meet. Upright and square
pictures stack everything; wide ones keep their texts in a column at the start side and leave the middle to the product.
Pure geometry: knows no text and no brand.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from generation.layers.placed import Rect
from generation.spec import Box, Size

#: Heights in units. An upright picture needs them all; a wide one has price and button in one row.
GAP_HEADER, BADGE, GAP_BADGE, HEADLINE, GAP_SUBLINE, SUBLINE = 28, 52, 18, 280, 22, 100
GAP_FREE, PRICE, GAP_BUTTON, BUTTON, GAP_CAPTION, CAPTION, GAP_WATERMARK, WATERMARK = 24, 118, 16, 92, 18, 138, 12, 30
_COMMON = GAP_HEADER + BADGE + GAP_BADGE + HEADLINE + GAP_SUBLINE + SUBLINE + GAP_FREE + PRICE
_BELOW = GAP_CAPTION + CAPTION + GAP_WATERMARK + WATERMARK
STACKED, SIDE_BY_SIDE = _COMMON + GAP_BUTTON + BUTTON + _BELOW, _COMMON + _BELOW
#: Width in units that an upright page needs.
UPRIGHT_WIDTH = 766
#: Height of the row with logo and disclosure label, as a part of the short side: two lines of the label.
HEADER = 0.068
#: A page below this unit (12 px type at 1080) is no place for an ad.
SMALLEST_UNIT = 0.35
#: What an end card needs, in its own unit.
CARD_WIDTH, WIDE_CARD_WIDTH, CARD_HEIGHT = 700, 1050, 800


@dataclass(frozen=True, slots=True)
class Grid:
    """A safe box with its unit. `unit` is in pixels; 1 on a 1080 px wide picture with roomy margins."""

    size: Size
    safe: Box
    unit: float
    wide: bool
    header: float

    @property
    def short(self) -> int:
        """Short side of the picture."""
        return min(self.size.width_px, self.size.height_px)

    @property
    def column(self) -> float:
        """Width of headline and subline."""
        return 0.44 * self.safe.width if self.wide else self.safe.width

    @property
    def row(self) -> float:
        """The most that price or button may take of a row."""
        return (self.safe.width - GAP_BUTTON * self.unit) / 2 if self.wide else self.safe.width

    @property
    def centred(self) -> Rect:
        """The band for centred things: about the picture's middle, unless the safe box lies too far to one side."""
        middle = self.size.width_px / 2
        width = 2 * min(middle - self.safe.x, self.safe.right - middle)
        if width < 0.85 * self.safe.width:
            return Rect(self.safe.x, self.safe.y, self.safe.width, self.safe.height)
        return Rect(middle - width / 2, self.safe.y, width, self.safe.height)

    @property
    def card_width(self) -> int:
        """Width of an end card in its unit."""
        return WIDE_CARD_WIDTH if self.wide else CARD_WIDTH

    def card_unit(self, height: float) -> float:
        """Unit of an end card that has `height` pixels."""
        return min(self.centred.width / self.card_width, height / CARD_HEIGHT)

    @property
    def card_height(self) -> float:
        """Height that an end card surely has: without header row, captions and watermark."""
        below = (GAP_CAPTION + CAPTION + GAP_WATERMARK + WATERMARK) * self.unit
        return self.safe.height - self.header - GAP_HEADER * self.unit - below


@lru_cache(maxsize=256)
def grid(size: Size, safe: Box) -> Grid:
    """Divide a safe box. Raises: ValueError when it leaves the picture or is too small to write in."""
    if min(safe.x, safe.y) < 0 or safe.right > size.width_px or safe.bottom > size.height_px:
        raise ValueError(f"the safe box {safe} leaves the picture of {size}")
    wide = size.aspect > Fraction(5, 4)
    header = HEADER * min(size.width_px, size.height_px)
    unit = (safe.height - header) / (SIDE_BY_SIDE if wide else STACKED)
    unit = min(unit, safe.width / (2 * UPRIGHT_WIDTH if wide else UPRIGHT_WIDTH))
    if unit < SMALLEST_UNIT * min(size.width_px, size.height_px) / 1080:
        raise ValueError(f"the safe box {safe} of {size} is too small to write in")
    return Grid(size, safe, unit, wide, header)
