"""Films that others made: what cameras, phones and browsers write is read, what is cut off or is no film is refused."""

import subprocess
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from generation.errors import BadMedia
from generation.media.clip import HOLD_SECONDS, clip_pictures, read_clip
from generation.media.ffmpeg import find_ffmpeg
from generation.spec import Size


def recorded(path: Path, codec: str = "libx264", frames: int = 50, sounds: int = 0, rate: int = 25) -> Path:
    """A film as a device writes it, its index at the end."""
    with av.open(str(path), "w") as film:
        video = film.add_stream(codec, rate=rate)
        video.width, video.height, video.pix_fmt = 96, 64, "yuv420p"
        tracks = [film.add_stream("libopus" if path.suffix == ".webm" else "aac", rate=48_000) for _ in range(sounds)]
        for index in range(frames):
            picture = np.full((64, 96, 3), index * 4 % 255, np.uint8)
            film.mux(video.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        film.mux(video.encode())
        for track in tracks:
            silence = av.AudioFrame.from_ndarray(np.zeros((2, 48_000), np.float32), "fltp", "stereo")
            silence.rate = 48_000
            film.mux(track.encode(silence))
            film.mux(track.encode())
    return path


@pytest.mark.parametrize(
    ("name", "codec", "sounds"), [("a.mp4", "libx264", 0), ("a.MOV", "libx264", 2), ("a.webm", "libvpx-vp9", 1)]
)
def test_films_of_phones_and_browsers_are_read(tmp_path, name, codec, sounds):
    made = recorded(tmp_path / name.lower(), codec, sounds=sounds).rename(tmp_path / name)
    clip = read_clip(made)
    assert (clip.size, clip.frames, clip.fps) == (Size(96, 64), 50, Fraction(25))
    assert clip.seconds == pytest.approx(2.0, abs=0.05)


def test_a_film_that_was_cut_off_says_how_much_of_it_there_is(tmp_path):
    source = recorded(tmp_path / "whole.mp4", frames=100)
    with (
        av.open(str(source)) as given,
        av.open(str(tmp_path / "fast.mp4"), "w", options={"movflags": "faststart"}) as out,
    ):
        stream = out.add_stream_from_template(given.streams.video[0])
        for packet in given.demux(given.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                out.mux(packet)
    data = (tmp_path / "fast.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(data[: len(data) - (len(data) - data.index(b"mdat")) // 2])
    assert read_clip(tmp_path / "fast.mp4").frames == 100
    with pytest.raises(BadMedia, match=r"cut\.mp4: it ends after [0-3]\.\d s and should last 4\.0 s"):
        read_clip(tmp_path / "cut.mp4")


def test_sound_alone_a_playlist_and_other_suffixes_are_no_films(tmp_path):
    with av.open(str(tmp_path / "sound.mp4"), "w") as file:
        track = file.add_stream("aac", rate=48_000)
        silence = av.AudioFrame.from_ndarray(np.zeros((2, 48_000), np.float32), "fltp", "stereo")
        silence.rate = 48_000
        file.mux(track.encode(silence))
        file.mux(track.encode())
    (tmp_path / "list.mp4").write_text("#EXTM3U\nfile:///etc/hostname\n", "utf-8")
    (tmp_path / "edit.mov").write_text("ffconcat version 1.0\nfile a.mp4\n", "utf-8")
    recorded(tmp_path / "b.mkv")
    wrong = {"sound.mp4": "no pictures", "list.mp4": "film", "edit.mov": "film", "b.mkv": "not an MP4"}
    for name, said in wrong.items():
        with pytest.raises(BadMedia, match=said):
            read_clip(tmp_path / name)


def levels(path: Path, frames: int, fps: Fraction) -> list[int]:
    """Which of the recorded pictures are given: their grey is four times their number."""
    return [round(float(picture.mean()) / 4) for picture in clip_pictures(path, frames, fps)]


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "libx264"), ("a.webm", "libvpx-vp9")])
@pytest.mark.parametrize("rate", [Fraction(16), Fraction(25), Fraction(30000, 1001), Fraction(50)])
def test_at_any_rate_each_picture_is_the_one_seen_at_its_moment(tmp_path, name, codec, rate):
    made = recorded(tmp_path / name, codec, frames=40)
    count = int(40 * rate / 25)
    assert levels(made, count, rate) == [int(number / rate * 25) for number in range(count)]


def test_uneven_spacing_is_followed(tmp_path):
    with av.open(str(tmp_path / "phone.mov"), "w") as film:
        video = film.add_stream("libx264", rate=30)
        video.width, video.height, video.pix_fmt = 96, 64, "yuv420p"
        video.codec_context.time_base = Fraction(1, 600)
        for number, at in enumerate((0, 20, 80, 100, 160)):
            picture = av.VideoFrame.from_ndarray(np.full((64, 96, 3), number * 4 + 40, np.uint8), "rgb24")
            picture.pts, picture.time_base = at, Fraction(1, 600)
            film.mux(video.encode(picture))
        film.mux(video.encode())
    assert [level - 10 for level in levels(tmp_path / "phone.mov", 9, Fraction(30))] == [0, 1, 1, 1, 2, 3, 3, 3, 4]


def test_the_last_picture_is_held_for_a_moment_and_not_for_longer(tmp_path):
    made = recorded(tmp_path / "a.mp4", frames=25)
    assert levels(made, 50, Fraction(25))[23:] == [23, *[24] * 26]
    with pytest.raises(BadMedia, match=r"a\.mp4: 1\.00 s are too few for a shot of 2\.04 s"):
        levels(made, 51, Fraction(25))
    assert HOLD_SECONDS == 1


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_a_film_that_was_taken_sideways_stands_upright(tmp_path, turn):
    with av.open(str(tmp_path / "lying.mp4"), "w") as film:
        video = film.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 96, 64, "yuv420p"
        picture = np.full((64, 96, 3), 60, np.uint8)
        picture[:32, :48] = 220
        for _ in range(3):
            film.mux(video.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        film.mux(video.encode())
    turned, shown = tmp_path / "turned.mp4", tmp_path / "shown.mp4"
    given = [find_ffmpeg(), "-v", "error", "-display_rotation", str(turn), "-i", tmp_path / "lying.mp4"]
    subprocess.run([*given, "-c", "copy", turned], check=True)
    subprocess.run([find_ffmpeg(), "-v", "error", "-i", turned, "-crf", "1", shown], check=True)  # it turns by itself
    (ours,), (theirs,) = clip_pictures(turned, 1, Fraction(25)), clip_pictures(shown, 1, Fraction(25))
    assert ours.shape == theirs.shape
    assert read_clip(turned).size == Size(ours.shape[1], ours.shape[0])
    assert np.abs(ours.astype(int) - theirs).mean() < 2


def test_a_film_of_odd_sides_is_read(tmp_path):
    with av.open(str(tmp_path / "odd.webm"), "w") as film:
        video = film.add_stream("libvpx-vp9", rate=25)
        video.width, video.height, video.pix_fmt = 97, 65, "yuv420p"
        film.mux(video.encode(av.VideoFrame.from_ndarray(np.full((65, 97, 3), 80, np.uint8), "rgb24")))
        film.mux(video.encode())
    (picture,) = clip_pictures(tmp_path / "odd.webm", 1, Fraction(25))
    assert picture.shape == (65, 97, 3)
    assert abs(float(picture.mean()) - 80) < 3


def test_hdr_is_refused_with_the_way_out(tmp_path):
    with av.open(str(tmp_path / "hdr.mov"), "w") as film:
        video = film.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 96, 64, "yuv420p"
        video.codec_context.color_trc = 18
        film.mux(video.encode(av.VideoFrame.from_ndarray(np.full((64, 96, 3), 80, np.uint8), "rgb24")))
        film.mux(video.encode())
    with pytest.raises(BadMedia, match="HDR film; export it in standard range"):
        read_clip(tmp_path / "hdr.mov")
