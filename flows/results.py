"""What a run leaves behind as tables: results.csv, failed.csv, manifest.json.

One line per row × locale × segment × variant × placement, in the order of the plan, each done or failed with a reason.
The input's columns come back first and untouched; ours follow. Every cell is guarded (`files.guard`), exactly
reversibly. UTF-8 with a byte order mark: without one Excel shows Hindi, Arabic and even é as rubbish and saves it so.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from pathlib import Path, PurePath
from typing import Any

from flows.columns import RESERVED, plain_name
from flows.deliveries import (
    FAILED_STATES,
    FINISHED_STATES,
    STATES,
    CountMismatch,
    DeliveryRecord,
    count_states,
    in_plan_order,
    verdict,
    with_utm,
)
from flows.files import atomic_path, guard, unguard, write_whole
from flows.model import BadInput, Problem

__all__ = [
    "FAILED_STATES",
    "FINISHED_STATES",
    "STATES",
    "CountMismatch",
    "DeliveryRecord",
    "FailedRow",
    "count_states",
    "failed_rows",
    "own_columns",
    "read_results",
    "verdict",
    "with_utm",
    "write_failed",
    "write_lines",
    "write_manifest",
    "write_results",
]

UNKNOWN = "unknown"

#: Our columns, after the input's; always all of them, always in this order.
COLUMNS = (
    "row", "creative_id", "locale", "segment", "variant", "control_id", "differs_in", "placement",
    "status", "code", "fault", "step", "attempts", "seconds", "gpu_seconds", "cost", "film_seconds",
    "sha256", "path", "utm", "url_with_utm",
    "disclosure", "disclosure_label", "disclosure_fields", "marks", "mark_id", "proof", "approval",
    "message", "fix",
)  # fmt: skip


# --- results.csv --------------------------------------------------------------------------------------------------


def own_columns(columns: Sequence[str]) -> tuple[str, ...]:
    """Names of our columns beside these: one that the input has already gets the prefix `spotmill_`."""
    taken = {plain_name(column) for column in columns}
    names = []
    for name in COLUMNS:
        free = name if name not in taken else f"spotmill_{name}"
        number = 2
        while free in taken:
            free, number = f"spotmill_{name}_{number}", number + 1
        names.append(free)
    return tuple(names)


def write_results(
    path: Path,
    columns: Sequence[str],
    records: Iterable[DeliveryRecord],
    *,
    expected: Iterable[tuple[str, str]],
) -> None:
    """Write results.csv: the input's columns as they were, then ours, a line per planned delivery in the plan's order.

    Raises: CountMismatch; NoSpace, CannotWrite. The file that was there stays in both cases.
    """
    write_lines(path, columns, in_plan_order(records, expected))


def write_lines(path: Path, columns: Sequence[str], records: Iterable[DeliveryRecord]) -> None:
    """The same for records that are proven to be the plan's, and in its order. Raises: NoSpace, CannotWrite."""
    _write_table(path, [*columns, *own_columns(columns)], (_line(record, columns) for record in records))


def _line(record: DeliveryRecord, columns: Sequence[str]) -> list[str]:
    return [*(record.cells.get(column, "") for column in columns), *(_cell(record, name) for name in COLUMNS)]


def _cell(record: DeliveryRecord, name: str) -> str:
    value = getattr(record, name)
    if value is None:
        return UNKNOWN if name != "film_seconds" else ""
    if isinstance(value, float):
        return f"{value:.6f}" if name == "cost" else f"{value:.3f}"
    if isinstance(value, tuple):
        return "; ".join(value)
    if isinstance(value, Mapping):
        return json.dumps(dict(value), ensure_ascii=False, sort_keys=True) if value else ""
    return str(value)


def _write_table(path: Path, header: Sequence[str], lines: Iterable[Sequence[str]]) -> None:
    with atomic_path(path) as part, part.open("w", encoding="utf-8-sig", newline="") as stream:
        # Minimal quoting covers a lone carriage return too, which ends the line for some readers.
        writer = csv.writer(stream, lineterminator="\r\n")
        writer.writerow([guard(name) for name in header])
        writer.writerows([guard(cell) for cell in line] for line in lines)


def read_results(path: Path) -> tuple[tuple[str, ...], tuple[DeliveryRecord, ...]]:
    """The input's columns and the records of a results.csv that Spotmill wrote.

    Raises: BadInput when it is not one, or was changed so that it cannot be understood.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream, strict=True)
            header = [unguard(cell) for cell in next(reader, [])]
            columns = tuple(header[: -len(COLUMNS)])
            _check_header(header, columns)
            return columns, tuple(_record(columns, line, number) for number, line in enumerate(reader, start=1))
    except (OSError, ValueError, csv.Error) as error:
        fix = "Name the folder of a finished run; a changed file cannot be read back"
        problem = Problem(path.name, None, None, "not_results", "", f"is no readable table of results: {error}", fix)
        raise BadInput((problem,)) from error


def _check_header(header: Sequence[str], columns: Sequence[str]) -> None:
    if len(header) < len(COLUMNS) or tuple(header[len(columns) :]) != own_columns(columns):
        raise ValueError("its columns are not those that Spotmill writes")


def _record(columns: Sequence[str], line: Sequence[str], number: int) -> DeliveryRecord:
    if len(line) != len(columns) + len(COLUMNS):
        raise ValueError(f"line {number} has {len(line)} cells instead of {len(columns) + len(COLUMNS)}")
    values = [unguard(cell) for cell in line]
    cells = dict(zip(columns, values, strict=False))
    own = dict(zip(COLUMNS, values[len(columns) :], strict=True))
    try:
        fields: dict[str, Any] = {name: _READ.get(name, str)(text) for name, text in own.items()}
        return DeliveryRecord(row_id=_row_id(cells), cells=cells, **fields)
    except ValueError as error:
        raise ValueError(f"line {number}: {error}") from error


def _number(text: str) -> float | None:
    return None if text in (UNKNOWN, "") else float(text)


def _marks(text: str) -> tuple[str, ...]:
    return tuple(filter(None, text.split("; ")))


def _json(text: str) -> dict[str, str | bool]:
    return dict(json.loads(text or "{}"))


#: Columns that are not plain text.
_READ: dict[str, Callable[[str], Any]] = {
    "row": int,
    "attempts": int,
    "seconds": _number,
    "gpu_seconds": _number,
    "cost": _number,
    "film_seconds": _number,
    "marks": _marks,
    "disclosure_fields": _json,
}


def _row_id(cells: Mapping[str, str]) -> str:
    return next((cell.strip() for column, cell in cells.items() if plain_name(column) == "row_id"), "")


# --- failed.csv ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FailedRow:
    """A row of the input to run again, for the placements that failed; none means all that it had."""

    row: int
    row_id: str
    cells: Mapping[str, str] = field(hash=False)
    placements: tuple[str, ...]
    #: What went wrong, each different thing once: step, attempt, class and code, cause, way out.
    why: tuple[str, ...] = ()


#: Column of failed.csv for people; a name that begins so is read by nobody.
WHY = "_why"


def why_failed(record: DeliveryRecord) -> str:
    """One failed delivery as a sentence for people."""
    where = f"{record.step}, attempt {max(1, record.attempts)}, {record.fault} ({record.code})"
    return f"{where}: {record.message.rstrip('.')}. {record.fix}"


def failed_rows(records: Iterable[DeliveryRecord]) -> tuple[FailedRow, ...]:
    """The rows with a failed delivery, in the input's order."""
    rows: dict[int, FailedRow] = {}
    for record in records:
        if record.status in FAILED_STATES:
            before = rows.get(record.row)
            names = (*(before.placements if before else ()), record.placement)
            unique = tuple(dict.fromkeys(filter(None, names)))
            why = dict.fromkeys((*(before.why if before else ()), why_failed(record)))
            rows[record.row] = FailedRow(record.row, record.row_id, record.cells, unique, tuple(why))
    return tuple(rows[number] for number in sorted(rows))


def write_failed(path: Path, columns: Sequence[str], rows: Sequence[FailedRow]) -> bool:
    """Write failed.csv, valid as input: the original cells, the placements narrowed to those that failed.

    The columns `row_id` and `placements` are added where the input has none, so that ids stay what they were, and
    `_why`, which is for people. Without a failed row there is no file, and one of an earlier run is removed. Returns
    whether there is one.

    Raises: NoSpace, CannotWrite.
    """
    if not rows:
        path.unlink(missing_ok=True)
        return False
    id_column, placements_column = (_column(columns, name) for name in ("row_id", "placements"))
    reasons = [WHY] if any(row.why for row in rows) else []
    added = [name for name in (id_column, placements_column, *reasons) if name not in columns]
    _write_table(path, [*columns, *added], _failed_lines(rows, [*columns, *added], id_column, placements_column))
    return True


def _failed_lines(
    rows: Sequence[FailedRow], header: Sequence[str], id_column: str, placements_column: str
) -> Iterator[list[str]]:
    for row in rows:
        cells = dict(row.cells)
        if not cells.get(id_column, "").strip():
            cells[id_column] = row.row_id
        if row.placements:
            cells[placements_column] = " | ".join(row.placements)
        if row.why:
            cells[WHY] = " | ".join(row.why)
        yield [cells.get(column, "") for column in header]


def _column(columns: Sequence[str], name: str) -> str:
    """The column of the input that means this, however it is spelt, or the plain name."""
    return next((column for column in columns if RESERVED.get(plain_name(column)) == name), name)


# --- manifest.json ------------------------------------------------------------------------------------------------


def write_manifest(path: Path, manifest: Mapping[str, object]) -> None:
    """Write manifest.json. Exact rates, dates and paths become text; anything else that JSON lacks is an error.

    Raises: TypeError, ValueError naming the value; NoSpace, CannotWrite.
    """
    text = json.dumps(manifest, ensure_ascii=False, indent=2, allow_nan=False, default=_as_text)
    write_whole(path, text + "\n")


def _as_text(value: object) -> str:
    if isinstance(value, Fraction | date | PurePath):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no place in a manifest")
