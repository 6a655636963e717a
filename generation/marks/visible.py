"""The brand's visible watermark: a quiet line of text at the lower end corner of the safe box, all film long.

Whether a placement wants one is decided elsewhere (some platforms punish it); here is only how it looks.
"""

from __future__ import annotations

from dataclasses import replace

from generation.layers.colour import WHITE
from generation.layers.elements import words
from generation.layers.grid import WATERMARK, Grid
from generation.layers.kinds import set_text
from generation.layers.placed import Element, Rect, Words
from generation.layers.spec import BrandStyle

#: Seen on any footage, yet not in the way: white at this opacity, held by a soft dark edge.
OPACITY = 0.62
#: Reach of that edge, as a part of the size.
_HALO = 0.15


def watermark(text: str, page: Grid, brand: BrandStyle, locale: str) -> Element:
    """The mark at its home, for a left-to-right page. Raises: TextDoesNotFit, MissingGlyphs."""
    setting = set_text("watermark", text, page, brand, locale)
    height = max(WATERMARK * page.unit, setting.height_px)
    left, top = page.safe.right - setting.width_px, page.safe.bottom - height
    element = words(setting, left, top + (height - setting.height_px) / 2, WHITE, halo=True)
    marks = tuple(replace(mark, opacity=OPACITY, halo=_HALO) for mark in element.marks if isinstance(mark, Words))
    return Element(marks, Rect(element.area.x, top, element.area.width, height))
