"""Which columns of a platform's export mean what: `exports.toml`, or a mapping of the user's own.

A mapping of one's own is a YAML file; what it does not name comes from the platform that it names, or is not there:

    platform: meta
    conversions: Website purchases
    decimal: comma

Knows no campaign and reads no export.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Literal

from flows.brand import Words, WrittenFile
from flows.facts import Facts, Origin, Table
from flows.model import BadInput, Problem
from flows.problems import Problems, did_you_mean
from flows.table import clean
from flows.yaml_file import read_model

FILE = Path(__file__).with_name("exports.toml")
#: What is read of an export; the last four are numbers.
FIELDS = ("ad", "link", "day", "until", "impressions", "clicks", "conversions", "spend")


@dataclass(frozen=True, slots=True)
class Mapped:
    """One export: field -> the names that its column may have."""

    id: str
    title: str
    names: Mapping[str, tuple[str, ...]]
    totals: tuple[str, ...] = ("total",)
    #: point, comma, or auto.
    decimal: str = "auto"
    origin: Origin | None = None
    #: Fields that the user named: the file must have them.
    asked: tuple[str, ...] = ()

    def columns(self, header: Sequence[str]) -> dict[str, int]:
        """Field -> place of its column in this header."""
        keys = [_key(name) for name in header]
        found: dict[str, int] = {}
        for field, names in self.names.items():
            for name in names:
                place = next((index for index, key in enumerate(keys) if fnmatchcase(key, _pattern(name))), None)
                if place is not None:
                    found[field] = place
                    break
        return found


def _key(name: str) -> str:
    return " ".join(clean(name).casefold().split())


def _pattern(name: str) -> str:
    """Only `*` is special; brackets are letters."""
    return _key(name).replace("[", "[[]").replace("?", "[?]")


@cache
def load_exports(file: Path = FILE) -> Mapping[str, Mapped]:
    """Every platform's export by id. Raises: BadInput naming every table that is wrong."""
    facts = Facts(file, ("export",))
    found = facts.each("export", _export)
    facts.problems.raise_if_any()
    return found


def _export(name: str, table: Table) -> Mapped:
    names = {field: table.texts(field) for field in FIELDS}
    title, totals = table.text("title"), table.texts("totals")
    return Mapped(name, title, names, tuple(map(_key, totals)), origin=table.origin())


class MappingFile(WrittenFile):
    """A mapping of one's own."""

    platform: str = ""
    ad: Words = ()
    link: Words = ()
    day: Words = ()
    until: Words = ()
    impressions: Words = ()
    clicks: Words = ()
    conversions: Words = ()
    spend: Words = ()
    totals: Words = ()
    decimal: Literal["auto", "point", "comma"] = "auto"


def read_mapping(path: Path) -> Mapped:
    """The user's mapping. Raises: BadInput."""
    problems = Problems(path.name)
    file = read_model(path, MappingFile, problems)
    if file is None:
        raise BadInput(tuple(problems.found))
    if file.platform and file.platform not in load_exports():
        fix = did_you_mean(file.platform, load_exports())
        problems.add("unknown_platform", "no such platform", fix, value=file.platform, column="platform")
    problems.raise_if_any()
    base = load_exports()[file.platform] if file.platform else Mapped("own", path.name, {})
    own = {field: getattr(file, field) for field in FIELDS if getattr(file, field)}
    totals = tuple(map(_key, file.totals)) or base.totals
    return replace(base, names={**base.names, **own}, totals=totals, decimal=file.decimal, asked=tuple(own))


def unknown_columns(file: str, mapped: Mapped, header: Sequence[str], missing: Sequence[str]) -> tuple[Problem, ...]:
    """Complaints about columns that an export lacks, with what may be meant."""
    found = []
    for field in missing:
        names = mapped.names.get(field, ())
        near = next((guess for name in names if (guess := did_you_mean(name, header)).startswith("Did")), "")
        wanted = " or ".join(f'"{name}"' for name in names) or "named in the mapping"
        fix = f"{near} Name the column with --mapping, as `{field}: …`".strip()
        found.append(
            Problem(file, None, field, "unknown_column", "", f"there is no column for {field}; expected {wanted}", fix)
        )
    return tuple(found)
