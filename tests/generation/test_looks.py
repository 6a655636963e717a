"""Looks do to footage what they say, measured on frames that were written and opened again."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest

from generation.errors import NotAvailable
from generation.looks import Glow, Grade, Grain, Look, Vignette, get_look, look_names, read_look, style_words
from generation.looks.grade import graded_codes
from generation.looks.grader import Grader
from generation.looks.light import falloff
from generation.media.frames import Planes, VideoWriter, read_frames
from generation.spec import Size

SIZE = Size(432, 768)
PHOTOGRAPHIC = tuple(name for name in look_names() if name != "cartoon")
COLOURED = tuple(name for name in PHOTOGRAPHIC if name not in ("clean", "noir"))
#: sRGB of four skin tones, light to dark.
SKIN = ((0.94, 0.78, 0.68), (0.86, 0.65, 0.52), (0.66, 0.46, 0.34), (0.38, 0.25, 0.19))


def flat(rgb: tuple[float, float, float], size: Size = SIZE) -> Planes:
    y, cb, cr = ycc(np.array(rgb))
    shape, half = (size.height_px, size.width_px), (size.height_px // 2, size.width_px // 2)
    return Planes(*(np.full(s, round(float(c)), np.uint8) for s, c in ((shape, y), (half, cb), (half, cr))))


def ycc(rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    y = rgb @ np.array((0.2126, 0.7152, 0.0722))
    return 16 + 219 * y, 128 + 224 * (rgb[..., 2] - y) / 1.8556, 128 + 224 * (rgb[..., 0] - y) / 1.5748


@cache
def photograph(size: Size = SIZE) -> Planes:
    """Soft coloured light, a ramp, and sharp things of several colours: what footage has."""
    rng = np.random.default_rng(5)
    soft = cv2.resize(rng.random((6, 5, 3)), (size.width_px, size.height_px), interpolation=cv2.INTER_CUBIC)
    rgb = np.clip(0.15 + 0.7 * soft, 0, 1)
    for number, colour in enumerate([(0.8, 0.1, 0.1), (0.95, 0.95, 0.93), (0.1, 0.2, 0.6), *SKIN]):
        centre = (int(size.width_px * (0.2 + 0.3 * (number % 3))), int(size.height_px * (0.2 + 0.25 * (number // 3))))
        cv2.circle(rgb, centre, size.width_px // 9, colour, -1, cv2.LINE_AA)
    y, u, v = ycc(rgb)
    half = (size.width_px // 2, size.height_px // 2)
    u, v = (cv2.resize(plane, half, interpolation=cv2.INTER_AREA) for plane in (u, v))
    return Planes(*(np.clip(np.rint(plane), 16, 240).astype(np.uint8) for plane in (y, u, v)))


def reopened(look: Look, source: Planes, folder: Path, frames: int = 1, seed: int = 3) -> list[Planes]:
    """`source` in the look, through the encoder and back."""
    height, width = source.y.shape
    grader = Grader(look, Size(width, height), seed)
    path = folder / f"{look.name}.mp4"
    with VideoWriter(path, Size(width, height), Fraction(30000, 1001), "intermediate") as writer:
        for index in range(frames):
            writer.write(grader.apply(source, index))
    return [Planes(*(plane.copy() for plane in planes)) for planes in read_frames(path)]


def colour_only(look: Look) -> Look:
    return replace(look, grain=Grain(), vignette=Vignette(), glow=Glow())


def middle(plane: np.ndarray) -> float:
    height, width = plane.shape
    return float(plane[height // 3 : -height // 3, width // 3 : -width // 3].mean())


def patch(look: Look, rgb: tuple[float, float, float], folder: Path) -> tuple[float, float, float]:
    (planes,) = reopened(colour_only(look), flat(rgb, Size(96, 96)), folder)
    y, u, v = (middle(plane) for plane in planes)
    return y, u, v


# The table ------------------------------------------------------------------------------------------------------------


def test_the_promised_looks_are_there_and_each_says_what_it_is() -> None:
    assert {"clean", "noir", "cartoon", "documentary", "vintage"} <= set(look_names())
    for name in look_names():
        look = get_look(name)
        assert all((look.title, look.description, look.prompt_words))
        assert "text" in look.negative_prompt, "no look may ask a model for lettering"


def test_a_misspelt_look_is_answered_with_the_nearest() -> None:
    with pytest.raises(NotAvailable, match=r"no look 'documentry'\. Did you mean 'documentary'"):
        get_look("documentry")


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [({"titel": "x"}, "did you mean 'title'"), ({"grade": {"contrst": 1.2}}, "x.grade: unknown key 'contrst'")],
)
def test_an_unknown_key_in_the_table_is_refused(entry: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        read_look("x", {"title": "X", "description": "Y", **entry})


def test_the_revision_follows_the_numbers_and_not_the_words() -> None:
    look = get_look("noir")
    assert replace(look, prompt="other words").revision == look.revision
    assert replace(look, vignette=Vignette(0.1)).revision != look.revision
    assert len({get_look(name).revision for name in look_names()}) == len(look_names())


def test_a_shot_with_a_camera_of_its_own_gets_the_style_without_the_looks_move() -> None:
    for name in look_names():
        look = get_look(name)
        assert style_words(name) == (look.prompt_words, look.negative_prompt)
        words, negative = style_words(name, with_camera=False)
        assert words == look.prompt_words.removesuffix(f", {look.camera}")
        assert negative == look.negative_prompt
        assert not {"camera", "handheld", "push", "dolly", "tracking", "pan"} & set(words.replace(",", "").split())
    assert "35mm lens" in style_words("documentary", with_camera=False)[0]
    with pytest.raises(NotAvailable, match="documentary"):
        style_words("documentry", with_camera=False)


# Colour ---------------------------------------------------------------------------------------------------------------


def test_clean_leaves_every_level_as_it_is() -> None:
    source = photograph()
    assert get_look("clean").is_neutral
    for before, after in zip(source, Grader(get_look("clean"), SIZE, 1).apply(source, 0), strict=True):
        assert np.array_equal(np.clip(before, 16, 240), after)


def test_noir_has_no_colour_and_more_contrast(tmp_path: Path) -> None:
    source = photograph()
    (planes,) = reopened(colour_only(get_look("noir")), source, tmp_path)
    assert planes.u.std() < 0.3
    assert planes.v.std() < 0.3
    assert abs(planes.u.mean() - 128) < 0.5
    ramp = [patch(get_look("noir"), (grey,) * 3, tmp_path)[0] for grey in (0.35, 0.55)]
    assert (ramp[1] - ramp[0]) > 1.3 * 0.2 * 219


def test_noir_sees_through_a_red_filter(tmp_path: Path) -> None:
    skin, sky = (patch(get_look("noir"), rgb, tmp_path)[0] for rgb in ((0.75, 0.45, 0.35), (0.35, 0.5, 0.8)))
    plain_skin, plain_sky = (float(ycc(np.array(rgb))[0]) for rgb in ((0.75, 0.45, 0.35), (0.35, 0.5, 0.8)))
    assert skin - sky > plain_skin - plain_sky + 25


def test_vintage_lifts_and_warms_black_and_fades_white(tmp_path: Path) -> None:
    y, u, v = patch(get_look("vintage"), (0, 0, 0), tmp_path)
    assert 16 + 0.05 * 219 < y < 16 + 0.14 * 219
    assert v > 129 > 127 > u
    white, _, _ = patch(get_look("vintage"), (1, 1, 1), tmp_path)
    assert 215 < white < 232


def test_documentary_is_quieter_in_colour_and_quietest_in_green(tmp_path: Path) -> None:
    look = get_look("documentary")
    kept = {}
    for name, rgb in {"red": (0.7, 0.2, 0.2), "green": (0.25, 0.5, 0.2)}.items():
        _, u0, v0 = (float(c) for c in ycc(np.array(rgb)))
        _, u, v = patch(look, rgb, tmp_path)
        kept[name] = np.hypot(u - 128, v - 128) / np.hypot(u0 - 128, v0 - 128)
    assert 0.5 < kept["green"] < 0.8 * kept["red"] < 0.95


def test_golden_warms_lights_and_neon_cools_shadows(tmp_path: Path) -> None:
    _, u, v = patch(get_look("golden"), (0.65, 0.65, 0.65), tmp_path)
    assert v - 128 > 5
    assert u - 128 < -8
    _, u, v = patch(get_look("neon"), (0.15, 0.15, 0.15), tmp_path)
    assert u - 128 > 6


@pytest.mark.parametrize("name", COLOURED)
def test_skin_keeps_its_hue(name: str, tmp_path: Path) -> None:
    allowed = 20 if name == "neon" else 14  # degrees on the vectorscope; neon light does colour faces
    for rgb in SKIN:
        _, u0, v0 = (float(c) for c in ycc(np.array(rgb)))
        y, u, v = patch(get_look(name), rgb, tmp_path)
        turned = np.degrees(np.arctan2(v - 128, u - 128) - np.arctan2(v0 - 128, u0 - 128))
        assert abs(turned) < allowed, (rgb, turned)
        assert y > 40


@pytest.mark.parametrize("name", PHOTOGRAPHIC)
def test_white_stays_white(name: str, tmp_path: Path) -> None:
    y, u, v = patch(get_look(name), (1, 1, 1), tmp_path)
    assert y > 215
    assert np.hypot(u - 128, v - 128) < 12


@pytest.mark.parametrize("name", ["documentary", "golden", "neon", "noir", "vintage"])
def test_the_baked_tables_agree_with_the_grade_worked_out_for_every_pixel(name: str) -> None:
    look = colour_only(get_look(name))
    source = photograph()
    fast = Grader(look, SIZE, 1).apply(source, 0)
    full = [cv2.resize(plane, source.y.shape[::-1]).astype(np.float32) for plane in (source.u, source.v)]
    y, u, v = graded_codes(source.y.astype(np.float32), *full, look.grade)
    u, v = (cv2.resize(plane, source.u.shape[::-1], interpolation=cv2.INTER_AREA) for plane in (u, v))
    for exact, ours, mean, most in ((y, fast.y, 0.7, 4), (u, fast.u, 0.8, 4), (v, fast.v, 0.8, 4)):
        apart = np.abs(np.clip(exact, 16, 240) - ours)
        assert apart.mean() < mean
        # Sharp colour edges differ: the table sees chroma at half resolution.
        assert np.quantile(apart, 0.98) < most


@pytest.mark.parametrize("name", look_names())
def test_levels_stay_legal_whatever_comes_in(name: str) -> None:
    rng = np.random.default_rng(9)
    shapes = ((96, 128), (48, 64), (48, 64))
    wild = Planes(*(rng.choice(np.array([0, 1, 128, 254, 255], np.uint8), shape) for shape in shapes))
    y, u, v = Grader(get_look(name), Size(128, 96), 1).apply(wild, 0)
    assert (y.min() >= 16, y.max() <= 235) == (True, True)
    for plane in (u, v):
        assert (plane.min() >= 16, plane.max() <= 240) == (True, True)


@pytest.mark.parametrize("name", PHOTOGRAPHIC)
def test_a_gradient_does_not_band(name: str) -> None:
    size = Size(1280, 64)
    ramp = np.linspace(20, 230, size.width_px)[None, :] + np.zeros((size.height_px, 1))
    source = Planes(np.rint(ramp).astype(np.uint8), *(np.full((32, 640), c, np.uint8) for c in (150, 110)))
    after = Grader(replace(get_look(name), vignette=Vignette()), size, 1).apply(source, 0)
    columns = cv2.blur(after.y.astype(np.float32), (9, 1)).mean(axis=0)
    assert len(np.unique(after.y)) >= 165
    steps = np.diff(columns[8:-8])
    assert steps.max() < 1.2, "a visible step"
    for plane in (after.u, after.v):
        assert np.abs(np.diff(cv2.blur(plane.astype(np.float32), (9, 1)).mean(axis=0))).max() < 1.0


# Light and grain ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [n for n in PHOTOGRAPHIC if get_look(n).vignette.loss])
def test_corners_lose_the_stated_part_of_the_light(name: str, tmp_path: Path) -> None:
    look = replace(get_look(name), grade=Grade(), grain=Grain(), glow=Glow())
    (planes,) = reopened(look, flat((0.6, 0.6, 0.6)), tmp_path)
    corners = np.mean([planes.y[a, b].mean() for a in (slice(6), slice(-6, None)) for b in (slice(6), slice(-6, None))])
    kept = (corners - 16) / (middle(planes.y) - 16)
    assert kept == pytest.approx(1 - look.vignette.loss, abs=0.025)


def test_a_vignette_shows_no_rings() -> None:
    look = Look("x", "X", "Y", vignette=Vignette(0.4, 0.1))
    planes = Grader(look, SIZE, 1).apply(flat((0.5, 0.5, 0.5)), 0)
    exact = 16 + (float(flat((0.5, 0.5, 0.5)).y[0, 0]) - 16) * falloff(look.vignette, SIZE)
    # Over a few pixels the dither makes up what rounding to 8 bits takes; undithered, this is half a level.
    apart = cv2.blur(planes.y.astype(np.float32) - exact, (15, 15))[16:-16, 16:-16]
    assert np.abs(apart).max() < 0.2
    assert np.abs(planes.y - exact).max() < 1.1


def test_colours_between_two_steps_of_the_table_are_met_by_dither() -> None:
    size = Size(1280, 128)
    ramp = np.rint(np.linspace(20, 120, size.width_px)[None, :] + np.zeros((size.height_px, 1))).astype(np.uint8)
    source = Planes(ramp, *(np.full((64, 640), 128, np.uint8) for _ in "uv"))
    grade = Grade(shadows="#0000ff", shadows_amount=0.5)
    made = Grader(Look("x", "X", "Y", grade=grade), size, 1).apply(source, 0)
    grey = np.full(size.width_px, 128, np.float32)
    _, exact, _ = graded_codes(ramp[0].astype(np.float32), grey, grey, grade)
    columns = cv2.blur(made.u.astype(np.float32).mean(axis=0)[None, :], (9, 1))[0]
    apart = columns - cv2.blur(exact.reshape(-1, 2).mean(axis=1)[None, :], (9, 1))[0]
    assert np.abs(apart[8:-8]).mean() < 0.5


@pytest.mark.parametrize("name", PHOTOGRAPHIC)
def test_grain_moves_in_mid_grey_by_the_stated_levels(name: str, tmp_path: Path) -> None:
    look = replace(get_look(name), vignette=Vignette(), glow=Glow())
    stack = np.stack([planes.y for planes in reopened(look, flat((0.5, 0.5, 0.5)), tmp_path, frames=6)]).astype(float)
    moving = stack.std(axis=0).mean()
    # Five sixths: what six frames show of a spread; the encoder takes another part of the finest grain.
    expected = look.grain.levels
    assert 0.6 * expected <= moving <= 1.15 * expected + 0.05
    if not expected:
        assert moving == 0


def test_grain_is_strongest_in_the_middle_tones_and_absent_from_white() -> None:
    look = Look("x", "X", "Y", grain=Grain(3.0, 1.2))
    grader = Grader(look, SIZE, 1)
    spread = [grader.apply(flat((grey,) * 3), 0).y.std() for grey in (0.03, 0.5, 1.0)]
    assert spread[1] == pytest.approx(3.0, rel=0.1)
    assert spread[0] < 0.5 * spread[1]
    assert spread[2] < 0.4


def test_grain_has_a_size() -> None:
    planes = Grader(Look("x", "X", "Y", grain=Grain(6.0, 3.0)), SIZE, 1).apply(flat((0.5, 0.5, 0.5)), 0)
    noise = planes.y.astype(float) - planes.y.mean()
    assert (noise[:, 1:] * noise[:, :-1]).mean() / noise.var() > 0.4
    assert (noise[:, 12:] * noise[:, :-12]).mean() / noise.var() < 0.1


def test_the_same_seed_gives_the_same_grain_in_any_order_and_another_seed_another() -> None:
    look, source = get_look("vintage"), photograph()
    once, again = Grader(look, SIZE, 11), Grader(look, SIZE, 11)
    forwards = [once.apply(source, index).y for index in range(3)]
    backwards = [again.apply(source, index).y for index in (2, 1, 0)][::-1]
    for mine, theirs in zip(forwards, backwards, strict=True):
        assert np.array_equal(mine, theirs)
    assert not np.array_equal(forwards[0], forwards[1])
    assert not np.array_equal(forwards[0], Grader(look, SIZE, 12).apply(source, 0).y)


def test_a_decoders_frame_is_not_written_to_and_the_encoders_is() -> None:
    source = photograph()
    kept = [plane.copy() for plane in source]
    into = Planes(*(np.zeros((plane.shape[0], plane.shape[1] + 32), np.uint8)[:, :-32] for plane in source))
    for name in look_names():
        grader = Grader(get_look(name), SIZE, 1)
        made = grader.apply(source, 4, into=into)
        for mine, theirs, plane, before in zip(made, grader.apply(source, 4), source, kept, strict=True):
            assert np.array_equal(mine, theirs)
            assert np.array_equal(plane, before)
        assert made.y is into.y


def test_highlights_glow_into_the_dark_and_white_does_not_burn() -> None:
    dark = flat((0.08, 0.08, 0.08))
    dark.y[300:400, 150:280] = 235
    planes = Grader(Look("x", "X", "Y", glow=Glow(0.3, 0.6, 120)), SIZE, 1).apply(dark, 0)
    assert planes.y[290, 215] > dark.y[290, 215] + 10
    assert abs(float(planes.y[20, 20]) - dark.y[20, 20]) <= 1
    assert planes.y[350, 215] >= 233


# Cartoon --------------------------------------------------------------------------------------------------------------


def tones(plane: np.ndarray) -> int:
    """How many luma codes are needed for nine tenths of the pixels."""
    counts = np.sort(np.bincount(plane.ravel(), minlength=256))[::-1]
    return int(np.searchsorted(np.cumsum(counts), 0.9 * plane.size)) + 1


def test_a_cartoon_has_few_tones() -> None:
    source = photograph()
    look = replace(get_look("cartoon"), grade=Grade())
    drawn = Grader(look, SIZE, 1).apply(source, 0)
    assert tones(drawn.y) < 0.6 * tones(source.y)


def test_a_cartoon_inks_edges_darker_than_both_sides(tmp_path: Path) -> None:
    source = flat((0.45, 0.45, 0.45))
    source.y[:, SIZE.width_px // 2 :] = 190
    (planes,) = reopened(get_look("cartoon"), source, tmp_path)
    row = planes.y[SIZE.height_px // 2].astype(int)
    edge = row[SIZE.width_px // 2 - 8 : SIZE.width_px // 2 + 8].min()
    assert edge < row[20] - 35
    assert edge < row[-20] - 35


def test_a_cartoon_does_not_flicker_when_the_footage_is_noisy() -> None:
    source = photograph()
    rng = np.random.default_rng(2)
    grader = Grader(get_look("cartoon"), SIZE, 1)
    noisy = [
        Planes(*(np.clip(np.rint(p + rng.normal(0, 1.5, p.shape)), 16, 240).astype(np.uint8) for p in source))
        for _ in range(2)
    ]
    before = np.abs(noisy[0].y.astype(int) - noisy[1].y).mean()
    drawn = [grader.apply(planes, index).y.astype(int) for index, planes in enumerate(noisy)]
    assert np.abs(drawn[0] - drawn[1]).mean() < before
    assert np.quantile(np.abs(drawn[0] - drawn[1]), 0.995) < 30
