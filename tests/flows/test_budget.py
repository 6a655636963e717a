"""A budget ends a run between steps: what was paid for is kept, the rest is named, and a larger budget goes on."""

import csv
import threading
import time
from queue import Empty, Queue

import pytest

from flows.budget import read_budget
from flows.costs import Costs
from flows.crew import InlineCrew
from flows.jobs import Batch, FootageJob, Spent
from flows.ledger import Ledger
from flows.model import BadInput
from flows.order import Order, prepare
from flows.produce import Production
from flows.settings import Settings
from flows.stores.shared import LedgerPlace
from flows.studio import Run
from flows.worker import Worker

from .small import small_campaign
from .test_footage_jobs import FootageCrew
from .toy_engine import toy  # noqa: F401 - a fixture

PRICED = Settings(cpu_hour_usd=0.36, gpu_hour_usd=3.6)


@pytest.mark.parametrize(
    ("text", "settings", "gpu", "words"),
    [
        ("much", PRICED, False, "this is no budget"),
        ("-3usd", PRICED, False, "this is no budget"),
        ("0usd", PRICED, False, "a budget of nothing"),
        ("2gpu-h", PRICED, False, "the engine uses no GPU"),
        ("20usd", Settings(), False, "what an hour costs is unknown"),
        ("20usd", Settings(cpu_hour_usd=0.1), True, "what an hour costs is unknown"),
    ],
)
def test_a_budget_that_could_never_hold_is_refused(text, settings, gpu, words):
    with pytest.raises(BadInput, match=words):
        read_budget(text, settings, gpu=gpu)


def test_a_budget_counts_in_its_own_unit():
    costs = Costs(PRICED.cpu_hour_usd, PRICED.gpu_hour_usd)
    costs.gpu = True
    costs.add(Spent("footage", "a", False, 1000.0, 7.0))
    costs.add(Spent("master", "b", False, 90.0, 100.0))
    costs.add(Spent("master", "c", True, 90.0, 100.0))  # was there: costs nothing
    assert costs.usd == pytest.approx(1.0 + 0.01)
    for text, reached in [("1usd", True), ("1.02usd", False), ("0.27gpu-h", True), ("0.3gpu-h", False),
                          ("0.027cpu-h", True), ("0.03cpu-h", False)]:  # fmt: skip
        assert bool(read_budget(text, PRICED, gpu=True).reached(costs)) is reached, text


def run(campaign, out, budget):
    settings = Settings(out=out)
    work = Run(Order(campaign, budget=budget), settings, lambda: InlineCrew(settings.ledger_folder))
    work.read()
    for _ in work.produce():
        pass
    work.report()
    return work


def test_a_run_that_has_spent_its_budget_keeps_what_is_paid_and_names_the_rest(tmp_path):
    campaign = small_campaign(tmp_path / "campaign", placements="[linkedin_square, x_square]")
    stopped = run(campaign, tmp_path / "out", "0.00001cpu-h")
    assert set(stopped.summary.counts) <= {"done", "budget_stopped"}
    assert stopped.summary.counts["budget_stopped"] > 0
    paid = sum(stopped.summary.made.values())
    assert paid >= 1
    with (tmp_path / "out/Small/results.csv").open(encoding="utf-8-sig", newline="") as table:
        lines = [line for line in csv.DictReader(table) if line["status"] == "budget_stopped"]
    assert all(line["code"] == "budget_stopped" and line["fault"] == "budget" and line["fix"] for line in lines)
    assert "is spent" in lines[0]["message"]
    whole = run(campaign, tmp_path / "out", None)
    assert whole.summary.counts == {"done": 4}
    assert sum(whole.summary.found.values()) >= 1, "what was paid for is found"


# --- a budget that is used up while an engine is in the middle of many shots ------------------------------------------


class ThreadCrew(FootageCrew):
    """Engines in threads of their own, each with its worker; what is made of the footage is only put down."""

    def __init__(self, root, engines):
        super().__init__(root)
        self.engines, self.slots = engines, 2 * engines
        self._idle = [Worker(LedgerPlace(root)) for _ in range(engines)]
        self._ended, self.shots = Queue(), []

    def room(self, job):
        return len(self._idle) > 0 or not isinstance(job, FootageJob)

    def submit(self, ticket, work, terms):
        if not isinstance(work, Batch | FootageJob):
            super().submit(ticket, work, terms)
            return
        self.shots.append(len(work.jobs) if isinstance(work, Batch) else 1)
        threading.Thread(target=self._render, args=(ticket, work, terms, self._idle.pop())).start()

    def _render(self, ticket, work, terms, worker):
        outcome = worker.run(work, terms)
        self._idle.append(worker)
        self._ended.put((ticket, outcome))

    def finished(self, timeout_seconds):
        done = super().finished(timeout_seconds)
        try:
            return [*done, self._ended.get(timeout=0 if done else timeout_seconds)]
        except Empty:
            return done


@pytest.mark.parametrize("engines", [1, 2])
def test_a_budget_that_is_used_up_in_a_batch_costs_one_shot_of_each_engine_at_the_most(
    tmp_path,
    toy,  # noqa: F811
    monkeypatch,
    engines,
):
    monkeypatch.setattr("flows.produce.POLL_SECONDS", 0.05)
    monkeypatch.setattr("flows.shift.LEAST_PAUSE_SECONDS", 0.02)
    toy.facts = {"max_seconds": 4.0, "shots_per_job": 8, "encodes_prompts": False, "needs_gpu": True}
    toy.on_shot = lambda shot, batch: time.sleep(0.4)
    rows = "row_id,product\n" + "".join(f"r{number},Cup {number}\n" for number in range(16))
    campaign = small_campaign(tmp_path / "campaign", rows, extra="engine: toy\nvoice: none\n")
    prepared, ledger = prepare(Order(campaign)), Ledger(tmp_path / "ledger")
    budget, costs = read_budget(f"{1.0 / 3600}gpu-h", PRICED, gpu=True), Costs(0.36, 3.6)
    costs.gpu = True
    crew, spent = ThreadCrew(ledger.root, engines), []
    production = Production(
        ledger,
        lambda: crew,
        shots_per_job=prepared.engine.shots_per_job,
        on_spent=lambda one: (costs.add(one), spent.append(one)),
        stop=lambda meanwhile: budget.reached(costs, meanwhile),
    )
    results = list(production.run(prepared.plans()))
    shots = [one.seconds for one in spent if one.kind == "footage"]
    assert max(crew.shots) >= 4, "each engine was in the middle of a batch"
    assert costs.gpu_seconds > 1.0 - max(shots), "it was used, but for what the ledger took after the last shot"
    assert costs.gpu_seconds - 1.0 <= engines * max(shots), (costs.gpu_seconds, shots)
    failures = [item.failure for result in results for item in result.delivered if item.failure]
    assert len(failures) == 16, "nothing more was begun, films neither"
    assert {(one.code, one.fault) for one in failures} == {("budget_stopped", "budget")}
    assert {one.message.partition(" (")[0] for one in failures} == {"the budget of 0.000277778 GPU hours is spent"}
    assert len(ledger.keys("footage")) == len(shots), "what was paid for is kept"
    assert list((ledger.root / "live").iterdir()) == []


def test_a_stop_reaches_only_the_work_it_is_meant_for(tmp_path):
    """Another run on the same ledger may be rendering beside this one."""
    from flows.live import LiveFolder, WorkPulse

    folder = LiveFolder(tmp_path)
    ours, theirs = WorkPulse(folder, "work-a-1"), WorkPulse(folder, "work-b-1")
    folder.ask_to_stop("work-a-1")
    assert (ours.is_to_stop(), theirs.is_to_stop()) == (True, False)
    assert folder.stops() == {"work-a-1"}
    ours.stop()
    assert list(folder.folder.iterdir()) == []


def test_a_plan_says_by_how_much_a_budget_may_be_exceeded():
    from types import SimpleNamespace

    from flows.budget import most_overshoot
    from flows.estimate import Range, Tally

    def said(gpu, **tally):
        return most_overshoot(SimpleNamespace(gpu=gpu, tallies={"footage": Tally(**tally)}))

    assert said(True, unique=4, cpu_seconds=Range(1, 2, 480)) == (
        "A budget (`--budget`) is exceeded by the shot that each GPU is at, at the most, about 120 GPU seconds each."
    )
    assert said(False, unique=1).endswith("by the shot that each worker is at, at the most.")
    assert said(False, unique=1, cached=1) == "", "no footage is to be made"
