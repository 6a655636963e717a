"""Footage of a model through a run: prompts apart, shots by fours, what a fault in a batch costs, and what comes out.

The engine is a toy (`toy_engine.py`) and everything about it is real but the model. Where a test is about footage
alone, plates, sound and films are put down as done without making them.
"""

import json
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from flows.creative import VIDEO, WAV
from flows.crew import InlineCrew
from flows.jobs import Batch, ConformJob, FilmJob, Outcome, PlateJob, SoundJob, Spent, Terms
from flows.ledger import Ledger
from flows.order import Order, prepare
from flows.produce import Production
from flows.settings import Settings
from flows.stores.shared import LedgerPlace
from flows.studio import Run
from generation.errors import NotAvailable, OutOfMemory, Refused, Transient
from generation.media.frames import read_frames
from generation.media.probe import probe
from tests.flows.small import small_campaign
from tests.flows.toy_engine import SCRIPT, register, toy  # noqa: F401 - a fixture

ROWS = "row_id,product\n" + "".join(f"r{number},Cup {number}\n" for number in range(1, 6))


class FootageCrew(InlineCrew):
    """Encodes and renders; what is made of the footage is only put down."""

    def submit(self, ticket, work, terms):
        if isinstance(work, ConformJob | PlateJob | SoundJob | FilmJob):
            self._done.append((ticket, self._put_down(work)))
        else:
            super().submit(ticket, work, terms)

    def _put_down(self, job):
        steps = {
            SoundJob: lambda: [*([job.voice] if job.voice else []), *job.tracks],
            FilmJob: lambda: [job.master, *job.deliveries],
        }.get(type(job), lambda: [job.step])()
        ledger = self._worker._ledger
        made = [ledger.make(step.kind, step.key, lambda space: space.file("x").write_text("x")) for step in steps]
        pairs = zip(steps, made, strict=True)
        return Outcome(tuple(Spent(step.kind, step.key, one.cached, 0.0, 0.0) for step, one in pairs))


class Result:
    def __init__(self, ledger, results, spent, failures):
        self.ledger, self.spent, self.failures = ledger, spent, failures
        self.codes = {
            result.plan.creative.row.row_id: item.failure.code if item.failure else "done"
            for result in results
            for item in result.delivered
        }
        self.made = Counter(one.kind for one in spent if not one.cached)


def produce(tmp_path, rows=ROWS, extra="engine: toy\nvoice: none\n", longest_seconds=4.0, **options):
    """Footage for every row of a campaign of three seconds; again in the same folder, it goes on from the first."""
    campaign = tmp_path / "campaign"
    SCRIPT.facts = {"max_seconds": longest_seconds}
    if not campaign.is_dir():
        small_campaign(campaign, rows, extra=extra)
    prepared = prepare(Order(campaign))
    ledger = Ledger(tmp_path / "ledger")
    spent, failures = [], []
    production = Production(
        ledger,
        lambda: FootageCrew(ledger.root),
        shots_per_job=prepared.engine.shots_per_job,
        on_spent=spent.append,
        on_failure=lambda job, failure: failures.append((job, failure)),
        **options,
    )
    return Result(ledger, list(production.run(prepared.plans())), spent, failures)


def cup(shot) -> str:
    """Which row a shot is for."""
    return "r" + shot.prompt.partition("Cup ")[2][0]


def fails(number, error):
    """A script under which the shot of one row goes wrong."""

    def on_shot(shot, batch):
        if cup(shot) == f"r{number}":
            raise error

    return on_shot


# --- batches ----------------------------------------------------------------------------------------------------------


def test_shots_of_one_kind_go_to_the_engine_together_and_no_more_than_it_takes(tmp_path, toy):  # noqa: F811
    result = produce(tmp_path)
    assert set(result.codes.values()) == {"done"}
    assert [len(call) for call in toy.calls] == [4, 1]
    assert result.made["footage"] == 5


def test_each_text_is_encoded_once_and_all_of_them_in_one_call(tmp_path, toy):  # noqa: F811
    result = produce(tmp_path)
    assert [len(bundle) for bundle in toy.texts] == [6], "five prompts and the empty negative prompt"
    assert len(set(toy.texts[0])) == 6
    assert result.made["prompt"] == 6


def test_a_second_run_asks_the_engine_for_nothing(tmp_path, toy):  # noqa: F811
    produce(tmp_path)
    calls = len(toy.calls)
    again = produce(tmp_path)
    assert (len(toy.calls), len(toy.texts), again.made) == (calls, 1, {})


def test_a_refused_shot_takes_none_of_its_batch_with_it_and_is_not_asked_for_again(tmp_path, toy):  # noqa: F811
    toy.on_shot = fails(2, Refused("no cups"))
    result = produce(tmp_path, attempts=5)
    assert result.codes == {"r1": "done", "r2": "refused", "r3": "done", "r4": "done", "r5": "done"}
    assert Counter(map(cup, toy.rendered)) == {"r1": 1, "r3": 1, "r4": 1, "r5": 1}, "each film was rendered once"
    asked = Counter(cup(shot) for call in toy.calls for shot in call)
    assert asked["r2"] == 2, "in the batch, and alone to know that it was this one"
    assert [failure.attempts for _, failure in result.failures] == [1]


def test_what_was_finished_before_a_fault_is_kept(tmp_path, toy):  # noqa: F811
    def on_shot(shot, batch):
        if cup(shot) == "r3" and len(batch) > 1:
            raise RuntimeError("the card fell out")

    toy.on_shot = on_shot
    result = produce(tmp_path)
    assert set(result.codes.values()) == {"done"}
    assert [[cup(shot) for shot in call] for call in toy.calls[:3]] == [["r1", "r2", "r3", "r4"], ["r3"], ["r4"]]
    assert Counter(map(cup, toy.rendered)).most_common(1)[0][1] == 1


@pytest.mark.parametrize("error", [OutOfMemory("24 GiB are not enough"), NotAvailable("no weights")])
def test_what_the_engine_cannot_do_at_all_is_tried_once_for_the_whole_batch(tmp_path, toy, error):  # noqa: F811
    toy.on_shot = fails(1, error)
    result = produce(tmp_path, attempts=5)
    assert [result.codes[f"r{number}"] for number in range(1, 6)] == [error.code] * 4 + ["done"]
    assert [len(call) for call in toy.calls] == [4, 1]


def test_a_passing_fault_of_one_shot_is_tried_again_for_it_alone(tmp_path, toy, monkeypatch):  # noqa: F811
    monkeypatch.setattr("flows.faults.PAUSE_SECONDS", 0.01)
    tries = []

    def on_shot(shot, batch):
        if cup(shot) == "r1":
            tries.append(len(batch))
            if len(tries) < 3:
                raise Transient("the server is busy")

    toy.on_shot = on_shot
    result = produce(tmp_path)
    assert set(result.codes.values()) == {"done"}
    assert len(tries) == 3
    assert set(Counter(map(cup, toy.rendered)).values()) == {1}


def test_an_engine_that_gives_back_too_little_is_named(tmp_path, toy, monkeypatch):  # noqa: F811
    monkeypatch.setattr("tests.flows.toy_engine.Toy.render", lambda self, shots, paths: iter(()))
    result = produce(tmp_path)
    assert set(result.codes.values()) == {"internal_error"}
    assert "came back without footage" in result.failures[0][1].message


def test_a_text_that_cannot_be_encoded_takes_no_other_with_it(tmp_path, toy):  # noqa: F811
    def on_text(text, bundle):
        if "Cup 3" in text:
            raise Refused("not this word")

    toy.on_text = on_text
    result = produce(tmp_path)
    assert {row: code for row, code in result.codes.items() if code != "done"} == {"r3": "refused"}
    assert sorted(map(len, toy.texts)) == [1, 1, 1, 1, 1, 1, 6]
    assert [job.step.kind for job, _ in result.failures] == ["prompt"]


def test_shots_of_different_lengths_or_loras_share_no_batch(tmp_path, toy):  # noqa: F811
    from flows.jobs import FootageJob
    from flows.steps import LoraAsset

    prepared_rows = produce(tmp_path)
    assert prepared_rows.codes
    plans = list(prepare(Order(tmp_path / "campaign")).plans())
    first, other = (plan.films[0].master.plate.footage[0] for plan in plans[:2])
    group = FootageJob(first).group
    assert FootageJob(other).group == group
    lora = LoraAsset(Path("a.safetensors"), "abc", 1.0)
    for change in ({"frames": 17}, {"size": (96, 64)}, {"loras": (lora,)}, {"before": other}):
        assert FootageJob(replace(other, **change)).group != group, change


def test_the_work_space_of_the_engine_is_cleared_and_its_sound_is_kept(tmp_path, toy):  # noqa: F811
    result = produce(tmp_path)
    homes = [result.ledger.home("footage", key) for key in result.ledger.keys("footage")]
    assert {frozenset(path.name for path in home.iterdir()) for home in homes} == {frozenset({VIDEO, WAV, "done.json"})}
    facts = json.loads((homes[0] / "done.json").read_text())["facts"]
    assert (facts["engine"], facts["sound"]) == ("toy", True)
    assert list((result.ledger.root / "work").iterdir()) == []
    assert list((result.ledger.root / "live").iterdir()) == []


def test_options_reach_the_engine_validated_and_whole(tmp_path, toy):  # noqa: F811
    produce(tmp_path, extra="engine: toy\nvoice: none\nengine_options: {mood: wild, speed: fast}\n")
    assert toy.rendered[0].options == {"mood": "wild", "speed": "fast"}


def test_texts_wait_until_no_shot_is_left_to_render(tmp_path, toy):  # noqa: F811
    seen = []
    toy.on_text = lambda text, bundle: seen.append("text")
    toy.on_shot = lambda shot, batch: seen.append("shot")
    rows = "row_id,product\n" + "".join(f"r{number},Cup {number}\n" for number in range(24))
    assert set(produce(tmp_path, rows).codes.values()) == {"done"}
    changes = sum(one != other for one, other in pairwise(seen))
    # The window holds eight creatives: eight texts, then their eight shots, three times over.
    assert changes == 5, "each change loads a model"


def test_jobs_that_wait_for_a_core_keep_no_shot_from_a_free_engine():
    from flows.jobs import FootageJob
    from flows.ready import ReadyJobs

    ready = ReadyJobs(4)
    for number in range(200):
        ready.push(f"plate {number}", PlateJob(None))
    ready.push("shot", FootageJob(None))
    assert ready.take(lambda identity: identity == "shot") == "shot"
    assert ready.take(lambda identity: identity.startswith("plate")) == "plate 0"


def test_what_a_dropped_job_makes_ready_is_taken_at_once():
    from flows.ready import ReadyJobs

    ready = ReadyJobs(4)
    ready.push("plate", PlateJob(None))

    def has_room(identity):
        if identity == "plate":
            ready.push("film", FilmJob(None, ()))
            return None
        return True

    assert ready.take(has_room) == "film"


def test_after_a_fault_of_the_gpu_each_shot_is_tried_again_alone(tmp_path, toy):  # noqa: F811
    broken = []

    def on_shot(shot, batch):
        if cup(shot) == "r2" and len(broken) < 2:
            broken.append(len(batch))
            raise RuntimeError("CUDA error: an illegal memory access was encountered\nmore")

    toy.on_shot = on_shot
    result = produce(tmp_path, attempts=3)
    assert set(result.codes.values()) == {"done"}
    assert broken == [4, 1]
    assert Counter(map(cup, toy.rendered)) == {f"r{number}": 1 for number in range(1, 6)}
    assert result.made["footage"] == 5, "what was kept before the fault is booked once"


def test_an_engine_whose_gpu_is_lost_is_not_used_again(tmp_path, monkeypatch):
    from flows import cluster
    from flows.jobs import failure_of

    outcomes = {
        "bad": Outcome(failures={"x": failure_of(RuntimeError("CUDA error: unspecified launch failure"), "footage")}),
        "good": Outcome(failures={"x": failure_of(RuntimeError("a fault of the shot"), "footage")}),
    }
    killed = []
    monkeypatch.setattr(cluster, "_start", lambda workers, address: None)
    monkeypatch.setattr(cluster.ray, "cluster_resources", lambda: {"CPU": 4.0, "GPU": 1.0})
    monkeypatch.setattr(cluster.ray, "get", outcomes.__getitem__)
    monkeypatch.setattr(cluster.ray, "kill", killed.append)
    crew = cluster.RayCrew(LedgerPlace(tmp_path), workers=4, address="ray://box", needs_gpu=True)
    crew._running = {"bad": ("1", "first engine"), "good": ("2", "second engine")}
    assert crew._answer("bad") == ("1", outcomes["bad"])
    assert crew._answer("good") == ("2", outcomes["good"])
    assert (killed, crew._idle_engines) == (["first engine"], ["second engine"])


# --- shots that go on -------------------------------------------------------------------------------------------------


def test_a_part_begins_with_the_frame_of_the_one_before_that_is_due(tmp_path, toy):  # noqa: F811
    result = produce(tmp_path, "row_id,product\nr1,Cup 1\n", longest_seconds=2.0)
    assert result.codes == {"r1": "done"}
    first, second = toy.rendered
    assert first.first_frame is None
    assert second.first_frame is not None
    (plan,) = prepare(Order(tmp_path / "campaign")).plans()
    step = plan.films[0].master.plate.footage[1]
    levels = [float(planes.y.mean()) for planes in read_frames(result.ledger.home("footage", step.before.key) / VIDEO)]
    assert toy.begun_with == [pytest.approx(levels[step.before_frame], abs=1.5)]
    assert levels[step.before_frame] - levels[0] > 8, "the frames differ, so the right one was taken"


def test_when_a_shot_fails_what_goes_on_from_it_is_not_asked_for(tmp_path, toy):  # noqa: F811
    toy.on_shot = fails(1, Refused("no cups"))
    rows = "row_id,product\nr1,Cup 1\nr2,Cup 2\n"
    result = produce(tmp_path, rows, longest_seconds=2.0)
    assert result.codes == {"r1": "refused", "r2": "done"}
    assert Counter(map(cup, toy.rendered)) == {"r2": 2}


# --- a whole run ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """One row, three seconds: two shots of the engine, conformed, joined, with sound, delivered."""
    folder = tmp_path_factory.mktemp("whole")
    campaign = small_campaign(folder / "campaign", "row_id,product\nr1,Cup 1\n", extra="engine: toy\n")
    with pytest.MonkeyPatch.context() as patch:
        register(patch)
        yield campaign, folder, run(campaign, folder / "out")


def run(campaign, out):
    settings = Settings(out=out)
    work = Run(Order(campaign), settings, lambda: InlineCrew(settings.ledger_folder))
    work.read()
    work.said = []
    work.listener = work.said.append
    for _ in work.produce():
        pass
    work.report()
    return work


def test_a_campaign_comes_out_of_a_model_that_renders_two_seconds_at_eight_frames(whole):
    _, folder, work = whole
    assert work.summary.counts == {"done": 1}
    made = {kind: count for kind, count in work.summary.made.items() if count}
    assert made == {
        "prompt": 2, "footage": 2, "conform": 2, "plate": 1,
        "voice": 1, "bed": 1, "mix": 1, "track": 1, "master": 1, "package": 1, "delivery": 1,
    }  # fmt: skip
    (film,) = (folder / "out" / "Small").glob("*/*.mp4")
    assert probe(film).video.frames == 90


def test_footage_reaches_the_plate_at_the_delivery_rate_without_a_standing_frame(whole):
    _, _, work = whole
    (plan,) = work.prepared.plans()
    plate = plan.films[0].master.plate
    clip = work.ledger.home("conform", plate.conformed[0].key) / VIDEO
    levels = [float(planes.y.mean()) for planes in read_frames(clip)]
    assert len(levels) == plate.conformed[0].frames == 45
    # 8 levels a second in the footage: at 29.97 a quarter of a level a frame, where repeated frames would stand still.
    assert levels[-1] - levels[0] == pytest.approx(44 * 8 / 29.97, abs=1.0)
    assert sum(later == earlier for earlier, later in pairwise(levels)) < 40


def test_the_facts_of_a_delivery_tell_how_its_footage_was_conformed(whole):
    _, folder, work = whole
    (facts,) = (json.loads(path.read_text()) for path in (folder / "out" / "Small").glob("*/*_*.json"))
    assert [set(shot["conformed"]) >= {"flicker", "frozen", "interpolation"} for shot in facts["shots"]] == [True] * 2
    assert len(facts["steps"]["conform"]) == 2
    assert work.seen.measured.shots == 2


def test_the_sound_of_the_engine_is_in_the_mix(whole):
    from audio.waveform import read_wav

    _, _, work = whole
    (plan,) = work.prepared.plans()
    mix = plan.films[0].deliveries[0].track.mix
    samples, rate = read_wav(work.ledger.home("mix", mix.key) / WAV)
    assert [round(stem.at_seconds, 3) for stem in mix.stems] == [0.0, round(45 * 1001 / 30000, 3)]
    import numpy as np

    spectrum = np.abs(np.fft.rfft(samples[:, 0]))
    bins = np.fft.rfftfreq(len(samples), 1 / rate)
    tone = spectrum[np.abs(bins - 440) < 2].max()
    assert tone > 8 * np.median(spectrum[(bins > 400) & (bins < 480)]), "the toy's tone of 440 Hz is heard"


def test_a_whole_second_run_makes_nothing(whole):
    campaign, folder, _ = whole
    again = run(campaign, folder / "out")
    assert sum(again.summary.made.values()) == 0
    assert again.summary.counts == {"done": 1}


def test_a_plan_of_an_engine_on_a_gpu_is_unknown_until_it_has_been_recorded(whole, tmp_path):
    from flows.estimate import survey

    campaign, folder, work = whole
    SCRIPT.facts = {"needs_gpu": True}
    try:
        before = survey(prepare(Order(campaign)), Settings(out=tmp_path, workers=1))
        (campaign / "rows.csv").write_text("row_id,product\nr1,Cup 2\n")
        after = survey(prepare(Order(campaign)), Settings(out=folder / "out", workers=1))
    finally:
        SCRIPT.facts = {}
        (campaign / "rows.csv").write_text("row_id,product\nr1,Cup 1\n")
    assert before.gpu_seconds is None
    assert before.tallies["footage"].asked == 2
    recorded = sum(one.seconds for one in work.ledger.samples("footage"))
    assert after.tallies["footage"].missing == 2
    assert after.gpu_seconds is not None
    assert after.gpu_seconds.expected == pytest.approx(recorded, rel=0.5)
    assert replace(after, workers=10_000).wall_seconds == after.gpu_seconds, "no worker shortens what the GPU takes"


def test_batches_cross_processes(tmp_path, toy):  # noqa: F811
    import pickle

    produce(tmp_path)
    from flows.jobs import FootageJob

    plans = list(prepare(Order(tmp_path / "campaign")).plans())
    batch = Batch(tuple(FootageJob(plan.films[0].master.plate.footage[0]) for plan in plans[:2]))
    assert pickle.loads(pickle.dumps(batch)) == batch


def test_an_engine_that_needs_a_gpu_where_ray_sees_none_is_a_sentence(tmp_path, monkeypatch):
    from flows import cluster
    from flows.model import BadInput

    monkeypatch.setattr(cluster, "_start", lambda workers, address: None)
    monkeypatch.setattr(cluster.ray, "cluster_resources", lambda: {"CPU": 4.0})
    with pytest.raises(BadInput, match="ray://box: the engine needs a GPU and Ray sees none"):
        cluster.RayCrew(LedgerPlace(tmp_path), workers=1, address="ray://box", needs_gpu=True)


def test_conforming_takes_a_part_of_each_gpu_and_waits_for_it(tmp_path, monkeypatch):
    from flows import cluster

    class Remote:
        """Stands for Ray's remote functions: what is asked for, and a reference that never ends."""

        def __init__(self):
            self.asked = []

        def options(self, **resources):
            self.asked.append(resources)
            return self

        def remote(self, *given):
            return object()

    monkeypatch.setattr(cluster, "_start", lambda workers, address: None)
    monkeypatch.setattr(cluster.ray, "cluster_resources", lambda: {"CPU": 4.0, "GPU": 1.0})
    monkeypatch.setattr(cluster, "do_job", Remote())
    asked = cluster.do_job.asked
    crew = cluster.RayCrew(LedgerPlace(tmp_path), workers=4, address="ray://box", needs_gpu=True)
    job = ConformJob(None)
    assert (crew.engines, crew.room(job)) == (1, True)
    crew.submit("first", job, Terms())
    assert asked == [{"num_gpus": cluster.CONFORM_GPU}]
    assert not crew.room(job), "a second one would wait in Ray's queue while its deadline runs"
    assert crew.room(PlateJob(None))
    crew.submit("plate", PlateJob(None), Terms())
    assert asked[1] == {"num_gpus": 0.0}


def test_an_engine_on_a_machine_that_is_to_be_avoided_is_left_alone_while_there_is_another(tmp_path, monkeypatch):
    from flows import cluster

    monkeypatch.setattr(cluster, "_start", lambda workers, address: None)
    monkeypatch.setattr(cluster.ray, "cluster_resources", lambda: {"CPU": 4.0})
    machines = [{"NodeID": name, "Alive": True, "Resources": {"CPU": 2.0}} for name in ("here", "there")]
    monkeypatch.setattr(cluster.ray, "nodes", lambda: machines)
    crew = cluster.RayCrew(LedgerPlace(tmp_path), workers=4, address="ray://box")
    crew._idle_engines, crew._homes = ["good", "bad"], {"good": "there", "bad": "here"}
    assert crew._engine(("here",)) == "good"
    machines.pop()
    assert crew._engine(("here",)) == "bad", "nowhere else is left"
