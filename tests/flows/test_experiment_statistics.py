"""Stopping rules keep their promise: false alarms under many looks, power, published bounds; simulated with seeds."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from flows.brief import load_campaign
from flows.experiment import inference
from flows.experiment.inference import Sample
from flows.experiment.planning import plan_experiment, sentences
from flows.experiment.sequential import (
    RULES,
    Look,
    Rule,
    always_valid_bound,
    always_valid_p,
    bounds,
    crossing,
    planned_information,
)
from flows.model import BadInput
from tests.flows.small import small_campaign
from tests.flows.test_experiment import TWO

BASE, LIFT, ALPHA, POWER, LOOKS = 0.02, 0.2, 0.05, 0.8, 10


# --- bounds -----------------------------------------------------------------------------------------------------------


def test_bounds_are_those_that_are_published():
    """O'Brien-Fleming spending, two-sided 0.05, five looks: Lan and DeMets; the same in SAS and R's gsDesign."""
    found = bounds((0.2, 0.4, 0.6, 0.8, 1.0), 0.05)
    assert found == pytest.approx((4.8769, 3.3569, 2.6803, 2.2898, 2.0310), abs=2e-4)


def test_bounds_spend_alpha_by_an_integral_of_another_kind():
    times = np.array((0.1, 0.35, 0.5, 0.9, 1.0))
    limits = np.array(bounds(tuple(times), 0.04))
    together = np.minimum.outer(times, times) / np.sqrt(np.outer(times, times))
    stay = multivariate_normal(np.zeros(5), together, seed=1).cdf(limits, lower_limit=-limits)
    assert 1 - stay == pytest.approx(0.04, abs=2e-4)
    assert crossing(times, limits, 0.0) == pytest.approx(0.04, abs=1e-6)


def test_one_look_at_the_end_is_an_ordinary_test():
    assert bounds((1.0,), 0.05) == pytest.approx((1.95996,), abs=1e-4)
    rule = Rule("group_sequential", LIFT, 100.0)
    assert rule.p_value([Look(100.0, 2.2)]) == pytest.approx(0.0278, abs=2e-4)


@pytest.mark.parametrize("rule", RULES)
def test_the_p_value_is_at_most_alpha_just_where_the_bound_is_met(rule):
    planned = planned_information(rule, LIFT, ALPHA, POWER)
    made = Rule(rule, LIFT, planned)
    history = [Look(planned * share, 0.3) for share in (0.2, 0.5)]
    last = planned * 0.8
    bound = made.bound([*history, Look(last, 0.0)], ALPHA)
    assert made.p_value([*history, Look(last, bound + 0.01)]) <= ALPHA
    assert made.p_value([*history, Look(last, bound - 0.01)]) > ALPHA
    # What was once significant stays so: a p value over all looks never grows.
    assert made.p_value([*history, Look(last, bound + 0.01), Look(planned, 0.0)]) <= ALPHA


def test_looks_after_the_end_and_looks_without_news_decide_nothing():
    rule = Rule("group_sequential", LIFT, 100.0)
    ended = [Look(100.0, 1.0)]
    assert rule.p_value([*ended, Look(150.0, 9.0)]) == rule.p_value(ended)
    assert rule.p_value([Look(50.0, 1.0), Look(50.0, 9.0)]) == rule.p_value([Look(50.0, 1.0)])


def test_the_always_valid_p_value_is_one_over_a_likelihood_ratio():
    information, z, tau = 400.0, 2.5, math.log1p(LIFT)
    effects = np.linspace(-2, 2, 40_001)
    prior = np.exp(-((effects / tau) ** 2) / 2) / (tau * math.sqrt(2 * math.pi))
    likelihood = np.exp(z * effects * math.sqrt(information) - effects**2 * information / 2)
    ratio = float((prior * likelihood).sum() * (effects[1] - effects[0]))
    assert always_valid_p(z, information, LIFT) == pytest.approx(1 / ratio, rel=1e-4)
    bound = always_valid_bound(information, LIFT, ALPHA)
    assert always_valid_p(bound, information, LIFT) == pytest.approx(ALPHA)


# --- simulations ------------------------------------------------------------------------------------------------------


@cache
def simulated(rule: str, lift: float, runs: int = 3000) -> tuple[np.ndarray, np.ndarray, float]:
    """z and information of ten looks at tests of the planned size, by the code that reads results."""
    each = inference.sample_size("proportion", BASE, LIFT, ALPHA, POWER)
    planned = planned_information(rule, LIFT, ALPHA, POWER, LOOKS)
    least = ((inference.quantile(ALPHA) + inference.quantile(2 * (1 - POWER))) / math.log1p(LIFT)) ** 2
    step = math.ceil(each * planned / least / LOOKS)
    random = np.random.default_rng(20261126)
    control = random.binomial(step, BASE, (runs, LOOKS)).cumsum(axis=1)
    other = random.binomial(step, BASE * (1 + lift), (runs, LOOKS)).cumsum(axis=1)
    found = [
        [
            inference.z_and_information(
                "proportion", Sample(other[run, look], step * (look + 1)), Sample(control[run, look], step * (look + 1))
            )
            for look in range(LOOKS)
        ]
        for run in range(runs)
    ]
    values = np.array(found)
    return values[..., 0], values[..., 1], planned


def stopped(rule: str, lift: float) -> float:
    """The part of the tests that stop at one of the ten looks."""
    z, information, _ = simulated(rule, lift)
    if rule == "always_valid":
        at = np.vectorize(lambda known: always_valid_bound(known, LIFT, ALPHA))(information)
    else:
        at = np.array(bounds(tuple((look + 1) / LOOKS for look in range(LOOKS)), ALPHA))
    return float((np.abs(z) >= at).any(axis=1).mean())


@pytest.mark.parametrize("rule", RULES)
def test_ten_peeks_raise_no_more_false_alarms_than_alpha(rule):
    # 3,000 runs know a rate of 0.05 to 0.004.
    assert stopped(rule, 0.0) <= ALPHA + 2 * 0.004


def test_a_test_for_one_look_cries_wolf_when_it_is_peeked_at():
    z, _, _ = simulated("group_sequential", 0.0)
    assert float((np.abs(z) >= 1.96).any(axis=1).mean()) > 3 * ALPHA
    assert float((np.abs(z[:, -1]) >= 1.96).mean()) == pytest.approx(ALPHA, abs=0.012)


@pytest.mark.parametrize("rule", RULES)
def test_a_lift_that_is_there_is_found_as_often_as_planned(rule):
    # A lift up is a little better known than the logarithm's middle says.
    assert stopped(rule, LIFT) == pytest.approx(POWER, abs=0.04)


def test_group_sequential_tests_that_find_something_end_early():
    z, _, _ = simulated("group_sequential", LIFT)
    at = np.array(bounds(tuple((look + 1) / LOOKS for look in range(LOOKS)), ALPHA))
    ended = np.abs(z) >= at
    looks = np.where(ended.any(axis=1), ended.argmax(axis=1) + 1, LOOKS)
    assert looks.mean() < 0.85 * LOOKS


def test_rows_that_scatter_raise_false_alarms_unless_the_scatter_is_counted():
    random, alarms, honest, runs, rows = np.random.default_rng(5), 0, 0, 200, 24
    for _ in range(runs):
        rates = 0.02 * random.lognormal(0, 0.35, rows)
        clicks = random.binomial(4000, np.minimum(rates, 1))
        arm = np.arange(rows) % 2
        found = inference.fit("proportion", clicks, [4000.0] * rows, np.column_stack([arm, np.ones(rows)]), 1)
        assert found
        scatter = max(1.0, found.dispersion)
        one, two = (Sample(float(clicks[arm == side].sum()), 4000.0 * rows / 2) for side in (1, 0))
        alarms += inference.p_value("proportion", one, two) < ALPHA
        shared = [Sample(sample.events / scatter, sample.out_of / scatter) for sample in (one, two)]
        honest += inference.p_value("proportion", *shared) < ALPHA
    assert alarms / runs > 0.3
    assert honest / runs < 0.10


@pytest.mark.parametrize("kind", ["proportion", "rate"])
@pytest.mark.parametrize("pair", [(0, 5), (5, 0), (100, 90), (100, 100), (0, 0), (2.5, 90)])
def test_no_events_and_nothing_but_events_have_intervals_too(kind, pair):
    one, reference = (Sample(events, 100.0) for events in pair)
    assert 0 <= inference.p_value(kind, one, reference) <= 1
    assert inference.p_value(kind, one, reference) == pytest.approx(inference.p_value(kind, reference, one))
    low, high = inference.difference_interval(kind, one, reference, ALPHA)
    assert low <= one.rate - reference.rate <= high
    low, high = inference.ratio_interval(kind, one, reference, ALPHA)
    assert 0 <= low <= high
    low, high = inference.rate_interval(kind, one, ALPHA)
    assert low <= one.rate <= high + 1e-12


# --- plans ------------------------------------------------------------------------------------------------------------


def test_a_plan_for_one_look_is_the_textbooks():
    # Fleiss: 2 % against 2.4 %, two-sided 0.05, power 0.8.
    assert inference.sample_size("proportion", 0.02, 0.2, 0.05, 0.8) == pytest.approx(21_109, rel=0.002)
    # Poisson: conversions for money; (1.96 + 0.84)^2 (1 / 1.2 + 1) / log(1.2)^2 events in the control.
    assert inference.sample_size("rate", 0.05, 0.2, 0.05, 0.8) * 0.05 == pytest.approx(
        7.849 * (1 / 1.2 + 1) / math.log(1.2) ** 2, rel=0.03
    )


def test_more_arms_take_more_each_and_uneven_shares_take_more_in_all(tmp_path):
    small_campaign(tmp_path / "one", extra="factors: {hook: [question, offer]}\n")
    small_campaign(tmp_path / "four", extra=TWO)
    small_campaign(
        tmp_path / "uneven",
        extra="factors: {hook: [question, offer]}\nexperiment: {allocation: {question: 9, offer: 1}}\n",
    )
    one, four, uneven = (
        plan_experiment(load_campaign(tmp_path / name), 0.012, daily=20_000, total=100_000)
        for name in ("one", "four", "uneven")
    )
    assert one.comparisons == 1
    assert four.comparisons == 3
    assert four.fixed / one.fixed == pytest.approx(((2.394 + 0.842) / (1.960 + 0.842)) ** 2, rel=0.01)
    assert uneven.total / one.total == pytest.approx((1 / 0.9 + 1 / 0.1) / 4, rel=0.01)
    assert one.days == math.ceil(one.total / 20_000)
    # With what the smallest lift takes, that lift is found.
    assert one.detectable
    again = plan_experiment(load_campaign(tmp_path / "one"), 0.012, lift=one.detectable)
    assert again.total == pytest.approx(100_000, rel=0.01)
    said = " ".join(sentences(four, assigned=True))
    assert "over 3 comparisons with the control" in said
    assert "at least 20 rows in each arm" in said


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"baseline": 1.2}, "is no rate between 0 and 1"),
        ({"baseline": -0.1}, "is no rate between 0 and 1"),
        ({"baseline": 0.01, "power": 1.5}, "is not between 0 and 0.999"),
        ({"baseline": 0.01, "metric": "ctx"}, 'Did you mean "ctr"?'),
        ({"baseline": 0.0, "metric": "cpa"}, "is not above 0"),
    ],
)
def test_a_plan_that_cannot_be_is_a_sentence(tmp_path, choice, said):
    small_campaign(tmp_path, extra=TWO)
    with pytest.raises(BadInput) as caught:
        plan_experiment(load_campaign(tmp_path), **choice)
    assert said in str(caught.value)


def test_the_cost_of_a_conversion_is_planned_by_money(tmp_path):
    small_campaign(tmp_path, extra="factors: {hook: [question, offer]}\n")
    sizes = plan_experiment(load_campaign(tmp_path), 25.0, metric="cpa", lift=0.2)
    # Some 500 conversions an arm at 25.00 each.
    assert sizes.fixed == pytest.approx(25 * 7.849 * (1 / 1.2 + 1) / math.log(1.2) ** 2, rel=0.03)
    assert "cost per conversion that differs by 20.0% from 25.00" in sentences(sizes, assigned=False)[0]


def test_a_missing_library_is_a_sentence_with_the_extra(monkeypatch):
    monkeypatch.setattr(inference, "find_spec", lambda name: None)
    with pytest.raises(BadInput, match=r"pip install 'spotmill\[experiment\]'"):
        inference.require_statistics()
