"""Results are read from platforms' exports: columns, numbers, creatives, effects, verdicts, what is written."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from click.testing import CliRunner

from flows import cli
from flows.brief import load_campaign
from flows.deliveries import DeliveryRecord
from flows.experiment.export_file import read_export
from flows.experiment.exports import load_exports, read_mapping
from flows.experiment.figures import Unclear, days, decimal_mark, figure
from flows.experiment.joining import join
from flows.experiment.picture import draw
from flows.experiment.reading import Reading, read_experiment_results
from flows.experiment.rewriting import with_allocation, write_allocation
from flows.experiment.telling import render_page, write_reading
from flows.experiment.thompson import next_allocation
from flows.model import BadInput
from flows.order import Order, prepare
from flows.results import write_results
from tests.flows.small import small_campaign
from tests.flows.test_experiment import THREE, TWO, rows

ONE = "factors: {hook: [question, offer]}\n"
NEEDED = ("impressions", "clicks")


def finished(folder: Path, out: Path, extra: str = ONE, count: int = 12) -> tuple[Path, list[DeliveryRecord]]:
    """A campaign and the results.csv of a run that made all of it, without the films."""
    small_campaign(folder, rows=rows(count), extra=extra)
    prepared = prepare(Order(folder))
    records = [
        DeliveryRecord(
            row=creative.row.number,
            row_id=creative.row.row_id,
            cells=creative.row.cells,
            creative_id=creative.creative_id,
            placement="linkedin_square",
            status="done",
            locale=creative.locale,
            variant=creative.variant,
            control_id=creative.control_id,
            differs_in=creative.differs_in,
            path=f"{creative.creative_id}/linkedin_square.mp4",
            sha256="0" * 64,
            disclosure="not_ai_generated",
        )
        for creative in prepared.creatives()
    ]
    home = out / "Small"
    home.mkdir(parents=True)
    write_results(home / "results.csv", prepared.header, records, expected=[record.key for record in records])
    return home, records


def export(
    path: Path, records: list[DeliveryRecord], lift: float = 0.0, shown: int = 8000, seed: int = 2, scatter: float = 0.0
) -> Path:
    """Meta's export of these ads; `lift` is what every arm with "offer" has."""
    random = np.random.default_rng(seed)
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream)
        period, counts = ["Reporting starts", "Reporting ends"], ["Impressions", "Link clicks", "Results"]
        writer.writerow([*period, "Ad name", *counts, "Amount spent (EUR)"])
        for record in records:
            seen = int(random.poisson(shown))
            rate = 0.012 * (1 + lift * ("offer" in record.variant)) * random.lognormal(0, scatter)
            clicks = int(random.binomial(seen, rate))
            sold = int(random.binomial(clicks, 0.1))
            name = f"{record.creative_id}_{record.placement}"
            writer.writerow(["2026-11-01", "2026-11-10", name, f"{seen:,}", clicks, sold, f"{seen * 0.008:.2f}"])
        writer.writerow(["2026-11-01", "2026-11-10", "", "99,999", 999, 9, "999.00"])
    return path


def read(folder: Path, home: Path, table: Path, **choice: object) -> Reading:
    return read_experiment_results(folder, table, home / "results.csv", today="2026-11-26", **choice)


@pytest.fixture
def place(tmp_path):
    return tmp_path / "c", tmp_path / "out", tmp_path / "export.csv"


# --- numbers and days -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "decimal", "value"),
    [
        ("1,234", ".", 1234),
        ("1.234", ",", 1234),
        ("1.234,5", ",", 1234.5),
        ("1 234,5", ",", 1234.5),
        ("1'234.50", ".", 1234.5),
        ("$1,234.50", ".", 1234.5),
        ("3.456,70 €", ",", 3456.7),
        ("--", ".", 0),
        ("", "", 0),
        ("-3", ".", -3),
        ("(12)", ".", -12),
        ("0.5", "", 0.5),
    ],
)
def test_numbers_are_read_as_they_are_meant(text, decimal, value):
    assert figure(text, decimal) == value


@pytest.mark.parametrize(("text", "decimal"), [("1,234", ""), ("12,34", "."), ("many", "."), ("1.2.3", ",")])
def test_numbers_that_may_be_two_or_none_are_refused(text, decimal):
    with pytest.raises(Unclear):
        figure(text, decimal)


def test_the_decimal_mark_is_found_by_a_files_own_evidence():
    assert decimal_mark(["1,234"], ["5,678"]) == "."  # counts are whole: their comma parts thousands
    assert decimal_mark(["1.234"], []) == ","
    assert decimal_mark(["12"], ["1.234,50"]) == ","
    assert decimal_mark(["12"], ["5,678"]) == ""
    with pytest.raises(Unclear):
        decimal_mark(["1,234"], ["9,99"])


def test_days_are_read_only_where_their_order_is_sure():
    assert [day.isoformat() for day in days(["2026-01-05", "2026-01-02"])] == ["2026-01-02", "2026-01-05"]
    assert days(["01/20/2026", "01/02/2026"])[0].isoformat() == "2026-01-02"
    assert days(["31.01.2026"])[0].isoformat() == days(["Jan 31, 2026"])[0].isoformat() == "2026-01-31"
    assert days(["01/02/2026"]) is None
    assert days(["soon"]) is None


# --- exports ----------------------------------------------------------------------------------------------------------


def test_the_exports_of_all_platforms_are_told_apart_by_their_columns(tmp_path):
    tables = {
        "Meta Ads Manager": "Ad name,Impressions,Link clicks,Results,Amount spent (USD)\na,1000,12,1,8.50\n",
        "TikTok Ads Manager": "Ad name,By Day,Cost,Impressions,Clicks (destination),Conversions\n"
        "a,2026-11-01,8.50,1000,12,1\n",
        "Google Ads": 'Ad report\n"November 1, 2026 - November 9, 2026"\n'
        "Ad name,Final URL,Impr.,Clicks,Cost,Conversions\n"
        'a,https://a.example/?utm_content=x,"1,000",12,8.50,1.00\nTotal: ads, --,"1,000",12,8.50,1.00\n',
        "LinkedIn Campaign Manager": "Creative Performance Report\n\n"
        "Start Date (in UTC)\tAd Name\tImpressions\tClicks\tTotal Spent\tConversions\n"
        "11/13/2026\ta\t1000\t12\t8.50\t1\n",
    }
    for title, text in tables.items():
        path = tmp_path / "export.csv"
        path.write_text(text, "utf-16" if "LinkedIn" in title else "utf-8")
        found = read_export(path, NEEDED)
        assert found.platform == title
        (line,) = found.lines
        assert line.ad == "a"
        assert line.counts == {"impressions": 1000, "clicks": 12, "conversions": 1, "spend": 8.5}


def test_every_mapping_has_a_source_and_a_day():
    assert set(load_exports()) == {"meta", "tiktok", "google_ads", "linkedin"}
    for mapped in load_exports().values():
        assert mapped.origin
        assert mapped.origin.source.startswith("https://")
        assert mapped.origin.checked.year >= 2026


def test_german_numbers_and_a_mapping_of_ones_own(tmp_path):
    path, mapping = tmp_path / "export.csv", tmp_path / "mapping.yaml"
    path.write_text("Anzeige;Impressionen;Klicks;Ausgaben\na;1.234;12;1.008,50\nGesamt;9.999;99;99,00\n", "cp1252")
    with pytest.raises(BadInput, match="there is no column for"):
        read_export(path, NEEDED)
    own = "ad: Anzeige\nimpressions: Impressionen\nclicks: Klicks\nspend: Ausgaben\ntotals: [Gesamt]\n"
    mapping.write_text(own, "utf-8")
    found = read_export(path, NEEDED, read_mapping(mapping))
    assert [line.counts for line in found.lines] == [{"impressions": 1234, "clicks": 12, "spend": 1008.5}]
    assert "1 line of sums left out" in found.notes


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("Ad name,Impression,Link clicks\na,1,1\n", "unknown_column", 'Did you mean "Impression"?'),
        ("Campaign,Impressions,Link clicks\na,10,1\n", "unknown_column", 'expected "Ad name"'),
        ("Ad name,Impressions,Link clicks\na,-10,1\n", "negative_number", "below zero"),
        ("Ad name,Impressions,Link clicks\na,10,11\n", "clicks_above_impressions", "11 clicks of 10 impressions"),
        ("Ad name,Impressions,Link clicks\na,ten,1\n", "bad_number", "not a number"),
        ("Ad name,Impressions,Link clicks\na,10.5,1\n", "bad_number", "not a whole number"),
        ("Ad name,Impressions,Link clicks\na,10\n", "ragged_row", "2 cells, the header has 3"),
        ("Ad name,Impressions,Link clicks\n,10,1\n", "no_rows", "no line of an ad"),
        ("", "empty_table", "empty"),
    ],
)
def test_an_export_that_cannot_be_read_is_a_sentence(tmp_path, text, code, said):
    path = tmp_path / "export.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(BadInput) as caught:
        read_export(path, NEEDED, load_exports()["meta"])
    assert caught.value.problems[0].code == code
    assert said in str(caught.value)


def test_ads_are_found_by_name_by_address_and_by_the_longest_id(tmp_path):
    def record(creative: str, variant: str) -> DeliveryRecord:
        return DeliveryRecord(1, "red", {}, creative, "tiktok_infeed", "pending", locale="en-US", variant=variant)

    records = [record("red_en-US_question", "question"), record("red_en-US_question-clean", "question-clean")]
    path = tmp_path / "export.csv"
    path.write_text(
        "Ad name,URL parameters,Impressions,Link clicks\n"
        "RED_en-US_question_tiktok_infeed,,100,1\n"
        "Spring | red_en-US_question-clean | v2,,200,2\n"
        "new ad,utm_source=a&utm_content=red_en-US_question,400,4\n"
        "red_en-US_questionable,,800,8\n",
        "utf-8",
    )
    joined = join(read_export(path, NEEDED), records)
    assert joined.totals("question") == {"impressions": 500, "clicks": 5}
    assert joined.totals("question-clean") == {"impressions": 200, "clicks": 2}
    assert joined.notes() == (
        "1 ad is of no creative in results.csv and left out (800 impressions): 'red_en-US_questionable'",
    )


# --- verdicts ---------------------------------------------------------------------------------------------------------


def test_a_real_difference_stops_the_test_with_its_interval(place):
    folder, out, table = place
    home, records = finished(folder, out)
    found = read(folder, home, export(table, records, lift=0.3, shown=5000))
    (one,) = found.comparisons
    assert found.verdict.action == "stop"
    assert found.verdict.winner == "offer"
    assert one.ratio_interval[0] < 1.3 < one.ratio_interval[1]
    assert one.lasting_interval[0] < one.ratio_interval[0] < one.ratio < one.ratio_interval[1] < one.lasting_interval[1]
    low, high = one.difference_interval
    assert low < 0.0036 < high
    assert "O'Brien-Fleming" in found.verdict.rule


def test_no_difference_is_no_decision_yet_and_says_how_long(place):
    folder, out, table = place
    home, records = finished(folder, out)
    found = read(folder, home, export(table, records, shown=5000))
    assert found.verdict.action == "continue"
    assert found.verdict.sentence.startswith("No decision yet: ")
    assert "of the planned information is there. At this pace the plan ends in about" in found.verdict.sentence


def test_the_planned_end_without_a_difference_stops_and_claims_no_equality(place):
    folder, out, table = place
    home, records = finished(folder, out)
    found = read(folder, home, export(table, records, shown=16_000))
    assert found.comparisons[0].progress >= 1
    assert found.verdict.action == "stop"
    assert found.verdict.winner == ""
    assert "That does not make them equal" in found.verdict.sentence


def test_few_events_decide_nothing(place):
    folder, out, table = place
    home, records = finished(folder, out)
    found = read(folder, home, export(table, records, lift=5, shown=20))
    assert found.verdict.action == "continue"
    assert "fewer than 10 clicks" in found.verdict.sentence


def test_arms_that_were_not_shown_as_planned_are_loud_and_take_the_verdict_away(place):
    folder, out, table = place
    home, records = finished(folder, out, extra=ONE + "experiment: {allocation: {question: 1, offer: 2}}\n")
    found = read(folder, home, export(table, records, lift=0.3))
    assert found.mismatch.is_found
    assert found.verdict.action == "no verdict"
    assert found.warnings[0].startswith("SAMPLE RATIO MISMATCH")


def test_reading_twice_is_one_look_and_looks_are_remembered(place):
    folder, out, table = place
    home, records = finished(folder, out)
    for shown, looks in ((2000, 1), (2000, 1), (4000, 2)):
        found = read(folder, home, export(table, records, shown=shown))
        assert len(found.record.looks) == looks
        write_reading(home, found, {})
    kept = json.loads((home / "experiment.json").read_text("utf-8"))
    assert len(kept["looks"]) == 2
    assert kept["plan"]["rule"] == "group_sequential"
    with pytest.raises(BadInput, match="holds less than the last look"):
        read(folder, home, export(table, records, shown=3000))


def test_a_plan_that_is_changed_after_a_look_is_loud(place):
    folder, out, table = place
    home, records = finished(folder, out)
    write_reading(home, read(folder, home, export(table, records, shown=2000)), {})
    text = (folder / "campaign.yaml").read_text("utf-8")
    (folder / "campaign.yaml").write_text(text + "experiment: {lift: 0.5}\n", "utf-8")
    found = read(folder, home, table)
    assert any("THE PLAN CHANGED after 1 look (lift: 0.1 to 0.5)" in warning for warning in found.warnings)


def test_looks_that_cannot_be_read_are_never_forgotten(place):
    folder, out, table = place
    home, records = finished(folder, out)
    (home / "experiment.json").write_text("{}", "utf-8")
    with pytest.raises(BadInput, match="nobody knows how often the test was looked at"):
        read(folder, home, export(table, records))


def test_main_effects_of_a_fraction_are_told_with_what_they_are_mixed_with(place):
    folder, out, table = place
    home, records = finished(folder, out, extra=THREE + "experiment: {design: fractional}\n", count=10)
    found = read(folder, home, export(table, records, lift=0.25))
    by_factor = {effect.factor: effect for effect in found.effects}
    assert by_factor["hook"].interval[0] < 1.25 < by_factor["hook"].interval[1]
    assert by_factor["hook"].p_holm < 0.01
    for name in ("look", "music"):
        assert by_factor[name].interval[0] < 1 < by_factor[name].interval[1]
    assert any("the effect of hook cannot be told from look and music together" in note for note in found.notes)


def test_rows_that_scatter_widen_what_was_drawn_by_rows(place):
    folder, out, table = place
    home, records = finished(folder, out, extra=ONE + "experiment: {assign: hash}\n", count=40)
    assert len(records) == 40
    found = read(folder, home, export(table, records, scatter=0.4))
    assert found.dispersion > 3
    assert any("rows scatter more than chance does" in note for note in found.notes)
    calm = read(folder, home, export(table, records))
    assert calm.dispersion < 2


@pytest.mark.parametrize(("metric", "events"), [("cvr", "conversions"), ("cpa", "conversions"), ("cpc", "clicks")])
def test_other_metrics_are_read_by_their_own_counts(place, metric, events):
    folder, out, table = place
    home, records = finished(folder, out)
    found = read(folder, home, export(table, records), metric=metric)
    with table.open(encoding="utf-8-sig") as stream:
        lines = [line for line in csv.DictReader(stream) if "_question_" in line["Ad name"]]
    column = {"conversions": "Results", "clicks": "Link clicks"}[events]
    assert found.control.sample.events == sum(int(line[column]) for line in lines)
    low, high = found.comparisons[0].ratio_interval
    assert low < found.comparisons[0].ratio < high


def test_what_cannot_be_compared_is_a_sentence(place):
    folder, out, table = place
    home, records = finished(folder, out)
    offers = [record for record in records if record.variant == "offer"]
    questions = [record for record in records if record.variant == "question"]
    with pytest.raises(BadInput, match="the control question has no impressions"):
        read(folder, home, export(table, offers))
    with pytest.raises(BadInput, match="24 ads are of no creative in results"):
        read(folder, home, export(table, [replace(one, creative_id=f"x{one.creative_id}") for one in records]))
    found = read(folder, home, export(table, questions))
    assert "offer has no data; nothing is said about it" in found.warnings
    assert found.verdict.action != "stop"
    table.write_text("Ad name,Impressions,Link clicks,Results\nr1_en-US_question,100,1,5\n", "utf-8")
    with pytest.raises(BadInput, match="5 conversions of 1 clicks"):
        read(folder, home, table, metric="cvr")


# --- what is written --------------------------------------------------------------------------------------------------


def test_the_page_and_the_picture_hold_the_verdict_and_ask_for_nothing(place):
    folder, out, table = place
    home, records = finished(folder, out, extra=TWO)
    found = read(folder, home, export(table, records, lift=0.2))
    page, picture = render_page(found), draw(found)
    assert found.verdict.sentence.split(":")[0] in page
    assert "default-src &#39;none&#39;" in page
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")
    assert "<script" not in page
    assert picture.count("<circle") == 3 + 2  # arms against the control, and an arm of each factor


def test_likely_better_arms_get_more_and_none_dies_before_enough_is_known(place):
    folder, out, table = place
    home, records = finished(folder, out, extra=TWO)
    found = read(folder, home, export(table, records, lift=0.2, shown=1500))
    made = next_allocation(found)
    assert sum(made.shares.values()) == pytest.approx(1)
    assert min(made.shares.values()) >= 0.5 / 4 - 0.001
    assert sum(share for name, share in made.shares.items() if "offer" in name) > 0.6
    assert next_allocation(found) == made


NEW = "{q: 0.4, o: 0.6}"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("name: a  # x\n", f"name: a  # x\n\nexperiment:\n  allocation: {NEW}\n"),
        (
            "a: 1\nexperiment: {allocation: {q: 1}, lift: 0.1} # y\nb: 2",
            f"a: 1\nexperiment: {{allocation: {NEW}, lift: 0.1}} # y\nb: 2",
        ),
        (
            "experiment:\n  # mine\n  lift: 0.1\n",
            f"experiment:\n  # mine\n  allocation: {NEW}\n  lift: 0.1\n",
        ),
        ("experiment: {lift: 0.1}\n", f"experiment: {{allocation: {NEW}, lift: 0.1}}\n"),
        (
            "experiment:\n    allocation: # w\n        q: 1\n        o: 2 # two\n    # below\n    lift: 0.1\n",
            f"experiment:\n    allocation: {NEW}  # w # two\n    # below\n    lift: 0.1\n",
        ),
        (
            "experiment:\r\n  allocation:\r\n  lift: 0.1\r\n",
            f"experiment:\r\n  allocation: {NEW}\r\n  lift: 0.1\r\n",
        ),
    ],
)
def test_only_the_allocation_is_rewritten(tmp_path, before, after):
    assert with_allocation(before, {"q": 0.4, "o": 0.6}) == after
    path = tmp_path / "campaign.yaml"
    path.write_bytes(before.encode())
    assert "+" in write_allocation(path, {"q": 0.4, "o": 0.6})
    assert path.read_bytes().decode() == after
    assert yaml.safe_load(after)["experiment"]["allocation"] == {"q": 0.4, "o": 0.6}
    assert write_allocation(path, {"q": 0.4, "o": 0.6}) == ""


def test_the_commands_plan_read_and_write(place, tmp_path):
    folder, out, table = place
    home, records = finished(folder, out)
    export(table, records, lift=0.3)
    planned = CliRunner().invoke(cli.commands, ["experiment", "plan", str(folder), "--baseline", "0.012", "--json"])
    assert json.loads(planned.output)["arms"]["offer"] > 100_000
    words = ["experiment", "read", str(folder), str(table), "--out", str(out)]
    said = CliRunner().invoke(cli.commands, [*words, "--write"])
    assert said.exit_code == 0
    assert "Stop: offer is better than question" in said.output
    assert "+experiment:" in said.output
    assert {path.name for path in home.iterdir()} >= {"experiment.html", "experiment.json", "experiment.svg"}
    shares = load_campaign(folder).experiment.allocation
    assert shares == {"question": 0.0, "offer": 1.0}
