"""What was planned and what became of it, kept on the disk while a run goes on: ten thousand ads need no more memory.

A private, temporary database of the system's, gone with the process. The book proves that every planned delivery has
exactly one record, and gives the records back in the plan's order, as often as somebody asks. Knows records and keys.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from typing import overload

from flows.deliveries import FAILED_STATES, DeliveryRecord, Key, mismatch

_TABLES = """
CREATE TABLE planned (place INTEGER PRIMARY KEY, creative TEXT, placement TEXT);
CREATE TABLE ended (creative TEXT, placement TEXT, record TEXT);
CREATE INDEX by_key ON ended (creative, placement);
"""
_RECORDS = "SELECT record FROM planned JOIN ended USING (creative, placement) ORDER BY place LIMIT ? OFFSET ?"
_COUNTED = "SELECT creative, placement FROM {} GROUP BY creative, placement HAVING COUNT(*) > 1"
_LACKING = "SELECT creative, placement FROM {} EXCEPT SELECT creative, placement FROM {}"


class RecordBook(Sequence[DeliveryRecord]):
    """The records of one run, in the order of its plan."""

    def __init__(self) -> None:
        # "" is a database in a temporary file that has no name. The flow's tasks may be threads, one after the other.
        self._database = sqlite3.connect("", check_same_thread=False)
        self._database.executescript(_TABLES)
        self._counts: Counter[str] = Counter()
        #: pass or fail -> how many deliveries; those without a proof are not counted.
        self.proofs: Counter[str] = Counter()
        self.planned = 0

    def plan(self, keys: Iterable[Key]) -> None:
        """These deliveries come next."""
        self.planned += self._database.executemany("INSERT INTO planned VALUES (NULL, ?, ?)", keys).rowcount

    def add(self, records: Iterable[DeliveryRecord]) -> None:
        """What became of some deliveries."""
        records = tuple(records)
        lines = ((*record.key, _written(record)) for record in records)
        self._database.executemany("INSERT INTO ended VALUES (?, ?, ?)", lines)
        self._counts.update(record.status for record in records)
        self.proofs.update(record.proof.split(":")[0] for record in records if record.proof)

    def prove(self) -> None:
        """See to it that the records are those of the plan. Raises: CountMismatch naming what is wrong."""
        wrong = {
            "missing": _LACKING.format("planned", "ended"),
            "twice": _COUNTED.format("ended"),
            "not planned": _LACKING.format("ended", "planned"),
            "planned twice": _COUNTED.format("planned"),
        }
        found = {what: list(self._database.execute(question)) for what, question in wrong.items()}
        if any(found.values()):
            raise mismatch(self.planned, found)

    @property
    def failed(self) -> int:
        """How many deliveries failed so far."""
        return sum(self._counts[state] for state in FAILED_STATES)

    @property
    def counts(self) -> Mapping[str, int]:
        """How many records are in each state."""
        return self._counts

    def creatives(self) -> set[str]:
        """Names of all planned creatives."""
        return {name for (name,) in self._database.execute("SELECT DISTINCT creative FROM planned")}

    def __len__(self) -> int:
        return self._counts.total()

    def __iter__(self) -> Iterator[DeliveryRecord]:
        """The records so far, in the plan's order."""
        yield from self._read(-1, 0)

    @overload
    def __getitem__(self, index: int) -> DeliveryRecord: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[DeliveryRecord, ...]: ...

    def __getitem__(self, index: int | slice) -> DeliveryRecord | tuple[DeliveryRecord, ...]:
        """A part of the records, in the plan's order."""
        if isinstance(index, int):
            start = range(len(self))[index]
            return next(self._read(1, start))
        start, stop, step = index.indices(len(self))
        if step < 1:
            raise ValueError("records are read forwards")
        return tuple(self._read(max(0, stop - start), start))[::step]

    def _read(self, most: int, first: int) -> Iterator[DeliveryRecord]:
        """So many records from a place on; -1 is all."""
        for (line,) in self._database.execute(_RECORDS, (most, first)):
            yield _read_back(line)


_FIELDS = tuple(field.name for field in fields(DeliveryRecord))


def _written(record: DeliveryRecord) -> str:
    return json.dumps([getattr(record, name) for name in _FIELDS], default=dict)


def _read_back(line: str) -> DeliveryRecord:
    values = dict(zip(_FIELDS, json.loads(line), strict=True))
    return DeliveryRecord(**values | {"marks": tuple(values["marks"])})
