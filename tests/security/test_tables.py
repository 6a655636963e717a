"""Tables that put words into the wrong ad: each slips through pandas as it comes, and is refused or kept here."""

from __future__ import annotations

import io
import tracemalloc
from pathlib import Path

import pandas as pd
import pytest

from flows.problems import Problems
from flows.table import Table, read_table
from tests.flows.written import complaints, write


def ours(tmp_path: Path, text: str | bytes) -> tuple[Table | None, list[str]]:
    path = tmp_path / "rows.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    problems = Problems("rows.csv")
    table = read_table(path, problems)
    return table, [problem.code for problem in problems.found]


def test_a_ragged_row_shifts_every_column_in_pandas_and_is_one_refused_row_here(tmp_path: Path) -> None:
    text = "row_id,product,price\na,Cup,5,\nb,Jug,6,\n"
    shifted = pd.read_csv(io.StringIO(text))
    assert list(shifted["row_id"]) == ["Cup", "Jug"]  # the product stands where the id was, without a word
    table, codes = ours(tmp_path, text)
    assert codes == ["ragged_row", "ragged_row"]
    assert table is not None
    assert table.records == ()


def test_values_that_pandas_reads_as_something_else_are_kept_here(tmp_path: Path) -> None:
    cells = ("007", "NA", "1e5", "19.90", "True", "nan", "null")
    text = ",".join(f"c{number}" for number in range(len(cells))) + "\n" + ",".join(cells) + "\n"
    read = [str(value) for value in pd.read_csv(io.StringIO(text)).iloc[0]]
    assert sum(one != other for one, other in zip(read, cells, strict=True)) >= 5
    table, codes = ours(tmp_path, text)
    assert codes == []
    assert table is not None
    assert table.records == (cells,)


def test_a_column_that_stands_twice_is_renamed_by_pandas_and_refused_here(tmp_path: Path) -> None:
    text = "price,price\n5,9\n"
    assert list(pd.read_csv(io.StringIO(text)).columns) == ["price", "price.1"]
    assert ours(tmp_path, text) == (None, ["header_twice"])


def test_a_cell_of_many_megabytes_is_held_in_memory_by_pandas_and_refused_before_that_here(tmp_path: Path) -> None:
    text = b"a,b\n1," + b"x" * 20_000_000 + b"\n"
    assert len(pd.read_csv(io.BytesIO(text)).iloc[0, 1]) == 20_000_000
    tracemalloc.start()
    try:
        path = tmp_path / "rows.csv"
        path.write_bytes(text)
        del text
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        problems = Problems("rows.csv")
        assert read_table(path, problems) is None
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert [problem.code for problem in problems.found] == ["cell_too_long"]
    assert peak < 20_000_000


@pytest.mark.parametrize("one", ["a", "É"])
def test_two_ids_that_one_file_system_takes_for_the_same_are_refused(tmp_path: Path, one: str) -> None:
    import unicodedata

    other = unicodedata.normalize("NFD", one) if not one.isascii() else one.upper()
    assert one != other
    found = complaints(write(tmp_path, rows=f"row_id,product\n{one},Cup\n{other},Jug\n"))
    assert {problem.code for problem in found} <= {"same_row_id", "bad_row_id"}
    assert {problem.row for problem in found} == {1, 2}
