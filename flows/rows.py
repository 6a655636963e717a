"""The rows of a campaign: every line of the CSV read against the template's declarations, or refused with its reasons.

All rows are read before anything is said, so that one report has every complaint. A row that is refused keeps its
cells: with `--skip-bad-rows` it becomes a failed line. Does not render texts (`expand.py`) nor open pictures.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flows.assets import Assets
from flows.cells import ReservedCells
from flows.columns import Column, read_columns
from flows.localise import fallbacks
from flows.model import BadInput, Campaign, Problem, Row
from flows.problems import Problems, did_you_mean, in_order
from flows.table import Table, clean, read_table
from flows.template import Template
from flows.template_file import Variable
from flows.templating import BRACES
from flows.values import KINDS, BadValue
from flows.variants import bad_id, content_hash, slug

if TYPE_CHECKING:
    from flows.fetching import Internet


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that cannot be used, as it stood in the file, and why."""

    number: int
    #: "" when the row has none of its own.
    row_id: str
    cells: Mapping[str, str]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class RowsRead:
    """All rows of a file."""

    #: The header exactly as in the file.
    header: tuple[str, ...]
    rows: tuple[Row, ...]
    refused: tuple[RefusedRow, ...]
    #: What was assumed or left out, as sentences.
    notes: tuple[str, ...]

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The complaints about all refused rows."""
        return in_order(problem for row in self.refused for problem in row.problems)


def read_rows(campaign: Campaign, template: Template) -> tuple[Row, ...]:
    """Every row.

    Raises: BadInput with the complaints about all of them when there is any.
    """
    read = read_all_rows(campaign, template)
    if read.problems:
        raise BadInput(read.problems)
    return read.rows


def read_all_rows(campaign: Campaign, template: Template, internet: Internet | None = None) -> RowsRead:
    """Good and refused rows. Files at addresses that the campaign allows are fetched, unless they are here already.

    Raises: BadInput when the file as a whole cannot be read, or its columns are wrong.
    """
    problems = Problems(campaign.rows_file.name)
    table = read_table(campaign.rows_file, problems)
    if table is None:
        raise BadInput(in_order(problems.found))
    kinds = {name: variable.type for name, variable in template.variables.items()}
    whole = Problems(problems.file)
    columns = read_columns(table.header, kinds, campaign.ignore_columns, whole)
    _check_required(columns, template, whole)
    whole.raise_if_any()
    assets = Assets(campaign.folder, campaign.asset_hosts, internet)
    reader = _Reader(campaign, template, columns, problems, assets)
    for number, record in zip(table.numbers, table.records, strict=True):
        reader.read(number, record)
    reader.check()
    return _sorted_out(table, reader, problems)


def _sorted_out(table: Table, reader: _Reader, problems: Problems) -> RowsRead:
    """Rows with a complaint apart from those without."""
    by_row: dict[int, list[Problem]] = {}
    for problem in problems.found:
        by_row.setdefault(problem.row or 0, []).append(problem)
    records = dict(zip(table.numbers, table.records, strict=True)) | dict(table.ragged)
    ids = {row.number: row.row_id for row in reader.rows}
    refused = tuple(
        RefusedRow(
            number,
            ids.get(number, ""),
            dict(zip(table.header, records[number], strict=False)),
            in_order(by_row[number]),
        )
        for number in sorted(by_row)
    )
    rows = tuple(row for row in reader.rows if row.number not in by_row)
    return RowsRead(table.header, rows, refused, (*table.notes, *reader.notes()))


def _check_required(columns: tuple[Column, ...], template: Template, problems: Problems) -> None:
    present = {column.variable for column in columns}
    for name, variable in template.variables.items():
        if variable.required and name not in present:
            example = f", for example {variable.example!r}" if variable.example else ""
            message = f"the template {template.name} needs this column"
            problems.add("missing_column", message, f"Add it to the header{example}", column=name)


def lookup(variables: Mapping[str, str], name: str, locale: str) -> str:
    """A variable's text for a locale: the first of `price.es-MX`, `price.es` and `price` that is not empty."""
    for tag in fallbacks(locale):
        text = variables.get(f"{name}.{tag}")
        if text:
            return text
    return variables.get(name, "")


def currency_of(variables: Mapping[str, str], currencies: Mapping[str, str], locale: str) -> str:
    """The currency of a row's prices in a locale, "" when nothing says it: the row's column, else the campaign's."""
    found = lookup(variables, "currency", locale)
    tags = (*fallbacks(locale), "")
    return found or next((currencies[tag] for tag in tags if tag in currencies), "")


@dataclass(slots=True)
class _Reader:
    """Reads records one after another; complaints go to `problems` with their row."""

    campaign: Campaign
    template: Template
    columns: tuple[Column, ...]
    problems: Problems
    assets: Assets
    rows: list[Row] = field(default_factory=list)
    _cleaned: int = 0
    _ids: dict[str, tuple[int, str]] = field(default_factory=dict)
    _files: dict[str, bool] = field(default_factory=dict)

    def read(self, number: int, record: tuple[str, ...]) -> None:
        """Read one record into a row."""
        cells = {column.header: cell for column, cell in zip(self.columns, record, strict=True)}
        variables: dict[str, str] = {}
        reserved: dict[str, str] = {}
        for column, cell in zip(self.columns, record, strict=True):
            text = clean(cell)
            if column.kind == "variable":
                variables[column.name] = text
                self._cleaned += not cell.isascii() and len(text) < len(cell.strip())
            elif column.kind == "reserved":
                reserved[column.name] = text if column.name != "row_id" else cell.strip()
        row_id = self._row_id(number, reserved.get("row_id", ""), variables)
        fields = ReservedCells(number, self.campaign, self.problems)
        enabled = fields.boolean("enabled", reserved)
        if enabled is False:
            # Rows are switched off because they are not ready: nothing else is asked of them.
            self.rows.append(Row(number, row_id, cells, variables, enabled=False))
            return
        given = fields.read(reserved)
        self.rows.append(Row(number=number, row_id=row_id, cells=cells, variables=variables, **given))

    def check(self) -> None:
        """Check the variables of every row that is switched on, after all files that they name were fetched at once."""
        rows = [row for row in self.rows if row.enabled]
        declared = {column.name: self.template.variables[column.variable] for column in self.columns if column.variable}
        files = {name: variable for name, variable in declared.items() if variable.type in ("image", "video")}
        cells = ((row.variables[name], variable) for row in rows for name, variable in files.items())
        self.assets.fetch({text: variable.type for text, variable in cells if len(text) <= variable.max_length})
        for row in rows:
            self._check_variables(row)

    def notes(self) -> tuple[str, ...]:
        """What was cleaned and fetched, as sentences."""
        fetched = self.assets.notes()
        if not self._cleaned:
            return fetched
        return (f"Invisible control or direction characters were taken out of {self._cleaned} cell(s).", *fetched)

    def _row_id(self, number: int, text: str, variables: Mapping[str, str]) -> str:
        """The row's own id, or one derived from what it is about, so that a changed price keeps it."""
        derived = not text
        row_id = unicodedata.normalize("NFC", text) or self._derived_id(variables)
        reason = bad_id(row_id)
        if reason:
            fix = "Use letters, digits, hyphens and underscores"
            self.problems.add("bad_row_id", f"the id {reason}", fix, value=text, row=number, column="row_id")
            return row_id
        other = self._ids.setdefault(slug(row_id).casefold(), (number, row_id))
        if other[0] != number:
            fix = "Give each row a row_id of its own"
            same = "the two rows look alike and have no id" if derived else f"row {other[0]} has the same id"
            for where in (number, other[0]):
                message = same if where == number or derived else f"row {number} has the same id"
                value = row_id if where == number else other[1]
                self.problems.add("same_row_id", message, fix, value=value, row=where, column="row_id")
        return row_id

    def _derived_id(self, variables: Mapping[str, str]) -> str:
        required = [name for name, variable in self.template.variables.items() if variable.required]
        about = {name: text for name, text in variables.items() if name.partition(".")[0] in required} or variables
        facts = [part for name in sorted(about) for part in (name, about[name])]
        first = next((variables[name] for name in required if variables.get(name)), "row")
        return f"{slug(first)[:24].rstrip('-._') or 'row'}-{content_hash(*facts)[:8]}"

    def _check_variables(self, row: Row) -> None:
        declared = self.template.variables
        for column in self.columns:
            if column.kind == "variable" and row.variables[column.name]:
                self._check_cell(row, column, declared[column.variable])
        for locale in row.locales or self.campaign.locales:
            for name, variable in declared.items():
                text = lookup(row.variables, name, locale) or variable.default
                if variable.required and not text:
                    fix = f'Fill it, or the column "{name}.{locale}"'
                    self._complain(row, name, "required", f"the cell is empty, and {locale} needs it", fix, "")
                if (
                    variable.type == "money"
                    and text
                    and not currency_of(row.variables, self.campaign.currencies, locale)
                ):
                    fix = "Set `currency:` in campaign.yaml, or add a currency column"
                    self._complain(
                        row, name, "no_currency", f"nothing says which currency this is in {locale}", fix, text
                    )

    def _check_cell(self, row: Row, column: Column, variable: Variable) -> None:
        text, name = row.variables[column.name], column.name
        if braces := BRACES.search(text):
            message = f"{braces.group()} is template language, and cells are never templates"
            self._complain(row, name, "braces", message, "Write the words that should be shown", text)
        elif len(text) > variable.max_length:
            over = len(text) - variable.max_length
            message = f"{len(text)} characters, {variable.max_length} are allowed"
            self._complain(row, name, "text_too_long", message, f"Shorten it by {over}", text)
        elif variable.type == "choice" and text not in variable.choices:
            self._complain(
                row, name, "not_a_choice", "not one of the choices", did_you_mean(text, variable.choices), text
            )
        elif variable.type in ("image", "video"):
            if text not in self._files:
                quiet = Problems("")
                self._files[text] = self.assets.file(text, quiet) is not None
            if not self._files[text]:
                self.assets.file(text, self.problems, column=name, row=row.number)
        else:
            try:
                KINDS[variable.type].read(text)
            except BadValue as error:
                self._complain(row, name, f"bad_{variable.type}", str(error), error.fix, text)

    def _complain(self, row: Row, column: str, code: str, message: str, fix: str, value: str) -> None:
        self.problems.add(code, message, fix, value=value, row=row.number, column=column)
