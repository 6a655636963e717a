"""Tables as spreadsheets write them: read alike whatever the dialect, refused where a reader would have to guess."""

import csv
import io
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.dialect import LIMIT_CELL_CHARACTERS, LIMIT_LINE_CHARACTERS
from flows.problems import Problems
from flows.table import clean, read_table


def read(tmp_path, content):
    path = tmp_path / "rows.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    problems = Problems("rows.csv")
    return read_table(path, problems), problems.found


def codes(found):
    return [problem.code for problem in found]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_every_common_delimiter_is_found(tmp_path, delimiter):
    table, found = read(tmp_path, f"a{delimiter}b\n1{delimiter}2\n")
    assert not found
    assert (table.header, table.records) == (("a", "b"), (("1", "2"),))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_every_unicode_encoding_is_read(tmp_path, encoding):
    table, found = read(tmp_path, "name,price\nCafé – Köln,19.90\n北京,5\n".encode(encoding))
    assert not found
    assert table.header == ("name", "price")
    assert table.records == (("Café – Köln", "19.90"), ("北京", "5"))


def test_windows_1252_is_read_and_the_guess_is_said(tmp_path):
    table, found = read(tmp_path, "name,price\nCafé – Köln,€5\n".encode("cp1252"))
    assert not found
    assert table.records == (("Café – Köln", "€5"),)
    assert "cp1252" in table.notes[0]


def test_bytes_of_no_encoding_are_refused(tmp_path):
    table, found = read(tmp_path, b"name,price\nCaf\x81\x8d\xff,5\n")
    assert table is None
    assert codes(found) == ["encoding"]


def test_cells_survive_as_they_stand(tmp_path):
    cells = ("007", "NA", "null", "None", "1e5", "19.90", " padded ", "=1+1", "TRUE", "")
    table, found = read(tmp_path, ",".join("abcdefghij") + "\n" + ",".join(cells) + "\n")
    assert not found
    assert table.records == (cells,)


def test_delimiters_inside_cells_do_not_mislead(tmp_path):
    table, _ = read(tmp_path, 'id;text\n1;a, b, c\n2;"x;y"\n')
    assert table.records == (("1", "a, b, c"), ("2", "x;y"))
    table, _ = read(tmp_path, "id,text;more\n1,a;b\n2,c;d\n3,e\n")
    assert table.dialect.delimiter == ","


def test_excels_separator_line_is_obeyed(tmp_path):
    table, found = read(tmp_path, "sep=;\r\na;b\r\n1,5;2\r\n")
    assert not found
    assert table.records == (("1,5", "2"),)


def test_quoted_newlines_stay_in_their_cell_and_do_not_shift_row_numbers(tmp_path):
    table, _ = read(tmp_path, 'a,b\n"one\ntwo",x\n\n3,y\n')
    assert table.records == (("one\ntwo", "x"), ("3", "y"))
    assert table.numbers == (1, 3)


def test_a_ragged_row_is_refused_and_its_neighbours_are_not_shifted(tmp_path):
    table, found = read(tmp_path, "a,b,c\n1,2,3\n4,5\n6,7,8,9\n10,11,12\n")
    assert [(problem.code, problem.row) for problem in found] == [("ragged_row", 2), ("ragged_row", 3)]
    assert table.records == (("1", "2", "3"), ("10", "11", "12"))
    assert table.numbers == (1, 4)
    assert table.ragged[0] == (2, ("4", "5"))


def test_blank_rows_are_left_out_and_said(tmp_path):
    table, found = read(tmp_path, "\na,b\n,\n1,2\n  ,  \n")
    assert not found
    assert (table.numbers, table.records) == ((2,), (("1", "2"),))
    assert "2 blank" in " ".join(table.notes)


def test_empty_columns_at_the_right_edge_are_left_out(tmp_path):
    table, found = read(tmp_path, "a,b,,\n1,2,,\n")
    assert not found
    assert (table.header, table.records) == (("a", "b"), (("1", "2"),))


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("", "empty_table"),
        ("\n\n  \n", "empty_table"),
        ("a,b\n", "no_rows"),
        ("a,,c\n1,2,3\n", "header_empty"),
        ("a,b,A\n1,2,3\n", "header_twice"),
        ('a,b\n1,"2\n3,4\n', "unclosed_quote"),
        ('a,b\n1,"2"x\n', "bad_quotes"),
        ("a,b\n1,\x002\n", "nul"),
        ("a,b\n1," + "x" * (LIMIT_CELL_CHARACTERS + 1) + "\n", "cell_too_long"),
        (",".join(f"c{n}" for n in range(600)) + "\n" + "1," * 599 + "1\n", "too_many_columns"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused_with_one_sentence(tmp_path, content, code):
    table, found = read(tmp_path, content)
    assert table is None
    assert codes(found) == [code]
    assert found[0].fix


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    for path in (tmp_path / "none.csv", tmp_path):
        problems = Problems("rows.csv")
        assert read_table(path, problems) is None
        assert codes(problems.found)[0] in ("file_missing", "not_a_file")


def test_a_cell_of_fifty_megabytes_is_refused_in_bounded_memory(tmp_path):
    path = tmp_path / "rows.csv"
    with path.open("wb") as stream:
        stream.write(b"a,b\n1,")
        for _ in range(50):
            stream.write(b"x" * 1_000_000)
    problems = Problems("rows.csv")
    tracemalloc.start()
    try:
        assert read_table(path, problems) is None
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert codes(problems.found) == ["cell_too_long"]
    assert peak < 16 * LIMIT_LINE_CHARACTERS


def test_a_quoted_cell_over_many_lines_is_limited_too(tmp_path):
    _, found = read(tmp_path, 'a,b\n1,"' + "line\n" * 5_000 + '"\n')
    assert codes(found) == ["cell_too_long"]


def test_a_file_larger_than_the_limit_is_not_opened(tmp_path):
    path = tmp_path / "rows.csv"
    with path.open("wb") as stream:
        stream.truncate(65 * 2**20)  # sparse: takes no room
    problems = Problems("rows.csv")
    assert read_table(path, problems) is None
    assert codes(problems.found) == ["table_too_large"]


cell = st.text(st.characters(exclude_categories=("Cs", "Cc"), include_characters="\n\t"), max_size=30).filter(
    lambda text: text.strip() == text
)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.tuples(cell, cell, cell), min_size=1, max_size=8),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_what_the_csv_module_writes_is_read_back(tmp_path_factory, rows, delimiter, encoding, end):
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerow(("first", "second", "third"))
    writer.writerows(rows)
    path = tmp_path_factory.getbasetemp() / "round.csv"
    path.write_bytes(text.getvalue().encode(encoding))
    problems = Problems("round.csv")
    table = read_table(path, problems)
    kept = tuple(row for row in rows if any(map(str.strip, row)))
    if kept:
        assert table is not None
        assert table.records == kept
    else:
        assert codes(problems.found) == ["no_rows"]


@pytest.mark.parametrize(
    ("dirty", "tidy"),
    [
        ("  Cup \u200b", "Cup"),
        ("evil\u202etxt.exe", "eviltxt.exe"),
        ("\x1b[31mred\x07", "[31mred"),
        ("e\u0301", "é"),
        ("नमस्\u200dते", "नमस्\u200dते"),
        ("a\u00a0b", "a\u00a0b"),
        ("👩\u200d💻", "👩\u200d💻"),
    ],
)
def test_cleaning_takes_out_what_nobody_sees_and_keeps_what_shapes_letters(dirty, tidy):
    assert clean(dirty) == tidy
