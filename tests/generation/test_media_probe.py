"""Facts of a file, read back from its bytes."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from generation.errors import BadMedia
from generation.media.mp4 import read_mp4
from generation.media.mux import mux_delivery
from generation.media.probe import probe
from generation.spec import DELIVERY_FPS, Size
from tests.generation.test_media_frames import SMALL, make_film, make_tone


def plain_mux(
    path: Path, x264: str = "", movflags: str = "+faststart", frames: int = 40, codec: str = "libx264"
) -> Path:
    """A film as any other program writes it: B-frames, and an edit list to hide their delay."""
    with av.open(str(path), "w", options={"movflags": movflags} if movflags else {}) as container:
        stream = container.add_stream(codec, rate=30, options={"x264-params": x264} if x264 else {})
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for index in range(frames):
            frame = av.VideoFrame.from_ndarray(np.full((96, 64), 40 + index, np.uint8), format="yuv420p")
            frame.pts = index
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path


def box(kind: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">I4s", 8 + len(body), kind) + body


def test_facts_of_pictures_and_sound_are_read_back(tmp_path: Path) -> None:
    film, tone = make_film(tmp_path / "film.mp4", frames=90), make_tone(tmp_path / "tone.m4a", 90 / float(DELIVERY_FPS))
    mux_delivery(film, tone, tmp_path / "delivery.mp4", language="de-DE", title="Spotmill")
    facts = probe(tmp_path / "delivery.mp4")
    video, audio = facts.video, facts.audio
    assert audio is not None
    assert (video.codec, video.profile, video.size, video.fps) == ("h264", "High", SMALL, DELIVERY_FPS)
    assert (video.frames, video.pixel_format, video.has_b_frames) == (90, "yuv420p", True)
    assert (audio.codec, audio.profile, audio.rate_hz, audio.channels) == ("aac", "LC", 48_000, 2)
    assert audio.language == "deu"
    assert facts.seconds == pytest.approx(max(video.seconds, audio.seconds), abs=0.001)
    assert facts.size_bytes == (tmp_path / "delivery.mp4").stat().st_size
    # What the streams hold is nearly all of the file.
    stored = video.kbps * video.seconds + audio.kbps * audio.seconds
    assert 0.9 < stored * 1000 / 8 / facts.size_bytes < 1


def test_frames_and_lengths_are_counted_not_believed(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", frames=50)
    data = bytearray(film.read_bytes())
    # Kind, version and flags, two dates, time scale, then the length of the track.
    length = data.index(b"mdhd") + 20
    assert struct.unpack_from(">I", data, length) == (50 * 1001,)
    struct.pack_into(">I", data, length, 7 * 1001)
    film.write_bytes(data)
    video = probe(film).video
    assert (video.frames, video.seconds) == (50, float(50 / DELIVERY_FPS))


@pytest.mark.parametrize("fps", [Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001), Fraction(60)])
def test_the_rate_is_exact(tmp_path: Path, fps: Fraction) -> None:
    video = probe(make_film(tmp_path / "film.mp4", frames=11, fps=fps)).video
    assert (video.fps, video.constant_spacing) == (fps, True)
    assert video.seconds == pytest.approx(float(11 / fps))


def test_an_edit_list_and_a_late_index_are_seen(tmp_path: Path) -> None:
    usual = read_mp4(plain_mux(tmp_path / "usual.mp4"))
    assert (usual.edit_lists, usual.index_first, usual.fragmented) == (1, True, False)
    assert not read_mp4(plain_mux(tmp_path / "late.mp4", movflags="")).index_first
    ours = read_mp4(make_film(tmp_path / "ours.mp4"))
    assert (ours.edit_lists, ours.index_first) == (0, True)
    assert ours.brands[0] == "iso4"


def test_a_fragmented_file_is_seen(tmp_path: Path) -> None:
    assert read_mp4(plain_mux(tmp_path / "film.mp4", movflags="+frag_keyframe+empty_moov")).fragmented


def test_open_gops_are_told_from_closed_ones(tmp_path: Path) -> None:
    for open_gop in (0, 1):
        film = plain_mux(tmp_path / "film.mp4", f"keyint=10:scenecut=0:bframes=3:b-adapt=0:open-gop={open_gop}")
        video = probe(film).video
        assert video.closed_gops is (open_gop == 0)
        assert video.longest_gop_frames == 10


def test_a_gop_that_lasts_until_the_end_is_counted(tmp_path: Path) -> None:
    assert probe(plain_mux(tmp_path / "film.mp4", "keyint=250:scenecut=0")).video.longest_gop_frames == 40


def test_uneven_spacing_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "uneven.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 90)
        for moment in (0, 3, 6, 11, 12):
            frame = av.VideoFrame(64, 64, "yuv420p")
            frame.pts, frame.time_base = moment, Fraction(1, 90)
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    assert not probe(path).video.constant_spacing


def test_another_codec_is_named_and_not_judged(tmp_path: Path) -> None:
    video = probe(plain_mux(tmp_path / "film.mp4", codec="mpeg4")).video
    assert (video.codec, video.closed_gops) == ("mpeg4", None)
    assert (video.matrix, video.primaries, video.transfer) == (2, 2, 2)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "no type"),
        (b"not a film", "box of|lacks|header"),
        (box(b"ftyp", b"isom\0\0\0\0"), "no index"),
        (box(b"ftyp", b"isom\0\0\0\0") + box(b"moov") + b"\0\0", "ends inside a box's header"),
        (box(b"ftyp", b"isom\0\0\0\0") + box(b"moov"), "no media data"),
        (box(b"ftyp", b"isom\0\0\0\0") + box(b"moov") + box(b"mdat"), "streams? "),
        (box(b"ftyp") + struct.pack(">I4s", 4, b"moov"), "box of 4 bytes"),
        (box(b"ftyp") + struct.pack(">I4sQ", 1, b"mdat", 1 << 60), "truncated"),
        (box(b"ftyp") + box(b"free") * 10_001, "more than 10000 boxes"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "lacks"),
        (b"#EXTM3U\nhttp://127.0.0.1:9/x.ts\n", "lacks"),
    ],
)
def test_anything_but_a_film_is_refused_with_its_name(tmp_path: Path, content: bytes, sentence: str) -> None:
    (tmp_path / "thing.mp4").write_bytes(content)
    with pytest.raises(BadMedia, match=rf"^thing\.mp4: .*({sentence})"):
        probe(tmp_path / "thing.mp4")


def test_a_truncated_file_says_how_much_is_missing(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4")
    data = film.read_bytes()
    film.write_bytes(data[:-100])
    with pytest.raises(BadMedia, match="lacks 100 bytes"):
        probe(film)


def test_a_missing_file_a_folder_and_a_sound_file_are_sentences(tmp_path: Path) -> None:
    tone = make_tone(tmp_path / "tone.m4a", 1)
    for path in (tmp_path / "missing.mp4", tmp_path, tone):
        with pytest.raises(BadMedia, match=path.name):
            probe(path)


def test_a_box_of_64_bits_and_one_until_the_end_are_read(tmp_path: Path) -> None:
    body = bytes(20)
    large = struct.pack(">I4sQ", 1, b"mdat", 16 + len(body)) + body
    endless = struct.pack(">I4s", 0, b"mdat") + body
    for mdat in (large, endless):
        path = tmp_path / "boxes.mp4"
        path.write_bytes(box(b"ftyp", b"iso4\0\0\2\0avc1") + box(b"moov") + mdat)
        facts = read_mp4(path)
        assert (facts.brands, facts.index_first) == (("iso4", "avc1"), True)


def test_sizes_are_those_of_the_picture_not_of_its_coded_blocks(tmp_path: Path) -> None:
    assert probe(make_film(tmp_path / "film.mp4", frames=3, size=Size(146, 258))).video.size == Size(146, 258)
