"""Type setting: measure, wrap, shrink to fit, and draw lines of text as 8-bit coverage masks.

Shapes through `shaping.py`, breaks through `wrapping.py`, rasterises glyph outlines with FreeType, unhinted and at
sub-pixel places: hinting would make letters jump between sizes. Knows pixels; not colours, boxes or kinds of layers.
"""

from __future__ import annotations

import ctypes
import math
import os
from dataclasses import dataclass
from itertools import pairwise

import freetype
import numpy as np
from freetype.raw import FT_Outline_Translate
from numpy.typing import NDArray

from generation.errors import TextDoesNotFit
from generation.layers.fonts import FONTS_VARIABLE, Face, Typeface
from generation.layers.shaping import Line, advances, clean, shape
from generation.layers.spec import BrandStyle
from generation.layers.wrapping import Measured, pieces, without_orphan

#: A size this much smaller is worth one line fewer: two big lines read faster than three bigger ones.
_FEWER_LINES_WORTH = 0.92
#: Differences of shaping between a line alone and the same line in its text (kerning with a space) stay below this.
_SLACK = 1.002
#: Room below the last baseline even where no letter descends: plates and gaps must not depend on a `g`.
_DESCENT = 0.2


@dataclass(frozen=True, slots=True)
class Setting:
    """How a kind of text is set. Sizes in pixels; `leading` is the distance of baselines over the size."""

    size_px: float
    smallest_px: float
    lines: int = 1
    leading: float = 1.2


@dataclass(frozen=True, slots=True)
class Block:
    """A text set in lines: `top_px` from the first baseline up to the ink's top, `bottom_px` down from the last."""

    lines: tuple[str, ...]
    typeface: Typeface
    size_px: float
    leading_px: float
    width_px: float
    top_px: float
    bottom_px: float

    @property
    def height_px(self) -> float:
        """From the top of the first line's capitals (or accents) to the bottom of the last line's ink."""
        return self.top_px + (len(self.lines) - 1) * self.leading_px + self.bottom_px


@dataclass(frozen=True, slots=True)
class Mask:
    """(height, width) uint8 coverage of one line; `left` and `top` place it relative to the pen and the baseline."""

    coverage: NDArray[np.uint8]
    left: int
    top: int


def typeface(brand: BrandStyle, locale: str, weight: int, tracking_em: float = 0.0) -> Typeface:
    """The brand's type in a language and weight; reads SPOTMILL_FONTS."""
    return Typeface(brand.fonts, brand.family, weight, locale, tracking_em, os.environ.get(FONTS_VARIABLE, ""))


def measure(text: str, face: Typeface, size_px: float) -> float:
    """Width in pixels of the text's ink on one line. Raises: MissingGlyphs."""
    line = shape(clean(text), face)
    return (line.right_em - line.left_em) * size_px


def wrap(text: str, face: Typeface, size_px: float, max_width_px: float, max_lines: int) -> tuple[str, ...]:
    """The text in as few balanced lines as fit. Raises: TextDoesNotFit, MissingGlyphs."""
    content = clean(text)
    if not content:
        return ()
    measured = _measured(content, face)
    needed = measured.lines_at(max_width_px / size_px)
    if needed is None or needed > max_lines:
        raise _too_long(content, face, max_width_px / size_px, max_lines)
    return _tidy(content, face, needed).balanced(max_width_px / size_px, needed)


def check(text: str, face: Typeface, setting: Setting, width_px: float, height_px: float) -> None:
    """Whether `fit` would succeed, at a fraction of its cost. Raises: TextDoesNotFit, MissingGlyphs."""
    content = clean(text)
    if not content:
        return
    room = width_px / setting.smallest_px / _SLACK
    allowed = _lines_in(content, face, setting, setting.smallest_px, height_px)
    if allowed < 1 or (_measured(content, face).lines_at(room) or 99) > allowed:
        raise _too_long(content, face, room, max(1, allowed))


def fit(text: str, face: Typeface, setting: Setting, width_px: float, height_px: float) -> Block:
    """Set a text as large as its place allows, in the number of lines that reads best; shrink within the limits.

    Raises: TextDoesNotFit with the count of characters that would fit; MissingGlyphs.
    """
    content = clean(text)
    check(content, face, setting, width_px, height_px)
    best, chosen = 0.0, (setting.smallest_px, 1)
    for lines in range(1, setting.lines + 1):
        size = _largest(content, face, setting, lines, width_px, height_px)
        if size * _FEWER_LINES_WORTH > best:
            best, chosen = size, (size, lines)
    size, lines = max(chosen[0], setting.smallest_px), chosen[1]
    measured = _tidy(content, face, lines)
    if (measured.lines_at(width_px / size / _SLACK) or 99) > lines:
        measured = _measured(content, face)  # the orphan has to be accepted: nothing else fits
    needed = measured.lines_at(width_px / size / _SLACK) or lines
    broken = measured.balanced(width_px / size / _SLACK, max(needed, lines))
    built = block(broken, face, size, setting.leading)
    # Advances are what breaking goes by; ink may hang over them by a hair (a last letter's tracking, an italic's tip).
    excess = max(built.width_px / width_px, built.height_px / height_px)
    return built if excess <= 1 else block(broken, face, size / excess, setting.leading)


def block(lines: tuple[str, ...], face: Typeface, size_px: float, leading: float) -> Block:
    """Lines that are already broken, at a given size."""
    shaped = [shape(line, face) for line in lines]
    cap = shaped[0].glyphs[0].face.cap_em if shaped[0].glyphs else 0.7
    top, bottom = max(cap, shaped[0].top_em), max(_DESCENT, -shaped[-1].bottom_em)
    apart = [1.04 * (lower.top_em - upper.bottom_em) for upper, lower in pairwise(shaped)]
    between = max([leading, *apart])
    width = max(line.right_em - line.left_em for line in shaped)
    return Block(lines, face, size_px, between * size_px, width * size_px, top * size_px, bottom * size_px)


def characters_that_fit(text: str, face: Typeface, width_em: float, lines: int) -> int:
    """The largest n for which the text cut to n characters takes no more than `lines` lines of this width."""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _fits(text[:middle], face, width_em, lines) else (low, middle - 1)
    while low and not _fits(text[:low], face, width_em, lines):  # a cut through a joined letter can widen it
        low -= 1
    return low


def _fits(text: str, face: Typeface, width_em: float, lines: int) -> bool:
    content = clean(text)
    return not content or (_measured(content, face).lines_at(width_em) or lines + 1) <= lines


def _too_long(text: str, face: Typeface, width_em: float, lines: int) -> TextDoesNotFit:
    count = characters_that_fit(text, face, width_em, lines)
    shown = text if len(text) <= 40 else text[:38].rstrip() + "…"
    where = "on one line" if lines == 1 else f"in {lines} lines"
    return TextDoesNotFit(
        f"{shown!r} has {len(text)} characters; {count} would fit {where} at the smallest size", fits_characters=count
    )


def _measured(content: str, face: Typeface) -> Measured:
    hyphen = sum(advances("-", face).widths_em) if "\u00ad" in content else 0.0
    return Measured(content, pieces(content, face.locale), advances(content, face).widths_em, hyphen)


def _tidy(content: str, face: Typeface, lines: int) -> Measured:
    """As `_measured`, with the last short word tied down where there is more than one line."""
    measured = _measured(content, face)
    if lines > 1:
        measured.parts = without_orphan(content, measured.parts)
    return measured


def _lines_in(content: str, face: Typeface, setting: Setting, size_px: float, height_px: float) -> int:
    """How many lines the height holds, by the highest and deepest ink of the whole text."""
    ink = advances(content, face)
    tall = max(0.7, ink.top_em) + max(_DESCENT, -ink.bottom_em)
    more = (height_px / size_px - tall) / max(setting.leading, 1.04 * tall)
    return min(setting.lines, math.floor(more + 1e-6) + 1) if more > -1e-6 else 0


def _largest(content: str, face: Typeface, setting: Setting, lines: int, width_px: float, height_px: float) -> float:
    """The largest permitted size at which the text takes `lines` lines; 0 when even the smallest does not do."""
    ink = advances(content, face)
    tall = max(0.7, ink.top_em) + max(_DESCENT, -ink.bottom_em)
    high = tall + (lines - 1) * max(setting.leading, 1.04 * tall)
    size = min(setting.size_px, height_px / high, width_px / (_tidy(content, face, lines).narrowest(lines) * _SLACK))
    return size if size >= setting.smallest_px else 0.0


def draw(line: Line, size_px: float, x_px: float = 0.0) -> Mask:
    """Rasterise a shaped line; `x_px` is the sub-pixel place of the pen, the baseline is at a whole pixel."""
    left = math.floor(x_px + line.left_em * size_px) - 1
    right = math.ceil(x_px + line.right_em * size_px) + 2
    top, bottom = math.ceil(line.top_em * size_px) + 1, math.floor(line.bottom_em * size_px) - 2
    canvas = np.zeros((max(1, top - bottom), max(1, right - left)), np.uint8)
    for glyph in line.glyphs:
        image, at_x, at_y = _glyph(glyph.face, glyph.glyph, size_px, x_px + glyph.x_em * size_px, glyph.y_em * size_px)
        if image.size:
            y, x = top - at_y, at_x - left
            target = canvas[y : y + image.shape[0], x : x + image.shape[1]]
            np.maximum(target, image[: target.shape[0], : target.shape[1]], out=target)
    return Mask(canvas, left, top)


def _glyph(face: Face, glyph: int, size_px: float, x_px: float, y_px: float) -> tuple[NDArray[np.uint8], int, int]:
    """Coverage of one glyph, the column of its left edge and the height of its top edge above the baseline."""
    font = face.outlines
    font.set_char_size(0, round(size_px * 64), 72, 72)
    font.load_glyph(glyph, freetype.FT_LOAD_NO_HINTING | freetype.FT_LOAD_NO_BITMAP)
    slot = font.glyph
    if slot.format != freetype.FT_GLYPH_FORMAT_OUTLINE:
        return np.zeros((0, 0), np.uint8), 0, 0
    whole_x, whole_y = math.floor(x_px), math.floor(y_px)
    FT_Outline_Translate(
        ctypes.byref(slot.outline._FT_Outline), round((x_px - whole_x) * 64), round((y_px - whole_y) * 64)
    )
    slot.render(freetype.FT_RENDER_MODE_NORMAL)
    bitmap = slot.bitmap._FT_Bitmap
    if not bitmap.rows or not bitmap.width:
        return np.zeros((0, 0), np.uint8), 0, 0
    # `bitmap.buffer` of the binding copies byte by byte in Python: 50 times the cost of the rendering.
    rows = np.frombuffer(ctypes.string_at(bitmap.buffer, bitmap.rows * bitmap.pitch), np.uint8)
    image = rows.reshape(bitmap.rows, bitmap.pitch)[:, : bitmap.width]
    return image, slot.bitmap_left + whole_x, slot.bitmap_top + whole_y
