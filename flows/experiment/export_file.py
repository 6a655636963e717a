"""A platform's export becomes lines of counts: the header is found, sums are left out, numbers are read.

Titles above the header, as Google and LinkedIn write them, are skipped. All complaints come at once, each with its
line. Knows no campaign.
"""

from __future__ import annotations

import csv
import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from flows.dialect import DELIMITERS, UnreadableTable, find_dialect, safe_lines
from flows.experiment.exports import Mapped, load_exports, unknown_columns
from flows.experiment.figures import Unclear, days, decimal_mark, figure
from flows.files import unguard
from flows.model import BadInput
from flows.problems import Problems, shown
from flows.table import clean

#: Titles, dates and empty lines above a header.
_LEAD_LINES = 20
COUNTS = ("impressions", "clicks", "conversions", "spend")
WHOLE = ("impressions", "clicks")
#: Complaints of one kind that are told.
_TOLD = 20


@dataclass(frozen=True, slots=True)
class Line:
    """One ad on one line of an export."""

    number: int
    ad: str
    link: str
    #: Only the counts that the export has.
    counts: Mapping[str, float] = field(hash=False)


@dataclass(frozen=True, slots=True)
class Export:
    """A read export."""

    file: str
    platform: str
    #: Field -> the header of its column.
    columns: Mapping[str, str]
    lines: tuple[Line, ...]
    #: First and last day, where the export has days that can be read.
    days: tuple[datetime.date, datetime.date] | None
    notes: tuple[str, ...]

    @property
    def span(self) -> int:
        """How many days the counts are from; 0 is unknown: the begin of a period alone does not say."""
        if not self.days or (self.days[0] == self.days[1] and "until" not in self.columns):
            return 0
        return (self.days[1] - self.days[0]).days + 1


def read_export(path: Path, needed: Sequence[str], mapping: Mapped | None = None) -> Export:
    """Read an export that has at least the counts that are needed. Raises: BadInput."""
    problems = Problems(path.name)
    try:
        encoding = find_dialect(path)[0].encoding
        with path.open(encoding=encoding, newline="") as stream:
            lines = list(safe_lines(stream))
        found = _header(lines, (mapping,) if mapping else tuple(load_exports().values()))
        records = list(_records(lines, found))
    except UnreadableTable as error:
        problems.add(error.code, str(error), error.fix)
    except (csv.Error, UnicodeError) as error:
        problems.add("bad_table", f"is no readable CSV file ({error})", "Export it again as CSV")
    except FileNotFoundError:
        problems.add("file_missing", "the file does not exist", "Name the CSV file that the platform exported")
    except OSError as error:
        problems.add("file_unreadable", f"the file cannot be read ({error.strerror})", "Check the path and its rights")
    problems.raise_if_any()
    _check_columns(found, needed, path.name)
    return _read(path.name, found, records)


@dataclass(frozen=True, slots=True)
class _Header:
    mapped: Mapped
    delimiter: str
    #: Lines above the first line of data.
    above: int
    names: tuple[str, ...]
    columns: Mapping[str, int]


def _header(lines: Sequence[str], candidates: Sequence[Mapped]) -> _Header:
    """The line, delimiter and platform that fit most columns."""
    best: tuple[int, int, _Header] | None = None
    for above, line in enumerate(islice(lines, _LEAD_LINES), start=1):
        for delimiter in DELIMITERS:
            names = tuple(clean(unguard(name)) for name in next(csv.reader([line], delimiter=delimiter), []))
            for mapped in candidates:
                columns = mapped.columns(names)
                score = (len(columns), len(names))
                if best is None or score > best[:2]:
                    best = (*score, _Header(mapped, delimiter, above, names, columns))
    assert best is not None
    return best[2]


def _check_columns(found: _Header, needed: Sequence[str], file: str) -> None:
    missing = [name for name in (*needed, *found.mapped.asked) if name not in found.columns]
    if "ad" not in found.columns and "link" not in found.columns:
        missing.insert(0, "ad")
    if missing:
        raise BadInput(unknown_columns(file, found.mapped, found.names, tuple(dict.fromkeys(missing))))


def _records(lines: Sequence[str], found: _Header) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(lines[found.above :], delimiter=found.delimiter)
    for number, record in enumerate(reader, start=1):
        if any(cell.strip() for cell in record):
            yield number, [unguard(cell) for cell in record]


def _read(file: str, found: _Header, records: Sequence[tuple[int, list[str]]]) -> Export:
    problems, width = Problems(file), len(found.names)
    ads = [(number, record) for number, record in records if not _is_total(record, found)]
    for number, record in [(number, record) for number, record in ads if len(record) != width][:_TOLD]:
        message = f"the line has {len(record)} cells, the header has {width}"
        problems.add("ragged_row", message, "Export the table again", row=number)
    problems.raise_if_any()
    decimal = _decimal(found, ads, problems)
    lines = tuple(_line(number, record, found, decimal, problems) for number, record in ads)
    if not lines:
        problems.add("no_rows", "there is no line of an ad", "Export the report by ad, not by campaign")
    if problems.found:
        raise BadInput(tuple(problems.found[:_TOLD]))
    places = [found.columns[name] for name in ("day", "until") if name in found.columns]
    seen = days(record[place] for _, record in ads for place in places) if places else None
    columns = {name: found.names[place] for name, place in found.columns.items()}
    return Export(file, found.mapped.title, columns, lines, seen, _notes(found, len(records) - len(ads), seen))


def _notes(found: _Header, totals: int, seen: object) -> tuple[str, ...]:
    taken = ", ".join(f"{name} from {found.names[place]!r}" for name, place in found.columns.items())
    notes = [f"read as an export of {found.mapped.title}: {taken}"]
    if totals:
        notes.append(f"{totals} line{'s' if totals > 1 else ''} of sums left out")
    if "day" in found.columns and seen is None:
        notes.append(f"the days in {found.names[found.columns['day']]!r} cannot be read for sure and are not used")
    return tuple(notes)


def _is_total(record: Sequence[str], found: _Header) -> bool:
    """Whether a line is a sum: its ad has no name, or a total's."""
    place = found.columns.get("ad", found.columns.get("link", 0))
    name = clean(record[place]).casefold() if place < len(record) else ""
    first = clean(record[0]).casefold() if record else ""
    totals = found.mapped.totals
    return not name or name.startswith(totals) or (first.startswith(totals) and first.rstrip(":") in totals)


def _decimal(found: _Header, records: Sequence[tuple[int, list[str]]], problems: Problems) -> str:
    """The decimal mark of the file."""
    if found.mapped.decimal != "auto":
        return {"point": ".", "comma": ","}[found.mapped.decimal]

    def cells(names: Sequence[str]) -> list[str]:
        places = [found.columns[name] for name in names if name in found.columns]
        return [record[place] for _, record in records for place in places]

    try:
        return decimal_mark(cells(WHOLE), cells([name for name in COUNTS if name not in WHOLE]))
    except Unclear as error:
        problems.add("unclear_numbers", str(error), "Say which with `decimal: point` or `comma` in a --mapping")
        return "."


def _line(number: int, record: Sequence[str], found: _Header, decimal: str, problems: Problems) -> Line:
    counts: dict[str, float] = {}
    for name in COUNTS:
        place = found.columns.get(name)
        if place is None:
            continue
        column, text = found.names[place], record[place]
        try:
            counts[name] = figure(text, decimal)
        except Unclear as error:
            fix = (
                "Say which with `decimal: point` or `comma` in a --mapping" if "may" in str(error) else "Mend the cell"
            )
            problems.add("bad_number", str(error), fix, value=text, row=number, column=column)
            continue
        if counts[name] < 0:
            problems.add("negative_number", "a count below zero", "Mend it", value=text, row=number, column=column)
        elif name in WHOLE and counts[name] != int(counts[name]):
            problems.add("bad_number", "not a whole number", "Mend it", value=text, row=number, column=column)

    def text_of(name: str) -> str:
        place = found.columns.get(name)
        return clean(record[place]) if place is not None else ""

    if counts.get("clicks", 0) > counts.get("impressions", float("inf")):
        message = f"{counts['clicks']:,.0f} clicks of {counts['impressions']:,.0f} impressions"
        fix = "An ad cannot be clicked on more often than it is shown; check which columns are read, or use --mapping"
        problems.add("clicks_above_impressions", message, fix, value=shown(text_of("ad")), row=number)
    return Line(number, text_of("ad"), text_of("link"), counts)
