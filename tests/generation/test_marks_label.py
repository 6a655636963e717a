"""The proof of the disclosure label is made on pixels: each way to lose the label on a real film is found out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import ffmpeg
import numpy as np
import pytest

from generation.errors import BadMedia
from generation.layers.compose import compose_master
from generation.layers.spec import BrandStyle, Layer, TitleSheet
from generation.marks.label import ExpectedLabel, LabelProof, prove_label
from generation.media.ffmpeg import file_url, run, source
from generation.media.frames import Planes, VideoWriter, read_frames
from generation.media.glimpse import glimpses
from generation.spec import Box, Size

FPS = Fraction(30000, 1001)
SIZE, FRAMES = Size(720, 900), 42
#: The sheet's box keeps clear of more than this placement does.
SAFE, FREE = Box(44, 90, 632, 720), Box(44, 46, 632, 808)
BRAND = BrandStyle("Casa Luz", "#0b3d2e", "#ffb703", "#101418", "#fffaf2")
TEXT, LOCALE = "KI-generiert", "de-DE"

Change = Callable[[int, Planes], None]


def plate(path: Path, luma: int | None = None) -> Path:
    """Moving, strong texture, or one grey."""
    shape, rng = (SIZE.height_px, SIZE.width_px), np.random.default_rng(7)
    cells = rng.integers(16, 236, (38, 34)).astype(np.uint8)
    texture = cv2.resize(cells, (SIZE.width_px + 2 * FRAMES, SIZE.height_px), interpolation=cv2.INTER_CUBIC)
    chroma = np.full((shape[0] // 2, shape[1] // 2), 128, np.uint8)
    with VideoWriter(path, SIZE, FPS) as writer:
        for number in range(FRAMES):
            y = texture[:, 2 * number : 2 * number + SIZE.width_px] if luma is None else np.full(shape, luma, np.uint8)
            writer.write(Planes(np.ascontiguousarray(y), chroma, chroma))
    return path


def drawn(folder: Path, name: str, luma: int | None = None, text: str = TEXT, locale: str = LOCALE) -> Path:
    """A master with a label and a headline."""
    film = folder / f"{name}.mp4"
    headline = Layer("headline", "Guten Morgen" if locale == LOCALE else "Tea", 2, FRAMES - 2)
    sheet = TitleSheet(SIZE, SAFE, FRAMES, FPS, locale, BRAND, (headline,), disclosure_label=text)
    compose_master(plate(folder / f"{name}_plate.mp4", luma), film, sheet)
    return film


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return drawn(tmp_path_factory.mktemp("label"), "film")


def edited(film: Path, path: Path, change: Change) -> Path:
    """The film with every frame changed, encoded again."""
    with VideoWriter(path, SIZE, FPS, "preview") as writer:
        for number, planes in enumerate(read_frames(film)):
            copy = Planes(*(plane.copy() for plane in planes))
            change(number, copy)
            writer.write(copy)
    return path


def expected(text: str = TEXT, locale: str = LOCALE) -> ExpectedLabel:
    return ExpectedLabel(text, locale, BRAND, SIZE, SAFE, FREE, (0, FRAMES), FPS)


def prove(film: Path, **changes: object) -> LabelProof:
    return prove_label(film, replace(expected(), **changes))  # type: ignore[arg-type]


def label_box(film: Path) -> Box:
    box = prove(film).box
    assert box is not None
    return box


def area(box: Box, part: float = 1.0) -> tuple[slice, slice]:
    return slice(box.y, box.bottom), slice(box.x, box.x + round(part * box.width))


def test_a_label_that_is_there_passes_with_its_place_contrast_and_moments(film: Path) -> None:
    proof = prove(film)
    assert proof.passed, proof.reason
    assert proof.reason == ""
    assert proof.score > 0.9
    assert proof.contrast > 5
    assert proof.type_size >= 0.022
    assert proof.frames_checked[0] == 0
    assert proof.frames_checked[-1] >= (FRAMES - 1) / float(FPS) - 1
    box = proof.box
    assert box is not None
    assert (box.right, box.y >= SAFE.y) == (SAFE.right, True)


@pytest.mark.parametrize("luma", [16, 120, 235])
def test_a_label_is_legible_on_any_plain_ground(tmp_path: Path, luma: int) -> None:
    proof = prove(drawn(tmp_path, "flat", luma))
    assert proof.passed, proof.reason
    assert proof.contrast > 5


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_a_label_passes_after_a_poor_encode_and_at_half_size(film: Path, tmp_path: Path, scale: float) -> None:
    copy = tmp_path / "copy.mp4"
    width = 2 * round(SIZE.width_px * scale / 2)
    picture = source(film).video.filter("scale", width, -2)
    output = ffmpeg.output(
        picture, file_url(copy), format="mp4", vcodec="libx264", crf=28, preset="veryfast", threads=1
    )
    run(output, deadline_seconds=60)
    proof = prove(copy)
    assert proof.passed, proof.reason
    assert proof.score > 0.85


def test_a_label_covered_by_a_box_fails(film: Path, tmp_path: Path) -> None:
    box = label_box(film)

    def cover(_: int, planes: Planes) -> None:
        planes.y[area(box)] = 140

    proof = prove(edited(film, tmp_path / "covered.mp4", cover))
    assert not proof.found
    assert "nowhere else" in proof.reason


def test_a_label_covered_in_part_fails(film: Path, tmp_path: Path) -> None:
    box = label_box(film)

    def cover(_: int, planes: Planes) -> None:
        planes.y[area(box, 0.3)] = 40

    proof = prove(edited(film, tmp_path / "part.mp4", cover))
    assert not proof.found
    assert "not whole" in proof.reason


def test_a_label_that_is_covered_towards_the_end_fails(film: Path, tmp_path: Path) -> None:
    box = label_box(film)

    def cover(number: int, planes: Planes) -> None:
        if number >= 8:
            planes.y[area(box)] = 140

    proof = prove(edited(film, tmp_path / "late.mp4", cover))
    assert not proof.found
    assert "at 0.4 s" in proof.reason


def test_a_film_that_was_never_labelled_fails(tmp_path: Path) -> None:
    proof = prove(plate(tmp_path / "bare.mp4"))
    assert not proof.found
    assert proof.score < 0.5


@pytest.mark.parametrize(("text", "locale"), [("Généré par IA", "fr-FR"), ("AI-generated", "en-US")])
def test_a_label_in_another_language_fails(tmp_path: Path, film: Path, text: str, locale: str) -> None:
    assert not prove(film, text=text, locale=locale).found


def test_another_text_of_the_same_language_fails(film: Path) -> None:
    for text in ("KI-bearbeitet", "KI-generierte Person", "Video und Person KI-generiert"):
        assert not prove(film, text=text).found


def test_a_label_that_was_moved_into_the_app_s_zone_is_found_there_and_fails(film: Path, tmp_path: Path) -> None:
    box = label_box(film)

    def move(_: int, planes: Planes) -> None:
        label = planes.y[area(box)].copy()
        planes.y[area(box)] = 60
        planes.y[8 : 8 + box.height, box.x : box.right] = label

    proof = prove(edited(film, tmp_path / "moved.mp4", move))
    assert (proof.found, proof.inside) == (True, False)
    assert proof.box is not None
    assert abs(proof.box.y - 8) <= 1
    assert "the app" in proof.reason


def test_a_label_is_held_against_the_zone_of_its_own_placement(film: Path) -> None:
    proof = prove(film, safe=Box(44, 270, 632, 540))
    assert (proof.found, proof.inside) == (True, False)


def test_a_label_that_was_cropped_off_fails(film: Path, tmp_path: Path) -> None:
    def zoom(_: int, planes: Planes) -> None:
        for plane in planes:
            height, width = plane.shape
            part = plane[height // 5 : height - height // 20, : width * 4 // 5]
            plane[:] = cv2.resize(part, (width, height), interpolation=cv2.INTER_LINEAR)

    assert not prove(edited(film, tmp_path / "zoomed.mp4", zoom)).found
    narrow = tmp_path / "narrow.mp4"
    with VideoWriter(narrow, Size(540, SIZE.height_px), FPS, "preview") as writer:
        for planes in read_frames(film):
            cut = Planes(planes.y[:, :540], planes.u[:, :270], planes.v[:, :270])
            writer.write(Planes(*map(np.ascontiguousarray, cut)))
    proof = prove(narrow)
    assert not proof.found
    assert "cropped" in proof.reason


def test_a_label_without_contrast_fails(film: Path, tmp_path: Path) -> None:
    box = label_box(film)

    def wash(_: int, planes: Planes) -> None:
        part = planes.y[area(box)]
        part[:] = (0.25 * part.astype(np.float32) + 0.75 * 150).astype(np.uint8)

    proof = prove(edited(film, tmp_path / "washed.mp4", wash))
    assert (proof.found, proof.legible) == (True, False)
    assert proof.contrast < 4.5
    assert "contrast" in proof.reason


def test_a_film_that_ends_before_its_label_fails(film: Path) -> None:
    proof = prove(film, frames=(0, 3 * FRAMES))
    assert not proof.found


def test_a_label_that_is_shown_for_a_time_is_looked_for_in_that_time(tmp_path: Path) -> None:
    until, film = 20, tmp_path / "short.mp4"
    sheet = TitleSheet(SIZE, SAFE, FRAMES, FPS, LOCALE, BRAND, disclosure_label=TEXT, disclosure_until=until)
    notes = compose_master(plate(tmp_path / "plate.mp4", 120), film, sheet)
    layers = notes["layers"]
    assert isinstance(layers, list)
    assert layers[0]["frames"] == [0, until]
    assert prove(film, frames=(0, until)).passed
    assert not prove(film, frames=(25, FRAMES)).found


def test_a_label_of_a_language_from_right_to_left_is_found_on_its_own_side(tmp_path: Path) -> None:
    # The packaged fonts have no Hebrew; the side is the locale's, whatever the letters.
    film = drawn(tmp_path, "rtl", 120, "AI 2026", "he-IL")
    proof = prove(film, text="AI 2026", locale="he-IL")
    assert proof.passed, proof.reason
    assert proof.box is not None
    assert proof.box.x == SAFE.x


def test_a_file_that_is_no_film_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "none.mp4").write_bytes(b"no film")
    with pytest.raises(BadMedia):
        prove(tmp_path / "none.mp4")


def test_the_moments_are_the_first_one_about_the_middle_and_one_of_the_last_second(tmp_path: Path) -> None:
    film, size = tmp_path / "long.mp4", Size(64, 64)
    chroma = np.full((32, 32), 128, np.uint8)
    with VideoWriter(film, size, FPS, "final") as writer:
        for number in range(300):
            writer.write(Planes(np.full((64, 64), 16 + number % 200, np.uint8), chroma, chroma))
    seen = [(moment, int(planes.y.mean())) for moment, planes in glimpses(film, 0, 300 / float(FPS))]
    first, middle, last = sorted(moment for moment, _ in seen)
    assert first == 0
    assert 3 <= middle <= 7
    assert last >= 9
    for moment, mean in seen:
        assert abs(mean - (16 + round(moment * FPS) % 200)) <= 2
