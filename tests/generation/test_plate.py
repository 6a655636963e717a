"""Plates have exactly the frames, the rate, the size and the picture that were asked for."""

from __future__ import annotations

import hashlib
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generation.cut import covers, lengths, rate_method, sample, shot_frames
from generation.errors import BadMedia, NotAvailable
from generation.media.frames import Planes, VideoWriter, read_frames
from generation.plate import Plate, make_plate
from generation.spec import DELIVERY_FPS, Footage, Size

SIZE = Size(144, 256)
RATES = [Fraction(16), Fraction(24), Fraction(24000, 1001), Fraction(25), Fraction(30), DELIVERY_FPS, Fraction(60)]
rates = st.sampled_from(RATES)


def clip(path: Path, frames: int, fps: Fraction, size: Size = SIZE, first: int = 40, step: int = 2) -> Footage:
    """Grey frames that say their own number: luma is first + step * index."""
    with VideoWriter(path, size, fps, "intermediate") as writer:
        for index in range(frames):
            y = np.full((size.height_px, size.width_px), first + step * index, np.uint8)
            half = np.full((size.height_px // 2, size.width_px // 2), 128, np.uint8)
            writer.write(Planes(y, half, half))
    return Footage(path, size, frames, fps)


def plate(clips: list[Footage], folder: Path, frames: int, **more: object) -> Plate:
    wanted: dict[str, object] = {"size": SIZE, "fps": DELIVERY_FPS, "look": "clean", "seed": 1, **more}
    return make_plate(clips, folder / "plate.mp4", frames=frames, **wanted)  # type: ignore[arg-type]


def levels(path: Path) -> list[float]:
    """Mean luma of the middle of every frame."""
    return [float(planes.y[100:156, 50:94].mean()) for planes in read_frames(path)]


# Time -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fps", [Fraction(16), Fraction(24), Fraction(25), Fraction(30), DELIVERY_FPS])
def test_a_plate_has_exactly_its_frames_whatever_the_source_rate(fps: Fraction, tmp_path: Path) -> None:
    frames = 45
    source = clip(tmp_path / "a.mp4", int(np.ceil(frames / DELIVERY_FPS * fps)), fps)
    made = plate([source], tmp_path, frames)
    seen = levels(made.path)
    assert (len(seen), made.frames, made.fps, made.size) == (frames, frames, DELIVERY_FPS, SIZE)
    for index, level in enumerate(seen[:-2]):
        wanted = 40 + 2 * float(index * fps / DELIVERY_FPS)
        # Nearest may be a frame (2 levels) behind, a blend is exact but for the rounding of 8 bits and the encoder.
        assert abs(level - wanted) <= (2.1 if rate_method(fps, DELIVERY_FPS) == "nearest" else 0.8), index


def test_the_same_rate_passes_every_frame_once(tmp_path: Path) -> None:
    seen = levels(plate([clip(tmp_path / "a.mp4", 30, DELIVERY_FPS)], tmp_path, 30).path)
    assert np.allclose(seen, [40 + 2 * index for index in range(30)], atol=0.6)


def test_half_the_rate_repeats_and_never_blends(tmp_path: Path) -> None:
    seen = levels(plate([clip(tmp_path / "a.mp4", 10, DELIVERY_FPS / 2, step=8)], tmp_path, 20).path)
    assert np.allclose(seen, [40 + 8 * (index // 2) for index in range(20)], atol=0.8)


def test_too_little_footage_is_said_with_the_numbers(tmp_path: Path) -> None:
    source = clip(tmp_path / "a.mp4", 16, Fraction(16))
    with pytest.raises(BadMedia, match=r"too little footage: 40 frames are needed, 30 are there \(30\)"):
        plate([source], tmp_path, 40)
    assert not (tmp_path / "plate.mp4").exists()


def test_a_clip_shorter_than_it_says_is_an_error_and_leaves_no_file(tmp_path: Path) -> None:
    source = clip(tmp_path / "a.mp4", 10, DELIVERY_FPS)
    with pytest.raises(BadMedia, match=r"a.mp4: ended after 10 frames, 20 were promised"):
        plate([Footage(source.path, SIZE, 20, DELIVERY_FPS)], tmp_path, 20)
    assert not (tmp_path / "plate.mp4").exists()


def test_a_clip_of_another_size_than_it_says_is_an_error(tmp_path: Path) -> None:
    source = clip(tmp_path / "a.mp4", 5, DELIVERY_FPS)
    with pytest.raises(BadMedia, match="said to be 640x360, is 144x256"):
        plate([Footage(source.path, Size(640, 360), 5, DELIVERY_FPS)], tmp_path, 5)


@settings(deadline=None)
@given(st.integers(1, 600), rates, rates)
def test_a_source_frame_is_never_shown_longer_than_it_lasts(count: int, source_fps: Fraction, fps: Fraction) -> None:
    for index in {0, covers(count, source_fps, fps) // 2, covers(count, source_fps, fps) - 1}:
        one = sample(index, count, source_fps, fps)
        assert 0 <= one.first < count
        assert 0 <= one.weight < 256
        assert one.first + (one.weight > 0) < count
        assert index / fps - one.first / source_fps < 1 / source_fps


@settings(deadline=None)
@given(st.integers(1, 400), st.lists(st.integers(1, 9), min_size=1, max_size=5), st.sampled_from(["cut", "dissolve"]))
def test_footage_as_planned_is_enough_and_all_of_it_is_used(frames: int, shares: list[int], transition: str) -> None:
    frames += 40 * len(shares)
    wanted = shot_frames(frames, [Fraction(share, sum(shares)) for share in shares], transition)
    if min(wanted) <= 16:
        return
    assert lengths(wanted, frames, transition) == wanted


@settings(deadline=None)
@given(st.lists(st.integers(30, 300), min_size=1, max_size=5), st.data())
def test_a_surplus_is_given_up_in_proportion(available: list[int], data: st.DataObject) -> None:
    frames = data.draw(st.integers(len(available) * 25, sum(available)))
    if frames * 20 < sum(available):
        return
    parts = lengths(available, frames)
    assert sum(parts) == frames
    for part, there in zip(parts, available, strict=True):
        assert part <= there
        assert abs(part - there * frames / sum(available)) < 1


# Joins ----------------------------------------------------------------------------------------------------------------


def test_a_cut_changes_the_shot_between_two_frames(tmp_path: Path) -> None:
    clips = [clip(tmp_path / f"{first}.mp4", 20, DELIVERY_FPS, first=first, step=0) for first in (60, 180)]
    seen = levels(plate(clips, tmp_path, 40).path)
    assert np.allclose(seen, [60] * 20 + [180] * 20, atol=1.5)


def test_a_dissolve_mixes_eight_frames_evenly_and_keeps_the_count(tmp_path: Path) -> None:
    clips = [
        clip(tmp_path / "a.mp4", 20, Fraction(24), first=60, step=0),
        clip(tmp_path / "b.mp4", 25, DELIVERY_FPS, first=186, step=0),
    ]
    made = plate(clips, tmp_path, 42, transition="dissolve")
    seen = levels(made.path)
    assert len(seen) == 42
    mixed = [level for level in seen if 62 < level < 184]
    assert np.allclose(mixed, [60 + 126 * (step + 1) / 9 for step in range(8)], atol=2)


def test_every_join_can_have_a_transition_of_its_own(tmp_path: Path) -> None:
    bright = [(50, "a"), (100, "b"), (200, "c")]
    clips = [clip(tmp_path / f"{name}.mp4", 14, DELIVERY_FPS, first=first, step=0) for first, name in bright]
    seen = levels(plate(clips, tmp_path, 34, transition=("cut", "dissolve")).path)
    assert len(seen) == 34
    assert [round(level) for level in seen[:14]] == [50] * 14
    assert all(abs(level - 100) <= 1 for level in seen[14:20]), "cut to, not dissolved to"
    assert all(101 < level < 199 for level in seen[20:28]), "dissolved to"
    assert all(abs(level - 200) <= 1 for level in seen[28:])


def test_there_is_one_transition_for_each_join_or_one_for_all(tmp_path: Path) -> None:
    clips = [clip(tmp_path / f"{name}.mp4", 14, DELIVERY_FPS) for name in "ab"]
    with pytest.raises(ValueError, match="2 shots have 1 joins, and 2 transitions were given"):
        plate(clips, tmp_path, 20, transition=("cut", "cut"))


def test_a_dissolve_without_footage_for_it_is_refused(tmp_path: Path) -> None:
    clips = [clip(tmp_path / f"{name}.mp4", 20, DELIVERY_FPS) for name in "ab"]
    with pytest.raises(BadMedia, match=r"48 frames are needed \(8 of them shared by neighbours\), 40 are there"):
        plate(clips, tmp_path, 40, transition="dissolve")
    with pytest.raises(BadMedia, match="shot 1 is 4 frames long; with its dissolves it needs at least 9"):
        lengths((4, 60), 56, "dissolve")


def test_an_unknown_transition_or_look_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    source = clip(tmp_path / "a.mp4", 5, DELIVERY_FPS)
    with pytest.raises(ValueError, match="no transition 'wipe'"):
        plate([source], tmp_path, 5, transition="wipe")
    with pytest.raises(NotAvailable, match="Did you mean 'noir'"):
        plate([source], tmp_path, 5, look="noire")
    assert not (tmp_path / "plate.mp4").exists()


# Pictures -------------------------------------------------------------------------------------------------------------


def test_a_wide_clip_in_a_tall_plate_is_surrounded_by_its_own_blur_and_flagged(tmp_path: Path) -> None:
    source = clip(tmp_path / "a.mp4", 6, DELIVERY_FPS, Size(320, 180), first=180, step=0)
    made = plate([source], tmp_path, 6)
    picture = next(read_frames(made.path)).y.astype(float)
    assert picture[128].mean() == pytest.approx(180, abs=2)
    assert 70 < picture[4].mean() < 150, "neither black nor as bright as the picture"
    assert made.notes["blur_padded"] == [1]
    (shot,) = made.notes["shots"]  # type: ignore[misc]
    assert (shot["reframe"], shot["source"]) == ("pad", "320x180")
    assert shot["lost"] <= 0.45


def test_a_square_stays_square_and_in_its_place(tmp_path: Path) -> None:
    size, path = Size(480, 832), tmp_path / "a.mp4"
    y, half = np.full((832, 480), 50, np.uint8), np.full((416, 240), 128, np.uint8)
    y[366:466, 190:290] = 200
    with VideoWriter(path, size, DELIVERY_FPS) as writer:
        writer.write(Planes(y, half, half))
    made = plate([Footage(path, size, 1, DELIVERY_FPS)], tmp_path, 1, size=Size(432, 768))
    bright = next(read_frames(made.path)).y > 125
    across, down = bright.any(axis=0).nonzero()[0], bright.any(axis=1).nonzero()[0]
    assert abs(len(across) - len(down)) <= 1
    assert abs(across.mean() - 215.5) <= 1
    assert abs(down.mean() - 383.5) <= 1


def test_the_same_shots_give_the_same_bytes(tmp_path: Path) -> None:
    clips = [clip(tmp_path / "a.mp4", 20, Fraction(24)), clip(tmp_path / "b.mp4", 12, Fraction(16), Size(320, 180))]
    digests = set()
    for seed in (5, 5, 6):
        made = plate(clips, tmp_path, 40, look="vintage", seed=seed)
        digests.add(hashlib.sha256(made.path.read_bytes()).hexdigest())
    assert len(digests) == 2
