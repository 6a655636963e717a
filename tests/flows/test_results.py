"""Count in = count out; the input comes back untouched; nothing a spreadsheet would run is written; it reads back."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.deliveries import STATES
from flows.files import unguard
from flows.model import BadInput
from flows.problems import Problems
from flows.results import (
    COLUMNS,
    CountMismatch,
    DeliveryRecord,
    FailedRow,
    count_states,
    failed_rows,
    own_columns,
    read_results,
    verdict,
    with_utm,
    write_failed,
    write_manifest,
    write_results,
)
from flows.table import read_table

HOSTILE = [
    "=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "＝1", "'=already", "''", "<script>alert(1)</script>",
    'say "hi"', "a,b;c", "line\nbreak", "line\r\nbreak", "🥐", "مرحبا بالعالم", "é", "007", "-5", "1e5", " a ", "",
]  # fmt: skip


def done(
    row: int = 1, creative: str = "a_en-US_all_control", placement: str = "tiktok_infeed", **more: object
) -> DeliveryRecord:
    record = DeliveryRecord(
        row=row, row_id="a", cells={"row_id": "a", "name": "Café"}, creative_id=creative, placement=placement,
        status="done", locale="en-US", variant="control", attempts=1, seconds=1.25, gpu_seconds=None, cost=None,
        sha256="0" * 64, path=f"{creative}/{placement}.mp4", disclosure="not_ai_generated",
        disclosure_fields={"aigc_disclosure_type": "NOT_DECLARED"}, marks=("visible_watermark", "disclosure_label"),
    )  # fmt: skip
    return replace(record, **more)


def failed(
    row: int = 1, placement: str = "x_square", creative: str = "a_en-US_all_control", **more: object
) -> DeliveryRecord:
    record = DeliveryRecord(
        row=row, row_id=f"r{row}", cells={"row_id": f"r{row}", "name": "x"}, creative_id=creative, placement=placement,
        status="failed", code="tool_failed", fault="defect", step="master", attempts=3, message="x264 ended with 1",
        fix="Run again",
    )  # fmt: skip
    return replace(record, **more)


def raw(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.reader(stream, strict=True))


def test_the_input_comes_back_first_and_untouched(tmp_path: Path) -> None:
    columns = [f"Column {index} " for index in range(len(HOSTILE))]
    cells = dict(zip(columns, HOSTILE, strict=True))
    write_results(tmp_path / "r.csv", columns, [done(cells=cells)], expected=[done().key])
    header, line = raw(tmp_path / "r.csv")
    assert header == [*columns, *COLUMNS]
    assert [unguard(cell) for cell in line[: len(columns)]] == HOSTILE


def test_no_cell_that_is_written_can_run(tmp_path: Path) -> None:
    record = failed(cells={"=evil": "=1"}, message='=HYPERLINK("http://x")', fix="@x", row_id="-x")
    write_results(tmp_path / "r.csv", ["=evil"], [record], expected=[record.key])
    write_failed(tmp_path / "f.csv", ["=evil"], failed_rows([record]))
    for path in (tmp_path / "r.csv", tmp_path / "f.csv"):
        for line in raw(path):
            assert not [cell for cell in line if cell[:1] in tuple("=+-@\t\r＝＋－＠")]


def test_excel_is_told_that_it_is_utf_8(tmp_path: Path) -> None:
    write_results(tmp_path / "r.csv", ["name"], [done()], expected=[done().key])
    assert (tmp_path / "r.csv").read_bytes().startswith(b"\xef\xbb\xbfname,")


def test_unknown_is_written_as_unknown_and_nothing_as_nothing(tmp_path: Path) -> None:
    write_results(tmp_path / "r.csv", [], [done(cost=None, gpu_seconds=0.0, seconds=0.0)], expected=[done().key])
    line = dict(zip(*raw(tmp_path / "r.csv"), strict=True))
    assert (line["cost"], line["gpu_seconds"], line["seconds"]) == ("unknown", "0.000", "0.000")


def test_a_column_of_ours_that_the_input_has_gets_a_prefix() -> None:
    names = own_columns(["Locale ", "status", "spotmill_status", "path"])
    assert names[COLUMNS.index("locale")] == "spotmill_locale"
    assert names[COLUMNS.index("status")] == "spotmill_status_2"
    assert names[COLUMNS.index("path")] == "spotmill_path"
    assert names[COLUMNS.index("cost")] == "cost"


def test_results_can_be_columns_of_results_again(tmp_path: Path) -> None:
    columns: tuple[str, ...] = ("row_id",)
    for _ in range(3):
        columns = (*columns, *own_columns(columns))
        assert len(set(columns)) == len(columns)


def test_the_lines_stand_in_the_order_of_the_plan(tmp_path: Path) -> None:
    records = [done(row=number, creative=f"c{number}") for number in (3, 1, 2)]
    write_results(tmp_path / "r.csv", [], records, expected=[(f"c{number}", "tiktok_infeed") for number in (1, 2, 3)])
    assert [record.row for record in read_results(tmp_path / "r.csv")[1]] == [1, 2, 3]


@pytest.mark.parametrize(
    ("records", "named"),
    [
        ([], r"1 missing: a_en-US_all_control / tiktok_infeed"),
        ([done(), done()], r"1 twice: a_en-US_all_control"),
        ([done(), done(placement="ctv")], r"1 not planned: a_en-US_all_control / ctv"),
    ],
)
def test_a_lost_or_surplus_delivery_is_named_and_nothing_is_written(
    tmp_path: Path, records: list[DeliveryRecord], named: str
) -> None:
    with pytest.raises(CountMismatch, match=named):
        write_results(tmp_path / "r.csv", [], records, expected=[done().key])
    assert not (tmp_path / "r.csv").exists()


def test_a_hundred_lost_deliveries_are_counted_and_a_few_named(tmp_path: Path) -> None:
    with pytest.raises(CountMismatch, match=r"100 missing: .* and 95 more"):
        write_results(tmp_path / "r.csv", [], [], expected=[(f"c{number}", "ctv") for number in range(100)])


def test_what_was_written_reads_back_as_it_was(tmp_path: Path) -> None:
    cells = {"row_id": "a", "locale": "=x", "name": "multi\nline"}
    records = [
        done(cells=cells, cost=0.125, film_seconds=8.5, differs_in="hook", utm="a=b&c=d", row_id="a"),
        failed(cells=cells, row_id="a"),
        failed(
            cells=cells, row_id="a", row=2, creative="", placement="", status="invalid", message="-bad", seconds=1.5
        ),
    ]
    write_results(tmp_path / "r.csv", list(cells), records, expected=[record.key for record in records])
    columns, read = read_results(tmp_path / "r.csv")
    assert columns == tuple(cells)
    assert list(read) == records


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from(HOSTILE) | st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
        min_size=3,
        max_size=3,
    )
)
def test_any_text_survives_the_way_out_and_back(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    path = tmp_path_factory.mktemp("r") / "r.csv"
    record = failed(cells={"a": texts[0], "b": texts[1]}, message=texts[2] or "x", row_id="")
    write_results(path, ["a", "b"], [record], expected=[record.key])
    assert read_results(path)[1] == (record,)


@pytest.mark.parametrize("content", ["", "a,b\n1,2\n", "\xff"])
def test_a_file_that_is_no_results_is_a_sentence(tmp_path: Path, content: str) -> None:
    (tmp_path / "r.csv").write_text(content, "latin-1")
    with pytest.raises(BadInput, match="no readable table of results"):
        read_results(tmp_path / "r.csv")


def test_a_results_file_with_a_lost_cell_names_the_line(tmp_path: Path) -> None:
    write_results(tmp_path / "r.csv", ["name"], [done()], expected=[done().key])
    text = (tmp_path / "r.csv").read_text("utf-8-sig").rstrip("\r\n")
    (tmp_path / "r.csv").write_text(text + "\r\nshort,line\r\n", "utf-8")
    with pytest.raises(BadInput, match="line 2 has 2 cells"):
        read_results(tmp_path / "r.csv")


def test_missing_results_are_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="folder of a finished run"):
        read_results(tmp_path / "r.csv")


# --- failed.csv ---------------------------------------------------------------------------------------------------


def test_failed_rows_come_once_with_the_placements_that_failed(tmp_path: Path) -> None:
    columns = ["row_id", "Placements ", "name"]
    cells = {"row_id": "r1", "Placements ": "tiktok_infeed, x_square, ctv", "name": "=1"}
    records = [
        done(cells=cells),
        failed(cells=cells),
        failed(cells=cells, creative="a_es-MX_all_control"),
        failed(cells=cells, placement="ctv"),
        done(row=2, creative="b"),
    ]
    assert write_failed(tmp_path / "f.csv", columns, failed_rows(records))
    why = "master, attempt 3, defect (tool_failed): x264 ended with 1. Run again"
    assert raw(tmp_path / "f.csv") == [[*columns, "_why"], ["r1", "x_square | ctv", "'=1", why]]


def test_the_table_reader_takes_a_failed_file_and_finds_the_original_cells(tmp_path: Path) -> None:
    cells = {"row_id": "r1", "headline": '=50% off, "today"\nonly', "price": "-5", "note": "مرحبا", "placements": ""}
    write_failed(tmp_path / "f.csv", list(cells), failed_rows([failed(cells=cells)]))
    problems = Problems("f.csv")
    table = read_table(tmp_path / "f.csv", problems)
    assert table
    assert problems.found == []
    assert table.header == (*cells, "_why")
    assert [unguard(cell) for cell in table.records[0]][:5] == ["r1", *list(cells.values())[1:4], "x_square"]


def test_ids_and_placements_are_added_where_the_input_has_none(tmp_path: Path) -> None:
    row = FailedRow(1, "derived-1", {"name": "x"}, ("ctv",))
    write_failed(tmp_path / "f.csv", ["name"], [row])
    assert raw(tmp_path / "f.csv") == [["name", "row_id", "placements"], ["x", "derived-1", "ctv"]]


def test_other_spellings_of_the_placements_column_are_narrowed_too(tmp_path: Path) -> None:
    row = FailedRow(1, "r1", {"row_id": "r1", "platforms": "all of them"}, ("ctv",))
    write_failed(tmp_path / "f.csv", ["row_id", "platforms"], [row])
    assert raw(tmp_path / "f.csv") == [["row_id", "platforms"], ["r1", "ctv"]]


def test_a_row_that_never_was_expanded_keeps_its_own_placements(tmp_path: Path) -> None:
    cells = {"row_id": "r1", "placements": "nowhere"}
    rows = failed_rows([failed(cells=cells, status="invalid", creative="", placement="")])
    write_failed(tmp_path / "f.csv", list(cells), rows)
    assert raw(tmp_path / "f.csv")[1][:2] == ["r1", "nowhere"]


def test_without_failures_there_is_no_failed_file_and_an_old_one_goes(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text("old")
    assert not write_failed(path, ["row_id"], failed_rows([done()]))
    assert not path.exists()


# --- states -------------------------------------------------------------------------------------------------------


def test_states_are_counted_in_a_fixed_order_and_sum_up() -> None:
    records = [failed(), done(), done(), failed(status="refused")]
    counts = count_states(records)
    assert list(counts.items()) == [("done", 2), ("failed", 1), ("refused", 1)]
    assert sum(counts.values()) == len(records)


@pytest.mark.parametrize(
    ("counts", "word"),
    [
        ({"done": 3}, "done"), ({"done": 1, "refused": 1}, "done with errors"), ({"failed": 2}, "failed"),
        ({"done": 1, "running": 1}, "running"), ({}, "done"), ({"interrupted": 1, "done": 4}, "done with errors"),
    ],
)  # fmt: skip
def test_the_run_has_a_verdict(counts: dict[str, int], word: str) -> None:
    assert verdict(counts) == word
    assert set(counts) <= set(STATES)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"status": "finished"}, "no state"),
        ({"disclosure": ""}, "needs a path, a hash and a disclosure"),
        ({"disclosure": "unset"}, "needs a path, a hash and a disclosure"),
        ({"sha256": ""}, "needs a path, a hash and a disclosure"),
        ({"status": "failed"}, "needs a code and a message"),
    ],
)
def test_a_record_that_says_too_little_cannot_be_made(change: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        done(**change)


# --- links and the manifest ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "tracked"),
    [
        ("https://x.example/a", "https://x.example/a?utm_source=tiktok&utm_content=a+b%26c"),
        (
            "https://x.example/?p=1&utm_source=old#top",
            "https://x.example/?p=1&utm_source=tiktok&utm_content=a+b%26c#top",
        ),
        ("https://x.example/?empty=", "https://x.example/?empty=&utm_source=tiktok&utm_content=a+b%26c"),
        ("", ""),
    ],
)
def test_the_landing_page_carries_the_parameters(url: str, tracked: str) -> None:
    assert with_utm(url, {"utm_source": "tiktok", "utm_content": "a b&c"}) == tracked


def test_the_manifest_is_json_that_a_person_can_read(tmp_path: Path) -> None:
    write_manifest(tmp_path / "m.json", {"fps": Fraction(30000, 1001), "name": "Café", "out": Path("a/b")})
    assert json.loads((tmp_path / "m.json").read_text("utf-8")) == {"fps": "30000/1001", "name": "Café", "out": "a/b"}
    assert "Café" in (tmp_path / "m.json").read_text("utf-8")


@pytest.mark.parametrize("value", [float("nan"), object(), {1, 2}])
def test_what_json_lacks_is_an_error_not_a_guess(tmp_path: Path, value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        write_manifest(tmp_path / "m.json", {"x": value})
    assert not (tmp_path / "m.json").exists()
