"""Facts in TOML files, each with its source and the day it was checked, read key by key.

A table that is wrong is a sentence with file, table and key. Does not know what the facts are about:
`placement_table.py` and `disclosure.py` do.
"""

from __future__ import annotations

import datetime
import math
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TypeVar, overload

from flows.model import BadInput, Problem
from flows.problems import Problems, did_you_mean

#: official: the platform's or legislator's own text; secondary: somebody's restatement; unclear: a cautious default.
CONFIDENCES = ("official", "secondary", "unclear")

Record = TypeVar("Record")
Default = TypeVar("Default")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a fact comes from."""

    source: str
    checked: datetime.date
    confidence: str


class BadTable(Exception):
    """One table cannot be used: the key at fault, what is wrong with it, the value."""

    def __init__(self, key: str, message: str, value: object = "") -> None:
        super().__init__(message)
        self.key, self.value = key, value


class Table:
    """One TOML table whose keys are taken one by one; whatever is left over was not meant."""

    def __init__(self, values: object) -> None:
        if not isinstance(values, dict):
            raise BadTable("", "is not a table", values)
        self._values = dict(values)

    def take(self, key: str, kind: type | tuple[type, ...], default: object = ...) -> object:
        """The value of a key, removed from the table."""
        if key not in self._values:
            if default is ...:
                raise BadTable(key, "is missing")
            return default
        value = self._values.pop(key)
        # A TOML `true` is an int to Python.
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise BadTable(key, "has the wrong type", value)
        return value

    def text(self, key: str, default: object = ...) -> str:
        """A text."""
        return str(self.take(key, str, default))

    @overload
    def whole(self, key: str) -> int: ...
    @overload
    def whole(self, key: str, default: Default) -> int | Default: ...
    def whole(self, key: str, default: object = ...) -> object:
        """A number of pixels, bytes or kbit/s above 0."""
        value = self.take(key, int, default)
        if isinstance(value, int) and value <= 0:
            raise BadTable(key, "is not above 0", value)
        return value

    def number(self, key: str, default: object = ...) -> float:
        """A finite number."""
        value = self.take(key, (int, float), default)
        assert isinstance(value, int | float)
        if not math.isfinite(value):
            raise BadTable(key, "is not a number", value)
        return float(value)

    def numbers(self, key: str, count: int) -> list[float]:
        """So many finite numbers."""
        values = self.take(key, list)
        assert isinstance(values, list)
        if len(values) != count or not all(type(value) in (int, float) and math.isfinite(value) for value in values):
            raise BadTable(key, f"is not a list of {count} numbers", values)
        return [float(value) for value in values]

    def rate(self, key: str, default: str | None = None) -> Fraction:
        """A frame rate, written as a text such as "30000/1001"."""
        text = self.text(key, default if default is not None else ...)
        try:
            rate = Fraction(text)
        except (ValueError, ZeroDivisionError) as error:
            raise BadTable(key, 'is not a rate such as "30000/1001"', text) from error
        if rate <= 0:
            raise BadTable(key, "is not above 0", text)
        return rate

    def texts(self, key: str, default: object = ...) -> tuple[str, ...]:
        """A list of texts."""
        values = self.take(key, list, default)
        if not isinstance(values, list | tuple) or not all(isinstance(value, str) for value in values):
            raise BadTable(key, "is not a list of texts", values)
        return tuple(values)

    def switch(self, key: str, default: object = ...) -> bool:
        """A true or false."""
        return bool(self.take(key, bool, default))

    def one_of(self, key: str, known: Mapping[str, object] | tuple[str, ...]) -> str:
        """A text that is one of the known ones."""
        text = self.text(key)
        if text not in known:
            raise BadTable(key, f"is not known. {did_you_mean(text, known)}".strip(), text)
        return text

    def day(self, key: str) -> datetime.date:
        """A date, written without quotes."""
        value = self.take(key, datetime.date)
        assert isinstance(value, datetime.date)
        return value

    def end(self) -> None:
        """Refuse what nobody took."""
        for key, value in self._values.items():
            raise BadTable(key, "is not a key of this table", value)

    def names(self) -> tuple[str, ...]:
        """Keys that nobody took yet."""
        return tuple(self._values)

    def rest(self) -> dict[str, object]:
        """Everything that is left, taken."""
        left, self._values = self._values, {}
        return left

    def origin(self) -> Origin:
        """Source, day and confidence. Only what is openly unclear may do without a source."""
        origin = Origin(self.text("source"), self.day("checked"), self.one_of("confidence", CONFIDENCES))
        if not origin.source.startswith("https://") and (origin.source or origin.confidence != "unclear"):
            raise BadTable("source", "is not an https address", origin.source)
        return origin


class Facts:
    """The reading of one file: every table is tried, every complaint kept."""

    def __init__(self, file: Path, sections: tuple[str, ...]) -> None:
        self.problems = Problems(file.name)
        try:
            self._content = tomllib.loads(file.read_text("utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            problem = Problem(file.name, None, None, "not_toml", "", f"cannot be read: {error}", "Mend the file")
            raise BadInput((problem,)) from error
        for name in self._content:
            if name not in (*sections, "schema"):
                self.problems.add("bad_table", "is no section of this file", did_you_mean(name, sections), column=name)
        if self._content.get("schema") != 1:
            self.problems.add("bad_table", "must be 1", "Use the file that belongs to this version", column="schema")

    def each(self, section: str, read: Callable[[str, Table], Record]) -> dict[str, Record]:
        """The records of a section by the names of their tables, without those that are wrong."""
        records: dict[str, Record] = {}
        tables = self._content.get(section, {})
        for name, values in tables.items() if isinstance(tables, dict) else ():
            with self.blaming(f"{section}.{name}"):
                table = Table(values)
                record = read(name, table)
                table.end()
                records[name] = record
        if not tables:
            self.problems.add("bad_table", "is missing", "Write at least one table of it", column=section)
        return records

    @contextmanager
    def blaming(self, table: str) -> Iterator[None]:
        """Turn a `BadTable` of the block into a complaint about this table."""
        try:
            yield
        except BadTable as error:
            place = f"{table}.{error.key}" if error.key else table
            self.problems.add("bad_table", str(error), "Mend the table", value=error.value, column=place)
