"""What goes to ad platforms: count in = count out, only what may go out, texts within limits, nothing half-written."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from PIL import Image

from flows import cli
from flows.brief import load_campaign
from flows.crew import InlineCrew
from flows.deliveries import DeliveryRecord
from flows.handoff import folder as handoff_folder
from flows.handoff.handover import hand_off
from flows.handoff.limits import excess
from flows.handoff.platforms import FILE, load_platforms
from flows.handoff.wording import CALLS, OF_DELIVERY
from flows.ledger import Ledger
from flows.model import BadInput
from flows.order import Order, prepare
from flows.results import write_results
from flows.review.approvals import Approvals
from flows.settings import Settings
from flows.studio import Run
from tests.flows.small import small_campaign
from tests.flows.test_webhooks import SECRET, Receiver, receiver

__all__ = ["receiver"]

ROWS = "row_id,product,price,note\nred,Red cup,9.90,Steam by seven\nblue,Blue cup,12.50,Half past tea\n"
URL = "https://dawn.example/cups?utm_source=x"


@dataclass
class Made:
    """Results as a run leaves them, without the run."""

    home: Path
    extra: str = ""
    records: list[DeliveryRecord] = field(default_factory=list)
    approval: str = "none"

    def __post_init__(self) -> None:
        self.campaign = small_campaign(self.home / "campaign", ROWS, extra=f"ignore_columns: [note]\n{self.extra}")
        self.folder = self.home / "out" / "Small"
        self.ledger = self.folder.parent / ".ledger"

    def add(self, placement: str, row: str = "red", headline: str = "Tea?", **more: Any) -> DeliveryRecord:
        """A finished delivery with its files; equal bytes for nobody else."""
        locale = more.pop("locale", "en-US")
        creative = f"{row}_{locale}_control"
        film = f"film of {creative} {placement}".encode()
        lines = {line["row_id"]: line for line in csv.DictReader(io.StringIO(ROWS))}
        record = DeliveryRecord(
            row=[*lines].index(row) + 1, row_id=row, cells=lines[row], creative_id=creative, placement=placement,
            status="done", locale=locale, variant="control", sha256=hashlib.sha256(film).hexdigest(),
            path=f"{creative}/{placement}.mp4", url_with_utm=URL, disclosure="ai_generated", proof="pass: all found",
        )  # fmt: skip
        record = replace(record, **more)
        home = self.folder / creative
        home.mkdir(parents=True, exist_ok=True)
        (home / f"{placement}.mp4").write_bytes(film)
        Image.new("RGB", (270, 480), "#884422").save(home / f"{placement}.jpg")
        (home / f"{placement}.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nTea?\n", "utf-8")
        facts = {
            "arms": {},
            "layers": [{"kind": "headline", "text": headline}, {"kind": "end_card", "text": "", "cta": "Shop now"}],
            "voice": {"id": "espeak", "text": "Good morning."},
            "disclosure": {"value": record.disclosure},
        }
        (home / f"{placement}.json").write_text(json.dumps(facts), "utf-8")
        self.records.append(record)
        return record

    def write(self) -> Path:
        expected = [record.key for record in self.records]
        self.folder.mkdir(parents=True, exist_ok=True)
        write_results(
            self.folder / "results.csv", ["row_id", "product", "price", "note"], self.records, expected=expected
        )
        manifest = {"campaign": "Small", "approval": self.approval, "order": {"campaign": str(self.campaign)}}
        (self.folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
        return self.folder


def table(path: Path) -> list[dict[str, str]]:
    return [*csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline=""))]


def codes(error: pytest.ExceptionInfo[BadInput]) -> list[str]:
    return [problem.code for problem in error.value.problems]


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


# --- count in = count out -------------------------------------------------------------------------------------------


def test_every_delivery_has_one_line_and_goes_where_it_runs(tmp_path: Path) -> None:
    made = Made(tmp_path, extra="ads: {description: A cup}\n")
    places = ("instagram_reels", "tiktok_infeed", "youtube_shorts", "dv360_video", "linkedin_square", "x_square")
    for place in places:
        made.add(place)
    failed = replace(made.add("facebook_feed", "blue"), status="failed", code="tool_failed", message="m", fix="Mend")
    made.records[-1] = failed
    handed = hand_off(made.write(), tmp_path / "to")
    lines = table(tmp_path / "to" / "handoff.csv")
    assert [(line["placement"], line["handed_to"], line["code"]) for line in lines] == [
        ("instagram_reels", "meta", ""),
        ("tiktok_infeed", "tiktok", ""),
        ("youtube_shorts", "google_ads", ""),
        ("dv360_video", "dv360", ""),
        ("linkedin_square", "linkedin", ""),
        ("x_square", "", "other_platform"),
        ("facebook_feed", "", "not_delivered"),
    ]
    assert (lines[-1]["reason"], lines[-1]["fix"]) == ("was not made (tool_failed)", "Mend")
    assert sum(map(len, handed.ads.values())) + len(handed.refused) + handed.elsewhere == len(made.records)
    for name, ads in handed.ads.items():
        sheet = table(tmp_path / "to" / name / load_platforms()[name].sheet)
        listed = json.loads((tmp_path / "to" / name / "ads.json").read_text("utf-8"))["ads"]
        assert len(sheet) == len(listed) == len(ads) == 1
        film = tmp_path / "to" / name / listed[0]["film"]
        assert hashlib.sha256(film.read_bytes()).hexdigest() == listed[0]["sha256"]


def test_platforms_that_must_be_named_take_their_part_when_they_are(tmp_path: Path) -> None:
    made = Made(tmp_path)
    made.add("youtube_bumper")
    hand_off(made.write(), tmp_path / "to", platforms=["dv360_youtube"])
    line = table(tmp_path / "to" / "dv360_youtube" / "SDF-AdGroupAds.csv")[0]
    assert list(line) == list(load_platforms()["dv360_youtube"].columns)
    assert (line["Ad Type"], line["Status"], line["Display URL"]) == ("Bumper", "Paused", "dawn.example")
    with pytest.raises(BadInput, match='Did you mean "tiktok"'):
        hand_off(made.folder, tmp_path / "to", platforms=["tictok"])
    with pytest.raises(BadInput) as nothing:
        hand_off(made.folder, tmp_path / "none", platforms=["meta"])
    assert codes(nothing) == ["nothing_to_hand_over"]
    assert not (tmp_path / "none").exists()


# --- what may go out ------------------------------------------------------------------------------------------------


def test_only_what_was_approved_goes_out_where_a_person_is_asked(tmp_path: Path) -> None:
    made = Made(tmp_path, approval="required")
    yes = made.add("instagram_reels", status="approved", approval="approved")
    made.add("instagram_reels", "blue", status="needs_review", approval="waiting")
    made.write()
    Approvals(made.ledger).decide(yes.sha256, "approve", "Ada")
    handed = hand_off(made.folder, tmp_path / "to")
    assert [ad.record.row_id for ad in handed.ads["meta"]] == ["red"]
    assert [(refusal.creative_id, refusal.code) for refusal in handed.refused] == [
        ("blue_en-US_control", "not_approved")
    ]


def test_a_rejection_since_the_run_holds(tmp_path: Path) -> None:
    made = Made(tmp_path)
    record = made.add("instagram_reels")
    Approvals(made.ledger).decide(record.sha256, "reject", "Ada", "wrong cup")
    handed = hand_off(made.write(), tmp_path / "to")
    assert [refusal.code for refusal in handed.refused] == ["rejected"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"proof": "fail: no mark"}, "proof_failed"),
        ({"proof": ""}, "not_proven"),
        ({"sha256": "0" * 64}, "bytes_changed"),
    ],
)
def test_what_is_not_proven_or_has_other_bytes_stays(tmp_path: Path, change: dict[str, str], code: str) -> None:
    made = Made(tmp_path)
    made.add("instagram_reels", **change)
    handed = hand_off(made.write(), tmp_path / "to")
    assert [refusal.code for refusal in handed.refused] == [code]
    assert table(tmp_path / "to" / "handoff.csv")[0]["code"] == code
    assert not (tmp_path / "to" / "meta").exists()


def test_a_draft_in_the_results_is_replaced_by_the_film_of_the_ledger(tmp_path: Path) -> None:
    made = Made(tmp_path)
    record = made.add("instagram_reels")
    final = made.folder / record.path
    key = "ab" * 16
    step = Ledger(made.ledger).make(
        "delivery", key, lambda space: space.file("video.mp4").write_bytes(final.read_bytes())
    )
    facts = json.loads(final.with_suffix(".json").read_text("utf-8"))
    final.with_suffix(".json").write_text(json.dumps({**facts, "steps": {"delivery": key}}), "utf-8")
    final.write_bytes(b"DRAFT")
    hand_off(made.write(), tmp_path / "to")
    film = tmp_path / "to/meta/films/red_en-US_control_instagram_reels.mp4"
    assert hashlib.sha256(film.read_bytes()).hexdigest() == record.sha256
    assert film.stat().st_nlink == 1  # the ledger's files are linked from nowhere
    assert step.file("video.mp4").stat().st_nlink == 1


# --- sheets ---------------------------------------------------------------------------------------------------------


def test_the_sheet_has_what_the_platform_reads(tmp_path: Path) -> None:
    made = Made(tmp_path, extra="ads: {primary_text: 'A {{ product }}', call_to_action: shop_now}\n")
    made.add("instagram_reels", disclosure_fields={})
    made.add("tiktok_infeed", disclosure_fields={"aigc_disclosure_type": "SELF_DISCLOSURE", "n": ["a"]})
    hand_off(made.write(), tmp_path / "to")
    line = table(tmp_path / "to/meta/meta-ads.csv")[0]
    assert list(line) == list(load_platforms()["meta"].columns)
    assert line["Body"] == "A Red cup"
    assert line["Title"] == "Tea?"
    assert line["Call to Action"] == "SHOP_NOW"
    assert line["Link"] == URL
    assert {line[name] for name in ("Campaign Status", "Ad Set Run Status", "Ad Status")} == {"PAUSED"}
    assert (tmp_path / "to/meta/films" / line["Video File Name"]).is_file()
    told = table(tmp_path / "to/tiktok/disclosure.csv")
    assert [(one["field"], one["value"]) for one in told] == [
        ("aigc_disclosure_type", "SELF_DISCLOSURE"),
        ("n", '["a"]'),
    ]
    assert [one["declared"] for one in table(tmp_path / "to/meta/disclosure.csv")] == ["ai_generated"]
    readme = (tmp_path / "to/tiktok/README.txt").read_text("utf-8")
    assert "Columns of tiktok-ads.csv: not confirmed" in readme
    assert "primary_text from ads.primary_text" in readme


def test_platforms_that_take_captions_get_them(tmp_path: Path) -> None:
    made = Made(tmp_path)
    made.add("linkedin_square")
    made.add("instagram_reels")
    hand_off(made.write(), tmp_path / "to")
    assert len([*(tmp_path / "to/linkedin/captions").iterdir()]) == 1
    assert not (tmp_path / "to/meta/captions").exists()


# --- texts ----------------------------------------------------------------------------------------------------------


def test_a_text_over_the_limit_says_how_much_to_cut_and_nothing_is_written(tmp_path: Path) -> None:
    made = Made(tmp_path, extra=f"ads: {{primary_text: '{'x' * 103}'}}\n")
    made.add("tiktok_infeed")
    made.add("instagram_reels")
    with pytest.raises(BadInput) as caught:
        hand_off(made.write(), tmp_path / "to")
    problem = caught.value.problems[0]
    assert codes(caught) == ["text_too_long"]
    assert (problem.file, problem.row, problem.column) == ("rows.csv", 1, "ads.primary_text")
    assert "103 characters, 100 are allowed in TikTok in-feed ad" in problem.message
    assert problem.fix == "Cut 3 characters (ads.primary_text in campaign.yaml)"
    assert problem.value
    assert not (tmp_path / "to").exists()


def test_a_text_of_the_film_that_is_too_long_says_where_it_comes_from(tmp_path: Path) -> None:
    made = Made(tmp_path, extra="ads: {description: d}\n")
    made.add("youtube_shorts", headline="h" * 41)
    with pytest.raises(BadInput) as caught:
        hand_off(made.write(), tmp_path / "to")
    assert caught.value.problems[0].message.endswith("which is taken from film headline")
    assert caught.value.problems[0].fix == "Cut 1 character, or write `ads: {headline: …}` in campaign.yaml"


def test_texts_that_are_cut_on_the_screen_are_counted_and_go_out_whole(tmp_path: Path) -> None:
    made = Made(tmp_path, extra=f"ads: {{primary_text: '{'x' * 200}'}}\n")
    made.add("facebook_feed")
    made.add("facebook_feed", "blue")
    handed = hand_off(made.write(), tmp_path / "to")
    assert handed.cut["meta"] == ["primary_text: only the first 125 characters are seen in Facebook feed (2 ads)"]
    assert {len(line["Body"]) for line in table(tmp_path / "to/meta/meta-ads.csv")} == {200}


@pytest.mark.parametrize(
    ("text", "most", "weight", "over"),
    [
        ("a" * 100, 100, 2, 0),
        ("a" * 101, 100, 2, 1),
        ("茶" * 50, 100, 2, 0),
        ("茶" * 51, 100, 2, 1),
        ("茶" * 51, 100, 1, 0),
        ("a" * 98 + "茶茶", 100, 2, 1),
        ("e\u0301" * 10, 10, 1, 0),
    ],
)
def test_east_asian_letters_count_as_the_platform_counts_them(text: str, most: int, weight: int, over: int) -> None:
    assert excess(text, most, weight) == over


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Tea ☕ now", "emoji_refused"),
        ("Tea 🫖", "emoji_refused"),
        ("#tea", "character_refused"),
        ("Tea @dawn", "character_refused"),
        ("Go to www.tea.example", "link_refused"),
    ],
)
def test_what_tiktok_refuses_is_refused_here(tmp_path: Path, text: str, code: str) -> None:
    made = Made(tmp_path, extra=f"ads: {{primary_text: '{text}'}}\n")
    made.add("tiktok_infeed")
    with pytest.raises(BadInput) as caught:
        hand_off(made.write(), tmp_path / "to")
    assert code in codes(caught)


def test_letters_with_accents_and_other_scripts_are_no_emoji(tmp_path: Path) -> None:
    made = Made(tmp_path, extra="ads: {primary_text: 'Grüße – ¿té? 茶 شاي चाय 5 € ™'}\n")
    made.add("tiktok_infeed")
    assert hand_off(made.write(), tmp_path / "to").ads


@pytest.mark.parametrize("text", ["=1+1", "@SUM(A1)", "-2+3+cmd|' /C calc'!A0", "+HYPERLINK(1)", "＝1"])
def test_a_text_that_a_spreadsheet_would_run_is_refused(tmp_path: Path, text: str) -> None:
    made = Made(tmp_path)
    made.add("instagram_reels", headline=text)
    with pytest.raises(BadInput) as caught:
        hand_off(made.write(), tmp_path / "to")
    assert set(codes(caught)) == {"formula_text"}


def test_a_text_that_begins_with_a_sign_goes_out_as_it_is_and_is_told(tmp_path: Path) -> None:
    made = Made(tmp_path)
    made.add("instagram_reels", headline="-20 % today")
    hand_off(made.write(), tmp_path / "to")
    assert table(tmp_path / "to/meta/meta-ads.csv")[0]["Title"] == "-20 % today"
    assert "Some texts begin with a sign" in (tmp_path / "to/meta/README.txt").read_text("utf-8")


def test_what_a_platform_needs_may_not_be_missing(tmp_path: Path) -> None:
    made = Made(tmp_path)
    made.add("youtube_shorts", headline="", url_with_utm="")
    with pytest.raises(BadInput) as caught:
        hand_off(made.write(), tmp_path / "to")
    assert codes(caught) == ["text_missing", "text_missing", "text_missing", "no_landing_url"]
    assert "Write `ads: {description: …}` in campaign.yaml" in str(caught.value)


def test_a_call_to_action_that_a_platform_lacks_is_refused(tmp_path: Path) -> None:
    made = Made(tmp_path, extra="ads: {call_to_action: shop_now}\n")
    made.add("linkedin_square")
    with pytest.raises(BadInput) as caught:
        hand_off(made.write(), tmp_path / "to")
    assert codes(caught) == ["call_not_offered"]
    assert "learn_more" in caught.value.problems[0].fix


def test_an_unknown_call_to_action_gets_the_nearest(tmp_path: Path) -> None:
    made = Made(tmp_path, extra="ads: {call_to_action: shop_know}\n")
    made.add("instagram_reels")
    with pytest.raises(BadInput, match='Did you mean "shop_now"'):
        hand_off(made.write(), tmp_path / "to")


def test_texts_go_by_locale_and_read_columns_for_people(tmp_path: Path) -> None:
    ads = "ads: {primary_text: {de: 'Tasse: {{ product }}', en: '{{ note }}: {{ price | money }} {{ film_cta }}'}}"
    made = Made(tmp_path, extra=f"{ads}\n")
    made.add("instagram_reels")
    made.add("instagram_reels", locale="de-AT")
    hand_off(made.write(), tmp_path / "to")
    bodies = [line["Body"] for line in table(tmp_path / "to/meta/meta-ads.csv")]
    assert bodies == ["Steam by seven: $9.90 Shop now", "Tasse: Red cup"]
    made.add("instagram_reels", "blue", locale="fr-FR")
    with pytest.raises(BadInput) as caught:
        hand_off(made.write(), tmp_path / "to")
    assert codes(caught) == ["no_text_for_locale"]


def test_texts_tell_of_the_row_as_it_was_filmed(tmp_path: Path) -> None:
    made = Made(tmp_path, extra="ads: {primary_text: '{{ price | money }}'}\n")
    made.add("instagram_reels")
    made.write()
    (made.campaign / "rows.csv").write_text(ROWS.replace("9.90", "99.00"), "utf-8")
    hand_off(made.folder, tmp_path / "to")
    assert table(tmp_path / "to/meta/meta-ads.csv")[0]["Body"] == "$9.90"


@pytest.mark.parametrize(
    ("extra", "told"),
    [
        ("ads: {headline: '{{ prodct }}'}", 'campaign.yaml, ads.headline: line 1: unknown.*Did you mean "product"'),
        ("ads: {headline: {en: '{{ price }}'}}", "ads.headline.en: line 1: price is of type money"),
        ("naming: '{% for a in b %}{% endfor %}'", "naming: line 1: loops are not allowed"),
        ("ads: {headlne: x}", 'Did you mean "headline"'),
        ("ads: {headline: {english: x}}", "'english' is"),
    ],
)  # fmt: skip
def test_wrong_templates_are_told_by_check(tmp_path: Path, extra: str, told: str) -> None:
    campaign = small_campaign(tmp_path / "c", extra=f"{extra}\n")
    with pytest.raises(BadInput) as caught:
        load_campaign(campaign)
    assert re.search(told, str(caught.value)), str(caught.value)


# --- names ----------------------------------------------------------------------------------------------------------


POLICY = "banned: [{say: [bargain*], reason: not our tone}, {say: [half past], reason: a claim, severity: review}]\n"


def test_check_judges_the_texts_beside_the_film_in_every_placement(tmp_path: Path) -> None:
    extra = (
        "ignore_columns: [note]\nnaming: 'bargain_{{ creative_id }}_{{ placement }}'\nads:\n"
        "  headline: \"{% if platform == 'linkedin' %}Bargains{% else %}Tea{% endif %}\"\n  primary_text: '{{note}}'\n"
    )
    campaign = small_campaign(tmp_path / "c", ROWS, placements="[instagram_reels, linkedin_square]", extra=extra)
    assert not prepare(Order(campaign)).policy.stated, "without a policy nothing of it is banned"
    (campaign / "policy.yaml").write_text(POLICY, "utf-8")
    with pytest.raises(BadInput) as caught:
        prepare(Order(campaign))
    told = [(one.row, one.column, one.code, one.value) for one in caught.value.problems]
    assert told == [
        (row, column, "policy_refused", found)
        for row in (1, 2)
        for column, found in (("ads.headline", "bargains"), ("naming", "bargain"))
    ]
    assert "not our tone (rule banned_1)" in caught.value.problems[0].sentence()
    (campaign / "campaign.yaml").write_text(
        (campaign / "campaign.yaml").read_text("utf-8").replace("Bargains", "Cups").replace("bargain_", ""), "utf-8"
    )
    prepared = prepare(Order(campaign))
    asked = {one.row.row_id: prepared.planner.reviews(one) for one in prepared.creatives()}
    assert asked["red"] == ()
    assert asked["blue"] == ("ads.primary_text: a claim ('half past'), rule banned_2",)


def test_a_text_that_the_policy_blocks_is_not_handed_over(tmp_path: Path) -> None:
    made = Made(tmp_path, extra="ads: {primary_text: 'A bargain: {{ product }}'}\n")
    made.add("instagram_reels")
    made.add("facebook_feed", headline="A bargain")
    folder = made.write()
    assert hand_off(folder, tmp_path / "free", campaign=made.campaign).ads
    (made.campaign / "policy.yaml").write_text(POLICY, "utf-8")
    with pytest.raises(BadInput) as caught:
        hand_off(folder, tmp_path / "to", campaign=made.campaign)
    (problem,) = caught.value.problems
    assert (problem.row, problem.column, problem.code) == (1, "ads.primary_text", "policy_refused")
    assert not (tmp_path / "to").exists()


def test_a_text_that_somebody_must_look_at_waits_for_an_approval(tmp_path: Path) -> None:
    made = Made(tmp_path, extra='ads: {primary_text: "{{ note }}"}\n')
    (made.campaign / "policy.yaml").write_text(POLICY, "utf-8")
    made.add("instagram_reels", row="blue")
    made.add("instagram_reels", row="red")
    done = hand_off(made.write(), tmp_path / "to", campaign=made.campaign)
    assert [(one.creative_id, one.code) for one in done.refused] == [("blue_en-US_control", "not_approved")]
    assert "ads.primary_text: a claim ('half past'), rule banned_2" in done.refused[0].sentence()
    blue = next(one for one in made.records if one.row_id == "blue")
    Approvals(made.ledger).decide(blue.sha256, "approve", "Ada")
    made.records = [replace(one, approval="approved" if one is blue else "") for one in made.records]
    assert not hand_off(made.write(), tmp_path / "to", campaign=made.campaign).refused


def test_names_follow_their_template_and_are_safe(tmp_path: Path) -> None:
    made = Made(tmp_path, extra="naming: '{{ campaign }}/{{ locale }} {{ product }}_{{ placement }}_{{ aspect }}'\n")
    made.add("instagram_reels")
    handed = hand_off(made.write(), tmp_path / "to")
    assert [ad.name for ad in handed.ads["meta"]] == ["Small-en-US-Red-cup_instagram_reels_9x16"]


def test_long_names_and_other_scripts_stay_apart(tmp_path: Path) -> None:
    made = Made(tmp_path, extra=f"naming: '{'x' * 150}{{{{ product }}}}_茶'\n")
    made.add("instagram_reels")
    made.add("instagram_reels", "blue")
    names = [ad.name for ad in hand_off(made.write(), tmp_path / "to").ads["meta"]]
    assert len({*names}) == 2
    assert all(name.isascii() and len(name) <= 100 for name in names)


def test_two_ads_of_one_name_are_refused_also_where_only_capitals_differ(tmp_path: Path) -> None:
    made = Made(tmp_path, extra="naming: '{% if row_id == \"red\" %}Cup{% else %}cup{% endif %}'\n")
    made.add("instagram_reels")
    made.add("instagram_reels", "blue")
    made.add("tiktok_infeed")
    with pytest.raises(BadInput) as caught:
        hand_off(made.write(), tmp_path / "to")
    assert codes(caught) == ["same_name"]  # other platforms have other folders
    assert "Add {{ creative_id }}" in caught.value.problems[0].fix


# --- the folder -----------------------------------------------------------------------------------------------------


def test_a_second_hand_off_writes_nothing_and_another_has_the_same_bytes(tmp_path: Path) -> None:
    made = Made(tmp_path)
    for row in ("red", "blue"):
        made.add("instagram_reels", row)
        made.add("linkedin_square", row)
    made.write()
    first = hand_off(made.folder, tmp_path / "to")
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "to").rglob("*")}
    second = hand_off(made.folder, tmp_path / "to")
    hand_off(made.folder, tmp_path / "other")
    assert first.written > 0
    assert (second.written, second.present) == (0, first.written)
    assert times == {path: path.stat().st_mtime_ns for path in (tmp_path / "to").rglob("*")}
    assert files(tmp_path / "to") == files(tmp_path / "other")


def test_what_is_gone_is_removed_and_what_others_put_there_stays(tmp_path: Path) -> None:
    made = Made(tmp_path)
    made.add("instagram_reels")
    made.add("linkedin_square")
    made.write()
    hand_off(made.folder, tmp_path / "to")
    (tmp_path / "to" / "meta" / "uploaded.txt").write_text("on Monday")
    hand_off(made.folder, tmp_path / "to", platforms=["linkedin"])
    assert not (tmp_path / "to/meta/films").exists()
    assert (tmp_path / "to/meta/uploaded.txt").is_file()
    assert json.loads((tmp_path / "to/handoff.json").read_text("utf-8"))["files"] == sorted(
        name for name in files(tmp_path / "to") if name not in ("handoff.json", "meta/uploaded.txt")
    )


def test_folders_of_others_are_left_alone(tmp_path: Path) -> None:
    made = Made(tmp_path)
    made.add("instagram_reels")
    made.write()
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes(b"a")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "handoff.json").write_text('{"schema": 1, "campaign": "Autumn", "files": []}')
    for target, code in ((tmp_path / "photos", "not_ours"), (tmp_path / "other", "other_campaign")):
        before = files(target)
        with pytest.raises(BadInput) as caught:
            hand_off(made.folder, target)
        assert codes(caught) == [code]
        assert files(target) == before
    with pytest.raises(BadInput) as inside:
        hand_off(made.folder, made.folder / "to")
    assert codes(inside) == ["inside_results"]


def test_a_list_that_was_tampered_with_removes_nothing_outside(tmp_path: Path) -> None:
    made = Made(tmp_path)
    made.add("instagram_reels")
    hand_off(made.write(), tmp_path / "to")
    (tmp_path / "precious.txt").write_text("mine")
    path = tmp_path / "to" / "handoff.json"
    listed = json.loads(path.read_text("utf-8"))
    listed["files"] += ["../precious.txt", str(tmp_path / "precious.txt"), "meta/../../precious.txt", 7]
    path.write_text(json.dumps(listed), "utf-8")
    hand_off(made.folder, tmp_path / "to")
    assert (tmp_path / "precious.txt").read_text() == "mine"


def test_a_hand_off_that_is_cut_short_is_finished_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Made(tmp_path)
    for row in ("red", "blue"):
        made.add("instagram_reels", row)
    made.write()
    bring, count = handoff_folder.HandoffFolder.bring, iter(range(9))

    class Killed(BaseException):
        pass

    def stopping(self: Any, source: Path, name: str, *, link: bool) -> None:
        if next(count) == 1:
            raise Killed
        bring(self, source, name, link=link)

    monkeypatch.setattr(handoff_folder.HandoffFolder, "bring", stopping)
    with pytest.raises(Killed):
        hand_off(made.folder, tmp_path / "to")
    assert not [*(tmp_path / "to").rglob("*.csv")]  # no sheet speaks of films that are not there
    made.records.pop(0)
    made.write()
    hand_off(made.folder, tmp_path / "to")
    hand_off(made.folder, tmp_path / "other")
    assert files(tmp_path / "to") == files(tmp_path / "other")  # the first film of the cut one is gone again


def test_films_are_links_where_that_is_possible_and_copies_where_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Made(tmp_path)
    record = made.add("instagram_reels")
    made.write()
    name = "meta/films/red_en-US_control_instagram_reels.mp4"
    hand_off(made.folder, tmp_path / "linked")
    assert (tmp_path / "linked" / name).samefile(made.folder / record.path)

    def no_links(*given: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", no_links)
    hand_off(made.folder, tmp_path / "copied")
    assert not (tmp_path / "copied" / name).samefile(made.folder / record.path)
    assert files(tmp_path / "copied") == files(tmp_path / "linked")


# --- covers ---------------------------------------------------------------------------------------------------------


def size_of(picture: Path) -> tuple[int, int]:
    with Image.open(picture) as opened:
        return opened.size


def test_covers_have_the_size_that_the_platform_wants(tmp_path: Path) -> None:
    made = Made(tmp_path, extra="ads: {description: d}\n")
    made.add("youtube_shorts")
    made.add("instagram_reels")
    made.add("tiktok_infeed")
    hand_off(made.write(), tmp_path / "to")
    sizes = {path.parent.parent.name: size_of(path) for path in (tmp_path / "to").rglob("thumbnails/*.jpg")}
    assert sizes == {"google_ads": (1280, 720), "meta": (600, 1067), "tiktok": (270, 480)}
    (tiktok,) = (tmp_path / "to/tiktok/thumbnails").iterdir()
    assert tiktok.read_bytes() == (made.folder / "red_en-US_control/tiktok_infeed.jpg").read_bytes()
    (google,) = (tmp_path / "to/google_ads/thumbnails").iterdir()
    assert google.stat().st_size < 2_000_000


def test_a_broken_poster_keeps_its_film_here_and_no_other(tmp_path: Path) -> None:
    made = Made(tmp_path)
    for row in ("red", "blue"):
        made.add("instagram_reels", row)
    poster = made.folder / "red_en-US_control/instagram_reels.jpg"
    poster.write_bytes(poster.read_bytes()[:900])
    handed = hand_off(made.write(), tmp_path / "to")
    assert [(refusal.creative_id, refusal.code) for refusal in handed.refused] == [
        ("red_en-US_control", "poster_broken")
    ]
    assert len(handed.ads["meta"]) == 1


# --- the command, the table, a real run -----------------------------------------------------------------------------


def test_the_command_tells_and_ends_with_the_right_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made = Made(tmp_path)
    made.add("instagram_reels")
    made.write()
    words = ["handoff", str(made.folder), "--to", str(tmp_path / "to")]
    good = CliRunner().invoke(cli.commands, [*words, "--platform", "meta, linkedin"])
    assert (good.exit_code, good.output.splitlines()[0]) == (0, "meta: 1 ad")
    made.add("linkedin_square", proof="fail: x")
    made.write()
    some = CliRunner().invoke(cli.commands, words)
    assert some.exit_code == 1
    assert "not handed over: red_en-US_control / linkedin_square: proof_failed" in some.output
    none = CliRunner().invoke(cli.commands, [*words, "--platform", "linkedin"])
    assert none.exit_code == 2
    assert f"{tmp_path / 'to'}: 1 file written, 0 there already" in none.output


def test_a_campaign_that_has_moved_is_asked_for(tmp_path: Path) -> None:
    made = Made(tmp_path)
    made.add("instagram_reels")
    made.write()
    moved = made.campaign.rename(tmp_path / "moved")
    with pytest.raises(BadInput, match="Name it with --campaign"):
        hand_off(made.folder, tmp_path / "to")
    assert hand_off(made.folder, tmp_path / "to", campaign=moved).ads
    (moved / "campaign.yaml").write_text((moved / "campaign.yaml").read_text().replace("Small", "Large"))
    with pytest.raises(BadInput, match="is another campaign"):
        hand_off(made.folder, tmp_path / "to", campaign=moved)


WRONG: Mapping[str, tuple[str, str]] = {
    "is no field of an ad": ('["Ad Name", "name"]', '["Ad Name", "nam"]'),
    "names a column twice": ('["Ad Name", "name"]', '["Title", "name"]'),
    "names no text of an ad": ('needs = ["primary_text", "headline"]', 'needs = ["primary"]'),
    "is no call to action of ours": ('shop_now = "SHOP_NOW"', 'buy = "BUY"'),
    "is no name for a file": ('"meta-ads.csv"', '"../meta.csv"'),
    "is not known": ('limits_of = ""', 'limits_of = "myspace"'),
}


@pytest.mark.parametrize("told", WRONG)
def test_a_wrong_table_is_a_sentence(tmp_path: Path, told: str) -> None:
    text = FILE.read_text("utf-8")
    before, after = WRONG[told]
    assert before in text
    file = tmp_path / "platforms.toml"
    file.write_text(text.replace(before, after, 1), "utf-8")
    with pytest.raises(BadInput, match=told):
        load_platforms(file)


def test_a_real_run_is_told_and_handed_over(tmp_path: Path, receiver: Receiver) -> None:
    rows = "row_id,product,price\nred,Red cup,9.90\n"
    campaign = small_campaign(tmp_path / "c", rows, extra="landing_url: https://dawn.example/cups\n")
    secret = tmp_path / "webhook.secret"
    secret.write_bytes(SECRET)
    settings = Settings(out=tmp_path / "out", webhook_url=receiver.url, webhook_secret_file=str(secret))
    work = Run(Order(campaign), settings, lambda: InlineCrew(settings.ledger_folder))
    work.read()
    for _ in work.produce():
        pass
    assert work.report().webhook.startswith("Webhook: 2 messages sent to 127.0.0.1:")
    (event,) = receiver.events()
    assert (event["type"], event["data"]["sha256"]) == ("row.done", work.records[0].sha256)
    assert "secret-part" not in (work.folder / "manifest.json").read_text("utf-8")

    handed = hand_off(work.folder, tmp_path / "to")
    assert [ad.name for ad in handed.ads["linkedin"]] == ["red_en-US_control_linkedin_square"]
    film = tmp_path / "to/linkedin/films/red_en-US_control_linkedin_square.mp4"
    assert hashlib.sha256(film.read_bytes()).hexdigest() == work.records[0].sha256
    line = table(tmp_path / "to/linkedin/linkedin-ads.csv")[0]
    assert line["Headline"] == "Tea?"
    assert "utm_content=red_en-US_control" in line["Destination URL"]


def test_a_wrong_webhook_is_told_before_anything_is_made(tmp_path: Path) -> None:
    work = Run(Order(tmp_path / "nowhere"), Settings(out=tmp_path, webhook_url="http://hooks.example.com"))
    with pytest.raises(BadInput, match="not https"):
        work.read()


# --- the page -------------------------------------------------------------------------------------------------------

PAGE = (FILE.parent.parent.parent / "docs" / "handoff.md").read_text("utf-8")


def test_the_page_has_every_platform_word_and_variable() -> None:
    named = set(re.findall(r"`([^`]+)`", re.sub(r"^```.*?^```$", "", PAGE, flags=re.MULTILINE | re.DOTALL)))
    assert {*load_platforms(), *(platform.sheet for platform in load_platforms().values())} <= named
    assert {*CALLS, *OF_DELIVERY} <= named


def test_the_campaign_on_the_page_can_be_loaded(tmp_path: Path) -> None:
    (example,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    made = small_campaign(tmp_path, ROWS.replace("note", "ad_text"), extra=example)
    assert load_campaign(made).ads["headline"] == {"": "{{ film_headline }}"}
