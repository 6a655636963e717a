"""The end card: logo, headline, price, button, address and small print on the brand's colour, centred.

Laid out in a unit of its own, so that it fills what captions and label leave of the safe box. Knows the card's texts
and brand; not what happens before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from generation.layers import elements, logo
from generation.layers.colour import BLACK, LEGIBLE, WHITE, contrast, filled, luminance, mix, yuv
from generation.layers.grid import Grid
from generation.layers.kinds import CARD_BUTTON, CARD_LOGO, set_text
from generation.layers.placed import Element, Mark, Picture, Plate, Rect, moved, scaled
from generation.layers.shaping import clean
from generation.layers.spec import BrandStyle
from generation.layers.text import Block

#: Space above each element, in units.
_ABOVE = {"headline": 38, "price": 30, "cta": 38, "url": 26, "legal": 34}
#: Where the zone is taller than the elements, those spaces grow up to this factor.
_WIDEST_GAPS = 1.6
#: How far the discs of the ground stand off it, in code values of luma.
_DISC_CODES = (11, 19)
#: A wide logo takes this part of the card's width: it signs the card, the product's name leads it.
_LOGO_WIDTH = 0.5
#: At most this part of the way to black or white.
_DEEPEST = 0.5
#: The elements grow by this factor at most.
_LARGEST = 1.4


@dataclass(frozen=True, slots=True)
class Desk:
    """What every element of one card is set with. `unit` is the card's own."""

    page: Grid
    brand: BrandStyle
    locale: str
    unit: float
    ground: str
    text: str

    def set(self, role: str, text: str) -> Block:
        """A text at the card's size: fitted for the least room that a card can have, then scaled to what it has."""
        kind = f"end_card.{role}" if role else "end_card"
        setting = set_text(kind, text, self.page, self.brand, self.locale)
        factor = self.unit / self.page.card_unit(self.page.card_height)
        lengths = ("size_px", "leading_px", "width_px", "top_px", "bottom_px")
        return replace(setting, **{name: getattr(setting, name) * factor for name in lengths})

    @property
    def middle(self) -> float:
        """Axis on which everything is centred."""
        return self.page.centred.x + self.page.centred.width / 2


def tints(ground: str, text: str) -> tuple[str, str]:
    """Two colours for the discs that drift over the card's ground, far enough from it in luma to be measured moving.

    They lie away from the text's colour, so that contrast only grows; a ground near the end of the scale has no room
    there, and goes a little the other way, where it has contrast to spare.
    """
    away, other = (BLACK, WHITE) if luminance(text) > luminance(ground) else (WHITE, BLACK)
    first, second = (_shifted(ground, text, (away, other), codes) for codes in _DISC_CODES)
    return first, second


def _shifted(ground: str, text: str, ends: tuple[str, str], codes: int) -> str:
    """The ground moved by so many codes towards the first end, or the second where the first is too near."""
    parts = [codes / max(abs(yuv(ground)[0] - yuv(end)[0]), 1) for end in ends]
    if parts[0] <= _DEEPEST:
        return mix(ground, ends[0], parts[0])
    moved_other_way = mix(ground, ends[1], min(parts[1], _DEEPEST))
    return moved_other_way if contrast(moved_other_way, text) >= LEGIBLE else mix(ground, ends[0], _DEEPEST)


def ground_and_text(brand: BrandStyle) -> tuple[str, str]:
    """The card's colour and its text's: the brand's primary, deepened a little where light text would nearly do."""
    return filled(brand.primary, brand.paper, brand.ink)


def end_card(
    text: str, extra: Mapping[str, str], page: Grid, brand: BrandStyle, locale: str, zone: Rect
) -> dict[str, Element]:
    """The card's elements by role, centred in the zone. Raises: TextDoesNotFit, MissingGlyphs, BadMedia."""
    desk = Desk(page, brand, locale, page.card_unit(zone.height), *ground_and_text(brand))
    found = {"logo": _logo(desk)}
    if clean(text):
        setting = desk.set("", text)
        found["headline"] = _centred(desk, elements.words(setting, 0, 0, desk.text, centre=setting.width_px))
    if clean(extra.get("price", "")):
        found["price"] = _price(desk, extra)
    if clean(extra.get("cta", "")):
        found["cta"] = _button(desk, extra["cta"])
    for role, opacity in (("url", 0.0), ("legal", 0.12)):
        if clean(extra.get(role, "")):
            colour = mix(desk.text, desk.ground, opacity)
            colour = colour if elements.legible(colour, desk.ground) else desk.text
            setting = desk.set(role, extra[role])
            found[role] = _centred(desk, elements.words(setting, 0, 0, colour, centre=setting.width_px))
    return _stacked(found, desk.unit, zone)


def _stacked(found: Mapping[str, Element], unit: float, zone: Rect) -> dict[str, Element]:
    """One below the other, the whole a little above the zone's middle, where the eye sees the centre.

    A card with few or short texts grows into its room; small print keeps its size.
    """
    natural = sum(element.area.height + _ABOVE.get(role, 0) * unit for role, element in found.items())
    widest = max(element.area.width for role, element in found.items() if role != "legal")
    grown = max(1.0, min(_LARGEST, 0.92 * zone.height / natural, zone.width / widest * 0.998))
    axis = zone.x + zone.width / 2
    larger = {role: element if role == "legal" else _about(element, axis, grown) for role, element in found.items()}
    gaps = {role: _ABOVE.get(role, 0) * unit * grown for role in found}
    free = zone.height - sum(gaps.values()) - sum(element.area.height for element in larger.values())
    wider = 1 + min(_WIDEST_GAPS - 1, 0.5 * free / max(sum(gaps.values()), 1))
    top = zone.y + 0.46 * (free - (wider - 1) * sum(gaps.values()))
    placed = {}
    for role, element in larger.items():
        top += gaps[role] * wider
        placed[role] = moved(element, 0, top - element.area.y)
        top += element.area.height
    return placed


def _about(element: Element, axis: float, factor: float) -> Element:
    """The element scaled about a vertical axis."""
    return moved(scaled(element, factor), axis * (1 - factor), 0)


def _centred(desk: Desk, element: Element) -> Element:
    return moved(element, desk.middle - element.area.x - element.area.width / 2, 0)


def _logo(desk: Desk) -> Element:
    brand = desk.brand
    if brand.logo is None:
        setting = desk.set("logo", brand.name)
        return _centred(desk, elements.words(setting, 0, 0, desk.text))
    width, height = _LOGO_WIDTH * desk.page.card_width * desk.unit, CARD_LOGO * desk.unit
    seen = logo.visible_part(brand.logo, luminance(desk.ground), elements.LOGO_CONTRAST)
    bare = logo.brings_ground(brand.logo) or seen >= elements.LOGO_PART
    across, down = (0.0, 0.0) if bare else (22 * desk.unit, 16 * desk.unit)
    size = logo.size_within(brand.logo, width - 2 * across, height - 2 * down)
    area = Rect(0, 0, size[0] + 2 * across, size[1] + 2 * down)
    marks: list[Mark] = [] if bare else [Plate(area, 22 * desk.unit, elements.logo_ground(brand))]
    marks.append(Picture(brand.logo, Rect(across, down, *size)))
    return _centred(desk, Element(tuple(marks), area))


def _price(desk: Desk, extra: Mapping[str, str]) -> Element:
    """The price and, on the same baseline, the old one struck through."""
    main = desk.set("price", extra["price"])
    colour = desk.brand.accent if elements.legible(desk.brand.accent, desk.ground) else desk.text
    element = elements.words(main, 0, 0, colour)
    if not clean(extra.get("old_price", "")):
        return _centred(desk, element)
    old = desk.set("old_price", extra["old_price"])
    drop = main.top_px - old.top_px
    side = elements.words(old, main.width_px + 26 * desk.unit, drop, desk.text)
    marks = (*element.marks, *side.marks, elements.struck(side, old, desk.text))
    area = Rect(0, 0, side.area.right + 0.2 * old.size_px, max(element.area.height, side.area.bottom))
    return _centred(desk, Element(marks, area))


def _button(desk: Desk, text: str) -> Element:
    colours = elements.button_colours(desk.brand, desk.ground)
    setting = desk.set("cta", text)
    return _centred(desk, elements.button(setting, 0, 0, desk.unit, colours, CARD_BUTTON))
