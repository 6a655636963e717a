"""What runs through the film by itself: captions, the disclosure label, the watermark.

Each has a place of its own that nothing else takes: captions at the bottom of the safe box, the label in the top corner
at the end side, the watermark in the bottom one. Knows no layers of the sheet.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from generation.errors import BadShot
from generation.layers import elements
from generation.layers.grid import GAP_CAPTION, GAP_WATERMARK, WATERMARK, Grid
from generation.layers.kinds import set_text
from generation.layers.placed import Element, Part, Placed, moved, whole_box
from generation.layers.shaping import clean
from generation.layers.spec import TitleSheet
from generation.marks.visible import watermark


def caption_elements(sheet: TitleSheet, page: Grid) -> list[Element]:
    """The sheet's captions from (0, 0), all in one size: the largest that holds the widest line."""
    spans = [tuple(filter(None, map(clean, span.lines))) for span in sheet.captions]
    if any(not 1 <= len(lines) <= 2 for lines in spans):
        raise BadShot("a caption has one line or two")
    sizes = [set_text("caption", line, page, sheet.brand, sheet.locale).size_px for lines in spans for line in lines]
    return [elements.captions(lines, min(sizes), page, sheet.brand, sheet.locale) for lines in spans]


def watermark_height(sheet: TitleSheet, page: Grid) -> float:
    """Room kept for the watermark below everything else, the gap included."""
    return (WATERMARK + GAP_WATERMARK) * page.unit if clean(sheet.watermark) else 0.0


def captions_height(found: list[Element], page: Grid) -> float:
    """Room kept for captions, the gap above included."""
    return max((element.area.height + GAP_CAPTION * page.unit for element in found), default=0.0)


def captions(sheet: TitleSheet, page: Grid) -> Iterator[Placed]:
    """Captions, centred, their lower edges on one line."""
    bottom = sheet.safe.bottom - watermark_height(sheet, page)
    middle = page.centred.x + page.centred.width / 2
    for span, element in zip(sheet.captions, caption_elements(sheet, page), strict=True):
        at = moved(element, middle - element.area.width / 2, bottom - element.area.height)
        parts = (Part(at.marks, "caption"),)
        yield Placed("caption", " ".join(span.lines), whole_box(at.area), span.start_frame, span.end_frame, parts)


def label(sheet: TitleSheet, page: Grid) -> Iterator[Placed]:
    """The disclosure label, from the first frame on, in the top corner at the end side."""
    if clean(sheet.disclosure_label):
        element = elements.label(sheet.disclosure_label, page, sheet.brand, sheet.locale)
        left = sheet.safe.right - element.area.width
        at = moved(element, left, sheet.safe.y + (page.header - element.area.height) / 2)
        shown = _always("disclosure", sheet.disclosure_label, at, sheet)
        until = sheet.frames if sheet.disclosure_until is None else min(sheet.frames, sheet.disclosure_until)
        yield replace(shown, end_frame=until)


def brand_watermark(sheet: TitleSheet, page: Grid) -> Iterator[Placed]:
    """The watermark, on every frame."""
    if clean(sheet.watermark):
        element = watermark(sheet.watermark, page, sheet.brand, sheet.locale)
        yield _always("watermark", sheet.watermark, element, sheet)


def _always(kind: str, text: str, element: Element, sheet: TitleSheet) -> Placed:
    return Placed(kind, text, whole_box(element.area), 0, sheet.frames, (Part(element.marks, "still"),))
