"""Conformed footage has exactly the frames, the rate and the moments that were asked for, and no ghosts."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from generation.conform.conform import Between, _at_rate, conform, frames_needed
from generation.conform.settings import ConformSettings
from generation.conform.survey import survey
from generation.errors import BadMedia, BadShot, NotAvailable, OutOfMemory
from generation.media.frames import Planes
from generation.media.probe import probe
from generation.spec import DELIVERY_FPS, Footage
from tests.generation.moving import SIZE, disc, film, lit, lumas, pan, picture, psnr

torch = pytest.importorskip("torch")

FPS = Fraction(16)
CPU = ConformSettings(device="cpu")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    assert torch.get_num_threads() == 1, "conform changed the process's threads"
    torch.set_num_threads(threads)


def conformed(source: Footage, folder: Path, frames: int, settings: ConformSettings = CPU) -> Footage:
    return conform(source, folder / "out.mp4", fps=DELIVERY_FPS, frames=frames, settings=settings)


# Time -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fps", [Fraction(15), Fraction(16), Fraction(24), Fraction(25), Fraction(30), Fraction(60)])
def test_a_film_has_exactly_the_frames_and_the_rate_asked_for(fps: Fraction, tmp_path: Path) -> None:
    source = film(tmp_path / "a.mp4", pan, fps, frames_needed(20, fps, DELIVERY_FPS))
    made = conformed(source, tmp_path, 20, ConformSettings(interpolation="blend"))
    seen = probe(made.path)
    assert seen.video is not None
    assert (seen.video.frames, seen.video.fps) == (20, DELIVERY_FPS)
    assert (made.frames, made.fps, made.size) == (20, DELIVERY_FPS, SIZE)


def test_a_moment_that_the_source_has_is_that_frame_untouched(tmp_path: Path) -> None:
    source = film(tmp_path / "a.mp4", pan, FPS, 9)
    given = [picture(pan, index / 16) for index in range(9)]
    asked: list[float] = []

    def between(first: Planes, second: Planes) -> Between:
        return lambda t: asked.append(t) or first  # type: ignore[return-value, func-returns-value]

    made = list(_at_rate(iter(given), survey(source.path), FPS, Fraction(24), 13, between))  # type: ignore[arg-type]
    assert [made[index] is given[index * 2 // 3] for index in (0, 3, 6, 9, 12)] == [True] * 5
    assert asked == pytest.approx([2 / 3, 1 / 3] * 4)


def test_the_same_rate_passes_the_file_through(tmp_path: Path) -> None:
    source = film(tmp_path / "a.mp4", pan, DELIVERY_FPS, 12)
    assert conformed(source, tmp_path, 12).path.read_bytes() == source.path.read_bytes()
    fewer = lumas(conformed(source, tmp_path, 5).path)
    assert [psnr(*pair) > 40 for pair in zip(fewer, lumas(source.path), strict=False)] == [True] * 5


def test_rates_that_the_eye_cannot_tell_apart_are_not_softened(tmp_path: Path) -> None:
    made = conformed(film(tmp_path / "a.mp4", pan, Fraction(30), 12), tmp_path, 11)
    assert "nearest" in str(made.notes["conform"]["interpolation"])  # type: ignore[index]
    assert all(psnr(*pair) > 40 for pair in zip(lumas(made.path), lumas(tmp_path / "a.mp4"), strict=False))


def test_too_little_footage_is_said_and_never_a_frozen_tail(tmp_path: Path) -> None:
    source = film(tmp_path / "a.mp4", pan, FPS, 17)
    with pytest.raises(BadMedia, match=r"32 frames at 30000/1001 need 18 at 16, 17 are there"):
        conformed(source, tmp_path, 32)
    assert not (tmp_path / "out.mp4").exists()
    last = lumas(conformed(source, tmp_path, 30).path)
    assert psnr(last[-1], last[-2]) < 30


@pytest.mark.parametrize("claim", [{"frames": 12}, {"size": replace(SIZE, width_px=210)}])
def test_a_clip_that_is_not_what_it_says_is_an_error_and_leaves_no_file(
    claim: dict[str, object], tmp_path: Path
) -> None:
    source = film(tmp_path / "a.mp4", pan, FPS, 9)
    with pytest.raises(BadMedia, match=r"a.mp4: said to be .* is 9 of 208x120"):
        conformed(replace(source, **claim), tmp_path, 10)  # type: ignore[arg-type]
    assert not (tmp_path / "out.mp4").exists()


# Motion ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("scene", "gain_db"), [(pan, 6.0), (disc, 3.0)])
def test_following_motion_is_nearer_to_the_truth_than_mixing(scene: object, gain_db: float, tmp_path: Path) -> None:
    source = film(tmp_path / "a.mp4", scene, FPS, 13)  # type: ignore[arg-type]
    truth = [picture(scene, float(index / DELIVERY_FPS)).y for index in range(22)]  # type: ignore[arg-type]
    figures = {}
    for method in ("motion", "blend"):
        made = lumas(conformed(source, tmp_path, 22, ConformSettings(method, device="cpu")).path)
        figures[method] = np.mean([psnr(*pair) for pair in zip(made, truth, strict=True)])
    assert figures["motion"] > figures["blend"] + gain_db, figures


def test_colour_moves_with_the_picture() -> None:
    from generation.conform.motion import Between as Motion

    def coloured(time: float) -> Planes:
        planes = picture(pan, time)
        return planes._replace(v=np.ascontiguousarray(planes.y[::2, ::2]))

    made = Motion(coloured(0), coloured(1 / 8), "cpu").at(0.5)
    assert psnr(made.v, coloured(1 / 16).v) > psnr(made.v, coloured(0).v) + 6


def test_across_a_cut_every_frame_is_one_picture_or_the_other(tmp_path: Path) -> None:
    source = film(tmp_path / "a.mp4", lambda time: pan(time) if time < 0.5 else pan(time, seed=2), FPS, 17)
    assert survey(source.path).cuts == {8}
    given = lumas(source.path)
    for index, frame in enumerate(lumas(conformed(source, tmp_path, 30).path)):
        position = float(index * FPS / DELIVERY_FPS)
        if 7 < position < 8:
            assert psnr(frame, given[7 if position <= 7.5 else 8]) > 38, index


def test_where_nothing_can_be_followed_the_nearer_frame_stands() -> None:
    from generation.conform.motion import Between as Motion

    first, second = picture(lambda _: pan(0, seed=3), 0), picture(lambda _: pan(0, seed=4), 0)
    ghost = np.rint(0.7 * first.y + 0.3 * second.y).astype(np.uint8)
    made = Motion(first, second, "cpu").at(0.3).y
    assert psnr(made, first.y) > psnr(ghost, first.y) + 1
    # A ghost loses contrast; a picture has its own.
    assert made.std() > 0.9 * first.y.std() > ghost.std() * 1.05


def test_motion_is_followed_while_the_light_changes() -> None:
    from generation.conform.motion import Between as Motion

    def dimming(time: float) -> Planes:
        return picture(lit(pan, lambda at: 1 - 3 * at), time)

    first, truth, second = (dimming(time) for time in (0, 1 / 32, 1 / 16))
    mixed = np.rint((first.y.astype(float) + second.y) / 2).astype(np.uint8)
    made = Motion(first, second, "cpu").at(0.5).y
    assert abs(float(made.mean()) - float(truth.y.mean())) < 1
    assert psnr(made, truth.y) > psnr(mixed, truth.y) + 4


@pytest.mark.parametrize("size", [(16, 16), (18, 34), (46, 20)])
def test_small_and_odd_sizes_are_conformed_too(size: tuple[int, int]) -> None:
    from generation.conform.motion import Between as Motion

    width, height = size
    y, half = np.full((height, width), 90, np.uint8), np.full((height // 2, width // 2), 120, np.uint8)
    made = Motion(Planes(y, half, half), Planes(y, half, half), "cpu").at(0.4)
    assert [plane.tolist() for plane in made] == [plane.tolist() for plane in (y, half, half)]


def test_the_same_footage_gives_the_same_bytes(tmp_path: Path) -> None:
    source = film(tmp_path / "a.mp4", disc, FPS, 9)
    settings = ConformSettings(deflicker=1, device="cpu")
    seen = {hashlib.sha256(conformed(source, tmp_path, 15, settings).path.read_bytes()).hexdigest() for _ in range(2)}
    assert len(seen) == 1


# Notes, settings, libraries -------------------------------------------------------------------------------------------


def test_the_notes_say_what_was_done_and_keep_the_engines_own(tmp_path: Path) -> None:
    source = replace(film(tmp_path / "a.mp4", pan, FPS, 9), sound=tmp_path / "a.wav")
    made = conformed(source, tmp_path, 15)
    notes = json.loads(json.dumps(made.notes))
    assert notes["drawn"] == ["texture"]
    assert made.sound == source.sound
    assert notes["conform"]["interpolation"]["method"] == "motion"
    assert notes["conform"]["interpolation"]["device"] == "cpu"
    assert notes["conform"]["upscale"] == "none: the plate's resampler"
    assert {"flicker", "flicker_local", "frozen_share", "frozen_longest_seconds"} == set(notes["conform"]["after"])


@pytest.mark.parametrize(
    ("values", "error", "sentence"),
    [
        ({"deflicker": 1.5}, BadShot, "deflicker 1.5 is outside 0..1"),
        ({"interpolation": "motoin"}, BadShot, "no interpolation 'motoin'; did you mean 'motion'"),
        ({"interpolation": "rife.pkl"}, BadShot, "or the path of an .onnx file"),
        ({"upscale": "/nowhere/large.onnx"}, NotAvailable, "large.onnx is not there; .* choose 'none'"),
        ({"device": "gpu"}, BadShot, "no device 'gpu'; there are auto, cpu, cuda"),
    ],
)
def test_settings_that_do_not_exist_are_refused_with_the_way_out(
    values: dict[str, object], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        ConformSettings(**values)  # type: ignore[arg-type]


def test_without_torch_the_way_out_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "generation.conform.motion", None)
    source = film(tmp_path / "a.mp4", pan, FPS, 9)
    with pytest.raises(NotAvailable, match=r"needs torch, .* or choose 'blend' or 'nearest'"):
        conformed(source, tmp_path, 15)
    assert conformed(source, tmp_path, 15, ConformSettings("nearest")).frames == 15


def test_a_gpu_without_room_is_out_of_memory_with_the_size(monkeypatch: pytest.MonkeyPatch) -> None:
    from generation.conform import motion

    def full(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    planes = picture(pan, 0)
    between = motion.follow(planes, planes, "cpu")
    monkeypatch.setattr(torch, "zeros", full)
    with pytest.raises(OutOfMemory, match="no room to follow motion at 208x120; device cpu"):
        between(0.5)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there_is_said(tmp_path: Path) -> None:
    source = film(tmp_path / "a.mp4", pan, FPS, 9)
    with pytest.raises(NotAvailable, match="torch sees no GPU; choose cpu or auto"):
        conformed(source, tmp_path, 15, ConformSettings(device="cuda"))
    assert conformed(source, tmp_path, 15, ConformSettings()).frames == 15


def test_torch_and_onnxruntime_load_only_where_they_are_used() -> None:
    code = "import sys, generation.conform.conform; print({'torch', 'onnxruntime'} & set(sys.modules))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout.strip() == "set()"
