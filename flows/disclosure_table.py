"""`disclosure.toml` as records: source types, thresholds, rules, label texts, each with where it was read and when.

A table that would leave a value, a field or a language unset is refused when it is read. Decides nothing:
`disclosure.py` holds the rules against one delivery.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from flows.facts import BadTable, Facts, Origin, Table

FILE = Path(__file__).with_name("disclosure.toml")
VALUES = ("ai_generated", "ai_composite", "not_ai_generated")
#: What a platform's interface takes: a word, a switch, or a list of words.
Field = str | bool | list[str]
_WHEN = ("always", "ai", "person")
_LABELS = ("", "generated", "person")
#: Parts of a film's time from which more is declared; see the file.
_THRESHOLDS = ("declared", "generated")


@dataclass(frozen=True, slots=True)
class SourceType:
    """How footage can be made, and the value that is declared for it."""

    value: str
    made: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class Threshold:
    """From which part of the film's time on something holds."""

    share: float
    note: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class Rule:
    """What one law or platform asks for."""

    id: str
    title: str
    territories: tuple[str, ...]
    platforms: tuple[str, ...]
    when: str
    #: Text on the picture: generated, person or "" for none; for so many seconds from the start, 0 is the whole film.
    label: str
    label_seconds: float
    on: Mapping[str, Field]
    off: Mapping[str, Field]
    #: In place of `on` where the row says that a person made by AI is shown.
    person: Mapping[str, Field]
    #: The fields are an attestation of the advertiser.
    attests: bool
    #: How it is declared where there is no field.
    by_hand: str
    note: str
    origin: Origin

    def applies(self, territory: str, platform: str, value: str, may_show_person: bool) -> bool:
        """Whether the rule has a say; no territory counts as all of them."""
        if self.territories and territory and territory not in self.territories:
            return False
        if self.platforms and platform not in self.platforms:
            return False
        return self.when == "always" or (may_show_person if self.when == "person" else value != "not_ai_generated")

    def fields(self, value: str, synthetic_person: bool | None) -> Mapping[str, Field]:
        """The fields for a value."""
        if value == "not_ai_generated":
            return self.off
        return self.person if synthetic_person and self.person else self.on

    def as_json(self) -> dict[str, object]:
        """What a reader needs to look it up."""
        return {"id": self.id, "title": self.title, "note": self.note, **origin_json(self.origin)}


@dataclass(frozen=True, slots=True)
class Tables:
    """The whole file."""

    source_types: dict[str, SourceType]
    thresholds: dict[str, Threshold]
    rules: dict[str, Rule]
    labels: dict[str, dict[str, str]]
    #: Every tag that a label table is for, casefolded, to the table's name.
    tags: dict[str, str]

    def texts_for(self, locale: str) -> dict[str, str] | None:
        """The most specific label table: of the tag itself, of its shorter forms, or one that lists it as `also`."""
        parts = locale.replace("_", "-").split("-")
        for length in range(len(parts), 0, -1):
            tag = "-".join(parts[:length]).casefold()
            if tag in self.tags:
                return self.labels[self.tags[tag]]
        return None


def origin_json(origin: Origin) -> dict[str, object]:
    """Where a fact was read, when, and how sure that is."""
    return {"source": origin.source, "checked": origin.checked.isoformat(), "confidence": origin.confidence}


@cache
def tables(file: Path = FILE) -> Tables:
    """The file, read once.

    Raises: BadInput naming every table that is wrong.
    """
    facts = Facts(file, ("source_type", "threshold", "rule", "label"))
    tags: dict[str, str] = {}

    def label(name: str, table: Table) -> dict[str, str]:
        for tag in (name, *table.texts("also", ())):
            tags[tag.casefold()] = name
        return {kind: _some(table, kind) for kind in ("generated", "modified", "person", "both")}

    found = Tables(
        facts.each("source_type", _source_type),
        facts.each("threshold", _threshold),
        facts.each("rule", _rule),
        facts.each("label", label),
        tags,
    )
    told = {str(problem.column).rpartition(".")[0] for problem in facts.problems.found}
    for name in _THRESHOLDS:
        if name not in found.thresholds and f"threshold.{name}" not in told:
            facts.problems.add("bad_table", "is missing", "Write the table", column=f"threshold.{name}")
    facts.problems.raise_if_any()
    return found


def _source_type(name: str, table: Table) -> SourceType:
    return SourceType(table.one_of("value", VALUES), _some(table, "made"), table.origin())


def _threshold(name: str, table: Table) -> Threshold:
    if name not in _THRESHOLDS:
        raise BadTable("", f"is no threshold; there are {' and '.join(_THRESHOLDS)}")
    share = table.number("share")
    if not 0 <= share <= 1:
        raise BadTable("share", "is no part of a film: write 0 to 1", share)
    return Threshold(share, _some(table, "note"), table.origin())


def _rule(name: str, table: Table) -> Rule:
    rule = Rule(
        id=name,
        title=_some(table, "title"),
        territories=table.texts("territories"),
        platforms=table.texts("platforms"),
        when=table.one_of("when", _WHEN),
        label=table.one_of("label", _LABELS),
        label_seconds=table.number("label_seconds", 0),
        on=_fields(table, "on"),
        off=_fields(table, "off"),
        person=_fields(table, "person"),
        attests=table.switch("attests", False),
        by_hand=table.text("by_hand", ""),
        note=_some(table, "note"),
        origin=table.origin(),
    )
    if rule.on.keys() != rule.off.keys() or (rule.person and rule.person.keys() != rule.on.keys()):
        raise BadTable("off", "does not set the same fields as `on`: one of them would stay unset")
    if rule.platforms and not rule.on and not rule.by_hand.strip():
        raise BadTable("by_hand", "is missing: without a field, somebody must know how to declare it")
    if rule.label_seconds < 0:
        raise BadTable("label_seconds", "is below 0", rule.label_seconds)
    return rule


def _fields(table: Table, key: str) -> dict[str, Field]:
    values = table.take(key, dict, {})
    assert isinstance(values, dict)
    for value in values.values():
        words = isinstance(value, list) and all(isinstance(word, str) and word for word in value)
        if not (words or (isinstance(value, str | bool) and value != "")):
            raise BadTable(key, "has a value that is neither a text nor true, false or a list of texts", values)
    return values


def _some(table: Table, key: str) -> str:
    text = table.text(key)
    if not text.strip():
        raise BadTable(key, "is empty")
    return text
