"""Places: homes inside the safe box for every aspect, no two things in one place, and the quick check that agrees."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generation.errors import BadMedia, BadShot, MissingGlyphs, TextDoesNotFit
from generation.layers.colour import BLACK, WHITE, contrast, filled, luminances, readable_on, yuv
from generation.layers.elements import NAME_CONTRAST, TEXT_CONTRAST, button_colours, dark_tone
from generation.layers.end_card import ground_and_text, tints
from generation.layers.grid import grid
from generation.layers.kinds import LABEL_FLOOR, STYLES, caption_characters, check_text, set_text
from generation.layers.placed import Picture, Placed, Plate, Stroke, Words
from generation.layers.shade import _fields
from generation.layers.shaping import shape
from generation.layers.spec import KINDS, BrandStyle, CaptionSpan, Layer, TitleSheet
from generation.layers.titles import lay_out, prove
from generation.spec import Box, Size

BRAND = BrandStyle("Casa Luz", "#0b3d2e", "#ffb703", "#101418", "#fffaf2")
#: Aspect -> size, and safe boxes from research: all placements of 9:16 together, feeds, in-stream, X.
PAGES = {
    "9x16": (Size(1080, 1920), Box(121, 288, 766, 960)),
    "9x16 reels": (Size(1080, 1920), Box(65, 269, 950, 979)),
    "4x5": (Size(1080, 1350), Box(65, 68, 950, 1214)),
    "1x1": (Size(1080, 1080), Box(54, 54, 972, 918)),
    "1x1 x": (Size(1080, 1080), Box(108, 108, 864, 842)),
    "16x9": (Size(1920, 1080), Box(96, 54, 1728, 810)),
    "16x9 x": (Size(1920, 1080), Box(192, 108, 1536, 842)),
}
TEXTS = {
    "short": {
        "headline": "Lit right", "subline": "It dims itself", "badge": "NEW", "price": "$49", "old_price": "$69",
        "note": "Today", "cta": "Shop", "caption": "Softer light.", "label": "Made with AI", "url": "luz.example",
        "legal": "While stocks last.",
    },
    "long": {
        "headline": "Überraschungsgeschenk für großzügige Gastgeber und ihre allerliebsten Freunde",
        "subline": "Handgefertigt in Freiburg im Breisgau, geliefert in zwei Werktagen zu Ihnen",
        "badge": "LIMITIERTE AUFLAGE", "price": "1.249,90 €", "old_price": "1.369,90 €",
        "note": "Nur bis Sonntag, solange der Vorrat reicht", "cta": "Im Laden in Ihrer Nähe entdecken",
        "caption": "Stell dir den Abend vor", "label": "Dieses Video wurde mit künstlicher Intelligenz erstellt",
        "url": "casaluz.example/leuchten",
        "legal": "Solange der Vorrat reicht. Preis inkl. MwSt., zzgl. Versand. Energieeffizienzklasse E.",
    },
}  # fmt: skip
CARD = ("cta", "url", "legal", "price", "old_price")


def sheet_of(page: str, text: str = "long", *, locale: str = "de-DE", only: frozenset[str] | None = None) -> TitleSheet:
    """Everything at once, or the kinds named; the end card takes the last 60 of 180 frames."""
    size, safe = PAGES[page]
    words = TEXTS[text]
    kinds = frozenset(KINDS) | {"caption", "disclosure", "watermark"} if only is None else only
    layers = [
        Layer(kind, words.get(kind, ""), 0, 120, {role: words[role] for role in ("old_price", "note")})
        for kind in ("logo", "badge", "headline", "subline", "price", "cta")
        if kind in kinds
    ]
    if "end_card" in kinds:
        layers.append(Layer("end_card", words["headline"], 120, 180, {role: words[role] for role in CARD}))
    spans = (CaptionSpan(10, 90, (words["caption"],) * 2), CaptionSpan(90, 170, (words["caption"],)))
    return TitleSheet(
        size, safe, 180, Fraction(30000, 1001), locale, BRAND, tuple(layers),
        spans if "caption" in kinds else (),
        words["label"] if "disclosure" in kinds else "", "CASA LUZ" if "watermark" in kinds else "",
    )  # fmt: skip


def by_kind(placed: tuple[Placed, ...]) -> dict[str, Placed]:
    return {thing.kind: thing for thing in placed}


def ink(thing: Placed) -> tuple[float, float, float, float]:
    """Left, top, right, bottom of what a thing draws, shadows and halos aside, from its marks."""
    areas = []
    for part in thing.parts:
        for mark in part.marks:
            if isinstance(mark, Plate | Picture):
                areas.append((mark.area.x, mark.area.y, mark.area.right, mark.area.bottom))
            elif isinstance(mark, Stroke):
                half = mark.thickness / 2
                xs, ys = zip(*mark.points, strict=True)
                areas.append((min(xs) - half, min(ys) - half, max(xs) + half, max(ys) + half))
            else:
                assert isinstance(mark, Words)
                line = shape(mark.text, mark.typeface)
                width = (line.right_em - line.left_em) * mark.size_px
                top, bottom = (mark.baseline - edge * mark.size_px for edge in (line.top_em, line.bottom_em))
                areas.append((mark.x, top, mark.x + width, bottom))
    lefts, tops, rights, bottoms = zip(*areas, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("page", PAGES)
def test_everything_has_a_home_inside_the_safe_box(page: str, text: str) -> None:
    sheet = sheet_of(page, text)
    placed = lay_out(sheet)
    kinds = {"logo", "badge", "headline", "subline", "price", "cta", "end_card", "caption", "disclosure", "watermark"}
    assert kinds <= set(by_kind(placed))
    for thing in placed:
        if thing.backdrop:
            assert thing.box == Box(0, 0, sheet.size.width_px, sheet.size.height_px)
            continue
        left, top, right, bottom = ink(thing)
        assert (left >= thing.box.x - 1.5, right <= thing.box.right + 1.5) == (True, True), thing.kind
        assert (top >= thing.box.y - 1.5, bottom <= thing.box.bottom + 1.5) == (True, True), thing.kind
        assert sheet.safe.x <= thing.box.x <= thing.box.right <= sheet.safe.right, thing.kind
        assert sheet.safe.y <= thing.box.y <= thing.box.bottom <= sheet.safe.bottom, thing.kind


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from(sorted(PAGES)),
    st.sampled_from(sorted(TEXTS)),
    st.frozensets(st.sampled_from(sorted({*KINDS, "caption", "disclosure", "watermark"}))),
    st.sampled_from(["de-DE", "ar-SA"]),
)
def test_no_two_things_are_ever_in_one_place(page: str, text: str, kinds: frozenset[str], locale: str) -> None:
    placed = lay_out(sheet_of(page, text, locale=locale, only=kinds))
    for first, second in combinations([thing for thing in placed if not thing.backdrop], 2):
        if first.start_frame < second.end_frame and second.start_frame < first.end_frame:
            a, b = ink(first), ink(second)
            apart = a[2] <= b[0] + 1 or b[2] <= a[0] + 1 or a[3] <= b[1] + 1 or b[3] <= a[1] + 1
            covered = (first.covered or second.covered) and "end_card" in first.kind + second.kind
            assert apart or covered, (first.kind, second.kind)


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from([Size(1080, 1920), Size(540, 674), Size(1080, 1080), Size(1280, 720)]),
    st.tuples(*[st.floats(0, most) for most in (0.14, 0.19, 0.16, 0.36)]),
    st.sampled_from(sorted(TEXTS)),
    st.sampled_from(["de-DE", "he"]),
)
def test_any_safe_box_holds_what_passes_the_check(
    size: Size, margins: tuple[float, float, float, float], text: str, locale: str
) -> None:
    left, right, top, bottom = (
        int(part * side) for part, side in zip(margins, (size.width_px,) * 2 + (size.height_px,) * 2, strict=True)
    )
    safe = Box(left, top, size.width_px - left - right, size.height_px - top - bottom)
    sheet = replace(sheet_of("9x16", text, locale=locale), size=size, safe=safe)
    try:
        for layer in sheet.layers:
            for role, words in {"": layer.text, **layer.extra}.items():
                kind = f"{layer.kind}.{role}" if role else layer.kind
                if kind in STYLES:
                    check_text(kind, words, size, safe, BRAND, locale)
        for kind, words in (("caption", TEXTS[text]["caption"]), ("disclosure", sheet.disclosure_label)):
            check_text(kind, words, size, safe, BRAND, locale)
    except TextDoesNotFit:
        return
    assert lay_out(sheet)


def test_a_layout_that_overlaps_or_leaves_the_safe_box_is_caught() -> None:
    sheet = sheet_of("4x5")
    thing = by_kind(lay_out(sheet))["headline"]
    with pytest.raises(AssertionError, match="overlap"):
        prove([thing, replace(thing, kind="other")], sheet)
    with pytest.raises(AssertionError, match="leaves the safe box"):
        prove([replace(thing, box=Box(0, 0, 100, 100))], sheet)


def test_the_headline_leads_by_size_and_price_and_button_share_a_row_where_they_fit() -> None:
    for page in PAGES:
        placed = by_kind(lay_out(sheet_of(page, "short")))
        sizes = {
            kind: max(mark.size_px for part in placed[kind].parts for mark in part.marks if isinstance(mark, Words))
            for kind in ("headline", "subline", "price", "cta", "caption")
        }
        assert sizes["headline"] > 1.3 * max(sizes["price"], sizes["caption"]) > sizes["subline"]
        middle = {kind: placed[kind].box.y + placed[kind].box.height / 2 for kind in ("price", "cta")}
        assert abs(middle["price"] - middle["cta"]) < 3


def test_right_to_left_pages_are_mirrored() -> None:
    """Only the page turns: the texts stay German, so no font with Arabic is needed."""
    for page in PAGES:
        safe = PAGES[page][1]
        plain, turned = (by_kind(lay_out(sheet_of(page, locale=locale))) for locale in ("de-DE", "ar-SA"))
        for kind in ("logo", "headline", "subline", "badge", "price", "cta", "disclosure", "watermark"):
            a, b = plain[kind].box, turned[kind].box
            assert abs((a.x - safe.x) - (safe.right - b.right)) <= 1, kind
            assert (a.y, a.width, a.height) == (b.y, b.width, b.height), kind
        assert plain["caption"].box == turned["caption"].box


@pytest.mark.parametrize("page", PAGES)
def test_the_quick_check_and_the_layout_agree_on_every_kind(page: str) -> None:
    size, safe = PAGES[page]
    texts = TEXTS["long"] | {"logo": "Casa Luz", "watermark": "CASA LUZ", "disclosure": TEXTS["long"]["label"]}
    for kind in STYLES:
        text = texts.get(kind.split(".")[-1], texts["headline"])
        check_text(kind, text, size, safe, BRAND, "de-DE")
        with pytest.raises(TextDoesNotFit, match=f"^{kind}: ") as caught:
            check_text(kind, "Wort " * 80, size, safe, BRAND, "de-DE")
        cut = ("Wort " * 80)[: caught.value.fits_characters]
        assert set_text(kind, cut, grid(size, safe), BRAND, "de-DE").lines
    with pytest.raises(ValueError, match="not a kind of text"):
        check_text("slogan", "a", size, safe, BRAND, "de-DE")


def test_too_long_texts_and_missing_glyphs_survive_a_process_boundary() -> None:
    size, safe = PAGES["9x16"]
    with pytest.raises(TextDoesNotFit) as caught:
        check_text("cta", "Jetzt " * 40, size, safe, BRAND, "de-DE")
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.fits_characters, str(again)) == (caught.value.fits_characters, str(caught.value))
    with pytest.raises(MissingGlyphs, match=r"^cta: no font at hand draws '😀'"):
        check_text("cta", "Jetzt 😀", size, safe, BRAND, "de-DE")


def test_the_disclosure_label_is_set_at_a_conspicuous_size() -> None:
    for page, (size, _) in PAGES.items():
        label = by_kind(lay_out(sheet_of(page)))["disclosure"]
        short = min(size.width_px, size.height_px)
        sizes = [mark.size_px for mark in label.parts[0].marks if isinstance(mark, Words)]
        assert min(sizes) >= LABEL_FLOOR * short
        assert (label.start_frame, label.end_frame) == (0, 180)


def test_captions_of_the_promised_length_fit_on_one_line() -> None:
    for size, safe in PAGES.values():
        count = caption_characters(size, safe, BRAND, "en-US")
        check_text(
            "caption", ("the lamp that dims itself at night and wakes you softly " * 2)[:count], size, safe, BRAND, "en"
        )
        assert count >= 21


def test_two_layers_of_a_kind_at_once_and_times_outside_the_film_are_refused() -> None:
    sheet = sheet_of("1x1", only=frozenset({"headline"}))
    first = sheet.layers[0]
    with pytest.raises(BadShot, match="two layers of the kind headline at once, from frame 60"):
        lay_out(replace(sheet, layers=(first, replace(first, start_frame=60))))
    with pytest.raises(BadShot, match="not within the film's 180"):
        lay_out(replace(sheet, layers=(replace(first, end_frame=181),)))
    with pytest.raises(BadShot, match="'slogan' is not a kind"):
        lay_out(replace(sheet, layers=(replace(first, kind="slogan"),)))
    lay_out(replace(sheet, layers=(replace(first, end_frame=60), replace(first, start_frame=60, text="Dann dies"))))


def test_a_safe_box_outside_the_picture_or_too_small_is_refused() -> None:
    with pytest.raises(ValueError, match="leaves the picture"):
        grid(Size(1080, 1920), Box(121, 288, 1000, 960))
    with pytest.raises(ValueError, match="too small"):
        grid(Size(1080, 1920), Box(121, 288, 120, 300))


def test_an_end_card_ends_what_it_covers() -> None:
    sheet = sheet_of("9x16", "short", only=frozenset({"headline", "end_card"}))
    long_lived = replace(sheet, layers=(replace(sheet.layers[0], end_frame=180), sheet.layers[1]))
    headline = by_kind(lay_out(long_lived))["headline"]
    assert headline.covered
    assert 120 < headline.end_frame < 140


def test_text_on_brand_plates_always_reads() -> None:
    rng = np.random.default_rng(7)
    for numbers in rng.integers(0, 256, (300, 4, 3)):
        primary, accent, ink_, paper = ("#" + "".join(f"{part:02x}" for part in colour) for colour in numbers)
        brand = BrandStyle("b", primary, accent, ink_, paper)
        plate, text = button_colours(brand, primary)
        assert contrast(plate, text) >= 4.5
        ground, text = ground_and_text(brand)
        assert contrast(ground, text) >= 4.5
        assert all(contrast(tint, text) >= 4.0 for tint in tints(ground, text))
        assert contrast(readable_on(paper, ink_), paper) >= 4.5
    assert filled("#e63946", WHITE, "#14213d")[1] == WHITE
    assert filled("#ffb703", WHITE, "#101418") == ("#ffb703", "#101418")
    assert NAME_CONTRAST > 3 and TEXT_CONTRAST > 4.5  # noqa: PT018  # one rule: above WCAG's limits


def test_luminance_of_code_values_is_that_of_the_colour() -> None:
    for colour in ("#0b3d2e", "#ffb703", "#ffffff", "#000000", "#e63946"):
        planes = (np.array([round(value)], np.uint8) for value in yuv(colour))
        assert float(luminances(*planes)[0]) == pytest.approx((contrast(colour, BLACK) - 1) * 0.05, abs=0.02)


def picture(path: Path, colour: tuple[int, int, int, int], margin: int = 40) -> Path:
    image = np.zeros((120 + 2 * margin, 400 + 2 * margin, 4), np.uint8)
    image[margin:-margin, margin:-margin] = colour
    cv2.imwrite(str(path), image)
    return path


def lettering(path: Path, colour: tuple[int, int, int, int]) -> Path:
    """A logo of bars on transparency, like letters, inside an empty margin."""
    image = np.zeros((200, 480, 4), np.uint8)
    for left in range(40, 440, 50):
        image[40:160, left : left + (50 if left == 390 else 25)] = colour
    cv2.imwrite(str(path), image)
    return path


def disc(path: Path, colour: tuple[int, int, int, int]) -> Path:
    """A round badge: its ground fills its outline, not its box."""
    image = np.zeros((300, 300, 4), np.uint8)
    cv2.circle(image, (150, 150), 140, colour, -1)
    cv2.imwrite(str(path), image)
    return path


def with_logo(path: Path, primary: str = BRAND.primary) -> Placed:
    sheet = sheet_of("9x16", only=frozenset({"logo"}))
    return by_kind(lay_out(replace(sheet, brand=replace(BRAND, logo=path, primary=primary))))["logo"]


def test_a_logo_is_trimmed_and_keeps_its_proportions(tmp_path: Path) -> None:
    thing = with_logo(lettering(tmp_path / "logo.png", (255, 255, 255, 255)))
    (mark,) = thing.parts[0].marks
    assert isinstance(mark, Picture)
    assert mark.area.width / mark.area.height == pytest.approx(400 / 120, rel=0.03)
    assert thing.shaded


@pytest.mark.parametrize(
    ("bgr", "primary", "ground"),
    [
        ((30, 20, 10), "#0b3d2e", BRAND.paper),
        ((30, 20, 10), "#ffd23f", BRAND.paper),
        ((120, 110, 100), "#0b3d2e", BRAND.paper),
    ],
)
def test_a_logo_that_would_drown_in_the_shade_gets_a_plate_of_the_brands(
    tmp_path: Path, bgr: tuple[int, int, int], primary: str, ground: str
) -> None:
    thing = with_logo(lettering(tmp_path / "logo.png", (*bgr, 255)), primary)
    plate = thing.parts[0].marks[0]
    assert isinstance(plate, Plate)
    assert plate.colour == ground
    assert contrast(plate.colour, "#" + "".join(f"{part:02x}" for part in reversed(bgr))) > 3
    assert not thing.shaded


def test_a_light_logo_on_lightened_footage_gets_a_plate_in_the_brands_primary(tmp_path: Path) -> None:
    brand = replace(BRAND, logo=lettering(tmp_path / "logo.png", (240, 250, 255, 255)))
    sheet = replace(sheet_of("9x16", only=frozenset({"logo"})), brand=brand)
    plate = by_kind(lay_out(sheet, dark_tone(brand)))["logo"].parts[0].marks[0]
    assert isinstance(plate, Plate)
    assert plate.colour == BRAND.primary


@pytest.mark.parametrize("bgr", [(30, 20, 10), (120, 110, 100), (255, 255, 255), (46, 61, 11)])
@pytest.mark.parametrize("shape", [picture, disc])
def test_a_badge_brings_its_own_ground_and_gets_no_plate(
    tmp_path: Path, bgr: tuple[int, int, int], shape: Callable[[Path, tuple[int, int, int, int]], Path]
) -> None:
    path = shape(tmp_path / "logo.png", (*bgr, 255))
    thing = with_logo(path)
    assert [type(mark) for mark in thing.parts[0].marks] == [Picture]
    assert not thing.shaded
    sheet = replace(sheet_of("9x16", only=frozenset({"end_card"})), brand=replace(BRAND, logo=path))
    on_card = by_kind(lay_out(sheet))["end_card.logo"]
    assert [type(mark) for mark in on_card.parts[0].marks] == [Picture]


def test_an_old_price_alone_stands_above_the_price_on_upright_pages() -> None:
    for page, (size, _) in PAGES.items():
        sheet = sheet_of(page, "short", only=frozenset({"price"}))
        cards = [
            by_kind(lay_out(replace(sheet, layers=(replace(sheet.layers[0], extra=extra),))))["price"].box
            for extra in ({}, {"old_price": "$69"})
        ]
        assert (cards[1].width == cards[0].width) == (size.width_px <= 1.25 * size.height_px)


def test_the_shade_has_no_edge_and_leaves_the_rest_of_the_picture_its_light() -> None:
    for page in PAGES:
        sheet = sheet_of(page, "short", only=frozenset({"logo", "headline"}))
        things = [thing for thing in lay_out(sheet) if thing.shaded]
        for thing, field in zip(things, _fields(things, sheet.size, grid(sheet.size, sheet.safe).unit), strict=True):
            box = thing.box
            assert (field[box.y : box.bottom, box.x : box.right] == 255).all()
            # Even a shade of full strength changes by less than a code or two a pixel: nothing to see as an edge.
            steps = [np.abs(np.diff(field.astype(np.int16), axis=axis)).max() for axis in (0, 1)]
            assert max(steps) <= 3
            assert field.sum() / 255 < 0.6 * sheet.size.width_px * sheet.size.height_px


@pytest.mark.parametrize("content", [b"", b"this is a text file", b"\x89PNG\r\n\x1a\n" + bytes(40)])
def test_a_broken_logo_is_a_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "logo.png"
    path.write_bytes(content)
    with pytest.raises(BadMedia, match=r"logo\.png.*(Save it|PNG)"):
        with_logo(path)


def test_a_truncated_missing_empty_or_huge_logo_is_a_sentence(tmp_path: Path) -> None:
    whole = picture(tmp_path / "whole.png", (200, 90, 30, 255))
    cut = tmp_path / "cut.png"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(BadMedia, match=r"cut\.png"):
        with_logo(cut)
    with pytest.raises(BadMedia, match="no such logo file"):
        with_logo(tmp_path / "none.png")
    with pytest.raises(BadMedia, match="wholly transparent"):
        with_logo(picture(tmp_path / "clear.png", (0, 0, 0, 0)))
    huge = tmp_path / "huge.png"
    cv2.imwrite(str(huge), np.zeros((7000, 7000), np.uint8))
    with pytest.raises(BadMedia, match="7000x7000"):
        with_logo(huge)
