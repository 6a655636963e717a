"""From a title sheet to places: every kind has one home inside the safe box, for every aspect, in both directions.

The page from top to bottom: logo and disclosure label; badge or accent stroke, headline, subline; free room for the
product; price and button; captions; watermark. An end card covers the picture and centres its own elements in what
label, captions and watermark leave. Pure: nothing is drawn here, and the same sheet gives the same places.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations, pairwise

from generation.errors import BadShot
from generation.layers import running
from generation.layers.elements import Tone, light_tone
from generation.layers.end_card import end_card, ground_and_text
from generation.layers.grid import GAP_HEADER, Grid, grid
from generation.layers.homes import lower, of_kind, upper
from generation.layers.kinds import check_text as check_text  # the quick check and the layout are one promise
from generation.layers.motion import WIPE_SECONDS, frames_of
from generation.layers.placed import Part, Placed, Rect, mirrored, whole_box
from generation.layers.shaping import clean, is_rtl_locale
from generation.layers.spec import KINDS, Layer, TitleSheet
from generation.spec import Box

#: The elements of an end card follow each other by so much.
_CARD_SECONDS = 0.11


def lay_out(sheet: TitleSheet, tone: Tone | None = None) -> tuple[Placed, ...]:
    """Places for everything on the sheet, in drawing order; text on the footage in `tone` (light unless given).

    Raises: TextDoesNotFit, MissingGlyphs, BadMedia (logo, fonts), BadShot (unknown kind, times outside the film, two
    layers of one kind at once), ValueError (a safe box outside the picture or too small).
    """
    _check_times(sheet)
    page = grid(sheet.size, sheet.safe)
    layers = [*upper(sheet, page, tone or light_tone(sheet.brand)), *lower(sheet, page)]
    cards = [thing for layer in of_kind(sheet, "end_card") for thing in _card(sheet, page, layer)]
    label, captions = list(running.label(sheet, page)), list(running.captions(sheet, page))
    marks = list(running.brand_watermark(sheet, page))
    if is_rtl_locale(sheet.locale):
        axis, middle = sheet.safe.x + sheet.safe.width / 2, page.centred.x + page.centred.width / 2
        layers, label, marks = (_mirrored(things, axis) for things in (layers, label, marks))
        cards = _mirrored(cards, middle)
    placed = (*_covered(layers, sheet), *cards, *captions, *label, *marks)
    prove(placed, sheet)
    return placed


def _check_times(sheet: TitleSheet) -> None:
    spans = [(layer.kind, layer.start_frame, layer.end_frame) for layer in sheet.layers]
    spans += [("caption", span.start_frame, span.end_frame) for span in sheet.captions]
    for kind, start, end in spans:
        if kind not in (*KINDS, "caption"):
            raise BadShot(f"{kind!r} is not a kind of layer. Use one of: {', '.join(KINDS)}")
        if not 0 <= start < end <= sheet.frames:
            raise BadShot(f"{kind}: frames {start} to {end} are not within the film's {sheet.frames}")
    for first, second in pairwise(sorted(spans)):
        if first[0] == second[0] and second[1] < first[2]:
            raise BadShot(f"two layers of the kind {first[0]} at once, from frame {second[1]}. Give them other times")


def _card(sheet: TitleSheet, page: Grid, layer: Layer) -> Iterator[Placed]:
    """The end card: its ground over the whole picture, then its elements one by one."""
    top = sheet.safe.y + (page.header + GAP_HEADER * page.unit if clean(sheet.disclosure_label) else 0.0)
    spoken = any(span.end_frame > layer.start_frame and span.start_frame < layer.end_frame for span in sheet.captions)
    captions = running.captions_height(running.caption_elements(sheet, page), page) if spoken else 0.0
    bottom = sheet.safe.bottom - running.watermark_height(sheet, page) - captions
    zone = Rect(page.centred.x, top, page.centred.width, bottom - top)
    full = Box(0, 0, sheet.size.width_px, sheet.size.height_px)
    times = (layer.start_frame, layer.end_frame)
    ground, text = ground_and_text(sheet.brand)
    yield Placed("end_card", layer.text, full, *times, (), colour=text, backdrop=ground)
    # The ground comes from below: what stands on it waits until it is there, or its shadow would fall on the footage.
    arrived, step = frames_of(0.7 * WIPE_SECONDS, sheet.fps), frames_of(_CARD_SECONDS, sheet.fps)
    found = end_card(layer.text, layer.extra, page, sheet.brand, sheet.locale, zone)
    for index, (role, element) in enumerate(found.items()):
        written = layer.text if role == "headline" else layer.extra.get(role, "")
        motion = "button" if role == "cta" else "rise"
        parts = (Part(element.marks, motion, arrived + step * index),)
        yield Placed(f"end_card.{role}", written, whole_box(element.area), *times, parts)


def _covered(layers: Sequence[Placed], sheet: TitleSheet) -> Iterator[Placed]:
    """An end card ends what it slides over: such layers stay until it has passed, and do not leave by themselves."""
    wipe = frames_of(WIPE_SECONDS, sheet.fps)
    cards = sorted((layer.start_frame, layer.end_frame) for layer in of_kind(sheet, "end_card"))
    for thing in layers:
        start, end, covered = thing.start_frame, thing.end_frame, False
        for first, last in cards:
            if start < first < end:
                end, covered = min(end, first + wipe), True
            elif first <= start < last:
                start = last
        if start < end:
            yield replace(thing, start_frame=start, end_frame=end, covered=covered)


def _mirrored(things: Sequence[Placed], axis: float) -> list[Placed]:
    """The things on the other side of the page, for languages that begin on the right."""
    return [
        thing
        if thing.backdrop
        else replace(
            thing,
            box=Box(round(2 * axis) - thing.box.right, thing.box.y, thing.box.width, thing.box.height),
            parts=tuple(
                replace(part, marks=tuple(mirrored(mark, axis) for mark in part.marks)) for part in thing.parts
            ),
        )
        for thing in things
    ]


def prove(placed: Sequence[Placed], sheet: TitleSheet) -> None:
    """Nothing leaves the safe box and no two things meet at the same time; a breach is a fault of the layout."""
    for thing in placed:
        box, safe = thing.box, sheet.safe
        inside = box.x >= safe.x and box.y >= safe.y and box.right <= safe.right and box.bottom <= safe.bottom
        if not (inside or thing.backdrop):
            raise AssertionError(f"{thing.kind} at {box} leaves the safe box {safe}")
    for first, second in combinations(placed, 2):
        if _meet(first, second):
            raise AssertionError(f"{first.kind} at {first.box} and {second.kind} at {second.box} overlap")


def _meet(first: Placed, second: Placed) -> bool:
    if first.backdrop or second.backdrop:
        return False
    on_card = first.kind.startswith("end_card"), second.kind.startswith("end_card")
    if on_card[0] != on_card[1] and (first.covered or second.covered):
        return False
    a, b = first.box, second.box
    together = first.start_frame < second.end_frame and second.start_frame < first.end_frame
    return together and a.x < b.right and b.x < a.right and a.y < b.bottom and b.y < a.bottom
