"""The homes of a sheet's layers: logo, badge, headline and subline above; price and button below.

Places are for a left-to-right page. Knows the page and what stands on it; not end cards, nor what runs through a film.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from generation.layers import elements
from generation.layers.elements import Tone
from generation.layers.grid import BADGE, GAP_BADGE, GAP_BUTTON, GAP_HEADER, GAP_SUBLINE, Grid
from generation.layers.kinds import set_text
from generation.layers.motion import frames_of
from generation.layers.placed import Element, Part, Placed, Rect, moved, scaled, whole_box
from generation.layers.running import caption_elements, captions_height, watermark_height
from generation.layers.shaping import clean
from generation.layers.spec import Layer, TitleSheet

#: Between the accent stroke and the headline, in units.
_GAP_BAR = 26
#: The lines of a headline follow each other by so much.
_LINE_SECONDS = 0.10
#: Price and button may shrink to this part of their size to stand side by side.
_SQUEEZE = 0.82


def of_kind(sheet: TitleSheet, kind: str) -> list[Layer]:
    """Layers of a kind that have something to show."""
    return [
        layer for layer in sheet.layers if layer.kind == kind and (clean(layer.text) or kind in ("logo", "end_card"))
    ]


def _placed(layer: Layer, element: Element, motion: str, tone: Tone | None = None) -> Placed:
    """A layer's place; with a tone it stands on the footage itself."""
    parts = (Part(element.marks, motion),)
    thing = Placed(layer.kind, layer.text, whole_box(element.area), layer.start_frame, layer.end_frame, parts)
    return thing if tone is None else _on_footage(thing, tone)


def _on_footage(thing: Placed, tone: Tone) -> Placed:
    contrast = elements.NAME_CONTRAST if thing.kind == "logo" else elements.TEXT_CONTRAST
    return replace(thing, shaded=True, colour=tone.text, contrast=contrast)


def upper(sheet: TitleSheet, page: Grid, tone: Tone) -> Iterator[Placed]:
    """Logo, badge, headline and subline, from the top of the safe box downwards."""
    unit, left, y = page.unit, float(sheet.safe.x), float(sheet.safe.y)
    logos, badges = of_kind(sheet, "logo"), of_kind(sheet, "badge")
    for layer in logos:
        mark, bare = elements.brand_mark(layer.text, page, sheet.brand, sheet.locale, tone)
        at = moved(mark, left, y + (page.header - mark.area.height) / 2)
        yield _placed(layer, at, "fade", tone if bare else None)
    if logos or clean(sheet.disclosure_label):
        y += page.header + GAP_HEADER * unit
    for layer in badges:
        setting = set_text("badge", layer.text, page, sheet.brand, sheet.locale)
        yield _placed(layer, elements.badge(setting, left, y, unit, sheet.brand), "pop")
    if badges:
        y += (BADGE + GAP_BADGE) * unit
    yield from _texts(sheet, page, y, tone, barred=not badges)


def _texts(sheet: TitleSheet, page: Grid, y: float, tone: Tone, *, barred: bool) -> Iterator[Placed]:
    """Headlines, and sublines below the headlines that they accompany."""
    headlines = [_headline(layer, sheet, page, y, tone, barred=barred) for layer in of_kind(sheet, "headline")]
    yield from headlines
    for layer in of_kind(sheet, "subline"):
        meets = [one for one in headlines if one.start_frame < layer.end_frame and layer.start_frame < one.end_frame]
        top = max((one.box.bottom + GAP_SUBLINE * page.unit for one in meets), default=y)
        setting = set_text("subline", layer.text, page, sheet.brand, sheet.locale)
        yield _placed(layer, elements.words(setting, sheet.safe.x, top, tone.text, halo=True), "rise", tone)


def _headline(layer: Layer, sheet: TitleSheet, page: Grid, y: float, tone: Tone, *, barred: bool) -> Placed:
    """A headline, one part per line so that the lines come in one after the other, under the accent stroke."""
    left = float(sheet.safe.x)
    setting = set_text("headline", layer.text, page, sheet.brand, sheet.locale)
    bar = elements.accent_bar(left, y, page.unit, sheet.brand, tone)
    top = bar.area.bottom + _GAP_BAR * page.unit if barred else y
    element = elements.words(setting, left, top, tone.text, halo=True)
    step = frames_of(_LINE_SECONDS, sheet.fps)
    parts = [Part((mark,), "rise", step * index) for index, mark in enumerate(element.marks)]
    area = element.area
    if barred:
        parts.insert(0, Part(bar.marks, "rise"))
        area = Rect(left, y, max(area.width, bar.area.width), area.bottom - y)
    thing = Placed("headline", layer.text, whole_box(area), layer.start_frame, layer.end_frame, tuple(parts))
    return _on_footage(thing, tone)


def lower(sheet: TitleSheet, page: Grid) -> Iterator[Placed]:
    """Price and button above captions and watermark: side by side where both fit, else the button below."""
    brand, locale, left = sheet.brand, sheet.locale, float(sheet.safe.x)
    prices = [
        (layer, elements.price_card(layer.text, layer.extra, 0, 0, page, brand, locale))
        for layer in of_kind(sheet, "price")
    ]
    colours = elements.button_colours(brand)
    buttons = [
        (layer, elements.button(set_text("cta", layer.text, page, brand, locale), 0, 0, page.unit, colours))
        for layer in of_kind(sheet, "cta")
    ]
    floor = sheet.safe.bottom - watermark_height(sheet, page) - captions_height(caption_elements(sheet, page), page)
    price, button, gap = _largest(prices), _largest(buttons), GAP_BUTTON * page.unit
    fits = sheet.safe.width / (price.width + gap + button.width) if prices and buttons else 0.0
    if _SQUEEZE <= fits < 1:
        prices, buttons = ([(layer, scaled(one, fits * 0.998)) for layer, one in pair] for pair in (prices, buttons))
        price, button, gap = _largest(prices), _largest(buttons), gap * fits
    beside = fits >= _SQUEEZE
    band = max(price.height, button.height) if beside else 0.0
    for layer, element in buttons:
        high = element.area.height
        x = left + price.width + gap if beside else left
        yield _placed(layer, moved(element, x, floor - (band + high) / 2 if beside else floor - high), "button")
    under = button.height + gap if buttons and not beside else 0.0
    for layer, element in prices:
        high = element.area.height
        y = floor - (band + high) / 2 if beside else floor - under - high
        yield _placed(layer, moved(element, left, y), "pop")


def _largest(found: Sequence[tuple[Layer, Element]]) -> Rect:
    widths = [element.area.width for _, element in found]
    return Rect(0, 0, max(widths, default=0.0), max((element.area.height for _, element in found), default=0.0))
