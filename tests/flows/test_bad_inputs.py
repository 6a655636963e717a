"""Every bad input that people bring, as real files through all that `check` does: row, column, code and a fix."""

import os
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from flows.model import BadInput
from flows.order import Order, prepare
from flows.pictures import LIMIT_PIXELS
from tests.flows.small import small_campaign
from tests.flows.written import CAMPAIGN, complaints, creatives, opened, write


def found(folder):
    return [(problem.row, problem.column, problem.code) for problem in complaints(folder)]


def rows(text, **more):
    return {"rows": "row_id,product,price\n" + text, **more}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"rows": "row_id,price\na,5\n"}, (None, "product", "missing_column")),
        ({"rows": "row_id,product,prize\na,Cup,5\n"}, (None, "prize", "unknown_column")),
        ({"rows": ""}, (None, None, "empty_table")),
        ({"rows": "row_id,product\n"}, (None, None, "no_rows")),
        ({"rows": "row_id,product,row id\na,Cup,b\n"}, (None, "row id", "header_twice")),
        ({"rows": b"row_id,product\na,\x00Cup\n"}, (None, None, "nul")),
        ({"rows": 'row_id,product\na,"Cup\n'}, (None, None, "unclosed_quote")),
        (rows("a,Cup\n"), (1, None, "ragged_row")),
        (rows("a,Cup,5,6\n"), (1, None, "ragged_row")),
        (rows("a,,5\n"), (1, "product", "required")),
        (rows("a,Cup,cheap\n"), (1, "price", "bad_money")),
        (rows('a,Cup,"1,5"\n'), (1, "price", "bad_money")),
        (rows("a,Cup,1e5\n"), (1, "price", "bad_money")),
        (rows("a,Cup,0x10\n"), (1, "price", "bad_money")),
        (rows("a,Cup,NA\n"), (1, "price", "bad_money")),
        (rows("a,{{ 7*7 }},5\n"), (1, "product", "braces")),
        (rows("a,{% for x in y %},5\n"), (1, "product", "braces")),
        (rows(f"a,{'x' * 31},5\n"), (1, "product", "text_too_long")),
        (rows("../../etc,Cup,5\n"), (1, "row_id", "bad_row_id")),
        ({"rows": "row_id,product,opens\na,Cup,2026-02-31\n"}, (1, "opens", "bad_date")),
        ({"rows": "row_id,product,stock\na,Cup,many\n"}, (1, "stock", "bad_integer")),
        ({"rows": "row_id,product,size\na,Cup,larg\n"}, (1, "size", "not_a_choice")),
        ({"rows": "row_id,product,site\na,Cup,example\n"}, (1, "site", "bad_url")),
        ({"rows": "row_id,product,locale\na,Cup,es-XX\n"}, (1, "locale", "bad_locale")),
        ({"rows": "row_id,product,placements\na,Cup,instagram_reel\n"}, (1, "placements", "unknown_placement")),
        ({"rows": "row_id,product,look\na,Cup,noire\n"}, (1, "look", "unknown_look")),
        ({"rows": "row_id,product,music\na,Cup,calmer\n"}, (1, "music", "unknown_music")),
        ({"rows": "row_id,product,seed\na,Cup,-1\n"}, (1, "seed", "bad_seed")),
        ({"rows": "row_id,product,enabled\na,Cup,perhaps\n"}, (1, "enabled", "bad_enabled")),
        ({"rows": "row_id,product,variant\na,Cup,offer\n"}, (1, "variant", "bad_variant")),
        ({"rows": "row_id,product,campaign\na,Cup,Other\n"}, (1, "campaign", "other_campaign")),
        (
            {"rows": "row_id,product,segment\na,Cup,gamer\n", "extra": "segments: [gamers]\n"},
            (1, "segment", "bad_segment"),
        ),
        (
            {"campaign": CAMPAIGN.replace("instagram_reels", "instagram_reel")},
            (None, "placements", "unknown_placement"),
        ),
        ({"campaign": CAMPAIGN.replace("instagram_reels", "ctv, youtube_bumper"), "extra": "seconds: 10\n"}, None),
        ({"extra": "look: noire\n"}, (None, "look", "unknown_look")),
        ({"extra": "music: calmer\n"}, (None, "music", "unknown_music")),
        ({"extra": "rows: ../rows.csv\n"}, None),
        ({"campaign": CAMPAIGN + "rows: nothing.csv\n"}, (None, "rows", "file_missing")),
        ({"campaign": CAMPAIGN + "rows: ../rows.csv\n"}, (None, "rows", "file_outside")),
        ({"brand": "name: D\nlogo: none.png\n"}, (None, "logo", "file_missing")),
        ({"brand": "name: D\nlogo: rows.csv\n"}, (None, "logo", "not_a_picture")),
        ({"brand": "name: D\ncolors: {primary: '#000000'}\n"}, (None, "colors", "unknown_key")),
    ],
)
def test_a_bad_input_is_one_complaint_at_its_place_with_a_fix(tmp_path, given, expected):
    problems = complaints(write(tmp_path, **given))
    if expected is None:
        assert all(problem.fix for problem in problems)
        return
    assert [(problem.row, problem.column, problem.code) for problem in problems] == [expected]
    assert problems[0].fix
    assert problems[0].sentence().count("\n") == 0


def test_two_same_ids_name_both_rows(tmp_path):
    assert found(write(tmp_path, **rows("a,Cup,5\nb,Jug,6\nA,Pan,7\n"))) == [
        (1, "row_id", "same_row_id"),
        (3, "row_id", "same_row_id"),
    ]


def test_a_cell_starting_with_an_equals_sign_is_text(tmp_path):
    (made,) = creatives(write(tmp_path, **rows("a,=1+1,5\n")))
    assert made.layers[0].text == "=1+1?"


@pytest.mark.parametrize(
    "text", ["%{localtime}", "it's", "a:b\\c", "[x]", "50%, off", "../../etc/passwd", "$(rm)", "<b>&amp;"]
)
def test_texts_that_are_code_elsewhere_are_literal_here(tmp_path, text):
    (made,) = creatives(write(tmp_path, rows=f'row_id,product\na,"{text}"\n'))
    assert made.layers[0].text == f"{text}?"


def test_a_headline_of_five_hundred_characters_is_refused_with_what_would_fit(tmp_path):
    texts = {"headline.j2": "{{ product }} " + "on and on " * 50}
    (problem,) = complaints(write(tmp_path, texts=texts))
    assert (problem.row, problem.column, problem.code) == (1, "headline", "text_too_long")
    assert any(word.isdigit() for word in problem.fix.split())


def test_letters_that_no_font_has_are_refused(tmp_path):
    # On the picture and in the captions, in every row that has one.
    assert found(write(tmp_path, **rows("a,Cup \U00013080,5\nb,Cup,5\nc,Jug \U00013080,5\n"))) == [
        (row, column, "missing_glyphs") for row in (1, 3) for column in ("headline", "voiceover")
    ]


def test_a_text_too_long_to_say_is_refused_with_how_much_to_cut(tmp_path):
    texts = {"voiceover.j2": "{{ product }} " + "and here is one more reason to buy it today " * 4}
    (problem,) = complaints(write(tmp_path, texts=texts))
    assert (problem.row, problem.column, problem.code) == (1, "voiceover", "voice_too_long")
    assert "Shorten it by about" in problem.fix
    assert not complaints(write(tmp_path / "mute", texts=texts, extra="voice: none\n"))


@pytest.mark.parametrize(
    "source",
    [
        "{% for i in range(10**9) %}{% for j in range(10**9) %}x{% endfor %}{% endfor %}",
        "{{ 'x' * 10**9 }}",
        "{{ prodct }}",
        "{{ product.__class__.__mro__ }}",
        "x" * 9_000,
        "{% if product %}",
    ],
)
def test_a_template_that_would_not_end_or_knows_no_such_variable_is_refused_with_its_line(tmp_path, source):
    problems = complaints(write(tmp_path, texts={"prompt.j2": source}))
    assert {problem.file for problem in problems} == {"mine/prompt.j2"}
    assert problems[0].code == "template_too_long" or "line 1" in problems[0].message


# --- pictures -----------------------------------------------------------------------------------------------------


def picture(folder, name, **more):
    return write(folder, rows=f'row_id,product,picture\na,Cup,"{name}"\n', **more)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("none.png", "file_missing"),
        ("rows.csv/x.png", "file_missing"),
        ("../cup.png", "file_outside"),
        ("mine/../../cup.png", "file_outside"),
        ("/etc/passwd", "file_outside"),
        ("C:\\cup.png", "file_outside"),
        ("..\\cup.png", "file_outside"),
        ("http://169.254.169.254/latest", "file_address"),
        ("https://example.com/cup.png", "file_address"),
        ("file:///etc/passwd", "file_address"),
        ("s3://bucket/cup.png", "file_address"),
        ("data:image/png;base64,AAAA", "file_address"),
        ("//host/share.png", "file_address"),
        ("mine", "not_a_file"),
        ("x" * 300, "text_too_long"),
        ("rows.csv", "not_a_picture"),
    ],
)
def test_a_name_that_is_no_picture_in_the_folder_is_refused(tmp_path, name, code):
    assert found(picture(tmp_path, name)) == [(1, "picture", code)]


def test_links_are_followed_inside_the_folder_only(tmp_path):
    folder = picture(tmp_path / "campaign", "link.png")
    Image.new("RGB", (200, 200)).save(tmp_path / "outside.png")
    (folder / "link.png").symlink_to(tmp_path / "outside.png")
    assert found(folder) == [(1, "picture", "file_outside")]
    (folder / "link.png").unlink()
    (folder / "link.png").symlink_to("cup.png")
    assert not found(folder)
    (folder / "link.png").unlink()
    (folder / "link.png").symlink_to("link.png")
    assert [code for _, _, code in found(folder)] == ["file_unreadable"]


def test_a_pipe_is_not_waited_for(tmp_path):
    folder = picture(tmp_path, "pipe.png")
    os.mkfifo(folder / "pipe.png")
    assert found(folder) == [(1, "picture", "not_a_file")]


def png(width, height):
    """A PNG that promises so many pixels in a few hundred bytes."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    )


def test_a_picture_of_a_hundred_megapixels_is_refused_before_it_is_decoded(tmp_path):
    folder = picture(tmp_path, "big.png")
    assert LIMIT_PIXELS < 10_000 * 10_000
    (folder / "big.png").write_bytes(png(10_000, 10_000))
    assert found(folder) == [(1, "picture", "picture_too_large")]
    (folder / "big.png").write_bytes(png(60_000, 60_000))
    assert found(folder) == [(1, "picture", "picture_too_large")]


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
def test_a_truncated_picture_is_refused(tmp_path, suffix):
    folder = picture(tmp_path, f"cut.{suffix}")
    path = folder / f"cut.{suffix}"
    Image.effect_noise((300, 300), 80).convert("RGB").save(path)
    path.write_bytes(path.read_bytes()[:-2000])
    assert found(folder) == [(1, "picture", "picture_broken")]


def test_other_formats_under_a_pictures_name_are_refused(tmp_path):
    folder = picture(tmp_path, "cup2.png")
    for format_ in ("GIF", "EPS", "BMP", "TIFF"):
        Image.new("RGB", (200, 200)).save(folder / "cup2.png", format=format_)
        assert found(folder) == [(1, "picture", "not_a_picture")], format_
    (folder / "cup2.png").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>", "utf-8")
    assert found(folder) == [(1, "picture", "not_a_picture")]


def test_animated_and_tiny_pictures_are_refused(tmp_path):
    folder = picture(tmp_path, "odd.webp")
    frames = [Image.new("RGB", (200, 200), colour) for colour in ("red", "blue")]
    frames[0].save(folder / "odd.webp", save_all=True, append_images=frames[1:])
    assert found(folder) == [(1, "picture", "picture_animated")]
    Image.new("RGB", (1, 1)).save(folder / "odd.webp")
    assert found(folder) == [(1, "picture", "picture_too_small")]


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "CMYK", "I;16"])
def test_every_kind_of_pixels_that_a_still_picture_has_is_taken(tmp_path, mode):
    suffix = "jpg" if mode == "CMYK" else "png"
    folder = picture(tmp_path, f"kind.{suffix}")
    Image.new(mode, (200, 200)).save(folder / f"kind.{suffix}")
    assert not found(folder)


def test_a_broken_picture_is_a_complaint_of_every_row_that_uses_it(tmp_path):
    folder = write(tmp_path, rows="row_id,product,picture\na,Cup,bad.png\nb,Jug,cup.png\nc,Pan,bad.png\n")
    (folder / "bad.png").write_text("text", "utf-8")
    assert found(folder) == [(1, "picture", "not_a_picture"), (3, "picture", "not_a_picture")]


def test_all_rows_are_read_before_anything_is_said(tmp_path):
    folder = write(tmp_path, **rows("a,,5\nb,Cup,cheap\nc,Cup\nd,{{ x }},5\ne,Fine,5\n"))
    assert [problem.row for problem in complaints(folder)] == [3, 1, 2, 4] or sorted(
        problem.row for problem in complaints(folder)
    ) == [1, 2, 3, 4]
    assert [row.row_id for row in opened(folder)[2].rows] == ["e"]


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        (
            "engine: tiny\nengine_options: {preview_evry: 5}\n",
            ["preview_evry: no such option ('5'). Did you mean \"preview_every\"?"],
        ),
        (
            "engine: videos-api\nengine_options: {modell: x, licence: MIT}\n",
            ["modell: no such option ('x'). Did you mean \"model\"?"],
        ),
        ("engine: av-open\n", ["then set `engine_options: {accept: true}`, or use another engine"]),
        ("conform: {upscale: x4.pt}\n", ["Write none, or the path of an .onnx file inside the campaign's folder"]),
        ("conform: {interpolation: motionn}\n", ['Did you mean "motion"?']),
        (
            "conform: motion\n",
            ["keys are expected here ('motion'). Write `conform: {key: value}`; keys: interpolation"],
        ),
    ],
)
def test_a_slip_about_footage_is_one_sentence_with_the_way_out(tmp_path: Path, extra: str, said: list[str]) -> None:
    with pytest.raises(BadInput) as caught:
        prepare(Order(small_campaign(tmp_path / "campaign", extra=extra)))
    sentences = [problem.sentence() for problem in caught.value.problems]
    assert len(sentences) == len(said), sentences
    for sentence, words in zip(sentences, said, strict=True):
        assert words in sentence
