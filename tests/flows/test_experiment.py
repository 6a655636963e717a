"""The design of an experiment and who sees which variant: fractions, aliases, stable draws, campaign.yaml."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest

from flows.brief import load_campaign
from flows.experiment.assignment import assign
from flows.experiment.design import aliases, fraction, names_of, shows_all
from flows.model import BadInput, Factor
from flows.order import Order, prepare
from flows.variants import campaign_variants
from tests.flows.small import small_campaign

TWO = "factors: {hook: [question, offer], look: [clean, noir]}\n"
THREE = "factors: {hook: [question, offer], look: [clean, noir], music: [calm, tech]}\n"


def factors(*levels: int) -> tuple[Factor, ...]:
    return tuple(
        Factor("abcdef"[place], tuple(f"{'abcdef'[place]}{number}" for number in range(level)))
        for place, level in enumerate(levels)
    )


def rows(count: int, column: str = "") -> str:
    more = f",{column}" if column else ""
    lines = [f"r{number},Cup {number},9.90" + (f",c{number // 2}" if column else "") for number in range(count)]
    return f"row_id,product,price{more}\n" + "\n".join(lines) + "\n"


# --- fractions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("levels", "resolution", "count"),
    [
        ((2, 2, 2), 3, 4),
        ((2, 2, 2, 2), 3, 8),
        ((2, 2, 2, 2), 4, 8),
        ((2,) * 5, 3, 8),
        ((2,) * 5, 4, 16),
        ((2,) * 6, 3, 8),
        ((2,) * 6, 4, 16),
        ((3, 3, 3), 3, 9),
        ((4, 4, 4), 3, 16),
        ((2, 2, 4), 3, 8),
        ((2, 2, 2, 3), 3, 12),
        ((2, 2), 3, 4),
        ((2, 3), 3, 6),
        ((5,), 3, 5),
    ],
)
def test_a_fraction_is_as_small_as_the_textbook_one_orthogonal_and_holds_the_control(levels, resolution, count):
    points = fraction(factors(*levels), resolution)
    assert len(points) == len(set(points)) == count
    assert (0,) * len(levels) in points
    for places in itertools.combinations(range(len(levels)), min(resolution - 1, len(levels))):
        shown = Counter(tuple(point[place] for place in places) for point in points)
        assert len(set(shown.values())) == 1  # balanced
        assert shows_all(points, levels, places)


def test_of_two_fractions_of_one_size_the_one_is_taken_that_tells_more_apart():
    points = fraction(factors(2, 2, 2, 2), 3)
    for places in itertools.combinations(range(4), 3):
        assert shows_all(points, (2, 2, 2, 2), places)


def test_what_a_fraction_cannot_tell_apart_is_said():
    tested = factors(2, 2, 2)
    head, *said = aliases(tested, fraction(tested, 3))
    assert head.startswith("4 of 8 combinations are made (resolution III")
    assert said == [
        "the effect of a cannot be told from b and c together",
        "the effect of b cannot be told from a and c together",
        "the effect of c cannot be told from a and b together",
    ]
    whole = factors(2, 3)
    assert aliases(whole, fraction(whole, 3)) == (
        "no part of the 6 combinations tells the factors apart; all are made",
    )


def test_names_of_a_fraction_begin_at_the_control():
    assert names_of(factors(2, 2, 2), {"a": "a1"}, fraction(factors(2, 2, 2), 3))[0] == "a1-b0-c0"


# --- campaign.yaml ---------------------------------------------------------------------------------------------------


def test_a_fractional_campaign_makes_fewer_variants_and_says_what_it_cannot_tell_apart(tmp_path):
    small_campaign(tmp_path, extra=THREE + "experiment: {design: fractional}\n")
    prepared = prepare(Order(tmp_path))
    made = [creative.variant for creative in prepared.creatives() if creative.row.row_id == "red"]
    assert made == [variant.name for variant in campaign_variants(prepared.campaign)]
    assert len(made) == 4
    assert made[0] == "question-clean-calm"
    assert any("cannot be told from look and music together" in note for note in prepared.notes)


def test_the_control_may_be_any_arm_and_stands_first(tmp_path):
    small_campaign(tmp_path, extra=TWO + "experiment: {control: {hook: offer}}\n")
    made = campaign_variants(load_campaign(tmp_path))
    assert [(variant.name, variant.differs_in) for variant in made] == [
        ("offer-clean", ""),
        ("offer-noir", "look"),
        ("question-clean", "hook"),
        ("question-noir", "several"),
    ]


def test_shares_add_up_whatever_the_weights_are(tmp_path):
    small_campaign(tmp_path, extra=TWO + "experiment: {allocation: {question-clean: 3, offer-clean: 1}}\n")
    shares = load_campaign(tmp_path).experiment.allocation
    assert shares == {"question-clean": 0.75, "question-noir": 0, "offer-clean": 0.25, "offer-noir": 0}


@pytest.mark.parametrize(
    ("written", "code", "said"),
    [
        ("control: {hok: offer}", "unknown_factor", 'Did you mean "hook"?'),
        ("control: {hook: ofer}", "unknown_arm", 'Did you mean "offer"?'),
        ("allocation: {ofer-clean: 1}", "unknown_variant", 'Did you mean "offer-clean"?'),
        ("allocation: {offer-clean: -1}", "bad_experiment", "no set of weights"),
        ("allocation: {offer-clean: 0}", "bad_experiment", "no set of weights"),
        ("metric: ctx", "unknown_metric", 'Did you mean "ctr"?'),
        ("unit: product", "bad_experiment", "nothing is drawn"),
        ("desin: full", "unknown_key", 'Did you mean "design"?'),
        ("lift: 0", "bad_value", "greater than 0"),
    ],
)
def test_an_experiment_that_cannot_be_is_refused_with_the_way_out(tmp_path, written, code, said):
    small_campaign(tmp_path, extra=TWO + f"experiment: {{{written}}}\n")
    with pytest.raises(BadInput) as caught:
        load_campaign(tmp_path)
    (problem,) = caught.value.problems
    assert problem.code == code
    assert said in problem.sentence()


# --- assignment -------------------------------------------------------------------------------------------------------


def test_each_row_is_made_in_one_variant_and_adding_rows_moves_nobody(tmp_path):
    extra = TWO + "experiment: {assign: hash}\n"
    few, many = tmp_path / "few", tmp_path / "many"
    small_campaign(few, rows=rows(10), extra=extra)
    small_campaign(many, rows=rows(40), extra=extra)
    made = [{c.row.row_id: c.variant for c in prepare(Order(folder)).creatives()} for folder in (few, many)]
    assert len(made[1]) == 40
    assert set(made[1].values()) == {"question-clean", "question-noir", "offer-clean", "offer-noir"}
    assert made[0].items() <= made[1].items()


def test_a_row_without_its_control_names_none(tmp_path):
    small_campaign(tmp_path, rows=rows(20), extra=TWO + "experiment: {assign: hash}\n")
    made = list(prepare(Order(tmp_path)).creatives())
    assert all((creative.control_id == "") == (creative.variant != "question-clean") for creative in made)


def test_rows_with_one_unit_see_one_variant(tmp_path):
    extra = TWO + "ignore_columns: [customer]\nexperiment: {assign: hash, unit: customer}\n"
    small_campaign(tmp_path, rows=rows(40, "customer"), extra=extra)
    by_unit: dict[str, set[str]] = {}
    for creative in prepare(Order(tmp_path)).creatives():
        by_unit.setdefault(creative.row.cells["customer"], set()).add(creative.variant)
    assert len(by_unit) == 20
    assert all(len(seen) == 1 for seen in by_unit.values())


def test_a_unit_that_no_row_has_is_a_sentence(tmp_path):
    small_campaign(tmp_path, extra=TWO + "experiment: {assign: hash, unit: customer}\n")
    with pytest.raises(BadInput, match="variants are drawn by this column, and the rows have none of this name"):
        prepare(Order(tmp_path))


def test_shares_are_met_and_a_changed_share_moves_only_rows_to_or_from_that_variant():
    before = {"a": 0.5, "b": 0.3, "c": 0.2}
    after = {"a": 0.5, "b": 0.3, "c": 0.4}
    units = [f"row {number}" for number in range(6000)]
    drawn = {unit: assign(unit, "spring", 7, before) for unit in units}
    counts = Counter(drawn.values())
    for name, share in before.items():
        assert counts[name] == pytest.approx(6000 * share, abs=4 * (6000 * share * (1 - share)) ** 0.5)
    moved = {unit: assign(unit, "spring", 7, after) for unit in units}
    assert all(moved[unit] == "c" for unit in units if moved[unit] != drawn[unit])
    assert all(moved[unit] == "c" for unit in units if drawn[unit] == "c")


def test_another_experiment_and_another_seed_are_another_draw():
    units, shares = [f"row {number}" for number in range(400)], {"a": 1.0, "b": 1.0}
    first = [assign(unit, "spring", 7, shares) for unit in units]
    for other in (
        [assign(unit, "summer", 7, shares) for unit in units],
        [assign(unit, "spring", 8, shares) for unit in units],
    ):
        assert 120 < sum(one == two for one, two in zip(first, other, strict=True)) < 280


def test_the_draw_is_the_same_for_ever():
    # Written down once: whoever changes the hash moves every row of every running experiment.
    assert [assign(f"r{number}", "Small", 1, {"a": 1, "b": 1, "c": 2}) for number in range(8)] == list("ccbcccca")
