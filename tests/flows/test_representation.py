"""People are described as the campaign asks, evenly, the same for A and B; without people prompts stay as they are."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.brief import load_campaign
from flows.deliveries import DeliveryRecord
from flows.model import BadInput, Creative
from flows.order import Order, prepare
from flows.policy.again import with_people
from flows.policy.allot import Unit, allot, quotas
from flows.policy.distribution import chi_square_tail, distribution
from flows.policy.persons import describe, mention, stated
from flows.results import failed_rows
from tests.flows.small import small_campaign

EVEN = {"age": {"older": 1.0, "middle-aged": 1.0, "thirty-year-old": 1.0}, "gender": {"woman": 1.0, "man": 1.0}}


def people_campaign(folder: Path, prompt: str, count: int = 6, extra: str = "", column: Sequence[str] = ()) -> Path:
    cells = column or [""] * count
    rows = "".join(f"r{number},Cup {number},9.90,{cell}\n" for number, cell in enumerate(cells))
    campaign = small_campaign(folder, rows=f"row_id,product,price,person\n{rows}", extra=extra)
    (campaign / "small" / "prompt.j2").write_text(prompt, "utf-8")
    return campaign


def creatives(campaign: Path, **order: object) -> list[Creative]:
    return list(prepare(Order(campaign, **order)).creatives())  # type: ignore[arg-type]


# --- who is described how ---------------------------------------------------------------------------------------------


@given(st.integers(0, 60), st.integers(0, 2**31 - 1))
def test_quotas_are_met_to_within_one_whatever_the_seed(count: int, seed: int) -> None:
    made = allot([Unit(f"row {number}") for number in range(count)], EVEN, seed)
    assert len(made) == count
    for attribute, weights in EVEN.items():
        counts = Counter(values[attribute] for values in made.values())
        assert all(abs(counts[value] - count / len(weights)) < 1 for value in weights)


@given(
    st.dictionaries(st.text(min_size=1, max_size=4), st.floats(0.1, 100), min_size=1, max_size=6), st.integers(0, 500)
)
def test_quotas_add_up(weights: dict[str, float], count: int) -> None:
    given_out = quotas(count, weights)
    assert sum(given_out.values()) == count
    total = sum(weights.values())
    assert all(abs(given_out[value] - count * weight / total) < 1.001 for value, weight in weights.items())


def test_the_order_of_rows_does_not_matter_and_one_row_more_changes_few() -> None:
    units = [Unit(f"row {number}") for number in range(400)]
    made = allot(units, EVEN, 7)
    assert allot(units[::-1], EVEN, 7) == made
    more = allot([*units, Unit("another")], EVEN, 7)
    assert sum(more[unit.name] != made[unit.name] for unit in units) <= 6
    assert allot(units, EVEN, 8) != made


def test_what_rows_state_counts_in_the_quotas() -> None:
    units = [Unit(f"row {number}", {"gender": "woman"} if number < 4 else {}) for number in range(10)]
    made = allot(units, EVEN, 1)
    assert [made[f"row {number}"]["gender"] for number in range(4)] == ["woman"] * 4
    assert Counter(values["gender"] for values in made.values()) == {"woman": 5, "man": 5}
    too_many = allot([Unit(str(number), {"gender": "woman"} if number < 8 else {}) for number in range(10)], EVEN, 1)
    assert Counter(values["gender"] for values in too_many.values()) == {"woman": 8, "man": 2}


# --- where prompts mention somebody -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prompt", "after"),
    [
        ("A barista pours coffee.", "A barista, an older man, pours coffee."),
        ("At dawn, a tired runner", "At dawn, a tired runner, an older man"),
        ("A person drinks.", "An older man drinks."),
        ("In a kitchen someone, laughing.", "In a kitchen an older man, laughing."),
        ("The office worker, seen from behind", "The office worker, an older man, seen from behind"),
    ],
)
def test_a_description_is_written_into_the_prompt(prompt: str, after: str) -> None:
    found = mention(prompt, "en", gendered=False)
    assert found
    assert describe(prompt, found, "an older man") == after


@pytest.mark.parametrize(
    "prompt",
    ["a calm sea", "people walking in a street", "guests and friendly staff", "a customer card on a table",
     "the runner's shoes", "a woman drinks coffee", "a personal computer", "a table runner of linen"],
)  # fmt: skip
def test_groups_things_and_people_in_particular_are_left_alone(prompt: str) -> None:
    assert mention(prompt, "en", gendered=False) is None


def test_what_a_prompt_states_is_known_in_its_language() -> None:
    assert stated("an elderly runner", "en") == {"age"}
    assert stated("a barista with her cup", "en") == {"gender"}
    assert stated("ein Läufer mittleren Alters", "de") == {"age"}
    assert stated("a runner at dawn", "en") == set()


# --- in a campaign ----------------------------------------------------------------------------------------------------


def test_somebody_of_whom_nothing_is_said_is_balanced_and_the_plan_says_so(tmp_path: Path) -> None:
    campaign = people_campaign(tmp_path / "c", "A barista pours tea, {{ product }}.")
    prepared = prepare(Order(campaign))
    made = list(prepared.creatives())
    assert Counter(one.people["gender"] for one in made) == {"woman": 3, "man": 3}
    assert Counter(one.people["age"] for one in made) == {"thirty-year-old": 2, "middle-aged": 2, "older": 2}
    first = made[0].people
    article = "an" if first["age"][0] in "aeiou" else "a"
    said = f"A barista, {article} {first['age']} {first['gender']} with {first['skin_tone']} skin, pours tea, Cup 0."
    assert made[0].shots[0].prompt == said
    assert any(note.startswith("people: 6 rows show") for note in prepared.notes)


def test_a_prompt_without_people_keeps_its_seeds_and_is_told_nothing(tmp_path: Path) -> None:
    prompt = "People walk past {{ product }}, an old woman waits."
    plain = creatives(people_campaign(tmp_path / "a", prompt, extra="people: {unstated: leave}\n"))
    default = prepare(Order(people_campaign(tmp_path / "b", prompt)))
    assert [one.shots for one in default.creatives()] == [one.shots for one in plain]
    assert not any(note.startswith("people") for note in default.notes)
    assert all(one.people == {} for one in plain)


def test_the_sample_mentions_nobody_in_particular() -> None:
    prepared = prepare(Order(Path(__file__).parents[2] / "templates" / "sample"))
    assert all(one.people == {} for one in prepared.creatives())


def test_leave_leaves_everybody_alone(tmp_path: Path) -> None:
    made = creatives(people_campaign(tmp_path / "c", "A barista pours.", extra="people: {unstated: leave}\n"))
    assert {one.shots[0].prompt for one in made} == {"A barista pours."}


def test_a_and_b_and_all_locales_show_the_same_person(tmp_path: Path) -> None:
    extra = "factors: {hook: [question, offer]}\n"
    campaign = people_campaign(tmp_path / "c", "A barista pours tea.", extra=extra)
    text = (campaign / "campaign.yaml").read_text("utf-8").replace("[en-US]", "[en-US, de-DE]")
    (campaign / "campaign.yaml").write_text(text, "utf-8")
    by_row: dict[str, set[str]] = {}
    for one in creatives(campaign):
        by_row.setdefault(one.row.row_id, set()).add(one.shots[0].prompt)
    assert {len(prompts) for prompts in by_row.values()} == {1}
    varied = text + "people: {vary_by: [row, locale]}\n"
    (campaign / "campaign.yaml").write_text(varied, "utf-8")
    made = creatives(campaign)
    assert Counter(one.people["gender"] for one in made) == {"woman": 12, "man": 12}
    by_unit: dict[tuple[str, str], set[str]] = {}
    for one in made:
        by_unit.setdefault((one.row.row_id, one.locale), set()).add(one.shots[0].prompt)
    assert {len(prompts) for prompts in by_unit.values()} == {1}


def test_a_part_of_a_campaign_shows_the_same_people_as_the_whole(tmp_path: Path) -> None:
    campaign = people_campaign(tmp_path / "c", "A barista pours tea.", count=9)
    whole = {one.creative_id: one.people for one in creatives(campaign)}
    part = {one.creative_id: one.people for one in creatives(campaign, rows="3-5")}
    assert len(part) == 3
    assert part.items() <= whole.items()


def test_one_description_for_all(tmp_path: Path) -> None:
    campaign = people_campaign(
        tmp_path / "c", "A person drinks tea.", extra="people: {describe: a woman in her sixties}\n"
    )
    made = creatives(campaign)
    assert {one.shots[0].prompt for one in made} == {"A woman in her sixties drinks tea."}
    assert {tuple(one.people.items()) for one in made} == {(("described", "a woman in her sixties"),)}


def test_attributes_of_ones_own_follow_their_quotas_and_fill_in_what_is_not_stated(tmp_path: Path) -> None:
    extra = 'people: {attributes: {age: {young adult: 75, older: 25}, gender: [woman, man]}, say: "a {age} {gender}"}\n'
    made = creatives(people_campaign(tmp_path / "c", "A barista pours tea.", count=8, extra=extra))
    assert Counter(one.people["age"] for one in made) == {"young adult": 6, "older": 2}
    gendered = creatives(people_campaign(tmp_path / "d", "A woman pours tea.", count=8, extra=extra))
    assert Counter(one.shots[0].prompt for one in gendered) == {
        "A woman, young adult, pours tea.": 6,
        "A woman, older, pours tea.": 2,
    }
    assert all("gender" not in one.people for one in gendered)


def test_values_are_words_and_never_templates(tmp_path: Path) -> None:
    campaign = people_campaign(tmp_path / "c", "A barista pours.", column=["a {age} man"])
    assert creatives(campaign)[0].shots[0].prompt == "A barista, a {age} man, pours."
    braces = people_campaign(tmp_path / "d", "A barista pours.", column=["a {{ brand }} man", "x" * 161])
    with pytest.raises(BadInput) as caught:
        prepare(Order(braces))
    assert [(one.code, one.row) for one in caught.value.problems] == [("bad_person", 1), ("bad_person", 2)]
    values = people_campaign(tmp_path / "e", "A barista.", extra="people: {attributes: {age: ['{gender}']}}\n")
    with pytest.raises(BadInput):
        load_campaign(values)


def test_a_row_may_say_who_is_seen(tmp_path: Path) -> None:
    column = ["a tall chess player", "age=older; gender=woman", "", ""]
    made = creatives(people_campaign(tmp_path / "c", "A barista pours tea.", column=column))
    assert made[0].shots[0].prompt == "A barista, a tall chess player, pours tea."
    assert made[1].people["age"] == "older"
    assert made[1].people["gender"] == "woman"
    with pytest.raises(BadInput) as caught:
        prepare(Order(people_campaign(tmp_path / "d", "A barista pours.", column=["age=oldr", "aeg=older"])))
    assert [(one.code, one.row, one.column) for one in caught.value.problems] == [
        ("bad_person", 1, "person"),
        ("bad_person", 2, "person"),
    ]
    assert 'Did you mean "older"?' in caught.value.problems[0].sentence()
    idle = prepare(Order(people_campaign(tmp_path / "e", "A calm sea.", column=["a tall chess player"])))
    assert any("no effect in rows 1" in note for note in idle.notes)


@pytest.mark.parametrize(
    ("people", "said"),
    [
        ("{describe: a, attributes: {age: [b]}}", "not both"),
        ("{unstated: leave, describe: a}", "describes nobody"),
        ('{attributes: {age: [b]}, say: "a {gender}"}', "none of the attributes"),
        ("{vary_by: [variant]}", "variants always share"),
        ("{attributes: {age: {old: 0}}}", "greater than 0"),
        ("{descibe: a}", "describe"),
    ],
)
def test_a_wrong_people_key_is_a_sentence(people: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        load_campaign(people_campaign(tmp_path / "c", "A barista.", extra=f"people: {people}\n"))
    assert said in str(caught.value)


# --- how it came out --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("freedom", "statistic"), [(1, 3.841459), (2, 5.991465), (3, 7.814728), (4, 9.487729), (7, 14.06714)]
)
def test_the_tail_of_chi_square_is_that_of_the_tables(freedom: int, statistic: float) -> None:
    assert chi_square_tail(statistic, freedom) == pytest.approx(0.05, rel=1e-5)
    assert chi_square_tail(0, freedom) == 1
    assert math.isclose(chi_square_tail(40 * statistic, freedom), 0, abs_tol=1e-12)


def test_failures_that_fall_on_one_group_are_told() -> None:
    women, men = {"gender": "woman"}, {"gender": "man"}
    fair = [(women, True)] * 45 + [(women, False)] * 5 + [(men, True)] * 46 + [(men, False)] * 4
    skewed = [(women, True)] * 30 + [(women, False)] * 20 + [(men, True)] * 50
    spread = distribution(fair)[0]
    assert [(group.value, group.planned, group.delivered) for group in spread.groups] == [
        ("man", 50, 46),
        ("woman", 50, 45),
    ]
    assert spread.p is not None
    assert spread.p > 0.5
    assert spread.warning == ""
    told = distribution(skewed)[0]
    assert told.p is not None
    # 2x2 by hand: 100 * (30*0 - 20*50)^2 / (50*50*80*20) = 25
    assert told.p == pytest.approx(chi_square_tail(25, 1))
    assert "60% of the deliveries with 'woman' came through, 100% with 'man'" in told.warning
    assert told.groups[1].expected == 40
    assert distribution([(women, True), (men, False)])[0].warning  # too few for a test, and one of two is missing
    assert distribution([(women, True), (men, True)])[0].p is None


def test_rows_that_are_run_again_show_whom_they_showed_before(tmp_path: Path) -> None:
    campaign = people_campaign(tmp_path / "c", "A barista pours tea.", count=20)
    prepared = prepare(Order(campaign))
    made = list(prepared.creatives())
    failed = [
        DeliveryRecord(
            row=one.row.number, row_id=one.row.row_id, cells=one.row.cells, creative_id=one.creative_id,
            placement="linkedin_square", status="failed", code="refused", message="no",
        )
        for one in made[3:8]
    ]  # fmt: skip
    header, rows = with_people(
        prepared.header, failed_rows(failed), failed, {one.creative_id: one.people for one in made}
    )
    assert header == prepared.header
    text = ",".join(header) + "\n" + "".join(",".join(row.cells[name] for name in header) + "\n" for row in rows)
    (campaign / "rows.csv").write_text(text, "utf-8")
    again = creatives(campaign)
    assert [one.shots for one in again] == [one.shots for one in made[3:8]]
