"""Fonts, shaping, line breaking and fitting."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from bidi import get_display
from hypothesis import given, settings
from hypothesis import strategies as st

from generation.errors import BadMedia, MissingGlyphs, NotAvailable, TextDoesNotFit
from generation.layers.fonts import FAMILIES, FONTS_VARIABLE, Face, Typeface, load, packaged
from generation.layers.shaping import advances, clean, is_rtl, is_rtl_locale, shape
from generation.layers.spec import BrandStyle
from generation.layers.text import Setting, check, draw, fit, measure, typeface, wrap
from generation.layers.wrapping import pieces

BRAND = BrandStyle("Casa Luz", "#0b3d2e", "#ffb703", "#101418", "#fffaf2")
LATIN = typeface(BRAND, "en-US", 800)
HEADLINE = Setting(100, 50, 3, 1.1)
DEJAVU = Path("/usr/share/fonts/truetype/dejavu")


@pytest.fixture
def arabic() -> Typeface:
    if not (DEJAVU / "DejaVuSans.ttf").is_file():
        pytest.skip(f"no font with Arabic at hand: {DEJAVU} is not there")
    return Typeface((), "manrope", 700, "ar", 0.0, str(DEJAVU / "DejaVuSans.ttf"))


def inked(text: str, face: Typeface, size: float = 80) -> int:
    return int(np.count_nonzero(draw(shape(clean(text), face), size).coverage > 128))


def test_each_packaged_family_has_the_weight_asked_for_and_is_static() -> None:
    for family, (_, _, weights) in FAMILIES.items():
        for weight in weights:
            face = packaged(family, weight)
            assert (face.weight, "Variable" in face.path.name) == (weight, False)


def test_an_unknown_family_is_a_sentence_with_the_choices() -> None:
    with pytest.raises(NotAvailable, match=r"comic.*manrope"):
        shape("a", Typeface((), "comic", 400, "en"))


@pytest.mark.parametrize(
    "text", ["Übergrößenträger, çà et là", "Жёлтый подъезд", "Ωραία μέρα", "Ấm áp từng đêm", "₽ ₹ €"]
)
def test_latin_cyrillic_greek_and_accents_are_drawn_by_the_packaged_fonts(text: str) -> None:
    line = shape(text, LATIN)
    assert all(glyph.glyph for glyph in line.glyphs)
    assert inked(text, LATIN) > 500


def test_a_character_is_taken_from_the_next_family_when_the_first_lacks_it() -> None:
    face = typeface(BrandStyle("b", "#000000", "#000000", "#000000", "#ffffff", family="hanken-grotesk"), "ru", 700)
    names = [glyph.face.path.name for glyph in shape("A Ж", face).glyphs]
    assert names[0].startswith("HankenGrotesk")
    assert names[-1].startswith("Manrope")


def test_the_brand_font_comes_first_and_its_weights_are_chosen_among() -> None:
    files = tuple(packaged("source-sans", weight).path for weight in (400, 700))
    light, bold = (Typeface(files, "manrope", weight, "en") for weight in (400, 700))
    assert shape("a", light).glyphs[0].face.path == files[0]
    assert shape("a", bold).glyphs[0].face.path == files[1]


def test_a_variable_brand_font_takes_the_weight_wanted() -> None:
    variable = packaged("manrope", 400).path.with_name("Manrope-VariableFont_wght.ttf")
    thin, thick = (Typeface((variable,), "manrope", weight, "en") for weight in (300, 800))
    assert load(variable, 640)[0].weight == 640
    assert inked("Hamburg", thick) > 1.3 * inked("Hamburg", thin)


def test_missing_glyphs_are_named_with_script_and_way_out() -> None:
    with pytest.raises(MissingGlyphs, match=r"'漢' \(U\+6F22\).*script: Han.*brand\.yaml.*SPOTMILL_FONTS"):
        shape("New: 漢字", LATIN)


def test_listed_folders_are_asked_last_and_only_when_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    if not DEJAVU.is_dir():
        pytest.skip(f"no further fonts at hand: {DEJAVU} is not there")
    monkeypatch.delenv(FONTS_VARIABLE, raising=False)
    with pytest.raises(MissingGlyphs):
        shape("♞", typeface(BRAND, "en", 700))
    monkeypatch.setenv(FONTS_VARIABLE, os.pathsep.join([str(DEJAVU)]))
    names = [glyph.face.path.name for glyph in shape("a♞", typeface(BRAND, "en", 700)).glyphs]
    assert names[0].startswith("Manrope")
    assert names[1].startswith("DejaVu")


def test_a_listed_folder_that_is_not_there_is_a_sentence() -> None:
    with pytest.raises(BadMedia, match=r"/nowhere: listed in SPOTMILL_FONTS"):
        shape("漢", Typeface((), "manrope", 700, "en", 0.0, "/nowhere"))


@pytest.mark.parametrize("content", [b"no font at all", b"wOF2" + bytes(60), b"\0\1\0\0" + bytes(200)])
def test_a_broken_brand_font_is_a_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "brand.ttf"
    path.write_bytes(content)
    with pytest.raises(BadMedia, match=r"brand\.ttf"):
        shape("a", Typeface((path,), "manrope", 400, "en"))


def test_kerning_is_applied() -> None:
    alone = sum(shape(char, LATIN).advance_em for char in "AVAT")
    assert shape("AVAT", LATIN).advance_em < alone - 0.05


def test_tracking_does_not_pull_joined_letters_apart(arabic: Typeface) -> None:
    tracked = Typeface(arabic.fonts, arabic.family, arabic.weight, "ar", 0.1, arabic.listed)
    assert shape("سلام", tracked).advance_em == shape("سلام", arabic).advance_em
    assert shape("abc", tracked).advance_em > shape("abc", arabic).advance_em + 0.2


def test_arabic_letters_join(arabic: Typeface) -> None:
    joined = [glyph.glyph for glyph in shape("سسس", arabic).glyphs]
    alone = shape("س", arabic).glyphs[0].glyph
    assert alone not in joined
    assert len(set(joined)) == 3
    assert 0 not in joined


def test_lines_read_from_the_right_as_the_bidirectional_algorithm_says(arabic: Typeface) -> None:
    text = "خصم 50% على Nike اليوم"
    order = sorted(shape(text, arabic).glyphs, key=lambda glyph: glyph.x_em)
    latin = [glyph for glyph in order if glyph.face.path.name.startswith("Manrope")]
    nominal = [nominal_glyph(char, latin[0].face) for char in get_display(text, base_dir="R") if char in "Nike50%"]
    assert [glyph.glyph for glyph in latin if glyph.glyph in nominal] == nominal


def nominal_glyph(char: str, face: Face) -> int:
    return int(face.shaper.get_nominal_glyph(ord(char)))


def test_paragraph_direction_follows_locale_then_first_strong_letter() -> None:
    assert is_rtl_locale("ar-EG")
    assert is_rtl_locale("az-Arab")
    assert not is_rtl_locale("ar-Latn")
    assert is_rtl("Nike خصم", "ar")
    assert not is_rtl("Nike خصم", "en")
    assert is_rtl("خصم Nike", "en")
    assert not is_rtl("Nike!", "ar")


def test_texts_are_composed_and_their_spaces_made_single() -> None:
    assert clean(" Cafe\u0301 \n au\tlait \x07") == "Café au lait"
    assert clean("10\u00a0€ 5\u202f%") == "10\u00a0€ 5\u202f%"


def test_lines_are_balanced_and_no_short_word_stands_alone() -> None:
    lines = wrap("The quick brown fox jumps over it", LATIN, 60, 560, 3)
    widths = [measure(line, LATIN, 60) for line in lines]
    assert max(widths) <= 560
    assert min(widths) > 0.6 * max(widths)
    assert fit("Licht für jeden Raum zu", LATIN, HEADLINE, 700, 400).lines[-1] != "zu"


def test_non_breaking_spaces_hold_and_soft_hyphens_show_only_where_a_line_ends() -> None:
    assert not any(line.startswith("€") for line in wrap("nur heute für 49\u00a0€ hier", LATIN, 60, 330, 4))
    lines = wrap("Überraschungs\u00adgeschenk", LATIN, 60, 560, 2)
    assert lines == ("Überraschungs-", "geschenk")
    assert wrap("Haus\u00adtür", LATIN, 60, 900, 2) == ("Haustür",)


def test_scripts_without_spaces_break_between_phrases() -> None:
    text = "今日はとても天気がいいから散歩しましょう"
    cuts = [text[piece.start : piece.end] for piece in pieces(text, "ja-JP")]
    assert "".join(cuts) == text
    assert len(cuts) > 4
    assert not any(cut[0] in "はがらう" for cut in cuts if len(cut) > 1)
    assert len(pieces("ราคาพิเศษวันนี้เท่านั้น", "th-TH")) > 2


@pytest.mark.parametrize("text", ["Sale", "Your kitchen, lit right", "Großzügige Überraschung für die ganze Familie"])
def test_a_fitted_text_stays_within_its_room(text: str) -> None:
    block = fit(text, LATIN, HEADLINE, 700, 260)
    assert 50 <= block.size_px <= 100
    assert len(block.lines) <= 3
    assert block.width_px <= 700
    assert block.height_px <= 260
    for line in block.lines:
        assert draw(shape(line, LATIN), block.size_px).coverage.shape[1] <= 700 + 4


def test_what_does_not_fit_is_an_error_with_a_count_that_does_fit() -> None:
    text = "Endlich eine Lampe, die jeden Abend in ein warmes, weiches und freundliches Licht taucht, ganz von allein"
    with pytest.raises(TextDoesNotFit) as caught:
        fit(text, LATIN, HEADLINE, 700, 260)
    count = caught.value.fits_characters
    assert 10 < count < len(text)
    assert f"{count} would fit" in str(caught.value)
    assert fit(text[:count], LATIN, HEADLINE, 700, 260).size_px >= 50
    with pytest.raises(TextDoesNotFit):
        check(text[: count + 4], LATIN, HEADLINE, 700, 260)


@settings(max_examples=60, deadline=None)
@given(st.text(st.sampled_from("abcdefghiÄöß -\u00ad\u00a0MW.,"), max_size=140), st.integers(150, 900))
def test_the_quick_check_and_the_layout_agree(text: str, width: int) -> None:
    if not clean(text):
        return
    try:
        check(text, LATIN, HEADLINE, width, 260)
    except TextDoesNotFit as error:
        cut = text[: error.fits_characters]
        check(cut, LATIN, HEADLINE, width, 260)
    else:
        block = fit(text, LATIN, HEADLINE, width, 260)
        assert block.width_px <= width
        assert block.height_px <= 261
        shown = "".join(block.lines).replace(" ", "").replace("-", "")
        assert shown == clean(text).replace(" ", "").replace("-", "").replace("\u00ad", "")


def test_widths_per_character_add_up_to_the_line() -> None:
    text = "Ein Text mit Überschuss"
    assert sum(advances(text, LATIN).widths_em) == pytest.approx(shape(text, LATIN).advance_em)
