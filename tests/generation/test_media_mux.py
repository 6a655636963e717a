"""One delivery file out of finished pictures and finished sound."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from generation.errors import BadMedia, ToolFailed
from generation.media.language import iso_639_2
from generation.media.mp4 import read_mp4
from generation.media.mux import mux_delivery
from generation.media.probe import probe
from generation.spec import DELIVERY_FPS
from tests.generation.test_media_frames import disk_that_ends_after, make_film, make_tone
from tests.generation.test_media_probe import plain_mux

SECONDS = 90 / float(DELIVERY_FPS)


def packets(path: Path, kind: str) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(**{kind: 0}) if packet.size]


def deliver(
    tmp_path: Path, name: str = "delivery.mp4", *, tier: str = "final", sound: bool = True, **words: str
) -> Path:
    film = make_film(tmp_path / "film.mp4", frames=90, tier=tier)
    tone = make_tone(tmp_path / "tone.m4a", SECONDS) if sound else None
    mux_delivery(film, tone, tmp_path / name, **{"language": "en-US", "title": "Spotmill", **words})
    return tmp_path / name


def test_both_streams_are_bit_identical(tmp_path: Path) -> None:
    delivery = deliver(tmp_path)
    for source, kind in ((tmp_path / "film.mp4", "video"), (tmp_path / "tone.m4a", "audio")):
        assert packets(delivery, kind) == packets(source, kind)
        assert len(packets(delivery, kind)) > 80


@pytest.mark.parametrize("sound", [True, False])
@pytest.mark.parametrize("tier", ["final", "archive", "intermediate"])
def test_pictures_start_at_zero_evenly_spaced_without_edit_lists(tmp_path: Path, tier: str, sound: bool) -> None:
    facts = probe(deliver(tmp_path, tier=tier, sound=sound))
    assert facts.mp4.edit_lists == 0
    assert facts.mp4.index_first
    assert (facts.video.start_seconds, facts.video.constant_spacing, facts.video.fps) == (0.0, True, DELIVERY_FPS)
    assert facts.video.seconds == pytest.approx(SECONDS)
    assert (facts.audio is not None) == sound


def test_a_film_with_an_edit_list_loses_it_and_keeps_its_times(tmp_path: Path) -> None:
    film = plain_mux(tmp_path / "usual.mp4", "bframes=2:b-adapt=0")
    assert read_mp4(film).edit_lists == 1
    mux_delivery(film, make_tone(tmp_path / "tone.m4a", 40 / 30), tmp_path / "out.mp4", language="en", title="")
    facts = probe(tmp_path / "out.mp4")
    assert (facts.mp4.edit_lists, facts.video.start_seconds, facts.video.fps) == (0, 0.0, Fraction(30))
    assert facts.audio is not None
    assert facts.audio.start_seconds == 0.0


def test_the_sound_is_heard_within_25_ms_of_its_place(tmp_path: Path) -> None:
    seconds, moment = 2.0, 1.0
    wave = np.zeros((2, int(seconds * 48_000)), np.float32)
    wave[:, int(moment * 48_000) :] = np.sin(np.arange(48_000) * 0.13) * 0.5
    with av.open(str(tmp_path / "click.m4a"), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=48_000, layout="stereo")
        frame = av.AudioFrame.from_ndarray(wave, format="fltp", layout="stereo")
        frame.sample_rate = 48_000
        for packet in [*stream.encode(frame), *stream.encode()]:
            container.mux(packet)
    film = make_film(tmp_path / "film.mp4", frames=60)
    mux_delivery(film, tmp_path / "click.m4a", tmp_path / "out.mp4", language="en", title="")
    with av.open(str(tmp_path / "out.mp4")) as container:
        decoded = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
    onset = int(np.argmax(np.abs(decoded) > 0.25)) / 48_000
    assert 0.0 <= onset - moment < 0.025


def test_the_same_inputs_give_the_same_bytes_wherever_they_lie(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    assert deliver(tmp_path).read_bytes() == deliver(tmp_path / "other", "x.mp4").read_bytes()


def test_nothing_but_language_and_title_is_told(tmp_path: Path) -> None:
    film = tmp_path / "told.mp4"
    with av.open(str(make_film(tmp_path / "film.mp4"))) as inside, av.open(str(film), "w") as outside:
        outside.metadata.update({"comment": "the prompt", "artist": "someone", "title": "draft"})
        stream = outside.add_stream_from_template(inside.streams.video[0])
        for packet in inside.demux(video=0):
            if packet.size:
                packet.stream = stream
                outside.mux(packet)
    assert b"the prompt" in film.read_bytes()
    mux_delivery(film, make_tone(tmp_path / "t.m4a", 2), tmp_path / "out.mp4", language="es-MX", title="Café Náutico")
    with av.open(str(tmp_path / "out.mp4")) as container:
        told = {
            key: value for key, value in container.metadata.items() if not key.endswith(("brand", "brands", "version"))
        }
        assert told == {"title": "Café Náutico"}
        assert container.streams.audio[0].language == "spa"
    data = (tmp_path / "out.mp4").read_bytes()
    for word in (b"the prompt", b"someone", b"draft", b"Lavf", str(tmp_path).encode()):
        assert word not in data


@pytest.mark.parametrize(
    "title",
    ["50% off = $9.99; it's", "-y", "'\"\\:,[]", "%{localtime}", "سوق", "=cmd", "a\nb\x00c\x1b", "x" * 5000, " "],
)
def test_a_title_is_text_and_nothing_else(tmp_path: Path, title: str) -> None:
    wanted = title.replace("\n", " ").replace("\x00", " ").replace("\x1b", " ").strip()[:200]
    with av.open(str(deliver(tmp_path, sound=False, title=title))) as container:
        assert container.metadata.get("title", "") == wanted


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        ("en-US", "eng"),
        ("es_MX", "spa"),
        ("DE", "deu"),
        ("zh-Hant-TW", "zho"),
        ("fr", "fra"),
        ("fil-PH", "fil"),
        ("nb", "nob"),
    ],
)
def test_languages_are_written_as_iso_639_2(tag: str, code: str) -> None:
    assert iso_639_2(tag) == code


@pytest.mark.parametrize("tag", ["", "xx-YY", "e", "english", "12", "../x"])
def test_an_unknown_language_is_refused_before_anything_is_written(tmp_path: Path, tag: str) -> None:
    with pytest.raises(ValueError, match="language"):
        deliver(tmp_path, language=tag)
    assert not (tmp_path / "delivery.mp4").exists()


def test_a_missing_or_broken_input_leaves_no_file(tmp_path: Path) -> None:
    film, broken = make_film(tmp_path / "film.mp4"), tmp_path / "broken.m4a"
    broken.write_bytes(b"no sound")
    out = tmp_path / "out.mp4"
    for video, audio, error in (
        (tmp_path / "none.mp4", None, BadMedia),
        (film, tmp_path / "none.m4a", BadMedia),
        (film, broken, ToolFailed),
        (film, film, ToolFailed),
    ):
        with pytest.raises(error):
            mux_delivery(video, audio, out, language="en", title="")
        assert not out.exists()


def test_a_full_disk_leaves_no_file(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4")
    with disk_that_ends_after(film.stat().st_size // 2), pytest.raises(ToolFailed):
        mux_delivery(film, None, tmp_path / "out.mp4", language="en", title="")
    assert not (tmp_path / "out.mp4").exists()
