"""Pumping light is measured and taken out; fades, flashes, cuts and whoever walks in are left as they are."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from generation.conform.conform import conform
from generation.conform.exposure import pumping
from generation.conform.measures import Measures, measure
from generation.conform.settings import ConformSettings
from generation.conform.survey import survey
from generation.errors import BadMedia
from generation.media.frames import read_frames
from generation.media.scan import scan
from generation.spec import Footage
from tests.generation.moving import Scene, disc, film, lit, lumas, pan, psnr

FPS = Fraction(16)
Light = Callable[[float], float]


def steadied(source: Footage, folder: Path, deflicker: float = 1.0) -> Footage:
    """At its own rate, so that only the light may change."""
    settings = ConformSettings(deflicker=deflicker, device="cpu")
    return conform(source, folder / "out.mp4", fps=source.fps, frames=source.frames, settings=settings)


def steady(_: float) -> float:
    return 1.0


def four_hertz(time: float) -> float:
    return 1 + 0.04 * float(np.sin(2 * np.pi * 4 * time + 0.4))


def groups_of_four(time: float) -> float:
    """As a decoder that makes four frames at a time: each group brightens and falls back."""
    return 1 + 0.03 * (round(time * 16) % 4 - 1.5)


def fade_in(time: float) -> float:
    return min(1.0, time / 0.75)


def soft_fade_out(time: float) -> float:
    part = min(1.0, max(0.0, (time - 1) / 0.8))
    return 1 - part * part * (3 - 2 * part)


def flash(time: float) -> float:
    return 1.5 if 1 <= time < 1.13 else 1.0


@pytest.mark.parametrize("light", [four_hertz, groups_of_four])
@pytest.mark.parametrize("scene", [pan, disc])
def test_pumping_is_taken_out_and_the_picture_comes_nearer_to_the_true_one(
    scene: Scene, light: Light, tmp_path: Path
) -> None:
    source = film(tmp_path / "a.mp4", lit(scene, light), FPS, 40)
    truth = lumas(film(tmp_path / "truth.mp4", scene, FPS, 40).path)
    before, made = measure(source.path, FPS), steadied(source, tmp_path)
    assert before.flicker > 1.5
    assert measure(made.path, FPS).flicker < 0.3 * before.flicker
    gained = [
        psnr(after, true) - psnr(given, true)
        for after, given, true in zip(lumas(made.path), lumas(source.path), truth, strict=True)
    ]
    assert np.mean(gained) > 1.5
    assert made.notes["conform"]["before"]["flicker"] == round(before.flicker, 3)  # type: ignore[index]


def test_half_the_strength_leaves_half_of_the_pumping(tmp_path: Path) -> None:
    source = film(tmp_path / "a.mp4", lit(pan, four_hertz), FPS, 40)
    left = measure(steadied(source, tmp_path, 0.5).path, FPS).flicker / measure(source.path, FPS).flicker
    assert 0.4 < left < 0.65


@pytest.mark.parametrize("light", [steady, fade_in, soft_fade_out, flash])
def test_a_steady_film_a_fade_and_a_flash_are_not_touched(light: Light, tmp_path: Path) -> None:
    source = film(tmp_path / "a.mp4", lit(pan, light), FPS, 40)
    made = steadied(source, tmp_path)
    assert made.path.read_bytes() == source.path.read_bytes()
    assert made.notes["conform"]["deflicker"] == 0.0  # type: ignore[index]


def test_pumping_goes_and_the_fade_under_it_stays(tmp_path: Path) -> None:
    source = film(tmp_path / "a.mp4", lit(pan, lambda time: fade_in(time) * groups_of_four(time)), FPS, 48)
    truth = [float(luma.mean()) for luma in lumas(film(tmp_path / "t.mp4", lit(pan, fade_in), FPS, 48).path)]
    made = [float(luma.mean()) for luma in lumas(steadied(source, tmp_path).path)]
    given = [float(luma.mean()) for luma in lumas(source.path)]
    # In the fade nothing is flattened: it rises as it did. Behind it the light is steady.
    assert np.abs(np.subtract(made, given))[:9].max() < 1.0
    late = slice(24, 48)
    assert np.abs(np.subtract(made, truth))[late].mean() < 0.35 * np.abs(np.subtract(given, truth))[late].mean()


def test_light_is_not_carried_across_a_cut(tmp_path: Path) -> None:
    def scene(time: float) -> np.ndarray:
        return lit(pan, four_hertz)(time) if time < 1.25 else lit(lambda at: pan(at, seed=2), lambda _: 0.5)(time)

    source = film(tmp_path / "a.mp4", scene, FPS, 40)
    assert survey(source.path).cuts == {20}
    found = pumping(survey(source.path), 16.0)
    assert max(abs(factor - 1) for factor in found.factors[20:]) < 0.005
    assert max(abs(factor - 1) for factor in found.factors[:20]) > 0.02


def test_someone_bright_who_walks_in_is_not_flicker(tmp_path: Path) -> None:
    def scene(time: float) -> np.ndarray:
        picture = pan(time, 10).copy()
        picture[20:110, : int(max(0, time - 0.5) * 200)] = 220
        return picture

    source = film(tmp_path / "a.mp4", lambda time: scene(min(time, 0.9)), FPS, 32)
    assert np.ptp([luma.mean() for luma in lumas(source.path)]) > 20
    assert measure(source.path, FPS).flicker < 0.3


def test_colour_that_pumps_is_put_right_too(tmp_path: Path) -> None:
    source = film(tmp_path / "a.mp4", lit(pan, four_hertz), FPS, 40, blue=lambda index: 3.0 * (-1) ** index)
    paths = (source.path, steadied(source, tmp_path).path)
    blues = [[float(planes.u.mean()) for planes in read_frames(path)] for path in paths]
    assert np.std(blues[0]) > 2.5
    assert np.std(blues[1]) < 0.5
    assert abs(np.mean(blues[1]) - np.mean(blues[0])) < 0.5


def test_flicker_is_the_size_of_the_pumping_in_levels(tmp_path: Path) -> None:
    source = film(tmp_path / "a.mp4", lit(pan, four_hertz), FPS, 64)
    mean = float(np.mean([luma.mean() for luma in lumas(source.path)])) - 16
    assert measure(source.path, FPS).flicker == pytest.approx(0.04 * mean / np.sqrt(2), rel=0.2)


def test_texture_that_boils_is_local_flicker_and_no_pumping(tmp_path: Path) -> None:
    def boiling(time: float) -> np.ndarray:
        random = np.random.default_rng(round(time * 16))
        return pan(time) + 8 * random.standard_normal((120, 208)).astype(np.float32)

    calm, wild = (measure(film(tmp_path / "a.mp4", scene, FPS, 24).path, FPS) for scene in (pan, boiling))
    assert wild.flicker_local > calm.flicker_local + 4
    assert wild.flicker < 0.2


def test_frozen_is_what_the_delivery_check_calls_frozen(tmp_path: Path) -> None:
    source = film(tmp_path / "a.mp4", lambda time: pan(min(time, 1.0)), FPS, 40)
    seen = measure(source.path, FPS)
    assert seen.frozen_share == pytest.approx(24 / 40)
    assert seen.frozen_longest_seconds == 1.5
    (stretch,) = scan(source.path, sound=False, seconds=2.5, deadline_seconds=30).frozen
    assert stretch.seconds == pytest.approx(seen.frozen_longest_seconds, abs=0.07)


def test_a_moving_film_is_not_frozen_and_a_short_hold_is_no_stretch(tmp_path: Path) -> None:
    moving = film(tmp_path / "a.mp4", pan, FPS, 24)
    held = film(tmp_path / "b.mp4", lambda time: pan(time if time < 0.5 else max(0.5, time - 0.3)), FPS, 24)
    for source in (moving, held):
        assert measure(source.path, FPS).frozen_share == 0.0


def test_one_frame_is_measured_without_a_fuss(tmp_path: Path) -> None:
    assert measure(film(tmp_path / "a.mp4", pan, FPS, 1).path, FPS) == Measures(0.0, 0.0, 0.0, 0.0)


def test_a_damaged_clip_is_said_and_not_measured(tmp_path: Path) -> None:
    whole = film(tmp_path / "a.mp4", pan, FPS, 24).path
    (tmp_path / "b.mp4").write_bytes(whole.read_bytes()[:-2000])
    with pytest.raises(BadMedia, match=r"b\.mp4"):
        measure(tmp_path / "b.mp4", FPS)


def test_the_course_of_a_line_is_the_line() -> None:
    from generation.conform.exposure import smooth

    line = np.concatenate([np.zeros(10), np.linspace(0, 100, 20), np.full(20, 100.0)])
    assert np.abs(smooth(line, 16.0) - line)[14:26].max() < 1e-3
    assert all(later >= earlier - 0.01 for earlier, later in pairwise(smooth(line, 16.0)[10:30]))
