"""What becomes of films whose rows are gone from the feed."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flows.gone import Feed, creatives_in, is_whole, read_retired, settle_gone
from flows.order import Order
from tests.flows.small import run, small_campaign

NOW = datetime(2027, 3, 4, 5, 6, 7, tzinfo=UTC)
HEADER = "row_id,product,price\n"


def delivered(folder: Path, *creatives: str) -> Path:
    """A results' folder with a film of each creative."""
    for name in creatives:
        (folder / name).mkdir(parents=True)
        (folder / name / "square.mp4").write_bytes(name.encode())
        facts = {"row_id": f"row {name}", "sha256": "ab" * 32, "url_with_utm": "https://shop.example/?a=1"}
        (folder / name / "square.json").write_text(json.dumps(facts))
    return folder


def feed(*creatives: str, rows: int = 0, **more: bool) -> Feed:
    return Feed(creatives, rows or len(creatives), whole=more.pop("whole", True), **more)


def test_keep_leaves_the_films_and_says_how_many(tmp_path):
    folder = delivered(tmp_path, "a", "b", "c")
    said = settle_gone(folder, feed("a", "b"), "keep", NOW)
    assert said == "1 ad is no longer in the campaign; the films are kept (gone_rows: keep)."
    assert creatives_in(folder) == {"a", "b", "c"}
    assert not (folder / "retired.csv").exists()


def test_retire_moves_the_films_and_lists_them(tmp_path):
    folder = delivered(tmp_path, "a", "b", "c")
    said = settle_gone(folder, feed("a", "b"), "retire", NOW)
    assert "1 ad is no longer in the campaign; the films were moved to retired/2027-03-04" in said
    assert creatives_in(folder) == {"a", "b"}
    (line,) = read_retired(folder / "retired.csv")
    assert (line.creative_id, line.row_id, line.placement, line.sha256) == ("c", "row c", "square", "ab" * 32)
    assert (line.url, line.retired_at) == ("https://shop.example/?a=1", "2027-03-04T05:06:07+00:00")
    assert (folder / line.path).read_bytes() == b"c"


def test_a_row_that_comes_back_leaves_the_list_and_may_go_again_on_the_same_day(tmp_path):
    folder = delivered(tmp_path, "a", "b", "c")
    settle_gone(folder, feed("a", "b"), "retire", NOW)
    delivered(folder, "c")
    assert settle_gone(folder, feed("a", "b", "c"), "retire", NOW) == ""
    assert read_retired(folder / "retired.csv") == ()
    settle_gone(folder, feed("a", "b"), "retire", NOW)
    assert [line.path for line in read_retired(folder / "retired.csv")] == ["retired/2027-03-04/c.2/square.mp4"]
    assert (folder / "retired/2027-03-04/c/square.mp4").is_file()


def test_a_second_run_with_nothing_gone_says_nothing_and_keeps_the_list(tmp_path):
    folder = delivered(tmp_path, "a", "b", "c")
    settle_gone(folder, feed("a", "b"), "retire", NOW)
    before = (folder / "retired.csv").read_bytes()
    assert settle_gone(folder, feed("a", "b"), "retire", NOW) == ""
    assert (folder / "retired.csv").read_bytes() == before


def test_a_feed_that_lost_more_than_half_of_its_rows_retires_nothing_until_it_is_accepted(tmp_path):
    folder = delivered(tmp_path, "a", "b", "c", "d", "e")
    assert settle_gone(folder, feed("a", "b", "c", "d", "e"), "retire", NOW) == ""
    for _ in range(2):  # also the second time: the cut-off feed has not become what the next is measured by
        said = settle_gone(folder, feed("a", "b"), "retire", NOW)
        assert said.startswith("The feed has 2 rows, the last one had 5: nothing was retired")
        assert "--accept-shrink" in said
        assert creatives_in(folder) == {"a", "b", "c", "d", "e"}
    assert "3 ads are" in settle_gone(folder, feed("a", "b", accept_shrink=True), "retire", NOW)
    assert creatives_in(folder) == {"a", "b"}
    assert settle_gone(folder, feed("a", "b"), "retire", NOW) == ""


def test_a_feed_of_the_same_length_with_other_rows_is_no_cut_off_export(tmp_path):
    folder = delivered(tmp_path, "a", "b", "c", "d")
    settle_gone(folder, feed("a", "b", "c", "d"), "retire", NOW)
    delivered(folder, "e", "f", "g")
    assert "3 ads are" in settle_gone(folder, feed("a", "e", "f", "g"), "retire", NOW)
    assert creatives_in(folder) == {"a", "e", "f", "g"}


def test_without_a_memory_more_going_than_staying_is_suspicious(tmp_path):
    folder = delivered(tmp_path, "a", "b", "c")
    assert "2 ads are gone, more than stay" in settle_gone(folder, feed("a"), "retire", NOW)
    assert creatives_in(folder) == {"a", "b", "c"}


def test_a_list_that_is_not_ours_stops_the_move_and_says_so(tmp_path):
    folder = delivered(tmp_path, "a", "b", "c")
    (folder / "retired.csv").write_text("my,own,notes\n")
    assert "Move it away" in settle_gone(folder, feed("a", "b"), "retire", NOW)
    assert creatives_in(folder) == {"a", "b", "c"}
    assert (folder / "retired.csv").read_text() == "my,own,notes\n"


@pytest.mark.parametrize(
    "part", [{"rows": "1"}, {"where": 'product == "a"'}, {"sample": 1}, {"placements": "x"}, {"skip_bad_rows": True}]
)
def test_a_part_of_a_campaign_is_not_the_whole_and_retires_nothing(tmp_path, part):
    rows = Path("rows.csv")
    assert is_whole(Order(tmp_path), rows)
    assert not is_whole(replace(Order(tmp_path), **part), rows)
    folder = delivered(tmp_path / "out", "a", "b", "c")
    assert settle_gone(folder, feed("a", "b", whole=False), "retire", NOW) == ""
    assert creatives_in(folder) == {"a", "b", "c"}


def test_the_rows_that_failed_are_a_part_too(tmp_path):
    assert not is_whole(Order(tmp_path), Path("failed.csv"))


def test_only_new_and_changed_rows_cost_anything_and_gone_ones_are_retired(tmp_path):
    rows = [f"{name},{name.title()} cup,9.90\n" for name in ("red", "blue")]
    campaign = small_campaign(tmp_path / "campaign", HEADER + "".join(rows), extra="gone_rows: retire\n")
    first = run(campaign, tmp_path / "out")
    assert first.summary.made["master"] == 2
    assert first.gone == ""
    # blue stays as it is, green is new, red is gone.
    (campaign / "rows.csv").write_text(HEADER + rows[1] + "green,Green cup,7.50\n")
    second = run(campaign, tmp_path / "out")
    assert second.summary.made["master"] == 1
    assert {record.row_id: bool(record.seconds) for record in second.records} == {"blue": False, "green": True}
    assert second.summary.counts == {"done": 2}
    assert "1 ad is no longer in the campaign" in second.summary.gone
    home = tmp_path / "out" / "Small"
    assert creatives_in(home) == {"blue_en-US_control", "green_en-US_control"}
    (line,) = read_retired(home / "retired.csv")
    assert (line.row_id, line.placement) == ("red", "linkedin_square")
    assert (home / line.path).is_file()
    # red comes back: nothing is made for it.
    (campaign / "rows.csv").write_text(HEADER + "".join(rows) + "green,Green cup,7.50\n")
    third = run(campaign, tmp_path / "out")
    assert sum(third.summary.made.values()) == 0
    assert creatives_in(home) == {f"{name}_en-US_control" for name in ("red", "blue", "green")}
    assert read_retired(home / "retired.csv") == ()
