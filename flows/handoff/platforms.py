"""`platforms.toml` as records: which bulk file each platform reads, which texts it needs, how long they may be.

A table that is wrong is a sentence with its key. Knows no campaign and no delivery.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from flows.facts import BadTable, Facts, Origin, Table
from flows.files import is_safe_name
from flows.handoff.wording import CALLS, TEXTS
from flows.model import BadInput, Problem
from flows.placements import load_placements
from flows.problems import did_you_mean

FILE = Path(__file__).with_name("platforms.toml")
#: What a cell of a bulk file may hold; `Ad.field` in ads.py gives each.
FIELDS = (
    *TEXTS, "name", "campaign", "ad_group", "call_to_action", "link", "domain", "film", "thumbnail", "captions",
    "ad_type", "locale", "disclosure",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Platform:
    """One bulk tool and what it takes."""

    id: str
    title: str
    #: Platforms of placements whose deliveries go here.
    takes: tuple[str, ...]
    #: Only when it is named.
    asked: bool
    sheet: str
    bom: bool
    #: Header -> field, "=constant" or "".
    columns: Mapping[str, str]
    needs: tuple[str, ...]
    limits_of: str
    #: Text -> keys of limits, "a*b" is a product.
    most: Mapping[str, tuple[str, ...]]
    shown: Mapping[str, tuple[str, ...]]
    #: Characters that the platform refuses in the primary text.
    refused: str
    calls: Mapping[str, str]
    ad_types: Mapping[str, str]
    steps: tuple[str, ...]
    note: str
    origin: Origin


@cache
def load_platforms(file: Path = FILE) -> Mapping[str, Platform]:
    """Every platform by id, in the file's order.

    Raises: BadInput naming every table that is wrong.
    """
    facts = Facts(file, ("platform",))
    found = facts.each("platform", _platform)
    facts.problems.raise_if_any()
    return found


def choose(names: Iterable[str]) -> tuple[Platform, ...]:
    """The platforms of these names; without any, all that need not be asked for.

    Raises: BadInput with the nearest name for an unknown one.
    """
    known, wanted = load_platforms(), tuple(dict.fromkeys(names))
    unknown = tuple(
        Problem("--platform", None, None, "unknown_platform", name[:60], "no such platform", did_you_mean(name, known))
        for name in wanted
        if name not in known
    )
    if unknown:
        raise BadInput(unknown)
    return tuple(known[name] for name in wanted) or tuple(one for one in known.values() if not one.asked)


def _platform(name: str, table: Table) -> Platform:
    return Platform(
        id=_safe("", name),
        title=table.text("title"),
        takes=table.texts("takes"),
        asked=table.switch("asked", False),
        sheet=_safe("sheet", table.text("sheet")),
        bom=table.switch("bom"),
        columns=_columns(table),
        needs=_texts("needs", table.texts("needs")),
        limits_of=table.one_of("limits_of", {"": None, **load_placements()}),
        most=_limits(table, "most"),
        shown=_limits(table, "shown"),
        refused=table.text("refused"),
        calls=_calls(table),
        ad_types=_words(table, "ad_types"),
        steps=table.texts("steps"),
        note=table.text("note"),
        origin=table.origin(),
    )


def _columns(table: Table) -> dict[str, str]:
    pairs = table.take("columns", list)
    assert isinstance(pairs, list)
    columns: dict[str, str] = {}
    for pair in pairs:
        if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(part, str) for part in pair):
            raise BadTable("columns", "is not a list of [header, value]", pair)
        header, value = pair
        if header in columns:
            raise BadTable("columns", "names a column twice", header)
        if value and not value.startswith("=") and value not in FIELDS:
            raise BadTable("columns", f"{value!r} is no field of an ad. {did_you_mean(value, FIELDS)}".strip(), header)
        columns[header] = value
    return columns


def _limits(table: Table, key: str) -> dict[str, tuple[str, ...]]:
    values = table.take(key, dict)
    assert isinstance(values, dict)
    _texts(key, (name for name in values if name != "link"))
    return {name: Table({"keys": keys}).texts("keys") for name, keys in values.items()}


def _texts(key: str, names: Iterable[str]) -> tuple[str, ...]:
    given = tuple(names)
    for name in given:
        if name not in TEXTS:
            raise BadTable(key, f"names no text of an ad. {did_you_mean(name, TEXTS)}".strip(), name)
    return given


def _calls(table: Table) -> dict[str, str]:
    calls = _words(table, "calls")
    for word in calls:
        if word not in CALLS:
            raise BadTable("calls", f"is no call to action of ours. {did_you_mean(word, CALLS)}".strip(), word)
    return calls


def _words(table: Table, key: str) -> dict[str, str]:
    values = table.take(key, dict)
    assert isinstance(values, dict)
    if not all(isinstance(value, str) and value for value in values.values()):
        raise BadTable(key, "has a value that is no text", values)
    return dict(values)


def _safe(key: str, name: str) -> str:
    if not is_safe_name(name):
        raise BadTable(key, "is no name for a file", name)
    return name
