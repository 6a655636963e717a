"""The visible parts of an ad, each laid out from its top left corner: text blocks, button, price card, badge, plates.

Everything is laid out left to right; `placed.mirrored` turns it for right-to-left pages. Colours are chosen here so
that text on a plate always reaches a contrast of 4.5. Knows brand and type; not where on the page or when.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from generation.layers import logo
from generation.layers.colour import BLACK, WHITE, contrast, filled, luminance, mix, readable_on
from generation.layers.grid import BADGE, BUTTON, PRICE, Grid
from generation.layers.kinds import (
    ARROW,
    ARROW_GAP,
    BADGE_PAD,
    BUTTON_PAD,
    CAPTION_PAD,
    LABEL_PAD,
    PRICE_GAP,
    PRICE_PAD,
    set_text,
    typeface_of,
)
from generation.layers.placed import Element, Mark, Picture, Plate, Rect, Stroke, Words
from generation.layers.shaping import clean, shape
from generation.layers.spec import BrandStyle
from generation.layers.text import Block, block

#: Opacity of the black plates under captions and labels: white on it reaches 5.9 even over white footage.
PLATE_OPACITY = 0.64
#: A bare logo over footage needs this contrast for nearly all of its ink, else it gets a plate of its own.
LOGO_CONTRAST, LOGO_PART = 2.0, 0.9
#: What the shade must give to text on footage, and to the brand's name, which is large and bold (WCAG asks for 3).
TEXT_CONTRAST, NAME_CONTRAST = 4.8, 3.2
_HALO = 0.09


@dataclass(frozen=True, slots=True)
class Tone:
    """How text stands on footage: light on darkened footage, or dark on lightened footage."""

    text: str
    shade: str

    @property
    def is_light(self) -> bool:
        """Whether the text is the lighter of the two."""
        return luminance(self.text) > luminance(self.shade)

    @property
    def ground(self) -> float:
        """Luminance of the shaded footage where it comes closest to the text's, by the contrast of a name."""
        if self.is_light:
            return (luminance(self.text) + 0.05) / NAME_CONTRAST - 0.05
        return (luminance(self.text) + 0.05) * NAME_CONTRAST - 0.05


def light_tone(brand: BrandStyle) -> Tone:
    """The brand's paper where that is nearly white, else white; on the brand's ink where that is dark, else black."""
    text = brand.paper if luminance(brand.paper) >= 0.85 else WHITE
    return Tone(text, mix(brand.ink, BLACK, 0.5) if luminance(brand.ink) <= 0.03 else BLACK)


def dark_tone(brand: BrandStyle) -> Tone:
    """The brand's ink where that is dark, else a soft black; on white."""
    return Tone(brand.ink if luminance(brand.ink) <= 0.03 else "#141414", WHITE)


def words(setting: Block, x: float, y: float, colour: str, *, centre: float = 0.0, halo: bool = False) -> Element:
    """A block whose ink begins at `x` and `y`; with `centre`, each line is centred in that width."""
    marks, left, right = [], x + max(centre, setting.width_px), x
    for index, text in enumerate(setting.lines):
        line = shape(text, setting.typeface)
        width = (line.right_em - line.left_em) * setting.size_px
        start = x + (centre - width) / 2 if centre else x
        baseline = y + setting.top_px + index * setting.leading_px
        edge = _HALO if halo else 0.0
        marks.append(Words(text, setting.typeface, setting.size_px, start, baseline, colour, halo=edge))
        left, right = min(left, start), max(right, start + width)
    return Element(tuple(marks), Rect(left, y, right - left, setting.height_px))


def plain(setting: Block, x: float, baseline: float, colour: str, opacity: float = 1.0) -> Words:
    """A one-line block on a baseline."""
    return Words(setting.lines[0], setting.typeface, setting.size_px, x, baseline, colour, opacity)


def cap_px(setting: Block) -> float:
    """Height of the capitals of a block: what looks centred on a plate is centred by it."""
    line = shape(setting.lines[0], setting.typeface)
    return (line.glyphs[0].face.cap_em if line.glyphs else 0.7) * setting.size_px


def accent_bar(x: float, y: float, unit: float, brand: BrandStyle, tone: Tone) -> Element:
    """The short stroke that opens a headline, in the brand colour that stands off this footage best."""
    area = Rect(x, y, 72 * unit, 9 * unit)
    colour = next((one for one in (brand.accent, brand.primary) if contrast(one, tone.shade) >= 3), tone.text)
    return Element((Plate(area, area.height / 2, colour),), area)


def badge(setting: Block, x: float, y: float, unit: float, brand: BrandStyle) -> Element:
    """A short word on a pill in the accent colour."""
    area = Rect(x, y, setting.width_px + 2 * BADGE_PAD[0] * unit, BADGE * unit)
    plate, colour = filled(brand.accent, brand.paper, brand.ink)
    text = plain(setting, x + BADGE_PAD[0] * unit, y + (area.height + cap_px(setting)) / 2, colour)
    return Element((Plate(area, area.height / 2, plate, shadow_px=10 * unit), text), area)


def button(
    setting: Block, x: float, y: float, unit: float, colours: tuple[str, str], height: float = BUTTON
) -> Element:
    """A call to action: pill, text, arrow. `colours` are the button's and its text's."""
    high = height * unit
    wide = setting.width_px + (2 * BUTTON_PAD[0] + ARROW_GAP + ARROW) * unit
    area = Rect(x, y, wide, high)
    start, middle = x + BUTTON_PAD[0] * unit, y + high / 2
    text = plain(setting, start, middle + cap_px(setting) / 2, colours[1])
    tip, wing = area.right - BUTTON_PAD[0] * unit, 0.36 * ARROW * unit
    tail, thick = tip - ARROW * unit * 0.92, max(2.0, 0.115 * setting.size_px)
    arrow = (
        Stroke(((tail, middle), (tip - thick / 2, middle)), thick, colours[1]),
        Stroke(((tip - wing, middle - wing), (tip, middle), (tip - wing, middle + wing)), thick, colours[1]),
    )
    return Element((Plate(area, high / 2, colours[0], shadow_px=16 * unit), text, *arrow), area)


def button_colours(brand: BrandStyle, background: str = "") -> tuple[str, str]:
    """Button and text colour: the accent, unless it drowns in the background."""
    wanted = [brand.accent, brand.paper, brand.ink, WHITE, BLACK]
    if background:
        wanted = [colour for colour in wanted if contrast(colour, background) >= 1.8] or wanted[-2:]
    return filled(wanted[0], brand.paper, brand.ink)


def price_card(
    text: str, extra: Mapping[str, str], x: float, y: float, page: Grid, brand: BrandStyle, locale: str
) -> Element:
    """Price large on a paper card; beside it the old price, struck through, over a note.

    An old price alone stands above the price on upright pages: a narrow card leaves the middle to the product.
    """
    if not page.wide and clean(extra.get("old_price", "")) and not clean(extra.get("note", "")):
        return _narrow_price_card(text, extra["old_price"], x, y, page, brand, locale)
    unit, paper = page.unit, brand.paper
    ink = readable_on(paper, brand.ink)
    main = set_text("price", text, page, brand, locale)
    side = _beside(extra, page, brand, locale)
    wide = max((part.width_px for part in side.values()), default=-PRICE_GAP * unit)
    high = PRICE * unit if side else BUTTON * unit
    area = Rect(x, y, main.width_px + wide + (2 * PRICE_PAD[0] + PRICE_GAP) * unit, high)
    marks: list[Mark] = [Plate(area, 26 * unit, paper, shadow_px=18 * unit)]
    marks.append(plain(main, x + PRICE_PAD[0] * unit, y + (high + cap_px(main)) / 2, ink))
    gap = 12 * unit if len(side) > 1 else 0.0
    left = x + (PRICE_PAD[0] + PRICE_GAP) * unit + main.width_px
    top = y + (high - sum(part.height_px for part in side.values()) - gap) / 2
    quiet = _quiet(ink, paper)
    for role, part in side.items():
        placed = words(part, left, top, quiet if role == "old_price" else ink)
        marks.extend(placed.marks)
        if role == "old_price":
            marks.append(struck(placed, part, readable_on(paper, brand.accent, ink, ratio=3.0)))
        top += part.height_px + gap
    return Element(tuple(marks), area)


def _narrow_price_card(
    text: str, old_price: str, x: float, y: float, page: Grid, brand: BrandStyle, locale: str
) -> Element:
    """The old price, struck through, above the price."""
    unit, paper = page.unit, brand.paper
    ink = readable_on(paper, brand.ink)
    main = set_text("price", text, page, brand, locale)
    old = set_text("price.old_price", old_price, page, brand, locale)
    left, gap = x + PRICE_PAD[0] * unit, 15 * unit
    top = y + (PRICE * unit - cap_px(old) - gap - cap_px(main)) / 2
    above = Element((plain(old, left, top + cap_px(old), _quiet(ink, paper)),), Rect(left, top, old.width_px, 0))
    line = struck(above, old, readable_on(paper, brand.accent, ink, ratio=3.0))
    price = plain(main, left, top + cap_px(old) + gap + cap_px(main), ink)
    area = Rect(x, y, max(main.width_px, old.width_px) + 2 * PRICE_PAD[0] * unit, PRICE * unit)
    return Element((Plate(area, 26 * unit, paper, shadow_px=18 * unit), *above.marks, line, price), area)


def _quiet(ink: str, paper: str) -> str:
    """The ink, thinned as far as it stays legible."""
    return next(tone for tone in (mix(ink, paper, part / 20) for part in (8, 6, 4, 2, 0)) if legible(tone, paper))


def _beside(extra: Mapping[str, str], page: Grid, brand: BrandStyle, locale: str) -> dict[str, Block]:
    roles = [role for role in ("old_price", "note") if clean(extra.get(role, ""))]
    return {role: set_text(f"price.{role}", extra[role], page, brand, locale) for role in roles}


def legible(colour: str, background: str) -> bool:
    """Contrast of at least 4.5."""
    return contrast(colour, background) >= 4.5


def struck(placed: Element, setting: Block, colour: str) -> Stroke:
    """The line through an old price, a little longer than it, at the middle of its figures."""
    word = placed.marks[0]
    assert isinstance(word, Words)
    middle, over = word.baseline - cap_px(setting) * 0.48, 0.14 * setting.size_px
    return Stroke(
        ((placed.area.x - over, middle), (placed.area.right + over, middle)), max(2.0, 0.09 * setting.size_px), colour
    )


def captions(lines: tuple[str, ...], size_px: float, page: Grid, brand: BrandStyle, locale: str) -> Element:
    """Caption lines on a dark plate, from (0, 0)."""
    across, down = (pad * page.unit for pad in CAPTION_PAD)
    setting = block(lines, typeface_of("caption", brand, locale), size_px, 1.26)
    text = words(setting, across, down, WHITE, centre=setting.width_px)
    area = Rect(0, 0, setting.width_px + 2 * across, setting.height_px + 2 * down)
    return Element((Plate(area, 18 * page.unit, BLACK, PLATE_OPACITY), *text.marks), area)


def label(text: str, page: Grid, brand: BrandStyle, locale: str) -> Element:
    """The disclosure label on a dark plate, from (0, 0)."""
    across, down = (pad * page.short / 1080 for pad in LABEL_PAD)
    setting = set_text("disclosure", text, page, brand, locale)
    placed = words(setting, across, down, WHITE)
    area = Rect(0, 0, setting.width_px + 2 * across, setting.height_px + 2 * down)
    radius = min(area.height / 2, 14 * page.short / 1080)
    return Element((Plate(area, radius, BLACK, PLATE_OPACITY), *placed.marks), area)


def brand_mark(text: str, page: Grid, brand: BrandStyle, locale: str, tone: Tone) -> tuple[Element, bool]:
    """Logo or brand's name from (0, 0), and whether it stands bare on the footage."""
    if brand.logo is None:
        setting = set_text("logo", text or brand.name, page, brand, locale)
        return words(setting, 0, 0, tone.text, halo=True), True
    width, height = 0.38 * page.safe.width, page.header
    if logo.brings_ground(brand.logo):
        return _bare(brand.logo, width, height), False
    sides = {"lighter": tone.is_light, "darker": not tone.is_light}
    if logo.visible_part(brand.logo, tone.ground, LOGO_CONTRAST, **sides) >= LOGO_PART:
        return _bare(brand.logo, width, height * 0.86), True
    across, down = 14 * page.unit, 10 * page.unit
    size = logo.size_within(brand.logo, width - 2 * across, height - 2 * down)
    area = Rect(0, 0, size[0] + 2 * across, size[1] + 2 * down)
    plate = Plate(area, min(18 * page.unit, area.height / 2), logo_ground(brand), shadow_px=10 * page.unit)
    return Element((plate, Picture(brand.logo, Rect(across, down, *size))), area), False


def _bare(path: Path, width: float, height: float) -> Element:
    """The logo itself, as large as the place allows."""
    area = Rect(0, 0, *logo.size_within(path, width, height))
    return Element((Picture(path, area),), area)


def logo_ground(brand: BrandStyle) -> str:
    """The brand colour on which most of the logo can be seen: paper or primary, the others only where both fail."""
    assert brand.logo is not None
    path = brand.logo
    grounds = (brand.paper, brand.primary, brand.ink, WHITE)
    wanted = (one for one in grounds if logo.visible_part(path, luminance(one), LOGO_CONTRAST) >= LOGO_PART)
    return next(wanted, None) or max(
        grounds, key=lambda ground: round(logo.visible_part(path, luminance(ground), LOGO_CONTRAST), 2)
    )
