"""Frames written and read back. `make_film` and `make_tone` also serve the neighbouring media tests."""

from __future__ import annotations

import math
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from av.video.frame import PictureType

from generation.errors import BadMedia, ToolFailed
from generation.media.frames import TIERS, Plane, Planes, Tier, VideoWriter, new_frame, read_frames
from generation.media.probe import probe
from generation.spec import DELIVERY_FPS, Size

SMALL = Size(144, 256)


@lru_cache(maxsize=4)
def soft_texture(size: Size) -> Plane:
    rng = np.random.default_rng(7)
    noise = rng.integers(30, 220, (size.height_px * 2, size.width_px), dtype=np.uint8)
    soft = cv2.GaussianBlur(noise, (0, 0), 3)
    return np.asarray(cv2.normalize(soft, None, 30, 220, cv2.NORM_MINMAX), np.uint8)


def moving_picture(size: Size, index: int, still: range = range(0), black: range = range(0)) -> Planes:
    """A soft texture that drifts; the frames of `still` all show its first, those of `black` nothing."""
    texture = soft_texture(size)
    chroma = np.full((size.height_px // 2, size.width_px // 2), 128, np.uint8)
    if index in black:
        return Planes(np.full((size.height_px, size.width_px), 16, np.uint8), chroma, chroma)
    shift = still.start if index in still else index
    y = np.roll(texture, 2 * shift, 0)[: size.height_px]
    return Planes(np.ascontiguousarray(y), chroma + np.uint8(20), chroma - np.uint8(20))


def make_film(
    path: Path,
    frames: int = 60,
    size: Size = SMALL,
    fps: Fraction = DELIVERY_FPS,
    tier: str = "final",
    still: range = range(0),
    black: range = range(0),
) -> Path:
    with VideoWriter(path, size, fps, tier) as writer:
        for index in range(frames):
            writer.write(moving_picture(size, index, still, black))
    return path


def make_tone(path: Path, seconds: float, lufs: float = -14.0, codec: str = "aac") -> Path:
    """A 997 Hz tone in both channels: K-weighting leaves it as it is, so its LUFS are its level in dBFS."""
    moments = np.arange(round(seconds * 48_000)) / 48_000
    # Faded over 20 ms: a hard edge makes AAC overshoot the true peak by more than a decibel.
    fade = np.clip(np.minimum(moments, seconds - moments) / 0.02, 0, 1)
    wave = (10 ** (lufs / 20) * fade * np.sin(2 * math.pi * 997 * moments)).astype(np.float32)
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream(codec, rate=48_000, layout="stereo")
        stream.bit_rate = 128_000
        frame = av.AudioFrame.from_ndarray(np.stack([wave, wave]), format="fltp", layout="stereo")
        frame.sample_rate = 48_000
        for packet in [*stream.encode(frame), *stream.encode()]:
            container.mux(packet)
    return path


def damaged(film: Path, change: Callable[[bytearray], bytes | bytearray]) -> Path:
    path = film.with_name(f"damaged_{film.name}")
    path.write_bytes(change(bytearray(film.read_bytes())))
    return path


def hole(data: bytearray) -> bytearray:
    middle = len(data) * 6 // 10
    data[middle : middle + 2000] = bytes(2000)
    return data


@contextmanager
def disk_that_ends_after(size_bytes: int) -> Iterator[None]:
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)


@pytest.mark.parametrize("tier", sorted(TIERS))
def test_every_tier_gives_back_the_frames_it_was_given(tmp_path: Path, tier: str) -> None:
    path = make_film(tmp_path / "film.mp4", frames=70, tier=tier)
    worst = 0.0
    count = 0
    for index, planes in enumerate(read_frames(path)):
        for mine, theirs in zip(moving_picture(SMALL, index), planes, strict=True):
            worst = max(worst, float(np.abs(mine.astype(np.int16) - theirs).mean()))
        count += 1
    assert count == 70
    assert worst < 3.0


@pytest.mark.parametrize("tier", sorted(TIERS))
def test_every_tier_obeys_the_rules_of_a_delivery(tmp_path: Path, tier: str) -> None:
    facts = probe(make_film(tmp_path / "film.mp4", frames=130, tier=tier))
    video = facts.video
    assert (video.codec, video.size, video.fps, video.frames) == ("h264", SMALL, DELIVERY_FPS, 130)
    assert (video.matrix, video.primaries, video.transfer, video.full_range) == (1, 1, 1, False)
    assert (video.start_seconds, video.constant_spacing, video.seconds) == (0.0, True, float(130 / DELIVERY_FPS))
    assert video.closed_gops
    assert video.longest_gop_frames == 60
    assert facts.mp4.edit_lists == 0
    assert facts.mp4.index_first


def test_a_full_hd_film_is_level_4_high_profile(tmp_path: Path) -> None:
    video = probe(make_film(tmp_path / "film.mp4", frames=3, size=Size(1080, 1920))).video
    assert (video.profile, video.level, video.has_b_frames) == ("High", 40, True)


def test_the_same_frames_give_the_same_bytes(tmp_path: Path) -> None:
    first, second = make_film(tmp_path / "a.mp4"), make_film(tmp_path / "b.mp4")
    assert first.read_bytes() == second.read_bytes()


def test_a_frame_that_is_drawn_into_again_changes_nothing_written_before(tmp_path: Path) -> None:
    fresh = make_film(tmp_path / "fresh.mp4")
    with VideoWriter(tmp_path / "again.mp4", SMALL, DELIVERY_FPS, "final") as writer:
        frame, target = new_frame(SMALL)
        for index in range(60):
            for mine, theirs in zip(target, moving_picture(SMALL, index), strict=True):
                np.copyto(mine, theirs)
            writer.write_frame(frame)
    assert (tmp_path / "again.mp4").read_bytes() == fresh.read_bytes()


def test_a_decoded_frame_passed_on_does_not_force_its_kind_of_picture(tmp_path: Path) -> None:
    with av.open(str(plain_key_frames(tmp_path / "keys.mp4"))) as container:
        frames = list(container.decode(video=0))
    assert {frame.pict_type for frame in frames} == {PictureType.I}
    with VideoWriter(tmp_path / "film.mp4", SMALL, DELIVERY_FPS, "final") as writer:
        for frame in frames:
            writer.write_frame(frame)
    with av.open(str(tmp_path / "film.mp4")) as container:
        assert sum(frame.pict_type == PictureType.I for frame in container.decode(video=0)) == 1


def plain_key_frames(path: Path) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"x264-params": "keyint=1"})
        stream.width, stream.height, stream.pix_fmt = SMALL.width_px, SMALL.height_px, "yuv420p"
        for index in range(30):
            frame, target = new_frame(SMALL)
            for mine, theirs in zip(target, moving_picture(SMALL, index), strict=True):
                np.copyto(mine, theirs)
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path


def test_peaks_of_a_noisy_film_are_capped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TIERS, "uncapped", Tier("veryfast", TIERS["final"].crf))
    rng, size, grey = np.random.default_rng(1), Size(448, 448), np.full((224, 224), 128, np.uint8)
    kbps = {}
    for tier in ("uncapped", "final"):
        with VideoWriter(tmp_path / f"{tier}.mp4", size, DELIVERY_FPS, tier) as writer:
            for _ in range(90):
                writer.write(Planes(rng.integers(16, 235, (448, 448), dtype=np.uint8), grey, grey))
        kbps[tier] = probe(tmp_path / f"{tier}.mp4").video.kbps
    # 10 Mbps and, once in 3 s, what the buffer of 20 Mbit held at the start.
    assert kbps["final"] < 10_000 + 20_000 / 3 < kbps["uncapped"]


def test_a_plane_that_numpy_would_stretch_is_refused(tmp_path: Path) -> None:
    y, u, v = moving_picture(SMALL, 0)
    with pytest.raises(ValueError, match="plane"), VideoWriter(tmp_path / "film.mp4", SMALL, DELIVERY_FPS) as writer:
        writer.write(Planes(y[:1], u, v))
    assert not (tmp_path / "film.mp4").exists()


def test_a_frame_of_another_size_or_format_is_refused(tmp_path: Path) -> None:
    for frame in (av.VideoFrame(64, 64, "yuv420p"), av.VideoFrame(144, 256, "rgb24")):
        with (
            pytest.raises(ValueError, match="where 144x256 is"),
            VideoWriter(tmp_path / "film.mp4", SMALL, DELIVERY_FPS) as writer,
        ):
            writer.write_frame(frame)


@pytest.mark.parametrize(("width", "height"), [(145, 256), (144, 255), (8, 8)])
def test_sizes_that_h264_cannot_hold_are_refused_before_the_encoder_starts(
    tmp_path: Path, width: int, height: int
) -> None:
    with pytest.raises(ValueError, match="even sides"):
        VideoWriter(tmp_path / "film.mp4", Size(width, height), DELIVERY_FPS)


def test_an_error_while_drawing_leaves_no_file(tmp_path: Path) -> None:
    with suppress(ZeroDivisionError), VideoWriter(tmp_path / "film.mp4", SMALL, DELIVERY_FPS) as writer:
        for index in range(20):
            writer.write(moving_picture(SMALL, 10 // (10 - index)))
    assert list(tmp_path.iterdir()) == []


def test_a_film_without_frames_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="without frames"), VideoWriter(tmp_path / "film.mp4", SMALL, DELIVERY_FPS):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("part", [0.1, 0.6, 0.97])
def test_a_full_disk_is_a_clean_error_and_leaves_no_file(tmp_path: Path, part: float) -> None:
    whole = make_film(tmp_path / "whole.mp4").stat().st_size
    with disk_that_ends_after(int(whole * part)), pytest.raises(ToolFailed, match=r"film\.mp4: writing stopped"):
        make_film(tmp_path / "film.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["whole.mp4"]


def test_a_folder_that_does_not_exist_is_a_clean_error(tmp_path: Path) -> None:
    with pytest.raises(ToolFailed, match="No such file"):
        make_film(tmp_path / "nowhere" / "film.mp4")


@pytest.mark.parametrize("name", ["a:b.mp4", "-y.mp4", "50%03d.mp4", "con cat|'x'.mp4"])
def test_no_file_name_is_read_as_anything_but_a_name(tmp_path: Path, name: str) -> None:
    make_film(tmp_path / name, frames=4)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert sum(1 for _ in read_frames(tmp_path / name)) == 4


def test_planes_of_the_decoder_cannot_be_drawn_into(tmp_path: Path) -> None:
    planes = next(read_frames(make_film(tmp_path / "film.mp4", frames=2)))
    with pytest.raises(ValueError, match="read-only"):
        planes.y[0, 0] = 0


@pytest.mark.parametrize(
    "change",
    [
        hole,
        lambda data: data[: len(data) // 2],
        lambda data: data[:40],
        lambda data: b"not a film at all",
        lambda data: b"",
        lambda data: b"#EXTM3U\nhttp://127.0.0.1:9/x.ts\n",
    ],
)
def test_a_damaged_file_is_refused_and_never_concealed(tmp_path: Path, change: Callable[[bytearray], bytes]) -> None:
    with pytest.raises(BadMedia):
        list(read_frames(damaged(make_film(tmp_path / "film.mp4"), change)))


def test_flipped_bits_are_refused_even_where_a_decoder_would_conceal_them(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4")
    with av.open(str(film)) as container:
        key = next(packet for packet in container.demux(video=0) if packet.is_keyframe)
        place = (key.pos or 0) + key.size // 2

    def flip(data: bytearray) -> bytearray:
        data[place] ^= 0x5A
        return data

    broken = damaged(film, flip)
    with av.open(str(broken)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 60, "decoded without a complaint"
    with pytest.raises(BadMedia):
        list(read_frames(broken))


def test_a_file_that_ends_between_two_packets_is_refused(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", tier="intermediate")
    with av.open(str(film)) as container:
        places = [packet.pos for packet in container.demux(video=0) if packet.pos]
    assert len(places) == 60
    with pytest.raises(BadMedia, match="after 30 of 60 frames"):
        list(read_frames(damaged(film, lambda data: data[: places[30]])))


def test_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadMedia, match=r"film\.mp4: not a readable video"):
        list(read_frames(tmp_path / "film.mp4"))


def test_a_full_range_film_comes_back_in_limited_range(tmp_path: Path) -> None:
    path = tmp_path / "full.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"crf": "5"})
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuvj420p"
        stream.codec_context.color_range, stream.codec_context.colorspace = 2, 1
        frame = av.VideoFrame.from_ndarray(np.full((96, 64), 255, np.uint8), format="yuvj420p")
        frame.color_range, frame.colorspace = 2, 1
        for plane, value in zip(frame.planes, (255, 128, 128), strict=True):
            plane.update(bytes([value]) * plane.buffer_size)
        for packet in [*stream.encode(frame), *stream.encode()]:
            container.mux(packet)
    planes = next(read_frames(path))
    assert abs(float(planes.y.mean()) - 235) < 2


FILM_IN_A_DIRTY_PROCESS = """
import sys
from fractions import Fraction
from pathlib import Path
import numpy as np
from generation.media.frames import VideoWriter, new_frame
from generation.spec import Size

drift = np.random.default_rng(1).integers(40, 200, (1960, 1120), dtype=np.uint8)
size = Size(1080, 1920)  # 1080 is not a multiple of 16
with VideoWriter(Path(sys.argv[1]), size, Fraction(30000, 1001), sys.argv[2]) as writer:
    for index in range(6):
        frame, planes = new_frame(size)
        planes.y[:] = drift[index : index + 1920, index : index + 1080]
        planes.u[:], planes.v[:] = 128, drift[:960, :540]
        writer.write_frame(frame)
"""


@pytest.mark.parametrize("tier", ["final", "archive"])
def test_the_same_frames_give_the_same_bytes_whatever_lies_in_memory(tmp_path, tier):
    films = []
    for number in (0, 85, 170, 255):  # glibc fills what it hands out with this byte
        path = tmp_path / f"{number}.mp4"
        subprocess.run(
            [sys.executable, "-c", FILM_IN_A_DIRTY_PROCESS, str(path), tier],
            check=True,
            env={**os.environ, "MALLOC_PERTURB_": str(number), "PYTHONPATH": "."},
        )
        films.append(path.read_bytes())
    assert all(film == films[0] for film in films)
