"""What the policy refuses is refused before anything is spent, with its rule; what is only spelt like it is not."""

from __future__ import annotations

import datetime
import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.deliveries import FAILED_STATES
from flows.faults import REFUSAL
from flows.model import BadInput, Creative, LayerBrief, Row, ShotBrief
from flows.order import Order, prepare
from flows.policy.gate import POLICY_REFUSED
from flows.policy.harmless import Harmless
from flows.policy.judge import Policy, Verdict, judge, review_reasons
from flows.policy.phrases import Entry, Phrasebook
from flows.policy.policy_file import PolicyFile, read_policy
from flows.policy.rules import BLOCK, REVIEW, rulebook
from flows.policy.spelling import fold
from flows.problems import Problems
from flows.records import refused_record
from flows.results import read_results
from tests.flows.small import run, small_campaign

TODAY = datetime.date(2027, 3, 1)


def creative(
    prompt: str = "A calm sea at dawn",
    *,
    headline: str = "Tea?",
    legal: str = "",
    voiceover: str = "Good morning.",
    locale: str = "en-US",
    category: tuple[str, ...] = (),
    picture: Path | None = None,
) -> Creative:
    from fractions import Fraction

    extra = {"legal": legal} if legal else {}
    return Creative(
        creative_id="one",
        row=Row(1, "one", {}, {}, category=category),
        locale=locale,
        segment="",
        arms={},
        variant="control",
        control_id="one",
        differs_in="",
        shots=(ShotBrief(prompt, "naked, gore, child", Fraction(1), picture, 1, "seed"),),
        layers=(LayerBrief("headline", headline, 0, None, extra),),
        voiceover=voiceover,
        look="clean",
        music="calm",
        utm={},
        placements=("linkedin_square",),
        synthetic_person=None,
    )


def policy(**keys: object) -> Policy:
    return Policy(PolicyFile.model_validate(keys), "0" * 64, TODAY)


def rules(item: Creative, by: Policy | None = None) -> list[str]:
    return [verdict.rule for verdict in judge(item, by or Policy(today=TODAY))]


# --- spelling ---------------------------------------------------------------------------------------------------------

BANNED = Phrasebook(
    [
        Entry("own", "slop*"),
        Entry("own", "dick", ("Dick Smith",)),
        Entry("own", "cunt"),
        Entry("own", "sure win"),
        Entry("own", "赌博"),
        Entry("own", "scheiße"),
    ],
    "en",
)


@pytest.mark.parametrize(
    "text",
    ["Slop.", "SLOPPY", "sl0p", "s l o p", "s.l.o.p", "s. l. o. p.", "slooooop", "slöp", "ｓｌｏｐ",
     "sl\u200bop", "sl\u00adop",
     "ѕlор", "$lop", "a SURE\u00a0 win", "sure, win", "dick", "say 赌博 now", "SCHEISSE", "5l0p"],
)  # fmt: skip
def test_a_word_is_found_however_it_is_spelt(text: str) -> None:
    assert BANNED.find(text)


@pytest.mark.parametrize(
    "text",
    ["Scunthorpe", "Dick Smith Electronics", "slo", "aslop", "I am a fan of a cup", "sure we win",
     "24 of 50", "A. B. C.", "a b c d", ""],
)  # fmt: skip
def test_a_word_that_only_looks_like_it_is_not_found(text: str) -> None:
    assert not BANNED.find(text)


def test_a_spanish_letter_is_no_decoration() -> None:
    entries = [Entry("own", "ano")]
    assert not Phrasebook(entries, "es").find("Feliz año")
    assert Phrasebook(entries, "es").find("ano")


def test_a_word_of_look_alikes_is_left_alone_where_they_are_the_script() -> None:
    entries = [Entry("own", "cop")]
    assert Phrasebook(entries, "en").find("сор")
    assert not Phrasebook(entries, "ru").find("сор")


@given(st.text(max_size=80))
def test_no_text_breaks_the_search_and_a_phrase_put_into_it_is_found(text: str) -> None:
    BANNED.find(text)
    assert fold(fold(text)) == fold(text) or not text.isascii()
    assert Phrasebook([Entry("own", "quetzal")], "en").find(f"{text} quetzal {text}")


def test_what_was_found_before_is_found_again_after_the_memory_was_used() -> None:
    book = Phrasebook([Entry("own", "dodo bird")])
    texts = ["a dodo", "bird dodo", "the dodo bird", "no bird"] * 2
    assert [bool(book.find(text)) for text in texts] == [False, False, True, False] * 2


# --- rules that always hold -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("a naked child on a beach", "sexual_minors"),
        ("ein nacktes Kleinkind", "sexual_minors"),
        ("porno con colegialas", "sexual_acts_minors"),
        ("a p0rn star", "sexual_explicit"),
        ("a deepfake of a singer", "forged_likeness"),
        ("le salut nazi", "hate"),
        ("Hakenkreuz an der Wand", "hate"),
        ("a severed head on a plate", "violence"),
        ("a suicide note", "self_harm"),
    ],
)
def test_a_prompt_is_held_against_the_rules_in_its_languages(text: str, rule: str) -> None:
    locale = {"ein": "de-DE", "Hak": "de-DE", "por": "es-MX", "le ": "fr-FR"}.get(text[:3], "en-US")
    assert rule in rules(creative(text, locale=locale))


@pytest.mark.parametrize(
    "text",
    ["A child plays with a kite", "Gore-Tex jacket in the rain", "fromage râpé pour les enfants",
     "a bikini on a line, kids on the beach",
     "blood orange juice", "killer deal", "a hotel in Essex", "a man shoots a film"],
)  # fmt: skip
def test_what_is_harmless_passes(text: str) -> None:
    assert rules(creative(text, headline=text)) == []
    assert rules(creative(text, headline=text, locale="fr-FR")) == []


def test_negative_prompts_are_not_judged() -> None:
    assert rules(creative()) == []


@pytest.mark.parametrize("place", ["headline", "legal", "voiceover", "picture"])
def test_every_text_and_file_name_is_looked_at(place: str) -> None:
    given = {place: Path("swastika_white-power.png") if place == "picture" else "White power!"}
    item = creative(**given)  # type: ignore[arg-type]
    assert {verdict.rule for verdict in judge(item, Policy())} == {"hate"}
    assert {verdict.place for verdict in judge(item, Policy())} == {"file name" if place == "picture" else place}


def test_two_halves_of_a_rule_meet_across_the_texts_of_an_ad() -> None:
    assert "sexual_minors" in rules(creative("a teenager in a park", headline="Sexy!"))
    assert "sexual_minors" not in rules(creative("a teenager in a park"))


def test_every_rule_has_a_reason_and_a_source_or_says_that_it_has_none() -> None:
    book = rulebook()
    for rule in (*book.rules.values(), *book.category_rules.values()):
        assert len(rule.reason) > 20
        assert rule.origin.source or rule.origin.confidence == "unclear"
    for by_language in book.lists.values():
        assert {"en", "es", "de", "fr"} <= set(by_language)


# --- the campaign's own policy --------------------------------------------------------------------------------------


def test_banned_words_hold_in_their_locale_with_reason_and_severity() -> None:
    by = policy(
        banned=[
            {"say": ["cheap", "low cost"], "locale": "en", "reason": "not our tone", "except": ["cheap flights"]},
            {"say": "billig", "locale": "de-AT", "reason": "nicht unser Ton", "severity": "review"},
            {"say": "acme", "reason": "a competitor"},
        ]
    )
    assert judge(creative(headline="So cheap!"), by) == (
        Verdict(
            "banned_1", BLOCK, "not our tone", "headline", "cheap", judge(creative(headline="So cheap!"), by)[0].fix
        ),
    )
    assert rules(creative(headline="cheap flights"), by) == []
    assert rules(creative(headline="cheap", locale="fr-FR"), by) == []
    assert [one.severity for one in judge(creative(headline="billig", locale="de-AT"), by)] == [REVIEW]
    assert rules(creative(headline="billig", locale="de-DE"), by) == []
    assert rules(creative("the Acme tower", locale="ja-JP"), by) == ["banned_3"]


def test_a_required_line_must_stand_where_it_is_required() -> None:
    say = ["Drink responsibly", "Please drink responsibly."]
    line = {"say": say, "locale": "en", "where": "legal", "reason": "the licence", "category": "alcohol"}
    by = policy(required=[line], minimum_age=21)
    assert rules(creative(category=("alcohol",)), by) == ["required_1"]
    assert rules(creative(category=("alcohol",), headline="Drink responsibly"), by) == ["required_1"]
    assert rules(creative(category=("alcohol",), legal="Must be 21. DRINK  responsibly!"), by) == []
    assert rules(creative(category=("none",)), by) == []
    assert rules(creative(category=("alcohol",), locale="de-DE"), by) == []


def test_a_name_is_free_only_while_its_licence_holds() -> None:
    by = policy(
        people=[
            {"name": "Ada Example"},
            {"name": "Bo Example", "proof": "contract 7", "expires": "2027-03-01"},
            {"name": "Cy Example", "proof": "contract 8", "expires": "2027-02-28"},
        ]
    )
    assert rules(creative("Ada Éxample on a stage"), by) == ["person_1"]
    assert rules(creative("Bo Example on a stage"), by) == []
    verdict = judge(creative(voiceover="As Cy Example says"), by)[0]
    assert (verdict.rule, verdict.place) == ("person_3", "voiceover")
    assert "2027-02-28" in verdict.reason


def test_alcohol_asks_for_an_age_and_shows_nobody_young() -> None:
    assert rules(creative(category=("alcohol",)), policy()) == ["alcohol_audience"]
    assert rules(creative(category=("alcohol",)), policy(minimum_age=18)) == ["alcohol_audience"]
    assert rules(creative(category=("alcohol",), locale="de-DE"), policy(minimum_age=18)) == []
    assert rules(creative(category=("alcohol",)), policy(minimum_age=21)) == []
    by = policy(minimum_age=21, category="alcohol")
    assert rules(creative("a student with a glass"), by) == ["no_young_looks"]
    assert rules(creative(headline="Fun for kids"), by) == ["no_minors"]
    assert rules(creative(headline="Fun for kids", category=("none",)), by) == []


def test_a_health_claim_needs_to_be_one_of_the_policys() -> None:
    item = creative(headline="Oats: lowers cholesterol", category=("health",))
    assert rules(item, policy()) == ["health_claim"]
    by = policy(claims=[{"id": "HC-12", "say": "lowers cholesterol", "proof": "EU 432/2012"}])
    assert rules(item, by) == []
    assert by.facts()["claims"] == [{"id": "HC-12", "proof": "EU 432/2012"}]
    assert rules(creative(headline="Cures everything", category=("health",)), by) == ["health_claim"]


def test_politics_and_unstated_categories_are_looked_at_by_a_person() -> None:
    by = policy(minimum_age=18)
    assert review_reasons(judge(creative(category=("politics",)), by))
    unstated = judge(creative(headline="The best whisky"), by)
    assert [(one.rule, one.severity) for one in unstated] == [("alcohol_unstated", REVIEW)]
    assert rules(creative(headline="The best whisky", category=("none",)), by) == []


def test_an_override_is_recorded_and_some_rules_have_none(tmp_path: Path) -> None:
    by = policy(overrides=[{"rule": "hate", "reason": "a museum's film", "who": "Jo Doe"}])
    verdict = judge(creative("a swastika in a glass case"), by)[0]
    assert (verdict.severity, verdict.override) == ("overridden", "overridden by Jo Doe: a museum's film")
    assert not review_reasons([verdict])
    (tmp_path / "policy.yaml").write_text(
        "overrides: [{rule: sexual_acts_minors, reason: x, who: y}, {rule: hatte, reason: x, who: y}]\n", "utf-8"
    )
    found = Problems("campaign.yaml")
    assert read_policy(tmp_path, None, found) is None
    assert [(one.code, one.file) for one in found.found] == [
        ("final_rule", "policy.yaml"),
        ("unknown_rule", "policy.yaml"),
    ]
    assert 'Did you mean "hate"?' in found.found[1].fix


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("band: []", "unknown_key", "banned"),
        ("banned: [{say: x}]", "missing_key", "reason"),
        ("banned: [{say: '*', reason: x}]", "bad_value", "no letter"),
        ("banned: [{say: x, reason: y, severity: kill}]", "bad_value", "block"),
        ("banned: [{say: x, reason: y, locale: xx-QQQQQ}]", "bad_value", "locale"),
        ("category: beer", "bad_value", "no category"),
        ("people: [{name: x, expires: soon}]", "bad_value", "isoformat"),
        ("required: [{say: x, reason: y, category: alcool}]", "unknown_category", "alcohol"),
    ],
)
def test_a_wrong_policy_is_a_sentence_with_its_place(text: str, code: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(text + "\n", "utf-8")
    found = Problems("campaign.yaml")
    assert read_policy(tmp_path, None, found) is None
    assert [one.code for one in found.found] == [code]
    assert said in found.found[0].sentence()


# --- where it is enforced -------------------------------------------------------------------------------------------

ROWS = "row_id,product,price,category\nred,Red cup,9.90,\nbad,White power cup,12.50,\nale,Ale,3,alcohol\n"


def test_a_campaign_with_refused_rows_is_not_run_and_each_is_named(tmp_path: Path) -> None:
    campaign = small_campaign(tmp_path / "c", rows=ROWS)
    with pytest.raises(BadInput) as caught:
        prepare(Order(campaign))
    found = caught.value.problems
    assert {one.code for one in found} == {POLICY_REFUSED}
    assert {(one.row, one.column) for one in found} == {(2, "prompt"), (2, "voiceover"), (3, "category")}
    assert all("(rule " in one.message and one.fix for one in found)


def test_a_refused_row_that_is_skipped_is_counted_as_refused(tmp_path: Path) -> None:
    campaign = small_campaign(tmp_path / "c", rows=ROWS + "broken,,x,\n")
    prepared = prepare(Order(campaign, skip_bad_rows=True))
    assert [row.row_id for row in prepared.rows] == ["red"]
    records = [refused_record(row) for row in prepared.skipped]
    assert [(one.status, one.code) for one in records[:2]] == [("refused", POLICY_REFUSED)] * 2
    assert records[0].fault == REFUSAL
    assert records[2].status == "invalid"
    assert all(one.status in FAILED_STATES for one in records)


def test_the_policy_beside_the_campaign_is_used_and_its_hash_known(tmp_path: Path) -> None:
    campaign = small_campaign(tmp_path / "c")
    assert prepare(Order(campaign)).policy.facts()["file_sha256"] is None
    text = 'version: "7"\nbanned: [{say: blue cup, reason: sold out, severity: review}]\n'
    (campaign / "policy.yaml").write_text(text, "utf-8")
    prepared = prepare(Order(campaign))
    facts = prepared.policy.facts()
    assert facts["file_sha256"] == hashlib.sha256(text.encode()).hexdigest()
    assert facts["version"] == "7"
    assert "policy: 1 creative needs a person's review by rule banned_1" in prepared.notes
    judged = {one.creative_id: review_reasons(prepared.policy.judge(one)) for one in prepared.creatives()}
    assert [bool(reasons) for reasons in judged.values()] == [False, True]
    assert json.dumps(facts)


def test_a_policy_that_is_named_must_be_there(tmp_path: Path) -> None:
    campaign = small_campaign(tmp_path / "c", extra="policy: rules/ours.yaml\n")
    with pytest.raises(BadInput) as caught:
        prepare(Order(campaign))
    assert [(one.code, one.column) for one in caught.value.problems] == [("file_missing", "policy")]


def test_an_unknown_category_of_a_row_is_refused_with_the_nearest(tmp_path: Path) -> None:
    campaign = small_campaign(tmp_path / "c", rows="row_id,product,price,category\nred,Red cup,9.90,alcool\n")
    with pytest.raises(BadInput) as caught:
        prepare(Order(campaign))
    problem = caught.value.problems[0]
    assert (problem.code, problem.row, problem.column) == ("bad_category", 1, "category")
    assert "alcohol" in problem.sentence()


def test_texts_beside_the_film_are_judged_with_it() -> None:
    by = policy(banned=[{"say": "cheap", "reason": "not our tone"}])
    assert [(one.rule, one.place) for one in judge(creative(), by, [("primary_text", "So cheap")])] == [
        ("banned_1", "primary_text")
    ]


@given(
    st.lists(st.sampled_from(["slop", "s", "l", "o", "p", "sl0p", "sure", "win,", "dick", "Smith", "$lop", "tea", "7"]))
)
def test_what_is_passed_over_as_harmless_holds_nothing(parts: list[str]) -> None:
    """The slow search looks at every word; the quick answer is the same."""
    text = " ".join(parts)
    assert BANNED.find(text) == BANNED._search(text)


def test_what_was_harmless_is_looked_at_again_when_a_book_comes_in() -> None:
    harmless = Harmless()
    one = Phrasebook([Entry("own", "slop")], "en", harmless)
    assert not one.find("a glass of tea")
    other = Phrasebook([Entry("own", "glass of tea")], "de", harmless)
    assert other.find("a glass of tea")
    assert not one.find("a glass of tea")


def test_judging_is_pure() -> None:
    by, item = policy(banned=[{"say": "tea", "reason": "x"}]), creative()
    first = judge(item, by)
    assert judge(item, by) == first == judge(replace(item, creative_id="two"), by)
    assert first


def test_a_run_tells_what_was_refused_overridden_and_who_is_seen(tmp_path: Path) -> None:
    campaign = small_campaign(tmp_path / "c", rows="row_id,product,price\nred,Red cup,9.90\nbad,White power cup,1\n")
    (campaign / "small" / "prompt.j2").write_text("A barista pours tea, {{ product }}.", "utf-8")
    (campaign / "policy.yaml").write_text(
        "banned: [{say: red cup, reason: sold out}]\noverrides: [{rule: banned_1, reason: it is back, who: Jo Doe}]\n",
        "utf-8",
    )
    done = run(campaign, tmp_path / "out", skip_bad_rows=True)
    _, records = read_results(done.folder / "results.csv")
    assert [(one.row_id, one.status, one.code) for one in records] == [
        ("red", "done", ""),
        ("bad", "refused", POLICY_REFUSED),
    ]
    manifest = json.loads((done.folder / "manifest.json").read_text("utf-8"))
    assert manifest["policy"]["overrides"] == [{"rule": "banned_1", "reason": "it is back", "who": "Jo Doe"}]
    assert manifest["policy"]["file_sha256"] == hashlib.sha256((campaign / "policy.yaml").read_bytes()).hexdigest()
    facts = json.loads((done.folder / records[0].path).with_suffix(".json").read_text("utf-8"))
    assert set(facts["people"]) == {"age", "gender", "skin_tone"}
    assert facts["people"]["age"] in facts["shots"][0]["prompt"]
    groups = manifest["representation"]["gender"]["groups"]
    assert groups == {facts["people"]["gender"]: {"planned": 1, "delivered": 1, "expected": 1.0}}
    page = (done.folder / "report.html").read_text("utf-8")
    assert "Who is seen" in page
    assert "Rule banned_1 of the policy is overridden by Jo Doe: it is back" in page
