"""What hangs is found within its silence, ended with all it started, and named; what is slow but lives is not."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from fractions import Fraction

import ffmpeg
import pytest

from flows.crew import InlineCrew
from flows.deadlines import LATER, LATER_SECONDS, Deadlines
from flows.ending import end_process
from flows.history import tell
from flows.jobs import FilmJob, Terms
from flows.ledger import Ledger
from flows.live import LiveFolder, Sign, WorkPulse
from flows.order import Order
from flows.settings import Settings
from flows.studio import Run
from generation.errors import ToolFailed, ToolTimedOut
from generation.media import ffmpeg as runner
from generation.media.frames import VideoWriter, new_frame
from generation.media.life import Watch, watched
from generation.spec import Size
from tests.flows.small import small_campaign
from tests.flows.test_produce import ScriptedCrew, plan, produce, statuses
from tests.generation.test_media_ffmpeg import processes_naming, script, to_nowhere, wait_until

#: Reports its frames as ffmpeg does, one every `pause` seconds, and stops for ever after `last`.
FRAMES = """[ "$1" = -version ] && echo "ffmpeg version 1" && exit
number=0
while [ $number -lt {last} ]; do
  number=$((number + 1)); echo "frame=$number"; echo "progress=continue"; sleep {pause}
done
{then}"""


def pretend(monkeypatch, tmp_path, **words):
    program = script(tmp_path / "pretended_ffmpeg", FRAMES.format(**{"pause": 0.2, "last": 5, "then": "", **words}))
    monkeypatch.setenv(runner.VARIABLE, str(program))
    return program


def quietly(silence_seconds, seen=lambda what, done, total: None):
    return watched(Watch(seen, silence_seconds))


# --- programs ---------------------------------------------------------------------------------------------------------


def test_an_ffmpeg_that_stops_making_frames_is_ended_within_its_silence_and_named(monkeypatch, tmp_path):
    program = pretend(monkeypatch, tmp_path, then="while :; do echo frame=5; sleep 0.1; done")
    with (
        quietly(0.8),
        pytest.raises(ToolTimedOut, match=r"no sign of life for 0\.8 s \(frame 5 of 450\) and was ended"),
    ):
        runner.run(to_nowhere(runner.source(tmp_path / "film.mp4")), frames=450)
    assert wait_until(0, str(program)) == []


def test_an_ffmpeg_that_waits_before_its_first_frame_is_named_so(tmp_path):
    fifo = tmp_path / "never_written.mp4"
    os.mkfifo(fifo)
    with quietly(0.6), pytest.raises(ToolTimedOut, match="before its first frame"):
        runner.run(to_nowhere(runner.source(fifo)))
    assert processes_naming(str(fifo)) == []


def test_a_slow_ffmpeg_that_lives_is_never_ended(monkeypatch, tmp_path):
    pretend(monkeypatch, tmp_path, pause=0.3, last=7)
    told = []
    with quietly(0.9, lambda what, done, total: told.append((what, done, total))):
        runner.run(to_nowhere(runner.source(tmp_path / "film.mp4")), frames=7)  # 2.1 s: more than twice the silence
    assert told[-1] == ("ffmpeg", 1, 1), "its end is told"
    assert {frame for _, frame, total in told if total == 7} >= {2, 5}


def test_the_real_ffmpeg_tells_its_frames(tmp_path):
    """Held back to one second of film a second."""
    film, size = tmp_path / "film.mp4", Size(64, 64)
    with VideoWriter(film, size, Fraction(10)) as writer:
        for _ in range(15):
            frame, _ = new_frame(size)
            writer.write_frame(frame)
    told = []
    with quietly(1.0, lambda what, done, total: told.append(done)):
        runner.run(ffmpeg.output(runner.source(film, re=None), "-", format="null"), frames=15)
    assert any(1 < done < 15 for done in told[:-1]), told


def test_an_ffmpeg_that_floods_its_log_is_ended(monkeypatch, tmp_path):
    monkeypatch.setattr(runner, "_LOG_MAX_BYTES", 1 << 20)
    program = pretend(monkeypatch, tmp_path, last=0, then="yes complaint >&2")
    with pytest.raises(ToolFailed, match=r"wrote more than 1 MiB of complaints.*ended"):
        runner.run(to_nowhere(runner.source(tmp_path / "film.mp4")))
    assert wait_until(0, str(program)) == []


def test_time_in_which_we_stood_still_ourselves_is_no_silence(tmp_path, monkeypatch):
    from generation.media.progress import Progress

    clock = [100.0]
    monkeypatch.setattr("generation.media.progress.time.monotonic", lambda: clock[0])
    with (tmp_path / "report").open("w+b") as report:
        progress = Progress(report)
        clock[0] += 8 * 3600  # the lid was closed
        progress.look(1.0)
    assert progress.silent_seconds == 1.0


# --- a whole run whose ffmpeg hangs ---------------------------------------------------------------------------------


def test_a_hung_ffmpeg_of_a_run_is_a_failed_line_that_says_all_of_it(tmp_path, monkeypatch):
    monkeypatch.setattr("flows.faults.PAUSE_SECONDS", 0.01)
    campaign = small_campaign(tmp_path / "campaign", "row_id,product,price\nred,Cup,9.90\n", extra="voice: none\n")
    pretend(monkeypatch, tmp_path, last=3, pause=0.05, then="sleep 60")
    settings = Settings(out=tmp_path / "out", silence_seconds=0.5, attempts_by_fault="transient=2", sign_key="none")
    work = Run(Order(campaign), settings, lambda: InlineCrew(settings.ledger_folder))
    work.read()
    for _ in work.produce():
        pass
    work.report()
    with (tmp_path / "out/Small/results.csv").open(encoding="utf-8-sig", newline="") as table:
        (line,) = csv.DictReader(table)
    assert (line["status"], line["code"], line["fault"]) == ("failed", "tool_timed_out", "transient")
    assert (line["step"], line["attempts"]) == ("package", "2")
    assert "ffmpeg showed no sign of life for 0.5 s (frame 3) and was ended" in line["message"]
    assert line["fix"]
    with (tmp_path / "out/Small/failed.csv").open(encoding="utf-8-sig", newline="") as table:
        (failed,) = csv.DictReader(table)
    for part in ("package, attempt 2", "transient (tool_timed_out)", "no sign of life", line["fix"]):
        assert part in failed["_why"]
    page = (tmp_path / "out/Small/report.html").read_text("utf-8")
    assert '"fault":"transient"' in page.replace('": "', '":"')
    story = "\n".join(tell(work.folder, line["creative_id"], work.ledger))
    assert "package, attempt 1, transient (transient 1 of 2): tool_timed_out, ffmpeg showed no sign of life" in story
    assert "Tried again after" in story
    assert f"failed at package, attempt 2, transient: tool_timed_out, {line['message']}. {line['fix']}" in story


# --- workers ----------------------------------------------------------------------------------------------------------


class Hanging(ScriptedCrew):
    """Films are begun, show so many frames, and hang."""

    def __init__(self, ledger, **sign):
        super().__init__(ledger, {FilmJob: lambda job, tries: "hang"})
        self.live, self.sign, self.ends = LiveFolder(ledger.root), sign, []

    def submit(self, ticket, job, terms):
        super().submit(ticket, job, terms)
        if isinstance(job, FilmJob):
            self.live.write(terms.sign, Sign("encoding", 120, 450, "", 1.0, **self.sign))

    def end(self, ticket, node, pid):
        super().end(ticket, node, pid)
        self.ends.append((node, pid))


def test_a_worker_that_stops_in_the_middle_of_a_film_is_ended_and_the_film_says_where(tmp_path, monkeypatch):
    from flows.produce import Production

    monkeypatch.setattr("flows.deadlines.LATER_SECONDS", 0.1)
    ledger = Ledger(tmp_path)
    crew = Hanging(ledger, step="master", node="machine", pid=4711)
    failures = []
    production = Production(
        ledger, lambda: crew, attempts=1, deadline_seconds=Deadlines(ledger, 60.0, 0.2),
        on_failure=lambda job, failure: failures.append(failure),
    )  # fmt: skip
    (result,) = production.run([plan("a")])
    assert set(statuses(result).values()) == {"timed_out"}
    (failure,) = failures
    assert failure.step == "master"
    assert failure.message == "showed no sign of life for 0.4 s (encoding frame 120 of 450) and was ended"
    assert (failure.fault, failure.attempts, failure.tried) == ("infrastructure", 1, "infrastructure 1 of 1")
    assert crew.ends == [("machine", 4711)]
    assert list((tmp_path / "live").iterdir()) == []


def test_work_that_counts_frames_is_judged_by_the_slowest_of_them():
    deadlines = Deadlines(Ledger(None), 1800.0, 60.0)
    assert deadlines.counting(0.1) == 60 * LATER + LATER_SECONDS
    assert deadlines.counting(90.0) > 10 * 90.0, "an enlarging model that takes 90 s for a frame lives"


def test_what_has_nothing_to_count_is_judged_by_its_kind_and_by_what_was_recorded(tmp_path):
    from dataclasses import replace

    ledger = Ledger(tmp_path)
    film = plan("a").films[0]
    voice, plate = film.master.voice, film.master.plate
    deadlines = Deadlines(ledger, 1800.0)
    assert (deadlines.of(voice), deadlines.of(plate)) == (600.0, 1800.0)
    assert Deadlines(ledger, 1800.0, own={"voice": 7.0}).of(voice) == 7.0
    assert Deadlines(ledger, 30.0).of(voice) == 30.0

    def slow(space):
        space.facts["work"] = 1.0  # a second of speech
        time.sleep(0.3)

    ledger.make("voice", "b" * 32, slow)
    long = replace(voice, available_seconds=3600.0)
    assert Deadlines(ledger, 1800.0).of(long) > 0.3 * 3600, "an hour of speech by a slow voice is given its time"


def test_the_sign_of_work_tells_its_step_at_once_and_its_frames_now_and_then(tmp_path):
    folder = LiveFolder(tmp_path)
    pulse = WorkPulse(folder, "work-1", "machine")
    pulse.begin("plate")
    pulse.begin("master")
    assert folder.read("work-1").step == "master"
    for number in range(1, 1000):
        pulse.seen("encoding", number, 0)
    assert folder.read("work-1").done == 0, "twice a second at the most"
    pulse._written -= 1
    pulse.seen("encoding", 1000, 0)
    sign = folder.read("work-1")
    assert (sign.done, sign.counting, sign.node, sign.pid) == (1000, True, "machine", os.getpid())
    pulse.seen("encoding", 1001, 1001)
    assert not folder.read("work-1").counting, "that it is over is told at once"
    pulse.stop()
    assert folder.read("work-1") is None


def test_work_without_a_name_writes_nothing(tmp_path):
    pulse = WorkPulse(LiveFolder(tmp_path), Terms().sign)
    pulse.begin("plate")
    pulse.made(1.0, 1.0)
    pulse.stop()
    assert list(tmp_path.iterdir()) == []
    assert not pulse.is_to_stop()


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_a_stopped_process_is_ended_with_what_it_started_and_nobody_else_is():
    story = "import subprocess, time; subprocess.Popen(['sleep', '313.37'], start_new_session=True); time.sleep(60)"
    hung = subprocess.Popen([sys.executable, "-c", story])
    try:
        assert len(wait_until(1, "313.37")) == 1 or len(wait_until(2, "313.37")) == 2
        os.kill(hung.pid, signal.SIGSTOP)
        assert not end_process(hung.pid, "ray::"), "its number could be somebody else's"
        assert end_process(hung.pid, sys.executable)
        assert hung.wait(timeout=20) == -signal.SIGKILL
        assert wait_until(0, "313.37") == []
    finally:
        hung.kill()
    assert not end_process(os.getpid(), "")


def test_work_that_no_worker_has_begun_is_named_so(tmp_path):
    results, crew = produce(
        tmp_path, [plan("a")], {FilmJob: lambda job, tries: "hang"}, attempts=1, deadline_seconds=0.3
    )
    assert len(crew.ended) == 1
    assert "not even that it had begun" in results["a"].delivered[0].failure.message
