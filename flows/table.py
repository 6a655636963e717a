"""The campaign's table: a CSV file of any common dialect becomes a header and records of text.

Two readers look at the file. A strict pass with the `csv` module counts the fields of every record in bounded memory,
because pandas silently shifts a ragged row by a column. Then pandas reads what is sound, every cell as text (`007`,
`NA` and `19.90` survive), and both must have seen the same. Knows no column names.
"""

from __future__ import annotations

import csv
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from flows.dialect import LIMIT_CELL_CHARACTERS, Dialect, UnreadableTable, find_dialect, safe_lines
from flows.files import unguard
from flows.problems import Problems

LIMIT_COLUMNS = 500

#: Kept although Unicode calls them format characters: joiners shape Persian, Indic scripts and emoji.
_KEPT = {"\u200c", "\u200d", "\n", "\t"}


@dataclass(frozen=True, slots=True)
class Table:
    """A read file. `records[i]` is data row `numbers[i]`, counted from 1; blank and ragged rows are left out."""

    #: Names and cells exactly as they stand in the file.
    header: tuple[str, ...]
    numbers: tuple[int, ...]
    records: tuple[tuple[str, ...], ...]
    dialect: Dialect
    #: What was assumed, as sentences for the user.
    notes: tuple[str, ...] = ()
    #: Rows with too many or too few cells, as far as they could be read: number and cells.
    ragged: tuple[tuple[int, tuple[str, ...]], ...] = ()


def clean(text: str) -> str:
    """Text in NFC, trimmed, without control and format characters (escapes, bidi overrides, zero-width spaces)."""
    if not text.isprintable():
        text = "".join(
            character for character in text if character in _KEPT or unicodedata.category(character) not in ("Cc", "Cf")
        )
    return (text if text.isascii() else unicodedata.normalize("NFC", text)).strip()


def read_table(path: Path, problems: Problems) -> Table | None:
    """Read a CSV file. None when it cannot be read at all; ragged rows alone are complained of, with their number."""
    try:
        dialect, notes = find_dialect(path)
        survey = _survey(path, dialect)
        header = _header(survey, problems, notes)
        return _load(path, dialect, survey, header, notes, problems) if header else None
    except UnreadableTable as error:
        problems.add(error.code, str(error), error.fix)
    except UnicodeDecodeError as error:
        problems.add("encoding", f"the file is not {error.encoding} throughout", "Save it as UTF-8")
    except FileNotFoundError:
        problems.add("file_missing", "the file does not exist", "`spotmill init` writes one to start from")
    except OSError as error:
        problems.add("file_unreadable", f"the file cannot be read ({error.strerror})", "Check the path and its rights")
    return None


@dataclass(slots=True)
class _Survey:
    """What the strict pass saw. Records count from 1 after the header, blank ones included."""

    #: Records before the header's end: blank lines and the header itself.
    lead: int
    names: list[str]
    good: list[int] = field(default_factory=list)
    blank: set[int] = field(default_factory=set)
    ragged: list[tuple[int, tuple[str, ...]]] = field(default_factory=list)
    #: Indexes of columns that hold anything below the header.
    used: set[int] = field(default_factory=set)
    #: Characters in all good records: pandas must arrive at the same number.
    characters: int = 0


def _survey(path: Path, dialect: Dialect) -> _Survey:
    with _open(path, dialect) as stream:
        reader = csv.reader(safe_lines(stream), delimiter=dialect.delimiter, strict=True)
        number = -1
        try:
            survey = _first_record(reader)
            number = 0
            for number, record in enumerate(reader, start=1):
                _count(survey, number, record)
        except csv.Error as error:
            raise _explained(error, number + 1, reader.line_num) from error
    return survey


def _open(path: Path, dialect: Dialect) -> TextIO:
    stream = path.open(encoding=dialect.encoding, newline="")
    for _ in range(dialect.skipped_lines):
        stream.readline()
    return stream


def _first_record(reader: object) -> _Survey:
    for lead, record in enumerate(reader, start=1):  # type: ignore[arg-type,var-annotated]  # csv.reader has no public type
        if any(cell.strip() for cell in record):
            if len(record) > LIMIT_COLUMNS:
                message = f"the header has {len(record)} columns; the limit is {LIMIT_COLUMNS}"
                raise UnreadableTable("too_many_columns", message, "Leave out what the ads do not need")
            return _Survey(lead, list(record))
    raise UnreadableTable("empty_table", "the file holds no header", "Write a header line and one line per row")


def _count(survey: _Survey, number: int, record: list[str]) -> None:
    filled = [index for index, cell in enumerate(record) if cell and not cell.isspace()]
    if not filled:
        survey.blank.add(number)
        return
    longest = max(map(len, record))
    if longest > LIMIT_CELL_CHARACTERS:
        raise _too_long(f"row {number}: a cell has {longest:,} characters")
    if len(record) == len(survey.names):
        survey.good.append(number)
        survey.used.update(filled)
        survey.characters += sum(map(len, record))
    else:
        survey.ragged.append((number, tuple(record)))


def _too_long(message: str) -> UnreadableTable:
    fix = "Shorten it; a missing closing quote can also swallow the rows below"
    return UnreadableTable("cell_too_long", f"{message}; the limit is {LIMIT_CELL_CHARACTERS:,}", fix)


def _explained(error: csv.Error, row: int, line: int) -> UnreadableTable:
    """The csv module's error with the place and the way out."""
    where = f"row {row} (near line {line})" if row > 0 else f"the header (near line {line})"
    text = str(error)
    if "field larger" in text:
        return _too_long(f"{where}: a cell has more than {csv.field_size_limit():,} characters")
    if "unexpected end" in text:
        return UnreadableTable("unclosed_quote", f"{where}: a double quote is opened and never closed", "Close it")
    return UnreadableTable("bad_quotes", f"{where}: {text}", 'Inside a quoted cell write a double quote twice: ""')


def _header(survey: _Survey, problems: Problems, notes: list[str]) -> tuple[str, ...] | None:
    """The names without empty columns at the right edge; None with complaints when one is missing or stands twice."""
    names = [clean(unguard(name)) for name in survey.names]
    while len(names) > 1 and not names[-1] and len(names) - 1 not in survey.used:
        names.pop()
    if len(names) < len(survey.names):
        notes.append(f"{len(survey.names) - len(names)} empty column(s) at the right edge left out.")
    before = len(problems.found)
    for index, name in enumerate(names, start=1):
        if not name:
            problems.add("header_empty", f"column {index} has no name in the header", "Name it, or delete the column")
    for key, count in Counter(name.casefold() for name in names if name).items():
        if count > 1:
            places = ", ".join(str(index) for index, name in enumerate(names, start=1) if name.casefold() == key)
            problems.add(
                "header_twice", f"the header has this name {count} times, in columns {places}", "Rename one", column=key
            )
    if not survey.good and not survey.ragged:
        problems.add("no_rows", "there is a header but no row", "Write one line per ad below the header")
    return tuple(unguard(name) for name in survey.names[: len(names)]) if len(problems.found) == before else None


def _load(
    path: Path, dialect: Dialect, survey: _Survey, header: tuple[str, ...], notes: list[str], problems: Problems
) -> Table:
    import pandas as pd  # half a second: `--help` must not pay for it

    for number, cells in survey.ragged:
        message = f"the row has {len(cells)} cells, the header has {len(survey.names)}"
        problems.add("ragged_row", message, "Put a cell that contains the delimiter in double quotes", row=number)
    # Blank rows as well: spreadsheets leave some that are wider than the header.
    left_out = [*survey.blank, *(number for number, _ in survey.ragged)]
    disagree = UnreadableTable(
        "readers_disagree", "two CSV readers disagree about this file", "Save it again as UTF-8 CSV"
    )
    try:
        with _open(path, dialect) as stream:
            frame = pd.read_csv(
                stream,
                sep=dialect.delimiter,
                header=None,
                names=range(len(survey.names)),
                index_col=False,
                dtype=str,
                na_filter=False,
                keep_default_na=False,
                skip_blank_lines=False,
                skiprows=[*range(survey.lead), *(survey.lead - 1 + number for number in left_out)],
                engine="c",
            )
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise disagree from error
    records = list(frame.itertuples(index=False, name=None))
    if len(records) != len(survey.good) or sum(len(cell) for record in records for cell in record) != survey.characters:
        # Line ends of several kinds in one file; a silent difference would put words into the wrong ads.
        raise disagree
    # What we write is guarded against spreadsheets; failed.csv comes back here and must mean what it meant.
    kept = tuple(tuple(unguard(cell) for cell in record[: len(header)]) for record in records)
    if survey.blank:
        notes.append(f"{len(survey.blank)} blank row(s) left out.")
    return Table(header, tuple(survey.good), kept, dialect, tuple(notes), tuple(survey.ragged))
