"""A budget ends a run between steps: what was paid for is kept, the rest is named, and a larger budget goes on."""

import csv

import pytest

from flows.budget import read_budget
from flows.costs import Costs
from flows.crew import InlineCrew
from flows.jobs import Spent
from flows.model import BadInput
from flows.order import Order
from flows.settings import Settings
from flows.studio import Run

from .small import small_campaign

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
