"""Spotmill's own mark outlives what happens to a film, and is not found where there is none."""

from __future__ import annotations

import hashlib
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from benchmarks.trust_attacks import ATTACKS, attack
from benchmarks.trust_footage import KINDS, footage
from generation.marks.invisible import get_mark
from generation.marks.invisible.code import CHECK_BITS, LENGTH, decode, encode
from generation.marks.invisible.pattern import plane, soft_signs, spectrum, waves_of
from generation.marks.invisible.residue import Residue
from generation.marks.invisible.search import CELLS, FINER, Finder, Geometry
from generation.marks.invisible.spread import THRESHOLD, TRIES, _stages
from generation.marks.invisible.writer import SpreadWriter
from generation.media.frames import Planes, VideoWriter, read_frames
from generation.media.luma import luma_frames
from generation.spec import DELIVERY_FPS, Size

SIZE, FRAMES = Size(540, 960), 75
PAYLOAD = bytes.fromhex("0123456789ab")
MARK = get_mark("spread")
#: A part of them, for the quick suite; the whole table is marked slow.
QUICK = ("half size, crf 28", "10 % cropped, back to size", "15 fps", "mirrored", "pillar-box", "rotated 2°")


#: What benchmarks/trust.md shows as lost: nothing else may be.
LOST = {
    "product": {"3 s cut out", "half + 10 % cropped + 24 fps"},
    "animatic": {"half + 10 % cropped + 24 fps"},
}


def write(path: Path, kind: str, size: Size, frames: int, *, marked: bool, fps: Fraction = DELIVERY_FPS) -> Path:
    writer = MARK.writer(size, fps, PAYLOAD)
    with VideoWriter(path, size, fps, "final") as video:
        for planes in footage(kind, size, frames, path.parent):
            if marked:
                writer.apply(planes)
            video.write(planes)
    return path


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("marked") / "a.mp4", "testsrc2", SIZE, FRAMES, marked=True)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("plain") / "a.mp4", "testsrc2", SIZE, FRAMES, marked=False)


@pytest.mark.parametrize("name", QUICK)
def test_the_mark_outlives(name: str, marked: Path, tmp_path: Path) -> None:
    reading = MARK.read(attack(name, marked, tmp_path), effort="full", deadline_seconds=60)
    assert reading.payload == PAYLOAD, reading
    assert reading.score >= reading.threshold
    told = {"mirrored": "mirrored", "pillar-box": "bars", "rotated 2°": "rotated"}.get(name, "")
    assert told in reading.change


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("kind", KINDS)
def test_the_mark_outlives_all_but_what_is_known_to_be_lost(kind: str, tmp_path: Path) -> None:
    film = write(tmp_path / "film.mp4", kind, Size(720, 1280), 150, marked=True)
    lost = {
        name
        for name in ATTACKS
        if MARK.read(attack(name, film, tmp_path), effort="full", deadline_seconds=120).payload != PAYLOAD
    }
    assert lost <= LOST.get(kind, set())


def test_a_mark_is_told_apart_from_none_by_far(marked: Path, plain: Path) -> None:
    """Scores of an unmarked film at the true place stay where chance leaves them: a deviation of 1."""
    scores = []
    for number in range(300):
        waves = waves_of(hashlib.sha256(number.to_bytes(2, "big")).digest())
        if not number:
            residue = Residue(list(_copied(plain)))
            picture = residue.turned_at(0)
        finder = Finder(picture, residue.film_size, waves)
        scores.append(finder.look(Geometry(), place=(0.0, 0.0)).score)
    assert abs(float(np.mean(scores))) < 0.25
    assert 0.8 < float(np.std(scores)) < 1.2
    assert MARK.read(marked, effort="quick", deadline_seconds=30).score > max(scores) + 2


def _copied(path: Path) -> list[tuple[float, np.ndarray]]:
    return [(seconds, luma.copy()) for seconds, luma in luma_frames(path)]


@pytest.mark.slow
def test_an_unmarked_film_is_not_read_with_full_effort(plain: Path) -> None:
    reading = MARK.read(plain, effort="full", deadline_seconds=120)
    assert reading.payload is None
    assert 3 < reading.score < THRESHOLD + 0.5
    assert reading.change == ""


def test_the_bound_of_false_alarms_covers_all_that_is_tried() -> None:
    geometries = settled = 0
    for moments, pairs, turns, count in _stages():
        # Plain and mirrored, inside bars and as a whole.
        geometries += len(moments) * 4 * len(pairs) * len(turns)
        settled += len(moments) * 2 * count
    # A settling looks at 1 + 3 x 4 x 6 geometries, at all cells and around the best.
    places = geometries * CELLS**2 + settled * 73 * (CELLS**2 + FINER**2)
    assert places <= TRIES
    assert TRIES * math.exp(-(THRESHOLD**2) / 2) * 2.0**-CHECK_BITS <= MARK.false_positive_bound


@pytest.mark.parametrize("fps", [Fraction(24), Fraction(25), Fraction(30)])
def test_films_of_other_rates_are_read(fps: Fraction, tmp_path: Path) -> None:
    film = write(tmp_path / "a.mp4", "flat", Size(360, 640), int(fps * 5 / 2), marked=True, fps=fps)
    assert MARK.read(film, effort="quick", deadline_seconds=30).payload == PAYLOAD


@pytest.mark.parametrize("size", [Size(640, 360), Size(432, 540), Size(482, 482)], ids=str)
def test_every_shape_is_read(size: Size, tmp_path: Path) -> None:
    film = write(tmp_path / "a.mp4", "flat", size, 20, marked=True)
    assert MARK.read(film, effort="quick", deadline_seconds=30).payload == PAYLOAD


def test_calm_places_change_by_at_most_two_levels() -> None:
    writer = SpreadWriter(SIZE, DELIVERY_FPS, PAYLOAD, b"", 1.0)
    planes = Planes(*(np.full((960 // by, 540 // by), 120, np.uint8) for by in (1, 2, 2)))
    writer.apply(planes)
    changed = planes.y.astype(int) - 120
    assert 0 < np.abs(changed).max() <= 2
    assert float(np.mean(changed != 0)) < 0.1
    assert (planes.u == 120).all()
    assert (planes.v == 120).all()


def test_what_moves_is_marked_at_the_head_of_a_group_only() -> None:
    writer = SpreadWriter(SIZE, DELIVERY_FPS, PAYLOAD, b"", 1.0)
    random = np.random.default_rng(1)
    changed = []
    texture = random.integers(60, 200, (480, 540))
    for index in range(61):
        clean = np.full((960, 540), 120, np.uint8)
        clean[:480] = np.roll(texture, 7 * index, axis=1)
        half = np.full((480, 270), 128, np.uint8)
        planes = Planes(clean.copy(), half, half.copy())
        writer.apply(planes)
        difference = planes.y.astype(int) - clean
        changed.append((np.abs(difference[:440]).max(), np.abs(difference[520:]).max(), difference[520:].copy()))
    assert changed[0][0]
    assert changed[0][1]
    assert not changed[30][0]
    assert changed[30][1]
    assert (changed[60][2] == -changed[0][2]).mean() > 0.99


def test_levels_never_wrap_around() -> None:
    for level in (0, 255):
        writer = SpreadWriter(SIZE, DELIVERY_FPS, PAYLOAD, b"", 4.0)
        planes = Planes(*(np.full((960 // by, 540 // by), level, np.uint8) for by in (1, 2, 2)))
        writer.apply(planes)
        assert np.abs(planes.y.astype(int) - level).max() < 32


def test_a_frame_of_another_size_is_refused() -> None:
    writer = SpreadWriter(Size(64, 64), DELIVERY_FPS, PAYLOAD, b"", 1.0)
    with pytest.raises(ValueError, match="32"):
        writer.apply(Planes(*(np.zeros((32, 32), np.uint8) for _ in range(3))))


def test_a_pattern_is_the_keys_own_and_evenly_loud() -> None:
    one, same, other = (plane(PAYLOAD, key, 360, 640) for key in (b"", b"", b"k"))
    assert np.array_equal(one, same)
    assert float(one.std()) == pytest.approx(1, abs=0.02)
    assert abs(float(np.mean(one * other))) < 0.1


def test_waves_carry_all_signs() -> None:
    waves = waves_of(b"")
    assert set(waves.carried.tolist()) == set(range(LENGTH))
    soft = soft_signs(waves, spectrum(PAYLOAD, b""))
    assert np.array_equal(np.sign(soft), encode(PAYLOAD))


@pytest.mark.parametrize("payload", [bytes(6), b"\xff" * 6, PAYLOAD], ids=["zeros", "ones", "any"])
def test_a_payload_is_corrected_from_noisy_signs(payload: bytes) -> None:
    signs = encode(payload).astype(np.float32)
    random = np.random.default_rng(5)
    for _ in range(20):
        assert decode(signs + random.normal(0, 0.9, LENGTH).astype(np.float32)) == (payload, True)


def test_noise_alone_fails_its_check() -> None:
    random = np.random.default_rng(6)
    assert not any(decode(random.normal(0, 1, LENGTH).astype(np.float32))[1] for _ in range(200))


def test_the_file_holds_what_was_drawn(marked: Path, plain: Path) -> None:
    """Re-opened, the first frames of both films differ by the pattern."""
    frames = (next(iter(read_frames(path))).y.astype(np.float32) for path in (marked, plain))
    difference = next(frames) - next(frames)
    pattern = plane(PAYLOAD, b"", SIZE.width_px, SIZE.height_px)
    assert float(np.corrcoef(difference.ravel(), pattern.ravel())[0, 1]) > 0.3
