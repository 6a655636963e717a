"""Rows that are run again show the people that they showed before: failed.csv states them in its column `person`.

Without that, the few rows of failed.csv would be balanced among themselves, and one placement of an ad could show
somebody else than the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from flows.columns import RESERVED, plain_name
from flows.deliveries import DeliveryRecord
from flows.policy.casting import person_cell
from flows.results import FailedRow

COLUMN = "person"


def with_people(
    header: Sequence[str],
    rows: Iterable[FailedRow],
    records: Iterable[DeliveryRecord],
    people: Mapping[str, Mapping[str, str]],
) -> tuple[tuple[str, ...], tuple[FailedRow, ...]]:
    """Header and rows with the column, where a row shows one person in all of its creatives.

    `people` is what creatives show, by their ids.
    """
    rows = tuple(rows)
    seen: dict[int, set[str]] = {}
    for record in records:
        if people.get(record.creative_id):
            seen.setdefault(record.row, set()).add(person_cell(people[record.creative_id]))
    known = {number: next(iter(cells)) for number, cells in seen.items() if len(cells) == 1}
    if not any(row.row in known for row in rows):
        return tuple(header), rows
    column = next((name for name in header if RESERVED.get(plain_name(name)) == COLUMN), COLUMN)
    stated = tuple(
        replace(row, cells={**row.cells, column: row.cells.get(column, "").strip() or known.get(row.row, "")})
        for row in rows
    )
    return (*header, *([] if column in header else [column])), stated
