"""The check of a delivered file: a good one passes, and every fault that is put in is found."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from generation.check import Checked, Expected, check_delivery
from generation.errors import NotAvailable, ToolFailed, ToolTimedOut
from generation.media.ffmpeg import VARIABLE
from generation.media.mux import mux_delivery
from generation.spec import DELIVERY_FPS, Size
from tests.generation.test_media_ffmpeg import script
from tests.generation.test_media_frames import SMALL, damaged, hole, make_film, make_tone
from tests.generation.test_media_probe import plain_mux

FRAMES = 120
SECONDS = FRAMES / float(DELIVERY_FPS)
EXPECTED = Expected(SMALL, DELIVERY_FPS, FRAMES, min_seconds=3, max_seconds=5, max_bytes=5_000_000)


def check(path: Path, expected: Expected = EXPECTED) -> Checked:
    checked = check_delivery(path, expected, deadline_seconds=60)
    json.dumps([[finding.measured, finding.limit] for finding in checked.findings], allow_nan=False)
    json.dumps(checked.measures, allow_nan=False)
    return checked


def codes(checked: Checked) -> set[str]:
    return {finding.code for finding in checked.findings}


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parts")
    make_film(folder / "film.mp4", FRAMES)
    make_tone(folder / "tone.m4a", SECONDS)
    mux_delivery(folder / "film.mp4", folder / "tone.m4a", folder / "good.mp4", language="en-US", title="Spotmill")
    return folder


def deliver(parts: Path, out: Path, *, film: Path | None = None, tone: Path | None = None, title: str = "") -> Path:
    """The good delivery with one part exchanged."""
    mux_delivery(film or parts / "film.mp4", tone or parts / "tone.m4a", out, language="en", title=title)
    return out


def test_a_good_delivery_has_no_findings_and_its_measures_are_true(parts: Path) -> None:
    checked = check(parts / "good.mp4")
    assert checked.findings == ()
    assert checked.passed
    measures = checked.measures
    assert (measures["frames"], measures["size"], measures["fps"]) == (FRAMES, "144x256", "30000/1001")
    assert measures["integrated_lufs"] == pytest.approx(-14.0, abs=0.2)
    assert measures["true_peak_dbtp"] == pytest.approx(-14.0, abs=0.3)
    assert (measures["frozen_seconds"], measures["black_seconds"]) == ([], [])
    assert measures["bytes"] == (parts / "good.mp4").stat().st_size
    assert (measures["audio"], measures["language"]) == ("aac LC", "eng")


def test_a_silent_film_passes_when_it_is_wanted_and_only_then(parts: Path, tmp_path: Path) -> None:
    mux_delivery(parts / "film.mp4", None, tmp_path / "silent.mp4", language="en", title="")
    wanted = replace(EXPECTED, audio_codec=None)
    assert check(tmp_path / "silent.mp4", wanted).findings == ()
    assert codes(check(tmp_path / "silent.mp4")) == {"sound_stream"}
    assert codes(check(parts / "good.mp4", wanted)) == {"sound_stream"}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"size": Size(256, 144)}, "size"),
        ({"fps": Fraction(30)}, "frame_rate"),
        ({"min_seconds": 4.1}, "length"),
        ({"max_seconds": 3.9}, "length"),
        ({"max_bytes": 1000}, "too_large"),
        ({"video_codec": "hevc"}, "video_codec"),
        ({"audio_codec": "opus"}, "audio_codec"),
        ({"integrated_lufs": -16.0}, "loudness"),
        ({"true_peak_dbtp": -20.0}, "true_peak"),
    ],
)
def test_every_limit_decides(parts: Path, change: dict[str, object], code: str) -> None:
    checked = check(parts / "good.mp4", replace(EXPECTED, **change))
    assert codes(checked) == {code}
    assert not checked.passed


def test_frames_are_compared_as_stored_and_as_decoded(parts: Path) -> None:
    checked = check(parts / "good.mp4", replace(EXPECTED, frames=FRAMES + 1))
    assert codes(checked) == {"frames_stored", "frames_decoded"}


def test_a_low_rate_is_a_warning_and_does_not_stop_the_delivery(parts: Path) -> None:
    checked = check(parts / "good.mp4", replace(EXPECTED, min_video_kbps=50_000))
    assert [(finding.code, finding.severity) for finding in checked.findings] == [("low_bitrate", "warning")]
    assert checked.passed


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data[: len(data) // 2],
        lambda data: data[:-1],
        lambda data: data[:48],
        lambda data: b"",
        lambda data: b"\x89PNG" + data,
    ],
)
def test_a_cut_or_foreign_file_is_a_finding(parts: Path, tmp_path: Path, change: Callable[[bytearray], bytes]) -> None:
    film = shutil.copy(parts / "good.mp4", tmp_path / "film.mp4")
    assert codes(check(damaged(Path(film), change))) == {"unreadable"}
    assert codes(check(tmp_path / "missing.mp4")) == {"unreadable"}


def test_a_hole_of_zeros_is_a_finding(parts: Path, tmp_path: Path) -> None:
    film = shutil.copy(parts / "good.mp4", tmp_path / "film.mp4")
    checked = check(damaged(Path(film), hole))
    assert "does_not_decode" in codes(checked)
    message = next(finding.message for finding in checked.findings if finding.code == "does_not_decode")
    assert "0x" not in message, "addresses differ from run to run"


def test_flipped_bits_in_key_frames_are_findings(parts: Path, tmp_path: Path) -> None:
    data = (parts / "good.mp4").read_bytes()
    with av.open(str(parts / "good.mp4")) as container:
        keys = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size and packet.is_keyframe]
    assert len(keys) == 2
    for place, size in keys:
        flipped = bytearray(data)
        # Late bytes of the largest pictures: entropy coding goes astray and never finds back.
        flipped[place + size // 2] ^= 0x5A
        (tmp_path / "flipped.mp4").write_bytes(flipped)
        assert "does_not_decode" in codes(check(tmp_path / "flipped.mp4"))


def test_a_hole_in_the_sound_is_a_finding(parts: Path, tmp_path: Path) -> None:
    data = bytearray((parts / "good.mp4").read_bytes())
    with av.open(str(parts / "good.mp4")) as container:
        places = [(packet.pos, packet.size) for packet in container.demux(audio=0) if packet.size]
    place, size = places[len(places) // 2]
    data[place : place + size] = b"\xff" * size
    (tmp_path / "film.mp4").write_bytes(data)
    assert "does_not_decode" in codes(check(tmp_path / "film.mp4"))


@pytest.mark.parametrize(("what", "code"), [("still", "frozen"), ("black", "black")])
@pytest.mark.parametrize("stretch", [range(20, 110), range(90), range(30, 120)])
def test_a_frozen_or_black_stretch_is_found_where_it_is(
    parts: Path, tmp_path: Path, what: str, code: str, stretch: range
) -> None:
    film = make_film(tmp_path / "film.mp4", FRAMES, **{what: stretch})
    checked = check(deliver(parts, tmp_path / "out.mp4", film=film))
    # A black stretch does not move either.
    assert code in codes(checked)
    assert codes(checked) <= {code, "frozen"}
    spans = checked.measures[f"{code}_seconds"]
    assert isinstance(spans, list)
    ((start, end),) = spans
    assert start == pytest.approx(stretch.start / float(DELIVERY_FPS), abs=0.04)
    assert end == pytest.approx(stretch.stop / float(DELIVERY_FPS), abs=0.04)
    patient = replace(EXPECTED, max_frozen_seconds=3.5, max_black_seconds=3.5)
    assert check(tmp_path / "out.mp4", patient).findings == ()


@pytest.mark.parametrize(
    ("lufs", "expected"), [(-14.4, set()), (-13.6, set()), (-15.0, {"loudness"}), (-12.0, {"loudness"})]
)
def test_loudness_holds_within_half_a_unit(parts: Path, tmp_path: Path, lufs: float, expected: set[str]) -> None:
    out = deliver(parts, tmp_path / "out.mp4", tone=make_tone(tmp_path / "tone.m4a", SECONDS, lufs))
    assert codes(check(out)) == expected


def test_sound_that_is_too_loud_breaks_both_limits(parts: Path, tmp_path: Path) -> None:
    out = deliver(parts, tmp_path / "out.mp4", tone=make_tone(tmp_path / "tone.m4a", SECONDS, -0.2))
    assert codes(check(out)) == {"loudness", "true_peak"}


def test_a_silent_sound_track_is_found(parts: Path, tmp_path: Path) -> None:
    out = deliver(parts, tmp_path / "out.mp4", tone=make_tone(tmp_path / "tone.m4a", SECONDS, -200))
    assert codes(check(out)) == {"silent"}


@pytest.mark.parametrize(("seconds", "expected"), [(SECONDS - 0.3, {"sync_end"}), (SECONDS + 0.3, {"sync_end"})])
def test_sound_that_ends_apart_from_the_picture_is_found(
    parts: Path, tmp_path: Path, seconds: float, expected: set[str]
) -> None:
    out = deliver(parts, tmp_path / "out.mp4", tone=make_tone(tmp_path / "tone.m4a", seconds))
    assert codes(check(out)) == expected


def test_sound_of_any_length_in_frames_of_the_film_stays_within_the_tolerance(parts: Path, tmp_path: Path) -> None:
    for frames in range(91, 120, 7):
        film = make_film(tmp_path / "film.mp4", frames)
        tone = make_tone(tmp_path / "tone.m4a", frames / float(DELIVERY_FPS))
        out = deliver(parts, tmp_path / "out.mp4", film=film, tone=tone)
        assert check(out, replace(EXPECTED, frames=frames)).findings == ()


def test_sound_that_starts_late_is_found(parts: Path, tmp_path: Path) -> None:
    with av.open(str(parts / "good.mp4")) as inside, av.open(str(tmp_path / "late.mp4"), "w") as outside:
        streams = {stream.index: outside.add_stream_from_template(stream) for stream in inside.streams}
        for packet in inside.demux():
            if packet.size and packet.pts is not None and packet.dts is not None:
                if packet.stream.type == "audio":
                    packet.pts, packet.dts = packet.pts + 9600, packet.dts + 9600
                packet.stream = streams[packet.stream.index]
                outside.mux(packet)
    checked = check(tmp_path / "late.mp4")
    assert codes(checked) == {"edit_list", "not_faststart", "sync_start", "sync_end"}
    apart = {finding.code: finding.measured for finding in checked.findings}
    assert apart["sync_start"] == pytest.approx(0.2, abs=0.001)


def test_faults_of_the_container_and_the_stream_are_all_told_at_once(tmp_path: Path) -> None:
    film = plain_mux(tmp_path / "film.mp4", "keyint=250:bframes=3:b-adapt=0:scenecut=0", movflags="", frames=80)
    expected = Expected(Size(64, 64), Fraction(30), 80, 2, 3, 10**6, audio_codec=None)
    assert codes(check(film, expected)) == {"edit_list", "not_faststart", "colour_tags", "long_gop"}
    film = plain_mux(tmp_path / "open.mp4", "keyint=20:bframes=3:b-adapt=0:scenecut=0:open-gop=1", frames=80)
    assert codes(check(film, expected)) == {"edit_list", "colour_tags", "open_gop"}


def test_a_gop_of_two_seconds_at_the_delivery_rate_is_not_too_long(parts: Path) -> None:
    assert check(parts / "good.mp4").measures["gop_frames"] == 60


def test_full_range_and_444_pictures_are_found(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv444p"
        for index in range(30):
            frame = av.VideoFrame.from_ndarray(np.full((3, 64, 64), 3 * index + 40, np.uint8), format="yuv444p")
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    expected = Expected(Size(64, 64), Fraction(30), 30, 0, 3, 10**6, audio_codec=None)
    assert {"pixel_format", "colour_tags"} <= codes(check(path, expected))


def test_a_title_that_looks_like_a_detectors_line_changes_nothing(parts: Path, tmp_path: Path) -> None:
    line = "[blackdetect @ 0x1] black_start:0 black_end:4 black_duration:4"
    assert check(deliver(parts, tmp_path / "a.mp4", title=line)).findings == ()
    path = tmp_path / "b.mp4"
    with av.open(str(parts / "film.mp4")) as inside, av.open(str(path), "w") as outside:
        outside.metadata["comment"] = f"x\n{line}\r{line}\nframe= 7\r[Parsed_ebur128_4 @ 0x1] Summary:\n I: -14.0 LUFS"
        stream = outside.add_stream_from_template(inside.streams.video[0])
        for packet in inside.demux(video=0):
            if packet.size:
                packet.stream = stream
                outside.mux(packet)
    measures = check(path).measures
    assert (measures["frames"], measures["black_seconds"], measures["integrated_lufs"]) == (FRAMES, [], None)


def test_what_cannot_be_checked_is_an_error_and_no_verdict(
    parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = '[ "$1" = -version ] && echo "ffmpeg version 1" && exit\n'
    for name, text, error in (("hangs", "sleep 60", ToolTimedOut), ("dies", "kill -9 $$", ToolFailed)):
        monkeypatch.setenv(VARIABLE, str(script(tmp_path / name, answer + text)))
        with pytest.raises(error):
            check_delivery(parts / "good.mp4", EXPECTED, deadline_seconds=0.5)
    monkeypatch.setenv(VARIABLE, str(tmp_path / "missing"))
    with pytest.raises(NotAvailable):
        check_delivery(parts / "good.mp4", EXPECTED, deadline_seconds=5)


def test_an_ffmpeg_that_claims_success_and_decodes_nothing_does_not_pass(
    parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(script(tmp_path / "liar", "echo ffmpeg version 1")))
    assert codes(check(parts / "good.mp4")) == {"frames_decoded", "loudness"}
