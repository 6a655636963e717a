"""Signs of life: how often they are written, what they hold, and that none is left."""

import json
import os
import time

from flows import live
from flows.live import LiveFolder, Pulse, Sign


def test_a_sign_tells_phase_steps_and_what_is_made(tmp_path):
    folder = LiveFolder(tmp_path)
    Pulse(folder, "key", "a sea at dawn").beat("denoising", 12, 40)
    sign = folder.read("key")
    assert sign is not None
    assert (sign.phase, sign.done, sign.total, sign.text) == ("denoising", 12, 40, "a sea at dawn")
    assert sign.sentence() == "denoising 12/40"
    assert set(json.loads((tmp_path / "live/key.json").read_text())) == {"phase", "done", "total", "text", "when"}


def test_signs_are_written_at_most_twice_a_second(tmp_path, monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(live.time, "monotonic", lambda: clock[0])
    folder = LiveFolder(tmp_path)
    pulse = Pulse(folder, "key", "")
    seen = set()
    for number in range(100):
        clock[0] = 100 + number * 0.05
        pulse.beat("denoising", number, 100)
        seen.add(folder.read("key").done)
    assert 9 <= len(seen) <= 11, "five seconds"


def test_the_newest_preview_lies_beside_the_sign_and_waits_for_it(tmp_path, monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(live.time, "monotonic", lambda: clock[0])
    pulse = Pulse(LiveFolder(tmp_path), "key", "")
    pulse.beat("denoising", 1, 9)
    preview = tmp_path / "preview.jpg"
    preview.write_bytes(b"first")
    pulse.beat("denoising", 2, 9, preview)
    assert not (tmp_path / "live/key.jpg").exists(), "too soon after the sign before"
    clock[0] += 1
    pulse.beat("denoising", 3, 9)
    assert (tmp_path / "live/key.jpg").read_bytes() == b"first"


def test_nothing_is_left_when_the_step_has_ended(tmp_path):
    folder = LiveFolder(tmp_path)
    preview = tmp_path / "preview.jpg"
    preview.write_bytes(b"x")
    pulse = Pulse(folder, "key", "")
    pulse.beat("denoising", 1, 9, preview)
    assert len(list(folder.folder.iterdir())) == 2
    pulse.stop()
    assert list(folder.folder.iterdir()) == []
    assert folder.read("key") is None


def test_a_sign_that_cannot_be_written_or_read_is_no_fault(tmp_path):
    (tmp_path / "live").write_text("a file where the folder should be")
    folder = LiveFolder(tmp_path)
    Pulse(folder, "key", "").beat("denoising", 1, 2)
    assert folder.read("key") is None
    folder.forget("key")
    (tmp_path / "other/live").mkdir(parents=True)
    (tmp_path / "other/live/key.json").write_text('{"phase": ')
    assert LiveFolder(tmp_path / "other").read("key") is None


def test_signs_of_runs_that_died_long_ago_are_swept_away_and_others_stay(tmp_path):
    folder = LiveFolder(tmp_path)
    for key in ("old", "new"):
        folder.write(key, Sign("denoising", 1, 2, "", 0.0))
    long_ago = time.time() - 2 * 24 * 3600
    os.utime(tmp_path / "live/old.json", (long_ago, long_ago))
    folder.sweep()
    assert folder.read("old") is None
    assert folder.read("new") is not None
