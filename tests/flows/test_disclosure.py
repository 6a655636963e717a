"""Disclosure is never unset, never claims what is not so, and never falls back to English."""

from __future__ import annotations

import itertools
import json
import pickle
import tomllib
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from flows import disclosure_table
from flows.disclosure import VALUES, Disclosure, disclose, territory_of
from flows.disclosure_share import Share, share_of
from flows.disclosure_table import FILE
from flows.model import BadInput, ShotBrief
from flows.order import Order, prepare
from flows.placements import get_placement, load_placements
from generation import engines
from generation.media.frames import Planes, VideoWriter
from generation.spec import Size
from tests.flows.test_licences import Strict
from tests.flows.written import CAMPAIGN, TEMPLATE, write

FACTS = tomllib.loads(FILE.read_text("utf-8"))
COMPOSITE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
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
    "google_ads": {
        "status.containsSyntheticMedia",
        "YouTubeVideoUploadGenerativeContentDisclosure",
        "syntheticContentAttestationStatus",
    },
    "dv360": {"syntheticContentAttestationStatus"},
    "pinterest": {"ai_disclosures.values"},
    "x": {"made_with_ai"},
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
        assert set(made.platform_fields) == FIELDS_BY_PLATFORM.get(place.platform, set())
        assert all(value not in ("", None) for value in made.platform_fields.values())
        # Where there is no field, the record says what to do instead.
        assert made.platform_fields or any(rule.by_hand for rule in made.rule_records())
        assert (made.on_picture is None) == (not made.label)
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


@pytest.mark.parametrize("placement", ["instagram_reels", "linkedin_square", "snapchat_snap_ad"])
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
    record = json.loads(json.dumps(made.as_json()))
    assert record["label"]["text"] == "KI-generiert"
    assert (record["label"]["from_seconds"], record["label"]["until_seconds"]) == (0, None)
    assert record["ai_share"] == {"made_by_model": 1.0, "changed_by_model": 0.0, "other": 0.0}
    for rule in record["rules"]:
        assert rule["title"]
        assert rule["source"].startswith("https://")
        assert (rule["checked"][:4], rule["confidence"] in ("official", "secondary", "unclear")) == ("2026", True)
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
    for entry in (*FACTS["rule"].values(), *FACTS["source_type"].values(), *FACTS["threshold"].values()):
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
        kinds = ("generated", "modified", "person", "both")
        assert set(kinds) <= set(texts)
        assert all(0 < len(texts[kind]) <= 42 for kind in kinds)
        assert texts["generated"] != texts["modified"]
    assert {"en", "es", "de", "fr", "pt", "it", "nl", "ja", "hi", "ar"} <= set(FACTS["label"])


@pytest.mark.parametrize(
    ("old", "new", "table"),
    [
        ('off = { aigc_disclosure_type = "NOT_DECLARED" }\n', "", "rule.tiktok.off"),
        ('value = "ai_generated"', 'value = ""', "source_type.trainedAlgorithmicMedia.value"),
        ('generated = "KI-generiert"', 'generated = " "', "label.de.generated"),
        ('when = "person"', 'when = "sometimes"', "rule.new_york_396b.when"),
        ('modified = "KI-bearbeitet"\n', "", "label.de.modified"),
        ('by_hand = "Set the AI disclosure of the ad in Ads Manager where it is offered"\n', "", "rule.meta.by_hand"),
        ("share = 1.0", "share = 1.5", "threshold.generated.share"),
        ('source = "https://www.tullylaw.com/ai-in-advertising.html"\n', "", "rule.new_york_396b.source"),
    ],
)
def test_a_table_that_would_leave_something_unset_is_refused(tmp_path: Path, old: str, new: str, table: str) -> None:
    text = FILE.read_text("utf-8")
    assert old in text
    file = tmp_path / "disclosure.toml"
    file.write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(BadInput) as caught:
        disclosure_table.tables(file)
    assert [problem.column for problem in caught.value.problems] == [table]


# --- how much of the film -------------------------------------------------------------------------------------------


def shot(share: str, clip: str = "") -> ShotBrief:
    return ShotBrief("a sea", "", Fraction(share), None, 1, "", clip=Path(clip) if clip else None)


def test_the_share_is_the_time_of_the_shots_that_a_model_made_or_changed() -> None:
    shots = [shot("1/4"), shot("1/4", "own.mp4"), shot("1/2")]
    assert share_of(shots, AI) == Share(Fraction(3, 4), Fraction(1, 4))
    assert share_of(shots, DRAWN) == Share(Fraction(0))
    assert share_of(shots, COMPOSITE) == Share(Fraction(0), Fraction(1))
    assert share_of([shot("1")], AI).total == 1


def test_a_film_that_restyles_the_user_s_own_is_a_composite_and_its_label_does_not_claim_more() -> None:
    share = share_of([shot("1/2"), shot("1/2", "own.mp4")], AI)
    made = disclose(
        locale="de-DE",
        placement=get_placement("tiktok_infeed"),
        synthetic_person=False,
        digital_source_type=AI,
        share=share,
    )
    assert (made.value, made.digital_source_type) == ("ai_composite", "compositeWithTrainedAlgorithmicMedia")
    assert made.label == "KI-bearbeitet"
    assert made.platform_fields == {"aigc_disclosure_type": "SELF_DISCLOSURE"}
    assert "50%" in made.reason
    assert made.as_json()["ai_share"] == {"made_by_model": 0.5, "changed_by_model": 0.5, "other": 0.0}


def test_a_share_below_the_threshold_of_the_table_is_not_declared(tmp_path: Path) -> None:
    file = tmp_path / "disclosure.toml"
    file.write_text(FILE.read_text("utf-8").replace("share = 0.0", "share = 0.2", 1), "utf-8")
    read = disclosure_table.tables(file)
    place = get_placement("tiktok_infeed")
    few = {"locale": "de-DE", "placement": place, "digital_source_type": AI, "table": read}
    made = disclose(**few, synthetic_person=False, share=Share(Fraction(1, 10)))  # type: ignore[arg-type]
    assert (made.value, made.label) == ("not_ai_generated", "")
    assert "10%" in made.reason
    more = disclose(**few, synthetic_person=False, share=Share(Fraction(1, 4)))  # type: ignore[arg-type]
    assert more.value == "ai_composite"
    # A person made by AI is declared however short they are seen.
    assert disclose(**few, synthetic_person=True, share=Share(Fraction(1, 10))).value == "ai_composite"  # type: ignore[arg-type]


def test_a_label_lasts_as_long_as_the_longest_rule_asks_and_the_whole_film_unless_all_say_less(tmp_path: Path) -> None:
    file = tmp_path / "disclosure.toml"
    text = FILE.read_text("utf-8")
    file.write_text(text.replace('label = "generated"\n', 'label = "generated"\nlabel_seconds = 5\n', 1), "utf-8")
    read = disclosure_table.tables(file)

    def seconds(locale: str) -> float | None:
        place = get_placement("tiktok_infeed")
        return disclose(
            locale=locale, placement=place, synthetic_person=True, digital_source_type=AI, table=read
        ).label_until_seconds

    assert seconds("de-DE") == 5
    assert seconds("de") is None  # all territories: others say nothing shorter
    assert seconds("en-US") is None
    assert of("de-DE").label_until_seconds is None


def test_pinterest_is_told_of_a_person_only_where_the_row_says_so() -> None:
    values = [of("en-GB", "pinterest_video_pin", person).platform_fields for person in (True, False, None)]
    said = [fields["ai_disclosures.values"] for fields in values]
    assert said == [["AI_MODIFIED", "SYNTHETIC_PERFORMER"], ["AI_MODIFIED"], ["AI_MODIFIED"]]
    assert of("en-GB", "pinterest_video_pin", False, DRAWN).platform_fields == {"ai_disclosures.values": []}


def test_india_names_no_size_and_says_where_the_ten_per_cent_came_from() -> None:
    india = FACTS["rule"]["india"]
    assert "10 %" in india["note"]
    assert (india["confidence"], india["label"]) == ("secondary", "generated")


def test_a_plan_of_a_film_that_restyles_a_clip_declares_a_composite(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "get_engine", lambda name: Strict(ways=frozenset({"image", "video"})))
    folder = write(
        tmp_path,
        campaign=CAMPAIGN.replace("en-US", "de-DE"),
        extra="engine: animatic\nvoice: none\n",
        rows="row_id,product,own\nred,Rote Tasse,own.mp4\nblue,Blaue Tasse,\n",
        template=TEMPLATE.replace("  picture: {type: image}\n", "  own: {type: video}\n").replace(
            "prompt: prompt, picture: picture", "prompt: prompt, clip: own"
        ),
    )
    grey = Planes(*(np.full(shape, 128, np.uint8) for shape in ((64, 64), (32, 32), (32, 32))))
    with VideoWriter(folder / "own.mp4", Size(64, 64), Fraction(10)) as writer:
        for _ in range(60):
            writer.write(grey)
    red, blue = prepare(Order(folder)).plans()
    films = [plan.films[0] for plan in (red, blue)]
    said = [(film.disclosures[0].value, film.master.disclosure_label) for film in films]
    assert said == [("ai_composite", "KI-bearbeitet"), ("ai_generated", "KI-generiert")]
    assert films[0].disclosures[0].share == Share(Fraction(1, 3), Fraction(2, 3))
