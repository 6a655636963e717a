"""The order of jobs, what a failure takes down, retries and deadlines: on a crew that does as each test scripts it."""

import time
from collections import Counter
from fractions import Fraction

import pytest

from flows.faults import DATA, INFRASTRUCTURE, TRANSIENT
from flows.film_plan import CreativePlan, Film
from flows.jobs import (
    Batch,
    Failure,
    FilmJob,
    FootageJob,
    Outcome,
    PlateJob,
    PromptJob,
    SoundJob,
    Spent,
)
from flows.ledger import Ledger
from flows.live import LiveFolder, Sign
from flows.model import Creative, Row
from flows.produce import Production
from flows.steps import (
    BrandFacts,
    ConformStep,
    DeliveryStep,
    FootageStep,
    MasterStep,
    MixStep,
    PackageStep,
    PlateStep,
    PromptStep,
    StemPart,
    TrackStep,
    VoiceStep,
)

FPS = Fraction(30000, 1001)
BRAND = BrandFacts("Brand", "#000000", "#111111", "#222222", "#ffffff", None, "", (), (), "manrope")


def footage(key, **more):
    return FootageStep("animatic", "1", {}, "a sea", "", (64, 64), 10, FPS, 1, key=key, **more)


def creative(name, placements):
    row = Row(1, name, {}, {})
    return Creative(
        name, row, "en-US", "", {}, "control", name, "", (), (), "hello", "clean", "calm", {}, placements, None
    )


def plan(name, *, plate="plate", placements=("tiktok", "reels"), voice="voice", shot=None, conform=False, sounds=False):
    """A creative with one film for two placements; plates, shots and voices with equal names are shared."""
    shot = shot or footage(f"{plate}-shot")
    conformed = (ConformStep(shot, FPS, 10, key=f"{plate}-conform"),) if conform else ()
    picture = PlateStep((shot,), (64, 64), FPS, 10, "clean", "cut", 1, conformed, key=plate)
    spoken = VoiceStep("espeak", "1", {}, "hello", "en-US", 5.0, key=voice)
    master = MasterStep(picture, spoken, (), "en-US", BRAND, (0, 0, 64, 64), 20, "", "", "final", key=f"{name}-master")
    stems = (StemPart(shot, 0.0, 0.3),) if sounds else ()
    mix = MixStep(spoken, None, 6.0, stems, key=f"{voice}-mix")
    deliveries = tuple(
        DeliveryStep(
            PackageStep(
                master,
                TrackStep(mix, -14, -1, 128, key=f"{voice}-track-{place}"),
                place,
                {},
                "t",
                key=f"{name}-{place}-package",
            ),
            None,
            key=f"{name}-{place}",
        )
        for place in placements
    )
    return CreativePlan(creative(name, placements), (Film("v", (64, 64), 10, master, deliveries, ()),))


class ScriptedCrew:
    """Makes the steps of a job in the ledger, unless a script says otherwise for the job's kind or key."""

    def __init__(self, ledger, script=None, slots=3):
        self.ledger, self.script, self.slots, self.engines = ledger, script or {}, slots, 1
        self.running, self.log, self.closed, self.ended, self.begun = {}, [], False, [], []

    def room(self, job):
        return len(self.running) < self.slots

    def submit(self, ticket, job, terms):
        assert len(self.running) < self.slots, "more jobs than slots"
        self.begun.append(job)
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
            SoundJob: lambda: [job.voice, *job.tracks],
            FilmJob: lambda: [job.master, *(one.package for one in job.deliveries), *job.deliveries],
            Batch: lambda: [one.step for one in job.jobs],
        }.get(type(job), lambda: [job.step])()
        for step in steps:
            self.needs(step)
        return Outcome(tuple(self.one(step) for step in steps))

    def needs(self, step):
        """A worker that is sent before what it builds on is there would fail."""
        if isinstance(step, PlateStep):
            assert all(self.ledger.find(clip.kind, clip.key) for clip in step.clips)
        if isinstance(step, ConformStep):
            assert self.ledger.find("footage", step.footage.key)
        if isinstance(step, FootageStep):
            assert all(self.ledger.find("prompt", text.key) for text in step.encoded)
            assert step.before is None or self.ledger.find("footage", step.before.key)
        if isinstance(step, TrackStep):
            assert all(self.ledger.find("footage", part.footage.key) for part in step.mix.stems)
        if isinstance(step, MasterStep):
            assert self.ledger.find("plate", step.plate.key)
            assert self.ledger.find("voice", step.voice.key)
        if isinstance(step, DeliveryStep):
            assert self.ledger.find("track", step.track.key)

    def one(self, step):
        made = self.ledger.make(step.kind, step.key, lambda space: space.file("x").write_text("x"))
        return Spent(step.kind, step.key, made.cached, 0.0, 0.0)

    def end(self, ticket, node, pid):
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


def fail(code, fault=DATA, concerns=""):
    return Outcome(failures={concerns: Failure(code, "step", "because", "fix", fault)})


def test_every_creative_comes_back_with_every_placement(tmp_path):
    results, crew = produce(tmp_path, [plan(f"c{number}") for number in range(40)])
    assert len(results) == 40
    assert all(statuses(result) == {"tiktok": "done", "reels": "done"} for result in results.values())
    assert crew.closed


def test_shared_work_is_done_once(tmp_path):
    _, crew = produce(tmp_path, [plan(f"c{number}") for number in range(20)])
    assert Counter(type(job) for job in crew.log) == {FootageJob: 1, PlateJob: 1, SoundJob: 1, FilmJob: 20}


@pytest.mark.fault(24, "a production of what is finished, whose crew may not be opened")
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
    monkeypatch.setattr("flows.faults.PAUSE_SECONDS", 0.01)
    results, _ = produce(
        tmp_path, [plan("a")], {FilmJob: lambda job, tries: fail("transient", TRANSIENT) if tries < 3 else None}
    )
    assert statuses(results["a"]) == {"tiktok": "done", "reels": "done"}
    assert results["a"].delivered[0].attempts == 3


@pytest.mark.fault(2, "a job that kills its worker at every attempt, on a scripted crew")
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
        deadline_seconds=0.5,
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


# --- what a model needs -----------------------------------------------------------------------------------------------


def encoded(key):
    return footage(
        key, encoded=tuple(PromptStep("animatic", "1", text, key=text) for text in (f"{key}-prompt", "none"))
    )


def test_texts_come_before_footage_and_footage_before_what_is_made_of_it(tmp_path):
    plans = [plan(name, plate=name, shot=encoded(name), conform=True) for name in "abc"]
    results, crew = produce(tmp_path, plans, shots_per_job=2)
    assert all(set(statuses(result).values()) == {"done"} for result in results.values())
    engine_work = [job.jobs if isinstance(job, Batch) else (job,) for job in crew.begun]
    kinds = [(type(jobs[0]), len(jobs)) for jobs in engine_work if isinstance(jobs[0], PromptJob | FootageJob)]
    assert kinds == [(PromptJob, 4), (FootageJob, 2), (FootageJob, 1)]


def test_ready_shots_are_shared_out_among_the_engines(tmp_path):
    crew = ScriptedCrew(Ledger(tmp_path))
    crew.engines = 3
    plans = [plan(name, plate=name) for name in "abc"]
    list(Production(Ledger(tmp_path), lambda: crew, shots_per_job=4).run(plans))
    assert Counter(type(job) for job in crew.begun)[FootageJob] == 3, "three engines take one shot each, not one all"


def test_sound_waits_for_footage_that_sounds(tmp_path):
    results, crew = produce(tmp_path, [plan("a", sounds=True)])
    assert set(statuses(results["a"]).values()) == {"done"}
    order = [type(job) for job in crew.begun]
    assert order.index(FootageJob) < order.index(SoundJob)


def test_a_failed_shot_that_sounds_fails_with_its_own_reason(tmp_path):
    results, crew = produce(tmp_path, [plan("a", sounds=True)], {FootageJob: lambda job, tries: fail("refused")})
    assert set(statuses(results["a"]).values()) == {"refused"}
    assert SoundJob not in [type(job) for job in crew.begun]


def test_a_text_that_fails_takes_down_the_shots_that_need_it(tmp_path):
    def script(job, tries):
        return Outcome(failures={one.id: fail("refused").failure for one in job.jobs if one.step.key == "a-prompt"})

    ledger = Ledger(tmp_path)
    plans = [plan(name, plate=name, shot=encoded(name)) for name in "ab"]
    crew = ScriptedCrew(ledger)
    crew.script[Batch] = lambda job, tries: Outcome(
        tuple(crew.one(one.step) for one in job.jobs if one.step.key != "a-prompt"), script(job, tries).failures
    )
    results = {r.plan.creative.creative_id: r for r in Production(ledger, lambda: crew, shots_per_job=1).run(plans)}
    assert set(statuses(results["a"]).values()) == {"refused"}
    assert set(statuses(results["b"]).values()) == {"done"}


@pytest.mark.fault(1, "the worker of a batch of shots dies between two of them, on a scripted crew")
def test_a_batch_that_dies_with_its_worker_keeps_what_was_finished_and_goes_on_one_by_one(tmp_path):
    ledger = Ledger(tmp_path)
    crew = ScriptedCrew(ledger)

    def dies(job, tries):
        crew.one(job.jobs[0].step)
        return fail("worker_died", INFRASTRUCTURE)

    crew.script = {
        Batch: dies,
        FootageJob: lambda job, tries: fail("worker_died", INFRASTRUCTURE) if job.step.key == "b-shot" else None,
    }
    spent = []
    plans = [plan(name, plate=name) for name in "abc"]
    made = Production(ledger, lambda: crew, shots_per_job=4, on_spent=spent.append).run(plans)
    results = {result.plan.creative.creative_id: result for result in made}
    assert [set(statuses(results[name]).values()) for name in "abc"] == [{"done"}, {"worker_died"}, {"done"}]
    tries = Counter(job.step.key for job in crew.begun if isinstance(job, FootageJob))
    assert tries == {"b-shot": 2, "c-shot": 1}, "the batch was the first attempt of three"
    assert [one.key for one in spent if one.kind == "footage"] == ["a-shot", "c-shot"], "each is booked once"


def test_an_engine_that_shows_progress_is_not_overdue_however_long_it_takes(tmp_path):
    live = LiveFolder(tmp_path)
    beats = iter(range(1, 1000))
    said = []

    def script(job, tries):
        beat = next(beats)
        if beat < 12:
            live.write(job.step.key, Sign("denoising", beat, 12, "a sea", float(beat)))
            time.sleep(0.1)
            return "hang"
        return None

    results, crew = produce(
        tmp_path, [plan("a")], {FootageJob: script}, deadline_seconds=0.5, attempts=1, on_detail=said.append
    )
    assert set(statuses(results["a"]).values()) == {"done"}
    assert crew.ended == []
    assert any(text.startswith("footage 1 of 1: denoising ") for text in said)
    assert said[-1] == "", "nothing is said any more when nothing is going on"
    assert list((tmp_path / "live").iterdir()) == []


def test_an_engine_that_falls_silent_is_ended_and_its_sign_is_gone(tmp_path):
    live = LiveFolder(tmp_path)

    def script(job, tries):
        live.write(job.step.key, Sign("denoising", 3, 12, "a sea", 1.0))
        return "hang"

    results, crew = produce(tmp_path, [plan("a")], {FootageJob: script}, deadline_seconds=0.3, attempts=1)
    assert set(statuses(results["a"]).values()) == {"timed_out"}
    assert "no sign of life for 0.3 s" in results["a"].delivered[0].failure.message
    assert len(crew.ended) == 1
    assert list((tmp_path / "live").iterdir()) == []
