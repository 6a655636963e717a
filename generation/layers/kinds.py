"""How each kind of text is set and how much room it has: the typographic scale, and the check before a run.

`check_text` asks the same question as the layout, from the same numbers, without laying anything out: text, kind, safe
box and brand decide alone, whatever else stands on the sheet. A new kind is a line in `STYLES` and one in `_room`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from generation.errors import MissingGlyphs, TextDoesNotFit
from generation.layers import text as setting
from generation.layers.fonts import Typeface
from generation.layers.grid import BADGE, BUTTON, HEADLINE, PRICE, SUBLINE, WATERMARK, Grid, grid
from generation.layers.spec import BrandStyle
from generation.layers.text import Block, Setting
from generation.spec import Box, Size

#: No letter is set smaller than this part of the short side: 20 px at 1080.
FLOOR = 0.0185
#: Disclosure label: 2.2 % of the short side is the least that is conspicuous on a phone.
LABEL, LABEL_FLOOR = 0.0265, 0.022

#: Padding in units: (left and right, above and below).
BADGE_PAD, PRICE_PAD, BUTTON_PAD, CAPTION_PAD, LABEL_PAD = (20, 10), (24, 16), (36, 20), (26, 14), (16, 9)
#: Between the price and what stands beside it; arrow of the button with the gap before it.
PRICE_GAP, ARROW, ARROW_GAP = 22, 30, 18


@dataclass(frozen=True, slots=True)
class Style:
    """Weight, sizes in units, lines, leading and tracking of a kind."""

    weight: int
    size: float
    smallest: float
    lines: int = 1
    leading: float = 1.2
    tracking_em: float = 0.0


STYLES: Mapping[str, Style] = MappingProxyType(
    {
        "headline": Style(800, 150, 54, 3, 1.04, -0.03),
        "subline": Style(600, 42, 29, 2, 1.26),
        "badge": Style(800, 30, 23, tracking_em=0.03),
        "price": Style(800, 60, 36, tracking_em=-0.02),
        "price.old_price": Style(600, 29, 22),
        "price.note": Style(600, 27, 20, 2, 1.18),
        "cta": Style(700, 38, 27, tracking_em=-0.005),
        "logo": Style(800, 40, 25, tracking_em=-0.01),
        "caption": Style(700, 46, 34, 1, 1.26),
        "disclosure": Style(600, 0, 0, 2, 1.16),
        "watermark": Style(700, 28, 21, tracking_em=0.02),
        "end_card": Style(800, 92, 46, 3, 1.10, -0.022),
        "end_card.logo": Style(800, 58, 34, tracking_em=-0.015),
        "end_card.price": Style(800, 84, 40, tracking_em=-0.02),
        "end_card.old_price": Style(600, 40, 26),
        "end_card.cta": Style(700, 42, 29, tracking_em=-0.005),
        "end_card.url": Style(600, 34, 24),
        "end_card.legal": Style(500, 24, 20, 2, 1.25),
    }
)

#: A wide picture is seen smaller on a phone held upright: what stands in the column may grow by this factor.
WIDE_TYPE: Mapping[str, float] = MappingProxyType({"subline": 1.12})

#: Heights on an end card, in its units.
CARD_LOGO, CARD_HEADLINE, CARD_PRICE, CARD_BUTTON, CARD_URL, CARD_LEGAL = 104, 236, 88, 98, 44, 62


def _room(kind: str, page: Grid) -> tuple[float, float]:
    """Width and height in pixels that a kind's text may fill; for an end card in its units."""
    unit, width = page.unit, page.safe.width
    pixel, card = page.short / 1080, page.card_width
    beside = (page.row - (2 * PRICE_PAD[0] + PRICE_GAP) * unit) / 2
    rooms = {
        "headline": (page.column, HEADLINE * unit),
        "subline": (page.column, SUBLINE * unit),
        "badge": (0.8 * page.column - 2 * BADGE_PAD[0] * unit, (BADGE - 2 * BADGE_PAD[1]) * unit),
        "price": (beside, (PRICE - 2 * PRICE_PAD[1]) * unit),
        "price.old_price": (beside, 32 * unit),
        "price.note": (beside, 54 * unit),
        "cta": (page.row - (2 * BUTTON_PAD[0] + ARROW_GAP + ARROW) * unit, (BUTTON - 2 * BUTTON_PAD[1]) * unit),
        "logo": (0.38 * width, 0.8 * page.header),
        "caption": (_caption_width(page), 1e9),
        "disclosure": (0.58 * width - 2 * LABEL_PAD[0] * pixel, page.header - 2 * LABEL_PAD[1] * pixel),
        "watermark": (0.6 * width, WATERMARK * unit),
        "end_card": (card, CARD_HEADLINE),
        "end_card.logo": (0.8 * card, CARD_LOGO),
        "end_card.price": (0.62 * card, CARD_PRICE),
        "end_card.old_price": (0.31 * card, CARD_PRICE),
        "end_card.cta": (card - 2 * BUTTON_PAD[0] - ARROW - ARROW_GAP, CARD_BUTTON - 2 * BUTTON_PAD[1]),
        "end_card.url": (card, CARD_URL),
        "end_card.legal": (card, CARD_LEGAL),
    }
    return rooms[kind]


def _caption_width(page: Grid) -> float:
    band = min(page.centred.width, 0.72 * page.size.width_px if page.wide else page.centred.width)
    return band - 2 * CAPTION_PAD[0] * page.unit


@lru_cache(maxsize=1024)
def setting_of(kind: str, page: Grid) -> tuple[Setting, float, float]:
    """Sizes in pixels, and the width and height of the room. Raises: ValueError for an unknown kind."""
    if kind not in STYLES:
        raise ValueError(f"{kind!r} is not a kind of text. Use one of: {', '.join(STYLES)}")
    style, (width, height) = STYLES[kind], _room(kind, page)
    if kind == "disclosure":
        return Setting(LABEL * page.short, LABEL_FLOOR * page.short, style.lines, style.leading), width, height
    unit = page.card_unit(page.card_height) if kind.startswith("end_card") else page.unit
    scale = unit if kind.startswith("end_card") else 1.0
    smallest = min(style.size * unit, max(style.smallest * unit, FLOOR * page.short))
    largest = style.size * unit * (WIDE_TYPE.get(kind, 1.0) if page.wide else 1.0)
    return Setting(largest, smallest, style.lines, style.leading), width * scale, height * scale


def typeface_of(kind: str, brand: BrandStyle, locale: str) -> Typeface:
    """The brand's type for a kind; not cached, as SPOTMILL_FONTS is read anew."""
    return setting.typeface(brand, locale, STYLES[kind].weight, STYLES[kind].tracking_em)


def set_text(kind: str, text: str, page: Grid, brand: BrandStyle, locale: str) -> Block:
    """A text of a kind, broken and sized for its room. Raises: TextDoesNotFit, MissingGlyphs, both naming the kind."""
    how, width, height = setting_of(kind, page)
    with _naming(kind):
        return setting.fit(text, typeface_of(kind, brand, locale), how, width, height)


def check_text(kind: str, text: str, size: Size, safe: Box, brand: BrandStyle, locale: str) -> None:
    """Whether a text can be drawn as this kind: a kind of `Layer`, `caption` (one line), `disclosure`, `watermark`, or
    a further text as `price.note`, `end_card.legal` (an `end_card` itself is its headline).

    Pure and quick: some ten thousand different texts per second. Raises: TextDoesNotFit, MissingGlyphs, BadMedia (a
    broken brand font), NotAvailable (a family that is not installed).
    """
    how, width, height = setting_of(kind, grid(size, safe))
    with _naming(kind):
        setting.check(text, typeface_of(kind, brand, locale), how, width, height)


def caption_characters(size: Size, safe: Box, brand: BrandStyle, locale: str) -> int:
    """Columns of a caption line at its full size, by the width of ordinary text of the brand's font."""
    how, width, _ = setting_of("caption", grid(size, safe))
    sample = "the quick brown fox jumps over the lazy dog and runs"
    return int(width / (setting.measure(sample, typeface_of("caption", brand, locale), how.size_px) / len(sample)))


@contextmanager
def _naming(kind: str) -> Iterator[None]:
    """Put the kind in front of a complaint about a text."""
    try:
        yield
    except TextDoesNotFit as error:
        raise TextDoesNotFit(f"{kind}: {error}", fits_characters=error.fits_characters) from None
    except MissingGlyphs as error:
        raise MissingGlyphs(f"{kind}: {error}") from None
