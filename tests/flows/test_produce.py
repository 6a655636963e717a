"""The order of jobs, what a failure takes down, retries and deadlines: on a crew that does as each test scripts it."""

from collections import Counter
from fractions import Fraction

import pytest

from flows.jobs import (
    INFRASTRUCTURE,
    TRANSIENT,
    Failure,
    FilmJob,
    FootageJob,
    Outcome,
    PlateJob,
    SoundJob,
    Spent,
)
from flows.ledger import Ledger
from flows.model import Creative, Row
from flows.plan import CreativePlan, Film
from flows.produce import Production
from flows.steps import BrandFacts, DeliveryStep, FootageStep, MasterStep, MixStep, PlateStep, TrackStep, VoiceStep

FPS = Fraction(30000, 1001)
BRAND = BrandFacts("Brand", "#000000", "#111111", "#222222", "#ffffff", None, "", (), (), "manrope")


def footage(key):
    return FootageStep("animatic", "1", {}, "a sea", "", (64, 64), 10, FPS, 1, None, "", key=key)


def creative(name, placements):
    row = Row(1, name, {}, {})
    return Creative(
        name, row, "en-US", "", {}, "control", name, "", (), (), "hello", "clean", "calm", {}, placements, None
    )


def plan(name, *, plate="plate", placements=("tiktok", "reels"), voice="voice"):
    """A creative with one film for two placements; plates, shots and voices with equal names are shared."""
    shot = footage(f"{plate}-shot")
    picture = PlateStep((shot,), (64, 64), FPS, 10, "clean", "cut", 1, key=plate)
    spoken = VoiceStep("espeak", "1", {}, "hello", "en-US", 5.0, key=voice)
    master = MasterStep(picture, spoken, (), "en-US", BRAND, (0, 0, 64, 64), 20, "", "", "final", key=f"{name}-master")
    mix = MixStep(spoken, None, 6.0, key=f"{voice}-mix")
    deliveries = tuple(
        DeliveryStep(
            master, TrackStep(mix, -14, -1, 128, key=f"{voice}-track-{place}"), place, {}, "t", key=f"{name}-{place}"
        )
        for place in placements
    )
    return CreativePlan(creative(name, placements), (Film("v", (64, 64), 10, master, deliveries, ()),))


class ScriptedCrew:
    """Makes the steps of a job in the ledger, unless a script says otherwise for the job's kind or key."""

    def __init__(self, ledger, script=None, slots=3):
        self.ledger, self.script, self.slots = ledger, script or {}, slots
        self.running, self.log, self.closed, self.ended = {}, [], False, []

    def room(self, job):
        return len(self.running) < self.slots

    def submit(self, ticket, job):
        assert len(self.running) < self.slots, "more jobs than slots"
        self.running[ticket] = job
        self.log.append(job)

    def finished(self, timeout_seconds):
        for ticket, job in list(self.running.items()):
            answer = self.script.get(type(job), lambda job, tries: None)(job, self.log.count(job))
            if answer == "hang":
                continue
            del self.running[ticket]
            return [(ticket, answer or self.make(job))]
        return []

    def make(self, job):
        steps = {
            FootageJob: lambda: [job.step],
            PlateJob: lambda: [job.step],
            SoundJob: lambda: [job.voice, *job.tracks],
            FilmJob: lambda: [job.master, *job.deliveries],
        }[type(job)]()
        for step in steps:
            self.needs(step)
        return Outcome(tuple(self.one(step) for step in steps))

    def needs(self, step):
        """A worker that is sent before what it builds on is there would fail."""
        if isinstance(step, PlateStep):
            assert all(self.ledger.find("footage", shot.key) for shot in step.footage)
        if isinstance(step, MasterStep):
            assert self.ledger.find("plate", step.plate.key)
            assert self.ledger.find("voice", step.voice.key)
        if isinstance(step, DeliveryStep):
            assert self.ledger.find("track", step.track.key)

    def one(self, step):
        made = self.ledger.make(step.kind, step.key, lambda space: space.file("x").write_text("x"))
        return Spent(step.kind, step.key, made.cached, 0.0, 0.0)

    def end(self, ticket):
        self.ended.append(self.running.pop(ticket))

    def close(self):
        self.closed = True


def produce(tmp_path, plans, script=None, **options):
    ledger = Ledger(tmp_path)
    crew = ScriptedCrew(ledger, script)
    results = list(Production(ledger, lambda: crew, **options).run(plans))
    return {result.plan.creative.creative_id: result for result in results}, crew


def statuses(result):
    return {item.step.placement: (item.failure.code if item.failure else "done") for item in result.delivered}


def fail(code, retry="never", concerns=""):
    return Outcome(failures={concerns: Failure(code, "step", "because", "fix", retry)})


def test_every_creative_comes_back_with_every_placement(tmp_path):
    results, crew = produce(tmp_path, [plan(f"c{number}") for number in range(40)])
    assert len(results) == 40
    assert all(statuses(result) == {"tiktok": "done", "reels": "done"} for result in results.values())
    assert crew.closed


def test_shared_work_is_done_once(tmp_path):
    _, crew = produce(tmp_path, [plan(f"c{number}") for number in range(20)])
    assert Counter(type(job) for job in crew.log) == {FootageJob: 1, PlateJob: 1, SoundJob: 1, FilmJob: 20}


def test_nothing_is_started_when_nothing_is_missing(tmp_path):
    plans = [plan("a"), plan("b")]
    produce(tmp_path, plans)

    def no_crew():
        raise AssertionError("a crew was opened for nothing")

    results = list(Production(Ledger(tmp_path), no_crew).run(plans))
    assert [item.cached for result in results for item in result.delivered] == [True] * 4


def test_a_failed_shot_fails_the_creatives_that_show_it_and_no_other(tmp_path):
    def script(job, tries):
        return fail("refused") if job.step.key == "bad-shot" else None

    results, _ = produce(tmp_path, [plan("a", plate="bad"), plan("b"), plan("c", plate="bad")], {FootageJob: script})
    assert statuses(results["a"]) == {"tiktok": "refused", "reels": "refused"}
    assert statuses(results["c"]) == {"tiktok": "refused", "reels": "refused"}
    assert statuses(results["b"]) == {"tiktok": "done", "reels": "done"}


def test_a_failed_voice_fails_its_creatives_only(tmp_path):
    def script(job, tries):
        return fail("voice_too_long") if job.voice.key == "long" else None

    results, _ = produce(tmp_path, [plan("a", voice="long"), plan("b")], {SoundJob: script})
    assert set(statuses(results["a"]).values()) == {"voice_too_long"}
    assert set(statuses(results["b"]).values()) == {"done"}


def test_a_failed_track_takes_down_its_own_placement_only(tmp_path):
    crew_ledger = Ledger(tmp_path)

    def script(job, tries):
        crew = ScriptedCrew(crew_ledger)
        made = tuple(crew.one(step) for step in (job.voice, job.tracks[1]))
        return Outcome(made, {job.tracks[0].key: Failure("bad_audio", "track", "because", "fix")})

    results, _ = produce(tmp_path, [plan("a")], {SoundJob: script})
    assert statuses(results["a"]) == {"tiktok": "bad_audio", "reels": "done"}


def test_a_failed_check_takes_down_its_own_placement_only(tmp_path):
    def script(job, tries):
        crew = ScriptedCrew(Ledger(tmp_path))
        made = tuple(crew.one(step) for step in (job.master, job.deliveries[0]))
        return Outcome(made, {"reels": Failure("check_failed", "delivery", "because", "fix")})

    results, _ = produce(tmp_path, [plan("a")], {FilmJob: script})
    assert statuses(results["a"]) == {"tiktok": "done", "reels": "check_failed"}


def test_a_passing_fault_is_tried_again_and_the_attempts_are_counted(tmp_path, monkeypatch):
    monkeypatch.setattr("flows.produce.PAUSE_SECONDS", 0.01)
    results, _ = produce(
        tmp_path, [plan("a")], {FilmJob: lambda job, tries: fail("transient", TRANSIENT) if tries < 3 else None}
    )
    assert statuses(results["a"]) == {"tiktok": "done", "reels": "done"}
    assert results["a"].delivered[0].attempts == 3


@pytest.mark.parametrize("attempts", [1, 2, 4])
def test_a_job_that_kills_its_worker_every_time_is_given_up_after_the_cap(tmp_path, attempts):
    results, _ = produce(
        tmp_path,
        [plan("a"), plan("b", plate="good")],
        {FootageJob: lambda job, tries: fail("worker_died", INFRASTRUCTURE) if job.step.key == "plate-shot" else None},
        attempts=attempts,
    )
    assert set(statuses(results["a"]).values()) == {"worker_died"}
    assert results["a"].delivered[0].failure.attempts == attempts
    assert set(statuses(results["b"]).values()) == {"done"}


def test_what_will_never_work_is_tried_once(tmp_path):
    _, crew = produce(tmp_path, [plan("a")], {FilmJob: lambda job, tries: fail("text_too_long")}, attempts=5)
    assert sum(isinstance(job, FilmJob) for job in crew.log) == 1


def test_a_job_that_hangs_is_ended_at_the_deadline_and_named(tmp_path):
    results, crew = produce(
        tmp_path,
        [plan("a"), plan("b", plate="good")],
        {PlateJob: lambda job, tries: "hang" if job.step.key == "plate" else None},
        attempts=1,
        deadline_seconds=0.05,
    )
    assert set(statuses(results["a"]).values()) == {"timed_out"}
    assert set(statuses(results["b"]).values()) == {"done"}
    assert len(crew.ended) == 1


def test_a_window_bounds_how_many_creatives_are_taken_in(tmp_path):
    taken = []

    def endless():
        for number in range(500):
            taken.append(number)
            yield plan(f"c{number}", plate=f"p{number}", voice=f"v{number}")

    production = Production(Ledger(tmp_path), lambda: ScriptedCrew(Ledger(tmp_path)))
    run = production.run(endless())
    next(run)
    assert len(taken) < 60
    run.close()


def test_two_creatives_with_the_same_film_both_get_it(tmp_path):
    first, second = plan("same"), plan("same")
    results = list(Production(Ledger(tmp_path), lambda: ScriptedCrew(Ledger(tmp_path))).run([first, second]))
    assert [statuses(result) for result in results] == [{"tiktok": "done", "reels": "done"}] * 2
