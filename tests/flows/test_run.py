"""A small campaign through every real stage in this process: what is delivered, what a second run does, what a change
makes anew. The same on Ray, through Prefect, and under faults, is in test_cluster.py and test_faults.py."""

import csv
import json
from pathlib import Path

import pytest

from flows.crew import InlineCrew
from flows.ledger import Ledger
from flows.order import Order, prepare
from flows.settings import Settings
from flows.studio import Run
from generation.media.probe import probe
from tests.flows.small import run, small_campaign


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    campaign = small_campaign(folder / "campaign", placements="[linkedin_square, x_square]")
    return campaign, folder / "out", run(campaign, folder / "out")


def test_every_delivery_is_there_and_is_what_the_placement_takes(made):
    _, out, work = made
    assert work.summary.counts == {"done": 4}
    films = sorted((out / "Small").glob("*/*.mp4"))
    assert len(films) == 4
    facts = probe(films[0])
    assert (facts.video.size.width_px, facts.video.size.height_px, facts.video.frames) == (1080, 1080, 90)
    assert facts.audio.rate_hz == 48000


def test_results_count_every_delivery_and_return_the_input_untouched(made):
    _, out, _ = made
    lines = read(out / "Small" / "results.csv")
    assert len(lines) == 4
    assert [line["price"] for line in lines] == ["9.90", "9.90", "12.50", "12.50"]
    assert {line["status"] for line in lines} == {"done"}
    assert {line["cost"] for line in lines} == {"unknown"}
    assert all(line["disclosure"] for line in lines)
    assert "utm_content=" + lines[0]["creative_id"] in lines[0]["utm"]
    for line in lines:
        film = out / "Small" / line["path"]
        import hashlib

        assert hashlib.sha256(film.read_bytes()).hexdigest() == line["sha256"]


def test_two_placements_of_one_size_share_one_master(made):
    _, _, work = made
    assert work.summary.made["master"] == 2
    assert work.summary.made["delivery"] == 4


def test_captions_and_poster_and_facts_lie_beside_each_film(made):
    _, out, _ = made
    film = next((out / "Small").glob("*/*.mp4"))
    assert film.with_suffix(".srt").read_text().count("-->") >= 1
    assert film.with_suffix(".vtt").read_text().startswith("WEBVTT")
    assert film.with_suffix(".jpg").stat().st_size > 5_000
    facts = json.loads(film.with_suffix(".json").read_text())
    assert abs(facts["measured"]["integrated_lufs"] + 14) <= 0.5
    assert facts["shots"][0]["notes"]["drawn"]
    assert facts["disclosure"]["value"]
    assert facts["marks"]["content_credentials"]["issuer"].startswith("Spotmill test certificate")
    assert facts["proof"]["verdict"].startswith("pass: ")


def test_the_report_and_the_manifest_are_there(made):
    _, out, _ = made
    manifest = json.loads((out / "Small" / "manifest.json").read_text())
    assert manifest["counts"] == {"done": 4}
    assert manifest["engine"]["id"] == "animatic"
    assert (out / "Small" / "report.html").stat().st_size > 10_000


@pytest.mark.fault(24, "a second run in the same process")
def test_a_second_run_makes_nothing_and_changes_no_file(made):
    campaign, out, _ = made
    before = {path: path.stat().st_mtime_ns for path in (out / "Small").glob("*/*.mp4")}
    again = run(campaign, out)
    assert sum(again.summary.made.values()) == 0
    assert again.summary.counts == {"done": 4}
    assert {path: path.stat().st_mtime_ns for path in (out / "Small").glob("*/*.mp4")} == before


def test_a_changed_price_makes_only_its_own_masters_and_deliveries(made):
    campaign, out, _ = made
    rows = campaign / "rows.csv"
    text = rows.read_text()
    rows.write_text(text.replace("9.90", "8.90"))
    changed = run(campaign, out)
    rows.write_text(text)
    made_steps = {kind: count for kind, count in changed.summary.made.items() if count}
    assert made_steps == {"master": 1, "package": 2, "delivery": 2}


def test_selected_rows_are_run_alone(made):
    campaign, out, _ = made
    assert run(campaign, out, rows="2").summary.counts == {"done": 2}
    assert run(campaign, out, where='row_id == "red"', placements="x_square").summary.counts == {"done": 1}


def test_a_bad_row_can_be_skipped_and_becomes_a_failed_line_that_can_be_run_again(tmp_path, made):
    _, out, _ = made
    rows = "row_id,product,price\nred,Red cup,9.90\nblue,Blue cup,a lot\n"
    campaign = small_campaign(tmp_path / "campaign", rows)
    work = run(campaign, out, skip_bad_rows=True)
    assert work.summary.counts == {"done": 1, "invalid": 1}
    (failed,) = read(out / "Small" / "failed.csv")
    assert failed["price"] == "a lot"
    (campaign / "rows.csv").write_bytes((out / "Small" / "failed.csv").read_bytes().replace(b"a lot", b"12.50"))
    assert run(campaign, out).summary.counts == {"done": 1}


def test_equal_campaigns_give_equal_bytes_in_another_ledger(tmp_path, made):
    campaign, out, _ = made
    other = run(campaign, tmp_path / "other", rows="1", placements="x_square")
    (film,) = other.folder.glob("*/*.mp4")
    facts = json.loads(film.with_suffix(".json").read_text())
    there, here = (
        Ledger(folder / ".ledger").home("package", facts["steps"]["package"]) / "video.mp4"
        for folder in (out, tmp_path / "other")
    )
    assert here.read_bytes() == there.read_bytes(), "all but the signature, which holds the time"


@pytest.mark.fault(6, "a second run into the folder of one that is going on")
def test_another_run_in_the_same_folder_is_refused(made):
    from flows.model import BadInput

    campaign, out, _ = made
    settings = Settings(out=out)
    first = Run(Order(campaign), settings, lambda: InlineCrew(settings.ledger_folder))
    first.read()
    going = first.produce()
    next(going)
    second = Run(Order(campaign), settings, lambda: InlineCrew(settings.ledger_folder))
    second.read()
    with pytest.raises(BadInput, match="another run is writing here"):
        next(second.produce())
    going.close()


def test_failed_csv_comes_back_with_the_words_that_the_marketer_wrote(tmp_path, made):
    _, out, _ = made
    rows = "row_id,product,price\nred,=50% off,a lot\nblue,Blue cup,12.50\n"
    campaign = small_campaign(tmp_path / "campaign", rows)
    run(campaign, out, skip_bad_rows=True)
    failed = (out / "Small" / "failed.csv").read_bytes()
    assert b"'=50% off" in failed, "a spreadsheet would run the cell"
    (campaign / "rows.csv").write_bytes(failed.replace(b"a lot", b"12.50"))
    (row,) = prepare(Order(campaign)).rows
    assert row.variables["product"] == "=50% off"
