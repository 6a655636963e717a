"""The engine `videos-api` over the wire: a real server on loopback, and what real ones do wrong."""

from __future__ import annotations

import io
import json
import logging
import pickle
import re
import threading
import time
import traceback
import wave
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from email.utils import formatdate
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
import pytest
import yaml
from PIL import Image

from generation.engines.videos_api.address import KEY_VARIABLE, PLAIN_VARIABLE, URL_VARIABLE, server_from
from generation.engines.videos_api.engine import VideosApi
from generation.engines.videos_api.film import scaled
from generation.engines.videos_api.limits import Clock, Limits
from generation.errors import (
    BadMedia,
    BadShot,
    GenerationError,
    NotAvailable,
    OutOfMemory,
    Refused,
    Transient,
)
from generation.media.frames import Planes, read_frames
from generation.media.probe import probe
from generation.spec import Footage, Progress, Shot, Size
from tests.generation.videos_server import Fault, VideosServer, film

KEY = "sk-very-secret-0123456789"
SIZE = Size(96, 160)
SHOT = Shot("A red kite over a green hill", SIZE, 13, Fraction(24), seed=5)


class FakeClock(Clock):
    """A clock that waits for nothing and remembers what was waited."""

    def __init__(self) -> None:
        self.time, self.slept = 0.0, [0.0]

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[VideosServer]:
    with VideosServer() as server:
        server.polls = 2
        monkeypatch.setenv(URL_VARIABLE, server.url)
        monkeypatch.setenv(KEY_VARIABLE, KEY)
        yield server


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def engine(clock: FakeClock) -> VideosApi:
    return VideosApi(Limits(answer_seconds=5.0), clock)


def make(engine: VideosApi, folder: Path, *shots: Shot, **options: object) -> list[Footage]:
    """The shots' footage; afterwards nothing but footage may lie in the folder."""
    folder.mkdir(exist_ok=True)
    shots = tuple(replace(shot, options={**shot.options, **options}) for shot in shots or (SHOT,))
    paths = [folder / f"{index}.mp4" for index in range(len(shots))]
    made = [event for event in engine.render(shots, paths) if isinstance(event, Footage)]
    files = {made.path for made in made} | {made.sound for made in made if made.sound}
    assert set(folder.iterdir()) == files
    return made


def doubts(footage: Footage) -> str:
    told = footage.notes["doubts"]
    assert isinstance(told, list)
    return "; ".join(told)


def changes(footage: Footage) -> str:
    told = footage.notes["changes"]
    assert isinstance(told, list)
    return "; ".join(told)


# --- a shot and its film --------------------------------------------------------------------------------------------


def test_a_shot_arrives_as_the_form_that_the_api_describes(
    server: VideosServer, engine: VideosApi, tmp_path: Path
) -> None:
    shot = replace(SHOT, prompt="Ein Café – コーヒー", negative_prompt='blurry, "text"\nlogo')
    options = {"model": "wan", "steps": 30, "guidance": 5.0, "extra": {"guidance_scale_2": 3.5, "enhance": True}}
    make(engine, tmp_path, shot, **options)
    post = server.seen[0]
    assert post.form == {
        "prompt": "Ein Café – コーヒー",
        "model": "wan",
        "seconds": "1",
        "size": "96x160",
        "seed": "5",
        "fps": "24",
        "num_frames": "13",
        "negative_prompt": 'blurry, "text"\nlogo',
        "num_inference_steps": "30",
        "guidance_scale": "5",
        "guidance_scale_2": "3.5",
        "enhance": "true",
    }
    headers = post.headers
    assert headers["content-type"].startswith("multipart/form-data; boundary=")
    assert headers["authorization"] == f"Bearer {KEY}"
    assert headers["idempotency-key"].startswith("spotmill-")


def test_the_footage_is_the_servers_film_to_the_frame(server: VideosServer, engine: VideosApi, tmp_path: Path) -> None:
    made = make(engine, tmp_path)[0]
    facts = probe(made.path).video
    assert (facts.codec, facts.size, facts.frames, facts.fps) == ("h264", SIZE, 13, Fraction(24))
    assert (facts.pixel_format, facts.matrix, facts.primaries, facts.transfer, facts.full_range) == (
        "yuv420p",
        1,
        1,
        1,
        False,
    )
    (tmp_path / "oracle").mkdir()
    oracle = tmp_path / "oracle" / "film.mp4"
    oracle.write_bytes(film(SHOT.prompt, 5, SIZE, Fraction(24), 13))
    for ours, theirs in zip(read_frames(made.path), read_frames(oracle), strict=True):
        assert np.abs(ours.y.astype(int) - theirs.y).mean() < 1.5
    assert made.notes["changes"] == []
    assert made.notes["doubts"] == []
    assert made.notes["answered"] == {"size": "96x160", "frames": 13, "fps": "24", "sound": False}


def test_the_film_is_deleted_at_the_server_once_it_is_here(
    server: VideosServer, engine: VideosApi, tmp_path: Path
) -> None:
    make(engine, tmp_path)
    assert server.jobs == {}
    server.deletes = False
    left = make(engine, tmp_path / "again")[0]
    assert "still at the server" in doubts(left)
    assert "405" in doubts(left)


def test_frames_are_asked_for_by_the_models_rule_and_the_surplus_is_left_out(
    server: VideosServer, engine: VideosApi, tmp_path: Path
) -> None:
    made = make(engine, tmp_path, replace(SHOT, frames=15), frames_step=8)[0]
    assert server.seen[0].form["num_frames"] == "17"
    assert probe(made.path).video.frames == 15
    assert changes(made) == "the server made 17 frames; the first 15 are used"


@pytest.mark.parametrize(
    ("frames", "rule", "asked"), [(40, "any", "2"), (40, "4,8,12", "4"), (97, "12, 4, 8", "8"), (48, "any", "2")]
)
def test_the_shortest_length_that_covers_the_shot_is_asked_for(
    server: VideosServer, engine: VideosApi, tmp_path: Path, frames: int, rule: str, asked: str
) -> None:
    make(engine, tmp_path, replace(SHOT, frames=frames), seconds=rule)
    assert server.seen[0].form["seconds"] == asked


def test_a_shot_longer_than_the_servers_longest_is_refused_before_anything_is_sent(
    server: VideosServer, engine: VideosApi, tmp_path: Path
) -> None:
    with pytest.raises(BadShot, match=r"5\.00 s is longer than the server's longest \(4 s"):
        make(engine, tmp_path, replace(SHOT, frames=120), seconds="4")
    assert server.seen == []


def test_strict_servers_get_no_field_beyond_the_api(server: VideosServer, engine: VideosApi, tmp_path: Path) -> None:
    shot = replace(SHOT, negative_prompt="text")
    made = make(engine, tmp_path, shot, send_seed=False, send_frames=False, send_negative=False, seconds="4,8,12")[0]
    assert set(server.seen[0].form) == {"prompt", "seconds", "size"}
    assert "seed was not sent" in doubts(made)
    assert "negative prompt was not sent" in doubts(made)
    assert probe(made.path).video.frames == 13


def test_the_nearest_size_of_the_servers_is_asked_for(server: VideosServer, engine: VideosApi, tmp_path: Path) -> None:
    made = make(engine, tmp_path, sizes=["160x96", "64x112", "80x80"])[0]
    assert server.seen[0].form["size"] == "64x112"
    assert probe(made.path).video.size == SIZE
    assert changes(made) == "the server made 64x112; cropped and scaled to 96x160"


def test_another_size_is_cropped_in_the_middle_and_keeps_its_colours() -> None:
    y = np.zeros((100, 300), np.uint8)
    y[:, 100:200] = 200
    wide = Planes(y, np.full((50, 150), 90, np.uint8), np.full((50, 150), 160, np.uint8))
    made = scaled(wide, Size(64, 64))
    assert (made.y.shape, made.u.shape, made.v.shape) == ((64, 64), (32, 32), (32, 32))
    assert made.y.min() == 200
    assert (made.u.min(), made.v.max()) == (90, 160)


def test_another_rate_keeps_the_speed_of_the_motion(server: VideosServer, engine: VideosApi, tmp_path: Path) -> None:
    server.fps = Fraction(16)
    made = make(engine, tmp_path, replace(SHOT, frames=24), fps=16)[0]
    assert (server.seen[0].form["fps"], server.seen[0].form["num_frames"]) == ("16", "17")
    assert probe(made.path).video.fps == 24
    assert "16 frames a second; 24 by showing the nearest frame" in changes(made)
    oracle = tmp_path / "oracle"
    oracle.write_bytes(film(SHOT.prompt, 5, SIZE, Fraction(16), 17))
    theirs = [planes.y.astype(int) for planes in map(_copied, read_frames(oracle))]
    for index, planes in enumerate(read_frames(made.path)):
        assert np.abs(planes.y - theirs[index * 16 // 24]).mean() < 1.5


def _copied(planes: Planes) -> Planes:
    return Planes(*(plane.copy() for plane in planes))


def test_thirty_frames_a_second_pass_for_the_delivery_rate(
    server: VideosServer, engine: VideosApi, tmp_path: Path
) -> None:
    made = make(engine, tmp_path, replace(SHOT, fps=Fraction(30000, 1001), frames=16))[0]
    assert (server.seen[0].form["fps"], server.seen[0].form["num_frames"]) == ("30", "17")
    assert probe(made.path).video.fps == Fraction(30000, 1001)
    assert changes(made) == "the server made 17 frames; the first 16 are used"


def test_too_short_a_film_says_what_to_set(server: VideosServer, engine: VideosApi, tmp_path: Path) -> None:
    server.frames = 9
    with pytest.raises(
        BadMedia, match=r"made 9 frames at 24 a second, and the shot needs 13 .* options fps and seconds"
    ):
        make(engine, tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert server.jobs == {}


def test_the_picture_is_sent_at_the_films_size(server: VideosServer, engine: VideosApi, tmp_path: Path) -> None:
    Image.new("RGB", (300, 200), (220, 30, 30)).save(tmp_path / "shoe.png")
    made = make(engine, tmp_path / "out", replace(SHOT, image=tmp_path / "shoe.png"), sizes=["64x112"])[0]
    planes = next(iter(read_frames(made.path)))
    assert planes.v.mean() > 160  # the server's film takes its colour
    server.polls = 99
    batch = engine.render([replace(SHOT, image=tmp_path / "shoe.png")], [tmp_path / "x.mp4"])
    with closing(batch):  # type: ignore[type-var]
        next(batch)
        picture = Image.open(io.BytesIO(next(iter(server.jobs.values())).picture or b""))
        assert (picture.format, picture.mode, picture.size) == ("PNG", "RGB", (96, 160))


def test_the_frame_before_goes_before_the_picture_and_the_notes_say_so(
    server: VideosServer, engine: VideosApi, tmp_path: Path
) -> None:
    Image.new("RGB", (96, 160), (20, 30, 230)).save(tmp_path / "last.png")
    Image.new("RGB", (96, 160), (230, 30, 20)).save(tmp_path / "shoe.png")
    shot = replace(SHOT, image=tmp_path / "shoe.png", first_frame=tmp_path / "last.png")
    made = make(engine, tmp_path / "out", shot)[0]
    assert next(iter(read_frames(made.path))).v.mean() < 120
    assert "the picture was not sent" in doubts(made)


def test_the_films_own_sound_is_kept_beside_it_when_asked_for(
    server: VideosServer, engine: VideosApi, tmp_path: Path
) -> None:
    server.film = with_sound(film("a", 1, SIZE, Fraction(24), 13), 1.0)
    assert make(engine, tmp_path / "silent")[0].sound is None
    made = make(engine, tmp_path / "loud", keep_sound=True)[0]
    assert made.sound == tmp_path / "loud" / "0.wav"
    with wave.open(str(made.sound)) as sound:
        assert (sound.getnchannels(), sound.getframerate()) == (2, 48_000)
        assert sound.getnframes() == pytest.approx(13 / 24 * 48_000, abs=2)
        heard = np.frombuffer(sound.readframes(48_000), np.int16)
    assert np.abs(heard).max() > 5000
    assert not probe(made.path).audio


def with_sound(content: bytes, seconds: float) -> bytes:
    """The film with a tone as AAC."""
    out = io.BytesIO()
    with av.open(io.BytesIO(content)) as source, av.open(out, "w", format="mp4") as target:
        video = target.add_stream_from_template(source.streams.video[0])
        audio = target.add_stream("aac", rate=44_100, layout="mono")
        for packet in source.demux(source.streams.video[0]):
            if packet.size:
                packet.stream = video
                target.mux(packet)
        tone = (0.5 * np.sin(np.arange(int(seconds * 44_100)) * 0.06)).astype(np.float32)[None]
        frame = av.AudioFrame.from_ndarray(tone, format="fltp", layout="mono")
        frame.sample_rate = 44_100
        for packet in [*audio.encode(frame), *audio.encode(None)]:
            target.mux(packet)
    return out.getvalue()


# --- batches, polling, cancel ---------------------------------------------------------------------------------------


def test_no_more_jobs_are_in_flight_than_allowed_and_each_shot_gets_its_own_film(
    server: VideosServer, engine: VideosApi, tmp_path: Path
) -> None:
    shots = [replace(SHOT, seed=seed) for seed in range(5)]
    made = make(engine, tmp_path, *shots, concurrency=3)
    assert server.most_in_flight == 3
    assert len(made) == 5
    for seed, footage in enumerate(made):
        (tmp_path / "oracle").write_bytes(film(SHOT.prompt, seed, SIZE, Fraction(24), 13))
        ours, theirs = (next(iter(read_frames(path))).y.astype(int) for path in (footage.path, tmp_path / "oracle"))
        assert np.abs(ours - theirs).mean() < 1.5


def test_progress_is_the_servers_and_only_grows(server: VideosServer, engine: VideosApi, tmp_path: Path) -> None:
    server.polls = 4
    events = list(engine.render([SHOT], [tmp_path / "0.mp4"]))
    told = [event.done for event in events if isinstance(event, Progress)]
    assert told == [0, 23, 47, 71, 95, 98, 100]


def test_the_server_says_when_to_ask_again(
    server: VideosServer, engine: VideosApi, clock: FakeClock, tmp_path: Path
) -> None:
    server.poll_after_ms = "7000"
    make(engine, tmp_path)
    assert [wait for wait in clock.slept if wait] == [7.0, 7.0]


def test_without_its_word_the_pauses_grow_to_a_limit(
    server: VideosServer, engine: VideosApi, clock: FakeClock, tmp_path: Path
) -> None:
    server.poll_after_ms, server.polls = None, 8
    make(engine, tmp_path)
    assert [wait for wait in clock.slept if wait] == pytest.approx([2, 3, 4.5, 6.75, 10.125, 15, 15, 15])


def test_closing_the_generator_deletes_the_jobs_and_leaves_nothing(
    server: VideosServer, engine: VideosApi, tmp_path: Path
) -> None:
    server.polls = 99
    threads = {thread for thread in threading.enumerate() if "process_request" not in thread.name}
    events = engine.render([SHOT, replace(SHOT, seed=6), replace(SHOT, seed=7)], [tmp_path / f"{n}" for n in range(3)])
    assert isinstance(next(events), Progress)
    assert len(server.jobs) == 2
    events.close()  # type: ignore[attr-defined]
    assert server.jobs == {}
    assert list(tmp_path.iterdir()) == []
    assert {thread for thread in threading.enumerate() if "process_request" not in thread.name} == threads


@pytest.mark.parametrize("done", [95, 98, 100])
def test_closing_at_the_end_leaves_no_file_either(
    server: VideosServer, engine: VideosApi, tmp_path: Path, done: int
) -> None:
    events = engine.render([SHOT], [tmp_path / "0.mp4"])
    while not (isinstance(event := next(events), Progress) and event.done == done):
        pass
    events.close()  # type: ignore[attr-defined]
    assert (list(tmp_path.iterdir()), server.jobs) == ([], {})


def test_a_stuck_job_is_given_up_at_the_deadline(
    server: VideosServer, engine: VideosApi, clock: FakeClock, tmp_path: Path
) -> None:
    server.record, server.poll_after_ms = {"status": "in_progress", "progress": 40}, "5000"
    with pytest.raises(Transient, match=r"video_1 is still in_progress \(40 %\) after 60 s; raise .* deadline_seconds"):
        make(engine, tmp_path, deadline_seconds=60)
    assert clock.time == pytest.approx(60, abs=1)
    assert server.jobs == {}


def test_a_shot_that_fails_takes_no_sibling_with_it(server: VideosServer, engine: VideosApi, tmp_path: Path) -> None:
    bad, good = replace(SHOT, prompt="bad"), replace(SHOT, seed=9)
    server.faults["POST videos"] = [Fault.json(400, "Bad prompt")]
    with pytest.raises(BadShot, match="Bad prompt"):
        make(engine, tmp_path, bad, good)
    assert [job.form["seed"] for job in server.jobs.values()] == ["9"]  # it runs on
    posts = server.count("POST videos")
    make(engine, tmp_path / "again", good)
    assert server.count("POST videos") == posts  # and is taken up, not paid for again


def test_what_was_made_before_a_failure_is_kept(server: VideosServer, engine: VideosApi, tmp_path: Path) -> None:
    options = {"concurrency": 1}
    shots = [replace(SHOT, options=options), replace(SHOT, seed=6, options=options)]
    events = engine.render(shots, [tmp_path / "0.mp4", tmp_path / "1.mp4"])
    made = next(event for event in events if isinstance(event, Footage))
    server.record = {"status": "failed", "error": {"code": "server_error", "message": "Worker died"}}
    with pytest.raises(Transient, match="Worker died"):
        list(events)
    assert [path.name for path in tmp_path.iterdir()] == ["0.mp4"]
    assert probe(made.path).video.frames == 13


# --- faults that pass -----------------------------------------------------------------------------------------------


def test_too_many_requests_waits_as_long_as_the_server_asks(
    server: VideosServer, engine: VideosApi, clock: FakeClock, tmp_path: Path
) -> None:
    server.faults["POST videos"] = [Fault.json(429, "Slow down", "rate_limit_exceeded", Retry_After="20")]
    make(engine, tmp_path)
    assert 20.5 <= max(clock.slept) <= 21.0
    assert server.count("POST videos") == 2


def test_retry_after_may_be_a_date(server: VideosServer, engine: VideosApi, clock: FakeClock, tmp_path: Path) -> None:
    server.faults["GET job"] = [Fault(429, headers={"Retry-After": formatdate(time.time() + 40, usegmt=True)})]
    make(engine, tmp_path)
    assert 35 < max(clock.slept) < 42


def test_a_wait_of_an_hour_is_not_sat_out(server: VideosServer, engine: VideosApi, tmp_path: Path) -> None:
    server.faults["POST videos"] = [Fault.json(429, "Busy", Retry_After="3600")]
    with pytest.raises(Transient, match=r"429: Busy .*again in 3600 s"):
        make(engine, tmp_path)


@pytest.mark.parametrize("what", ["POST videos", "GET job", "GET content"])
@pytest.mark.parametrize("status", [500, 503, 408, 409, 425])
def test_a_fault_that_passes_is_tried_again_with_growing_pauses(
    server: VideosServer, engine: VideosApi, clock: FakeClock, tmp_path: Path, what: str, status: int
) -> None:
    server.faults[what] = [Fault(status), Fault(status)]
    make(engine, tmp_path)
    assert server.count(what) >= 3
    pauses = [wait for wait in clock.slept if wait]
    assert 0.5 <= pauses[0] <= 1.0 <= pauses[1] <= 2.0


def test_a_server_that_stays_broken_is_given_up(server: VideosServer, engine: VideosApi, tmp_path: Path) -> None:
    server.faults["POST videos"] = [Fault(502, b"<html><title>502 Bad Gateway</title><body>nginx</body></html>")] * 9
    with pytest.raises(Transient, match=r"answered 502: 502 Bad Gateway \(tried 7 times; the server may be making"):
        make(engine, tmp_path)
    assert server.count("POST videos") == 7


def test_nobody_there_is_a_sentence(
    engine: VideosApi, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server: VideosServer
) -> None:
    with VideosServer() as gone:
        address = gone.url
    monkeypatch.setenv(URL_VARIABLE, address)
    with pytest.raises(Transient, match=r"127\.0\.0\.1:\d+ cannot be reached .*tried 7 times"):
        make(engine, tmp_path)


def test_a_download_that_breaks_off_is_fetched_again(server: VideosServer, engine: VideosApi, tmp_path: Path) -> None:
    content = film("a", 1, SIZE, Fraction(24), 13)
    server.faults["GET content"] = [Fault(200, content, kind="video/mp4", cut=len(content) // 2)]
    assert probe(make(engine, tmp_path)[0].path).video.frames == 13
    assert server.count("GET content") == 2
    assert server.count("POST videos") == 1


def test_a_truncated_film_is_fetched_once_more_and_then_given_up(
    server: VideosServer, engine: VideosApi, tmp_path: Path
) -> None:
    content = film("a", 1, SIZE, Fraction(24), 13)
    half = Fault(200, content[: len(content) * 2 // 3], kind="video/mp4")
    server.faults["GET content"] = [half]
    make(engine, tmp_path / "once")
    server.faults["GET content"] = [half, half]
    with pytest.raises(Transient, match="film is not whole"):
        make(engine, tmp_path / "twice")
    assert server.jobs == {}


def test_flipped_bits_in_the_film_are_noticed(server: VideosServer, engine: VideosApi, tmp_path: Path) -> None:
    content = bytearray(film("a", 1, SIZE, Fraction(24), 13))
    middle = content.index(b"mdat") + (len(content) - content.index(b"mdat")) // 2
    content[middle : middle + 400] = b"\xa5" * 400
    server.film = bytes(content)
    with pytest.raises(Transient, match="film cannot be decoded"):
        make(engine, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("kind", "body", "sentence"),
    [
        (
            "text/html",
            b"<html><title>Please sign in</title></html>",
            "came as text/html, not as a video: Please sign in",
        ),
        ("application/json", b'{"status": "pending"}', "came as application/json"),
        ("video/mp4", b"not a film at all, whatever its type says", "film is not whole"),
    ],
)
def test_what_is_no_film_is_told(
    server: VideosServer, engine: VideosApi, tmp_path: Path, kind: str, body: bytes, sentence: str
) -> None:
    server.faults["GET content"] = [Fault(200, body, kind=kind)] * 9
    with pytest.raises(Transient, match=sentence):
        make(engine, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_body_over_the_limit_is_not_read_to_its_end(server: VideosServer, tmp_path: Path) -> None:
    server.film = b"\0" * 3_000_000
    with pytest.raises(BadShot, match="larger than 1,000,000 bytes"):
        make(VideosApi(Limits(most_film_bytes=1_000_000), FakeClock()), tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert server.jobs == {}


@pytest.mark.parametrize("body", [b"<html><title>Welcome</title></html>", b"", b"[1]", b'{"id": "../../admin"}'])
def test_an_answer_that_is_no_job_is_told(server: VideosServer, engine: VideosApi, tmp_path: Path, body: bytes) -> None:
    server.faults["POST videos"] = [Fault(200, body)] * 9
    with pytest.raises(Transient, match=r"videos-api: .*(no JSON|no video job)"):
        make(engine, tmp_path)


@pytest.mark.parametrize("progress", [None, "half", -5, 1e999, 250])
def test_a_progress_that_makes_no_sense_harms_nothing(
    server: VideosServer, engine: VideosApi, tmp_path: Path, progress: object
) -> None:
    server.record = {"progress": progress}
    events = list(engine.render([SHOT], [tmp_path / "0.mp4"]))
    told = [event.done for event in events if isinstance(event, Progress)]
    assert told == sorted(set(told))
    assert told[-1] == 100


def test_an_unknown_status_is_told(server: VideosServer, engine: VideosApi, tmp_path: Path) -> None:
    server.record = {"status": "hibernating"}
    with pytest.raises(Transient, match="job video_1 hibernating"):
        make(engine, tmp_path)


def test_an_expired_film_may_be_made_again(server: VideosServer, engine: VideosApi, tmp_path: Path) -> None:
    server.faults["GET content"] = [Fault.json(404, "Content has expired", "expired")]
    with pytest.raises(Transient, match="expired"):
        make(engine, tmp_path)
    make(engine, tmp_path)
    assert server.count("POST videos") == 2


def test_a_job_that_the_server_forgot_is_posted_once_more(
    server: VideosServer, engine: VideosApi, tmp_path: Path
) -> None:
    server.faults["GET job"] = [Fault.json(404, "Video not found")] * 3
    made = make(engine, tmp_path)[0]
    assert server.count("POST videos") == 2
    assert "had forgotten the job" in doubts(made)


def test_a_job_that_is_not_known_everywhere_at_once_is_not_posted_again(
    server: VideosServer, engine: VideosApi, tmp_path: Path
) -> None:
    server.faults["GET job"] = [Fault.json(404, "Video not found")] * 2
    make(engine, tmp_path)
    assert server.count("POST videos") == 1


# --- paying once ----------------------------------------------------------------------------------------------------


def test_a_lost_answer_is_looked_for_in_the_list(server: VideosServer, engine: VideosApi, tmp_path: Path) -> None:
    server.faults["POST videos"] = [Fault(after=True, cut=0)]
    made = make(engine, tmp_path)[0]
    assert server.count("POST videos") == 1
    assert "found in the server's list" in doubts(made)


def test_another_shots_job_is_not_taken_for_the_lost_one(
    server: VideosServer, engine: VideosApi, tmp_path: Path
) -> None:
    server.record = {"seed": "999"}
    server.faults["POST videos"] = [Fault(after=True, cut=0)]
    made = make(engine, tmp_path)[0]
    assert server.count("POST videos") == 2
    assert "may have made it twice" in doubts(made)


def test_a_server_that_knows_our_key_is_paid_once(server: VideosServer, engine: VideosApi, tmp_path: Path) -> None:
    server.honours_keys = True
    server.faults["GET list"] = [Fault(404)]
    server.faults["POST videos"] = [Fault(504, after=True)]
    make(engine, tmp_path)
    assert server.count("POST videos") == 2
    keys = {seen.headers.get("idempotency-key") for seen in server.seen if seen.method == "POST"}
    assert len(keys) == 1
    assert {seen.path for seen in server.seen if seen.path.endswith("/content")} == {"/v1/videos/video_1/content"}


def test_the_key_of_a_post_follows_everything_that_is_sent(
    server: VideosServer, engine: VideosApi, tmp_path: Path
) -> None:
    Image.new("RGB", (96, 160), (20, 30, 230)).save(tmp_path / "blue.png")
    shots = [SHOT, replace(SHOT, seed=6), replace(SHOT, image=tmp_path / "blue.png"), SHOT]
    for index, shot in enumerate(shots):
        make(engine, tmp_path / f"{index}", shot)
    keys = [seen.headers.get("idempotency-key", "") for seen in server.seen if seen.method == "POST"]
    assert len(set(keys)) == 4  # the fourth is a new film of the first: its job ended
    assert keys[3].rpartition("-")[0] == keys[0].rpartition("-")[0]


# --- faults that stay -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "error", "sentence"),
    [
        (Fault.json(400, "size must be one of 720x1280"), BadShot, "400: size must be one of 720x1280"),
        (Fault.json(404, "Model wan9 does not exist", "model_not_found"), BadShot, r"wan9 .*\[model_not_found\]"),
        (
            Fault(422, b'{"detail": [{"loc": ["body", "fps"], "msg": "Input should be less than 60"}]}'),
            BadShot,
            r"body\.fps: Input should be less than 60",
        ),
        (Fault(422, b"plain words"), BadShot, "422: plain words"),
        (Fault(404, b'{"detail": "Not Found"}'), NotAvailable, f"Not Found. Check the address in {URL_VARIABLE}"),
        (Fault.json(401, "Bad key", "invalid_api_key"), NotAvailable, KEY_VARIABLE),
        (Fault(403, b"<html><title>Forbidden</title></html>"), NotAvailable, f"Forbidden. Check .*{KEY_VARIABLE}"),
        (Fault.json(429, "You exceeded your quota", "insufficient_quota"), NotAvailable, "used up"),
        (Fault.json(400, "Declined", "content_policy_violation"), Refused, "Declined"),
        (Fault.json(403, "Blocked", "moderation_blocked"), Refused, "Blocked"),
        (Fault.json(500, "CUDA out of memory. Tried to allocate 20 GiB"), OutOfMemory, "20 GiB"),
    ],
)
def test_a_fault_that_stays_is_told_at_once_in_the_servers_words(
    server: VideosServer, engine: VideosApi, tmp_path: Path, fault: Fault, error: type[GenerationError], sentence: str
) -> None:
    server.faults["POST videos"] = [fault]
    with pytest.raises(error, match=sentence) as raised:
        make(engine, tmp_path)
    assert type(raised.value) is error
    assert server.count("POST videos") == 1


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        ({"code": "moderation_blocked", "message": "Your request was blocked"}, Refused),
        ({"code": "content_policy_violation", "message": "No"}, Refused),
        ({"code": "server_error", "message": "Worker died"}, Transient),
        ({"code": "error", "message": "torch.OutOfMemoryError: CUDA out of memory"}, OutOfMemory),
        ({"code": "invalid_value", "message": "num_frames must be 4n+1"}, BadShot),
        ("Worker died", Transient),
        (None, Transient),
    ],
)
def test_a_failed_job_is_classified_by_its_error(
    server: VideosServer, engine: VideosApi, tmp_path: Path, failure: Any, error: type[GenerationError]
) -> None:
    server.record = {"status": "failed", "error": failure}
    text = failure["message"] if isinstance(failure, dict) else failure or "no reason given"
    with pytest.raises(error) as raised:
        make(engine, tmp_path)
    assert type(raised.value) is error
    assert text in str(raised.value)
    assert server.jobs == {}


def test_long_and_marked_up_messages_are_cut_to_a_sentence(
    server: VideosServer, engine: VideosApi, tmp_path: Path
) -> None:
    server.faults["POST videos"] = [Fault.json(400, "<b>Bad</b>\n\x1b[31m" + "x" * 5000)]
    with pytest.raises(BadShot) as raised:
        make(engine, tmp_path)
    assert len(str(raised.value)) < 600
    assert "\x1b" not in str(raised.value)
    assert "<b>" not in str(raised.value)


# --- the address and the key ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["POST videos", "GET job", "GET content", "DELETE job"])
def test_no_redirect_leads_to_another_host(server: VideosServer, engine: VideosApi, tmp_path: Path, what: str) -> None:
    with VideosServer() as stranger:
        server.faults[what] = [Fault(307, b"", {"Location": f"{stranger.url}/videos/video_1"})] * 3
        if what == "DELETE job":
            assert "redirects to http://127.0.0.1" in doubts(make(engine, tmp_path)[0])
        else:
            with pytest.raises(NotAvailable, match=rf"redirects to http://127\.0\.0\.1.* not followed.*{URL_VARIABLE}"):
                make(engine, tmp_path)
        assert stranger.seen == []


def test_a_redirect_on_the_same_server_is_followed(server: VideosServer, engine: VideosApi, tmp_path: Path) -> None:
    server.faults["GET content"] = [Fault(302, b"", {"Location": "/v1/videos/video_1/content?variant=video"})]
    make(engine, tmp_path)
    assert any(seen.path.endswith("?variant=video") for seen in server.seen)


def test_the_key_is_in_no_text(
    server: VideosServer, engine: VideosApi, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    parrot = f"Incorrect API key provided: {KEY}"
    everything: list[str] = []
    for fault in (
        Fault.json(401, parrot),
        Fault.json(500, parrot),
        Fault(200, parrot.encode()),
        Fault(cut=0),
    ):
        server.faults["POST videos"] = [fault] * 9
        with pytest.raises(GenerationError) as raised:
            make(engine, tmp_path)
        everything += ["".join(traceback.format_exception(raised.value)), repr(raised.value.__dict__)]
        assert pickle.loads(pickle.dumps(raised.value)).args == raised.value.args
        # Nothing of httpx hangs on the error: its request holds the key.
        chain: BaseException | None = raised.value
        while chain is not None:
            assert not isinstance(chain, httpx.HTTPError)
            chain = chain.__cause__
    server.faults.clear()
    server.record = {"model": parrot}
    everything += [json.dumps(dict(make(engine, tmp_path)[0].notes)), repr(server_from()), repr(engine), caplog.text]
    server.record = {"status": "failed", "error": {"code": "x", "message": parrot}}
    with pytest.raises(Transient) as raised:
        make(engine, tmp_path / "last")
    everything.append(str(raised.value))
    assert "[key]" in everything[0]
    assert not [text for text in everything if KEY in text]


def test_without_a_key_no_header_is_sent(
    server: VideosServer, engine: VideosApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(KEY_VARIABLE)
    make(engine, tmp_path)
    assert not [seen for seen in server.seen if "authorization" in seen.headers]


@pytest.mark.parametrize(
    "url",
    ["https://videos.example.com/v1", "http://localhost:8000/v1", "http://[::1]:8000/v1", "http://127.3.2.1/v1/"],
)
def test_encrypted_and_local_addresses_are_taken(url: str) -> None:
    assert server_from({URL_VARIABLE: url}).url == url.rstrip("/")


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("", f"{URL_VARIABLE} is not set"),
        ("http://videos.example.com/v1", rf"unencrypted; use https, .*{PLAIN_VARIABLE}"),
        ("http://10.0.0.7:8000/v1", "unencrypted"),
        ("http://localhost.example.com/v1", "unencrypted"),
        ("file:///home/me/film.mp4", "not an http or https address"),
        ("https://", "not an http or https address"),
        ("https://[::1", "not an address"),
        ("https://videos.example.com/v1?token=a", "query"),
        ("https://me:hunter2@videos.example.com/v1", f"put the key into {KEY_VARIABLE}"),
    ],
)
def test_other_addresses_are_refused_with_the_way_out(url: str, sentence: str) -> None:
    with pytest.raises(NotAvailable, match=sentence) as raised:
        server_from({URL_VARIABLE: url})
    assert "hunter2" not in str(raised.value)


def test_a_private_host_may_be_named_and_a_public_one_may_not() -> None:
    named = {PLAIN_VARIABLE: "10.0.0.7, gpu-box.lan 8.8.8.8"}
    for host in ("10.0.0.7", "gpu-box.lan"):
        assert server_from({URL_VARIABLE: f"http://{host}:8000/v1", **named}).host == f"{host}:8000"
    with pytest.raises(NotAvailable, match="public address"):
        server_from({URL_VARIABLE: "http://8.8.8.8/v1", **named})


def test_a_key_that_no_header_can_carry_is_refused_without_showing_it() -> None:
    with pytest.raises(NotAvailable, match=KEY_VARIABLE) as raised:
        server_from({URL_VARIABLE: "https://a.example.com", KEY_VARIABLE: "sk-one\nsk-two"})
    assert "sk-one" not in str(raised.value)


# --- facts ----------------------------------------------------------------------------------------------------------


def test_what_is_missing_is_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(URL_VARIABLE, raising=False)
    assert VideosApi().missing()[0].startswith(f"{URL_VARIABLE} is not set")
    with pytest.raises(NotAvailable, match=URL_VARIABLE):
        next(VideosApi().render([SHOT], [tmp_path / "0.mp4"]))
    monkeypatch.setenv(URL_VARIABLE, "http://127.0.0.1:9/v1")
    assert VideosApi().missing() == ()


def test_options_decide_the_facts_of_a_campaign() -> None:
    plain = VideosApi()
    assert (plain.native_size(Size(1080, 1920)), plain.native_size(Size(1920, 1080))) == (
        Size(720, 1280),
        Size(1280, 720),
    )
    tuned = plain.for_options(
        {"sizes": ["480x832", "832x480"], "fps": 16, "licence": "Apache-2.0", "model": "wan", "keep_sound": True}
    )
    assert tuned.native_size(Size(1080, 1350)) == Size(480, 832)
    assert (tuned.native_fps(Fraction(30)), tuned.licence, tuned.models) == (16, "Apache-2.0", ("wan",))
    assert (tuned.makes_audio, plain.makes_audio) == (True, False)
    assert plain.native_fps(Fraction(30)) == 24
    assert plain.commercial_use == "conditional"


@pytest.mark.parametrize(
    "options",
    [
        {"sizes": ["720p"]},
        {"seconds": "4;8"},
        {"concurrency": 0},
        {"extra": {"a b": 1}},
        {"frames_step": 0},
        {"fps": 1},
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(BadShot, match=next(iter(options))):
        VideosApi().validated(options)


@pytest.mark.parametrize(
    ("first", "names"),
    [
        ("variable", {URL_VARIABLE, KEY_VARIABLE, PLAIN_VARIABLE}),
        ("option", set(VideosApi.Options.model_fields)),
    ],
)
def test_the_page_about_servers_tells_every_variable_and_option(first: str, names: set[str]) -> None:
    page = (Path(__file__).parents[2] / "docs" / "servers.md").read_text("utf-8")
    lines = page.partition(f"| {first} |")[2].partition("\n\n")[0].splitlines()[2:]
    assert {name for line in lines for name in re.findall(r"`([^`]+)`", line.split("|")[1])} == names


def test_the_campaigns_that_the_page_shows_are_understood() -> None:
    page = (Path(__file__).parents[2] / "docs" / "servers.md").read_text("utf-8")
    shown = [
        yaml.safe_load(block) for block in re.findall(r"```\n(.*?)```", page, re.DOTALL) if "engine_options" in block
    ]
    assert len(shown) == 2
    for campaign in shown:
        VideosApi().validated(campaign["engine_options"])
