"""Disclosure is never unset, never claims what is not so, and never falls back to English."""

from __future__ import annotations

import itertools
import json
import pickle
import tomllib
from pathlib import Path

import pytest

from flows import disclosure
from flows.disclosure import VALUES, Disclosure, disclose, territory_of
from flows.model import BadInput
from flows.placements import get_placement, load_placements

FACTS = tomllib.loads(disclosure.FILE.read_text("utf-8"))
AI = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
DRAWN = "http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicMedia"
LOCALES = [*FACTS["label"], "en-US", "en-IN", "es-MX", "es-419", "de-DE", "pt-BR", "zh-TW", "ar-EG", "ja-JP", "fr-CA"]
FIELDS_BY_PLATFORM = {
    "tiktok": {"aigc_disclosure_type"},
    "youtube": {
        "status.containsSyntheticMedia",
        "YouTubeVideoUploadGenerativeContentDisclosure",
        "syntheticContentAttestationStatus",
    },
    "dv360": {"syntheticContentAttestationStatus"},
}


def of(
    locale: str = "en-US", placement: str = "tiktok_infeed", person: bool | None = None, source: str = AI, **more: str
) -> Disclosure:
    return disclose(
        locale=locale,
        placement=get_placement(placement),
        synthetic_person=person,
        digital_source_type=source,
        override=more.get("override", "auto"),
        reason=more.get("reason", ""),
    )


def test_no_delivery_of_any_kind_is_left_unset() -> None:
    places = load_placements().values()
    for locale, place, person, source in itertools.product(LOCALES, places, (True, False, None), FACTS["source_type"]):
        made = disclose(locale=locale, placement=place, synthetic_person=person, digital_source_type=source)
        assert made.value in VALUES
        assert made.reason
        assert made.rules
        assert set(made.platform_fields) >= FIELDS_BY_PLATFORM.get(place.platform, set())
        assert all(value not in ("", None) for value in made.platform_fields.values())
        # Where there is no field, the record says so in words.
        assert made.platform_fields or any("found" in note for note in made.notes)
        if made.label:
            assert made.value != "not_ai_generated"


def test_drawn_footage_is_declared_as_not_made_by_ai_with_explicit_off_values() -> None:
    assert of(source=DRAWN).value == "not_ai_generated"
    assert of(source=DRAWN).platform_fields == {"aigc_disclosure_type": "NOT_DECLARED"}
    assert of(placement="youtube_shorts", source=DRAWN).platform_fields == {
        "status.containsSyntheticMedia": False,
        "YouTubeVideoUploadGenerativeContentDisclosure": "NON_GENERATIVE_CONTENT",
        "syntheticContentAttestationStatus": "NOT_SYNTHETIC",
    }
    assert of("de-DE", source=DRAWN).label == ""


def test_a_model_s_footage_is_declared_on_every_platform_with_a_field() -> None:
    assert of().platform_fields == {"aigc_disclosure_type": "SELF_DISCLOSURE"}
    assert of(placement="dv360_video").platform_fields == {"syntheticContentAttestationStatus": "IS_SYNTHETIC"}
    assert of(placement="google_pmax_square").platform_fields["status.containsSyntheticMedia"] is True


@pytest.mark.parametrize("placement", ["instagram_reels", "linkedin_square", "pinterest_video_pin", "x_square", "ctv"])
def test_a_platform_without_a_field_still_gets_a_value(placement: str) -> None:
    made = of(placement=placement)
    assert made.value == "ai_generated"
    assert made.platform_fields == {}


@pytest.mark.parametrize(
    ("locale", "person", "label"),
    [
        ("de-DE", False, "KI-generiert"),
        ("es-ES", False, "Generado con IA"),
        ("es-MX", False, ""),
        ("hi-IN", False, "AI द्वारा निर्मित"),
        ("zh-CN", None, "AI生成"),
        ("en-US", False, ""),
        ("en-US", True, "AI-generated person"),
        ("es-US", True, "Persona generada con IA"),
        ("en-GB", True, ""),
        ("de", True, "Video und Person KI-generiert"),
        ("no", False, "KI-generert"),
    ],
)
def test_the_label_follows_territory_person_and_language(locale: str, person: bool | None, label: str) -> None:
    assert of(locale, person=person).label == label


def test_a_row_that_does_not_say_is_taken_to_show_a_person_but_the_label_does_not_claim_one() -> None:
    made = of("en-US", person=None)
    assert "new_york_396b" in made.rules
    assert made.label == "AI-generated"
    assert "does not say" in made.reason


def test_a_person_made_by_ai_in_drawn_footage_makes_it_a_composite() -> None:
    made = of("de", person=True, source=DRAWN)
    assert made.value == "ai_composite"
    assert made.label == "KI-generierte Person"
    assert made.platform_fields == {"aigc_disclosure_type": "SELF_DISCLOSURE"}


def test_a_language_without_a_text_is_a_problem_with_a_way_out_never_english() -> None:
    with pytest.raises(BadInput, match=r"\[label\.sk\]") as caught:
        of("sk-SK")
    assert caught.value.problems[0].code == "no_disclosure_label"
    assert of("sk-SK", source=DRAWN).label == ""


def test_unknown_footage_is_a_problem() -> None:
    with pytest.raises(BadInput, match="trainedAlgorithmicMedia"):
        of(source="trainedAlgoritmicMedia")


def test_an_override_needs_a_reason_and_is_recorded() -> None:
    with pytest.raises(BadInput, match="disclosure_reason"):
        of(override="not_ai_generated", reason="  ")
    with pytest.raises(BadInput, match="none of the known values"):
        of(override="off", reason="because")
    made = of("de-DE", person=True, override="not_ai_generated", reason="filmed by hand")
    assert (made.value, made.label, made.overridden) == ("not_ai_generated", "", True)
    assert "filmed by hand" in made.reason
    assert of("de-DE", source=DRAWN, override="ai_generated", reason="careful").label == "KI-generiert"


def test_the_synthetic_voice_is_stated_and_decides_nothing() -> None:
    spoken, silent = (
        disclose(
            locale="de-DE",
            placement=get_placement("tiktok_infeed"),
            synthetic_person=False,
            digital_source_type=DRAWN,
            synthetic_voice=voice,
        )
        for voice in (True, False)
    )
    assert spoken.as_json() == {**silent.as_json(), "synthetic_voice": True}


def test_the_record_is_json_and_crosses_processes() -> None:
    made = of("de-DE")
    assert json.loads(json.dumps(made.as_json()))["label"] == "KI-generiert"
    assert pickle.loads(pickle.dumps(made)) == made


@pytest.mark.parametrize(
    ("locale", "territory"),
    [
        ("de", ""), ("es-419", ""), ("en-US", "US"), ("zh-Hant-TW", "TW"), ("en_gb", "GB"), ("en-u-ca-gregory", ""),
        ("de-DE-x-at", "DE"), ("", ""),
    ],
)  # fmt: skip
def test_the_territory_is_the_country_of_the_tag(locale: str, territory: str) -> None:
    assert territory_of(locale) == territory


def test_every_rule_and_source_type_has_a_source_and_a_day() -> None:
    for entry in (*FACTS["rule"].values(), *FACTS["source_type"].values()):
        assert entry["source"].startswith("https://")
        assert entry["checked"].year >= 2026
    assert {"eu_ai_act_50", "new_york_396b", "california_sb_942", "india", "dv360_cm360", "youtube"} <= set(
        FACTS["rule"]
    )


def test_the_platforms_of_the_rules_are_those_of_the_placements() -> None:
    named = {platform for rule in FACTS["rule"].values() for platform in rule["platforms"]}
    assert named == {place.platform for place in load_placements().values()}


def test_every_label_is_short_enough_for_a_phone() -> None:
    for texts in FACTS["label"].values():
        assert {"generated", "person", "both"} <= set(texts)
        assert all(0 < len(texts[kind]) <= 42 for kind in ("generated", "person", "both"))
    assert {"en", "es", "de", "fr", "pt", "it", "nl", "ja", "hi", "ar"} <= set(FACTS["label"])


@pytest.mark.parametrize(
    ("old", "new", "table"),
    [
        ('off = { aigc_disclosure_type = "NOT_DECLARED" }\n', "", "rule.tiktok.off"),
        ('value = "ai_generated"', 'value = ""', "source_type.trainedAlgorithmicMedia.value"),
        ('generated = "KI-generiert"', 'generated = " "', "label.de.generated"),
        ('when = "person"', 'when = "sometimes"', "rule.new_york_396b.when"),
    ],
)
def test_a_table_that_would_leave_something_unset_is_refused(tmp_path: Path, old: str, new: str, table: str) -> None:
    text = disclosure.FILE.read_text("utf-8")
    assert old in text
    file = tmp_path / "disclosure.toml"
    file.write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(BadInput) as caught:
        disclosure._table(file)
    assert [problem.column for problem in caught.value.problems] == [table]
