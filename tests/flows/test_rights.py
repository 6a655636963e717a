"""Rights hold before anything is spent: where, on which placements, until when, and for what an asset may be used."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest
from PIL import Image

from flows.model import BadInput, Problem
from flows.order import Order, Prepared, prepare
from flows.problems import Problems
from flows.rights.gate import SOON_DAYS
from flows.rights.inventory import BED_LICENCE, attributions, inventory
from flows.rights.rights_file import read_rights
from generation import engines
from tests.flows.test_licences import Strict
from tests.flows.written import CAMPAIGN, write

TODAY = datetime.datetime.now(datetime.UTC).date()
ROWS = "row_id,product,picture\nred,Red cup,cup.png\nblue,Blue cup,assets/blue.png\n"


def day(days: int) -> str:
    return (TODAY + datetime.timedelta(days)).isoformat()


def ask(folder: Path, rights: str, *, extra: str = "", campaign: str = CAMPAIGN, rows: str = ROWS) -> Path:
    """A campaign with a rights.yaml of these entries; () writes none."""
    (folder / "assets").mkdir(exist_ok=True)
    Image.new("RGB", (80, 80), (20, 40, 160)).save(folder / "assets" / "blue.png")
    if rights:
        (folder / "rights.yaml").write_text(f"assets:\n{rights}", "utf-8")
        extra += "rights: rights.yaml\n"
    return write(folder, campaign=campaign, extra=f"voice: none\n{extra}", rows=rows)


def complaints(folder: Path) -> list[Problem]:
    try:
        prepare(Order(folder))
    except BadInput as error:
        return list(error.problems)
    return []


def places(found: list[Problem]) -> list[tuple[str, int | None, str | None, str]]:
    return [(problem.code, problem.row, problem.column, problem.value) for problem in found]


def entry(asset: str, **facts: str) -> str:
    return f"  - {{asset: '{asset}', licence: Stock 12, " + ", ".join(f"{k}: {v}" for k, v in facts.items()) + "}\n"


def test_a_campaign_without_rights_is_asked_for_none(tmp_path: Path) -> None:
    assert complaints(ask(tmp_path, "")) == []


def test_an_expired_licence_is_a_complaint_of_the_rows_that_use_the_file(tmp_path: Path) -> None:
    (found,) = complaints(ask(tmp_path, entry("cup.png", expires=day(-1))))
    assert places([found]) == [("rights_expired", 1, "picture", "cup.png")]
    assert found.file == "rows.csv"
    assert day(-1) in found.message
    assert "Stock 12" in found.message
    assert found.fix


def test_a_licence_of_today_and_one_without_end_hold(tmp_path: Path) -> None:
    assert complaints(ask(tmp_path, entry("cup.png", expires=day(0)) + entry("assets/blue.png", holder="Jane"))) == []


def test_a_licence_must_last_as_long_as_the_ads_run(tmp_path: Path) -> None:
    rights = entry("cup.png", expires=day(100))
    (found,) = complaints(ask(tmp_path, rights, extra=f"run_until: {day(101)}\n"))
    assert places([found]) == [("rights_expires_early", 1, "picture", "cup.png")]
    assert complaints(ask(tmp_path, rights, extra=f"run_until: {day(100)}\n")) == []


def test_a_licence_that_does_not_hold_yet_is_a_complaint(tmp_path: Path) -> None:
    (found,) = complaints(ask(tmp_path, entry("cup.png", valid_from=day(1))))
    assert found.code == "rights_not_yet"


def test_where_the_ads_are_shown_has_to_be_covered(tmp_path: Path) -> None:
    rights = entry("cup.png", territories="[EU, CH]")
    found = complaints(ask(tmp_path, rights, campaign=CAMPAIGN.replace("en-US", "en-US, en-IE")))
    assert places(found) == [("rights_territory", 1, "picture", "cup.png")]
    assert "US" in found[0].message
    assert complaints(ask(tmp_path, rights, extra="territories: [DE, CH]\n")) == []
    (of_union,) = complaints(ask(tmp_path, entry("cup.png", territories="[DE]"), extra="territories: [EU]\n"))
    assert "FR" in of_union.message


def test_a_language_without_a_country_counts_for_all_where_it_is_official(tmp_path: Path) -> None:
    campaign = CAMPAIGN.replace("en-US", "en")
    (found,) = complaints(ask(tmp_path, entry("cup.png", territories="[US, GB]"), campaign=campaign))
    assert "names no country" in found.message


def test_placements_are_covered_by_name_or_by_platform(tmp_path: Path) -> None:
    campaign = CAMPAIGN.replace("instagram_reels", "instagram_reels, tiktok_infeed")
    (found,) = complaints(ask(tmp_path, entry("cup.png", placements="[instagram]"), campaign=campaign))
    assert places([found]) == [("rights_placement", 1, "picture", "cup.png")]
    assert "tiktok_infeed" in found.message
    assert "instagram_reels" not in found.message
    assert complaints(ask(tmp_path, entry("cup.png", placements="[instagram, tiktok_infeed]"), campaign=campaign)) == []


def test_a_picture_that_no_model_may_see_is_given_to_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = ask(tmp_path, entry("cup.png", ai_use="no"), extra="engine: animatic\n")
    assert complaints(folder) == []  # it is drawn, not learned from
    monkeypatch.setattr(engines, "get_engine", lambda name: Strict())
    (found,) = complaints(folder)
    assert places([found]) == [("rights_ai_use", 1, "picture", "cup.png")]
    ask(tmp_path, entry("cup.png", ai_use="yes"), extra="engine: animatic\n")
    assert complaints(tmp_path) == []


def test_where_every_file_needs_an_entry_a_file_without_one_is_a_complaint(tmp_path: Path) -> None:
    required = "rights_policy: required\n"
    found = complaints(ask(tmp_path, entry("cup.png", ai_use="yes"), extra=required))
    assert places(found) == [("rights_missing", 2, "picture", "assets/blue.png")]
    assert complaints(ask(tmp_path, entry("*.png", ai_use="yes") + entry("assets/*"), extra=required)) == []
    (tmp_path / "rights.yaml").unlink()
    assert [problem.code for problem in complaints(ask(tmp_path, "", extra=required))] == ["rights_missing"] * 2


def test_where_entries_are_required_they_say_whether_a_model_may_see_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "get_engine", lambda name: Strict())
    folder = ask(tmp_path, entry("cup.png") + entry("assets/*", ai_use="yes"), extra="rights_policy: required\n")
    (found,) = complaints(folder)
    assert (found.code, "does not say" in found.message) == ("rights_ai_use", True)


def test_the_more_exact_entry_counts(tmp_path: Path) -> None:
    rights = entry("*.png", expires=day(-5)) + entry("cup.png") + entry("assets/*.png", expires=day(-3))
    (found,) = complaints(ask(tmp_path, rights))
    assert found.row == 2
    assert day(-3) in found.message


def test_music_and_logo_are_complaints_of_the_file_that_names_them(tmp_path: Path) -> None:
    rights = entry("music:calm", expires=day(-1)) + entry("logo.png", expires=day(-1))
    folder = ask(tmp_path, rights, extra="music: calm\n")
    Image.new("RGBA", (200, 80), (20, 40, 160, 255)).save(folder / "logo.png")
    (folder / "brand.yaml").write_text("name: Dawn\nlogo: logo.png\n", "utf-8")
    found = complaints(folder)
    assert [(problem.file, problem.column, problem.row) for problem in found] == [
        ("brand.yaml", "logo", None),
        ("campaign.yaml", "music", None),
    ]


def test_music_of_a_row_is_a_complaint_of_the_row(tmp_path: Path) -> None:
    rows = "row_id,product,music\nred,Red cup,calm\nblue,Blue cup,tech\n"
    (found,) = complaints(ask(tmp_path, entry("calm", placements="[tiktok]"), rows=rows))
    assert places([found]) == [("rights_placement", 1, "music", "calm")]


@pytest.mark.parametrize(
    ("rights", "code", "said"),
    [
        (entry("cupp.png"), "file_missing", "cupp.png"),
        (entry("pictures/*.png"), "rights_no_such_asset", "no asset"),
        (entry("music:clam"), "rights_no_such_asset", 'Did you mean "music:calm"'),
        (entry("cup.png") + entry("cup.png"), "rights_twice", "cup.png"),
        (entry("../cup.png"), "file_outside", "../cup.png"),
        (entry("cup.png", placements="[tiktokk]"), "unknown_placement", 'Did you mean "tiktok"'),
        (entry("cup.png", territories="[XX]"), "bad_value", "not the code of a country"),
        (entry("cup.png", expires="31.12.2026"), "bad_value", "not a date"),
        (entry("cup.png", expires="2026-02-30"), "bad_value", "does not exist"),
        (entry("cup.png", expires="2026-01-01", valid_from="2026-02-01"), "bad_value", "before"),
        (entry("cup.png", ai_used="no"), "unknown_key", 'Did you mean "ai_use"'),
        ("  - {asset: cup.png}\n", "missing_key", "licence"),
    ],
)
def test_a_slip_in_the_ledger_is_a_sentence_with_its_place(tmp_path: Path, rights: str, code: str, said: str) -> None:
    (found,) = complaints(ask(tmp_path, rights))
    assert (found.file, found.code) == ("rights.yaml", code)
    assert said in found.sentence()


def test_a_missing_ledger_and_a_wrong_policy_are_complaints(tmp_path: Path) -> None:
    found = complaints(ask(tmp_path, "", extra="rights: rigths.yaml\n"))
    assert places(found) == [("file_missing", None, "rights", "rigths.yaml")]
    found = complaints(ask(tmp_path, "", extra="rights_policy: all\nrun_until: tomorrow\n"))
    assert {problem.column for problem in found} == {"rights_policy", "run_until"}


def test_an_entry_may_name_a_picture_by_its_address(tmp_path: Path) -> None:
    (tmp_path / "rights.yaml").write_text(f"assets:\n{entry('https://img.example/cup.png')}", "utf-8")
    problems = Problems("rights.yaml")
    rights = read_rights(tmp_path, tmp_path / "rights.yaml", problems)
    assert problems.found == []
    from flows.assets import asset_file

    assert rights.of_file(asset_file(tmp_path, "https://img.example/cup.png"))
    assert rights.of_file(asset_file(tmp_path, "https://img.example/other.png")) is None


def prepared(folder: Path) -> Prepared:
    return prepare(Order(folder))


def test_what_ends_within_a_month_is_noted_for_the_plan(tmp_path: Path) -> None:
    soon, later = day(SOON_DAYS), day(SOON_DAYS + 1)
    rights = entry("cup.png", expires=soon) + entry("assets/blue.png", expires=later)
    notes = [note for note in prepared(ask(tmp_path, rights)).notes if note.startswith("rights")]
    assert len(notes) == 1
    assert "cup.png" in notes[0]
    assert f"in {SOON_DAYS} days" in notes[0]


def test_the_inventory_has_everything_that_is_used_and_where_that_is_stated(tmp_path: Path) -> None:
    rights = entry("cup.png", holder="Jane Doe", expires=day(90), territories="[US]", attribution='"Photo: Jane Doe"')
    rows = inventory(prepared(ask(tmp_path, rights, extra="engine: animatic\nmusic: calm\n")))
    by_name = {str(row["asset"]): row for row in rows}
    cup, blue, calm, engine = (by_name[name] for name in ("cup.png", "assets/blue.png", "calm", "animatic"))
    assert (cup["licence"], cup["holder"], cup["expires"]) == ("Stock 12", "Jane Doe", day(90))
    assert (cup["stated_in"], cup["territories"], cup["rows"], len(str(cup["sha256"]))) == (
        "rights.yaml",
        ["US"],
        1,
        64,
    )
    assert (blue["stated_in"], blue["licence"]) == ("not stated", None)
    assert (calm["stated_in"], calm["licence"], calm["rows"]) == ("built in", BED_LICENCE, 2)
    assert (engine["licence"], engine["kind"]) == ("Apache-2.0", "engine")
    assert by_name["manrope"]["licence"]
    assert attributions(rows) == ["Photo: Jane Doe"]
    json.dumps(rows)


def test_rows_that_are_not_made_are_not_in_the_inventory(tmp_path: Path) -> None:
    folder = ask(tmp_path, entry("cup.png", expires=day(-1)))
    rows = inventory(prepare(Order(folder, skip_bad_rows=True)))
    assert "cup.png" not in {row["asset"] for row in rows}
    assert "assets/blue.png" in {row["asset"] for row in rows}
