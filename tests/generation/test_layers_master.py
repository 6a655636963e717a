"""Masters, measured on the pixels of the re-opened files."""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from generation.errors import BadMedia, TextDoesNotFit
from generation.layers.colour import luminance, luminances
from generation.layers.compose import Stage, compose_master
from generation.layers.light import measure_light
from generation.layers.motion import MOTIONS, drift, pose, wipe
from generation.layers.shade import needs
from generation.layers.spec import BrandStyle, CaptionSpan, Layer, TitleSheet
from generation.media.frames import Planes, VideoWriter, read_frames
from generation.media.scan import scan
from generation.spec import Box, Size

FPS = Fraction(30000, 1001)
BRAND = BrandStyle("Casa Luz", "#0b3d2e", "#ffb703", "#101418", "#fffaf2")
#: Half the size of the masters of production: the same proportions at a quarter of the cost.
PAGES = {
    "9x16": (Size(540, 960), Box(60, 144, 384, 480)),
    "4x5": (Size(540, 674), Box(32, 34, 476, 606)),
    "1x1": (Size(540, 540), Box(26, 26, 488, 460)),
    "16x9": (Size(960, 540), Box(48, 26, 864, 406)),
}
FRAMES = 60
LONG = "Großzügige Überraschungsgeschenke für alle Gäste"
Picture = NDArray[np.float32]


def noisy(size: Size, seed: int) -> Planes:
    rng = np.random.default_rng(seed)
    height, width = size.height_px, size.width_px
    y = rng.integers(16, 236, (height // 4, width // 4), dtype=np.uint8).repeat(4, 0).repeat(4, 1)
    y = cv2.copyMakeBorder(y, 0, height - y.shape[0], 0, width - y.shape[1], cv2.BORDER_REPLICATE)
    u, v = (rng.integers(96, 160, (height // 2, width // 2), dtype=np.uint8) for _ in range(2))
    return Planes(np.asarray(y, np.uint8), u, v)


def flat(size: Size, luma: int) -> Planes:
    chroma = np.full((size.height_px // 2, size.width_px // 2), 128, np.uint8)
    return Planes(np.full((size.height_px, size.width_px), luma, np.uint8), chroma, chroma.copy())


def write_plate(path: Path, size: Size, kind: str, frames: int = FRAMES) -> Path:
    """Grey, white, black, noisy, or one that is dark and cuts to white in its middle."""
    lumas = {"grey": 110, "white": 235, "black": 16}
    with VideoWriter(path, size, FPS) as writer:
        for number in range(frames):
            if kind == "noisy":
                writer.write(noisy(size, number // 15))
            elif kind == "cut":
                writer.write(flat(size, 16 if number < frames // 2 else 225))
            else:
                writer.write(flat(size, lumas[kind]))
    return path


def sheet_of(page: str, *layers: Layer, **more: object) -> TitleSheet:
    size, safe = PAGES[page]
    return TitleSheet(size, safe, FRAMES, FPS, "en-US", BRAND, layers, **more)  # type: ignore[arg-type]


class Film:
    """A master and its plate, decoded."""

    def __init__(self, tmp: Path, sheet: TitleSheet, plate: str = "grey") -> None:
        self.plate = write_plate(tmp / f"{plate}-{sheet.size}.mp4", sheet.size, plate, sheet.frames)
        self.path = tmp / "master.mp4"
        self.notes = compose_master(self.plate, self.path, sheet)
        self.frames = [Planes(*(plane.copy() for plane in planes)) for planes in read_frames(self.path)]
        self.under = [Planes(*(plane.copy() for plane in planes)) for planes in read_frames(self.plate)]
        layers = self.notes["layers"]
        assert isinstance(layers, list)
        self.boxes = {layer["kind"]: Box(*layer["box"]) for layer in layers}

    def change(self, number: int) -> Picture:
        """Luma difference between master and plate."""
        return np.asarray(
            np.abs(self.frames[number].y.astype(np.float32) - self.under[number].y.astype(np.float32)), np.float32
        )

    def light(self, number: int, box: Box) -> Picture:
        """Luminance of every second pixel of a box."""
        planes = self.frames[number]
        rows, columns = slice(box.y // 2, box.bottom // 2), slice(box.x // 2, box.right // 2)
        y = planes.y[::2, ::2][rows, columns]
        u, v = planes.u[rows, columns], planes.v[rows, columns]
        return luminances(y, u, v)


def inside(picture: Picture, box: Box) -> Picture:
    return picture[box.y : box.bottom, box.x : box.right]


HEADLINE = Layer("headline", "Your kitchen, lit right", 10, 45)


@pytest.mark.parametrize("page", PAGES)
def test_a_headline_is_seen_in_its_box_and_at_its_time_only(tmp_path: Path, page: str) -> None:
    film = Film(tmp_path, sheet_of(page, HEADLINE))
    assert len(film.frames) == FRAMES
    box = film.boxes["headline"]
    assert (inside(film.change(30), box) > 60).mean() > 0.12
    for number in (0, 5, 9, 45, 50, 59):
        assert film.change(number).max() <= 6
    bright = film.frames[30].y.astype(np.int16) > 180
    bright[box.y - 2 : box.bottom + 2, box.x - 2 : box.right + 2] = False
    assert not bright.any()


@pytest.mark.parametrize("plate", ["white", "black", "grey", "noisy", "cut"])
def test_text_on_footage_keeps_its_contrast_on_every_frame(tmp_path: Path, plate: str) -> None:
    layers = (replace(HEADLINE, start_frame=0, end_frame=60), Layer("subline", "It dims itself", 0, 60))
    film = Film(tmp_path, sheet_of("9x16", *layers), plate)
    text = luminance(BRAND.paper) if film.notes["text"] == "light" else luminance(BRAND.ink)
    for number in (20, 24, 27, 29, 30, 31, 33, 36, 45, 59):
        for kind in ("headline", "subline"):
            box = film.boxes[kind]
            # A strip without letters: above the headline, below the subline.
            edge = box.y - 10 if kind == "headline" else box.bottom + 2
            ground = film.light(number, Box(box.x, edge, box.width, 6))
            worst = np.quantile(ground, 0.97 if film.notes["text"] == "light" else 0.03)
            high, low = max(text, float(worst)), min(text, float(worst))
            assert (high + 0.05) / (low + 0.05) >= 4.5, (kind, number)
            letters = film.light(number, box)
            found = np.quantile(letters, 0.98 if film.notes["text"] == "light" else 0.02)
            assert abs(float(found) - text) < 0.16


def test_white_footage_gets_dark_text_and_hardly_any_shade(tmp_path: Path) -> None:
    film = Film(tmp_path, sheet_of("1x1", replace(HEADLINE, end_frame=60)), "white")
    assert film.notes["text"] == "dark"
    assert film.frames[40].y[-40:].min() >= 228
    assert float(str(film.notes["deepest_shade"])) < 0.1


def test_the_shade_is_never_below_the_need_of_its_frame(tmp_path: Path) -> None:
    sheet = sheet_of("9x16", replace(HEADLINE, start_frame=0, end_frame=60))
    plate = write_plate(tmp_path / "plate.mp4", sheet.size, "cut")
    stage = Stage(sheet, plate)
    thing = stage._on_footage()[0]
    needed = needs(thing, measure_light(plate), stage.tone.text, stage.tone.shade)
    levels = stage._shade._levels[0]
    assert (levels >= needed - 1e-6).all()
    assert needed.max() - needed.min() > 0.3
    assert np.abs(np.diff(levels)).max() < 0.1


def test_the_old_price_is_struck_through_and_the_price_is_not(tmp_path: Path) -> None:
    layer = Layer("price", "$49", 0, 60, {"old_price": "$69", "note": "Until Sunday"})
    film, plain = (
        Film(tmp_path, sheet_of("4x5", one)) for one in (layer, replace(layer, extra={"note": "Until Sunday"}))
    )
    assert longest_dark_run(film) > 25
    assert longest_dark_run(plain) < 14


def longest_dark_run(film: Film) -> int:
    """Longest unbroken dark stretch of a row in the upper right part of the price card, in pixels."""
    card = inside(film.frames[40].y.astype(np.float32), film.boxes["price"])
    part = card[8 : card.shape[0] // 2, int(0.44 * card.shape[1]) : -20] < 150
    longest = 0
    for row in part:
        edges = np.flatnonzero(np.diff(np.concatenate([[0], row.astype(np.int8), [0]])))
        longest = max(longest, int((edges[1::2] - edges[::2]).max(initial=0)))
    return longest


def test_captions_have_two_lines_inside_the_box_at_their_time(tmp_path: Path) -> None:
    spans = (CaptionSpan(5, 30, ("Picture your evenings", "glowing warmer.")), CaptionSpan(32, 55, ("Until Sunday.",)))
    film = Film(tmp_path, sheet_of("9x16", captions=spans), "white")
    layers = film.notes["layers"]
    assert isinstance(layers, list)
    two, one = (Box(*layer["box"]) for layer in layers)
    safe = PAGES["9x16"][1]
    assert safe.x <= two.x <= two.right <= safe.right
    assert two.bottom == one.bottom <= safe.bottom
    assert lines_in(film.frames[15].y, two) == 2
    assert lines_in(film.frames[40].y, one) == 1
    assert film.change(2).max() <= 6
    assert film.change(58).max() <= 6


def lines_in(luma: NDArray[np.uint8], box: Box) -> int:
    """Bands of white letters on the dark plate of a caption."""
    rows = (luma[box.y + 4 : box.bottom - 4, box.x + 12 : box.right - 12] > 150).any(axis=1)
    return int(np.count_nonzero(np.diff(rows.astype(np.int8)) == 1)) + int(rows[0])


def test_the_disclosure_label_is_on_every_frame_over_the_end_card_too(tmp_path: Path) -> None:
    film = Film(tmp_path, sheet_of("4x5", Layer("end_card", "", 20, 60), disclosure_label="Made with AI"), "white")
    box = film.boxes["disclosure"]
    for frame in film.frames:
        area = frame.y[box.y : box.bottom, box.x : box.right]
        assert (area > 190).mean() > 0.04
        assert (area < 120).mean() > 0.4


def test_an_end_card_covers_the_picture_and_never_stands_still(tmp_path: Path) -> None:
    extra = {"cta": "Shop now", "url": "luz.example", "legal": "While stocks last.", "price": "$49", "old_price": "$69"}
    logo = Layer("logo", "", 0, 60)
    film = Film(tmp_path, sheet_of("16x9", logo, Layer("end_card", "Lit right", 12, 60, extra)), "white")
    for number in range(30, 60):
        assert film.frames[number].y[::8, ::8].min() < 120
        assert np.median(film.frames[number].y) < 90
    for role in ("logo", "headline", "price", "cta", "url", "legal"):
        assert (np.abs(film.light(59, film.boxes[f"end_card.{role}"]) - luminance(BRAND.primary)) > 0.2).mean() > 0.03


@pytest.mark.parametrize("primary", ["#0b3d2e", "#0d0d0f", "#ffffff", "#ffd23f", "#e4572e"])
def test_an_end_card_is_never_a_frozen_picture(tmp_path: Path, primary: str) -> None:
    frames = 130
    sheet = replace(sheet_of("9x16", Layer("end_card", "Lit right", 0, frames)), frames=frames)
    plate = write_plate(tmp_path / "plate.mp4", sheet.size, "grey", frames)
    compose_master(plate, tmp_path / "master.mp4", replace(sheet, brand=replace(BRAND, primary=primary)))
    seen = scan(tmp_path / "master.mp4", sound=False, seconds=float(frames / FPS), deadline_seconds=60)
    assert [stretch for stretch in seen.frozen if stretch.end_seconds - stretch.start_seconds > 2.0] == []


def test_a_logo_with_transparency_shows_the_footage_through_it(tmp_path: Path) -> None:
    image = np.zeros((200, 600, 4), np.uint8)
    image[:, :200] = (255, 255, 255, 255)
    image[:, 400:] = (255, 255, 255, 255)
    cv2.imwrite(str(tmp_path / "logo.png"), image)
    sheet = sheet_of("1x1", Layer("logo", "", 0, 60))
    film = Film(tmp_path, replace(sheet, brand=replace(BRAND, logo=tmp_path / "logo.png")))
    box = film.boxes["logo"]
    area = film.frames[40].y[box.y + 2 : box.bottom - 2, box.x : box.right]
    third = box.width // 3
    assert area[:, 3 : third - 3].min() > 220
    assert area[:, third + 4 : 2 * third - 4].max() < 125


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(("locale", "headline"), [("en-US", "Lit right"), ("de-DE", LONG)])
def test_long_and_short_texts_stay_inside_the_safe_box_in_all_aspects(
    tmp_path: Path, page: str, locale: str, headline: str
) -> None:
    layers = (
        Layer("headline", headline, 0, 8),
        Layer("subline", headline, 0, 8),
        Layer("price", "1.249,90 €", 0, 8, {"old_price": "1.369,90 €", "note": "Nur bis Sonntag"}),
        Layer("cta", "Jetzt im Laden entdecken", 0, 8),
    )
    sheet = replace(sheet_of(page, *layers), frames=8, locale=locale, disclosure_label="Mit KI", watermark="CASA LUZ")
    film = Film(tmp_path, sheet, "grey")
    safe = sheet.safe
    # Letters and plates are light or coloured; the shade and the shadows around plates only darken.
    marks = film.frames[7].y.astype(np.int16) > film.under[7].y.astype(np.int16) + 12
    assert marks.any()
    marks[safe.y : safe.bottom, safe.x : safe.right] = False
    assert not marks.any()


def test_the_same_sheet_and_plate_give_the_same_bytes(tmp_path: Path) -> None:
    sheet = sheet_of("1x1", HEADLINE, Layer("end_card", "Lit right", 45, 60, {"cta": "Shop"}), watermark="CASA LUZ")
    plate = write_plate(tmp_path / "plate.mp4", sheet.size, "noisy")
    digests = set()
    for name in ("a.mp4", "b.mp4"):
        compose_master(plate, tmp_path / name, sheet)
        digests.add(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())
    assert len(digests) == 1


def test_a_plate_of_another_length_or_size_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    sheet = sheet_of("1x1", HEADLINE)
    for plate, shown in (
        (write_plate(tmp_path / "long.mp4", sheet.size, "grey", 61), "61 frames of 540x540"),
        (write_plate(tmp_path / "short.mp4", sheet.size, "grey", 59), "59 frames of 540x540"),
        (write_plate(tmp_path / "wide.mp4", Size(960, 540), "grey"), "60 frames of 960x540"),
    ):
        with pytest.raises(BadMedia, match=f"{plate.name}: {shown}; the title sheet is for 60 frames of 540x540"):
            compose_master(plate, tmp_path / "master.mp4", sheet)
        assert not (tmp_path / "master.mp4").exists()


def test_a_text_that_does_not_fit_stops_the_master_before_anything_is_written(tmp_path: Path) -> None:
    plate = write_plate(tmp_path / "plate.mp4", PAGES["1x1"][0], "grey")
    with pytest.raises(TextDoesNotFit, match="headline"):
        compose_master(plate, tmp_path / "master.mp4", sheet_of("1x1", replace(HEADLINE, text="Viel zu lang " * 20)))
    assert not (tmp_path / "master.mp4").exists()


def test_notes_say_what_was_drawn_where(tmp_path: Path) -> None:
    film = Film(tmp_path, sheet_of("1x1", HEADLINE), "grey")
    layers = film.notes["layers"]
    assert isinstance(layers, list)
    assert [(layer["kind"], layer["text"], layer["frames"]) for layer in layers] == [
        ("headline", HEADLINE.text, [10, 45])
    ]
    assert film.notes["fonts"] == ["Manrope-ExtraBold.ttf"]
    assert film.notes["tier"] == "final"


def test_motions_begin_visible_end_at_rest_and_never_jump() -> None:
    for name in MOTIONS:
        poses = [pose(name, frame, 120 - frame, FPS) for frame in range(120)]
        assert poses[0].opacity > 0
        assert poses[60].opacity == 1
        for first, second in itertools.pairwise(poses):
            assert abs(second.opacity - first.opacity) <= 0.5
            assert abs(second.scale - first.scale) < 0.06
            assert abs(second.drop - first.drop) < 16
    assert pose("rise", -1, 10, FPS).opacity == 0
    assert max(pose("pop", frame, 99, FPS).scale for frame in range(30)) > 1.01


def test_the_end_card_wipes_once_and_its_ground_keeps_moving_within_bounds() -> None:
    taken = [wipe(frame, FPS) for frame in range(30)]
    assert taken == sorted(taken)
    assert taken[-1] == 1
    for start in range(0, 5400, 60):
        here, later = (np.array([drift(disc, frame, FPS) for disc in range(3)]) for frame in (start, start + 30))
        assert np.abs(here).max() <= 0.09
        assert np.hypot(*(later - here).T).min() > 0.03
